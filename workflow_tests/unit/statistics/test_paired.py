import numpy as np
import pytest
from scipy import stats
from simulated_outcomes import accuracy, simulated

from xlprobe.errors import XlprobeError
from xlprobe.statistics.paired import compare, compare_means
from xlprobe.statistics.resampling import ClusteredCounts, draws

GROUP = ("pud", "test")


def row(correct, keys=None, total=1):
    correct = np.atleast_2d(correct).astype(np.uint16)
    keys = keys or [f"{number:03}" for number in range(correct.shape[1])]
    return ClusteredCounts({"correct": correct, "total": np.full((1, correct.shape[1]), total)}, keys, GROUP)


def test_rows_are_compared_on_the_clusters_that_both_have():
    """Of b, c and d: 3 of 3 against 1 of 3; what the others earned counts nowhere."""
    found = compare(row([0, 1, 1, 1], ["a", "b", "c", "d"]), row([1, 0, 0, 1, 1], ["d", "b", "c", "e", "f"]), accuracy)
    assert (found.difference, found.clusters) == (1 - 1 / 3, 3)
    # d is equal in both, so that only the four ways to swap b and c differ: 2, 0, 0, -2 thirds.
    assert found.p == pytest.approx(0.5, abs=0.05)
    assert (found.low, found.high) == (0, 1)


def test_the_interval_is_that_of_the_differences_in_shared_resamples():
    generator = np.random.default_rng(1)
    one, other = generator.integers(2, size=(2, 80))
    found = compare(row(one), row(other), accuracy, resamples=400, level=0.9)
    resampled = draws(GROUP, 80, 400) @ (one - other) / 80
    assert (found.low, found.high) == pytest.approx(np.quantile(resampled, [0.05, 0.95]))
    wider = compare(row(one), row(other), accuracy, resamples=400, level=0.99)
    assert wider.low < found.low < found.high < wider.high and wider.p == found.p


def test_the_p_value_is_that_of_a_sign_flip_test_by_scipy():
    """Of means with the same denominators, to swap counts is to flip the sign of their difference: all 2^12 ways."""
    one, other = np.array([5, 4, 4, 3, 5, 2, 4, 5, 3, 4, 5, 5]), np.array([4, 4, 2, 3, 4, 3, 3, 4, 3, 2, 5, 4])
    found = compare(row(one, total=5), row(other, total=5), accuracy, resamples=20_000)
    exact = stats.permutation_test((one - other,), np.mean, permutation_type="samples", n_resamples=np.inf).pvalue
    assert found.p == pytest.approx(exact, abs=0.004) and 0.05 < exact < 0.06


def test_no_order_of_clusters_matters_and_swapped_rows_turn_the_sign():
    outcomes = [simulated(np.random.default_rng(trial), np.array([0.8]), clusters=60) for trial in (1, 2)]
    one, other = ({name: counts[0] for name, counts in outcome.counts.items()} for outcome in outcomes)
    keys, order = outcomes[0].keys, np.random.default_rng(3).permutation(60)
    shuffled = ClusteredCounts({name: counts[:, order] for name, counts in one.items()}, [keys[place] for place in order], GROUP)
    found = compare(ClusteredCounts(one, keys, GROUP), ClusteredCounts(other, keys, GROUP), accuracy, common_seeds=True)
    assert compare(shuffled, ClusteredCounts(other, keys, GROUP), accuracy, common_seeds=True) == found
    turned = compare(ClusteredCounts(other, keys, GROUP), shuffled, accuracy, common_seeds=True)
    assert (turned.difference, turned.clusters) == (-found.difference, 60)
    assert (turned.low, turned.high) == pytest.approx((-found.high, -found.low)) and turned.p == pytest.approx(found.p, abs=0.05)


def test_equal_rows_do_not_differ_and_p_is_never_0():
    assert compare(row([1, 0, 1]), row([1, 0, 1]), accuracy).p == 1
    found = compare(row(np.ones(200, dtype=int)), row(np.zeros(200, dtype=int)), accuracy, resamples=99)
    assert (found.difference, found.low, found.high, found.p) == (1, 1, 1, 1 / 100)


def test_seeds_are_drawn_apart_unless_they_are_common():
    """Probes that differ by their seeds alone, in the same way in both rows: a baseline without seeds can be compared, too."""
    by_seed = np.repeat([[20], [25], [30]], 50, axis=1)
    one, other = row(by_seed, total=40), row(by_seed - 4, total=40)
    common, apart = compare(one, other, accuracy, common_seeds=True), compare(one, other, accuracy)
    assert common.low == pytest.approx(0.1) and common.high == pytest.approx(0.1) and common.p == 1 / 1001
    assert apart.low < 0 < 0.1 < apart.high and apart.p > 0.2
    baseline = compare(one, row(np.full(50, 21), total=40), accuracy)
    with pytest.raises(ValueError, match="3 and 1 seeds cannot be common"):
        compare(one, row(np.full(50, 21), total=40), accuracy, common_seeds=True)
    assert baseline.difference == pytest.approx(0.1) and baseline.low < 0.1 < baseline.high and baseline.p > 0.05


def test_without_resamples_there_is_no_interval():
    found = compare(row([1, 1]), row([0, 1]), accuracy, resamples=0)
    assert (found.difference, found.p) == (0.5, 1) and np.isnan([found.low, found.high]).all()


def test_a_metric_without_a_value_has_no_interval():
    found = compare(row([0, 0], total=0), row([0, 0], total=0), accuracy)
    assert np.isnan([found.difference, found.low, found.high]).all() and found.p == 1


@pytest.mark.parametrize(("keys", "group"), [("z", GROUP), ("0", ("xnli", "test"))])
def test_rows_without_a_common_sentence_are_refused(keys, group):
    other = ClusteredCounts({"correct": np.ones((1, 1)), "total": np.ones((1, 1))}, keys, group)
    with pytest.raises(XlprobeError, match=r"pud/test and (pud|xnli)/test have no test sentence in common, .*; name rows of one parallel"):
        compare(row([1, 0], ["0", "1"]), other, accuracy)


def test_intervals_and_p_values_of_equal_rows_are_as_often_wrong_as_they_say():
    """A short form of what `make bench` runs."""
    held, p_values = [], []
    for trial in range(200):
        outcome = simulated(np.random.default_rng(trial), np.array([0.8, 0.8]), clusters=80, seeds=1, seed_noise=0, lasting=0)
        found = compare(outcome.row(0), outcome.row(1), accuracy, resamples=100)
        held.append(found.low <= 0 <= found.high)
        p_values.append(found.p)
    assert 0.9 < np.mean(held) < 0.98 and stats.kstest(p_values, "uniform").pvalue > 0.01


def test_a_mean_over_languages_is_compared_in_resamples_that_its_parallel_sets_share():
    """Two languages, of which the second lacks a sentence: their differences are drawn together, then averaged."""
    generator = np.random.default_rng(2)
    one, other = generator.integers(2, size=(2, 2, 60))
    keys = [f"{number:03}" for number in range(60)]
    pairs = [(row(one[0]), row(other[0])), (row(one[1, :59], keys[:59]), row(other[1, :59], keys[:59]))]
    found = compare_means(pairs, accuracy, resamples=400)
    drawn = draws(GROUP, 60, 400)
    first, second = drawn @ (one[0] - other[0]) / 60, drawn[:, :59] @ (one[1, :59] - other[1, :59]) / drawn[:, :59].sum(axis=1)
    assert (found.low, found.high) == pytest.approx(np.quantile((first + second) / 2, [0.025, 0.975]))
    assert found.difference == pytest.approx(((one[0] - other[0]).mean() + (one[1, :59] - other[1, :59]).mean()) / 2)
    assert found.clusters == 60
    weighted = compare_means(pairs, accuracy, weights=[0.75, 0.25], resamples=400)
    assert (weighted.low, weighted.high) == pytest.approx(np.quantile(0.75 * first + 0.25 * second, [0.025, 0.975]))
    assert compare_means(pairs[:1], accuracy) == compare(*pairs[0], accuracy)


def test_a_sentence_changes_rows_together_with_its_translations():
    """Of two languages with the same differences, a mean is as sure as either; of sets that are not parallel, it is surer."""
    one, other = row([1] * 8 + [0] * 2 + [1] * 10), row([0] * 8 + [1] * 2 + [1] * 10)
    alone, together = compare(one, other, accuracy, resamples=5000), compare_means([(one, other)] * 2, accuracy, resamples=5000)
    assert together.p == alone.p == pytest.approx(stats.binomtest(8, 10).pvalue, abs=0.02)
    assert (together.low, together.high) == pytest.approx((alone.low, alone.high))
    apart = [ClusteredCounts(counts.counts, counts.keys, ("other", "test")) for counts in (one, other)]
    surer = compare_means([(one, other), (apart[0], apart[1])], accuracy, resamples=5000)
    assert surer.p < 0.5 * alone.p and surer.high - surer.low < 0.85 * (alone.high - alone.low) and surer.clusters == 40


def test_seeds_of_one_number_are_one_probe_on_all_targets():
    """Of a probe that is far off on all targets, no number of targets makes the mean sure."""
    by_seed = np.repeat([[20], [25], [30]], 50, axis=1)
    pair = (row(by_seed, total=40), row(by_seed - 4, total=40))
    alone, together = compare(*pair, accuracy), compare_means([pair] * 10, accuracy)
    assert (together.low, together.high) == pytest.approx((alone.low, alone.high)) and together.p == alone.p > 0.2
