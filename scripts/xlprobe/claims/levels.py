"""Claims on how good languages are, and on how two models compare (paper 1: 3.1, 3.2, Appendix A)."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats

from xlprobe.claims.curve_values import (
    INTERVALS,
    NUMBERS,
    by_language,
    curve_values,
    each,
    joined_values,
    of_pairs,
    score_unit,
    summarised,
    task_name,
    why_absent,
    without_interval,
)
from xlprobe.claims.finding import COUNT, PERCENT, Finding, JudgedRun, NotMeasured
from xlprobe.metrics.correlations import IN_LANGUAGE, TRANSFER
from xlprobe.metrics.learning import FINAL, NO_INTERVAL
from xlprobe.metrics.training_outcomes import one_language
from xlprobe.tasks.declaration import load_task


def range_of_best(run: JudgedRun, *, task: str) -> list[Finding]:
    """The lowest and the highest score of any language at its best checkpoint (3.1; Figure 1)."""
    unit, scale = score_unit(task)
    values = curve_values(run, "best", task, IN_LANGUAGE)
    return [
        summarised(values, statistic, f"best, {part} of languages", unit, part=part, scale=scale, interval=INTERVALS["best"])
        for part, statistic in (("lowest", np.min), ("highest", np.max))
    ]


def relative_range(run: JudgedRun, *, tasks: Sequence[str]) -> list[Finding]:
    """How far the best and the worst language lie apart, in per cent of their mean (3.1)."""

    def of_task(task: str) -> Finding:
        values = curve_values(run, "best", task, IN_LANGUAGE)
        if len(values) < 2:
            raise NotMeasured("one language alone has no range")
        means = values[NUMBERS].mean()
        ranges = (values[NUMBERS].max() - values[NUMBERS].min()) / means * 100
        found = without_interval(dict(ranges), "best, highest less lowest, by the mean", PERCENT, len(values))
        if found.value is None or values[["low", "high"]].isna().any(axis=None):
            return found
        # Two languages are at least as far apart as the ends of their intervals that face each other.
        least = max(0.0, values["low"].max() - values["high"].min()) / means["high"] * 100
        most = (values["high"].max() - values["low"].min()) / means["low"] * 100
        return Finding(**(vars(found) | {"low": float(least), "high": float(most), "interval": INTERVALS["best"], "why": ""}))

    return each(tasks, of_task)


def curves_below(run: JudgedRun, *, tasks: Sequence[str], below: float) -> list[Finding]:
    """How many languages and tasks stay below a score, in per cent, at their best (3.2: "never achieves good absolute performance")."""
    values = joined_values(run, "best", tasks, IN_LANGUAGE)
    # What is counted falls as scores rise: so the ends change places.
    turned = values.assign(**{name: -values[other] for name, other in zip(NUMBERS, ("printed", "honest", "high", "low"), strict=True)})
    formula = f"best, languages and tasks below {below:g} %"
    return [summarised(turned, lambda less: float((less * 100 > -below).sum()), formula, COUNT, interval=INTERVALS["best"])]


def rho_with_bits(run: JudgedRun, *, tasks: Sequence[str], least: int) -> list[Finding]:
    """How far probes go with bits per character over the later half of training: mean of Spearman's rho over languages (3.2).

    -1: always better as bits get fewer. It has no interval, and chooses nothing.

    Args:
        least: checkpoints that the later half has to have.
    """
    bits = run.tables.curves("scores", "bpc", IN_LANGUAGE)
    if bits.empty:
        raise NotMeasured(why_absent(run, "bpc", IN_LANGUAGE))
    bits = bits.assign(source_language=bits["source_language"].map(one_language), bits=bits["value"])
    by_step = bits.groupby(["source_language", "step"])["bits"].mean().reset_index()
    half = max(run.tables.facts.steps) / 2

    def of_task(task: str) -> Finding:
        scores = run.tables.last_layer(run.tables.curves("scores", task, IN_LANGUAGE))
        if scores.empty:
            raise NotMeasured(why_absent(run, task, IN_LANGUAGE))
        scores = scores.assign(source_language=scores["source_language"].map(one_language))
        both = scores[scores["step"] >= half].merge(by_step, on=["source_language", "step"])
        found: dict[str, list[float]] = {}
        for (language, _), part in both.groupby(["source_language", "source"]):
            if len(part) >= least and part["value"].nunique() > 1 and part["bits"].nunique() > 1:
                found.setdefault(str(language), []).append(stats.spearmanr(part["value"], part["bits"]).statistic)
        if not found:
            raise NotMeasured(f"n too small: fewer than {least} checkpoints in the later half of training, or nothing moves there")
        # Of several datasets of a language the mean.
        value = float(np.mean([np.mean(of_language) for of_language in found.values()]))
        return Finding(value=value, n=len(found), formula="Spearman's rho over the later steps, mean over languages")

    return each(tasks, of_task)


def _comparison(run: JudgedRun, task: str, setting: str) -> "pd.Series[float]":
    """The row of the model held against another one.

    Raises:
        NotMeasured: there is none.
    """
    rows = run.tables.table("model_comparisons")
    rows = rows[(rows["task"] == task) & (rows["setting"] == setting) & (rows["split"] == ("valid" if task == "bpc" else "test"))]
    rows = rows[rows["protocol"] == run.tables.facts.protocols.get(task)]
    if rows.empty:
        raise NotMeasured(run.tables.absent(task, setting) or "one model alone: there is none to compare it with")
    return rows.sort_values("other_model").iloc[0]


def two_model_means(run: JudgedRun, *, task: str, setting: str) -> list[Finding]:
    """The means over languages of another model's final checkpoint, and of this one's (Table 3), the paper's base model first."""
    row = _comparison(run, task, setting)
    unit, scale = score_unit(task)
    own = summarised(_final(run, task, setting), np.mean, "", unit, scale=scale, interval="percentile")
    formula, n = "compare_means, mean over languages", int(row["n"])
    other = Finding(part=str(row["other_model"]), value=float(row["other_mean"]) * scale, n=n, formula=formula, unit=unit)
    found = {"value": float(row["mean"]) * scale, "low": own.low, "high": own.high, "interval": own.interval}
    return [other, Finding(**(vars(other) | found | {"part": str(row["model"])}))]


def _final(run: JudgedRun, task: str, setting: str) -> pd.DataFrame:
    """Scores of the final checkpoint by language or ordered pair, as `compare_means` takes their mean, with their intervals."""
    rows = of_pairs(run, run.tables.curves("best", task, setting), task, setting)
    final = rows[rows["rule"] == FINAL]
    return by_language(final, final, final).assign(honest=np.nan)


def model_differences(run: JudgedRun, *, compared: Sequence[str]) -> list[Finding]:
    """How much better the model's final checkpoint is than another model's, mean over languages (Table 3); of bits, fewer are better.

    Args:
        compared: tasks, with `-transfer` behind them of transfer.
    """

    def of(name: str) -> Finding:
        task, _, transfer = name.partition("-")
        row = _comparison(run, task, TRANSFER if transfer else IN_LANGUAGE)
        unit, scale = score_unit(task, difference=True)
        scale = -scale if load_task(task).direction == "lower" else scale
        there = pd.notna(row["low"])
        low, high = sorted((float(row["low"]) * scale, float(row["high"]) * scale)) if there else (None, None)
        return Finding(
            value=float(row["value"]) * scale,
            low=low,
            high=high,
            interval=f"{row['interval']}, over test sentences" if there else NO_INTERVAL,
            n=int(row["n"]),
            formula=f"compare_means, less {row['other_model']}",
            unit=unit,
        )

    return each(compared, of, _compared_name)


def _compared_name(name: str) -> str:
    task, _, transfer = name.partition("-")
    return task_name(task) + (" (transfer)" if transfer else "")
