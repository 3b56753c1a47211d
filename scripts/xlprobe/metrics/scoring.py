"""Scores from outcomes: each metric is a value of sums over test sentences, and so is each of its resamples.

Another metric of this kind, or another interval, needs no probe trained and no vector.

Shape letters: M sentences, L layers, S seeds, R resamples.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from xlprobe.artifacts.checkpoint_names import columns, title
from xlprobe.artifacts.outcome_file import Outcome, OutcomeFile, OutcomePlace
from xlprobe.artifacts.tables import write_table
from xlprobe.errors import XlprobeError
from xlprobe.files import MAKE_AGAIN
from xlprobe.metrics.metric_definitions import Sums, metrics_of
from xlprobe.statistics.bootstrap import NO_INTERVALS, Bootstrap, Intervals, limits, limits_of_mean
from xlprobe.statistics.outcomes import DELETE_WRONG, group_of, join_outcomes

# What outcomes say of a measurement, beside its place, and the scores table too.
FACTS = ("source_language", "target_language", "text_form")


def score(outcome: Outcome, intervals: Intervals) -> list[dict[str, Any]]:
    """The rows of the scores table that follow from an outcome.

    Of probes, a row for each layer, metric and seed, and one without seed for the mean over seeds. Measures of train, which are no
    sums over sentences, have an interval over seeds alone.
    """
    rows = _rows_of_train(outcome, intervals) if outcome.place.split == "train" else _rows_of_sums(outcome, intervals)
    shared = outcome.place._asdict() | {name: outcome.facts.get(name) for name in FACTS}
    return [shared | row for row in rows]


def _rows_of_sums(outcome: Outcome, intervals: Intervals) -> Iterator[dict[str, Any]]:
    bootstrap = _bootstrap_of(outcome, intervals.resamples)
    counts = {name: _with_axes(values) for name, values in outcome.counts.items()}
    counts["sentences"] = np.ones_like(next(iter(counts.values()))[:, :1, :1])
    # A probe's seeds are told apart though there may be one; all else has none.
    has_seeds = any(values.ndim == 3 for values in outcome.counts.values())

    def added(counts: Sums) -> tuple[Sums, Sums]:
        """The sums over all sentences, and over those of each resample."""
        resampled = {name: bootstrap.totals(values_MLS) for name, values_MLS in counts.items()}
        return {name: values_MLS.sum(axis=0) for name, values_MLS in counts.items()}, resampled

    of_counts = added(counts)
    for name, metric in metrics_of(outcome).items():
        if not {*metric.needs} <= counts.keys():
            continue
        sums, resampled = added(metric.of_sentences(counts)) if metric.of_sentences else of_counts
        if not (n := int(sums[metric.n].item()) if metric.n in sums else 0):
            continue
        values_LS = metric.value(sums)
        with np.errstate(invalid="ignore", divide="ignore"):
            resampled_RLS = metric.value(resampled)
        for number, layer in enumerate(outcome.layers or [None]):
            shared = {"metric": name, "layer": layer, "n": n}
            of_seeds_RS = resampled_RLS[:, number]
            limits_2S = limits(of_seeds_RS, intervals.level)
            for seed, value in enumerate(values_LS[number].tolist()):
                yield shared | _row(seed if has_seeds else None, value, limits_2S[:, seed])
            if has_seeds:
                yield shared | _row(None, float(values_LS[number].mean()), limits_of_mean(of_seeds_RS, intervals.level))


def _rows_of_train(outcome: Outcome, intervals: Intervals) -> Iterator[dict[str, Any]]:
    no_limits = np.full(2, np.nan)
    for metric, values_1LS in outcome.counts.items():
        for layer, values_S in zip(outcome.layers or [], values_1LS[0], strict=True):
            shared = {"metric": metric, "layer": layer, "n": outcome.facts["examples"]}
            for seed, value in enumerate(values_S.tolist()):
                yield shared | _row(seed, value, no_limits)
            same_RS = np.tile(values_S, (intervals.resamples, 1))
            of_mean = limits_of_mean(same_RS, intervals.level) if len(values_S) > 1 else no_limits
            yield shared | _row(None, float(values_S.mean()), of_mean)


def _row(seed: int | None, value: float, limits_2: np.ndarray) -> dict[str, Any]:
    low, high = limits_2.tolist()
    return {"seed": seed, "value": value, "low": low, "high": high}


def _with_axes(values: np.ndarray) -> np.ndarray:
    """Counts as [sentences, layers or 1, seeds or 1], in numbers that do not overflow."""
    return values.astype(np.float64).reshape(*values.shape, *[1] * (3 - values.ndim))


def _bootstrap_of(outcome: Outcome, resamples: int) -> Bootstrap:
    if outcome.clusters is None:
        raise ValueError(f"{outcome.place}: clusters are missing")
    of_group = outcome.facts["parallel"] is not None
    return _bootstrap(resamples, group_of(outcome), outcome.clusters.tobytes(), str(outcome.clusters.dtype), of_group)


@lru_cache(maxsize=16)
def _bootstrap(resamples: int, name: tuple[str, str], clusters: bytes, dtype: str, joined: bool) -> Bootstrap:
    return Bootstrap(resamples, name, np.frombuffer(clusters, dtype), joined)


class BaselineFiles:
    """What of outcomes does not change with the checkpoint, totals and clusters, from the files of baselines.

    Raises:
        XlprobeError: a file is damaged, or holds no baselines, or two hold the same.
    """

    def __init__(self, paths: Iterable[Path]) -> None:
        self._paths: dict[OutcomePlace, Path] = {}
        for path in paths:
            with OutcomeFile(path) as file:
                if file.checkpoint is not None:
                    raise XlprobeError(f"{path}: holds outcomes of {title(file.checkpoint)}; name a file of baselines")
                for place in file.places:
                    if other := self._paths.get(place):
                        raise XlprobeError(f"{path}: holds {place}, which {other} holds, too; {DELETE_WRONG}")
                    self._paths[place] = path

    def _read(self, place: OutcomePlace) -> tuple[Outcome, dict[str, np.ndarray]]:
        """What a file holds of a test set, and the totals among it."""
        with OutcomeFile(self._paths[place]) as file:
            known = file.read(place)
        # What baselines earn has their names before it.
        return known, {name: values for name, values in known.counts.items() if "." not in name}

    def complete(self, outcome: Outcome, path: Path) -> Outcome:
        """An outcome with the totals and clusters of its test set, where they do not stand in it.

        Args:
            path: the file that the outcome comes from, for messages.

        Raises:
            XlprobeError: they are of another version of the dataset, or missing.
        """
        if outcome.clusters is not None or outcome.place.split == "train":
            return outcome
        # The same however it was measured.
        place = outcome.place._replace(protocol=None)
        if place not in self._paths:
            raise XlprobeError(f"{path}: holds {outcome.place}, of which no file of baselines has the totals; name that one, too")
        known, totals = self._read(place)
        sentences = {len(values) for values in outcome.counts.values()}
        if known.facts["dataset"] != outcome.facts["dataset"] or known.clusters is None or sentences != {len(known.clusters)}:
            raise XlprobeError(
                f"{path}: its outcomes of {outcome.place} are of another {outcome.place.target} than the totals in"
                f" {self._paths[place]}; {MAKE_AGAIN}"
            )
        return replace(outcome, counts={**totals, **outcome.counts}, clusters=known.clusters)

    def baselines(self) -> Iterator[tuple[str, Outcome]]:
        """The outcomes of each baseline, with its name."""
        for place in self._paths:
            yield from self.of(place).items()

    def of(self, place: OutcomePlace) -> dict[str, Outcome]:
        """The outcomes of the baselines of a test set, by name; none where none are known."""
        place = place._replace(protocol=None)
        if place not in self._paths:
            return {}
        known, totals = self._read(place)
        of_baselines: dict[str, dict[str, np.ndarray]] = {}
        for name, values in known.counts.items():
            if name not in totals:
                model, _, count = name.partition(".")
                of_baselines.setdefault(model, {})[count] = values
        return {model: replace(known, counts={**totals, **own}) for model, own in of_baselines.items()}


def score_checkpoint(
    paths: Sequence[Path],
    baselines: Sequence[Path],
    joined: Path,
    output: Path,
    intervals: Intervals = NO_INTERVALS,
    shared_labels: bool = False,
    dropped_datasets: Collection[str] = (),
) -> None:
    """Join a checkpoint's outcomes into one file, and write the scores that follow from them (schemas/scores.schema.yaml).

    Args:
        baselines: files of baselines, which hold what probes' outcomes lack.
        shared_labels: whether targets of transfer are scored on the labels that the source has, too.
        dropped_datasets: those that the run has no more; what was measured with them is left out.

    Raises:
        XlprobeError: files are not of one checkpoint, or not of the datasets that baselines are of.
    """
    came_from = join_outcomes(paths, joined, dropped_datasets)
    known = BaselineFiles(baselines)
    with OutcomeFile(joined) as outcomes:
        # Sets of one name meet the same resamples, which are drawn once.
        places = sorted(outcomes.places, key=lambda place: (place.target, place.split))
        complete = (_shown(known.complete(outcomes.read(place), came_from[place]), shared_labels) for place in places)
        rows = [row for outcome in complete for row in score(outcome, intervals)]
        checkpoint = columns(outcomes.checkpoint or {})
    write_table(pd.DataFrame(rows).assign(**checkpoint), "scores.schema.yaml", output)


def score_baselines(paths: Sequence[Path], output: Path, intervals: Intervals = NO_INTERVALS, shared_labels: bool = False) -> None:
    """Write the scores of baselines, which have no step and no layer (schemas/scores.schema.yaml)."""
    rows = [
        row | {"model": model}
        for model, outcome in BaselineFiles(paths).baselines()
        for row in score(_shown(outcome, shared_labels), intervals)
    ]
    write_table(pd.DataFrame(rows).assign(training_seed=None, step=None), "scores.schema.yaml", output)


def _shown(outcome: Outcome, shared_labels: bool) -> Outcome:
    """An outcome without the counts that the run does not ask for."""
    hidden = set() if shared_labels else {"total_shared"}
    return replace(outcome, counts={name: values for name, values in outcome.counts.items() if name not in hidden})
