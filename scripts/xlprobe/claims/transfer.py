"""Claims on which languages transfer well, where to, and which way better or sooner (paper 1: 4.1, poster)."""

from collections.abc import Callable, Sequence
from itertools import combinations

import numpy as np
import pandas as pd

from xlprobe.claims.curve_values import (
    INTERVALS,
    PAIR,
    by_language,
    curve_values,
    each,
    grids,
    off_diagonal,
    summarised,
    task_name,
    without_interval,
)
from xlprobe.claims.finding import COUNT, PERCENT, POINTS, Finding, JudgedRun, NotMeasured
from xlprobe.metrics.correlations import TRANSFER
from xlprobe.metrics.learning import AS_PRINTED, FINAL
from xlprobe.metrics.training_outcomes import one_language
from xlprobe.statistics.correlation import mantel


def _of_grids(run: JudgedRun, task: str, statistic: Callable[[pd.DataFrame], float], formula: str, unit: str) -> Finding:
    found = grids(run, task)
    return without_interval({name: statistic(grid) for name, grid in found.items()}, formula, unit, len(found["printed"]))


def diagonal_above_row(run: JudgedRun, *, tasks: Sequence[str]) -> list[Finding]:
    """The share of sources, in per cent, that do better in their own language than on other ones in the mean (4.1; Figure 4)."""

    def share(grid: pd.DataFrame) -> float:
        own, others = np.diag(grid), np.nanmean(off_diagonal(grid), axis=1)
        known = ~np.isnan(own)
        return float((own > others)[known].mean() * 100) if known.any() else np.nan

    return each(tasks, lambda task: _of_grids(run, task, share, "best, share of sources whose diagonal is above their row", PERCENT))


def lead_in_transfer(run: JudgedRun, *, task: str, others: Sequence[str]) -> list[Finding]:
    """How much more of its score in language a task keeps in transfer than each other task, in points of per cent (4.1)."""

    def kept(name: str) -> dict[str, float]:
        found = grids(run, name)
        return {rule: float(np.nanmean(off_diagonal(grid)) / np.nanmean(np.diag(grid)) * 100) for rule, grid in found.items()}

    def against(other: str) -> Finding:
        own, theirs = kept(task), kept(other)
        numbers = {rule: own[rule] - theirs[rule] for rule in own if rule in theirs}
        return without_interval(numbers, "best, mean off the diagonal by mean on it, difference", POINTS, 2)

    return each(others, against, lambda other: f"{task_name(task)} less {task_name(other)}")


def alike_in_transfer(run: JudgedRun, *, tasks: Sequence[str]) -> list[Finding]:
    """How alike two tasks are in which pairs of languages transfer well: Spearman's rho over ordered pairs (4.1; Figure 4)."""

    def of_pair(name: str) -> Finding:
        both = [grids(run, task) for task in pairs[name]]
        languages = both[0]["printed"].index.intersection(both[1]["printed"].index)
        cut = [{rule: off_diagonal(grid.loc[languages, languages]) for rule, grid in found.items()} for found in both]
        found = {rule: mantel(cut[0][rule], cut[1][rule]) for rule in cut[0] if rule in cut[1]}
        if found["printed"].n_too_small:
            raise NotMeasured(f"n too small: {len(languages)} languages")
        return without_interval({rule: of_rule.rho for rule, of_rule in found.items()}, "mantel, of best", "", found["printed"].n)

    pairs = {f"{task_name(one)} and {task_name(other)}": (one, other) for one, other in combinations(tasks, 2)}
    return each(pairs, of_pair, str)


def _place(values: "pd.Series[float]", language: str) -> float:
    """The share of the other languages that one is better than, in per cent."""
    return float((values.drop(language) < values[language]).mean() * 100)


def _row_means(grid: pd.DataFrame) -> "pd.Series[float]":
    """What each source reaches on other languages in the mean; of a grid that is turned, what others reach on each target."""
    return pd.Series(np.nanmean(off_diagonal(grid), axis=1), index=grid.index, dtype=float)


def _grids_with(run: JudgedRun, task: str, language: str) -> dict[str, pd.DataFrame]:
    found = grids(run, task)
    if language not in found["printed"].index:
        raise NotMeasured(f"the language {language} is not both source and target here")
    return found


def place_as_source(run: JudgedRun, *, tasks: Sequence[str], languages: Sequence[str]) -> list[Finding]:
    """The share of other sources that transfer worse than a language, in per cent, mean over tasks (4.1)."""

    def of_language(language: str) -> Finding:
        found = [_grids_with(run, task, language) for task in tasks]
        places = pd.DataFrame([{rule: _place(_row_means(grid), language) for rule, grid in of_task.items()} for of_task in found])
        return without_interval(dict(places.mean()), "best, place of the row's mean, mean over tasks", PERCENT, len(tasks))

    return each(languages, of_language, str)


def isolation(run: JudgedRun, *, tasks: Sequence[str], language: str) -> list[Finding]:
    """How much higher a language is placed in language than in transfer, out of it and into it, in points of per cent (4.1)."""

    def fall(grid: pd.DataFrame) -> float:
        own = pd.Series(np.diag(grid), index=grid.index)
        return _place(own, language) - (_place(_row_means(grid), language) + _place(_row_means(grid.T), language)) / 2

    def of_task(task: str) -> Finding:
        found = _grids_with(run, task, language)
        falls = {rule: fall(grid) for rule, grid in found.items()}
        return without_interval(falls, "best, place on the diagonal less that in transfer", POINTS, len(found["printed"]))

    return each(tasks, of_task)


def target_beyond_source(run: JudgedRun, *, task: str) -> list[Finding]:
    """How much more of a grid's variance goes with the target than with the source, in points of per cent (4.1: columns)."""

    def excess(grid: pd.DataFrame) -> float:
        values = grid.to_numpy(float)
        sources, targets = (np.nanvar(np.nanmean(values, axis=axis)) for axis in (1, 0))
        total = np.nanvar(values)
        return float((targets - sources) / total * 100) if total > 0 else np.nan

    return [_of_grids(run, task, excess, "best, variance of targets' means less that of sources', by all variance", POINTS)]


def as_good_as_at_home(run: JudgedRun, *, task: str, target: str) -> list[Finding]:
    """How many other sources do as well on a target as in their own language (4.1).

    The interval goes from those that surely do, by the intervals of both scores, to those that may.
    """
    found = _grids_with(run, task, target)
    sources = len(found["printed"]) - 1
    of = Finding(part="other sources", value=float(sources), n=sources, formula="count", unit=COUNT, beside=True)

    def count(on_target: pd.DataFrame, at_home: pd.DataFrame) -> float:
        own = pd.Series(np.diag(at_home), index=at_home.index)
        return float((on_target[target] >= own).drop(target).sum())

    formula = f"best, sources that do as well on {target} as on the diagonal"
    numbers = {rule: count(grid, grid) for rule, grid in found.items()}
    finding = without_interval(numbers, formula, COUNT, sources, "as good")
    pairs = run.tables.curves("best", task, TRANSFER)
    final = pairs[pairs["rule"] == FINAL]
    ends = {name: run.tables.grid(final, name) if final[name].notna().all() else None for name in ("low", "high")}
    if ends["low"] is None or ends["high"] is None:
        return [finding, of]
    surely, maybe = count(ends["low"], ends["high"]), count(ends["high"], ends["low"])
    own = {"low": min(surely, numbers["printed"]), "high": max(maybe, numbers["printed"]), "why": ""}
    return [Finding(**(vars(finding) | own | {"interval": "by percentile intervals of the final checkpoint's scores"})), of]


def rank_among_targets(run: JudgedRun, *, task: str, languages: Sequence[str]) -> list[Finding]:
    """The rank of targets by how well other sources do on them, 1 the hardest (4.1)."""

    def of_language(language: str) -> Finding:
        found = _grids_with(run, task, language)
        ranks = {rule: float(_row_means(grid.T).rank()[language]) for rule, grid in found.items()}
        return without_interval(ranks, "best, rank of the column's mean", COUNT, len(found["printed"]))

    return each(languages, of_language, str)


def mean_asymmetry(run: JudgedRun, *, tasks: Sequence[str], language: str) -> list[Finding]:
    """How much better transfer from a language is than into it, mean over the other languages, in points (4.1; Figure 5)."""

    def of_task(task: str) -> Finding:
        pairs = _asymmetries(run, task)
        own = pairs[pairs["source_language"] == language]
        if own.empty:
            raise NotMeasured(f"the language {language} is not both source and target here")
        return summarised(own, np.mean, "both_ways, mean", POINTS, scale=100, interval=INTERVALS["asymmetry"])

    return each(tasks, of_task)


def _asymmetries(run: JudgedRun, task: str) -> pd.DataFrame:
    """Asymmetries as printed, of ordered pairs, with intervals of those at the final checkpoint."""
    rows = run.tables.curves("asymmetry", task, TRANSFER)
    if rows.empty:
        raise NotMeasured(run.tables.absent(task, TRANSFER) or "no two languages transfer both ways")
    rows = rows.assign(**{name: rows[name].map(one_language) for name in PAIR})
    final = rows[rows["rule"] == FINAL]
    return by_language(rows[rows["rule"] == AS_PRINTED], final, final)


def asymmetric_pairs(run: JudgedRun, *, tasks: Sequence[str], share: float) -> list[Finding]:
    """The share of pairs of languages and tasks, in per cent, that are surely better one way; and that surely come sooner one way (poster).

    Surely better: 0 lies outside the interval of the difference at the final checkpoint. Surely sooner: the sets of steps at which
    both ways come to a share of their best do not meet. Chance alone finds no more than one in twenty.
    """

    def joined(of_task: Callable[[str], pd.DataFrame]) -> pd.DataFrame:
        parts, reasons = [], []
        for task in tasks:
            try:
                pairs = of_task(task).dropna(subset=["low", "high"])
                parts.append(pairs[pairs["source_language"] < pairs["target_language"]])
            except NotMeasured as error:
                reasons.append(str(error))
        if not parts or (found := pd.concat(parts)).empty:
            raise NotMeasured("; ".join(dict.fromkeys(reasons)) or "no pair of languages has an interval")
        return found

    def both_steps(task: str) -> pd.DataFrame:
        steps = curve_values(run, "steps", task, TRANSFER, {"share": share})
        turned = steps.rename(columns=dict(zip(PAIR, PAIR[::-1], strict=True)))
        return steps.merge(turned, on=PAIR, suffixes=("", "_back")).dropna(subset=["low_back", "high_back"])

    def better(_: str) -> Finding:
        pairs = joined(lambda task: _asymmetries(run, task))
        sure = float(((pairs["low"] > 0) | (pairs["high"] < 0)).mean() * 100)
        formula = "both_ways at the final checkpoint, share of pairs whose interval leaves out 0"
        return Finding(value=sure, n=len(pairs), formula=formula, unit=PERCENT)

    def sooner(_: str) -> Finding:
        pairs = joined(both_steps)
        apart = float(((pairs["low"] > pairs["high_back"]) | (pairs["high"] < pairs["low_back"])).mean() * 100)
        return Finding(value=apart, n=len(pairs), formula="share of pairs whose two sets of steps do not meet", unit=PERCENT)

    return [*each(["better one way"], better, str), *each(["sooner one way"], sooner, str)]
