"""Claims on when a language, or a pair of languages, comes to a share of its best (paper 1: 3.2 and 4.2).

Step 0 is no checkpoint. What is reached at the first checkpoint may have been reached before: intervals begin at 0 there.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import pandas as pd

from xlprobe.claims.curve_values import (
    INTERVALS,
    PAIR,
    curve_values,
    difference,
    each,
    joined_values,
    summarised,
    task_name,
    without_interval,
)
from xlprobe.claims.finding import COUNT, PERCENT, STEP, Finding, JudgedRun, NotMeasured
from xlprobe.metrics.correlations import IN_LANGUAGE, TRANSFER
from xlprobe.metrics.learning import AS_PRINTED, CROSS_FITTED
from xlprobe.metrics.order import ORDER

SETS = INTERVALS["steps"]
STATISTICS: dict[str, Callable[[np.ndarray], float]] = {
    "mean": np.mean,
    "median": np.median,
    "smallest": np.min,
    "largest": np.max,
    "latest": np.max,
}


def step_statistic(run: JudgedRun, *, task: str, setting: str, share: float, statistic: str) -> list[Finding]:
    """The mean, median or latest step to a share of the best, over languages or ordered pairs (3.2; 4.2)."""
    values = curve_values(run, "steps", task, setting, {"share": share})
    return [summarised(values, STATISTICS[statistic], f"step_to_share, {statistic}", STEP, interval=SETS)]


def early_share(run: JudgedRun, *, tasks: Sequence[str], share: float) -> list[Finding]:
    """The median, over tasks and languages, of the step to a share of the best, in per cent of all training (Abstract; 3.2)."""
    values = joined_values(run, "steps", tasks, IN_LANGUAGE, share=share)
    formula, last = "step_to_share, median over tasks and languages", max(run.tables.facts.steps)
    return [summarised(values, np.median, formula, PERCENT, scale=100 / last, interval=SETS)]


def after_step(run: JudgedRun, *, task: str, share: float, step: float, counted: str) -> list[Finding]:
    """How many languages, or what share of them in per cent, come to a share of their best only after a step (3.2; poster).

    Args:
        counted: languages, or share.
    """
    values = curve_values(run, "steps", task, IN_LANGUAGE, {"share": share})
    if counted == "languages":
        formula = "step_to_share, languages after the step"
        return [summarised(values, lambda steps: float((steps > step).sum()), formula, COUNT, interval=SETS)]
    formula = "step_to_share, share of languages after the step"
    return [summarised(values, lambda steps: float((steps > step).mean()), formula, PERCENT, scale=100, interval=SETS)]


def in_paper_order(run: JudgedRun, *, setting: str, counted: str) -> list[Finding]:
    """In how many languages, or in what share of pairs, tasks come in the order of paper 1 (3.2; 4.2).

    Tasks at one checkpoint are in any order. The interval goes from those that surely are, by their sets of steps, to those that may be.

    Args:
        counted: languages, whose number is said, too; or share, in per cent.
    """
    table = run.tables.table("order")
    is_own = table["source_language"] == table["target_language"]
    table = table[is_own] if setting == IN_LANGUAGE else run.tables.between_languages(table[~is_own])
    table = table[(table["protocol"] == run.tables.facts.protocols.get("pos")) & table["holds"].notna()]
    # A language with several treebanks counts once: as much as the share of them that are in order.
    by_rule = dict([*table.groupby("rule")])
    if AS_PRINTED not in by_rule:
        raise NotMeasured(
            run.tables.absent("xnli", setting)
            or run.tables.absent("arc_classification", setting)
            or f"no {'language' if setting == IN_LANGUAGE else 'pair'} is measured on all tasks of the order"
        )

    def held(rule: str, *answers: str) -> pd.Series:
        part = by_rule[rule]
        return part["holds"].isin(answers).groupby([part["source_language"], part["target_language"]]).mean()

    numbers = {"printed": held(AS_PRINTED, "yes")}
    if CROSS_FITTED in by_rule:
        numbers |= {"low": held(CROSS_FITTED, "yes"), "high": held(CROSS_FITTED, "yes", "undecided")}
    values = pd.DataFrame(numbers).reindex(columns=["printed", "honest", "low", "high"])
    formula = "acquired_in_order, as printed; interval by sets of steps"
    if counted == "share":
        return [summarised(values, np.mean, formula, PERCENT, scale=100, interval=SETS)]
    of = Finding(part="languages", value=float(len(values)), n=len(values), formula="count", unit=COUNT, beside=True)
    return [summarised(values, np.sum, formula, COUNT, part="in order", interval=SETS), of]


def order_of_groups(run: JudgedRun, *, setting: str, share: float, statistic: str) -> list[Finding]:
    """How much later each group of paper 1's order comes than the group before it, in the median or mean step (Abstract; 4)."""

    def of_group(tasks: Sequence[str], latest: bool) -> Finding:
        found = each(tasks, lambda task: step_statistic(run, task=task, setting=setting, share=share, statistic=statistic)[0])
        known = [finding for finding in found if finding.value is not None]
        choose = max if latest else min
        return choose(known, key=lambda finding: finding.value or 0.0) if known else found[0]

    compared = []
    for earlier, later in pairwise(ORDER):
        names = [" and ".join(task_name(task) for task in group) for group in (later, earlier)]
        # The later task of words is the one that counts.
        pair = of_group(later, latest=False), of_group(earlier, latest=True)
        compared.append(difference(*pair, f"{names[0]} after {names[1]}", f"step_to_share, {statistic}, difference"))
    return compared


def transfer_order(run: JudgedRun, *, share: float) -> list[Finding]:
    """How much later each task's transfer comes than the one before: arc prediction, POS, arc classification, XNLI (4.2)."""
    order = ("arc_prediction", "pos", "arc_classification", "xnli")

    found = each(order, lambda task: step_statistic(run, task=task, setting=TRANSFER, share=share, statistic="mean")[0])
    formula = "step_to_share, mean, difference"
    return [difference(later, earlier, f"{later.part} after {earlier.part}", formula) for earlier, later in pairwise(found)]


def later_in_transfer(run: JudgedRun, *, tasks: Sequence[str], share: float) -> list[Finding]:
    """By how many steps transfer comes later than the same task in language, in the mean (4)."""

    def of_task(task: str) -> Finding:
        transfer, own = (
            step_statistic(run, task=task, setting=setting, share=share, statistic="mean")[0] for setting in (TRANSFER, IN_LANGUAGE)
        )
        return difference(transfer, own, "", "step_to_share, mean of transfer less mean in language")

    return each(tasks, of_task)


def spread_over_pairs(run: JudgedRun, *, tasks: Sequence[str], share: float, beyond: str) -> list[Finding]:
    """How far apart pairs come to a share of their best: the middle half's width, in per cent of all training (Abstract; 4.2).

    Args:
        beyond: `nothing`, or `in language`, whose own spread is taken off.
    """
    last = max(run.tables.facts.steps)

    def width(values: pd.DataFrame, name: str) -> float:
        known = values[name].dropna()
        finite = known[np.isfinite(known)]
        return float(np.subtract(*np.quantile(finite, [0.75, 0.25])) * 100 / last) if len(finite) >= 3 else np.nan

    def of_task(task: str) -> Finding:
        pairs = curve_values(run, "steps", task, TRANSFER, {"share": share})
        widths = {name: width(pairs, name) for name in ("printed", "honest")}
        if beyond == IN_LANGUAGE:
            own = curve_values(run, "steps", task, IN_LANGUAGE, {"share": share})
            widths = {name: found - width(own, name) for name, found in widths.items()}
        return without_interval(widths, "step_to_share, interquartile range", PERCENT, len(pairs))

    return each(tasks, of_task)


def neighbouring_checkpoints(run: JudgedRun, *, tasks: Sequence[str], share: float) -> list[Finding]:
    """The share of languages, in per cent, that come to a share of their best on two tasks within one checkpoint of each other (3.2)."""
    one, other = (curve_values(run, "steps", task, IN_LANGUAGE, {"share": share}) for task in tasks)
    both = one.merge(other, on=PAIR, suffixes=("", "_other"))
    steps = np.array(sorted(step for step in run.tables.facts.steps if step))
    if both.empty:
        raise NotMeasured("no language is measured on both tasks")

    def close(name: str) -> float:
        pairs = both[[name, f"{name}_other"]].dropna()
        places = np.searchsorted(steps, pairs.to_numpy(float))
        return float((np.abs(places[:, 0] - places[:, 1]) <= 1).mean() * 100) if len(pairs) else np.nan

    formula = "step_to_share, share of languages within one checkpoint"
    return [without_interval({name: close(name) for name in ("printed", "honest")}, formula, PERCENT, len(both))]
