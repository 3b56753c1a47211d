"""How far a mean over languages, or over pairs of them, would vary if other languages had been chosen.

Pairs of languages are not independent: a language that is easy to transfer to is so in all its pairs. Errors of their mean are
dyadic-robust (Aronow, Samii & Assenova 2015, "Cluster-robust variance estimation for dyadic data").

Shape letters: N values, L languages; LL sources by targets, both all languages in one order.
"""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from xlprobe.statistics.correlation import sum_over_sharing_pairs


@dataclass(frozen=True)
class MeanOverLanguages:
    """A mean, its interval and the p-value of a mean of 0 (two-sided), by Student's t with languages - 1 degrees of freedom.

    NaN where languages are too few to tell how they vary.
    """

    value: float
    low: float
    high: float
    p: float
    n: int  # values: one a language, or one a pair
    languages: int


def mean_over_languages(values_N: np.ndarray, level: float = 0.95) -> MeanOverLanguages:
    """The mean of one value a language; of differences, the interval and p-value are those of a paired t-test."""
    n = len(values_N)
    error = float(values_N.std(ddof=1)) / n**0.5 if n > 1 else np.nan
    return _by_student(float(values_N.mean()) if n else np.nan, error, level, n, n)


def mean_over_pairs(values_LL: np.ndarray, level: float = 0.95) -> MeanOverLanguages:
    """The mean over ordered pairs of languages; NaN and the diagonal are left out.

    The variance of the mean is the sum of e_p e_q over all pairs p and q that share a language, by n^2 - m: e is what a pair is
    above the mean, and m counts such p and q. Since e is 0 on average, n^2 would make it too small; where all pairs are there,
    n^2 - m makes it right on average. It is taken to be no smaller than that of independent pairs: it can be by chance, or negative.
    Of 1,500 simulations each with 4, 6, 15 and 18 languages, nominal 95 % intervals held the truth in 94 to 97 % where sources, targets
    and pairs vary alike, and in 97 to 99 % where pairs alone do.
    """
    used_LL = ~(np.isnan(values_LL) | np.eye(len(values_LL), dtype=bool))
    n, languages = int(used_LL.sum()), int((used_LL.any(axis=0) | used_LL.any(axis=1)).sum())
    if not n:
        return _by_student(np.nan, np.nan, level, 0, 0)
    mean = float(values_LL[used_LL].mean())
    above_LL = np.where(used_LL, values_LL - mean, 0)
    apart = n**2 - sum_over_sharing_pairs(used_LL.astype(float))
    # Of three languages, all pairs share one, and nothing is known of those that share none.
    sharing = sum_over_sharing_pairs(above_LL) / apart if apart else np.nan
    variance = max(sharing, float(values_LL[used_LL].var(ddof=1)) / n) if n > 1 else np.nan
    return _by_student(mean, variance**0.5 if apart else np.nan, level, n, languages)


def _by_student(mean: float, error: float, level: float, n: int, languages: int) -> MeanOverLanguages:
    # Languages that do not differ at all tell nothing of how others would.
    if not error > 0:
        return MeanOverLanguages(mean, np.nan, np.nan, np.nan, n, languages)
    half = float(stats.t.ppf((1 + level) / 2, languages - 1)) * error
    return MeanOverLanguages(mean, mean - half, mean + half, float(2 * stats.t.sf(abs(mean / error), languages - 1)), n, languages)


def sentence_half_width(low_N: np.ndarray, high_N: np.ndarray, *, shared: bool) -> float:
    """Half the width of the interval over test sentences of a mean, from the intervals of the values that it is of; NaN where one has none.

    Args:
        shared: whether the test sets are translations of each other, whose errors go together: half widths are averaged then, the
            most that they can add up to; of test sets of their own they add up by their squares.

    >>> low, high = np.array([0.37, 0.47, 0.57, 0.67]), np.array([0.43, 0.53, 0.63, 0.73])
    >>> [round(sentence_half_width(low, high, shared=shared), 3) for shared in (False, True)]
    [0.015, 0.03]
    """
    half_N = (high_N - low_N) / 2
    return float(half_N.mean() if shared else np.sqrt((half_N**2).sum()) / len(half_N))
