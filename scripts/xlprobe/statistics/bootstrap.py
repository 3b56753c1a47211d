"""Rows of the scores table: what each probe's run scores, their mean, and how far test sentences and seeds let these vary.

Intervals are percentiles of a bootstrap (Efron & Tibshirani 1993, chapter 13) over whole sentences, since the words of one
sentence are not independent (nor are sentence pairs with one premise), and for the mean over the seeds as well. All that is
scored on a test set meets the same resamples, whichever the checkpoint, layer and task, so that differences between them
can be taken resample by resample.

Resampled seeds vary too little by sqrt((n - 1) / n), which is made good. What is left of having few of them is not: of an
interval over five seeds alone, about 88 % hold the truth where 95 % should.

Shape letters: P probes (runs with different seeds), N examples, M sentences, R resamples, K counts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from xlprobe.artifacts.dataset_folder import independent_sentences
from xlprobe.seeds import derive_seed

NO_INTERVAL = {"low": np.nan, "high": np.nan}


@dataclass(frozen=True)
class Intervals:
    """How intervals are taken; no resamples, no intervals."""

    resamples: int = 0
    level: float = 0.95


NO_INTERVALS = Intervals()


class Bootstrap:
    """Resamples of a test set's sentences.

    Args:
        name: what draws the resamples: dataset and split.
        sentences: how many there are, those without an example too.
        sentence_N: the place of each example's sentence among them, in ascending order.
    """

    def __init__(self, intervals: Intervals, name: Sequence[str], sentences: int, sentence_N: np.ndarray) -> None:
        self.level = intervals.level
        self.starts_M = np.flatnonzero(np.diff(sentence_N, prepend=-1))
        generator = np.random.default_rng(derive_seed("bootstrap", *name))
        with_examples_M = sentence_N[self.starts_M]
        # In float32, which counts exactly up to 2^24.
        self.taken_RM = np.empty((intervals.resamples, len(with_examples_M)), dtype=np.float32)
        for taken_M in self.taken_RM:
            taken_M[:] = np.bincount(generator.integers(sentences, size=sentences), minlength=sentences)[with_examples_M]

    def totals(self, counts_MK: np.ndarray) -> np.ndarray:
        """The sums of counts over the sentences of each resample, [resamples, K]."""
        return (self.taken_RM @ counts_MK.astype(np.float32)).astype(np.float64)

    def means(self, values_PN: np.ndarray, mask_N: np.ndarray) -> np.ndarray:
        """The mean over some examples in each resample, [resamples, probes]; NaN where a resample has none of them."""
        summed = np.concatenate([values_PN * mask_N, mask_N[None]]).astype(np.int32)
        totals_RK = self.totals(np.add.reduceat(summed, self.starts_M, axis=1).T)
        with np.errstate(invalid="ignore"):
            return totals_RK[:, :-1] / totals_RK[:, -1:]

    def limits(self, statistics_RK: np.ndarray) -> list[dict[str, Any]]:
        """The interval of each statistic, as columns low and high."""
        if not len(statistics_RK) or np.isnan(statistics_RK).all():
            return [NO_INTERVAL] * statistics_RK.shape[1]
        tail = (1 - self.level) / 2
        low_K, high_K = np.nanquantile(statistics_RK, [tail, 1 - tail], axis=0)
        return [{"low": low, "high": high} for low, high in zip(low_K.tolist(), high_K.tolist(), strict=True)]

    def limits_of_mean(self, statistics_RP: np.ndarray) -> dict[str, Any]:
        """The interval of the mean over probes, whose seeds are drawn anew in each resample, too."""
        resamples, probes = statistics_RP.shape
        if probes == 1 or not resamples:
            return self.limits(statistics_RP)[0]
        drawn_RP = np.random.default_rng(derive_seed("bootstrap", "seeds")).integers(probes, size=(resamples, probes))
        mean_R = statistics_RP.mean(axis=1)
        deviation_R = np.take_along_axis(statistics_RP, drawn_RP, axis=1).mean(axis=1) - mean_R
        stretched_R = mean_R + deviation_R * (probes / (probes - 1)) ** 0.5
        # A mean lies between the seeds' own values.
        return self.limits(np.clip(stretched_R, statistics_RP.min(axis=1), statistics_RP.max(axis=1))[:, None])[0]


def bootstrap_of(dataset: Path, split: str, examples: pd.DataFrame, intervals: Intervals) -> Bootstrap:
    """Resamples of the sentences of a dataset's split, for examples of it (`xlprobe.probes.examples`)."""
    rows = independent_sentences(dataset, split)
    # An inference set's test set stands alone, too, as xnli_en_test, and the same pairs as published (xnli_en_published_test).
    name = dataset.name.removesuffix("_test").removesuffix("_published")
    return Bootstrap(intervals, (name, split), len(rows), np.searchsorted(rows, examples["sentence"].to_numpy()))


def score_rows(values_PN: np.ndarray, masks: Mapping[str, np.ndarray], bootstrap: Bootstrap) -> list[dict[str, Any]]:
    """A row for each metric and seed, and one without seed for the mean over seeds; none for a metric without examples.

    Args:
        values_PN: what each probe earns for each example: 1 where it is right, 0 where it is wrong.
        masks: by metric, the examples that it is taken over.
    """
    rows: list[dict[str, Any]] = []
    for metric, mask_N in masks.items():
        if not mask_N.any():
            continue
        shared = {"metric": metric, "n": int(mask_N.sum())}
        values = values_PN[:, mask_N].mean(axis=1)
        resampled_RP = bootstrap.means(values_PN, mask_N)
        limits = bootstrap.limits(resampled_RP)
        rows += [shared | {"seed": seed, "value": value} | limits[seed] for seed, value in enumerate(values.tolist())]
        rows.append(shared | {"seed": None, "value": float(values.mean())} | bootstrap.limits_of_mean(resampled_RP))
    return rows


def seed_rows(values: Sequence[float], metric: str, n: int, bootstrap: Bootstrap) -> list[dict[str, Any]]:
    """The same of a measure that is not a mean over test examples: only the mean over seeds has an interval, over these."""
    values_P = np.array(values)
    rows: list[dict[str, Any]] = [{"seed": seed, "value": value} | NO_INTERVAL for seed, value in enumerate(values)]
    limits = bootstrap.limits_of_mean(np.tile(values_P, (len(bootstrap.taken_RM), 1))) if len(values) > 1 else NO_INTERVAL
    rows.append({"seed": None, "value": float(values_P.mean())} | limits)
    return [row | {"metric": metric, "n": n} for row in rows]
