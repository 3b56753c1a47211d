"""Comparisons of signatures for tests of claims, made of the few rows that a test names."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pandas as pd
from planted_comparisons import PlantedTables
from planted_task_correlations import FACTS

from xlprobe.artifacts.categories import ALL_WORDS
from xlprobe.artifacts.tables import conform, read_schema
from xlprobe.claims.comparison import JudgedComparison
from xlprobe.metrics.last_signatures import AS_PRINTED, SECOND_VERDICT

Row = Mapping[str, Any]
# What a row has if a test does not say otherwise.
USUAL = {
    **{"variant": "main", "training_seed": None, "model": "multilingual", "step": 600, "category": ALL_WORDS, "layer": 0},
    **{"fit": AS_PRINTED[0], "scale": AS_PRINTED[1], "signature": "published", "reason": None, "n_too_small": False},
}
BLANK = {"string": "", "integer": 0, "number": 0.0, "boolean": False}
JOINT = dict(zip(("fit", "scale"), SECOND_VERDICT, strict=True))


def table(name: str, *rows: Row) -> pd.DataFrame:
    """A table of `metrics/` that has these rows."""
    properties = read_schema(f"{name}.schema.yaml")["properties"]
    # Whatever else a row must have, claims do not read.
    needed = {key: BLANK[facts["type"]] for key, facts in properties.items() if isinstance(facts["type"], str)}
    known = [{key: value for key, value in (needed | USUAL | dict(row)).items() if key in properties} for row in rows]
    return conform(pd.DataFrame(known).reindex(columns=[*properties]), f"{name}.schema.yaml")


def comparison_of(tables: Mapping[str, list[Row]] | None = None, **changed: Any) -> JudgedComparison:
    """A run that has these rows and no others; `changed` facts, or `configuration` and `environment`."""
    described = [changed.pop(name, {}) for name in ("configuration", "environment")]
    found = {name: table(name, *rows) for name, rows in (tables or {}).items()}
    return JudgedComparison(PlantedTables(replace(FACTS, **changed), {}, found), *described)
