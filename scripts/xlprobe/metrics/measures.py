"""Measures of curves over pretraining and over layers, as paper 1 prints them (Blevins et al. 2022).

Each takes curves of any number at once: the last axis, or the last two, are named with each argument. Step 0, the model before
training, is no checkpoint: curves begin with the first step of training, and a curve without a checkpoint is refused. What chooses
(a best checkpoint, a first one) is biased by the choice, and has no interval here: `xlprobe.statistics.cross_fitting` has both.

Shape letters: C checkpoints, L layers.
"""

from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise, product
from typing import Literal

import numpy as np

Direction = Literal["higher", "lower"]
Weights = Literal["raw", "min-max", "chance-corrected", "differential"]


def best(values: np.ndarray, direction: Direction) -> np.ndarray:
    """The best value over the last axis."""
    return values.max(axis=-1) if direction == "higher" else values.min(axis=-1)


def relative_performance(values: np.ndarray, best_value: np.ndarray | float, direction: Direction) -> np.ndarray:
    """A value's share of the best one, 1 at best: value / best or, where lower is better, best / value (Figures 3, 15 and 17).

    >>> relative_performance(np.array([3.0, 2.0]), 2.0, "lower").round(3).tolist()
    [0.667, 1.0]
    """
    return values / best_value if direction == "higher" else best_value / values


def step_to_share(steps: Sequence[int], values_C: np.ndarray, share: float, direction: Direction) -> np.ndarray:
    """The first step at which a curve reaches a share of its best value (Figures 2, 6 and 16; Tables 4 and 5 with 0.95).

    NaN where it has no best: of a score that stays 0, or is not defined.

    Raises:
        ValueError: the steps are not ascending, or 0 is among them.

    >>> step_to_share([5, 10, 15], np.array([0.5, 0.79, 0.8]), 0.98, "higher").item()
    10.0
    >>> step_to_share([5, 10, 15], np.array([4.0, 2.0, 1.0]), 0.5, "lower").item()
    10.0
    """
    if min(steps, default=0) <= 0 or any(one >= other for one, other in pairwise(steps)):
        raise ValueError(f"steps are to be ascending and above 0, found {list(steps)}")
    with np.errstate(invalid="ignore"):
        reached_C = relative_performance(values_C, best(values_C, direction)[..., None], direction) >= share
    return np.where(reached_C.any(axis=-1), np.asarray(steps)[reached_C.argmax(axis=-1)], np.nan)


def forgetting(values_C: np.ndarray, direction: Direction) -> tuple[np.ndarray, np.ndarray]:
    """What the final checkpoint has lost since the best one: relative, 1 - relative performance, and absolute; never below 0.

    Figure 7 does not say which of the two it shows; Table 5 says "(relative)".

    >>> tuple(float(lost) for lost in forgetting(np.array([0.5, 1.0, 0.75]), "higher"))
    (0.25, 0.25)
    """
    best_value, final = best(values_C, direction), values_C[..., -1]
    with np.errstate(invalid="ignore"):
        relative = 1 - relative_performance(final, best_value, direction)
    return relative, np.abs(best_value - final)


def asymmetry(transfer: np.ndarray) -> np.ndarray:
    """How much better each pair of languages is transferred than the pair the other way round (Figure 5).

    Args:
        transfer: the scores, [..., sources, targets], languages in the same order on both axes.

    >>> asymmetry(np.array([[0.9, 0.7], [0.4, 0.8]])).round(3).tolist()
    [[0.0, 0.3], [-0.3, 0.0]]
    """
    return transfer - np.swapaxes(transfer, -1, -2)


def internal_gain(values_CL: np.ndarray, direction: Direction) -> tuple[np.ndarray, np.ndarray]:
    """How much better the best internal layer at any checkpoint is than the last layer: at the final checkpoint, and at its best.

    Section 5.1 does not say which of the two; Appendix C compares with the best. Internal are all layers before the last.

    >>> tuple(float(gain) for gain in internal_gain(np.array([[0.5, 0.75], [1.0, 0.5]]), "higher"))
    (0.5, 0.25)
    """
    sign = 1 if direction == "higher" else -1
    internal, last_C = sign * values_CL[..., :-1], sign * values_CL[..., -1]
    best_internal = internal.max(axis=(-1, -2))
    return best_internal - last_C[..., -1], best_internal - last_C.max(axis=-1)


def expected_layer(
    values_L: np.ndarray, layers: Sequence[int], weights: Weights = "min-max", chance: np.ndarray | float = 0.0
) -> np.ndarray:
    """The mean layer, weighted by how good each is; NaN where no layer weighs anything (Figures 11 and 13).

    Paper 1 weights "by relative performance" and gives no formula. Raw weights cannot give what it prints: of 13 layers between 60 and
    90 % they stay near the middle. `min-max`, our choice, is what a layer is above the worst one, over the range;
    `chance-corrected` is what it is above chance, if anything; `differential` is what the best layer so far gains with it, as Tenney
    et al. (2019) weight their cumulative probes, the lowest layer left out. Compare measures of the same layers only.

    Args:
        values_L: scores, where higher is better.
        chance: what is reached without vectors, for `chance-corrected`.

    >>> scores, layers = np.array([0.5, 0.9, 0.7]), [0, 6, 12]
    >>> [expected_layer(scores, layers, weights, 0.5).round(3).item() for weights in ("raw", "min-max", "chance-corrected", "differential")]
    [6.571, 8.0, 8.0, 6.0]
    """
    match weights:
        case "raw":
            weight_L = values_L
        case "min-max":
            weight_L = values_L - values_L.min(axis=-1, keepdims=True)
        case "chance-corrected":
            weight_L = np.maximum(values_L - np.expand_dims(chance, -1), 0)
        case "differential":
            weight_L = np.diff(np.maximum.accumulate(values_L, axis=-1), axis=-1, prepend=values_L[..., :1])
    total = weight_L.sum(axis=-1)
    with np.errstate(invalid="ignore"):
        return (weight_L * np.asarray(layers)).sum(axis=-1) / np.where(total > 0, total, np.nan)


def acquired_in_order(reached: Mapping[str, int], order: Sequence[Collection[str]]) -> bool:
    """Whether tasks are acquired in an order of groups of tasks; tasks that are acquired at one checkpoint are in any order (section 3.1).

    Args:
        reached: for each task, the step at which it is acquired (`step_to_share`).

    >>> order = [("pos", "arc_prediction"), ("arc_classification",), ("xnli",)]
    >>> acquired_in_order({"pos": 10, "arc_prediction": 5, "arc_classification": 10, "xnli": 100}, order)
    True
    >>> acquired_in_order({"pos": 15, "arc_prediction": 5, "arc_classification": 10, "xnli": 100}, order)
    False
    """
    return all(reached[one] <= reached[other] for earlier, later in pairwise(order) for one, other in product(earlier, later))
