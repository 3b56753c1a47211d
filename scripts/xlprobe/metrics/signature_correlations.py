"""What mean signatures go together with over languages: how many words have the category, unique characters, the type-token ratio.

Paper 2, Fig. 3 (data size by layer), Figs. 6 and 7 (the other two by layer) and Fig. 4 (r averaged over layers).

A mean of r over layers has no test of its own in the paper. Of one factor f of unit length, the mean of r_l = u_l f, where u_l are the
values at a layer, centred and of unit length, is (mean of u_l) f. So its p-values are those of the correlation of f with the mean of
u_l: both order permutations of languages alike. Its interval is Fisher's of the mean of r, as if all layers were one measurement. Of
1,500 simulated sets of 33 languages at 13 layers, so many such intervals held the true mean of r, where layers share so much of what
the factor does not explain:

    shared by layers    0      0.5    0.95
    r of 0              1.00   0.99   0.95
    r of 0.8            1.00   0.99   0.95

It is wide rather than narrow. Shape letters: L languages, N layers.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy import stats

from xlprobe.metrics.last_signatures import PUBLISHED, PUBLISHED_MEAN, FittedSignatures, Row, fitted_signatures
from xlprobe.metrics.signature_factors import CORRELATED, DATA_SIZE
from xlprobe.statistics.correlation import CHANGE_DECIMALS, FEWEST_VALUES, PearsonCorrelation, pearson_correlation
from xlprobe.statistics.trends import mann_kendall

# Of all words of each language, or of as many of each: the column of the mean signature.
SIZES = {"all": PUBLISHED_MEAN, "equal_fixed": "equal_fixed_mean", "equal_smallest": "equal_smallest_mean"}
# An interval of more says little.
WIDE = 1.0
# Values at layers of length 1 whose mean is shorter cancel each other.
ROUNDING = 1e-9
CANCELLED = "layers cancel each other: whatever the factor, the mean of r is 0"


def signature_correlations(signatures: pd.DataFrame, factors: pd.DataFrame) -> Iterator[Row]:
    """The rows of the table `signature_correlations`: one a layer and factor, and one of the mean over layers (layer None).

    Args:
        signatures: the table of that name.
        factors: the table `signature_factors`.
    """
    known = factors[factors["factor"].isin(CORRELATED)]
    for fitted in fitted_signatures(signatures):
        run = (known["variant"] == fitted.key["variant"]) & (
            known["training_seed"].isna() if fitted.key["training_seed"] is None else known["training_seed"] == fitted.key["training_seed"]
        )
        by_factor = known[run].pivot(index="factor", columns="language", values="value").reindex(index=CORRELATED, columns=fitted.languages)
        of_languages = dict(zip(CORRELATED, by_factor.to_numpy(dtype=float, na_value=np.nan), strict=True))
        # As many at each layer; also of equal numbers of words, where it should no longer matter.
        instances_L = fitted.values("instances")[:, 0]
        for sizes, column in SIZES.items():
            values_LN = fitted.values(column)
            there_N = ~np.isnan(values_LN).all(axis=0)
            if sizes != "all" and not there_N.any():
                continue
            # Equal numbers are drawn at some layers alone.
            kept_N = np.ones(len(there_N), dtype=bool) if sizes == "all" else there_N
            layers = [layer for layer, kept in zip(fitted.layers, kept_N, strict=True) if kept]
            for factor, factor_L in ({DATA_SIZE: instances_L} | of_languages).items():
                shared = fitted.key | {"signature": PUBLISHED, "sizes": sizes, "factor": factor}
                yield from (shared | row for row in _rows(fitted, layers, values_LN[:, kept_N], factor_L))


def _rows(fitted: FittedSignatures, layers: list[int], values_LN: np.ndarray, factor_L: np.ndarray) -> Iterator[Row]:
    by_layer = [pearson_correlation(values_L, factor_L) for values_L in values_LN.T]
    mean = mean_correlation(values_LN, factor_L)
    trend = mann_kendall(np.array([found.r for found in by_layer]), np.array(layers, dtype=float))
    of_layers = {"layers": len(layers), "tau": trend.tau, "slope": trend.slope, "trend_p": trend.p}
    yield {"layer": None} | of_layers | _row(fitted, mean)
    for layer, found in zip(layers, by_layer, strict=True):
        yield {"layer": layer, "layers": 1} | _row(fitted, found)


def _row(fitted: FittedSignatures, found: PearsonCorrelation) -> Row:
    none = found.n == 0 and len(fitted.reasons) == len(fitted.languages)
    return {
        **found.columns(),
        "influential": None if found.influential is None else fitted.languages[found.influential],
        "note": None if found.reason else _note(found),
        "reason": fitted.why_none if none else found.reason or None,
    }


def _note(found: PearsonCorrelation) -> str | None:
    """What a reader should know of an r of few languages."""
    if found.n_too_small:
        return f"n too small: {found.n} languages can have no p-value below 0.05"
    if found.high - found.low > WIDE:
        return f"n = {found.n}: the interval is {found.high - found.low:.1f} wide"
    return None


def mean_correlation(values_LN: np.ndarray, factor_L: np.ndarray) -> PearsonCorrelation:
    """The mean of Pearson's r over layers, of languages that have the factor, and a value at every layer (paper 2, Fig. 4).

    p-values and interval: see the module. Without one language, the mean is taken L times.

    Raises:
        ValueError: values and factor are of different languages, or infinite.
    """
    if values_LN.ndim != 2 or values_LN.shape[:1] != factor_L.shape:
        raise ValueError(f"values of shape {values_LN.shape} have no factor of shape {factor_L.shape}")
    if np.isinf(values_LN).any() or np.isinf(factor_L).any():
        raise ValueError("infinite values have no correlation")
    both_L = ~(np.isnan(values_LN).any(axis=1) | np.isnan(factor_L))
    values, factor = values_LN[both_L].astype(float), factor_L[both_L].astype(float)
    if len(values) < FEWEST_VALUES:
        return pearson_correlation(np.zeros(len(values)), factor)
    constant = int((np.ptp(values, axis=0) == 0).sum())
    shared_L = np.zeros(len(values)) if constant else _unit_length(values).mean(axis=1)
    cancelled = np.linalg.norm(shared_L) < ROUNDING
    found = pearson_correlation(np.zeros(len(values)) if cancelled else shared_L, factor)
    if constant:
        return replace(found, reason=f"the outcome does not vary at {constant} of {values.shape[1]} layers")
    if cancelled and np.ptp(factor):
        return replace(found, reason=CANCELLED)
    if found.reason:
        return found
    r = float(np.clip((_unit_length(values) * _unit_length(factor[:, None])).sum(axis=0).mean(), -1, 1))
    low = high = np.nan
    if found.n > FEWEST_VALUES:
        with np.errstate(divide="ignore"):
            low, high = np.tanh(np.arctanh(r) + np.array([-1, 1]) * stats.norm.ppf(0.975) / np.sqrt(found.n - 3))
    of_mean = replace(found, r=r, low=float(low), high=float(high), without_one_low=np.nan, without_one_high=np.nan, influential=None)
    if found.n == FEWEST_VALUES:
        return of_mean
    without = np.full(found.n, np.nan)
    for place, kept_L in enumerate(~np.eye(found.n, dtype=bool)):
        left, of_factor = values[kept_L], factor[kept_L]
        if np.ptp(left, axis=0).all() and np.ptp(of_factor):
            without[place] = (_unit_length(left) * _unit_length(of_factor[:, None])).sum(axis=0).mean()
    if np.isnan(without).all():
        return of_mean
    influential = int(np.flatnonzero(both_L)[np.nanargmax(np.abs(without - r).round(CHANGE_DECIMALS))])
    return replace(of_mean, without_one_low=float(np.nanmin(without)), without_one_high=float(np.nanmax(without)), influential=influential)


def _unit_length(values_LN: np.ndarray) -> np.ndarray:
    """Less their mean over languages, and of length 1: products of two such lists are correlations."""
    centred_LN = values_LN - values_LN.mean(axis=0)
    unit_LN: np.ndarray = centred_LN / np.linalg.norm(centred_LN, axis=0)
    return unit_LN
