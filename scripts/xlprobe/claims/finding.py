"""What a run says to a claim: a number or several, each with its interval, or why there is none."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any, Protocol

from xlprobe.metrics.learning import NO_INTERVAL
from xlprobe.metrics.model_tables import ModelTables

# Units of numbers; a plain number, such as a rank correlation, has none.
PERCENT, POINTS, BITS, STEP, LAYERS, COUNT, GIB = "%", "points", "bits", "step", "layers", "count", "GiB"
SD = "standard deviations"


# No error by name, since the words of errors are no part of the code's identity, and these land in results.
class NotMeasured(Exception):  # noqa: N818
    """A claim cannot be measured in this run; the message says why."""


class ConfiguredRun(Protocol):
    """What a run says of itself, whatever is judged of it."""

    @property
    def configuration(self) -> Mapping[str, Any]:
        """All keys, as `metrics/config.json` has them."""

    @property
    def environment(self) -> Mapping[str, Any]:
        """What it was run with (`metrics/environment.json`)."""

    @property
    def models(self) -> Mapping[str, str]:
        """The names in the configuration of what claims call `model`, and so on."""


@dataclass(frozen=True)
class JudgedRun:
    """What a run says of a model, and of itself: what paper 1's claims are held against.

    Attributes:
        configuration: all keys, as `metrics/config.json` has them.
        environment: what it was run with (`metrics/environment.json`).
    """

    tables: ModelTables
    configuration: Mapping[str, Any]
    environment: Mapping[str, Any]

    @property
    def models(self) -> Mapping[str, str]:
        """The name in the configuration of what claims call `model`."""
        return {"model": self.tables.facts.model}

    @property
    def level(self) -> float:
        """The share of intervals that hold the truth."""
        return float(self.configuration.get("intervals", {}).get("level", 0.95))


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One number that a claim is held against. Scores are in per cent and their differences in points, as papers print them.

    Attributes:
        part: what tells it from the claim's other numbers, such as a task; empty where it is alone.
        value: by the paper's own way; None where there is none.
        honest: the same, cross-fitted; None where that is no other number, or cannot be had.
        low, high: the ends of its interval, infinite where that is open; None without an interval.
        interval: what kind of interval, or that there is none.
        n: how many languages, pairs, tasks or checkpoints are behind it.
        formula: the function that it comes from, and how it is taken.
        p: a p-value, of correlations; by permutation where there is one.
        text: what is said instead of a number.
        beside: whether it is shown beside the others and decides nothing.
        why: why it decides nothing; it may be shown all the same.
    """

    part: str = ""
    value: float | None = None
    honest: float | None = None
    low: float | None = None
    high: float | None = None
    interval: str = NO_INTERVAL
    n: int | None = None
    formula: str = ""
    unit: str = ""
    p: float | None = None
    text: str = ""
    beside: bool = False
    why: str = ""

    @property
    def deciding(self) -> float | None:
        """What decides where there is no interval: the honest number, else that by the paper's way."""
        return self.value if self.honest is None else self.honest

    def said(self) -> str:
        """The number, with what stands beside it, in words."""
        if self.value is None:
            found = self.text or "not measured"
        else:
            found = number_text(self.value, self.unit)
            if more := ", ".join(self._more()):
                found += f" ({more})"
        return f"{self.part}: {found}" if self.part else found

    def _more(self) -> list[str]:
        more = [] if self.honest is None else [f"cross-fitted {_figures(self.honest, self.unit)}"]
        if self.low is not None and self.high is not None:
            more.append(_range_text(self.low, self.high, self.unit))
        return more + ([f"p = {self.p:.2g}"] if self.p is not None else [])


def number_text(value: float, unit: str) -> str:
    """A number as it is read: `83.1 %`, `115k steps`, `1.79 layers`."""
    return f"{_figures(value, unit)}{_unit_text(unit)}"


def _range_text(low: float, high: float, unit: str) -> str:
    if not isfinite(high):
        return f"interval {_figures(low, unit)} or more" if isfinite(low) else "interval open at both ends"
    return f"interval {_figures(low, unit)} to {_figures(high, unit)}" if isfinite(low) else f"interval up to {_figures(high, unit)}"


def _figures(value: float, unit: str) -> str:
    if unit == STEP:
        return f"{round(value / 1000, 1):,g}k" if abs(value) >= 1000 else f"{value:.0f}"
    if unit == COUNT:
        return f"{value:,.0f}" if float(value).is_integer() else f"{value:.2f}"
    digits = {PERCENT: 1, "": 3, GIB: 1 if value >= 1 else 3}.get(unit, 2)
    # A small number below 0 is not -0.0.
    return f"{round(value, digits) + 0.0:.{digits}f}"


def _unit_text(unit: str) -> str:
    return {"": "", COUNT: "", STEP: " steps", PERCENT: " %"}.get(unit, f" {unit}")
