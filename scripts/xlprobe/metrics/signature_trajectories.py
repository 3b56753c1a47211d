"""Mean signatures and the accuracy of probes at the same steps of one multilingual model, language by language.

Paper 1 follows probes over pretraining, paper 2 looks at signatures of the last step; neither has both. Signatures are of all words, at
the last layer that both have, and at the middle one.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from xlprobe.artifacts.categories import ALL_WORDS
from xlprobe.metrics.last_signatures import AS_PRINTED, PUBLISHED_MEAN, Row, named
from xlprobe.metrics.text_forms import in_one_form
from xlprobe.tasks.declaration import ProbeTask

SCHEMA = "signature_trajectories.schema.yaml"
# Fits and scales whose steps are followed: a fit of all steps, which compares them, and one a step, as printed.
OVER_STEPS, PER_STEP = ("over_steps", "standardised"), AS_PRINTED
FOLLOWED = (OVER_STEPS, PER_STEP)
LAST, MIDDLE = "last", "middle"
COMPARISON = ("variant", "training_seed", "model")
# What curves share that are held against each other over languages.
PLACE = (*COMPARISON, "task", "protocol", "layer", "depth", "category", "fit", "scale")
# Two steps make no curve.
FEWEST_STEPS = 2


def trajectory_rows(
    signatures: pd.DataFrame, scores: pd.DataFrame, tasks: Collection[ProbeTask], protocol: str, romanised: Mapping[str, Collection[str]]
) -> Iterator[Row]:
    """The rows of `signature_trajectories`, by comparison, task, layer, fit and language.

    Args:
        signatures: the table of that name.
        scores: the table of that name.
        protocol: how the run trains its probes, of two that may stand beside each other.
        romanised: by variant, languages whose signatures are of words in Latin letters: their probes are not, so that they have no row.
    """
    of_words = signatures[(signatures["category"] == ALL_WORDS) & (signatures["step"] > 0)]
    probed = {task.name: in_language(scores, task, protocol) for task in tasks}
    for key, part in of_words.groupby([*COMPARISON], dropna=False, sort=False):
        names = named(COMPARISON, key)
        part = part[~part["language"].isin([*romanised.get(names["variant"], ())])]
        if part["step"].nunique() < FEWEST_STEPS:
            continue
        for task, found in probed.items():
            of_model = found[(found["model"] == names["model"]) & _same_seed(found, names["training_seed"])]
            of_model = of_model[of_model["language"].isin(part["language"])]
            shared = names | {"task": task, "protocol": protocol, "category": ALL_WORDS}
            for depth, layer in _layers(part, of_model).items():
                for fit, scale in FOLLOWED:
                    chosen = part[(part["layer"] == layer) & (part["fit"] == fit) & (part["scale"] == scale)]
                    place = shared | {"layer": layer, "depth": depth, "fit": fit, "scale": scale}
                    yield from (place | row for row in _curves(chosen, of_model[of_model["layer"] == layer]))


def in_language(scores: pd.DataFrame, task: ProbeTask, protocol: str) -> pd.DataFrame:
    """A task's scores on the test sets of its probes' own datasets: means over seeds, then over the sets of a language.

    Returns:
        Columns model, training_seed, layer, language, step, score and sets, their names separated by blanks.
    """
    chosen = scores[
        (scores["task"] == task.name)
        & (scores["metric"] == task.metric)
        & (scores["protocol"] == protocol)
        & (scores["split"] == "test")
        & (scores["source"] == scores["target"])
        & scores["seed"].isna()
        & (scores["step"].fillna(0) > 0)
    ]
    chosen = in_one_form(chosen, ["model", "training_seed"]).rename(columns={"source_language": "language"}).sort_values("source")
    places = chosen.groupby(["model", "training_seed", "layer", "language", "step"], dropna=False, as_index=False)
    return places.agg(score=("value", "mean"), sets=("source", " ".join))


def _same_seed(table: pd.DataFrame, seed: Any) -> pd.Series:
    return table["training_seed"].isna() if seed is None else table["training_seed"] == seed


def _layers(signatures: pd.DataFrame, scores: pd.DataFrame) -> dict[str, int]:
    """By depth, the layers that are followed; none where no layer has both."""
    layers, probed = sorted(signatures["layer"].unique()), {*scores["layer"]}
    both = [int(layer) for layer in layers if layer in probed]
    if not both:
        return {}
    middle = int(layers[len(layers) // 2])
    return {LAST: both[-1]} | ({MIDDLE: middle} if middle in both[:-1] else {})


def _curves(signatures: pd.DataFrame, scores: pd.DataFrame) -> Iterator[Row]:
    """The rows of a layer, fit and scale: of each language that has both, each step that has one of them."""
    for language, of_language in signatures.groupby("language", sort=True):
        probed = scores[scores["language"] == language]
        if probed.empty:
            continue
        compared: dict[int, Row] = {row["step"]: row for row in _records(of_language, ["step", PUBLISHED_MEAN, "reason"])}
        scored: dict[int, Row] = {row["step"]: row for row in _records(probed, ["step", "score", "sets"])}
        for step in sorted({*compared, *scored}):
            row = {"language": language, "step": int(step), "sets": scored.get(step, next(iter(scored.values())))["sets"], "reason": None}
            row |= {"signature": None, "score": scored[step]["score"] if step in scored else None}
            if step not in compared:
                yield row | {"reason": "no signature is taken at this step"}
            elif compared[step][PUBLISHED_MEAN] is None:
                yield row | {"reason": compared[step]["reason"]}
            else:
                why = None if step in scored else "no probes are scored at this step"
                yield row | {"signature": float(compared[step][PUBLISHED_MEAN]), "reason": why}


def _records(table: pd.DataFrame, columns: Sequence[str]) -> list[Row]:
    """The rows of some columns; None of what is missing."""
    return [named(columns, values) for values in table[[*columns]].itertuples(index=False, name=None)]
