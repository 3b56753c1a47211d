import numpy as np
import pytest

from xlprobe.statistics.acquisition_curve import fit_acquisition

STEPS = [100, 200, 400, 800, 1600, 3200, 6400]


def sigmoid(start, end, slope, middle):
    return start + (end - start) / (1 + np.exp(-slope * (np.log(STEPS) - np.log(middle))))


@pytest.mark.parametrize("start, end", [(0.2, 0.9), (7.0, 1.5)])
def test_a_sigmoid_is_found_whichever_its_direction(start, end):
    found = fit_acquisition(STEPS, sigmoid(start, end, 2.0, 600), end > start)
    assert (found.start, found.end, found.slope, np.exp(found.middle)) == pytest.approx((start, end, 2.0, 600), rel=1e-3)
    # Half-way between both ends at its middle; so the step to that share of the last value is the middle.
    best = found.value(6400)
    share = (start + end) / 2 / best if end > start else best / ((start + end) / 2)
    assert found.step_to_share(share) == (pytest.approx(600, rel=1e-3), False)


def test_what_is_reached_before_the_first_checkpoint_is_said():
    found = fit_acquisition(STEPS, sigmoid(0.7, 0.9, 2.0, 600), True)
    assert found.step_to_share(0.5) == (100, True)
    assert found.step_to_share(0.98)[1] is False


def test_the_fit_ends_at_the_best_checkpoint():
    """What is forgotten later is none of the rise."""
    rising = sigmoid(0.2, 0.9, 2.0, 400)
    forgetting = np.append(rising, [0.5, 0.3])
    found = fit_acquisition([*STEPS, 12800, 25600], forgetting, True)
    assert found.last == 6400 and np.exp(found.middle) == pytest.approx(400, rel=1e-3)


@pytest.mark.parametrize("values", [[0.1, 0.9, 0.8, 0.8, 0.8, 0.8, 0.8], [0.5] * 7, [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3]])
def test_of_few_checkpoints_and_of_nothing_there_is_no_curve(values):
    assert fit_acquisition(STEPS, np.array(values), True) is None
