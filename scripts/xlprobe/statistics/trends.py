"""Whether a value rises or falls from layer to layer (or step to step), and by how much.

Paper 2, 5.1, tests the mean signature of each of 33 languages over layers by Mann-Kendall, with false discovery rates at 0.05.
Neighbouring layers are alike, which the test takes for a trend. Of 1,000 series of 13 values without trend, each value being so much
of the one before plus noise, so many had a p-value below 0.05; and so many of 500 that rose by half a standard deviation of the noise
from value to value:

    of the value before                no trend: 0    0.3    0.6    0.8       trend: 0    0.6
    Mann-Kendall                            0.04   0.09   0.23   0.36           1.00   0.98
    of the pre-whitened series              0.03   0.04   0.06   0.10           0.30   0.32
    Hamed & Rao (1998), three lags          0.07   0.12   0.25   0.36           0.99   0.97

So the pre-whitened one stands beside the printed one: what it finds is there; what it does not find may be there.

Shape letters: N values of a series, L languages.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import accumulate

import numpy as np
import pymannkendall  # type: ignore[import-untyped]
from scipy import stats

from xlprobe.statistics.correlation import LEVEL, benjamini_hochberg

# No order of four values has a two-sided p-value below 0.05.
FEWEST_VALUES = 5


@dataclass(frozen=True)
class Trend:
    """The Mann-Kendall test of one series; all is NaN where there is a reason.

    Adjusted p-values are false discovery rates in the series' family, NaN where it was tested alone.
    """

    n: int  # values that are there
    tau: float = np.nan  # pairs that rise, less pairs that fall, by all pairs; ties count as neither
    p: float = np.nan  # two-sided, by the normal distribution with a continuity correction: the printed test
    exact_p: float = np.nan  # two-sided, of all orders of the values
    prewhitened_p: float = np.nan  # as p, of the series less what each value takes from the one before; NaN at uneven places
    smallest_p: float = np.nan  # the lowest exact one that this number of values, and their ties, can reach
    slope: float = np.nan  # a place, Theil-Sen
    slope_low: float = np.nan  # its 95 % interval, which takes values to be independent
    slope_high: float = np.nan
    adjusted_p: float = np.nan
    adjusted_exact_p: float = np.nan
    adjusted_prewhitened_p: float = np.nan
    reason: str = ""  # why there is no test; else empty

    @property
    def n_too_small(self) -> bool:
        """Whether no p-value can be reached that supports a claim; so, too, where there is no test."""
        return not self.smallest_p <= LEVEL

    @property
    def direction(self) -> str:
        """Either "increasing", "decreasing" or "none", by the printed test at 0.05, adjusted where there is a family."""
        p = self.p if np.isnan(self.adjusted_p) else self.adjusted_p
        return ("increasing" if self.tau > 0 else "decreasing") if p < LEVEL else "none"


def mann_kendall(values_N: np.ndarray, places_N: np.ndarray | None = None) -> Trend:
    """The test of Mann (1945) and Kendall (1948) of one series, by pymannkendall, and the slope of Theil (1950) and Sen (1968), by scipy.

    S is the number of pairs that rise less that of pairs that fall. Its variance is (n (n - 1) (2 n + 5) - sum t (t - 1) (2 t + 5)) / 18
    with groups of t ties; z = (S - sign S) / sqrt(variance). Beside it, the exact p-value: that share of all n! orders whose |S| is
    as large. Of n = 13 without ties, the normal one is larger by up to 0.0025 where it is below 0.05: it is the more careful of the two.
    Pre-whitening (von Storch 1995; Kulkarni & von Storch 1995) takes the lag-1 autocorrelation times the value before from each value.

    Args:
        places_N: where the values lie, rising; by default 0, 1, 2 ...

    Raises:
        ValueError: values are infinite, or places are not one a value, finite and rising.
    """
    values_N = np.asarray(values_N, dtype=float)
    places_N = np.arange(len(values_N), dtype=float) if places_N is None else np.asarray(places_N, dtype=float)
    if values_N.ndim != 1 or places_N.shape != values_N.shape:
        raise ValueError(f"a series of shape {values_N.shape} has no places of shape {places_N.shape}")
    if np.isinf(values_N).any():
        raise ValueError("a series has infinite values, which have no slope")
    if not (np.isfinite(places_N).all() and (np.diff(places_N) > 0).all()):
        raise ValueError("the places of a series do not rise from each value to the next")
    there_N = ~np.isnan(values_N)
    values_N, places_N = values_N[there_N], places_N[there_N]
    n = len(values_N)
    if n < FEWEST_VALUES:
        return Trend(n, reason=f"{n} values, of which no order has a p-value below {LEVEL}: a trend needs {FEWEST_VALUES}")
    if (values_N == values_N[0]).all():
        return Trend(n, reason="all values are equal")
    found, sen = pymannkendall.original_test(values_N), stats.theilslopes(values_N, places_N, alpha=0.95)
    exact_p, smallest_p = _exact_p_values(int(found.s), Counter(values_N.tolist()).values())
    even = np.allclose(np.diff(places_N), places_N[1] - places_N[0])
    prewhitened_p = float(pymannkendall.pre_whitening_modification_test(values_N).p) if even else np.nan
    slope, low, high = float(sen.slope), float(sen.low_slope), float(sen.high_slope)
    return Trend(n, float(found.Tau), float(found.p), exact_p, prewhitened_p, smallest_p, slope, low, high)


def mann_kendall_family(values_LN: np.ndarray, places_N: np.ndarray | None = None) -> list[Trend]:
    """The test of each of L series, one a language, with Benjamini-Hochberg's false discovery rates over those that have one.

    Raises:
        ValueError: as `mann_kendall`.
    """
    found = [mann_kendall(values_N, places_N) for values_N in values_LN]
    kinds = ("p", "exact_p", "prewhitened_p")
    adjusted = [benjamini_hochberg(np.array([getattr(trend, kind) for trend in found])).tolist() for kind in kinds]
    return [
        replace(trend, adjusted_p=p, adjusted_exact_p=exact_p, adjusted_prewhitened_p=prewhitened_p)
        for trend, p, exact_p, prewhitened_p in zip(found, *adjusted, strict=True)
    ]


def _exact_p_values(score: int, ties: Iterable[int]) -> tuple[float, float]:
    """The two-sided p-value of S, and the smallest that can be, among all orders of values with such groups of ties (1: none).

    Orders by the number of pairs that fall have the generating function [n]! / prod [t]!, where [n]! is the product of
    1 + q + ... + q^(k - 1) for k up to n (MacMahon 1915); of n values without ties it counts inversions, as Kendall's tau does.
    """
    sizes = list(ties)
    orders = [1]
    for k in range(2, sum(sizes) + 1):
        # Times (1 - q^k) / (1 - q).
        grown = [many - (orders[i - k] if i >= k else 0) for i, many in enumerate(orders + [0] * (k - 1))]
        orders = list(accumulate(grown))
    for size in sizes:
        for k in range(2, size + 1):
            orders = _divided(orders, k)
    untied_pairs, in_all = len(orders) - 1, sum(orders)
    as_large = sum(many for falling, many in enumerate(orders) if abs(untied_pairs - 2 * falling) >= abs(score))
    return as_large / in_all, (orders[0] + orders[-1]) / in_all


def _divided(orders: list[int], k: int) -> list[int]:
    """A polynomial by 1 + q + ... + q^(k - 1), which divides it."""
    quotient: list[int] = []
    for i in range(len(orders) - k + 1):
        quotient.append(orders[i] - sum(quotient[max(0, i - k + 1) :]))
    return quotient
