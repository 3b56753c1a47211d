"""Statistics that choose (the best checkpoint or layer), cross-fitted: what is chosen with one half is measured on the other.

The best of 30 equal checkpoints is not the final one, and looks better by about two standard errors; a percentile interval of
"best - final" on such a curve holds 0, the truth, 32 times in 100. So none is offered. Instead the best is chosen with half the
clusters and floor(n / 2) of the n seeds, and measured on the other clusters with the other seeds; then the other way round; the
mean is taken over many such splits (in resamples, copies of a cluster stay in one half). Where all are equal, nothing is gained.
A choice that misses the best loses a little, so that a true difference comes out too small on average, never too large.

Nominal 95 % intervals and sets of steps held the truth in 95 to 100 % of 300 simulated test sets, of each kind of curve: flat,
plateau, small drift and drift, 39 steps, 300 sentences, five seeds or none (`make bench`). With one seed only sentences are split:
what this probe does by chance then counts as its checkpoint's. Such an interval held the truth in 49 % where probes varied as much
as sentences let them (0.01), so that there is none.

Shape letters: C rows to choose from (steps, layers, or both: the leading axes of an outcome in one), P probes (seeds),
M clusters, B splits, R resamples; the axis 2 holds the halves.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import NormalDist

import numpy as np

from xlprobe.seeds import derive_seed
from xlprobe.statistics.bootstrap import limits
from xlprobe.statistics.resampling import ClusteredCounts, ValueOfSums, joined_draws, joined_halves

SPLITS = 100
# In each resample; what few splits leave to chance makes intervals a little wider.
SPLITS_OF_RESAMPLES = 10
# The jitter of checkpoints is not measurable on fewer: a smooth curve takes three.
FEWEST_STEPS = 6


@dataclass(frozen=True)
class Estimate:
    """A value that holds a choice, and its interval; NaN where there is none.

    Means over languages vary as the means of `resampled_R`, which they share, do. They have no interval: noise is averaged out,
    what choosing loses is not (of 18 languages with a small drift, an interval made in this way held the truth in 82 %).
    """

    value: float
    low: float
    high: float
    resampled_R: np.ndarray = field(repr=False, compare=False)


def estimate(value: float, resampled_R: np.ndarray, level: float = 0.95) -> Estimate:
    """The interval of a cross-fitted value, from what it is in resamples, each cross-fitted anew.

    A normal one, with their standard deviation. Choosing loses a little in each, beside what the first choice lost: they add
    noise to that which it met, and so lose less again than it did. The upper end lies further away by twice that.
    """
    defined_R = resampled_R[np.isfinite(resampled_R)]
    if len(defined_R) < 2:
        return Estimate(float(value), np.nan, np.nan, resampled_R)
    width = NormalDist().inv_cdf((1 + level) / 2) * float(defined_R.std(ddof=1))
    lost = max(float(value - defined_R.mean()), 0)
    return Estimate(float(value), float(value - width), float(value + width + 2 * lost), resampled_R)


@dataclass(frozen=True)
class Gain:
    """How much better the best is than what it is held against."""

    absolute: Estimate
    relative: Estimate  # 1 - worse / better; of what is better when lower, 1 - better / worse


@dataclass(frozen=True)
class Forgetting(Gain):
    """What the final checkpoint has lost since the best one. A curve forgets where the second p-value is small.

    Of curves that do not, 0 to 4 in 100 have one below 0.05, also where their checkpoints go up and down by 0.01; of the first, up to 70.
    Of ups and downs of 0.02 that last for several checkpoints, 10 to 14 in 100 have: they look like drift.
    """

    p_sampling: float  # that a flat curve comes out as far, by sentences and seeds
    p_jitter: float  # that one with the checkpoints' own ups and downs does; NaN of fewer than six steps after 95 %


@dataclass(frozen=True)
class Reached:
    """When a curve reaches a share of its best."""

    place: int | None  # of the first step that reaches it
    shares: np.ndarray  # [C]: of the resamples, those that have reached it at each step; NaN without resamples
    first: int | None  # the place of the first step that may be the one; 0: that, or any before
    last: int | None  # of the last step that may be; None: that comes after the final step, or never


class CrossFitting:
    """The best of an outcome's rows, cross-fitted.

    Args:
        outcome: counts [..., seeds, clusters].
        has_seeds: whether seeds move it, as they do probes: of these, one alone gives no interval.
        among: the keys of all clusters of its group, so that rows that lack some share halves and resamples with those that do not.

    Attributes:
        values_C: of each row, mean over seeds.
        resampled_CR: the same in resamples of clusters and seeds, which all rows share but for the seeds.
    """

    def __init__(
        self,
        outcome: ClusteredCounts,
        metric: ValueOfSums,
        *,
        higher_is_better: bool = True,
        has_seeds: bool = True,
        among: Sequence[str] = (),
        resamples: int = 200,
        level: float = 0.95,
    ) -> None:
        self.sign, self.level = (1 if higher_is_better else -1), level
        *axes, probes, clusters = outcome.shape
        rows, resamples = math.prod(axes), (0 if has_seeds and probes == 1 else resamples)
        first_BM = joined_halves(outcome.group, [outcome.keys, among], SPLITS)[0]
        halves_MB2 = np.stack([first_BM.T, ~first_BM.T], axis=-1)
        taken_MR = joined_draws(outcome.group, [outcome.keys, among], resamples)[0].T
        generator = np.random.default_rng(derive_seed("halves", "seeds"))
        first_BP = np.argsort(generator.random((SPLITS, probes)), axis=1) < probes // 2
        shares_BP2 = np.stack([first_BP, ~first_BP], axis=-1) if probes > 1 else np.ones((SPLITS, 1, 2))
        self._shares_BP2 = shares_BP2 / shares_BP2.sum(axis=1, keepdims=True)

        def values(weights: np.ndarray) -> np.ndarray:
            """By row and seed, weights [clusters, ...]."""
            flat = outcome.values(metric, weights.reshape(clusters, math.prod(weights.shape[1:])))
            return np.broadcast_to(flat, (*outcome.shape[:-1], flat.shape[-1])).reshape(rows, probes, *weights.shape[1:])

        # What drawing seeds anew changes, step by step; stretched, as they vary too little by sqrt((n - 1) / n).
        once_CP = values(np.ones((clusters, 1)))[..., 0]
        self.values_C = once_CP.mean(axis=1)
        residual_CP = (once_CP - self.values_C[:, None]) * (probes / max(probes - 1, 1)) ** 0.5
        drawn_CPR = generator.integers(probes, size=(*once_CP.shape, resamples))
        by_seeds_CPR = np.take_along_axis(residual_CP[..., None], drawn_CPR, axis=1)
        self._halves_CB2 = self._mean_over_seeds(values(halves_MB2))
        weights = taken_MR[:, :, None, None] * halves_MB2[:, None, :SPLITS_OF_RESAMPLES]
        self._resampled_CRB2 = self._mean_over_seeds(values(weights) + by_seeds_CPR[..., None, None])
        self.resampled_CR = (values(taken_MR) + by_seeds_CPR).mean(axis=1)

    def _mean_over_seeds(self, values: np.ndarray) -> np.ndarray:
        return np.einsum("cp...bh,bph->c...bh", values, self._shares_BP2[: values.shape[-2]], optimize=True)

    def _best(self, halves: np.ndarray, rows: Sequence[int], sign: int | None = None) -> np.ndarray:
        """The value on each half of what is the best on the other one, [..., B, 2]; NaN where one of both has none."""
        of_rows = halves[list(rows)]
        chosen = np.where(np.isnan(of_rows), -np.inf, (sign or self.sign) * of_rows).argmax(axis=0)[None]
        best, chosen_by = (np.take_along_axis(values, chosen, axis=0)[0] for values in (of_rows[..., ::-1], of_rows))
        return np.where(np.isnan(chosen_by), np.nan, best)

    def _gain(self, halves: np.ndarray, rows: Sequence[int], against: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        """Absolute and relative, means over splits, [...]."""
        best, other = (self._best(halves, chosen) for chosen in (rows, against))
        better, worse = (best, other)[:: self.sign]
        with np.errstate(invalid="ignore", divide="ignore"):
            return _mean_over_splits(self.sign * (best - other)), _mean_over_splits(1 - worse / better)

    def gain(self, rows: Sequence[int], against: Sequence[int]) -> Gain:
        """How much better the best of some rows is than the best of others, or than one other.

        Args:
            rows: places among the rows to choose from, such as all steps, or the internal layers.
            against: such as the final step alone, or the last layer.
        """
        found, resampled = (self._gain(halves, rows, against) for halves in (self._halves_CB2, self._resampled_CRB2))
        return Gain(*(estimate(float(value), resampled_R, self.level) for value, resampled_R in zip(found, resampled, strict=True)))

    def best(self, rows: Sequence[int] | None = None) -> float:
        """The cross-fitted value of the best of some rows, or of all."""
        return float(_mean_over_splits(self._best(self._halves_CB2, range(len(self.values_C)) if rows is None else rows)))

    def worst(self, rows: Sequence[int]) -> tuple[float, np.ndarray]:
        """The cross-fitted value of the worst of some rows, and what it is in each resample, [R]."""
        halves = (self._halves_CB2, self._resampled_CRB2)
        found, resampled_R = (_mean_over_splits(self._best(values, rows, -self.sign)) for values in halves)
        return float(found), resampled_R

    def forgetting(self, steps: Sequence[int]) -> Forgetting:
        """How much better the best checkpoint is than the final one, against two curves that do not forget.

        Both take the place of the curve from where it first reaches 95 % of the best. The first is flat: what it loses is by
        sentences and seeds. The second adds the checkpoints' own ups and downs (`resampled_jitter`).

        Args:
            steps: of all rows, in ascending order, without 0, which is no checkpoint.

        Raises:
            ValueError: the steps are others.
        """
        if len(steps) != len(self.values_C) or min(steps) <= 0 or list(steps) != sorted(set(steps)):
            raise ValueError(f"{len(self.values_C)} steps in ascending order and without 0 are expected, not {list(steps)}")
        every, final = range(len(steps)), [len(steps) - 1]
        gain = self.gain(every, final)
        start = int(self._reaches(self.values_C, self.best(), 0.95).argmax())
        noise_CRB2 = (self._resampled_CRB2 - self._halves_CB2[:, None, :SPLITS_OF_RESAMPLES])[start:]
        jitter_CR = resampled_jitter(steps[start:], self.values_C[start:], noise_CRB2.shape[1])
        nulls = (noise_CRB2, noise_CRB2 + jitter_CR[..., None, None])
        return Forgetting(gain.absolute, gain.relative, *(self._p(gain.absolute.value, null) for null in nulls))

    def _p(self, found: float, null_CRB2: np.ndarray) -> float:
        best, final = (self._best(null_CRB2, rows) for rows in (range(len(null_CRB2)), [-1]))
        lost_R = _mean_over_splits(self.sign * (best - final))
        defined_R = lost_R[np.isfinite(lost_R)]
        return float((1 + (defined_R >= found).sum()) / (1 + len(defined_R))) if len(defined_R) else np.nan

    def reached(self, share: float) -> Reached:
        """The steps at which a curve may first reach a share of its best, cross-fitted in each resample.

        A step may be the one when more than (1 - level) / 2 of the resamples reach the share there; with all but so many, no
        later step may be.

        Args:
            share: 0.95 of what is better when higher; of what is better when lower, best / value is held against it.
        """
        place = _first(self._reaches(self.values_C, self.best(), share))
        best_R = _mean_over_splits(self._best(self._resampled_CRB2, range(len(self.values_C))))
        if not np.isfinite(best_R).any():
            return Reached(place, np.full(len(self.values_C), np.nan), None, None)
        shares_C = self._reaches(self.resampled_CR, best_R, share).mean(axis=1)
        tail = (1 - self.level) / 2
        return Reached(place, shares_C, _first(shares_C > tail), _first(shares_C >= 1 - tail))

    def interval(self, row: int) -> tuple[float, float]:
        """The percentile interval of one row, which nothing on these sentences and seeds has chosen; NaN without resamples."""
        limits_21 = limits(self.resampled_CR[row][:, None], self.level)
        return float(limits_21[0, 0]), float(limits_21[1, 0])

    def _reaches(self, values: np.ndarray, best: float | np.ndarray, share: float) -> np.ndarray:
        # There is no share of a best that is 0.
        return (values >= share * best) & (best > 0) if self.sign > 0 else values <= best / share


def resampled_jitter(steps: Sequence[int], values_C: np.ndarray, resamples: int) -> np.ndarray:
    """A curve's ups and downs as they might have been, [C, resamples]; NaN of fewer than six steps.

    What is left beside a quadratic curve in log(step), stretched for its three parameters, is drawn in circular blocks as long
    as the cube root of the number of steps (Hall, Horowitz & Jing 1995).
    """
    count = len(steps)
    if count < FEWEST_STEPS:
        return np.full((count, resamples), np.nan)
    x_C = np.log(steps)
    residual_C = (values_C - np.polyval(np.polyfit(x_C, values_C, 2), x_C)) * (count / (count - 3)) ** 0.5
    block = round(count ** (1 / 3))
    starts_RK = np.random.default_rng(derive_seed("blocks")).integers(count, size=(resamples, -(-count // block)))
    places_RC = starts_RK.repeat(block, axis=1)[:, :count] + np.arange(count) % block
    return residual_C[places_RC % count].T


def _first(found_C: np.ndarray) -> int | None:
    return int(found_C.argmax()) if found_C.any() else None


def _mean_over_splits(values: np.ndarray) -> np.ndarray:
    """Over the last two axes; a split where a half has nothing to measure is left out."""
    defined = np.isfinite(values)
    with np.errstate(invalid="ignore"):
        return np.where(defined, values, 0).sum(axis=(-1, -2)) / defined.sum(axis=(-1, -2))
