import itertools
from collections import Counter

import numpy as np
import pytest
from scipy import stats

from xlprobe.statistics.trends import Trend, _exact_p_values, mann_kendall, mann_kendall_family


def score(values):
    return sum(np.sign(later - earlier) for earlier, later in itertools.combinations(values, 2))


def test_a_falling_series_by_hand():
    """S = -10, variance 5 * 4 * 15 / 18, z = -9 / 4.0825; of 120 orders, this one and its reverse."""
    found = mann_kendall(np.array([9.0, 7, 4, 3, 1]))
    assert (found.n, found.tau, found.exact_p, found.smallest_p) == (5, -1, 2 / 120, 2 / 120)
    assert found.p == pytest.approx(2 * stats.norm.sf(9 / (300 / 18) ** 0.5)) and found.p == pytest.approx(0.0275, abs=1e-4)
    # Of slopes -2 -2.5 -2 -2, -3 -2 -1.5, -1 -1.5, -2
    assert found.slope == -2 and found.slope_low <= -2 <= found.slope_high
    assert found.direction == "decreasing" and not found.n_too_small and found.reason == "" and np.isnan(found.adjusted_p)


def test_ties_by_hand():
    """S = 9 of 10 pairs, variance (300 - 2 * 1 * 9) / 18, z = 8 / 3.958; two of 5! / 2! orders."""
    found = mann_kendall(np.array([1.0, 1, 2, 3, 5]))
    assert found.tau == 0.9 and found.p == pytest.approx(2 * stats.norm.sf(8 / (282 / 18) ** 0.5)) and found.exact_p == 2 / 60
    # Of 5! / 4! = 5 orders, the best and the worst are 2: nothing that five such values do can support a claim.
    assert mann_kendall(np.array([0.0, 0, 0, 0, 1])).smallest_p == 2 / 5 and mann_kendall(np.array([0.0, 0, 0, 0, 1])).n_too_small


@pytest.mark.parametrize("values", [(1, 2, 3, 4, 5, 6), (1, 1, 2, 2, 3), (1, 1, 1, 2, 5, 5), (0, 0, 0, 1)])
def test_exact_p_values_are_those_of_all_orders(values):
    scores = np.array([score(order) for order in itertools.permutations(values)])
    for each in set(scores.tolist()):
        expected = np.mean(np.abs(scores) >= abs(each)), np.mean(np.abs(scores) == np.abs(scores).max())
        assert _exact_p_values(int(each), Counter(values).values()) == pytest.approx(expected)


@pytest.mark.parametrize("trial", range(5))
def test_thirteen_layers_are_tested_as_by_scipy(trial):
    values = np.random.default_rng(trial).normal(size=13) + trial * np.arange(13) / 20
    found = mann_kendall(values)
    expected = stats.kendalltau(np.arange(13), values, method="exact")
    assert (found.tau, found.exact_p) == pytest.approx((expected.statistic, expected.pvalue))
    deviation = (13 * 12 * 31 / 18) ** 0.5
    assert found.p == pytest.approx(2 * stats.norm.sf((abs(score(values)) - 1) / deviation))
    sen = stats.theilslopes(values, np.arange(13))
    assert (found.slope, found.slope_low, found.slope_high) == (sen.slope, sen.low_slope, sen.high_slope)


def test_the_normal_p_value_of_thirteen_layers_is_close_to_the_exact_one_and_no_smaller():
    """As the docstring says."""
    for pairs in range(2, 79, 2):
        normal, exact = 2 * stats.norm.sf((pairs - 1) / (13 * 12 * 31 / 18) ** 0.5), _exact_p_values(pairs, [1] * 13)[0]
        if normal < 0.05:
            assert exact <= normal < exact + 0.0025


def test_the_prewhitened_series_by_definition():
    values = np.random.default_rng(1).normal(size=13).cumsum()
    apart = values - values.mean()
    whitened = values[1:] - (apart[1:] @ apart[:-1]) / (apart @ apart) * values[:-1]
    deviation = (12 * 11 * 29 / 18) ** 0.5
    assert mann_kendall(values).prewhitened_p == pytest.approx(2 * stats.norm.sf((abs(score(whitened)) - 1) / deviation))
    # It is made of neighbours, which uneven places do not have; ranks and slopes stay.
    steps = np.array([1.0, 2, 4, 8, 16, 32, 64])
    found = mann_kendall(np.array([1.0, 3, 2, 5, 4, 6, 7]), steps)
    assert np.isnan(found.prewhitened_p) and found.slope == stats.theilslopes([1.0, 3, 2, 5, 4, 6, 7], steps).slope


def test_a_missing_value_keeps_the_places_of_others():
    values = np.array([0.0, 2, np.nan, 6, 8, 10])
    found = mann_kendall(values)
    assert (found.n, found.slope, found.tau) == (5, 2, 1) and np.isnan(found.prewhitened_p)
    assert found.exact_p == 2 / 120


@pytest.mark.parametrize(
    ("values", "n", "reason"),
    [
        ([1.0, 2, 3, 4], 4, "4 values, of which no order has a p-value below 0.05: a trend needs 5"),
        ([1.0, np.nan, 3, 4, 5], 4, "4 values"),
        ([], 0, "0 values"),
        ([np.nan] * 13, 0, "0 values"),
        ([0.2] * 13, 13, "all values are equal"),
    ],
)
def test_what_cannot_be_tested_says_why(values, n, reason):
    found = mann_kendall(np.array(values))
    assert found.n == n and found.reason.startswith(reason) and found.n_too_small and found.direction == "none"
    assert np.isnan([found.tau, found.p, found.exact_p, found.prewhitened_p, found.slope]).all()
    # Four values in order come no lower than this.
    assert _exact_p_values(6, [1] * 4) == (2 / 24, 2 / 24)


def test_series_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="infinite"):
        mann_kendall(np.array([1.0, 2, 3, 4, np.inf]))
    with pytest.raises(ValueError, match="do not rise"):
        mann_kendall(np.arange(5.0), np.array([0.0, 1, 1, 2, 3]))
    with pytest.raises(ValueError, match=r"shape \(5,\) has no places of shape \(4,\)"):
        mann_kendall(np.arange(5.0), np.arange(4.0))


def test_a_family_is_adjusted_over_those_that_have_a_test():
    """Of three p-values in order, 3, 3 / 2 and 1 times each, none above a later one; what has no test does not count."""
    values = np.array([[9.0, 7, 4, 3, 1, 0], [3, 9, 7, 4, 1, 0], [1, 5, 2, 3, 0, 4], [2, 2, 2, 2, 2, 2]])
    found = mann_kendall_family(values)
    alone = [mann_kendall(row) for row in values]
    for kind in ("p", "exact_p", "prewhitened_p"):
        p = np.array([getattr(trend, kind) for trend in alone])
        order = np.argsort(p[:3])
        expected = np.minimum.accumulate((p[:3][order] * [3, 1.5, 1])[::-1])[::-1]
        assert [getattr(found[place], f"adjusted_{kind}") for place in order] == pytest.approx(expected)
        assert np.isnan(getattr(found[3], f"adjusted_{kind}")) and getattr(found[0], kind) == p[0]
    assert [trend.direction for trend in found] == ["decreasing", "none", "none", "none"]
    # Tested alone, the second falls.
    assert alone[1].p < found[1].adjusted_p and found[3].reason == "all values are equal"
    assert mann_kendall_family(values[:1])[0].adjusted_p == alone[0].p and mann_kendall_family(np.empty((0, 13))) == []


def test_directions_follow_the_adjusted_p_value():
    assert Trend(13, tau=0.5, p=0.01, adjusted_p=0.2).direction == "none" and Trend(13, tau=0.5, p=0.01).direction == "increasing"
    assert Trend(13, tau=-0.5, p=0.01, adjusted_p=0.05).direction == "none" and Trend(13, tau=-0.5, p=0.01).direction == "decreasing"


def test_neighbours_that_are_alike_are_taken_for_a_trend_but_by_the_prewhitened_test():
    """A short form of the docstring's table."""
    printed, prewhitened = [], []
    for trial in range(300):
        noise, values = np.random.default_rng(trial).normal(size=63), np.zeros(63)
        for place in range(1, 63):
            values[place] = 0.6 * values[place - 1] + noise[place]
        found = mann_kendall(values[50:])
        printed.append(found.p < 0.05)
        prewhitened.append(found.prewhitened_p < 0.05)
    assert np.mean(printed) > 0.15 and np.mean(prewhitened) < 0.1
