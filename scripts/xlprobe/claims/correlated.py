"""Claims on what goes together: Tables 4 and 5, and correlations between measures (paper 1: 3.2, Appendix B)."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd
from scipy import stats

from xlprobe.claims.curve_values import each, task_name
from xlprobe.claims.finding import PERCENT, Finding, JudgedRun, NotMeasured
from xlprobe.claims.verdicts import SIGNIFICANT
from xlprobe.metrics.correlations import FORGETTING, IN_LANGUAGE
from xlprobe.metrics.learning import AS_PRINTED, CROSS_FITTED, NO_INTERVAL

# A correlation nearer to 0 is none to speak of.
WEAK = 0.3


def correlation(run: JudgedRun, *, outcome: str, factor: str, setting: str, tasks: Sequence[str]) -> list[Finding]:
    """Spearman's rho between a measure and a factor, or another measure, for each task (Tables 4 and 5; B.2)."""
    return each(tasks, lambda task: _of_rows(run, _rows(run, task, setting, outcome, factor)))


def _rows(run: JudgedRun, task: str, setting: str, outcome: str, factor: str) -> pd.DataFrame:
    rows = run.tables.table("correlations")
    rows = rows[(rows["task"] == task) & (rows["setting"] == setting) & (rows["outcome"] == outcome) & (rows["factor"] == factor)]
    rows = rows[rows["protocol"] == run.tables.facts.protocols.get(task)]
    if rows.empty:
        raise NotMeasured(run.tables.absent(task, setting) or "the run has no such correlation: too few languages, or no such factor")
    return rows


def _of_rows(run: JudgedRun, rows: pd.DataFrame) -> Finding:
    printed, fitted = (rows[rows["rule"] == rule] for rule in (AS_PRINTED, CROSS_FITTED))
    row = printed.iloc[0]
    value, n, formula = row["value"], int(row["n"]), f"{row['formula']}, of measures as printed"
    if pd.isna(value):
        return Finding(n=n, formula=formula, why=f"there is no correlation: the measure, or the factor, is the same for all {n}")
    low, high, interval = _interval(run, row)
    p = _honest_p(row)
    too_small = f"n too small: {n} values of {int(row['languages'])} languages can reach no p-value below {SIGNIFICANT}"
    return Finding(
        value=float(value),
        honest=float(fitted["value"].iloc[0]) if len(fitted) and fitted["value"].notna().all() else None,
        low=low,
        high=high,
        interval=interval,
        n=n,
        formula=formula,
        p=None if pd.isna(p) else p,
        why=too_small if row["n_too_small"] else "",
    )


def _honest_p(row: "pd.Series[float]") -> float:
    """By permutation; of twenty values and more in language, which have none, the printed one."""
    return float(row["p"] if pd.isna(row["permutation_p"]) else row["permutation_p"])


def _interval(run: JudgedRun, row: pd.Series) -> tuple[float | None, float | None, str]:
    """How far rho might be another one with other languages.

    In language by Fisher's z with the variance of Bonett & Wright (2000); of pairs by the dyadic-robust error, which by chance may be
    next to nothing: it is taken to be no smaller than that of independent pairs.
    """
    rho, n, upper = float(row["value"]), int(row["n"]), (1 + run.level) / 2
    if n < 4 or abs(rho) == 1:
        return None, None, NO_INTERVAL
    independent = np.sqrt((1 + rho**2 / 2) / (n - 3))
    if row["setting"] == IN_LANGUAGE:
        reach = stats.norm.ppf(upper) * independent
        return float(np.tanh(np.arctanh(rho) - reach)), float(np.tanh(np.arctanh(rho) + reach)), "Fisher's z, over languages"
    if pd.isna(row["robust_error"]) or row["languages"] < 2:
        return None, None, NO_INTERVAL
    error = max(row["robust_error"], (1 - rho**2) * independent)
    reach = float(stats.t.ppf(upper, row["languages"] - 1) * error)
    return max(-1.0, rho - reach), min(1.0, rho + reach), "dyadic-robust, over languages; somewhat too narrow"


def correlation_range(run: JudgedRun, *, outcome: str, factor: str, setting: str, tasks: Sequence[str]) -> list[Finding]:
    """The highest and the lowest Spearman's rho of all tasks (B.2)."""
    found = correlation(run, outcome=outcome, factor=factor, setting=setting, tasks=tasks)
    known = [finding for finding in found if finding.value is not None]
    if not known:
        raise NotMeasured("; ".join(dict.fromkeys(finding.why for finding in found)))
    highest, lowest = (choose(known, key=lambda finding: finding.value or 0.0) for choose in (max, min))
    return [replace(highest, part=f"highest, {highest.part}"), replace(lowest, part=f"lowest, {lowest.part}")]


def significant_tasks(run: JudgedRun, *, outcome: str, factors: Sequence[str], setting: str, tasks: Sequence[str]) -> list[Finding]:
    """The share of tasks, in per cent, on which a factor goes with a measure at p < 0.05 (B.1).

    Args:
        factors: with - for blanks.
    """

    def share(signs: Sequence[set[int]]) -> float:
        return float(np.mean([bool(of_task) for of_task in signs]) * 100)

    named = [factor.replace("-", " ") for factor in factors]
    return each(named, lambda name: _share_of_tasks(run, outcome, name, setting, tasks, share), str)


def common_trend(run: JudgedRun, *, outcome: str, factors: Sequence[str], setting: str, tasks: Sequence[str]) -> list[Finding]:
    """The share of tasks, in per cent, on which a factor goes with a measure at p < 0.05 in one direction (B.1: "no strong trends").

    Args:
        factors: with - for blanks.
    """

    def share(signs: Sequence[set[int]]) -> float:
        return max(float(np.mean([sign in of_task for of_task in signs]) * 100) for sign in (1, -1))

    named = [factor.replace("-", " ") for factor in factors]
    return each(named, lambda name: _share_of_tasks(run, outcome, name, setting, tasks, share), str)


def _share_of_tasks(
    run: JudgedRun, outcome: str, factor: str, setting: str, tasks: Sequence[str], share: Callable[[Sequence[set[int]]], float]
) -> Finding:
    """A share of tasks by the directions that correlations have.

    By the paper's way with the printed p-value; cross-fitted, of cross-fitted measures, by permutation where there is one. What is not
    significant may be there all the same: the interval goes from what is, to what may be correlated by WEAK or more.
    """
    printed, fitted = (_usable(run, tasks, setting, outcome, factor, rule) for rule in (AS_PRINTED, CROSS_FITTED))
    by_printed = [_signs(row, row["p"]) for row in printed]
    sure = [_signs(row, _honest_p(row)) for row in fitted]
    possible = [signs or _possible_signs(run, row) for row, signs in zip(fitted, sure, strict=True)]
    return Finding(
        value=share(by_printed),
        honest=share(sure),
        low=share(sure),
        high=share(possible),
        interval=f"from significant correlations to those that may be {WEAK} or more",
        n=len(printed),
        formula="share of tasks at p < 0.05",
        unit=PERCENT,
    )


def _signs(row: "pd.Series[float]", p: float) -> set[int]:
    """The direction of a correlation; none where it is not significant."""
    return {int(np.sign(row["value"]))} if p < SIGNIFICANT else set()


def _possible_signs(run: JudgedRun, row: "pd.Series[float]") -> set[int]:
    low, high, _ = _interval(run, row)
    return {sign for sign, end in ((-1, low), (1, high)) if end is None or sign * end >= WEAK}


def _usable(run: JudgedRun, tasks: Sequence[str], setting: str, outcome: str, factor: str, rule: str) -> list[pd.Series]:
    """The row of each task that has enough languages to claim anything."""
    rows, reasons = [], []
    for task in tasks:
        try:
            found = _rows(run, task, setting, outcome, factor)
        except NotMeasured as error:
            reasons.append(str(error))
            continue
        kept = found[(found["rule"] == rule) & ~found["n_too_small"].astype(bool) & found["value"].notna()]
        rows += [row for _, row in kept.iterrows()]
        if kept.empty:
            reasons.append(f"n too small, or the same for all: {task_name(task)}")
    if not rows:
        raise NotMeasured("; ".join(dict.fromkeys(reasons)))
    return rows


def between_tasks(run: JudgedRun, *, tasks: Sequence[str]) -> list[Finding]:
    """Whether languages that forget one task forget another one, too: Spearman's rho over the languages of both (3.2)."""

    def of_pair(name: str) -> Finding:
        one, other = pairs[name]
        rows = run.tables.table("correlations")
        either = [(rows["task"] == task) & (rows["factor"] == f"{FORGETTING} in {second}") for task, second in ((one, other), (other, one))]
        rows = rows[(either[0] | either[1]) & (rows["outcome"] == FORGETTING)]
        rows = rows[rows["protocol"] == run.tables.facts.protocols.get(one)]
        if rows.empty:
            absent = run.tables.absent(one, IN_LANGUAGE) or run.tables.absent(other, IN_LANGUAGE)
            raise NotMeasured(absent or "no language is measured on both tasks")
        return _of_rows(run, rows)

    pairs = {f"{task_name(one)} and {task_name(other)}": (one, other) for one, other in combinations(tasks, 2)}
    return each(pairs, of_pair, str)
