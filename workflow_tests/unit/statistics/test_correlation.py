import itertools
import math

import numpy as np
import pytest
from scipy import stats
from simulated_outcomes import unrelated_table

from xlprobe.statistics.correlation import (
    asymmetry_regression,
    benjamini_hochberg,
    label_permutation,
    mantel,
    pearson_correlation,
    rank_correlation,
    rank_interval,
    rank_regression,
)


def off_diagonal(languages):
    return ~np.eye(languages, dtype=bool)


def by_source(factor):
    return np.tile(factor[:, None], (1, len(factor)))


def with_holes(generator, languages):
    """A table, one of whose languages is no source, and some of whose pairs are missing."""
    table = generator.normal(size=(languages, languages))
    table[2], table[0, 4], table[5, 1] = np.nan, np.nan, np.nan
    return table


@pytest.mark.parametrize(
    ("first", "second", "rho", "p", "smallest"),
    [
        ([1, 2, 3], [4, 5, 9], 1, 2 / 6, 2 / 6),
        # 1, 0.8 (one neighbour swapped: three ways), and both turned round.
        ([1, 2, 3, 4], [1, 2, 4, 3], 0.8, 8 / 24, 2 / 24),
        # The first two come first, or last, in 4 of 24 ways each.
        ([1, 1, 2, 2], [1, 2, 3, 4], 2 / 5**0.5, 8 / 24, 8 / 24),
        # 0.5 in two of three ways, -1 in the other one.
        ([0, 0, 1], [0, 1, 1], 0.5, 1, 1 / 3),
        ([0, 0, 1], [1, 1, 0], -1, 1 / 3, 1 / 3),
        ([1, 2], [2, 1], -1, 1, 1),
    ],
)
def test_few_values_by_hand(first, second, rho, p, smallest):
    found = rank_correlation(np.array(first, dtype=float), np.array(second, dtype=float))
    assert (found.rho, found.permutation_p, found.smallest_p) == pytest.approx((rho, p, smallest))
    assert found.n == len(first) and found.enumerated and found.n_too_small


def test_scipy_calls_three_values_in_order_certain():
    found = rank_correlation(np.array([1.0, 2, 3]), np.array([1.0, 2, 3]))
    assert found.p == 0 and found.permutation_p > 0.3
    assert not rank_correlation(np.arange(5.0), np.arange(5.0)).n_too_small


@pytest.mark.parametrize(("n", "ties"), [(6, False), (7, True), (14, False), (19, True), (20, True), (94, False)])
def test_p_values_are_those_of_scipy(n, ties):
    generator = np.random.default_rng(n)
    first, second = generator.normal(size=(2, n))
    second += first / 2
    if ties:
        first, second = first.round(), (2 * second).round()
    found, expected = rank_correlation(first, second), stats.spearmanr(first, second)
    assert (found.rho, found.p, found.n) == (expected.statistic, expected.pvalue, n)
    if n >= 20:
        assert np.isnan(found.permutation_p)
        return

    def size(other, axis):
        ranks = stats.rankdata(first)
        return abs((stats.rankdata(other, axis=axis) * (ranks - ranks.mean())).sum(axis=axis))

    drawn = {"n_resamples": np.inf if n < 10 else 9999, "rng": 5, "vectorized": True}
    permuted = stats.permutation_test((second,), size, permutation_type="pairings", alternative="greater", **drawn)
    assert found.permutation_p == pytest.approx(permuted.pvalue, abs=1e-12 if n < 10 else 0.02)
    assert found.enumerated == (n < 10)


def test_a_sample_holds_the_data_and_gives_no_p_of_0():
    found = rank_correlation(np.arange(10.0), np.arange(10.0))
    assert (found.permutation_p, found.smallest_p, found.enumerated, found.n_too_small) == (1 / 10_000, 1 / 10_000, False, False)
    assert rank_correlation(np.arange(9.0), np.arange(9.0)).permutation_p == 2 / 362_880
    # Of many values, too, ties can leave nothing to find: one language is first, or last, in 2 of 30 permutations.
    only_one = rank_correlation(np.arange(30.0), np.eye(30)[4])
    assert only_one.smallest_p == pytest.approx(2 / 30) and only_one.n_too_small
    # 1 in 20 is as much as 0.05, and no more.
    once = rank_correlation(np.eye(20)[4], np.eye(20)[7])
    assert once.smallest_p == 1 / 20 and not once.n_too_small
    assert rank_correlation(np.arange(94.0), np.arange(94.0)).smallest_p < 1e-100


def test_the_smallest_p_value_is_that_of_the_best_permutation():
    generator = np.random.default_rng(4)
    for _ in range(12):
        first, second = generator.integers(3, size=(2, 5)).astype(float)
        every = [rank_correlation(first, second[list(order)]) for order in itertools.permutations(range(5))]
        p_values = [found.permutation_p for found in every]
        if not np.isnan(p_values).any():
            assert every[0].smallest_p == pytest.approx(min(p_values))


def test_values_without_a_partner_are_left_out_and_their_order_does_not_count():
    generator = np.random.default_rng(2)
    first, second = generator.normal(size=(2, 16)).round(1)
    whole = rank_correlation(first, second)
    order = generator.permutation(18)
    longer = [np.append(values, more)[order] for values, more in ((first, [np.nan, 9]), (second, [3, np.nan]))]
    found = rank_correlation(*longer)
    assert found.permutation_p == whole.permutation_p and found.n == 16
    assert (found.rho, found.p, found.smallest_p) == pytest.approx((whole.rho, whole.p, whole.smallest_p))
    turned = rank_correlation(first, -second)
    assert turned.rho == pytest.approx(-whole.rho) and turned.permutation_p == pytest.approx(whole.permutation_p, abs=0.02)


@pytest.mark.parametrize("values", [[], [1.0], [np.nan, 2.0], [5.0, 5.0, 5.0]])
def test_what_does_not_vary_has_no_rho(values):
    found = rank_correlation(np.array(values), np.arange(len(values), dtype=float))
    assert np.isnan([found.rho, found.p, found.permutation_p, found.smallest_p]).all() and found.n_too_small


def test_regression_on_ranks_of_three_pairs_by_hand():
    """Four languages, of which a source 0 has three targets: ranks 1, 2, 3 on 1, 3, 2."""
    outcome, factor = np.full((2, 4, 4), np.nan)
    outcome[0, 1:], factor[0, 1:] = [0.1, 0.5, 0.3], [10, 20, 30]
    found = rank_regression(outcome, factor)
    # The slope is 0.5; all pairs share the source, so that the variance is the square of a sum of scores, 0.
    assert found.rho == pytest.approx(0.5) and (found.n, found.languages) == (3, 4)
    assert np.isnan([found.standard_error, found.t, found.p]).all()
    outcome[2, 1], factor[2, 1] = 0.7, 5
    # Ranks 1, 3, 2, 4 on 2, 3, 4, 1: a slope of -0.4; (0, 3) and (2, 1) are the pairs that share no language.
    x, y = np.array([-0.5, 0.5, 1.5, -1.5]), np.array([-1.5, 0.5, -0.5, 1.5])
    score = x * (y + 0.4 * x)
    found = rank_regression(outcome, factor)
    assert found.rho == pytest.approx(-0.4)
    variance = (score.sum() ** 2 - 2 * score[2] * score[3]) / 25
    assert found.standard_error == pytest.approx(variance**0.5)
    assert found.t == pytest.approx(-0.4 / variance**0.5) and found.p == pytest.approx(2 * stats.t.cdf(found.t, 3))


def dyadic_by_definition(outcome, factor, pairs, intercept=True):
    """Least squares with errors by the definition of Aronow, Samii & Assenova: all pairs of pairs that share a member."""
    y, x = (np.array([table[pair] for pair in pairs]) for table in (outcome, factor))
    design = np.stack([x, np.ones(len(x))], axis=1) if intercept else x[:, None]
    bread = np.linalg.inv(design.T @ design)
    slope = bread @ design.T @ y
    residual = y - design @ slope
    meat = np.zeros_like(bread)
    for one, members in enumerate(pairs):
        for other, others in enumerate(pairs):
            if set(members) & set(others):
                meat += residual[one] * residual[other] * np.outer(design[one], design[other])
    variance = (bread @ meat @ bread)[0, 0]
    return slope[0], variance**0.5 if variance > 0 else np.nan


@pytest.mark.parametrize(("seed", "negative"), [(0, True), (1, False), (2, False)])
def test_dyadic_errors_are_those_of_the_definition(seed, negative):
    """Of few languages, the variance may come out negative: there is no error."""
    generator = np.random.default_rng(seed)
    outcome, factor = with_holes(generator, 8), generator.integers(9, size=(8, 8)).astype(float)
    factor[3, 6] = np.nan
    pairs = [pair for pair in itertools.permutations(range(8), 2) if not np.isnan(outcome[pair] + factor[pair])]
    ranks = np.zeros((2, 8, 8))
    for table, values in zip(ranks, (outcome, factor), strict=True):
        of_pairs = stats.rankdata([values[pair] for pair in pairs])
        for pair, rank in zip(pairs, of_pairs, strict=True):
            table[pair] = (rank - of_pairs.mean()) / of_pairs.std()
    slope, error = dyadic_by_definition(*ranks, pairs)
    found = rank_regression(outcome, factor)
    assert (found.rho, found.standard_error) == pytest.approx((slope, error), nan_ok=True) and np.isnan(error) == negative
    assert found.rho == pytest.approx(stats.spearmanr(*[[table[pair] for pair in pairs] for table in (outcome, factor)]).statistic)
    assert found.p == pytest.approx(2 * stats.t.sf(abs(slope / error), 7), nan_ok=True)
    assert (found.n, found.languages) == (len(pairs), 8)


def test_asymmetry_is_regressed_over_unordered_pairs():
    """By the definition, whichever language of a pair comes first."""
    generator = np.random.default_rng(11)
    outcome, _, factor = unrelated_table(generator, 9)
    outcome[3, 5] = np.nan
    asymmetry, difference = outcome - outcome.T, np.subtract.outer(factor, factor)
    found = asymmetry_regression(outcome, factor)
    used = off_diagonal(9) & ~np.isnan(asymmetry)
    ranks = np.zeros((2, 9, 9))
    for table, values in zip(ranks, (asymmetry, difference), strict=True):
        table[used] = stats.zscore(stats.rankdata(values[used]))
    pairs = [pair if generator.integers(2) else pair[::-1] for pair in itertools.combinations(range(9), 2) if used[pair]]
    assert (found.rho, found.standard_error) == pytest.approx(dyadic_by_definition(*ranks, pairs, intercept=False))
    assert (found.n, found.languages) == (35, 9)
    assert asymmetry_regression(np.zeros((18, 18)), np.arange(18.0)).n == 153


def test_the_order_of_languages_does_not_count():
    generator = np.random.default_rng(3)
    outcome, distance, factor = with_holes(generator, 6), generator.normal(size=(6, 6)), generator.normal(size=6)
    order = generator.permutation(6)
    moved, both = outcome[order][:, order], distance[order][:, order]
    for one, other in [
        (rank_regression(outcome, distance), rank_regression(moved, both)),
        (asymmetry_regression(outcome, factor), asymmetry_regression(moved, factor[order])),
        (mantel(outcome, distance), mantel(moved, both)),
        (label_permutation(outcome, factor), label_permutation(moved, factor[order])),
        (label_permutation(outcome, factor, of_targets=True), label_permutation(outcome.T, factor)),
    ]:
        assert list(vars(one).values()) == pytest.approx(list(vars(other).values()))
    assert mantel(outcome.T, distance.T) == mantel(outcome, distance)
    # Only ranks count, and no diagonal.
    assert rank_regression(np.exp(outcome) + 9 * np.eye(6), distance**3) == rank_regression(outcome, distance)
    assert mantel(np.exp(outcome) + 9 * np.eye(6), distance**3) == mantel(outcome, distance)


def permuted_by_definition(outcome, tables):
    """The share of tables of a factor, the first that of the data, that correlate as much; and of those that do most."""
    pairs = off_diagonal(len(outcome)) & ~np.isnan(outcome)
    size = np.array([abs(stats.spearmanr(outcome[pairs], table[pairs]).statistic) for table in tables])
    return np.mean(size > size[0] - 1e-9), np.mean(size > size.max() - 1e-9)


def test_permuted_languages_are_those_of_the_definition():
    generator = np.random.default_rng(5)
    outcome, distance, factor = generator.normal(size=(5, 5)).round(1), generator.normal(size=(5, 5)), np.array([3.0, 1, 3, 2, 7])
    distance += distance.T
    orders = [list(order) for order in itertools.permutations(range(5))]
    found = mantel(outcome, distance)
    expected = permuted_by_definition(outcome, [distance[order][:, order] for order in orders])
    assert (found.permutation_p, found.smallest_p) == pytest.approx(expected)
    assert found.rho == pytest.approx(rank_regression(outcome, distance).rho) and (found.n, found.languages) == (20, 5)
    assert found.enumerated and not found.n_too_small
    found = label_permutation(outcome, factor)
    assert (found.permutation_p, found.smallest_p) == pytest.approx(
        permuted_by_definition(outcome, [by_source(factor[order]) for order in orders])
    )
    assert found.rho == pytest.approx(rank_regression(outcome, by_source(factor)).rho)


def test_seven_languages_are_permuted_in_all_ways_eight_are_not():
    generator = np.random.default_rng(3)
    all_ways, sample = (label_permutation(generator.normal(size=(n, n)), np.eye(n)[0]) for n in (7, 8))
    # Only one language differs: seven ways.
    assert all_ways.enumerated and all_ways.permutation_p * 7 == pytest.approx(round(all_ways.permutation_p * 7))
    assert all_ways.smallest_p == pytest.approx(1 / 7) and all_ways.n_too_small
    assert not sample.enumerated and sample.smallest_p == pytest.approx(1 / 8, abs=0.015) and sample.n_too_small


def test_languages_without_a_factor_or_an_outcome_are_not_permuted():
    """Of six targets, three are sources, and have three factors: six ways."""
    generator = np.random.default_rng(6)
    outcome, factor = np.full((6, 6), np.nan), np.array([1.0, 4, np.nan, 2, 8, 9])
    outcome[:4] = generator.normal(size=(4, 6))
    sources = np.array([0, 1, 3])
    factors = []
    for order in itertools.permutations(sources):
        moved = factor.copy()
        moved[sources] = factor[list(order)]
        factors.append(by_source(moved))
    found = label_permutation(outcome, factor)
    restricted = np.where(np.isin(np.arange(6), sources)[:, None], outcome, np.nan)
    assert (found.permutation_p, found.smallest_p) == pytest.approx(permuted_by_definition(restricted, factors))
    assert (found.n, found.languages) == (15, 3) and found.n_too_small
    # A language without distances is as one that is not there.
    table, distance = generator.normal(size=(2, 6, 6))
    distance[2] = distance[:, 2] = np.nan
    rest = [0, 1, 3, 4, 5]
    assert mantel(table, distance) == mantel(table[rest][:, rest], distance[rest][:, rest])
    table[2] = table[:, 2] = np.nan
    assert mantel(table, generator.normal(size=(6, 6))).languages == 5


def test_pairs_without_an_outcome_or_a_distance_are_left_out():
    """Both are ranked where they are; a permutation moves what is missing along, and counts the pairs that have both."""
    generator = np.random.default_rng(8)
    outcome, distance = with_holes(generator, 6), generator.normal(size=(6, 6))
    distance[1, 0] = np.nan
    ranks = []
    for table in (outcome, distance):
        used = off_diagonal(6) & ~np.isnan(table)
        ranks.append(np.full((6, 6), np.nan))
        ranks[-1][used] = stats.rankdata(table[used])
    rhos = []
    for order in itertools.permutations(range(6)):
        moved = ranks[1][list(order)][:, list(order)]
        both = ~np.isnan(ranks[0] + moved)
        rhos.append(stats.pearsonr(ranks[0][both], moved[both]).statistic)
    found = mantel(outcome, distance)
    assert found.rho == pytest.approx(rhos[0]) and found.n == 22
    assert found.permutation_p == pytest.approx(np.mean(np.abs(rhos) > abs(rhos[0]) - 1e-9))


def test_a_true_factor_is_found_and_its_sign_told():
    generator = np.random.default_rng(1)
    table, distance, factor = unrelated_table(generator, 15)
    found = mantel(table - 2 * distance, distance)
    assert found.rho < -0.4 and found.permutation_p == 1 / 10_000 == found.smallest_p and not found.enumerated and found.n == 210
    assert rank_regression(table - 2 * distance, distance).p < 0.001
    of_sources = table + 2 * by_source(factor)
    assert label_permutation(of_sources, factor).rho > 0.4 and label_permutation(of_sources, factor).permutation_p < 0.001
    assert label_permutation(of_sources, factor, of_targets=True).permutation_p > 0.05
    assert label_permutation(of_sources.T, factor, of_targets=True).permutation_p < 0.001
    assert asymmetry_regression(of_sources, factor).rho > 0.4 and asymmetry_regression(of_sources, factor).p < 0.001
    assert asymmetry_regression(of_sources.T, factor).rho < -0.4


def test_three_languages_and_perfect_ranks_have_no_dyadic_error():
    generator = np.random.default_rng(9)
    outcome, factor = generator.normal(size=(2, 3, 3))
    assert np.isnan(rank_regression(outcome, factor).p) and not np.isnan(rank_regression(outcome, factor).rho)
    table = generator.normal(size=(6, 6))
    found = rank_regression(table, table**3)
    assert found.rho == pytest.approx(1) and np.isnan([found.standard_error, found.t, found.p]).all()


@pytest.mark.parametrize("outcome", [np.ones((4, 4)), np.full((4, 4), np.nan)])
def test_tables_that_do_not_vary_have_no_rho(outcome):
    factor = np.arange(16.0).reshape(4, 4)
    assert np.isnan(rank_regression(outcome, factor).rho)
    for found in (mantel(outcome, factor), label_permutation(outcome, factor[0])):
        assert np.isnan([found.rho, found.permutation_p, found.smallest_p]).all() and found.n_too_small


def test_a_factor_of_another_shape_is_refused():
    table, factor = np.zeros((3, 3)), np.zeros(3)
    for measure in (rank_correlation, rank_regression, mantel):
        with pytest.raises(ValueError, match=r"an outcome of shape \(3, 3\) has no factor of shape \(3,\)"):
            measure(table, factor)
    for measure in (asymmetry_regression, label_permutation):
        with pytest.raises(ValueError, match="has no factor of shape"):
            measure(table, np.zeros(4))


def test_p_values_by_permutation_are_uniform_where_nothing_is_related():
    found = {"values": [], "distance": [], "sources": []}
    for trial in range(200):
        table, distance, factor = unrelated_table(np.random.default_rng(trial), 6)
        found["values"].append(rank_correlation(table[0], factor).permutation_p)
        found["distance"].append(mantel(table, distance).permutation_p)
        found["sources"].append(label_permutation(table, factor).permutation_p)
    for p_values in (found["distance"], found["sources"]):
        assert stats.kstest(p_values, "uniform").pvalue > 0.01
    for level in (0.1, 0.3, 0.6):
        assert np.mean(np.array(found["values"]) <= level) < level + 0.06


def test_pairs_taken_as_independent_find_too_much_dyadic_errors_less_so():
    """A short form of what `make bench` runs."""
    independent, dyadic = [], []
    for trial in range(1000, 1300):
        table, _, factor = unrelated_table(np.random.default_rng(trial), 18)
        pairs = off_diagonal(18)
        independent.append(stats.spearmanr(table[pairs], by_source(factor)[pairs]).pvalue < 0.05)
        dyadic.append(rank_regression(table, by_source(factor)).p < 0.05)
    assert np.mean(independent) > 0.3 and 0.05 < np.mean(dyadic) < 0.18


def test_false_discovery_rates_by_hand():
    """Three tests: 3 * 0.01; 3 / 2 * 0.03, but no more than that of 0.04, 3 / 3 * 0.04."""
    found = benjamini_hochberg(np.array([[0.03, np.nan], [0.01, 0.04]]))
    assert found == pytest.approx(np.array([[0.04, np.nan], [0.03, 0.04]]), nan_ok=True)
    assert np.isnan(benjamini_hochberg(np.array([np.nan, np.nan]))).all() and benjamini_hochberg(np.array([])).shape == (0,)
    assert benjamini_hochberg(np.array([0.02])) == [0.02]
    with pytest.raises(ValueError, match="0 and 1"):
        benjamini_hochberg(np.array([0.02, 1.2]))


def test_pearson_by_hand():
    """Deviations -1.5 -0.5 0.5 1.5 and -1.5 0.5 -0.5 1.5: r = 4 / 5; Fisher's interval is tanh(1.0986 -+ 1.96 / 1).

    Without the first, 2 3 4 and 3 2 4, or the last, r is 1 / 2; without the second, 1 3 4 and 1 2 4, or the third, 39 / 42.
    """
    outcome, factor = np.array([1.0, 2, 3, 4]), np.array([1.0, 3, 2, 4])
    found = pearson_correlation(outcome, factor)
    assert found.r == pytest.approx(0.8) and (found.low, found.high) == pytest.approx((-0.6970, 0.9956), abs=1e-4)
    shares = [abs(stats.pearsonr(outcome, order).statistic) > 0.8 - 1e-9 for order in itertools.permutations(factor)]
    assert found.permutation_p == np.mean(shares) and found.smallest_p == 2 / 24 and found.n_too_small and found.enumerated
    without = [stats.pearsonr(np.delete(outcome, place), np.delete(factor, place)).statistic for place in range(4)]
    assert (found.without_one_low, found.without_one_high) == pytest.approx((min(without), max(without)))
    assert (found.without_one_low, found.without_one_high) == pytest.approx((1 / 2, 39 / 42)) and found.influential == 0


@pytest.mark.parametrize(("n", "level"), [(5, 0.95), (12, 0.9), (33, 0.95)])
def test_pearson_is_that_of_scipy_at_any_scale(n, level):
    outcome, factor = np.random.default_rng(n).normal(size=(2, n))
    found, expected = pearson_correlation(outcome, factor, level), stats.pearsonr(outcome, factor)
    assert (found.r, found.p, found.n) == pytest.approx((expected.statistic, expected.pvalue, n))
    assert (found.low, found.high) == pytest.approx(tuple(expected.confidence_interval(level)))
    half = stats.norm.ppf((1 + level) / 2) / (n - 3) ** 0.5
    assert (found.low, found.high) == pytest.approx((np.tanh(np.arctanh(found.r) - half), np.tanh(np.arctanh(found.r) + half)))
    scaled = pearson_correlation(1e-9 * outcome - 4e-9, 1e12 * factor, level)
    assert (scaled.r, scaled.influential) == (pytest.approx(found.r), found.influential)
    assert scaled.permutation_p == pytest.approx(found.permutation_p, nan_ok=True)
    assert np.isnan(found.permutation_p) == (n >= 20)


def test_pearsons_permutations_are_those_of_scipy():
    outcome, factor = np.random.default_rng(0).normal(size=(2, 6)).round(1)
    values = [stats.pearsonr(outcome, order).statistic for order in itertools.permutations(factor)]
    found = pearson_correlation(outcome, factor)
    assert found.permutation_p == pytest.approx(np.mean(np.abs(values) > abs(found.r) - 1e-9))
    assert found.smallest_p == pytest.approx(np.mean(np.abs(values) > np.abs(values).max() - 1e-9)) and not found.n_too_small


def test_pearsons_permutations_of_nine_values_are_all_those_of_ten_a_sample():
    """Of even steps, the reverse order correlates as much the other way."""
    outcome, factor = np.arange(10.0), np.arange(10.0) ** 2
    nine, ten = pearson_correlation(outcome[:9], factor[:9]), pearson_correlation(outcome, factor)
    assert nine.enumerated and nine.permutation_p == nine.smallest_p == pytest.approx(2 / math.factorial(9))
    assert not ten.enumerated and ten.permutation_p == ten.smallest_p == 1 / 10_000


def test_of_values_that_change_as_much_the_first_is_named():
    """On a line, none changes anything: that r is 1 or -1 but for its last digit says nothing of any."""
    line = np.array([48.0, 68, 64, 72, 52, 56])
    assert [pearson_correlation(4.97 + scale * line, line).influential for scale in (0.01, -0.01, 1 / 3, -1 / 7, 0.7)] == [0] * 5
    # Turned round, the second and the last but one change places: both change it most.
    around, turned = np.array([-0.02, -0.01, 0, 0.01, 0.02]), np.array([1, -2, 0, 2, -1]) / 7
    assert [pearson_correlation(5 + scale * (around + turned), around).influential for scale in (0.1, 0.3, 0.7, 1.1)] == [1] * 4


def test_one_language_that_makes_a_correlation_is_named():
    """Its place is that among all given, with those that have no value."""
    outcome = np.array([np.nan, 0.1, -0.1, 0.2, -0.2, 9, 0.0])
    factor = np.array([1.0, -0.1, 0.1, 0.2, -0.2, 9, np.nan])
    found = pearson_correlation(outcome, factor)
    assert found.n == 5 and found.influential == 5 and found.r > 0.99 and found.without_one_low < 0.7 < found.without_one_high
    # What hangs on one language alone has no r without it, and the others tell.
    alone = pearson_correlation(np.array([0.0, 0, 0, 1]), np.array([0.0, 1, 2, 9]))
    assert alone.influential != 3 and not np.isnan(alone.without_one_low)


@pytest.mark.parametrize(
    ("outcome", "factor", "reason"),
    [
        ([1.0, 2], [1.0, 2], "2 values have both: a correlation needs 3"),
        ([1.0, 2, np.nan, np.nan], [1.0, 2, 3, 4], "2 values have both: a correlation needs 3"),
        ([0.1, 0.1, 0.1, 0.1], [1.0, 2, 3, 4], "the outcome does not vary"),
        ([1.0, 2, 3, 4], [0.1, 0.1, 0.1, 0.1], "the factor does not vary"),
    ],
)
def test_what_has_no_correlation_says_why(outcome, factor, reason):
    found = pearson_correlation(np.array(outcome), np.array(factor))
    assert found.reason == reason and found.n_too_small and found.influential is None
    assert np.isnan([found.r, found.p, found.low, found.high, found.permutation_p, found.without_one_low]).all()


def test_three_values_have_a_correlation_and_no_interval():
    found = pearson_correlation(np.array([1.0, 2, 4]), np.array([1.0, 3, 4]))
    assert found.r == pytest.approx(stats.pearsonr([1, 2, 4], [1, 3, 4]).statistic) and found.n_too_small and found.reason == ""
    assert np.isnan([found.low, found.high, found.without_one_low, found.without_one_high]).all() and found.influential is None


def test_values_that_pearson_cannot_take_are_refused():
    with pytest.raises(ValueError, match="infinite"):
        pearson_correlation(np.array([1.0, 2, np.inf]), np.arange(3.0))
    with pytest.raises(ValueError, match="has no factor of shape"):
        pearson_correlation(np.arange(4.0), np.arange(3.0))


def test_intervals_of_rank_correlations():
    low, high = rank_interval(0.5, 28)
    half = 1.959964 * (1.125 / 25) ** 0.5
    assert (np.arctanh(low), np.arctanh(high)) == pytest.approx((np.arctanh(0.5) - half, np.arctanh(0.5) + half))
    assert rank_interval(-0.5, 28) == pytest.approx((-high, -low)) and rank_interval(0.5, 28, 0.9)[0] > low
    for rho, n in ((0.5, 3), (np.nan, 30), (1.0, 30), (-1.0, 30)):
        assert np.isnan(rank_interval(rho, n)).all()
    generator, held = np.random.default_rng(2), []
    for _ in range(400):
        drawn = generator.multivariate_normal([0, 0], [[1, 0.6], [0.6, 1]], size=20)
        low, high = rank_interval(stats.spearmanr(drawn).statistic, 20)
        # Of normal values.
        held.append(low <= 6 / np.pi * np.arcsin(0.3) <= high)
    assert 0.92 < np.mean(held) < 0.98
