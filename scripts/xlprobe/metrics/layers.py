"""At which layer a model knows something, and how much better an internal layer is than the last one (paper 1: 5 and Appendix C).

Of each curve over the steps of a training that is measured at several layers, on test sentences; mean over seeds.

Nominal 95 % intervals of an expected layer held the truth in 90 to 100 % of 300 simulated test sets, of each of ten kinds of curves over
layers: one worst layer or several, a single good one, slopes as flat as noise, and others (`make bench`). Two weights have none as they
stand. A percentile interval of min-max held it in 6 % where five layers are equally bad, since the worst of them is too bad by chance;
one of differential in 60 % where ten layers are equally good. Of min-max a cross-fitted form stands beside it, which has an interval.

Shape letters: C checkpoints, L layers, M clusters, R resamples, K: as it is, and then in each resample.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

import numpy as np

from xlprobe.artifacts.outcome_file import OutcomePlace
from xlprobe.artifacts.tables import write_rows
from xlprobe.metrics import measures
from xlprobe.metrics.learning import AS_PRINTED, CROSS_FITTED, NO_INTERVAL, PERCENTILE, RESAMPLES
from xlprobe.metrics.measures import Weights, expected_layer
from xlprobe.metrics.scoring import BaselineFiles
from xlprobe.metrics.training_outcomes import Measured, TrainingOutcomes
from xlprobe.statistics.bootstrap import Intervals, limits
from xlprobe.statistics.cross_fitting import CrossFitting
from xlprobe.statistics.outcomes import clustered_counts
from xlprobe.statistics.resampling import ClusteredCounts, joined_draws

# The layers that a curve is measured at, and those at which all curves of its training with several layers are.
OWN, SHARED = "own", "shared"
LEVEL, CHANGE = "level", "change"
# What the best internal layer, at any checkpoint, is held against: the last layer there (5.1), or at any (Appendix C).
FINAL_CHECKPOINT, ANY_CHECKPOINT = "final checkpoint", "any checkpoint"

Row = dict[str, Any]


def write_layers(
    outcomes: Path,
    checkpoints: Mapping[str, Sequence[int]],
    baselines: Sequence[Path],
    expected_layers: Path,
    layer_gains: Path,
    intervals: Intervals,
) -> None:
    """Write the tables `expected_layers` and `layer_gains` (schemas/).

    Args:
        outcomes: folder of the joined outcomes.
        checkpoints: the steps of each training, 0 left out, by its name in paths.
        baselines: files that hold the totals of what probes are tested on, and what baselines earn there.

    Raises:
        XlprobeError: outcomes are missing, damaged, or not of one version of a dataset.
    """
    expected, gains, known = list[Row](), list[Row](), BaselineFiles(baselines)
    for run, steps in checkpoints.items():
        with TrainingOutcomes(outcomes, run, steps, known) as training:
            own = {place: _layers(training, place) for place in training.places if place.split == "test"}
            own = {place: layers for place, layers in own.items() if len(layers) > 1}
            shared = [layer for layer in next(iter(own.values()), []) if all(layer in layers for layers in own.values())]
            cut = len(shared) > 1 and any(layers != shared for layers in own.values())
            for place, layers in own.items():
                of_baselines = [clustered_counts(outcome) for outcome in known.of(place).values()]
                found = training.read(place, every_layer=True)
                # Without an example there is no score.
                if not found.n:
                    continue
                curve = LayerCurve(found, of_baselines, [*training.keys_of_group(place)], intervals)
                expected += [*curve.expected_rows(OWN, layers), *(curve.expected_rows(SHARED, shared) if cut else [])]
                gains += curve.gain_rows()
    write_rows(expected, "expected_layers.schema.yaml", expected_layers)
    write_rows(gains, "layer_gains.schema.yaml", layer_gains)


def _layers(training: TrainingOutcomes, place: OutcomePlace) -> list[int]:
    return [layer for layer in training.layers(place) if layer is not None]


def layer_above(values_L: np.ndarray, layers: Sequence[int], floor: np.ndarray | float) -> np.ndarray:
    """The mean layer, weighted by how much better each is than a floor, which some may miss; NaN where all together do.

    Where weights are as small as noise it may lie anywhere, and is taken as the first or the last layer where it lies outside.

    >>> layer_above(np.array([0.5, 0.9, 0.7]), [0, 6, 12], 0.5).item(), layer_above(np.array([0.5, 0.4]), [0, 6], 0.44).item()
    (8.0, 0.0)
    """
    weight_L = values_L - np.expand_dims(floor, -1)
    total = weight_L.sum(axis=-1)
    mean: np.ndarray = (weight_L * np.asarray(layers)).sum(axis=-1) / np.where(total > 0, total, np.nan)
    return np.clip(mean, min(layers), max(layers))


class LayerCurve:
    """A measurement over a training's steps, at all its layers.

    Args:
        baselines: what each baseline earns on its test set, counts [1, 1, clusters].
        among: the keys of all clusters of its group, which share resamples.
    """

    def __init__(self, found: Measured, baselines: Sequence[ClusteredCounts], among: Sequence[str], intervals: Intervals) -> None:
        self._found, self._direction, self._level = found, found.task.direction, intervals.level
        self._layers = [layer for layer in found.layers if layer is not None]
        self._fitting = CrossFitting(
            found.counts,
            found.metric.value,
            higher_is_better=found.higher_is_better,
            has_seeds=found.has_seeds,
            among=among,
            resamples=min(RESAMPLES, intervals.resamples),
            level=intervals.level,
        )
        values_KR = np.column_stack([self._fitting.values_C, self._fitting.resampled_CR])
        self._values_KCL = values_KR.T.reshape(-1, len(found.steps), len(self._layers))
        self._chance_K = self._best_of(baselines, among)
        self._columns = found.columns | {"n": len(found.counts.keys)}

    def _best_of(self, baselines: Sequence[ClusteredCounts], among: Sequence[str]) -> np.ndarray:
        """What the best baseline earns; NaN where there is none."""
        resamples = len(self._values_KCL) - 1
        earned_BK = np.full((len(baselines) or 1, 1 + resamples), np.nan)
        for earned_K, counts in zip(earned_BK, baselines, strict=False):
            taken_RM = joined_draws(counts.group, [counts.keys, among], resamples)[0]
            earned_K[:] = counts.values(self._found.metric.value, np.vstack([np.ones(len(counts.keys)), taken_RM]).T)[0, 0]
        return earned_BK[(earned_BK[:, 0] * (1 if self._found.higher_is_better else -1)).argmax()]

    def expected_rows(self, grid: str, layers: Sequence[int]) -> Iterator[Row]:
        """The expected layer at each step, and how far it has moved down from the first step to the final one.

        Args:
            layers: those to be cut to.
        """
        steps = self._found.steps
        of_grid = self._columns | {"grid": grid, "layers": _text(layers)}
        whats = [{"measure": LEVEL, "step": step} for step in steps]
        whats.append({"measure": CHANGE, "step": steps[-1], "first_step": steps[0]})
        for rule, weights, expected_KC, holds_C in self.expected(layers):
            values_KX = np.column_stack([expected_KC, expected_KC[:, 0] - expected_KC[:, -1]])
            limits_2X = limits(values_KX[1:], self._level)
            limits_2X[:, ~np.append(holds_C, holds_C[0] & holds_C[-1]) | np.isnan(values_KX[0])] = np.nan
            of_rule = of_grid | {"rule": rule, "formula": "layer_above" if rule == CROSS_FITTED else "expected_layer", "weights": weights}
            of_rule |= {"chance": self._chance_K[0]} if weights == "chance-corrected" else {}
            for what, value, (low, high) in zip(whats, values_KX[0], limits_2X.T, strict=True):
                interval = NO_INTERVAL if np.isnan(low) else CROSS_FITTED if rule == CROSS_FITTED else PERCENTILE
                yield of_rule | what | {"value": value, "low": low, "high": high, "interval": interval}

    def expected(self, layers: Sequence[int]) -> Iterator[tuple[str, Weights, np.ndarray, np.ndarray]]:
        """The expected layer at each step, [K, C], and where its interval holds the truth, [C]; by rule and weights."""
        columns = [self._layers.index(layer) for layer in layers]
        values_KCL = self._values_KCL[..., columns]
        best_KC = measures.best(values_KCL, self._direction)
        score_KCL = self._relative(values_KCL, best_KC[..., None])
        # Of what has no baseline, nothing is by chance.
        chance_KC = np.nan_to_num(self._relative(self._chance_K[:, None], best_KC))
        no_C, every_C = np.zeros(best_KC.shape[1], dtype=bool), np.ones(best_KC.shape[1], dtype=bool)
        holds = {"raw": every_C, "chance-corrected": self._clear_of_chance(score_KCL - chance_KC[..., None])}
        for weights in get_args(Weights):
            yield AS_PRINTED, weights, expected_layer(score_KCL, layers, weights, chance_KC), holds.get(weights, no_C)
        rows = np.arange(self._values_KCL[0].size).reshape(self._values_KCL[0].shape)[:, columns]
        worst_KC = np.column_stack([np.append(*self._fitting.worst(of_step)) for of_step in rows.tolist()])
        yield CROSS_FITTED, "min-max", layer_above(score_KCL, layers, self._relative(worst_KC, best_KC)), every_C

    def _relative(self, values: np.ndarray, best: np.ndarray) -> np.ndarray:
        return measures.relative_performance(values, best, self._direction)

    def _clear_of_chance(self, above_KCL: np.ndarray) -> np.ndarray:
        """Whether no layer is as good as chance but for noise, [C]: the weight of one that is, never below 0, is too large on average."""
        low, high = limits(above_KCL[1:].reshape(-1, above_KCL[0].size), self._level).reshape(2, *above_KCL[0].shape)
        return ((low > 0) | (high < 0)).all(axis=-1)

    def gain_rows(self) -> Iterator[Row]:
        """How much better the best internal layer at any checkpoint is than the last layer: at the final checkpoint, and at any."""
        rows_CL = np.arange(self._values_KCL[0].size).reshape(self._values_KCL[0].shape)
        internal, last = rows_CL[:, :-1].ravel().tolist(), rows_CL[:, -1].tolist()
        of_curve = self._columns | {"layers": _text(self._layers)}
        printed = measures.internal_gain(self._values_KCL[0], self._direction)
        for against, value, rows in zip((FINAL_CHECKPOINT, ANY_CHECKPOINT), printed, (last[-1:], last), strict=True):
            of_row = of_curve | {"against": against}
            yield of_row | {"rule": AS_PRINTED, "formula": "internal_gain", "value": float(value), "interval": NO_INTERVAL}
            found = self._fitting.gain(internal, rows).absolute
            of_row |= {"rule": CROSS_FITTED, "formula": "gain", "value": found.value, "low": found.low, "high": found.high}
            yield of_row | {"interval": NO_INTERVAL if np.isnan(found.low) else CROSS_FITTED}


def _text(layers: Sequence[int]) -> str:
    return " ".join(map(str, layers))
