"""How far scores vary with the test sentences and the seeds: percentile intervals of a bootstrap.

Intervals are percentiles of a bootstrap (Efron & Tibshirani 1993, chapter 13) over whole clusters of test sentences, since the words
of one sentence are not independent (nor are sentence pairs with one premise, or lines of one document), and for the mean over
the seeds as well. All that is scored on a test set meets the same resamples, whichever the checkpoint, layer and task; so does all
that is scored on sets of a parallel group with the same sentences. (Two rows are compared in `xlprobe.statistics.paired`, on the
sentences that both have.)

Resampled seeds vary too little by sqrt((n - 1) / n), which is made good. What is left of having few of them is not: of an
interval over five seeds alone, about 88 % hold the truth where 95 % should.

Shape letters: M sentences, C clusters, R resamples, L layers, S or P seeds, K statistics.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from xlprobe.statistics.resampling import drawn_seeds, draws, means_over_drawn_seeds, sums_by


@dataclass(frozen=True)
class Intervals:
    """How intervals are taken; no resamples, no intervals."""

    resamples: int = 0
    level: float = 0.95


NO_INTERVALS = Intervals()


class Bootstrap:
    """Resamples of a test set's sentences.

    Args:
        name: what draws the resamples: dataset and split, or parallel group and split.
        clusters_M: what is drawn together, by name: each sentence's own, its premise's, its document's.
        joined: whether clusters are drawn in the order of their names, which sets of a parallel group share; else as they come.
    """

    def __init__(self, resamples: int, name: Sequence[str], clusters_M: np.ndarray, joined: bool = False) -> None:
        names_C, first_C, self.place_M = np.unique(clusters_M, return_index=True, return_inverse=True)
        if not joined:
            # From the order of names to that of their first sentences.
            self.place_M = np.argsort(np.argsort(first_C))[self.place_M]
        self.taken_RC = draws(name, len(names_C), resamples).astype(np.float64)

    def totals(self, counts_MLS: np.ndarray) -> np.ndarray:
        """The sums of counts over the sentences of each resample, [R, L, S]."""
        summed_CLS = sums_by(self.place_M, self.taken_RC.shape[1], counts_MLS)
        return np.tensordot(self.taken_RC, summed_CLS, axes=1)


def limits(statistics_RK: np.ndarray, level: float) -> np.ndarray:
    """The interval of each statistic, [low and high, K]; NaN without resamples, or where no resample has a value."""
    limits_2K = np.full((2, statistics_RK.shape[1]), np.nan)
    known_K = ~np.isnan(statistics_RK).all(axis=0)
    if len(statistics_RK) and known_K.any():
        tail = (1 - level) / 2
        # Of numbers without gaps the same, in a quarter of the time.
        quantile = np.nanquantile if np.isnan(statistics_RK).any() else np.quantile
        limits_2K[:, known_K] = quantile(statistics_RK[:, known_K], [tail, 1 - tail], axis=0)
    return limits_2K


def limits_of_mean(statistics_RP: np.ndarray, level: float) -> np.ndarray:
    """The interval of the mean over probes, whose seeds are drawn anew in each resample, too: [low and high]."""
    resamples, probes = statistics_RP.shape
    if probes == 1 or not resamples:
        return limits(statistics_RP, level)[:, 0]
    means_R = means_over_drawn_seeds(statistics_RP, drawn_seeds(probes, resamples))
    return limits(means_R[:, None], level)[:, 0]
