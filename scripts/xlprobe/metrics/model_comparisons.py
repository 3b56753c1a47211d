"""How far the final checkpoints of two models differ, mean over languages (paper 1: A.3, Table 3).

Two kinds of noise stand apart: that of test sentences and of the seeds of probes, and that of languages, as if others had been chosen.
Models are compared on what both are measured on: the same test sets, in the same way, each at its own last layer.
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from xlprobe.artifacts.outcome_file import OutcomePlace
from xlprobe.artifacts.tables import write_rows
from xlprobe.metrics.correlations import IN_LANGUAGE, TRANSFER
from xlprobe.metrics.learning import FINAL, NO_INTERVAL, PERCENTILE
from xlprobe.metrics.scoring import BaselineFiles
from xlprobe.metrics.text_forms import in_one_form
from xlprobe.metrics.training_outcomes import Measured, TrainingOutcomes, one_language
from xlprobe.statistics.bootstrap import Intervals
from xlprobe.statistics.language_noise import mean_over_languages, mean_over_pairs
from xlprobe.statistics.paired import compare_means

GROUP = ["task", "split", "protocol", "setting"]
# What both models have, and what turns its sign when they are seen the other way round.
OF_EACH, TURNED = ("model", "training_seed", "step", "mean"), ("low", "high", "language_low", "language_high")


class _Pair(NamedTuple):
    """What two models earned on one test set.

    Attributes:
        source: the language, of either script; of bits that of a corpus, of which Chinese has two.
    """

    source: str
    target: str
    one: Measured
    other: Measured


def write_model_comparisons(
    outcomes: Path, checkpoints: Mapping[str, Sequence[int]], baselines: Sequence[Path], model_comparisons: Path, intervals: Intervals
) -> None:
    """Write the table `model_comparisons` (schemas/).

    Args:
        outcomes: folder of the joined outcomes.
        checkpoints: of each model one training, by its name in paths, and its last step.
        baselines: files that hold the totals of what probes are tested on.

    Raises:
        XlprobeError: a file is missing or damaged.
    """
    known = BaselineFiles(baselines)
    with contextlib.ExitStack() as stack:
        finals = [stack.enter_context(TrainingOutcomes(outcomes, run, steps, known)) for run, steps in checkpoints.items()]
        one_way = [row for one, other in combinations(finals, 2) for row in _rows(one, other, intervals)]
    write_rows([row for both in one_way for row in (both, _turned(both))], "model_comparisons.schema.yaml", model_comparisons)


def _turned(row: Mapping[str, Any]) -> dict[str, Any]:
    """A comparison from the other model's side."""
    others = {name: row[f"other_{name}"] for name in OF_EACH} | {f"other_{name}": row[name] for name in OF_EACH}
    ends = {name: -row[name.replace("low", "high") if "low" in name else name.replace("high", "low")] for name in TURNED}
    return {**row, **others, **ends, "value": -row["value"]}


def _rows(one: TrainingOutcomes, other: TrainingOutcomes, intervals: Intervals) -> Iterator[dict[str, Any]]:
    measured = pd.DataFrame([_described(one, place) for place in one.places if _both_have(one, other, place)])
    if measured.empty:
        return
    for key, places in in_one_form(measured, GROUP).groupby(GROUP, dropna=False, sort=False):
        shared = dict(zip(GROUP, key, strict=True))
        rows = (_off_diagonal(places) if shared["setting"] == TRANSFER else places).to_dict("records")
        read = [_Pair(row["unit_source"], row["unit_target"], one.read(row["place"]), other.read(row["place"])) for row in rows]
        # Without an example there is no score.
        if pairs := [pair for pair in read if pair.one.n and pair.other.n]:
            yield shared | _compared(pairs, str(shared["setting"]), intervals)


def _both_have(one: TrainingOutcomes, other: TrainingOutcomes, place: OutcomePlace) -> bool:
    tested = place.split not in ("train", "dev") and place in other.places
    return tested and one.facts(place).get("dataset") == other.facts(place).get("dataset")


def _described(training: TrainingOutcomes, place: OutcomePlace) -> dict[str, Any]:
    facts = training.facts(place)
    of_unit = {axis: facts[f"{axis}_language"] for axis in ("source", "target")}
    if place.task != "bpc":
        of_unit = {axis: one_language(code) for axis, code in of_unit.items()}
    named = {name: facts.get(name) for name in ("source_language", "target_language", "text_form")}
    units = {f"unit_{axis}": code for axis, code in of_unit.items()}
    return {**place._asdict(), **named, **units, "place": place, "setting": IN_LANGUAGE if place.source == place.target else TRANSFER}


def _off_diagonal(places: pd.DataFrame) -> pd.DataFrame:
    """Ordered pairs of two languages that are both source and target."""
    both = {*places["unit_source"]} & {*places["unit_target"]}
    in_grid = places["unit_source"].isin(both) & places["unit_target"].isin(both)
    return places[in_grid & (places["unit_source"] != places["unit_target"])]


def _compared(pairs: Sequence[_Pair], setting: str, intervals: Intervals) -> dict[str, Any]:
    """Means of both, their difference, and how sure that is."""
    units = pd.MultiIndex.from_tuples([pair[:2] for pair in pairs])
    values = pd.DataFrame([[float(pair.one.values[0, 0]), float(pair.other.values[0, 0])] for pair in pairs], units)
    # Of several datasets of a language, their mean.
    by_unit = values.groupby(level=[0, 1]).mean()
    mean, other_mean = (float(by_unit[column].mean()) for column in by_unit)
    difference = by_unit[0] - by_unit[1]
    if setting == TRANSFER:
        codes = sorted({*difference.index.get_level_values(0)} | {*difference.index.get_level_values(1)})
        of_languages = mean_over_pairs(difference.unstack().reindex(index=codes, columns=codes).to_numpy(float), intervals.level)
    else:
        of_languages = mean_over_languages(difference.to_numpy(float), intervals.level)
    row = {"rule": FINAL, "formula": compare_means.__name__, "mean": mean, "other_mean": other_mean, "value": mean - other_mean}
    row |= {"n": of_languages.n, "languages": of_languages.languages, "interval": NO_INTERVAL, "sentences": 0}
    row |= {"low": np.nan, "high": np.nan, "p": np.nan}
    row |= {"language_low": of_languages.low, "language_high": of_languages.high, "language_p": of_languages.p}
    row |= _of(pairs[0].one, "") | _of(pairs[0].other, "other_")
    if not all(_same_text(pair) for pair in pairs):
        return row
    weights = (1 / (values.groupby(level=[0, 1])[0].transform("size") * len(by_unit))).tolist()
    found = compare_means(
        [(pair.one.counts.row(0, 0), pair.other.counts.row(0, 0)) for pair in pairs],
        pairs[0].one.metric.value,
        weights=weights,
        resamples=intervals.resamples,
        level=intervals.level,
    )
    row["sentences"] = found.clusters
    # How far one probe, or one sentence, lies off by chance is not known.
    of_one = any(measured.has_one_seed or len(measured.counts.keys) < 2 for pair in pairs for measured in (pair.one, pair.other))
    if intervals.resamples and not of_one:
        row |= {"low": found.low, "high": found.high, "p": found.p, "interval": PERCENTILE}
    return row


def _of(measured: Measured, before: str) -> dict[str, Any]:
    return {
        f"{before}model": measured.columns["model"],
        f"{before}training_seed": measured.columns["training_seed"],
        f"{before}step": measured.steps[-1],
    }


def _same_text(pair: _Pair) -> bool:
    """Whether the clusters of both are of the same text: blocks of two models are so where both cut it into the same subwords."""
    if pair.one.counts.keys != pair.other.counts.keys:
        return False
    if pair.one.columns["protocol"] != "fairseq":
        return True
    one, other = (measured.counts.counts["all_characters"] for measured in (pair.one, pair.other))
    return np.array_equal(one, other)
