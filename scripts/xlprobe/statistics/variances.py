"""Whether one set of languages varies more than another.

Paper 2, 5.2, holds the variance of the mean signatures of ten diverse languages against that of Germanic, Romance and Slavic ones, as if
the latter were known. It is one of five, seven or eight values. Of sets with the same variance, so many have a p-value below 0.05
(normal values; 200,000 pairs of sets for the former, 3,000 for the latter):

    related languages          4       5       7       8
    chi-square              0.36    0.31    0.24    0.22
    Brown-Forsythe          0.04    0.02    0.03    0.04

Shape letters: N languages.
"""

from dataclasses import dataclass

import numpy as np
from scipy import stats

FEWEST_LANGUAGES = 3


@dataclass(frozen=True)
class VarianceComparison:
    """The variance of a diverse set of languages against that of a related one; NaN where there is a reason."""

    diverse_n: int  # languages that have a value
    related_n: int
    shared_n: int  # in both sets, which neither test allows for
    diverse_variance: float = np.nan  # by n - 1, as all here
    related_variance: float = np.nan
    chi_square: float = np.nan  # (diverse_n - 1) diverse_variance / related_variance
    chi_square_p: float = np.nan  # two-sided, diverse_n - 1 degrees of freedom
    brown_forsythe: float = np.nan  # F with 1 and diverse_n + related_n - 2 degrees of freedom
    brown_forsythe_p: float = np.nan
    reason: str = ""  # why there is no test; else empty


def compare_variances(values_N: np.ndarray, diverse_N: np.ndarray, related_N: np.ndarray) -> VarianceComparison:
    """The printed chi-square test of one variance, and beside it the test of Brown & Forsythe (1974) of two.

    The former (paper 2, 5.2; Snedecor & Cochran 1989) takes the related variance for a constant: (n - 1) s^2 / sigma^2 follows
    chi-square with n - 1 degrees of freedom; p is twice the smaller tail. The latter is Levene's on distances from the medians (scipy).

    Args:
        values_N: one value a language; NaN where it has none, which leaves it out.
        diverse_N: whether a language is in the diverse set.
        related_N: whether it is in the related one.

    Raises:
        ValueError: the three differ in length, or a value is infinite.
    """
    values_N, diverse_N, related_N = np.asarray(values_N, dtype=float), np.asarray(diverse_N, dtype=bool), np.asarray(related_N, dtype=bool)
    if values_N.ndim != 1 or not values_N.shape == diverse_N.shape == related_N.shape:
        raise ValueError(f"{values_N.shape} values have no sets of languages of {diverse_N.shape} and {related_N.shape}")
    if np.isinf(values_N).any():
        raise ValueError("languages with infinite values have no variance")
    there_N = ~np.isnan(values_N)
    diverse, related = values_N[there_N & diverse_N], values_N[there_N & related_N]
    sizes = len(diverse), len(related), int((there_N & diverse_N & related_N).sum())
    if min(sizes[:2]) < FEWEST_LANGUAGES:
        few = f"{sizes[0]} diverse and {sizes[1]} related languages have a value"
        return VarianceComparison(*sizes, reason=f"{few}: a variance needs {FEWEST_LANGUAGES} of both")
    variance, expected = float(diverse.var(ddof=1)), float(related.var(ddof=1))
    if (related == related[0]).all():
        return VarianceComparison(*sizes, variance, 0.0, reason="the related languages do not vary, so that nothing can be held against it")
    chi_square = (len(diverse) - 1) * variance / expected
    tail = min(stats.chi2.cdf(chi_square, len(diverse) - 1), stats.chi2.sf(chi_square, len(diverse) - 1))
    levene = stats.levene(diverse, related, center="median")
    return VarianceComparison(*sizes, variance, expected, float(chi_square), float(2 * tail), float(levene.statistic), float(levene.pvalue))
