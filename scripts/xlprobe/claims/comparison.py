"""What a run says of its signatures, and of itself: what paper 2's claims are held against."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from xlprobe.artifacts.categories import ALL_WORDS, CATEGORIES
from xlprobe.claims.finding import Finding, NotMeasured
from xlprobe.metrics.last_signatures import AS_PRINTED, PUBLISHED
from xlprobe.metrics.learning import NO_INTERVAL
from xlprobe.metrics.signature_tables import SIGNATURES, SignatureTables
from xlprobe.metrics.training_outcomes import one_language

NO_SUCH_FIT = "the run makes no such fit (config keys signatures.fits and signatures.scales)"
# What is the same but for rounding is the same.
DECIMALS = 10
# Layers that claims name.
FIRST, MIDDLE, LAST = "first", "middle", "last"


@dataclass(frozen=True)
class JudgedComparison:
    """What a run says of its main comparison, of its variants, and of itself.

    Attributes:
        configuration: all keys, as `metrics/config.json` has them.
        environment: what it was run with (`metrics/environment.json`).
        way: the fit and scale of the signatures: as printed, or those of the second verdict.
    """

    tables: SignatureTables
    configuration: Mapping[str, Any]
    environment: Mapping[str, Any]
    way: tuple[str, str] = AS_PRINTED

    @property
    def models(self) -> Mapping[str, str]:
        """The names in the configuration of what claims call `model`, `control` and `resampled`."""
        return self.tables.facts.models

    def rows(self, name: str, variant: str | None = None, **kept: Any) -> pd.DataFrame:
        """The rows of a table of a comparison (the main one) that are of published signatures, taken this way.

        Args:
            kept: what columns have to hold; None, that they are blank.

        Raises:
            NotMeasured: there is none.
        """
        table = self.tables.table(name, variant)
        if table.empty:
            raise NotMeasured(f"the run has no row of metrics/{name}.parquet{f' for comparison {variant}' if variant else ''}")
        for column, value in {"fit": self.way[0], "scale": self.way[1], "signature": PUBLISHED}.items():
            table = table[table[column] == value] if column in table else table
        if table.empty:
            raise NotMeasured(NO_SUCH_FIT)
        for column, value in kept.items():
            table = table[table[column].isna() if value is None else table[column] == value]
            if table.empty:
                raise NotMeasured(f"the run has no row with the {column.replace('_', ' ')} {'that is blank' if value is None else value}")
        return table

    @property
    def layers(self) -> list[int]:
        """The layers that are compared.

        Raises:
            NotMeasured: no signature is taken this way.
        """
        return sorted(int(layer) for layer in self.rows(SIGNATURES)["layer"].unique())

    def layer(self, place: str) -> int:
        """The first, middle or last layer: 0, 6 and 12 of the paper's 13."""
        layers = self.layers
        return layers[{FIRST: 0, MIDDLE: len(layers) // 2, LAST: -1}[place]]

    def taken(self, category: str) -> str:
        """A category whose signatures are taken.

        Raises:
            NotMeasured: they are not.
        """
        if category not in self.tables.facts.categories:
            raise NotMeasured(f"signatures of {category_title(category)} are not taken (config key signatures.categories)")
        return category


def of_language(rows: pd.DataFrame, code: str) -> pd.DataFrame:
    """The rows of a language; Chinese in either script is zh."""
    return rows[rows["language"].map(one_language) == code]


def number(value: Any) -> float | None:
    """A cell of a table; None where it is blank."""
    return None if pd.isna(value) else float(value)


def correlation_finding(row: "pd.Series[Any]", formula: str) -> Finding:
    """A row of `signature_correlations` or `task_correlations`: r, Fisher's interval, and the permutation p-value where there is one."""
    r, low, high = (number(row[name]) for name in ("r", "low", "high"))
    why = str(row["reason"]) if r is None else f"n too small: {int(row['n'])} languages" if row["n_too_small"] else ""
    p = number(row["p"]) if pd.isna(row["permutation_p"]) else number(row["permutation_p"])
    interval = NO_INTERVAL if low is None else "Fisher's, over languages"
    return Finding(value=r, low=low, high=high, interval=interval, p=p, n=int(row["n"]), formula=formula, why=why)


def category_title(category: str) -> str:
    """What a category is called; part of speech is of all words."""
    return "all words" if category == ALL_WORDS else CATEGORIES[category]
