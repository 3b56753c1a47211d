"""Runs for tests of claims, made of the few rows that a test names."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from xlprobe.artifacts.tables import read_schema
from xlprobe.claims.finding import JudgedRun
from xlprobe.metrics.model_tables import ModelFacts, ModelTables

STEPS = [1000, 2000, 3000, 4000]
# A pair of datasets, or one of them, and what is known of it by rule: a number, or that and the ends of its interval.
Numbers = Mapping[tuple[str, str], Mapping[str, Any]]


def facts(**changed: Any) -> ModelFacts:
    """What a study would say of a model with four checkpoints."""
    tasks = ("pos", "arc_prediction", "arc_classification", "xnli")
    known: dict[str, Any] = {
        "model": "base",
        "steps": [0, *STEPS],
        "protocols": dict.fromkeys(tasks, "paper") | {"bpc": "lines"},
        "languages": {},
        "absent": {},
        "world": False,
        "pretrained": None,
    }
    return ModelFacts(**(known | changed))


def rows(table: str, task: str, numbers: Numbers, **columns: Any) -> pd.DataFrame:
    """Rows of a table of measures; a dataset's language stands before its `_`."""
    found = []
    for (source, target), by_rule in numbers.items():
        for rule, number in by_rule.items():
            value, low, high = number if isinstance(number, tuple) else (number, None, None)
            row = {"model": "base", "task": task, "source": source, "target": target, "rule": rule, "value": value, "layer": 12}
            row |= {"source_language": source.split("_")[0], "target_language": target.split("_")[0], "low": low, "high": high}
            row |= {"protocol": None if task == "alignment" else "lines" if task == "bpc" else "paper", "n": 100, "formula": table}
            row |= {"split": "valid" if task == "bpc" else "test", "interval": "no interval" if low is None and high is None else "some"}
            found.append(row | columns)
    table_of = pd.DataFrame(found, columns=[*read_schema(f"{table}.schema.yaml")["properties"]])
    return table_of if found else table_of.astype(object)


def scores(task: str, by_layer: Mapping[tuple[str, str, int], Sequence[float]], **columns: Any) -> pd.DataFrame:
    """Scores by step, of curves at a layer; step 0 is planted absurdly well."""
    metric = {"bpc": "bits_per_character", "alignment": "f1"}.get(task, "accuracy")
    parts = []
    for (source, target, layer), values in by_layer.items():
        at_zero = 0.01 if task == "bpc" else 0.999
        for step, value in zip([0, *STEPS], [at_zero, *values], strict=True):
            named = {"step": step, "metric": metric, "layer": None if task == "bpc" else layer}
            parts.append(rows("scores", task, {(source, target): {"": value}}, **(named | columns)))
    return pd.concat(parts, ignore_index=True)


def run_of(found: Mapping[str, pd.DataFrame | Sequence[pd.DataFrame]], **changed: Any) -> JudgedRun:
    """A run that has these rows and no others; `changed` facts, or `configuration` and `environment`."""
    configuration, environment = changed.pop("configuration", {}), changed.pop("environment", {})
    tables = {name: part if isinstance(part, pd.DataFrame) else pd.concat(part, ignore_index=True) for name, part in found.items()}
    return JudgedRun(ModelTables(facts(**changed), {}, _read=tables), configuration, environment)
