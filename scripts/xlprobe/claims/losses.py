"""Claims on what the final checkpoint has lost, and on which checkpoint is the best (paper 1: 3.2, 4.2).

By the paper's way nearly every curve has lost something, by noise alone. So the cross-fitted loss decides, and a curve counts as
one that forgets only where ups and downs of its checkpoints do not make such a loss (`forgets` of `forgetting.parquet`).
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from xlprobe.claims.curve_values import CONVERGED, difference, each, joined_values, score_unit, summarised, task_name, without_interval
from xlprobe.claims.finding import COUNT, PERCENT, POINTS, Finding, JudgedRun, NotMeasured
from xlprobe.metrics.correlations import IN_LANGUAGE, TRANSFER
from xlprobe.metrics.learning import AS_PRINTED, CROSS_FITTED, DEV

# A loss below this share of the best is none to speak of.
SLIGHT = 0.01


def curves_that_forget(run: JudgedRun, *, tasks: Sequence[str]) -> list[Finding]:
    """The share of languages and tasks whose final checkpoint is worse than the best, in per cent (Abstract; 3.2; Appendix D).

    By the paper's way all that lose anything at all; cross-fitted, those that lose more than ups and downs of checkpoints do.
    """
    found = _share_that_forgets(run, tasks)
    # What moves an early-stopped probe may be the scale of its vectors: converged ones stand beside, where there are any.
    try:
        return [found, replace(_share_that_forgets(run, tasks, CONVERGED), part="converged probes", beside=True)]
    except NotMeasured:
        return [found]


def _share_that_forgets(run: JudgedRun, tasks: Sequence[str], protocol: str | None = None) -> Finding:
    printed, fitted = _losses(run, tasks, protocol)
    told = fitted["forgets"].notna()
    sure = fitted["forgets"].fillna(False).astype(bool)
    # A loss that is not found may be there: up to the upper end of its interval, or any without one.
    possible = sure | ~(fitted["high"].astype(float) < SLIGHT)
    return Finding(
        value=float((printed["value"] > 0).mean() * 100),
        # Where it can be told of few curves only, these are no fair sample.
        honest=float(sure[told].mean() * 100) if told.mean() >= 0.5 else None,
        low=float(sure.mean() * 100),
        high=float(possible.mean() * 100),
        interval=f"from curves that surely forget to those that may lose {SLIGHT:.0%} of the best or more",
        n=len(printed),
        formula="forgetting, as printed above 0; cross-fitted beyond the ups and downs of checkpoints",
        unit=PERCENT,
    )


def _losses(run: JudgedRun, tasks: Sequence[str], protocol: str | None = None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Relative losses in language: the rows as printed, and the cross-fitted ones."""
    curves = pd.concat([run.tables.curves("forgetting", task, IN_LANGUAGE, protocol) for task in tasks])
    curves = curves[(curves["measure"] == "relative") & curves["value"].notna()]
    printed, fitted = (curves[curves["rule"] == rule] for rule in (AS_PRINTED, CROSS_FITTED))
    if printed.empty or fitted.empty:
        reasons = dict.fromkeys(why for task in tasks if (why := run.tables.absent(task, IN_LANGUAGE)))
        raise NotMeasured("; ".join(reasons) or "the run has no curve in language")
    return printed, fitted


def _best_steps(run: JudgedRun, tasks: Sequence[str]) -> tuple[pd.Series, pd.Series, bool]:
    """The best step of each curve, as printed and chosen on dev; and whether some curves surely forget, and others surely do not.

    That a loss is not found does not say that there is none: one is ruled out where its interval ends below SLIGHT.
    """
    curves = pd.concat([run.tables.curves("best", task, IN_LANGUAGE) for task in tasks])
    printed, on_dev = (curves[curves["rule"] == rule]["step"].dropna() for rule in (AS_PRINTED, DEV))
    if len(printed) < 2:
        raise NotMeasured("fewer than two curves are measured in language")
    _, fitted = _losses(run, tasks)
    forgets = fitted["forgets"].fillna(False).astype(bool)
    keeps = ~forgets & (fitted["high"].astype(float) < SLIGHT)
    return printed, on_dev, bool(forgets.any() and keeps.any())


def different_best_steps(run: JudgedRun, *, tasks: Sequence[str]) -> list[Finding]:
    """How many different checkpoints are the best of some language and task (3.2: "the best model state varies").

    Noise alone makes many. At least two are sure where one curve forgets and another does not: the interval begins there.
    """
    printed, on_dev, differ = _best_steps(run, tasks)
    most = max(printed.nunique(), on_dev.nunique())
    formula = "best, different steps as printed; surely two where some curves forget and others do not"
    return [_bounded(printed.nunique(), 1 + differ, most, len(printed), formula, COUNT)]


def largest_share_at_one_step(run: JudgedRun, *, tasks: Sequence[str]) -> list[Finding]:
    """The largest share of curves whose best checkpoint is the same one, in per cent (first version: no one is the best for all).

    Below 100 % for sure only where one curve forgets and another does not: else the interval ends there.
    """
    printed, on_dev, differ = _best_steps(run, tasks)
    shares = [float(steps.value_counts().max() / len(steps) * 100) for steps in (printed, on_dev) if len(steps)]
    sure = 100 * (1 - 1 / len(printed)) if differ else 100.0
    formula = "best, share of curves at the commonest step; 100 % unless some curves forget and others do not"
    return [_bounded(shares[0], min(shares), max(*shares, sure), len(printed), formula, PERCENT)]


def _bounded(value: float, low: float, high: float, n: int, formula: str, unit: str) -> Finding:
    interval = "what noise alone allows"
    return Finding(value=value, low=min(low, value), high=max(high, value), interval=interval, n=n, formula=formula, unit=unit)


def loss_of_some_tasks(run: JudgedRun, *, tasks: Sequence[str], others: Sequence[str]) -> list[Finding]:
    """How many points pairs lose in the mean on some tasks; and by how much that is more than on others (4.2; Figure 7)."""

    def mean(names: Sequence[str], part: str) -> Finding:
        values = joined_values(run, "forgetting", names, TRANSFER, measure="absolute")
        return summarised(values, np.mean, "forgetting, absolute, mean over pairs", POINTS, part=part, scale=100)

    named = " and ".join(task_name(task) for task in tasks)
    lost = mean(tasks, named)
    return [lost, difference(lost, mean(others, ""), "more than on the other tasks", "forgetting, absolute, difference of means")]


def spread_over_targets(run: JudgedRun, *, tasks: Sequence[str]) -> list[Finding]:
    """How far the losses of one source on its targets lie apart: their standard deviation, mean over sources (4.2; Figure 7)."""

    def of_task(task: str) -> Finding:
        unit, scale = score_unit(task, difference=True)
        values = joined_values(run, "forgetting", [task], TRANSFER, measure="absolute")
        spread = values.groupby("source_language")[["printed", "honest"]].std().mean() * scale
        formula = "forgetting, absolute, standard deviation over a source's targets"
        return without_interval(dict(spread), formula, unit, len(values))

    return each(tasks, of_task)
