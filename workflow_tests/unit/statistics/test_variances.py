import numpy as np
import pytest
from scipy import stats

from xlprobe.statistics.variances import compare_variances

DIVERSE, RELATED = np.arange(7) < 4, np.arange(7) >= 4


def test_two_sets_by_hand():
    """Variances 20 / 3 of 0 2 4 6 and 1 of 1 2 3: chi-square 3 * 20 / 3 / 1 = 20 with 3 degrees of freedom.

    Distances from the medians 3 and 2 are 3 1 1 3 and 1 0 1, with means 2, 2 / 3 and, of all, 10 / 7:
    F = (4 (4 / 7)^2 + 3 (16 / 21)^2) / ((4 + 2 / 3) / 5).
    """
    found = compare_variances(np.array([0.0, 2, 4, 6, 1, 2, 3]), DIVERSE, RELATED)
    assert (found.diverse_n, found.related_n, found.shared_n, found.reason) == (4, 3, 0, "")
    assert (found.diverse_variance, found.related_variance, found.chi_square) == pytest.approx((20 / 3, 1, 20))
    assert found.chi_square_p == pytest.approx(2 * stats.chi2.sf(20, 3)) and found.chi_square_p == pytest.approx(0.00034, abs=1e-5)
    f = (4 * (4 / 7) ** 2 + 3 * (16 / 21) ** 2) / ((4 + 2 / 3) / 5)
    assert (found.brown_forsythe, found.brown_forsythe_p) == pytest.approx((f, stats.f.sf(f, 1, 5)))


def test_a_smaller_variance_has_the_lower_tail():
    values = np.array([1.0, 1.1, 1.2, 1.3, 0, 4, 9])
    found = compare_variances(values, DIVERSE, RELATED)
    assert found.chi_square_p == pytest.approx(2 * stats.chi2.cdf(3 * values[:4].var(ddof=1) / values[4:].var(ddof=1), 3))
    # Scale and place say nothing of which varies more.
    moved = compare_variances(1e-6 * values - 3e-6, DIVERSE, RELATED)
    assert (moved.chi_square_p, moved.brown_forsythe_p) == pytest.approx((found.chi_square_p, found.brown_forsythe_p))


@pytest.mark.parametrize("seed", range(3))
def test_brown_forsythe_is_an_analysis_of_variance_of_distances_from_medians(seed):
    values = np.random.default_rng(seed).normal(size=18)
    diverse, related = np.arange(18) < 10, np.arange(18) >= 10
    found = compare_variances(values, diverse, related)
    expected = stats.f_oneway(*(np.abs(part - np.median(part)) for part in (values[:10], values[10:])))
    assert (found.brown_forsythe, found.brown_forsythe_p) == pytest.approx((expected.statistic, expected.pvalue))


def test_languages_without_a_value_are_in_neither_set_and_shared_ones_are_counted():
    values = np.array([0.0, 2, 4, 6, 1, 2, 3])
    longer = np.append(values, [np.nan, np.nan])
    found = compare_variances(longer, np.append(DIVERSE, [True, False]), np.append(RELATED, [True, True]))
    assert found == compare_variances(values, DIVERSE, RELATED)
    both = compare_variances(values, DIVERSE, np.arange(7) >= 3)
    assert (both.diverse_n, both.related_n, both.shared_n) == (4, 4, 1)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ([0, 2, np.nan, np.nan, 1, 2, 3], "2 diverse and 3 related languages have a value: a variance needs 3 of both"),
        ([0, 2, 4, 6, 1, 2, np.nan], "4 diverse and 2 related languages have a value: a variance needs 3 of both"),
        ([np.nan] * 7, "0 diverse and 0 related languages have a value: a variance needs 3 of both"),
        ([0, 2, 4, 6, 0.1, 0.1, 0.1], "the related languages do not vary, so that nothing can be held against it"),
    ],
)
def test_what_cannot_be_tested_says_why(values, reason):
    found = compare_variances(np.array(values, dtype=float), DIVERSE, RELATED)
    assert found.reason == reason
    assert np.isnan([found.chi_square, found.chi_square_p, found.brown_forsythe, found.brown_forsythe_p]).all()


def test_a_diverse_set_that_does_not_vary_varies_less():
    found = compare_variances(np.array([2.0, 2, 2, 2, 0, 5, 9]), DIVERSE, RELATED)
    assert (found.diverse_variance, found.chi_square, found.chi_square_p) == (0, 0, 0) and found.brown_forsythe_p > 0


def test_values_and_sets_that_do_not_belong_together_are_refused():
    with pytest.raises(ValueError, match=r"\(6,\) values have no sets of languages of \(7,\) and \(7,\)"):
        compare_variances(np.zeros(6), DIVERSE, RELATED)
    with pytest.raises(ValueError, match="infinite"):
        compare_variances(np.array([0.0, 2, 4, np.inf, 1, 2, 3]), DIVERSE, RELATED)


def test_a_variance_taken_for_known_finds_too_much():
    """A short form of the docstring's table."""
    diverse, related = np.arange(15) < 10, np.arange(15) >= 10
    found = [compare_variances(np.random.default_rng(trial).normal(size=15), diverse, related) for trial in range(500)]
    assert np.mean([each.chi_square_p < 0.05 for each in found]) > 0.22 and np.mean([each.brown_forsythe_p < 0.05 for each in found]) < 0.07
