"""Tables of signatures whose means a test chooses."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from xlprobe.artifacts.tables import conform, read_schema

SCHEMA = "signatures.schema.yaml"
TOO_FEW = "23 instances, fewer than 100"


def signature_rows(means: Mapping[str, Sequence[float]], layers: Sequence[int] | None = None, **said: Any) -> list[dict[str, Any]]:
    """Rows of one category, fit and scale of the comparison `main`: each language with its means by layer; NaN: too few instances.

    Args:
        layers: where the means are, by default from 0 on.
        said: other columns, each a value, or by language.
    """
    shared = {"variant": "main", "model": "xlmr", "step": 20, "category": "case", "fit": "per_layer", "scale": "raw"}
    shared |= {"monolingual_step": 8, "instances": 500, "solver": "xlprobe"}
    found = []
    for language, values in means.items():
        own = {name: value[language] if isinstance(value, Mapping) else value for name, value in said.items()}
        named = {"language": language, "monolingual": f"mono_{language}", "dataset": f"morph_{language}"}
        for layer, value in zip(layers or range(len(values)), values, strict=True):
            mean = {"reason": TOO_FEW} if np.isnan(value) else {"mean_published": value}
            found.append(shared | named | {"layer": layer} | mean | own)
    return found


def signature_table(*parts: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """The table of some rows, as it is read."""
    return conform(pd.DataFrame([row for part in parts for row in part]).reindex(columns=[*read_schema(SCHEMA)["properties"]]), SCHEMA)


def only(rows: Sequence[Mapping[str, Any]], **named: Any) -> Mapping[str, Any]:
    """The one row whose columns have these values."""
    (found,) = [row for row in rows if all(row.get(column) == value for column, value in named.items())]
    return found
