"""Outcomes with known answers: what a simulation of intervals draws its test sets from.

A sentence has 5 to 30 words. Its difficulty is shared by all rows; how well a row does on it besides drifts from row to row;
each probe adds noise of its own.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise

import numpy as np

from xlprobe.metrics.layers import LayerCurve
from xlprobe.metrics.measures import expected_layer
from xlprobe.metrics.metric_definitions import ratio
from xlprobe.metrics.training_outcomes import Measured
from xlprobe.statistics.bootstrap import Intervals
from xlprobe.statistics.resampling import ClusteredCounts, joined_draws
from xlprobe.tasks.declaration import load_task

# Paper 1's checkpoints.
STEPS = [*range(5_000, 50_000, 5_000), *range(50_000, 1_500_001, 50_000)]
_PLACE = np.log(np.array(STEPS) / STEPS[0]) / np.log(STEPS[-1] / STEPS[0])
_RISING = 0.85 - 0.35 * np.exp(-9 * _PLACE)
# The true accuracy at each step.
CURVES = {
    "flat": np.full(len(STEPS), 0.85),
    "plateau": _RISING,
    "small drift": _RISING - 0.016 * np.clip(_PLACE - 0.5, 0, None),
    "drift": _RISING - 0.06 * np.clip(_PLACE - 0.5, 0, None),
}

# The true accuracy at each of 13 layers, where chance is 0.5.
LAYERS = np.arange(13)
_HILL = 0.7 + 0.17 * np.exp(-(((LAYERS - 8) / 4) ** 2))
LAYER_CURVES = {
    "one worst": np.append(0.55, _HILL[1:]),
    "five worst": np.append(np.full(5, 0.55), _HILL[5:]),
    "five at chance": np.append(np.full(5, 0.5), _HILL[5:]),
    "one best": np.append(np.full(12, 0.6), 0.7),
    "equally good": np.append([0.55, 0.65, 0.75], np.full(10, 0.85)),
    "slope": 0.6 + 0.25 * LAYERS / 12,
    "slight slope": 0.6 + 0.05 * LAYERS / 12,
    "slope as flat as noise": 0.6 + 0.01 * LAYERS / 12,
    "hill": _HILL,
    "flat": np.full(13, 0.6),
}


def accuracy(sums: Mapping[str, np.ndarray]) -> np.ndarray:
    """The share of words that are right."""
    shares: np.ndarray = sums["correct"] / sums["total"]
    return shares


def simulated(
    generator: np.random.Generator,
    truth: np.ndarray,
    *,
    clusters: int,
    seeds: int = 5,
    seed_noise: float | np.ndarray = 0.003,
    lasting: float = 0.9,
) -> ClusteredCounts:
    """Counts [rows, seeds, clusters] of rows with these true accuracies.

    Args:
        seed_noise: the standard deviation over probes, of all rows or of each, [rows, 1, 1].
        lasting: how much of what a row does on a sentence the next row does, too.
    """
    total = generator.integers(5, 31, clusters)
    difficulty = generator.uniform(-0.12, 0.12, clusters)
    of_row = generator.standard_normal((len(truth), clusters))
    for before, now in pairwise(of_row):
        now *= (1 - lasting**2) ** 0.5
        now += lasting * before
    of_probe = seed_noise * generator.standard_normal((len(truth), seeds, 1))
    chance = np.clip(truth[:, None, None] + difficulty + 0.05 * of_row[:, None] + of_probe, 0, 1)
    counts = {"correct": generator.binomial(total, chance), "total": total[None, None]}
    return ClusteredCounts(counts, [f"{number:05}" for number in range(clusters)], ("simulated", str(generator.integers(2**40))))


def layer_curve(
    generator: np.random.Generator,
    truth_CL: np.ndarray,
    chance: float = 0.5,
    *,
    clusters: int,
    seed_noise: float = 0.003,
    resamples: int = 200,
) -> LayerCurve:
    """A probe's curve over checkpoints and layers with these true accuracies, and a baseline, which has no seed."""
    noise = np.append(np.full(truth_CL.size, seed_noise), 0)[:, None, None]
    drawn = simulated(generator, np.append(truth_CL, chance), clusters=clusters, seed_noise=noise)
    correct, total = drawn.counts["correct"], drawn.counts["total"]
    of_layers = {"correct": correct[:-1].reshape(*truth_CL.shape, *correct.shape[1:]), "total": total[None]}
    counts, baseline = (
        ClusteredCounts(of_rows, drawn.keys, drawn.group) for of_rows in (of_layers, {"correct": correct[-1:, :1], "total": total})
    )
    layers = list(range(truth_CL.shape[1]))
    task = load_task("arc_classification")
    found = Measured(task, ratio("correct", "total"), STEPS[: len(truth_CL)], layers, counts, {"protocol": "paper"})
    return LayerCurve(found, [baseline], [], Intervals(resamples))


def expected_layers_hold(curve: LayerCurve, truth_CL: np.ndarray, chance: float = 0.5) -> Iterator[tuple[str, bool | None]]:
    """Whether intervals of expected layers, of the last checkpoint and of the change, hold the truth; None where there is no interval.

    Of equal layers the middle one counts as the truth of min-max.
    """
    layers = range(truth_CL.shape[1])
    for row in curve.expected_rows("own", layers):
        true_C = expected_layer(truth_CL, layers, row["weights"], chance)
        if row["weights"] == "min-max":
            true_C = np.where(np.isnan(true_C), np.mean(layers), true_C)
        if row["measure"] == "level" and row["step"] != STEPS[len(truth_CL) - 1]:
            continue
        truth = true_C[-1] if row["measure"] == "level" else true_C[0] - true_C[-1]
        name = f"{row['weights']}, {row['rule']}, {row['measure']}"
        yield name, None if row["interval"] == "no interval" else bool(row["low"] <= truth <= row["high"])


def jitter(generator: np.random.Generator, size: float, lasting: float) -> np.ndarray:
    """Ups and downs of the checkpoints of STEPS."""
    moved = size * generator.standard_normal(len(STEPS))
    for number in range(1, len(STEPS)):
        moved[number] = lasting * moved[number - 1] + (1 - lasting**2) ** 0.5 * moved[number]
    return moved


def mean_over_languages_holds_the_truth(trials: Iterable[int], clusters: int, resamples: int, *, joined: bool) -> float:
    """How often a 95 % interval of the mean accuracy of six languages on a parallel test set holds the truth.

    Each language lacks a sentence or two, and has them in an order of its own. Sentences are drawn together, or apart.
    """
    held = []
    for trial in trials:
        generator = np.random.default_rng(trial)
        outcome = simulated(generator, np.full(6, 0.8), clusters=clusters, seeds=1, seed_noise=0, lasting=0.5)
        keys, languages = np.array(outcome.keys), []
        for row in range(6):
            places = generator.permutation(clusters)[: clusters - generator.integers(1, 3)]
            counts = {name: counts[:, places] for name, counts in outcome.row(row).counts.items()}
            languages.append(ClusteredCounts(counts, keys[places].tolist(), outcome.group))
        names = [outcome.group] if joined else [(*outcome.group, str(row)) for row in range(6)]
        rows = [[language.keys for language in languages]] if joined else [[language.keys] for language in languages]
        draws = [taken for name, keys_of_rows in zip(names, rows, strict=True) for taken in joined_draws(name, keys_of_rows, resamples)]
        means = np.mean([language.values(accuracy, taken.T)[0] for language, taken in zip(languages, draws, strict=True)], axis=0)
        low, high = np.quantile(means, [0.025, 0.975])
        held.append(low <= 0.8 <= high)
    return float(np.mean(held))


def unrelated_table(generator: np.random.Generator, languages: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """An outcome of pairs of languages, sources by targets, and a distance and a factor of languages, which it does not depend on.

    Sources, targets and pairs vary alike. Distances are those of points in a plane.
    """
    outcome = sum(generator.standard_normal(shape) for shape in ((languages, 1), (1, languages), (languages, languages)))
    points = generator.standard_normal((languages, 2))
    return np.asarray(outcome), np.linalg.norm(points[:, None] - points, axis=-1), generator.standard_normal(languages)
