"""Claims on layers: where the expected layer moves, and how much better an internal layer is than the last (paper 1: 5, Appendix C).

Paper 1 gives no formula for the weights of the expected layer; `min-max` stands for it (`xlprobe.metrics.measures.expected_layer`).
Curves in language have other layers than those of transfer: a number that is of both (`low_layers`) takes the layers that both have.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from xlprobe.claims.curve_values import CONVERGED, curve_values, each, score_unit, setting_name, summarised, task_name
from xlprobe.claims.finding import LAYERS, PERCENT, POINTS, Finding, JudgedRun, NotMeasured
from xlprobe.claims.times import STATISTICS
from xlprobe.metrics.correlations import IN_LANGUAGE, TRANSFER
from xlprobe.metrics.layers import ANY_CHECKPOINT, CHANGE, FINAL_CHECKPOINT, OWN
from xlprobe.metrics.training_outcomes import one_language

FALL = {"measure": CHANGE, "grid": OWN, "weights": "min-max"}
FORMULA = "expected_layer, min-max"


def _not_swept(run: JudgedRun, task: str, setting: str) -> str:
    return run.tables.absent(task, setting) or f"{task_name(task)} is measured at one layer {setting_name(setting)} (config key sweeps)"


def _swept(run: JudgedRun, table: str, task: str, setting: str, kept: dict[str, str], protocol: str | None = None) -> pd.DataFrame:
    """The numbers of what is measured at several layers.

    Raises:
        NotMeasured: nothing is.
    """
    try:
        return curve_values(run, table, task, setting, kept, protocol)
    except NotMeasured as error:
        raise NotMeasured(_not_swept(run, task, setting)) from error


def falls_of_layer(run: JudgedRun, *, curves: Sequence[str]) -> list[Finding]:
    """By how many layers the expected layer falls from the first checkpoint to the final one, mean over languages or pairs (Abstract).

    Args:
        curves: tasks, with `-transfer` behind them of transfer.
    """

    def of(name: str) -> Finding:
        task, _, transfer = name.partition("-")
        return fall_of_layer(run, task=task, setting=TRANSFER if transfer else IN_LANGUAGE, statistics=["mean"])[0]

    return each(curves, of, lambda name: task_name(name.partition("-")[0]) + (" (transfer)" if "-" in name else ""))


def fall_of_layer(run: JudgedRun, *, task: str, setting: str, statistics: Sequence[str]) -> list[Finding]:
    """The mean, smallest or largest fall of the expected layer over training, of all languages or pairs (5; Figures 11 and 13)."""

    def found(protocol: str | None) -> list[Finding]:
        values, several = _swept(run, "expected_layers", task, setting, FALL, protocol), len(statistics) > 1
        names = [(name, name if several else "") for name in statistics]
        return [summarised(values, STATISTICS[name], f"{FORMULA}, {name} fall", LAYERS, part=part) for name, part in names]

    return [*found(None), *_converged(found(CONVERGED) if _has_converged(run, task, setting) else [])]


def _has_converged(run: JudgedRun, task: str, setting: str) -> bool:
    return task != "alignment" and len(run.tables.curves("expected_layers", task, setting, CONVERGED)) > 0


def _converged(found: Sequence[Finding]) -> list[Finding]:
    """Numbers of converged probes, which stand beside: an early-stopped one depends on the scale of its vectors."""
    return [replace(one, part=f"converged probes{' (' + one.part + ')' if one.part else ''}", beside=True) for one in found]


def fall_of_language(run: JudgedRun, *, task: str, language: str) -> list[Finding]:
    """By how many layers the expected layer of one language falls from the first checkpoint to the final one (Appendix C)."""

    def found(protocol: str | None) -> Finding:
        values = _swept(run, "expected_layers", task, IN_LANGUAGE, FALL, protocol)
        own = values[values["source_language"].map(one_language) == language]
        if own.empty:
            raise NotMeasured(f"the language {language} is not measured at several layers")
        return summarised(own, np.mean, f"{FORMULA}, fall", LAYERS)

    own = found(None)
    return [own, *_converged([found(CONVERGED)] if _has_converged(run, task, IN_LANGUAGE) else [])]


def internal_gain(run: JudgedRun, *, task: str, setting: str, against: Sequence[str]) -> list[Finding]:
    """By how much the best internal layer at any checkpoint is better than the last layer, mean over curves (5.1; Appendix C).

    Args:
        against: `final`, the last layer at the final checkpoint; `any`, at its own best.
    """
    unit, scale = score_unit(task, difference=True)
    names = {"final": FINAL_CHECKPOINT, "any": ANY_CHECKPOINT}
    parts = {"final": "than the last layer at the final checkpoint", "any": "than the last layer at its best"}

    def of(name: str) -> Finding:
        values = _swept(run, "layer_gains", task, setting, {"against": names[name]})
        return summarised(values, np.mean, "internal_gain, mean", unit, part=parts[name] if len(against) > 1 else "", scale=scale)

    return [of(name) for name in against]


def last_layer_beaten(run: JudgedRun, *, tasks: Sequence[str]) -> list[Finding]:
    """The share of languages and checkpoints whose best layer is not the last one, in per cent (5.1).

    Cross-fitted: the share of languages whose best internal layer is better than the last one at the final checkpoint.
    """
    beaten, gains, reasons = list[bool](), list[float](), list[str]()
    for task in tasks:
        scores = run.tables.curves("scores", task, IN_LANGUAGE)
        by_layer = scores.pivot_table(index=["source", "step"], columns="layer", values="value").dropna()
        if by_layer.shape[1] < 2:
            reasons.append(_not_swept(run, task, IN_LANGUAGE))
            continue
        values = by_layer.to_numpy(float)
        beaten += [*(values[:, :-1].max(axis=1) > values[:, -1]).tolist()]
        gains += _swept(run, "layer_gains", task, IN_LANGUAGE, {"against": FINAL_CHECKPOINT})["honest"].tolist()
    if not beaten:
        raise NotMeasured("; ".join(reasons))
    honest = float(np.mean(np.array(gains) > 0) * 100) if gains and not np.isnan(gains).any() else None
    formula = "share of languages and checkpoints whose best layer is internal; cross-fitted: of languages, internal_gain above 0"
    why = "" if honest is not None else "no cross-fitted gain can be had"
    return [Finding(value=float(np.mean(beaten) * 100), honest=honest, n=len(beaten), formula=formula, unit=PERCENT, why=why)]


def low_layers(run: JudgedRun, *, tasks: Sequence[str]) -> list[Finding]:
    """How much worse the lowest third of the layers is than the upper half in transfer, in points (5.2: layers 0 to 4 of 12).

    At the checkpoint where they come closest; and by how much that is worse than in language at the same layers, mean over checkpoints.
    Below 0 is worse. It has no interval: nothing is chosen but the checkpoint that speaks most against the claim.
    """

    def swept(task: str, setting: str) -> pd.DataFrame:
        scores = run.tables.curves("scores", task, setting)
        scores = scores[scores["source_language"] != scores["target_language"]] if setting == TRANSFER else scores
        several = scores.groupby(["source", "target"])["layer"].transform("nunique") > 1
        if not several.any():
            raise NotMeasured(_not_swept(run, task, setting))
        return scores[several]

    def gap(scores: pd.DataFrame, last: int) -> "pd.Series[float]":
        """By step, mean over curves."""
        low, high = scores[scores["layer"] <= last / 3], scores[scores["layer"] >= last / 2]
        return (low.groupby("step")["value"].mean() - high.groupby("step")["value"].mean()) * 100

    def in_transfer(task: str) -> Finding:
        pairs = swept(task, TRANSFER)
        found = gap(pairs, int(pairs["layer"].max()))
        formula = "mean score of the lowest third of layers less that of the upper half, at the step where it is least"
        return Finding(value=float(found.max()), n=len(found), formula=formula, unit=POINTS)

    def beyond(task: str) -> Finding:
        pairs, own = swept(task, TRANSFER), swept(task, IN_LANGUAGE)
        last, same = int(pairs["layer"].max()), own[own["layer"].isin([*pairs["layer"].unique()])]
        more = gap(pairs, last).mean() - gap(same, last).mean()
        formula = "the same, mean over steps, less that in language"
        return Finding(value=float(more), n=int(pairs["step"].nunique()), formula=formula, unit=POINTS)

    return [
        *each(tasks, in_transfer, lambda task: f"{task_name(task)} (transfer)"),
        *each(tasks, beyond, lambda task: f"{task_name(task)} (transfer less in language)"),
    ]
