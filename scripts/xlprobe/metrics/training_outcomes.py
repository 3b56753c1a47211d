"""The outcomes of a training's checkpoints, one beside the other, as what compares checkpoints takes them.

Shape letters: C checkpoints, L layers, S seeds, M clusters.
"""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from xlprobe.artifacts import checkpoint_names
from xlprobe.artifacts.outcome_file import Outcome, OutcomeFile, OutcomePlace
from xlprobe.errors import XlprobeError
from xlprobe.files import MAKE_AGAIN
from xlprobe.metrics.metric_definitions import Metric, metrics_of
from xlprobe.metrics.scoring import BaselineFiles
from xlprobe.statistics.bootstrap import Intervals
from xlprobe.statistics.cross_fitting import CrossFitting
from xlprobe.statistics.outcomes import clustered_counts
from xlprobe.statistics.resampling import ClusteredCounts
from xlprobe.tasks.declaration import Task, load_task

# The columns that tell curves over steps apart, but for the layer.
CURVE = (
    *("model", "training_seed", "task", "source", "target", "source_language", "target_language"),
    *("text_form", "split", "protocol"),
)
# More resamples change no cross-fitted number by much, and cost as much more.
RESAMPLES = 200
# How probes are trained, and what of their counts the task's metric takes.
PROTOCOLS, PROBED = ("paper", "converged"), ("correct", "total")


def one_language(code: str) -> str:
    """The language of a code, whatever its script: paper 1 has one Chinese, whose treebank is traditional and whose NLI simplified."""
    return code.partition("-")[0]


@dataclass(frozen=True)
class Measured:
    """What a measurement has earned at some checkpoints and layers.

    Attributes:
        counts: what its metric follows from, [C, L, S, M].
        columns: those of CURVE, with its values.
    """

    task: Task
    metric: Metric
    steps: Sequence[int]
    layers: Sequence[int | None]
    counts: ClusteredCounts
    columns: dict[str, Any]

    @property
    def has_seeds(self) -> bool:
        """Whether seeds move it: converged probes have one optimum, and all that is no probe has no seed."""
        return self.columns["protocol"] == "paper"

    @property
    def has_one_seed(self) -> bool:
        """Whether seeds move it, of which it has but one."""
        return self.has_seeds and self.counts.shape[-2] == 1

    @property
    def higher_is_better(self) -> bool:
        """The direction of its task."""
        return self.task.direction == "higher"

    @property
    def n(self) -> int:
        """The examples behind its values; of alignments the sentence pairs."""
        counted = self.counts.counts.get(self.metric.n)
        return self.counts.shape[-1] if counted is None else int(counted[0].sum())

    def cross_fitting(self, among: Sequence[str], intervals: Intervals) -> CrossFitting:
        """Its best checkpoint or layer, cross-fitted.

        Args:
            among: the keys of all clusters of its group, which share resamples.
        """
        return CrossFitting(
            self.counts,
            self.metric.value,
            higher_is_better=self.higher_is_better,
            has_seeds=self.has_seeds,
            among=among,
            # Of one cluster nothing is known of how clusters differ.
            resamples=min(RESAMPLES, intervals.resamples) if self.counts.shape[-1] > 1 else 0,
            level=intervals.level,
        )

    @cached_property
    def values(self) -> np.ndarray:
        """The task's metric, mean over seeds, [C, L]."""
        once_M1 = np.ones((self.counts.shape[-1], 1))
        values: np.ndarray = self.counts.values(self.metric.value, once_M1)[..., 0].mean(axis=-1)
        return values


class TrainingOutcomes:
    """The files of a training's outcomes, open for reading; use it in a `with` block.

    Args:
        folder: `outcomes/` of a run.
        run: the training, as paths name it.
        steps: of its checkpoints, ascending; step 0 is none.
        baselines: files that hold totals and clusters of what probes are tested on.

    Attributes:
        places: what is measured of every checkpoint.

    Raises:
        XlprobeError: steps are none, not ascending, or 0; a file is missing, damaged or another checkpoint's, or lacks what another holds.
    """

    def __init__(self, folder: Path, run: str, steps: Sequence[int], baselines: BaselineFiles) -> None:
        if min(steps, default=0) <= 0 or any(one >= other for one, other in pairwise(steps)):
            raise XlprobeError(f"{folder / run}: steps {list(steps)} are asked for; name one or more, ascending and above 0")
        self.steps, self._baselines = list(steps), baselines
        self._facts: dict[OutcomePlace, dict[str, Any]] = {}
        self._keys: dict[tuple[str, str], list[str]] = {}
        with contextlib.ExitStack() as stack:
            self._files = {step: stack.enter_context(OutcomeFile(folder / run / f"{step}.h5")) for step in steps}
            for step, file in self._files.items():
                if (found := checkpoint_names.title(file.checkpoint) if file.checkpoint else "baselines") != f"{run} step {step}":
                    raise XlprobeError(f"{file.path}: holds outcomes of {found}, not of {run} step {step}; {MAKE_AGAIN}")
            first = self._files[self.steps[0]]
            self.places = first.places
            for file in self._files.values():
                if missing := {*first.places} ^ {*file.places}:
                    lacking, holding = (file, first) if min(missing) in first.places else (first, file)
                    raise XlprobeError(f"{lacking.path}: holds no outcomes of {min(missing)}, and {holding.path} does; {MAKE_AGAIN}")
            self._stack = stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stack.close()

    def layers(self, place: OutcomePlace) -> list[int | None]:
        """The layers that a measurement has; [None] of what has none."""
        layers = self.facts(place)["layers"]
        return [None] if layers is None else [*layers]

    def facts(self, place: OutcomePlace) -> dict[str, Any]:
        """What is known of a measurement without its counts (`OutcomeFile.described`)."""
        if place not in self._facts:
            self._facts[place] = self._files[self.steps[0]].described(place)
        return self._facts[place]

    def keys_of_group(self, place: OutcomePlace) -> list[str]:
        """The keys of all clusters of a measurement's parallel group, so that all of it shares resamples; none where it has none."""
        group = self.facts(place)["parallel"]
        if group is None:
            return []
        if (group, place.split) not in self._keys:
            same = (other for other in self.places if other.split == place.split and self.facts(other)["parallel"] == group)
            sets = {other.target: other for other in same}.values()
            self._keys[group, place.split] = sorted({key for other in sets for key in self.read(other, self.steps[:1]).counts.keys})
        return self._keys[group, place.split]

    def read(self, place: OutcomePlace, steps: Sequence[int] | None = None, *, every_layer: bool = False) -> Measured:
        """What a measurement earned, at all steps or some, at the last layer or at all.

        Raises:
            XlprobeError: checkpoints were measured on different versions of a dataset, or its totals are missing.
        """
        steps = self.steps if steps is None else steps
        layer, names = (None if every_layer else self.layers(place)[-1]), PROBED if place.protocol in PROTOCOLS else ()
        files = [self._files[step] for step in steps]
        parts = [file.read(place, layer, names) for file in files]
        first = self._baselines.complete(parts[0], files[0].path)
        for file, part in zip(files, parts, strict=True):
            if not _alike(first, part):
                raise XlprobeError(
                    f"{file.path}: its outcomes of {place} are of another test set or other layers than those of {files[0].path};"
                    f" {MAKE_AGAIN}"
                )
        columns = {**checkpoint_names.columns(files[0].checkpoint or {}), **place._asdict(), **first.facts}
        layers = self.layers(place) if every_layer else [layer]
        return Measured(
            task=(task := load_task(place.task)),
            metric=metrics_of(first)[task.metric],
            steps=steps,
            layers=layers,
            counts=_side_by_side(first, parts, len(layers)),
            columns={name: columns.get(name) for name in CURVE},
        )


def _alike(first: Outcome, other: Outcome) -> bool:
    """Whether two outcomes are of one test set and of the same layers."""
    same_sentences = other.clusters is None or (first.clusters is not None and np.array_equal(first.clusters, other.clusters))
    return same_sentences and first.facts.get("dataset") == other.facts.get("dataset") and first.layers == other.layers


def _side_by_side(first: Outcome, parts: Sequence[Outcome], layers: int) -> ClusteredCounts:
    """The counts of outcomes of one measurement, [C, L, S, M]; what `first` alone has is the same for all."""
    stacked = {
        name: np.concatenate([part.counts[name].reshape(len(values), layers, -1) for part in parts], axis=1)
        for name, values in parts[0].counts.items()
    }
    clustered = clustered_counts(replace(first, counts={**first.counts, **stacked}))

    def by_step(counts: np.ndarray) -> np.ndarray:
        return counts.reshape(len(parts) if len(counts) > 1 else 1, -1, *counts.shape[1:])

    return replace(clustered, counts={name: by_step(counts) for name, counts in clustered.counts.items()})
