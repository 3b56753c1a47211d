"""Signatures and scores over steps whose agreement is known, and the tables made of them."""

from collections.abc import Mapping, Sequence

import pandas as pd

from xlprobe.artifacts.tables import conform, read_schema
from xlprobe.metrics.signature_agreement import SCHEMA as AGREEMENT
from xlprobe.metrics.signature_agreement import agreement_rows
from xlprobe.metrics.signature_trajectories import SCHEMA as TRAJECTORIES
from xlprobe.metrics.signature_trajectories import trajectory_rows
from xlprobe.tasks.declaration import load_probe_task

STEPS = (100, 200, 300, 400, 500, 600)
OVER_STEPS = {"fit": "over_steps", "scale": "standardised"}
PER_STEP = {"fit": "per_layer", "scale": "raw"}
# By language, or by task and language: a value a step.
Curves = Mapping[str, Sequence[float | None]]


def table_of(rows: Sequence[Mapping[str, object]], schema: str) -> pd.DataFrame:
    """Rows as a table of a run; what they do not name is missing, or of no meaning here."""
    properties = read_schema(schema)["properties"]
    empty = {"string": "", "integer": 0, "number": 0.0, "boolean": False}
    blanks = {
        name: None if "null" in (kinds := [rule["type"]] if isinstance(rule["type"], str) else rule["type"]) else empty[kinds[0]]
        for name, rule in properties.items()
    }
    return conform(pd.DataFrame([blanks | {**row} for row in rows], columns=[*properties]), schema)


def signatures(curves: Curves, steps: Sequence[int] = STEPS, layers: Sequence[int] = (3,), **changed: object) -> pd.DataFrame:
    """Mean signatures of all words, a curve a language, the same at each layer; None is a language without a value."""
    named = {"variant": "main", "model": "xlmr", "category": "part_of_speech"} | OVER_STEPS | changed
    rows = [
        named
        | {"language": language, "layer": layer, "step": step, "mean_published": value}
        | {"reason": "23 instances, fewer than 100" if value is None else None}
        for language, values in curves.items()
        for layer in layers
        for step, value in zip(steps, values, strict=True)
    ]
    return table_of(rows, "signatures.schema.yaml")


def scores(
    curves: Curves, task: str = "pos", steps: Sequence[int] = STEPS, layers: Sequence[int] = (3,), **changed: object
) -> pd.DataFrame:
    """Accuracies on test, a curve a language, the same at each layer."""
    rows = [
        {"model": "xlmr", "task": task, "metric": "accuracy", "protocol": "paper", "split": "test", "layer": layer, "step": step}
        | {"source": f"{language}_ud", "target": f"{language}_ud", "source_language": language, "target_language": language}
        | {"value": value}
        | changed
        for language, values in curves.items()
        for layer in layers
        for step, value in zip(steps, values, strict=True)
    ]
    return table_of(rows, "scores.schema.yaml")


def forgetting(answers: Mapping[str, bool | None], task: str = "pos", layer: int = 3, **changed: object) -> pd.DataFrame:
    """Whether the probes of languages forget, by cross-fitting."""
    rows = [
        {"model": "xlmr", "task": task, "protocol": "paper", "split": "test", "layer": layer, "rule": "cross-fitted", "measure": "relative"}
        | {"source": f"{language}_ud", "target": f"{language}_ud", "source_language": language, "target_language": language}
        | {"forgets": answer, "value": 0.2 if answer else 0.0}
        | changed
        for language, answer in answers.items()
    ]
    return table_of(rows, "forgetting.schema.yaml")


def compared(
    of_signatures: pd.DataFrame,
    of_scores: pd.DataFrame,
    lost: pd.DataFrame | None = None,
    romanised: Mapping[str, Sequence[str]] | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The tables signature_trajectories and signature_agreement, as a run has them."""
    tasks = {name: load_probe_task(name) for name in dict.fromkeys(of_scores["task"])}
    rows = [*trajectory_rows(of_signatures, of_scores, [*tasks.values()], "paper", romanised or {})]
    agreement = [*agreement_rows(pd.DataFrame(rows), tasks, lost)]
    return tuple(  # type: ignore[return-value]
        conform(pd.DataFrame(found).reindex(columns=[*read_schema(schema)["properties"]]), schema)
        for found, schema in ((rows, TRAJECTORIES), (agreement, AGREEMENT))
    )
