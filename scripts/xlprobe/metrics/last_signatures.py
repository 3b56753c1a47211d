"""The signatures that paper 2's analyses are of: those of each comparison's last step, by category, fit and scale.

Shape letters: L languages, sorted by code; N layers, rising.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

# Fits over steps are of many checkpoints, and have a place of their own.
FITS = ("per_layer", "over_layers")
# What names a comparison at a step, what is fitted of it, and where a language's value is.
TRAINING = ("variant", "training_seed", "model", "step")
KEY = (*TRAINING, "category", "fit", "scale")
PLACE = ("category", "layer", "fit", "scale")
# How signatures are taken, by fit and scale: as paper 2 prints them, and for the second verdict, since a raw mean grows with the vectors.
AS_PRINTED, SECOND_VERDICT = ("per_layer", "raw"), ("over_layers", "standardised")
# Which signature is read, and the column that holds its mean.
PUBLISHED, PUBLISHED_MEAN = "published", "mean_published"

Row = dict[str, Any]


@dataclass(frozen=True)
class FittedSignatures:
    """The languages of one category, fit and scale, of one comparison at its last step.

    Attributes:
        key: the columns of KEY.
        rows: of the table of signatures, one a language and layer.
    """

    key: Row
    rows: pd.DataFrame

    @cached_property
    def languages(self) -> list[str]:
        """All that are compared, those without a value too."""
        return sorted(self.rows["language"].unique())

    @cached_property
    def layers(self) -> list[int]:
        """All that are compared."""
        return sorted(int(layer) for layer in self.rows["layer"].unique())

    def values(self, column: str = PUBLISHED_MEAN) -> np.ndarray:
        """A column of numbers, [L, N]; NaN where a language has no value at a layer."""
        table = self.rows.pivot(index="language", columns="layer", values=column)
        return table.reindex(index=self.languages, columns=self.layers).to_numpy(dtype=float, na_value=np.nan)

    @cached_property
    def reasons(self) -> dict[str, str]:
        """Why languages have no value, the first reason of each that gives one."""
        given = self.rows.dropna(subset="reason").drop_duplicates("language")
        return dict(zip(given["language"], given["reason"], strict=True))

    @property
    def why_none(self) -> str:
        """Why no language has a value: the reason that all share, or that they have several."""
        reasons = {*self.reasons.values()}
        return f"no language has a value: {reasons.pop()}" if len(reasons) == 1 else "no language has a value"


def fitted_signatures(signatures: pd.DataFrame) -> Iterator[FittedSignatures]:
    """The signatures of each comparison's last step, in the order of the table.

    Args:
        signatures: the table of that name.
    """
    for key, rows in last_rows(signatures).groupby([*KEY], dropna=False, sort=False):
        yield FittedSignatures(named(KEY, key), rows)


def last_rows(signatures: pd.DataFrame) -> pd.DataFrame:
    """The rows of fits by layer of each comparison's last step."""
    fitted = signatures[signatures["fit"].isin(FITS)]
    last = fitted.groupby(["variant", "training_seed"], dropna=False)["step"].transform("max")
    return fitted[fitted["step"] == last]


def trainings(rows: pd.DataFrame) -> Iterator[tuple[Row, pd.DataFrame]]:
    """Each comparison at a step, in the order of the rows: what names it (TRAINING), and its rows."""
    for key, part in rows.groupby([*TRAINING], dropna=False, sort=False):
        yield named(TRAINING, key), part


def named(columns: Sequence[str], key: Any) -> Row:
    """The values of a group's columns; None of what is missing."""
    return {column: None if pd.isna(value) else value for column, value in zip(columns, key, strict=True)}
