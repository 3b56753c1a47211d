import numpy as np
import pytest
from scipy import stats

from xlprobe.statistics.language_noise import mean_over_languages, mean_over_pairs


def test_a_mean_of_differences_is_tested_as_a_paired_t_test():
    one, other = np.array([0.71, 0.60, 0.82, 0.55, 0.90]), np.array([0.65, 0.61, 0.70, 0.50, 0.81])
    found, expected = mean_over_languages(one - other, 0.9), stats.ttest_rel(one, other)
    assert (found.value, found.p) == pytest.approx((0.062, expected.pvalue)) and (found.n, found.languages) == (5, 5)
    assert (found.low, found.high) == pytest.approx(tuple(expected.confidence_interval(0.9)))


@pytest.mark.parametrize("values", [[0.3], [0.3, 0.3, 0.3]])
def test_what_does_not_vary_tells_nothing_of_other_languages(values):
    found = mean_over_languages(np.array(values))
    assert found.value == pytest.approx(0.3) and np.isnan([found.low, found.high, found.p]).all()
    assert np.isnan(mean_over_languages(np.array([])).value)


def by_definition(values):
    """The variance of the mean: all pairs p and q that share a language, one by one."""
    used = [(i, j) for i, j in np.ndindex(values.shape) if i != j and not np.isnan(values[i, j])]
    mean = np.mean([values[pair] for pair in used])
    sharing = [(p, q) for p in used for q in used if {*p} & {*q}]
    return sum((values[p] - mean) * (values[q] - mean) for p, q in sharing) / (len(used) ** 2 - len(sharing))


def test_pairs_that_share_a_language_vary_together():
    values = np.random.default_rng(4).normal(size=(6, 6)) + np.arange(6)
    values[1, 2] = values[4, 0] = np.nan
    np.fill_diagonal(values, 100)
    found = mean_over_pairs(values)
    used = ~np.isnan(values) & ~np.eye(6, dtype=bool)
    half = stats.t.ppf(0.975, 5) * by_definition(values) ** 0.5
    assert (found.n, found.languages) == (28, 6) and found.value == pytest.approx(values[used].mean())
    assert (found.low, found.high) == pytest.approx((found.value - half, found.value + half))
    # As if they were independent, the interval would be far too short.
    assert found.high - found.low > 1.5 * 2 * stats.sem(values[used]) * stats.t.ppf(0.975, 27)


def test_order_of_languages_plays_no_part_and_three_are_too_few():
    values, order = np.random.default_rng(6).normal(size=(5, 5)), [3, 0, 4, 2, 1]
    found, moved = mean_over_pairs(values), mean_over_pairs(values[np.ix_(order, order)])
    assert (moved.value, moved.low, moved.p) == pytest.approx((found.value, found.low, found.p))
    few = mean_over_pairs(values[:3, :3])
    assert (few.n, few.languages) == (6, 3) and np.isnan([few.low, few.high, few.p]).all()
    assert np.isnan(mean_over_pairs(np.full((2, 2), np.nan)).value)


def test_an_error_is_no_smaller_than_that_of_independent_pairs():
    """What is lost one way is won the other way: sums over pairs that share a language say that the mean cannot vary."""
    values = np.arange(5.0)[:, None] - np.arange(5.0)
    found, pairs = mean_over_pairs(values), values[~np.eye(5, dtype=bool)]
    assert by_definition(values) <= 1e-12 and found.high == pytest.approx(stats.t.ppf(0.975, 4) * stats.sem(pairs))


@pytest.mark.parametrize(("languages", "shared", "least"), [(6, 1, 0.9), (15, 1, 0.9), (6, 0, 0.95)])
def test_intervals_of_pairs_hold_the_truth_as_often_as_they_say(languages, shared, least):
    held = []
    for trial in range(300):
        generator = np.random.default_rng([trial, languages])
        of_source, of_target = shared * generator.normal(size=(2, languages))
        found = mean_over_pairs(of_source[:, None] + of_target + generator.normal(size=(languages, languages)))
        held.append(found.low <= 0 <= found.high)
    assert least < np.mean(held) < 1
