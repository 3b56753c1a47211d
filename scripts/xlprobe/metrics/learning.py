"""When a model is best, when it comes close to that, and what it has lost in the end, of each curve over a training's steps.

Each number stands twice or more: as paper 1 prints it, on the sentences that chose the checkpoint, and as it can be held against
chance (`xlprobe.statistics.cross_fitting`). Curves are those of the last layer that is measured (paper 1: A.1), on test sentences.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from xlprobe.artifacts.outcome_file import OutcomePlace
from xlprobe.artifacts.tables import write_rows
from xlprobe.metrics import measures
from xlprobe.metrics.scoring import BaselineFiles
from xlprobe.metrics.training_outcomes import Measured, TrainingOutcomes
from xlprobe.statistics.acquisition_curve import fit_acquisition
from xlprobe.statistics.bootstrap import Intervals

AS_PRINTED, CROSS_FITTED = "as printed", "cross-fitted"
# What chooses the checkpoint: dev sentences, of transfer those of the target's language, since its test set has no dev.
DEV, DEV_OF_TARGET = "dev", "dev of the target's language (proxy)"
FINAL, FITTED = "final checkpoint", "fitted curve"
NO_INTERVAL, PERCENTILE, SET_OF_STEPS = "no interval", "percentile", "set of steps"
# Where a step may lie outside the checkpoints.
BEFORE, AFTER = "before", "after"
NO_ENDS = (np.nan, np.nan)

Row = dict[str, Any]


def write_learning(
    outcomes: Path,
    checkpoints: Mapping[str, Sequence[int]],
    baselines: Sequence[Path],
    best: Path,
    steps: Path,
    forgetting: Path,
    shares: Sequence[float],
    intervals: Intervals,
) -> None:
    """Write the tables `best`, `steps` and `forgetting` (schemas/).

    Args:
        outcomes: folder of the joined outcomes.
        checkpoints: the steps of each training, 0 left out, by its name in paths.
        baselines: files that hold the totals of what probes are tested on.
        shares: of the best, whose steps are looked for.

    Raises:
        XlprobeError: outcomes are missing, damaged, or not of one version of a dataset.
    """
    rows: dict[str, list[Row]] = {"best": [], "steps": [], "forgetting": []}
    known = BaselineFiles(baselines)
    for run, of_run in checkpoints.items():
        with TrainingOutcomes(outcomes, run, of_run, known) as training:
            chosen_on_dev = DevChoices(training)
            for place in training.places:
                if place.split in ("dev", "train"):
                    continue
                found = training.read(place)
                # Without an example there is no score.
                if not found.n:
                    continue
                curve = Curve(found, training.keys_of_group(place), intervals)
                rows["best"] += curve.best_rows(*chosen_on_dev.of(place))
                rows["steps"] += curve.step_rows(shares)
                rows["forgetting"] += curve.forgetting_rows()
    write_rows(rows["best"], "best.schema.yaml", best)
    write_rows(rows["steps"], "steps.schema.yaml", steps)
    write_rows(rows["forgetting"], "forgetting.schema.yaml", forgetting)


class DevChoices:
    """The checkpoints that are best on dev sentences."""

    def __init__(self, training: TrainingOutcomes) -> None:
        self._training = training
        self._of_language: dict[tuple[Any, ...], list[OutcomePlace]] = {}
        for place in training.places:
            if place.split == "dev" and place.source == place.target:
                self._of_language.setdefault(self._key(place), []).append(place)
        self._curves: dict[OutcomePlace, np.ndarray] = {}

    def _key(self, place: OutcomePlace) -> tuple[Any, ...]:
        facts = self._training.facts(place)
        return place.task, place.protocol, facts["target_language"], facts.get("text_form")

    def of(self, place: OutcomePlace) -> tuple[str, int | None]:
        """The rule that chooses a test set's checkpoint, and the place of the one among the steps; None where nothing has dev sentences.

        Of transfer, the mean over the dev sets of the target's language chooses.
        """
        own = place._replace(split="dev")
        rule, chosen = (DEV, [own]) if own in self._training.places else (DEV_OF_TARGET, self._of_language.get(self._key(place), []))
        if place.task in ("alignment", "bpc") or not chosen:
            return rule, None
        read = [self._read(dev) for dev in chosen]
        return rule, int(np.mean(read, axis=0).argmax())

    def _read(self, place: OutcomePlace) -> np.ndarray:
        if place not in self._curves:
            found = self._training.read(place)
            self._curves[place] = found.values[:, 0] if found.higher_is_better else -found.values[:, 0]
        return self._curves[place]


class Curve:
    """A measurement over a training's steps, at its last layer.

    Args:
        among: the keys of all clusters of its group, which share resamples.
    """

    def __init__(self, found: Measured, among: Sequence[str], intervals: Intervals) -> None:
        self._found = found
        self._steps, self._values_C = self._found.steps, self._found.values[:, 0]
        self._direction = self._found.task.direction
        self._fitting = found.cross_fitting(among, intervals)
        self._shared = self._found.columns | {"layer": self._found.layers[0], "n": len(self._found.counts.keys)}

    def _row(self, rule: str, formula: str, value: float, ends: tuple[float, float] = NO_ENDS, interval: str = "", **more: Any) -> Row:
        measured = {"rule": rule, "formula": formula, "value": value, "low": ends[0], "high": ends[1]}
        has_none = np.isnan(ends).all() and interval != SET_OF_STEPS
        return self._shared | measured | {"interval": NO_INTERVAL if has_none else interval} | more

    def best_rows(self, dev_rule: str, chosen_on_dev: int | None) -> Iterator[Row]:
        """The best checkpoint: on test, on dev, on held-out halves (which name no single step); and the final one."""
        best, final = self._best_place(), len(self._steps) - 1
        yield self._row(AS_PRINTED, "best", self._values_C[best], step=self._steps[best])
        for rule, place in ((FINAL, final), (dev_rule, chosen_on_dev)):
            if place is not None:
                # On dev, the same probes have chosen the step.
                ends = NO_ENDS if rule == DEV and self._found.has_seeds else self._fitting.interval(place)
                yield self._row(rule, "value", self._values_C[place], ends, PERCENTILE, step=self._steps[place])
        yield self._row(CROSS_FITTED, "best", self._fitting.best(), step=None)

    def step_rows(self, shares: Sequence[float]) -> Iterator[Row]:
        """The step at which a share of the best is reached: the first one, the set of those that it may be, and that of a fitted curve.

        `censored` says where a step may lie outside the checkpoints: before the first, or after the last.
        """
        acquisition = fit_acquisition(self._steps, self._values_C, self._found.higher_is_better)
        for share in shares:
            step = measures.step_to_share(self._steps, self._values_C, share, self._direction)
            yield self._row(AS_PRINTED, "step_to_share", float(step), share=share, censored=None)
            reached = self._fitting.reached(share)
            value, first, last = (np.nan if place is None else self._steps[place] for place in (reached.place, reached.first, reached.last))
            interval, outside = NO_INTERVAL, []
            if not np.isnan(reached.shares).any():
                interval = SET_OF_STEPS
                outside = [name for name, there in ((BEFORE, reached.first == 0), (AFTER, reached.last is None)) if there]
            censored = " and ".join(outside) or None
            yield self._row(CROSS_FITTED, "reached", value, (first, last), interval, share=share, censored=censored)
            fitted, is_before = (np.nan, False) if acquisition is None else acquisition.step_to_share(share)
            yield self._row(FITTED, "fit_acquisition", fitted, share=share, censored=BEFORE if is_before else None)

    def forgetting_rows(self) -> Iterator[Row]:
        """What the final checkpoint has lost since the best one, with the p-values of both curves that forget nothing.

        `forgets` says whether the second one is below 0.05; null where that has none.
        """
        relative, absolute = measures.forgetting(self._values_C, self._direction)
        found = self._fitting.forgetting(self._steps)
        forgets = None if np.isnan(found.p_jitter) else found.p_jitter < 0.05
        nulls: Row = {"p_sampling": found.p_sampling, "p_jitter": found.p_jitter, "forgets": forgets}
        for measure, value, estimate in (("relative", relative, found.relative), ("absolute", absolute, found.absolute)):
            of_best: Row = {"measure": measure, "step": self._steps[self._best_place()]} | dict.fromkeys(nulls)
            yield self._row(AS_PRINTED, "forgetting", float(value), **of_best)
            ends = estimate.low, estimate.high
            yield self._row(CROSS_FITTED, "forgetting", estimate.value, ends, CROSS_FITTED, **of_best | {"step": None} | nulls)

    def _best_place(self) -> int:
        return int(self._values_C.argmax() if self._found.higher_is_better else self._values_C.argmin())
