"""Correlations between what was measured and factors of languages, with p-values that hold for few languages.

Pairs of languages are not independent: a language that is easy to transfer from is so in all its pairs. Of 2,000 tables of 18
languages that have nothing to do with the factor, so many had a p-value below 0.05 (sources, targets and pairs vary alike;
`make bench` draws 300):

    factor                           pairs taken as independent   dyadic-robust   languages permuted
    of sources                                             0.40            0.12                 0.05
    distance                                               0.25            0.16                 0.05
    difference, for asymmetries                            0.42            0.12                 0.05

Dyadic-robust errors are made for many languages. Of so few, a claim should rest on permutations.

Shape letters: N values, L languages, R permutations; LL sources by targets, both all languages in one order.
"""

import itertools
import math
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from scipy import stats

from xlprobe.seeds import derive_seed

# A smallest p-value above it can support no claim.
LEVEL = 0.05
# Fewer values have a permutation p-value beside that of scipy, which is made for many.
FEW = 20
# Two values always lie on a line.
FEWEST_VALUES = 3
# What leaving values out changes may differ by rounding: such values change as much.
CHANGE_DECIMALS = 12
# All permutations of so many values are tried, and of so many languages, whose pairs take longer; of more, a sample.
ENUMERATED_VALUES, ENUMERATED_LANGUAGES = 9, 7
SAMPLED = 9999


@dataclass(frozen=True)
class Permuted:
    """A rank correlation against what permutations make of it."""

    rho: float
    permutation_p: float  # two-sided: the share of permutations, that of the data among them, with an |rho| at least as large
    smallest_p: float  # the lowest that this number of values, and their ties, can reach
    enumerated: bool  # all permutations, which is exact; else a seeded sample of 9,999, and that of the data
    n: int  # values, or pairs, that have both outcome and factor

    @property
    def n_too_small(self) -> bool:
        """Whether no p-value can be reached that supports a claim; so, too, where there is no rho."""
        return not self.smallest_p <= LEVEL


@dataclass(frozen=True)
class RankCorrelation(Permuted):
    """Spearman's, as printed and permuted; 20 values or more have no p-value by permutation, but could have any down to the smallest."""

    p: float  # scipy's, by Student's t; 0 where |rho| is 1


@dataclass(frozen=True)
class PearsonCorrelation:
    """Pearson's, as printed, permuted, and how far it may lie off; NaN where there is a reason, or too little for a part."""

    r: float
    p: float  # scipy's, two-sided, by Student's t
    low: float  # Fisher's interval; NaN for three values
    high: float
    permutation_p: float  # as a rank correlation's; NaN for 20 values or more
    smallest_p: float  # as a rank correlation's
    enumerated: bool
    n: int  # values that have both outcome and factor
    without_one_low: float = np.nan  # the range of r if one value is left out; NaN for three values
    without_one_high: float = np.nan
    influential: int | None = None  # which of the N given, left out, changes r most; the first of those that do
    reason: str = ""  # why there is no r; else empty

    @property
    def n_too_small(self) -> bool:
        """Whether no p-value can be reached that supports a claim; so, too, where there is no r."""
        return not self.smallest_p <= LEVEL

    def columns(self) -> dict[str, float | int | bool]:
        """What tables say of it, but for what is `influential` and the `reason`."""
        names = ("n", "r", "p", "low", "high", "permutation_p", "smallest_p", "n_too_small", "without_one_low", "without_one_high")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True)
class PermutedLanguages(Permuted):
    """Spearman's over pairs of languages, whose languages are permuted."""

    languages: int  # that are permuted


@dataclass(frozen=True)
class PairRegression:
    """A regression on ranks over pairs of languages; NaN where nothing can be estimated."""

    rho: float  # the slope between ranks of unit variance, which is Spearman's
    standard_error: float
    t: float
    p: float  # two-sided, languages - 1 degrees of freedom
    n: int  # pairs
    languages: int


def _centred_ranks(values: np.ndarray) -> np.ndarray:
    """Twice the average ranks, less their mean: whole numbers, so that sums are exact; NaN stays."""
    ranks, there = np.full(values.shape, np.nan), ~np.isnan(values)
    ranks[there] = 2 * stats.rankdata(values[there]) - (there.sum() + 1)
    return ranks


@lru_cache(maxsize=8)
def permutations(n: int, enumerated: bool) -> np.ndarray:
    """Ways to order n places, [R, n]: all, or a seeded sample of 9,999 after the first, which changes nothing."""
    if enumerated:
        return np.array(list(itertools.permutations(range(n))), dtype=np.int8)
    generator = np.random.default_rng(derive_seed("permutations", n))
    return np.concatenate([np.arange(n)[None], generator.permuted(np.tile(np.arange(n), (SAMPLED, 1)), axis=1)])


def share_as_large(statistic_R: np.ndarray, as_large: float) -> float:
    """The share of permutations, the first that of the data, whose statistic is at least as far from 0."""
    # Quotients of equal value may differ in the last digits; one that is not defined counts against.
    return float(np.mean(~(np.abs(statistic_R) < as_large - 1e-12)))


def rank_correlation(outcome: np.ndarray, factor: np.ndarray) -> RankCorrelation:
    """Spearman's rho between two lists of N values, of which pairs with a NaN are left out.

    The p-value by permutation is that of all N! for N <= 9, of a sample for 10 to 19, the data's own among them (Phipson & Smyth
    2010, "Permutation p-values should never be zero"). Ties stay ties. In what order the values come plays no part.

    The smallest p-value is the share of permutations that sort both alike, or one against the other if |rho| is as large so.
    With groups of ties of a_k and b_l values, n_kl in both, these are prod a_k! prod b_l! / prod n_kl! permutations.

    Raises:
        ValueError: the lists differ in length.
    """
    _check_shapes(outcome, factor)
    both = ~(np.isnan(outcome) | np.isnan(factor))
    n, first_N, second_N = int(both.sum()), _centred_ranks(outcome[both]), _centred_ranks(factor[both])
    enumerated = n <= ENUMERATED_VALUES
    if not (first_N.any() and second_N.any()):
        return RankCorrelation(np.nan, np.nan, np.nan, enumerated, n, np.nan)
    printed = stats.spearmanr(outcome[both], factor[both])
    permuted, smallest = np.nan, _smallest_p(np.sort(first_N), np.sort(second_N))
    if n < FEW:
        order = np.lexsort((second_N, first_N))
        statistic_R = second_N[order][permutations(n, enumerated)] @ first_N[order]
        permuted = share_as_large(statistic_R, abs(statistic_R[0]))
        smallest = smallest if enumerated else max(smallest, 1 / len(statistic_R))
    return RankCorrelation(float(printed.statistic), permuted, smallest, enumerated, n, float(printed.pvalue))


def pearson_correlation(outcome_N: np.ndarray, factor_N: np.ndarray, level: float = 0.95) -> PearsonCorrelation:
    """Pearson's r between two lists, of which pairs with a NaN are left out (paper 2: Figs. 3 and 4, Tables 1 and 4 to 7).

    The interval is Fisher's (1921): tanh(artanh r -+ z / sqrt(n - 3)). Without one value, r is taken n times. The p-values by
    permutation are those of `rank_correlation`, of the values themselves.

    Raises:
        ValueError: the lists differ in length, or hold infinite values.
    """
    _check_shapes(outcome_N, factor_N)
    if np.isinf(outcome_N).any() or np.isinf(factor_N).any():
        raise ValueError("infinite values have no correlation")
    both_N = ~(np.isnan(outcome_N) | np.isnan(factor_N))
    n, enumerated = int(both_N.sum()), int(both_N.sum()) <= ENUMERATED_VALUES

    def none(reason: str) -> PearsonCorrelation:
        return PearsonCorrelation(np.nan, np.nan, np.nan, np.nan, np.nan, np.nan, enumerated, n, reason=reason)

    if n < FEWEST_VALUES:
        return none(f"{n} values have both: a correlation needs {FEWEST_VALUES}")
    outcome, factor = outcome_N[both_N].astype(float), factor_N[both_N].astype(float)
    if not (np.ptp(outcome) and np.ptp(factor)):
        return none("the outcome does not vary" if np.ptp(factor) else "the factor does not vary")
    found = stats.pearsonr(outcome, factor)
    low, high = found.confidence_interval(level) if n > FEWEST_VALUES else (np.nan, np.nan)
    first, second = _unit_length(outcome), _unit_length(factor)
    permuted, smallest = np.nan, _smallest_p(np.sort(first), np.sort(second))
    if n < FEW:
        order = np.lexsort((second, first))
        statistic_R = second[order][permutations(n, enumerated)] @ first[order]
        permuted = share_as_large(statistic_R, abs(statistic_R[0]))
        smallest = smallest if enumerated else max(smallest, 1 / len(statistic_R))
    printed = PearsonCorrelation(float(found.statistic), float(found.pvalue), float(low), float(high), permuted, smallest, enumerated, n)
    if n == FEWEST_VALUES:
        return printed
    without = np.full(n, np.nan)
    for place, kept in enumerate(~np.eye(n, dtype=bool)):
        if np.ptp(outcome[kept]) and np.ptp(factor[kept]):
            without[place] = _unit_length(outcome[kept]) @ _unit_length(factor[kept])
    # One of them varies at least: of what hangs on one value alone, all but one do.
    influential = int(np.flatnonzero(both_N)[np.nanargmax(np.abs(without - printed.r).round(CHANGE_DECIMALS))])
    return replace(printed, without_one_low=float(np.nanmin(without)), without_one_high=float(np.nanmax(without)), influential=influential)


def _unit_length(values_N: np.ndarray) -> np.ndarray:
    """Less their mean, and of length 1: products of two such lists are correlations."""
    centred_N = values_N - values_N.mean()
    return centred_N / (centred_N @ centred_N) ** 0.5


def rank_interval(rho: float, n: int, level: float = 0.95) -> tuple[float, float]:
    """An interval of Spearman's rho of n independent values; NaN for fewer than four, no rho, or one of 1 or -1.

    Bonett & Wright (2000), "Sample size requirements for estimating Pearson, Kendall and Spearman correlations": as Fisher's of
    Pearson's, with a variance of (1 + rho^2 / 2) / (n - 3).

    >>> [round(limit, 3) for limit in rank_interval(0.5, 28)]
    [0.133, 0.747]
    """
    if n <= FEWEST_VALUES or not abs(rho) < 1:
        return np.nan, np.nan
    half = stats.norm.ppf((1 + level) / 2) * ((1 + rho**2 / 2) / (n - 3)) ** 0.5
    return math.tanh(math.atanh(rho) - half), math.tanh(math.atanh(rho) + half)


def _smallest_p(first_N: np.ndarray, second_N: np.ndarray) -> float:
    """Of sorted ranks, or values of unit length."""

    def ways(rows: np.ndarray) -> int:
        """To order equal rows among themselves."""
        return math.prod(math.factorial(count) for count in np.unique(rows, axis=0, return_counts=True)[1].tolist())

    sizes, shares = [], []
    for other_N in (second_N, second_N[::-1]):
        sizes.append(abs(first_N @ other_N))
        alike = ways(np.stack([first_N, other_N], axis=1))
        shares.append(ways(first_N) * ways(other_N) / (alike * math.factorial(len(first_N))))
    return sum(share for share, size in zip(shares, sizes, strict=True) if size > max(sizes) * (1 - 1e-12))


def rank_regression(outcome_LL: np.ndarray, factor_LL: np.ndarray) -> PairRegression:
    """The rank of an outcome of ordered pairs on the rank of a factor of theirs; NaN and the diagonal are left out.

    Least squares with an intercept, errors robust to what pairs that share a language have in common (Aronow, Samii & Assenova
    2015, "Cluster-robust variance estimation for dyadic data", without a correction for few languages): with ranks x of mean 0
    and residuals e, the variance of the slope is the sum of x_p e_p x_q e_q over all pairs p and q that share a language, p = q
    among them, by the square of the sum of x_p^2. Summed by language, what shares both counts twice, so that the former is the
    sum of S_i^2 over languages less that of S_ij^2 over unordered pairs, S being sums of x e. It is 0 for three languages,
    and can be negative by chance (of 8 languages, in 5 to 24 % of unrelated tables; of 18, in up to 2 %): then there is no error.

    Args:
        outcome_LL: a language that is no source has a row of NaN.
        factor_LL: that of sources has the same value all along a row, that of targets all down a column.

    Raises:
        ValueError: the tables differ in shape.
    """
    _check_shapes(outcome_LL, factor_LL)
    used_LL = ~(np.isnan(outcome_LL) | np.isnan(factor_LL) | np.eye(len(outcome_LL), dtype=bool))
    n, languages = int(used_LL.sum()), int((used_LL.any(axis=0) | used_LL.any(axis=1)).sum())
    first_N, second_N = _centred_ranks(outcome_LL[used_LL]), _centred_ranks(factor_LL[used_LL])
    if not (first_N.any() and second_N.any()):
        return PairRegression(np.nan, np.nan, np.nan, np.nan, n, languages)
    first_N, second_N = first_N / first_N.std(), second_N / second_N.std()
    rho = float(np.mean(first_N * second_N))
    score_LL = np.zeros(used_LL.shape)
    score_LL[used_LL] = second_N * (first_N - rho * second_N)
    variance = sum_over_sharing_pairs(score_LL) / n**2
    # What rounding leaves of 0 is no error, as where |rho| is 1.
    standard_error = variance**0.5 if variance > 1e-12 else np.nan
    t = rho / standard_error
    return PairRegression(rho, standard_error, t, float(2 * stats.t.sf(abs(t), languages - 1)), n, languages)


def sum_over_sharing_pairs(score_LL: np.ndarray) -> float:
    """The sum of score_p score_q over all ordered pairs of languages p and q that share a language, p = q among them."""
    by_language_L, by_pair_LL = score_LL.sum(axis=0) + score_LL.sum(axis=1), np.triu(score_LL + score_LL.T)
    return float((by_language_L**2).sum() - (by_pair_LL**2).sum())


def asymmetry_regression(outcome_LL: np.ndarray, factor_L: np.ndarray) -> PairRegression:
    """The same for outcome[i, j] - outcome[j, i] on factor[i] - factor[j], over unordered pairs.

    A pair says the same both ways round, with signs turned. Ranked among both, its ranks turn their signs, too, so that it does
    not matter which language comes first: slope and error of both are those of one of them, through the origin. Differences of
    sizes and of their logarithms rank otherwise, which is the caller's choice.

    Raises:
        ValueError: the factor has not one value a language.
    """
    _check_shapes(outcome_LL, factor_LL := np.subtract.outer(factor_L, factor_L))
    found = rank_regression(outcome_LL - outcome_LL.T, factor_LL)
    return replace(found, n=found.n // 2)


def mantel(outcome_LL: np.ndarray, distance_LL: np.ndarray) -> PermutedLanguages:
    """Spearman's rho between an outcome of ordered pairs and a distance, whose languages are permuted, rows and columns alike.

    Mantel (1967), "The detection of disease clustering and a generalized regression approach", on ranks, two-sided. Other
    factors of pairs will do, such as the differences that belong to asymmetries (n then counts ordered pairs). Languages without
    any outcome or distance are left out, as are pairs with a NaN, and the diagonal. Outcomes are ranked among outcomes, distances
    among distances: rho is Spearman's where the same pairs have both. All orders of up to seven languages are tried.
    The smallest p-value is that of the order that correlates most.

    Raises:
        ValueError: the tables differ in shape.
    """
    _check_shapes(outcome_LL, distance_LL)
    kept_L = np.ones(len(outcome_LL), dtype=bool)
    off_diagonal_LL = ~np.eye(len(outcome_LL), dtype=bool)
    for table_LL in (outcome_LL, distance_LL):
        there_LL = off_diagonal_LL & ~np.isnan(table_LL)
        kept_L &= there_LL.any(axis=0) | there_LL.any(axis=1)
    used_LL = off_diagonal_LL & kept_L & kept_L[:, None]
    return _permute_languages(np.where(used_LL, outcome_LL, np.nan), _centred_ranks(np.where(used_LL, distance_LL, np.nan)), kept_L)


def label_permutation(outcome_LL: np.ndarray, factor_L: np.ndarray, *, of_targets: bool = False) -> PermutedLanguages:
    """Spearman's rho between an outcome of ordered pairs and a factor of their sources, or targets, which is permuted.

    Among languages that have the factor, and an outcome as source (or target). It is ranked by language, which is the same as by
    pair where all have as many. Else as `mantel`.

    Raises:
        ValueError: the factor has not one value a language.
    """
    _check_shapes(outcome_LL, np.broadcast_to(factor_L, (len(factor_L), len(factor_L))))
    outcome_LL = np.where(np.eye(len(outcome_LL), dtype=bool), np.nan, outcome_LL.T if of_targets else outcome_LL)
    kept_L = ~(np.isnan(factor_L) | np.isnan(outcome_LL).all(axis=1))
    factor_LL = np.broadcast_to(_centred_ranks(np.where(kept_L, factor_L, np.nan))[:, None], outcome_LL.shape)
    return _permute_languages(np.where(kept_L[:, None], outcome_LL, np.nan), factor_LL, kept_L)


def _permute_languages(outcome_LL: np.ndarray, factor_LL: np.ndarray, permuted_L: np.ndarray) -> PermutedLanguages:
    """With ranks of the factor. Other languages keep their place."""
    places = np.flatnonzero(permuted_L)
    enumerated = len(places) <= ENUMERATED_LANGUAGES
    chosen_R = permutations(len(places), enumerated)
    order_RL = np.tile(np.arange(len(permuted_L)), (len(chosen_R), 1))
    order_RL[:, places] = places[chosen_R]

    def presence_and_powers(ranks_LL: np.ndarray) -> np.ndarray:
        return np.stack([~np.isnan(ranks_LL), np.nan_to_num(ranks_LL), np.nan_to_num(ranks_LL) ** 2])

    one, other = presence_and_powers(_centred_ranks(outcome_LL)), presence_and_powers(factor_LL)
    parts = [
        # Sums over pairs of powers of both, [power of the factor, R, power of the outcome].
        other[:, some_RL[:, :, None], some_RL[:, None, :]].reshape(3, len(some_RL), -1) @ one.reshape(3, -1).T
        for some_RL in np.array_split(order_RL, -(-len(order_RL) // 500))
    ]
    sums = np.concatenate(parts, axis=1)
    n_R, y_R, yy_R, x_R, xx_R, xy_R = sums[0, :, 0], sums[0, :, 1], sums[0, :, 2], sums[1, :, 0], sums[2, :, 0], sums[1, :, 1]
    with np.errstate(invalid="ignore", divide="ignore"):
        rho_R = (n_R * xy_R - x_R * y_R) / np.sqrt((n_R * xx_R - x_R**2) * (n_R * yy_R - y_R**2))
    rho = float(rho_R[0])
    p, smallest = (np.nan, np.nan) if np.isnan(rho) else [share_as_large(rho_R, size) for size in (abs(rho), np.nanmax(np.abs(rho_R)))]
    return PermutedLanguages(rho, p, smallest, enumerated, int(n_R[0]), len(places))


def benjamini_hochberg(p_values: np.ndarray) -> np.ndarray:
    """The lowest false discovery rate at which each test of a family counts as found, in the same shape.

    Benjamini & Hochberg (1995), by scipy. NaN stay NaN, and are none of the family.

    Raises:
        ValueError: a p-value is below 0 or above 1.
    """
    adjusted, there = np.full(np.shape(p_values), np.nan), ~np.isnan(p_values)
    adjusted[there] = stats.false_discovery_control(np.asarray(p_values)[there])
    return adjusted


def _check_shapes(outcome: np.ndarray, factor: np.ndarray) -> None:
    if outcome.shape != factor.shape:
        raise ValueError(f"an outcome of shape {outcome.shape} has no factor of shape {factor.shape}")
