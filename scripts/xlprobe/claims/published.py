"""The claims of a paper as published, and what it printed: `resources/published/<paper>_claims.tsv`."""

import re
from dataclasses import dataclass
from typing import NamedTuple

from xlprobe.artifacts.published_tables import published_rows

# A number as printed: 0.652, .36, -0.597, 115k, 1.5M; not those of names (F1), p-values or powers.
_NUMBER = re.compile(r"(?<![\w.<])(-?(?:\d+(?:\.\d+)?|\.\d+))([kM]?)(?![\w.]*\w)")
_TIMES = {"": 1.0, "k": 1e3, "M": 1e6}


class Printed(NamedTuple):
    """A number as printed: it may be half a unit of its last digit more or less."""

    value: float
    half_unit: float
    text: str


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A row of the table of claims.

    Attributes:
        value: as printed, or `qualitative`.
        measure: a function of `xlprobe.claims.measures`; `arguments` are its own.
        rule: how its findings are judged (`xlprobe.claims.verdicts`), by `threshold`.
        scope: any run; paper, where it holds for the languages and the model of the paper alone; construction, where nothing is tested.
        note: what is odd about it in print, or left open.
    """

    id: str
    section: str
    statement: str
    value: str
    how_measured: str
    measure: str
    arguments: str
    rule: str
    threshold: str
    scope: str
    note: str

    @property
    def printed(self) -> list[Printed]:
        """The numbers that it prints, in their order."""
        found = _NUMBER.findall(self.value)
        return [_printed(digits, times) for digits, times in found]


def _printed(digits: str, times: str) -> Printed:
    decimals = len(digits.partition(".")[2])
    return Printed(float(digits) * _TIMES[times], 0.5 * 10.0**-decimals * _TIMES[times], digits + times)


def read_claims(paper: str) -> list[Claim]:
    """The claims of a paper, in its order."""
    return [Claim(**row) for row in published_rows(f"published/{paper}_claims.tsv")]
