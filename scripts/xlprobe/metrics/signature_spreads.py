"""How mean signatures are spread over languages at each layer, and which languages stand apart (paper 2, 5.1 and Fig. 2).

Shape letters: L languages, N layers.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy import stats

from xlprobe.metrics.last_signatures import PUBLISHED, FittedSignatures, Row, fitted_signatures
from xlprobe.statistics.variances import FEWEST_LANGUAGES


def signature_spreads(signatures: pd.DataFrame) -> Iterator[Row]:
    """The rows of the table `signature_spreads`: one a layer, of all languages that have a value there."""
    for fitted in fitted_signatures(signatures):
        for layer, values_L in zip(fitted.layers, fitted.values().T, strict=True):
            yield fitted.key | {"layer": layer, "signature": PUBLISHED} | _spread(fitted, values_L)


def signature_standings(signatures: pd.DataFrame) -> Iterator[Row]:
    """The rows of the table `signature_standings`: one a layer and language, how far it lies from the others."""
    for fitted in fitted_signatures(signatures):
        for layer, values_L in zip(fitted.layers, fitted.values().T, strict=True):
            shared = fitted.key | {"layer": layer, "signature": PUBLISHED}
            for place, code in enumerate(fitted.languages):
                yield shared | {"language": code} | _standing(fitted, values_L, place)


def _spread(fitted: FittedSignatures, values_L: np.ndarray) -> Row:
    there_L = np.flatnonzero(~np.isnan(values_L))
    found: Row = {"languages": len(there_L), "without_value": len(values_L) - len(there_L)}
    if not len(there_L):
        return found | {"reason": fitted.why_none}
    values = values_L[there_L]
    least, most = (fitted.languages[there_L[place]] for place in (values.argmin(), values.argmax()))
    found |= {"mean": values.mean(), "median": np.median(values)}
    found |= {"least": values.min(), "least_language": least, "most": values.max(), "most_language": most}
    if len(values) < FEWEST_LANGUAGES:
        return found | {"reason": f"n too small: {len(values)} languages have a value, and a variance needs {FEWEST_LANGUAGES}"}
    return found | {"sd": values.std(ddof=1), "variance": values.var(ddof=1)}


def _standing(fitted: FittedSignatures, values_L: np.ndarray, place: int) -> Row:
    value, others = values_L[place], np.delete(values_L, place)
    others = others[~np.isnan(others)]
    found: Row = {"languages": len(others) + int(not np.isnan(value))}
    if np.isnan(value):
        return found | {"reason": fitted.reasons.get(fitted.languages[place], "no value")}
    values = np.append(others, value)
    found |= {"value": value, "rank": int(stats.rankdata(values, method="min")[-1])}
    if len(others) < FEWEST_LANGUAGES:
        return found | {"reason": f"n too small: {len(others)} other languages have a value, and a variance needs {FEWEST_LANGUAGES}"}
    if not np.ptp(others):
        return found | {"reason": "the other languages do not vary"}
    z, among_others = ((value - of.mean()) / of.std(ddof=1) for of in (values, others))
    return found | {"z": z, "z_of_others": among_others}
