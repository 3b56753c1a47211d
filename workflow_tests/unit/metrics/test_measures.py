"""Curves whose answers are known: each measure is also tried where a slip would show, such as a direction or step 0 overlooked."""

import numpy as np
import pytest

from xlprobe.metrics.measures import (
    acquired_in_order,
    expected_layer,
    forgetting,
    internal_gain,
    relative_performance,
    step_to_share,
)

STEPS = [5, 10, 20, 40]
# A language that forgets, one that does not, and a flat one; then the same of bits, where lower is better.
ACCURACY = np.array([[0.5, 0.99, 1.0, 0.8], [0.5, 0.7, 0.9, 1.0], [0.6, 0.6, 0.6, 0.6]])
BITS = np.array([[4.0, 2.02, 2.0, 2.5], [4.0, 3.0, 2.5, 2.0], [3.0, 3.0, 3.0, 3.0]])


@pytest.mark.parametrize(("values", "direction"), [(ACCURACY, "higher"), (BITS, "lower")])
def test_steps_to_a_share_of_the_best(values, direction):
    assert step_to_share(STEPS, values, 0.98, direction).tolist() == [10, 40, 5]
    assert step_to_share(STEPS, values, 0.5, direction).tolist() == [5, 5, 5]
    assert step_to_share(STEPS, values, 1.0, direction).tolist() == [20, 40, 5]


@pytest.mark.parametrize("steps", [[0, 5, 10, 20], [5, 10, 10, 40], [10, 5, 20, 40], []])
def test_step_0_is_no_checkpoint_and_steps_ascend(steps):
    with pytest.raises(ValueError, match="ascending and above 0"):
        step_to_share(steps, ACCURACY, 0.98, "higher")


@pytest.mark.parametrize(("values", "direction", "absolute"), [(ACCURACY, "higher", [0.2, 0, 0]), (BITS, "lower", [0.5, 0, 0])])
def test_forgetting_is_what_is_lost_since_the_best(values, direction, absolute):
    relative, lost = forgetting(values, direction)
    assert relative.tolist() == pytest.approx([0.2, 0, 0]) and lost.tolist() == pytest.approx(absolute)


def test_relative_performance_is_1_at_best_and_less_elsewhere():
    for values, direction in ((ACCURACY, "higher"), (BITS, "lower")):
        for curve in values:
            shares = relative_performance(curve, max(curve) if direction == "higher" else min(curve), direction)
            assert shares.max() == 1 and (shares > 0).all()


@pytest.mark.parametrize("direction", ["higher", "lower"])
def test_internal_layers_are_held_against_the_last_layer_at_its_end_and_at_its_best(direction):
    """The best internal layer stands at the second checkpoint; the last layer is best at the first, and worse at the end."""
    values = np.array([[0.4, 0.5, 0.8], [0.4, 0.9, 0.7], [0.4, 0.8, 0.6]])
    values = values if direction == "higher" else -values
    assert [gain.item() for gain in internal_gain(values, direction)] == pytest.approx([0.3, 0.1])
    assert internal_gain(np.stack([values, values[::-1]]), direction)[0] == pytest.approx([0.3, 0.1])


def test_a_late_shift_to_lower_layers_is_seen_by_all_weights_and_by_raw_ones_least():
    layers = [0, 4, 8, 12]
    early, late = np.array([0.60, 0.70, 0.80, 0.90]), np.array([0.60, 0.90, 0.80, 0.70])
    fall = {
        weights: (expected_layer(early, layers, weights, 0.5) - expected_layer(late, layers, weights, 0.5)).item()
        for weights in ("raw", "min-max", "chance-corrected", "differential")
    }
    assert fall == pytest.approx({"raw": 1.6 / 3, "min-max": 8 / 3, "chance-corrected": 1.6, "differential": 4.0})
    assert expected_layer(np.stack([early, late]), layers, "differential").tolist() == pytest.approx([8, 4])


def test_layers_without_any_weight_have_no_mean():
    flat = np.full(3, 0.7)
    assert np.isnan([expected_layer(flat, [0, 1, 2], weights).item() for weights in ("min-max", "differential")]).all()
    assert np.isnan(expected_layer(flat, [0, 1, 2], "chance-corrected", 0.8)) and expected_layer(flat, [0, 1, 2], "raw") == 1


def test_chance_may_differ_from_curve_to_curve():
    curves = np.array([[0.5, 0.6], [0.5, 0.6]])
    assert expected_layer(curves, [0, 12], "chance-corrected", np.array([0.5, 0.4])).tolist() == pytest.approx([12, 8])


def test_order_holds_within_groups_in_any_order_and_at_one_checkpoint():
    order = [("a", "b"), ("c",)]
    assert acquired_in_order({"a": 5, "b": 10, "c": 10}, order) and acquired_in_order({"a": 10, "b": 5, "c": 10}, order)
    assert not acquired_in_order({"a": 5, "b": 15, "c": 10}, order)
