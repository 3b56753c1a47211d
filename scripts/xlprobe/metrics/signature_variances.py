"""Whether mean signatures vary more over diverse languages than over related ones (paper 2, 5.2; statistics/variances.py).

Shape letters: L languages, N layers.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from xlprobe.metrics.last_signatures import PUBLISHED, Row, fitted_signatures
from xlprobe.statistics.variances import FEWEST_LANGUAGES, VarianceComparison, compare_variances

NONE_RELATED = f"no genus has {FEWEST_LANGUAGES} of the languages that are compared"


def signature_variances(signatures: pd.DataFrame, diverse: Sequence[str], related: Mapping[str, Sequence[str]]) -> Iterator[Row]:
    """The rows of the table `signature_variances`: one a layer and related set; where there is none, one a layer that says so.

    All values are of the fit of all languages, of which the sets are parts.

    Args:
        diverse: codes of languages from different genera.
        related: those of each genus.
    """
    for fitted in fitted_signatures(signatures):
        values_LN, codes = fitted.values(), fitted.languages
        diverse_L = np.isin(codes, [*diverse])
        for layer, values_L in zip(fitted.layers, values_LN.T, strict=True):
            shared = fitted.key | {"layer": layer, "signature": PUBLISHED}
            if not related:
                there = int((~np.isnan(values_L) & diverse_L).sum())
                yield shared | {"diverse_n": there, "related_n": 0, "shared_n": 0, "reason": NONE_RELATED}
            for genus, members in related.items():
                row = _row(compare_variances(values_L, diverse_L, np.isin(codes, [*members])))
                none = {"reason": f"n too small: {fitted.why_none}"} if np.isnan(values_L).all() else {}
                yield shared | {"related": genus} | row | none


def _row(found: VarianceComparison) -> Row:
    return {
        "diverse_n": found.diverse_n,
        "related_n": found.related_n,
        "shared_n": found.shared_n,
        "diverse_variance": found.diverse_variance,
        "related_variance": found.related_variance,
        "statistic": found.chi_square,
        "p": found.chi_square_p,
        "brown_forsythe": found.brown_forsythe,
        "brown_forsythe_p": found.brown_forsythe_p,
        "reason": f"n too small: {found.reason}" if min(found.diverse_n, found.related_n) < FEWEST_LANGUAGES else found.reason or None,
    }
