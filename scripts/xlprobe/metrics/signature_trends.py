"""Whether mean signatures rise or fall from layer to layer, by language and over all (paper 2, 5.1; statistics/trends.py).

Shape letters: L languages, N layers.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from xlprobe.metrics.last_signatures import PUBLISHED, Row, fitted_signatures
from xlprobe.statistics.trends import Trend, mann_kendall, mann_kendall_family


def signature_trends(signatures: pd.DataFrame) -> Iterator[Row]:
    """The rows of the table `signature_trends`: one a language, and before them one of the mean over languages (language None).

    False discovery rates are over the languages of one comparison, category, fit and scale, as paper 2's 33 tests. The mean is over
    the languages that have a value at every layer, so that it is of the same languages at each.
    """
    for fitted in fitted_signatures(signatures):
        values_LN, layers_N = fitted.values(), np.array(fitted.layers, dtype=float)
        shared = fitted.key | {"signature": PUBLISHED}
        complete_LN = values_LN[~np.isnan(values_LN).any(axis=1)]
        if len(complete_LN):
            mean_N = complete_LN.mean(axis=0)
            yield shared | {"language": None, "languages": len(complete_LN)} | _row(mann_kendall(mean_N, layers_N), mean_N)
        else:
            none = fitted.why_none if np.isnan(values_LN).all() else "no language has a value at every layer"
            yield shared | {"language": None, "languages": 0, "n": 0, "n_too_small": True, "direction": None, "reason": none}
        for code, values_N, trend in zip(fitted.languages, values_LN, mann_kendall_family(values_LN, layers_N), strict=True):
            row = shared | {"language": code, "languages": 1} | _row(trend, values_N)
            # Why there is no value says more than that there is none.
            yield row | ({"reason": fitted.reasons[code]} if trend.n == 0 and code in fitted.reasons else {})


def _row(trend: Trend, values_N: np.ndarray) -> Row:
    mean = np.nan if trend.n == 0 else np.nanmean(values_N)
    return {
        "n": trend.n,
        "tau": trend.tau,
        "p": trend.p,
        "adjusted_p": trend.adjusted_p,
        "exact_p": trend.exact_p,
        "adjusted_exact_p": trend.adjusted_exact_p,
        "prewhitened_p": trend.prewhitened_p,
        "adjusted_prewhitened_p": trend.adjusted_prewhitened_p,
        "smallest_p": trend.smallest_p,
        "n_too_small": trend.n_too_small,
        "slope": trend.slope,
        "low": trend.slope_low,
        "high": trend.slope_high,
        # A mean of 0 has no shares.
        "relative_slope": trend.slope / mean if mean else np.nan,
        "direction": None if trend.reason else trend.direction,
        "reason": trend.reason or None,
    }
