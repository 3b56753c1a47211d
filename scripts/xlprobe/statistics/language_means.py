"""A mean over languages, with two noises apart: which languages there happen to be, and which test sentences.

More languages make the first smaller, more test sentences the second. Neither covers the training of the model.
"""

from dataclasses import dataclass

import numpy as np
from scipy import stats

# Of fewer languages the interval would be wider than what it is of.
FEWEST = 5


@dataclass(frozen=True)
class LanguageMean:
    """A mean, and how far it may lie off.

    Attributes:
        n: languages, or pairs.
        languages: half the width of Student's interval over languages, as if they were drawn; NaN of fewer than FEWEST.
        sentences: half the width of the interval over test sentences; NaN where a value has none.
    """

    value: float
    n: int
    languages: float
    sentences: float


def language_mean(
    values_N: np.ndarray, low_N: np.ndarray, high_N: np.ndarray, *, level: float = 0.95, shared: bool = False
) -> LanguageMean:
    """The mean of one value a language, NaN left out.

    Args:
        low_N, high_N: the intervals over test sentences of each.
        shared: whether the test sets are translations of each other, whose errors go together: half widths are averaged then, the
            most that they can add up to; of test sets of their own they add up by their squares.

    >>> values = np.array([0.4, 0.5, 0.6, 0.7, 0.8])
    >>> mean = language_mean(values, values - 0.03, values + 0.03)
    >>> round(mean.value, 3), mean.n, round(mean.languages, 3), round(mean.sentences, 4)
    (0.6, 5, 0.196, 0.0134)
    """
    known_N = ~np.isnan(values_N)
    values_N, half_N = values_N[known_N], ((high_N - low_N) / 2)[known_N]
    n = len(values_N)
    if not n:
        return LanguageMean(np.nan, 0, np.nan, np.nan)
    languages = float(stats.t.ppf((1 + level) / 2, n - 1) * values_N.std(ddof=1) / np.sqrt(n)) if n >= FEWEST else np.nan
    sentences = float(half_N.mean() if shared else np.sqrt((half_N**2).sum()) / n)
    return LanguageMean(float(values_N.mean()), n, languages, sentences)
