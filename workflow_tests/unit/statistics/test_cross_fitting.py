from itertools import combinations

import numpy as np
import pytest
from simulated_outcomes import CURVES, STEPS, accuracy, jitter, simulated

from xlprobe.statistics.cross_fitting import SPLITS, CrossFitting, estimate, resampled_jitter
from xlprobe.statistics.resampling import ClusteredCounts, joined_halves

GROUP = ("pud", "test")


def constant(values, total=100, clusters=12, metric=accuracy, **options):
    """Rows whose clusters all earn the same."""
    counts = {"correct": np.tile(np.array(values)[:, None, None], (1, 1, clusters)), "total": np.full((1, 1, clusters), total)}
    outcome = ClusteredCounts(counts, [f"{number:02}" for number in range(clusters)], GROUP)
    return CrossFitting(outcome, metric, **{"has_seeds": False} | options)


def test_without_noise_the_best_is_the_best():
    curve = constant([50, 90, 80])
    gain = curve.gain(range(3), [2])
    assert [gain.absolute.low, gain.absolute.value, gain.absolute.high] == pytest.approx([0.1] * 3)
    assert [gain.relative.low, gain.relative.value, gain.relative.high] == pytest.approx([1 / 9] * 3)
    assert curve.best() == pytest.approx(0.9) and curve.best([0, 2]) == pytest.approx(0.8)
    # The best of some against the best of others: of all layers and steps, say, against the last layer's.
    assert curve.gain([0, 1], [0, 2]).absolute.value == pytest.approx(0.1)
    assert curve.gain([0], [1, 2]).absolute.value == pytest.approx(-0.4)
    worst, resampled_R = curve.worst([1, 2])
    assert worst == pytest.approx(0.8) and resampled_R == pytest.approx(np.full(200, 0.8))


def test_the_interval_of_a_row_is_that_of_a_plain_bootstrap():
    """Of 400 sentences with one word each, 0.8 of which are right: 1.96 sqrt(0.16 / 400) on either side; nothing without resamples."""
    correct = (np.arange(400) % 5 > 0).astype(int)
    keys = [f"{number:03}" for number in range(400)]
    outcome = ClusteredCounts({"correct": np.stack([correct, 0 * correct])[:, None], "total": np.ones((1, 1, 400), dtype=int)}, keys, GROUP)
    low, high = CrossFitting(outcome, accuracy, has_seeds=False, resamples=2000).interval(0)
    assert (low, high) == (pytest.approx(0.7608, abs=0.004), pytest.approx(0.8392, abs=0.004))
    assert np.isnan(CrossFitting(outcome, accuracy, has_seeds=False, resamples=0).interval(0)).all()


def test_what_is_better_when_lower():
    """Bits: 1.5 of 1.2 at best; 1 - best / final is lost."""
    curve = constant([300, 120, 150], higher_is_better=False)
    gain = curve.gain(range(3), [2])
    assert (gain.absolute.value, gain.relative.value) == pytest.approx((0.3, 0.2)) and curve.best() == pytest.approx(1.2)
    assert curve.worst(range(3))[0] == pytest.approx(3)


def test_the_worst_of_equal_rows_is_as_good_as_the_others():
    """What a half of the clusters chooses is no worse on the other one; as it stands the worst of 13 rows is, by 1.7 standard errors."""
    found = CrossFitting(simulated(np.random.default_rng(1), np.full(13, 0.7), clusters=300, lasting=0), accuracy)
    plain, (worst, resampled_R) = found.values_C.min(), found.worst(range(13))
    assert worst == pytest.approx(found.values_C.mean(), abs=0.003) and plain < worst - 0.006
    assert resampled_R.mean() == pytest.approx(worst, abs=0.003) and resampled_R.shape == (200,)


def test_one_probe_is_measured_on_the_half_that_did_not_choose_it():
    correct = np.random.default_rng(5).integers(11, size=(4, 1, 9))
    keys = list("ihgfedcba")
    found = CrossFitting(ClusteredCounts({"correct": correct, "total": np.full((1, 1, 9), 10)}, keys, GROUP), accuracy).gain(range(4), [3])
    lost = []
    for first_M in joined_halves(GROUP, [keys], SPLITS)[0]:
        for choosing, measuring in ((first_M, ~first_M), (~first_M, first_M)):
            best = correct[:, 0, choosing].sum(axis=1).argmax()
            lost.append((correct[best, 0, measuring].mean() - correct[3, 0, measuring].mean()) / 10)
    assert len(lost) == 200 and found.absolute.value == pytest.approx(np.mean(lost))


def test_probes_that_choose_do_not_measure():
    """Where only seeds differ: the mean over all ways to choose with two of five, and to measure with the rest, or turned round."""
    correct = np.array([[100, 0, 20, 10, 0], [20, 20, 20, 20, 20], [30, 60, 0, 10, 15]])
    outcome = ClusteredCounts({"correct": np.tile(correct[..., None], 8), "total": np.full((1, 1, 8), 100)}, "abcdefgh", GROUP)
    lost = []
    for two in combinations(range(5), 2):
        three = sorted({0, 1, 2, 3, 4} - set(two))
        for choosing, measuring in ((list(two), three), (three, list(two))):
            best = correct[:, choosing].mean(axis=1).argmax()
            lost.append((correct[best, measuring].mean() - correct[2, measuring].mean()) / 100)
    assert CrossFitting(outcome, accuracy).gain(range(3), [2]).absolute.value == pytest.approx(np.mean(lost), abs=0.015)
    assert np.std(lost) > 0.1


def test_the_interval_of_a_value_that_holds_a_choice():
    """Resamples around 2.5, of variance 5 / 3: what they lose, 0.5, comes twice to the upper end. They gain, and it does not."""
    width = 1.959964 * (5 / 3) ** 0.5
    found = estimate(3.0, np.array([1.0, 2, 3, 4, np.nan]))
    assert (found.low, found.value, found.high) == pytest.approx((3 - width, 3, 3 + width + 1))
    assert estimate(2.0, np.array([1.0, 2, 3, 4]), 0.9).high == pytest.approx(2 + 1.644854 * (5 / 3) ** 0.5)
    assert found.resampled_R.shape == (5,)
    assert [np.isnan(estimate(3.0, np.array([1.0, second])).low) for second in (2.0, np.nan)] == [False, True]


@pytest.mark.parametrize("by_seed", [[20, 60], [10, 20, 60], [10, 20, 60, 70, 50]])
def test_an_interval_covers_the_seeds(by_seed):
    """Where only seeds differ, and nothing is chosen: the standard error of their mean."""
    correct = np.array([by_seed, np.full(len(by_seed), 5)])
    outcome = ClusteredCounts(
        {"correct": np.tile(correct[..., None], 40), "total": np.full((1, 1, 40), 100)}, [str(n) for n in range(40)], GROUP
    )
    found = CrossFitting(outcome, accuracy, resamples=4000).gain([0], [1]).absolute
    assert found.value == pytest.approx(np.mean(by_seed) / 100 - 0.05, abs=0.01)
    assert found.value - found.low == pytest.approx(1.96 * np.std(by_seed, ddof=1) / len(by_seed) ** 0.5 / 100, rel=0.06)
    assert len(CrossFitting(outcome, accuracy).gain([0], [1]).absolute.resampled_R) == 200


def test_ups_and_downs_are_drawn_in_blocks():
    """A quadratic curve has none. Of 27 steps, blocks are three long, and go on from the last to the first."""
    steps = np.geomspace(10, 1000, 27)
    smooth = 0.5 + 0.1 * np.log(steps) - 0.01 * np.log(steps) ** 2
    assert resampled_jitter(steps, smooth, 20) == pytest.approx(np.zeros((27, 20)))
    noise = np.random.default_rng(1).standard_normal(27)
    jitter_CR = resampled_jitter(steps, smooth + noise, 300)
    x = np.vander(np.linspace(-1, 1, 27), 3)
    left = (noise - x @ np.linalg.lstsq(x, noise)[0]) * (27 / 24) ** 0.5
    places_CR = np.abs(jitter_CR[..., None] - left).argmin(axis=-1)
    assert jitter_CR == pytest.approx(left[places_CR]) and len(np.unique(places_CR[0])) == 27
    assert (places_CR[1::3] == (places_CR[::3] + 1) % 27).all() and (places_CR[2::3] == (places_CR[::3] + 2) % 27).all()
    assert (places_CR[3::3] == (places_CR[2:-1:3] + 1) % 27).mean() < 0.1
    assert np.isnan(resampled_jitter(steps[:5], noise[:5], 3)).all() and resampled_jitter(steps[:7], noise[:7], 3).shape == (7, 3)


def test_no_order_of_clusters_matters_and_rows_that_lack_some_share_their_halves():
    outcome = simulated(np.random.default_rng(1), np.array([0.7, 0.8, 0.75]), clusters=40, seeds=2)
    order = np.random.default_rng(2).permutation(40)

    def fitted(places, **options):
        counts = {name: counts[..., places] for name, counts in outcome.counts.items()}
        return CrossFitting(ClusteredCounts(counts, [outcome.keys[place] for place in places], GROUP), accuracy, **options).gain(
            range(3), [2]
        )

    whole = fitted(range(40))
    shuffled = fitted(order)
    assert shuffled.absolute.value == pytest.approx(whole.absolute.value) and shuffled.relative.low == pytest.approx(whole.relative.low)
    # A cluster without a word counts for nothing, as one that is not there.
    outcome.counts["correct"][..., 7] = outcome.counts["total"][..., 7] = 0
    without = fitted(np.delete(np.arange(40), 7), among=outcome.keys)
    assert without.absolute.value == pytest.approx(fitted(range(40)).absolute.value)
    assert without.absolute.low == pytest.approx(fitted(range(40)).absolute.low)
    assert fitted(np.delete(np.arange(40), 7)).absolute.low != pytest.approx(without.absolute.low)


def test_steps_that_reach_a_share_of_the_best():
    curve = constant([50, 90, 96, 100, 93])
    assert curve.reached(0.5).first == 0
    found = curve.reached(0.95)
    assert (found.shares.tolist(), found.first, found.last, found.place) == ([0, 0, 1, 1, 0], 2, 2, 2)
    assert [(found.first, found.last, found.place) for found in map(curve.reached, (0.4, 1.01))] == [(0, 0, 0), (None, None, None)]
    assert constant([200, 106, 105, 100], higher_is_better=False).reached(0.95).first == 2
    # Of twelve clusters, one reaches nothing at the second step, which reaches 0.85 of the third in resamples without that one.
    correct = np.repeat(np.array([[0], [9], [10]]), 12, axis=1)
    correct[1, 0] = 0
    outcome = ClusteredCounts({"correct": correct[:, None], "total": np.full((1, 1, 12), 10)}, "abcdefghijkl", GROUP)
    found = CrossFitting(outcome, accuracy, has_seeds=False, resamples=1000).reached(0.85)
    assert found.shares == pytest.approx([0, (11 / 12) ** 12, 1], abs=0.05) and (found.first, found.last) == (1, 2)
    # 0.35 of them: less than 0.4, more than 0.3.
    assert [CrossFitting(outcome, accuracy, has_seeds=False, level=level).reached(0.85).first for level in (0.2, 0.4)] == [2, 1]


def test_ups_and_downs_of_checkpoints_are_no_forgetting():
    """What is large beside sentences and seeds, but not beside the checkpoints' own noise; then a fall that is."""
    generator = np.random.default_rng(4)
    noise = jitter(generator, 0.01, 0)
    noise[-1] = -0.004
    outcomes = [simulated(generator, CURVES[name] + moved, clusters=600) for name, moved in (("plateau", noise), ("drift", 0.1 * noise))]
    restless, falling = (CrossFitting(outcome, accuracy).forgetting(STEPS) for outcome in outcomes)
    assert restless.p_sampling < 0.05 < 0.1 < restless.p_jitter
    assert falling.p_sampling < 0.05 and falling.p_jitter < 0.05 and falling.absolute.low > 0
    assert falling.relative.value == pytest.approx(falling.absolute.value / 0.84, rel=0.03)
    turned = {"correct": outcomes[1].counts["total"] - outcomes[1].counts["correct"], "total": outcomes[1].counts["total"]}
    errors = CrossFitting(ClusteredCounts(turned, outcomes[1].keys, outcomes[1].group), accuracy, higher_is_better=False).gain(
        range(39), [38]
    )
    assert errors.absolute.value == pytest.approx(falling.absolute.value)


def test_few_checkpoints_after_95_percent_have_no_jitter():
    steps = [1, 2, 4, 8, 16, 32, 64]
    assert np.isnan(constant([10, 20, 96, 97, 98, 99, 99]).forgetting(steps).p_jitter)
    assert constant([10, 95.9, 96, 97, 98, 99, 99]).forgetting(steps).p_jitter == 1


@pytest.mark.parametrize("steps", [[0, 1, 2], [1, 2], [1, 3, 2], [1, 1, 2]])
def test_step_0_is_no_checkpoint(steps):
    with pytest.raises(ValueError, match="3 steps in ascending order and without 0 are expected, not"):
        constant([1, 2, 3]).forgetting(steps)


@pytest.mark.parametrize("options", [{"resamples": 0}, {"has_seeds": True}])
def test_without_resamples_and_of_one_probe_there_is_no_interval(options):
    curve = constant([50, 90, 80, 80, 80, 80, 80, 80], **options)
    found, reached = curve.forgetting(range(1, 9)), curve.reached(0.95)
    assert np.isnan(reached.shares).all() and (reached.first, reached.last) == (None, None) and len(reached.shares) == 8
    assert found.absolute.value == pytest.approx(0.1)
    assert np.isnan([found.absolute.low, found.absolute.high, found.p_sampling, found.p_jitter]).all()


def test_a_metric_without_a_value_has_no_interval():
    gain = constant([0, 0, 0], total=0).gain(range(3), [2])
    assert np.isnan([gain.absolute.value, gain.absolute.low, gain.absolute.high, gain.relative.low]).all()
    assert np.isnan(constant([0] * 7, total=0).forgetting(range(1, 8)).p_sampling)


def test_small_sets_leave_out_resamples_that_have_nothing_in_one_half():
    """Of three clusters, a resample often takes none of one half."""
    gain = constant([50, 90, 80], clusters=3, resamples=300).gain(range(3), [2])
    assert [gain.absolute.low, gain.absolute.value, gain.absolute.high] == pytest.approx([0.1] * 3)


@pytest.mark.parametrize("curve", CURVES)
def test_an_interval_holds_the_truth_as_often_as_it_says(curve):
    """A short form of what `make bench` runs. On curves that do not fall, best minus final says that they do."""
    truth, found, plain, held, passed = CURVES[curve].max() - CURVES[curve][-1], [], [], [], []
    for trial in range(40):
        outcome = simulated(np.random.default_rng(trial), CURVES[curve], clusters=200)
        fitted = CrossFitting(outcome, accuracy, resamples=60)
        lost = fitted.gain(range(39), [38]).absolute
        found.append(lost.value)
        plain.append(fitted.values_C.max() - fitted.values_C[-1])
        held.append(lost.low <= truth <= lost.high)
        reached, true = fitted.reached(0.98), int((CURVES[curve] >= 0.98 * CURVES[curve].max()).argmax())
        passed.append(reached.first <= true and (reached.last is None or true <= reached.last))
    assert np.mean(held) >= 0.9 and np.mean(passed) >= 0.9 and np.mean(found) - truth < 2 * np.std(found) / 40**0.5
    if curve in ("flat", "plateau"):
        assert np.mean(plain) > 5 * np.std(plain) / 40**0.5
