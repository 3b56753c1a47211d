"""Claims on layers: where the expected layer moves, and how much better an internal layer is than the last (paper 1: 5, Appendix C).

Paper 1 gives no formula for the weights of the expected layer; `min-max` stands for it (`xlprobe.metrics.measures.expected_layer`).
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from xlprobe.claims.curve_values import curve_values, joined_values, score_unit, summarised, task_name
from xlprobe.claims.finding import LAYERS, PERCENT, POINTS, Finding, JudgedRun, NotMeasuredError
from xlprobe.claims.times import STATISTICS
from xlprobe.metrics.correlations import IN_LANGUAGE, TRANSFER
from xlprobe.metrics.layers import ANY_CHECKPOINT, CHANGE, FINAL_CHECKPOINT, OWN
from xlprobe.metrics.training_outcomes import one_language

FALL = {"measure": CHANGE, "grid": OWN, "weights": "min-max"}
NOT_SWEPT = "it is measured at one layer (config key sweeps)"


def _swept(run: JudgedRun, table: str, task: str, setting: str, **kept: str) -> pd.DataFrame:
    """The numbers of what is measured at several layers.

    Raises:
        NotMeasuredError: nothing is.
    """
    try:
        return curve_values(run, table, task, setting, kept)
    except NotMeasuredError as error:
        why = run.tables.absent(task, setting) or f"{task_name(task)}, {setting}: {NOT_SWEPT}"
        raise NotMeasuredError(why) from error


def fall_of_layer(run: JudgedRun, *, tasks: Sequence[str], settings: Sequence[str], statistics: Sequence[str]) -> list[Finding]:
    """By how many layers the expected layer falls from the first checkpoint to the final one (5; Figures 11 and 13).

    Args:
        settings: `in-language`, `transfer`.
        statistics: mean, min, max over curves; a finding each.
    """
    named = [{"in-language": IN_LANGUAGE}.get(setting, setting) for setting in settings]
    try:
        values = joined_values(run, "expected_layers", tasks, named, **FALL)
    except NotMeasuredError as error:
        reasons = [run.tables.absent(task, setting) for task in tasks for setting in named]
        raise NotMeasuredError(next((why for why in reasons if why), NOT_SWEPT)) from error
    several = len(statistics) > 1
    return [summarised(values, STATISTICS[name], f"expected_layer, min-max, {name} fall", LAYERS, name if several else "") for name in statistics]


def fall_of_language(run: JudgedRun, *, task: str, language: str) -> list[Finding]:
    """The same of one language (Appendix C)."""
    values = _swept(run, "expected_layers", task, IN_LANGUAGE, **FALL)
    own = values[values["source_language"].map(one_language) == language]
    if own.empty:
        raise NotMeasuredError(f"{language} is not measured at several layers")
    return [summarised(own, np.mean, "expected_layer, min-max, fall", LAYERS)]


def internal_gain(run: JudgedRun, *, task: str, setting: str, against: Sequence[str]) -> list[Finding]:
    """By how much the best internal layer at any checkpoint is better than the last layer, mean over curves (5.1; Appendix C).

    Args:
        against: `final`, the last layer at the final checkpoint; `any`, at its own best.
    """
    unit, scale = score_unit(task, difference=True)
    names = {"final": FINAL_CHECKPOINT, "any": ANY_CHECKPOINT}

    def of(name: str) -> Finding:
        values = _swept(run, "layer_gains", task, setting, against=names[name])
        part = f"against the last layer at {'its best' if name == 'any' else 'the final checkpoint'}" if len(against) > 1 else ""
        return summarised(values, np.mean, "internal_gain, mean", unit, part, scale)

    return [of(name) for name in against]


def last_layer_beaten(run: JudgedRun, *, tasks: Sequence[str]) -> list[Finding]:
    """The share of languages and checkpoints whose best layer is not the last one, in per cent (5.1).

    Cross-fitted: the share of languages whose best internal layer is better than the last one at the final checkpoint.
    """
    beaten, gains, reasons = [], [], []
    for task in tasks:
        scores = run.tables.curves("scores", task, IN_LANGUAGE)
        by_layer = scores.pivot_table(index=["source", "step"], columns="layer", values="value").dropna()
        if by_layer.shape[1] < 2:
            reasons.append(run.tables.absent(task, IN_LANGUAGE) or f"{task_name(task)}: {NOT_SWEPT}")
            continue
        beaten += [*(by_layer.idxmax(axis=1) < by_layer.columns.max())]
        gains += [*_swept(run, "layer_gains", task, IN_LANGUAGE, against=FINAL_CHECKPOINT)["honest"]]
    if not beaten:
        raise NotMeasuredError("; ".join(reasons))
    honest = float(np.mean(np.array(gains) > 0) * 100) if gains and not np.isnan(gains).any() else None
    formula = "share of languages and checkpoints whose best layer is internal; cross-fitted: share of languages, internal_gain above 0"
    why = "" if honest is not None else "no cross-fitted gain can be had"
    return [Finding(value=float(np.mean(beaten) * 100), honest=honest, n=len(beaten), formula=formula, unit=PERCENT, why=why)]


def low_layers(run: JudgedRun, *, tasks: Sequence[str]) -> list[Finding]:
    """How much worse the lowest third of the layers is than the upper half, in points (5.2: layers 0 to 4 of 12).

    Of transfer, at the checkpoint where they come closest; and by how much that is more than in language, mean over checkpoints.
    Below 0 is worse. It has no interval: nothing is chosen but the checkpoint that speaks most against the claim.
    """

    def gaps(task: str, setting: str) -> pd.Series:
        """By step, mean over curves."""
        scores = run.tables.curves("scores", task, setting)
        scores = scores[scores["source_language"] != scores["target_language"]] if setting == TRANSFER else scores
        last = scores["layer"].max()
        several = scores.groupby(["source", "target"])["layer"].transform("nunique") > 1
        swept = scores[several & scores["layer"].notna()]
        if swept.empty:
            raise NotMeasuredError(run.tables.absent(task, setting) or f"{task_name(task)}, {setting}: {NOT_SWEPT}")
        means = {
            name: swept[chosen(swept["layer"])].groupby("step")["value"].mean()
            for name, chosen in (("low", lambda layer: layer <= last / 3), ("high", lambda layer: layer >= last / 2))
        }
        return (means["low"] - means["high"]) * 100

    def of_task(task: str) -> list[Finding]:
        transfer = gaps(task, TRANSFER)
        name, formula = task_name(task), "mean score of the lowest third of layers less that of the upper half"
        closest = Finding(part=f"{name}, transfer", value=float(transfer.max()), n=len(transfer), formula=formula, unit=POINTS)
        more = float(transfer.mean() - gaps(task, IN_LANGUAGE).mean())
        return [closest, Finding(part=f"{name}, less in language", value=more, n=len(transfer), formula=formula, unit=POINTS)]

    found = []
    for task in tasks:
        try:
            found += of_task(task)
        except NotMeasuredError as error:
            found.append(Finding(part=task_name(task), why=str(error)))
    return found
