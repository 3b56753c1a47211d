"""What claims are made of: a number for each language, or each ordered pair of two languages, by the paper's way and cross-fitted."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from xlprobe.claims.finding import BITS, PERCENT, POINTS, Finding, JudgedRun, NotMeasured
from xlprobe.metrics.correlations import IN_LANGUAGE, TRANSFER
from xlprobe.metrics.learning import AS_PRINTED, BEFORE, CROSS_FITTED, FINAL, NO_INTERVAL
from xlprobe.metrics.model_tables import TASKS
from xlprobe.metrics.training_outcomes import one_language
from xlprobe.tasks.declaration import load_task

PAIR = ["source_language", "target_language"]
NUMBERS = ["printed", "honest", "low", "high"]
NO_SUCH_INTERVAL = "no interval can be had: what is compared is chosen on the sentences that it is measured on"
# What intervals of a table's numbers are, and what a statistic of them has.
INTERVALS = {
    "best": "from the final checkpoint's interval to that of the best, which hold the best one's true score",
    "steps": "sets of steps",
    "asymmetry": "percentile, at the final checkpoint",
}
CONVERGED = "converged"
Statistic = Callable[[np.ndarray], float]


def task_name(task: str) -> str:
    """What the paper's tables call a task."""
    return ({"alignment": "SimAlign"} | TASKS)[task]


def setting_name(setting: str) -> str:
    """In language, or in transfer, as a sentence has it."""
    return "in transfer" if setting == TRANSFER else setting


def kept_rows(rows: pd.DataFrame, kept: Mapping[str, Any]) -> pd.DataFrame:
    """The rows whose columns hold what is asked of them."""
    for name, value in kept.items():
        rows = rows[np.isclose(rows[name], value) if isinstance(value, float) else rows[name] == value]
    return rows


def curve_values(
    run: JudgedRun, table: str, task: str, setting: str, kept: Mapping[str, Any] | None = None, protocol: str | None = None
) -> pd.DataFrame:
    """The numbers of a table of measures, one row a language, or in transfer a pair of two languages that are both source and target.

    Of several datasets of a language the mean, which is that of the ends of intervals, too. Bits count both scripts of Chinese.

    Args:
        kept: what columns have to hold.
        protocol: another one than the task's.

    Returns:
        PAIR; `printed`, `honest`, and `low` and `high` of the true number (NaN without an interval).

    Raises:
        NotMeasured: there is no row.
    """
    curves = kept_rows(run.tables.curves(table, task, setting, protocol), kept or {})
    curves = of_pairs(run, curves, task, setting)
    printed, fitted = (curves[curves["rule"] == rule] for rule in (AS_PRINTED, CROSS_FITTED))
    if printed.empty:
        raise NotMeasured(why_absent(run, task, setting))
    if table == "best":
        ends = _ends_of_best(run, task, setting, curves)
    else:
        ends = fitted.assign(**dict(zip(("low", "high"), _ends(fitted, of_steps=table == "steps").T, strict=True)))
    return by_language(printed, fitted, ends)


def by_language(printed: pd.DataFrame, fitted: pd.DataFrame, ends: pd.DataFrame) -> pd.DataFrame:
    """The mean of each pair's datasets; one dataset without a number leaves its pair without one."""

    def mean(rows: pd.DataFrame, column: str) -> "pd.Series[float]":
        numbers = rows[PAIR].assign(number=rows[column].astype(float))
        return numbers.groupby(PAIR)["number"].mean(skipna=False)

    columns = {"printed": mean(printed, "value"), "honest": mean(fitted, "value"), "low": mean(ends, "low"), "high": mean(ends, "high")}
    return pd.DataFrame(columns).loc[columns["printed"].index].rename_axis(PAIR).astype(float).reset_index()


def of_pairs(run: JudgedRun, curves: pd.DataFrame, task: str, setting: str) -> pd.DataFrame:
    """The curves of a task's languages, one Chinese but of bits; in transfer those of ordered pairs that are both source and target."""
    if task != "bpc":
        curves = curves.assign(**{name: curves[name].map(one_language) for name in PAIR})
    return curves if setting == IN_LANGUAGE else run.tables.between_languages(curves)


def _ends(fitted: pd.DataFrame, of_steps: bool) -> np.ndarray:
    ends = np.array(fitted[["low", "high"]].to_numpy(float, na_value=np.nan))
    if of_steps:
        # A set may begin before the first checkpoint, go on after the last one, or lie there.
        ends = np.where(np.isnan(ends), np.inf, ends)
        ends[fitted["censored"].fillna("").str.contains(BEFORE).to_numpy(bool), 0] = 0
    ends[(fitted["interval"] == NO_INTERVAL).to_numpy(bool)] = np.nan
    return ends


def _ends_of_best(run: JudgedRun, task: str, setting: str, curves: pd.DataFrame) -> pd.DataFrame:
    """The ends between which the true score of the best checkpoint lies.

    It is no worse than that of the final one, and what looks best on its own sentences is better than it is.
    """
    scores = run.tables.last_layer(run.tables.curves("scores", task, setting))
    ends = scores[["source", "target", "step", "low", "high"]].rename(columns={"low": "low_at_best", "high": "high_at_best"})
    printed = curves[curves["rule"] == AS_PRINTED][["source", "target", *PAIR, "step"]]
    printed = printed.merge(ends, on=["source", "target", "step"], how="left")
    final = curves[curves["rule"] == FINAL][["source", "target", "low", "high"]]
    both = printed.merge(final, on=["source", "target"], how="left")
    names = ("low_at_best", "high") if load_task(task).direction == "lower" else ("low", "high_at_best")
    return both[PAIR].assign(low=both[names[0]], high=both[names[1]])


def why_absent(run: JudgedRun, task: str, setting: str) -> str:
    """Why the run has nothing of a task in a setting."""
    return run.tables.absent(task, setting) or f"the run has no number of {task_name(task)} {setting_name(setting)}"


def joined_values(run: JudgedRun, table: str, tasks: Sequence[str], setting: str, **kept: Any) -> pd.DataFrame:
    """The numbers of all tasks that are measured, one below the other.

    Raises:
        NotMeasured: none is.
    """
    parts, reasons = [], []
    for task in tasks:
        try:
            parts.append(curve_values(run, table, task, setting, kept))
        except NotMeasured as error:
            reasons.append(str(error))
    if not parts:
        raise NotMeasured("; ".join(dict.fromkeys(reasons)))
    return pd.concat(parts, ignore_index=True)


def summarised(
    values: pd.DataFrame,
    statistic: Statistic,
    formula: str,
    unit: str,
    *,
    part: str = "",
    scale: float = 1,
    interval: str = "cross-fitted",
) -> Finding:
    """A statistic of all languages or pairs that rises with each of them, such as a mean, a maximum or a share above something.

    So the statistic of the lower ends and that of the upper ends are its interval: it holds at least as often as theirs do together.

    Args:
        scale: what numbers are multiplied with; above 0.
        interval: what kind of intervals the numbers have.
    """
    known = values.dropna(subset="printed")
    if known.empty:
        return Finding(part=part, formula=formula, unit=unit, why="no curve has such a number")
    numbers = {name: _statistic(statistic, known[name], scale) for name in NUMBERS}
    there = numbers["low"] is not None and numbers["high"] is not None
    honest = numbers["honest"] if numbers["honest"] is not None and np.isfinite(numbers["honest"]) else None
    lacking = int(known[["honest", "low"]].isna().any(axis=1).sum())
    why = NO_SUCH_INTERVAL if lacking == len(known) else f"no interval can be had: {lacking} of {len(known)} curves have none"
    return Finding(
        part=part,
        value=numbers["printed"],
        honest=honest,
        low=numbers["low"] if there else None,
        high=numbers["high"] if there else None,
        interval=interval + ("" if len(known) == 1 else "; ends summarised like the numbers") if there else NO_INTERVAL,
        n=len(known),
        formula=formula,
        unit=unit,
        why="" if there or honest is not None else why,
    )


def _statistic(statistic: Statistic, values: "pd.Series[float]", scale: float) -> float | None:
    """None where a value is missing."""
    return None if values.isna().any() else scale * float(statistic(values.to_numpy(float)))


def difference(one: Finding, other: Finding, part: str, formula: str) -> Finding:
    """One number less another; its interval goes from the least that it may be to the most."""
    if one.value is None or other.value is None:
        return Finding(part=part, formula=formula, unit=one.unit, why=one.why or other.why)
    low = high = None
    if one.low is not None and one.high is not None and other.low is not None and other.high is not None:
        low, high = one.low - other.high, one.high - other.low
    honest = None if one.honest is None or other.honest is None else one.honest - other.honest
    return Finding(
        part=part,
        value=one.value - other.value,
        honest=honest,
        low=low,
        high=high,
        interval=NO_INTERVAL if low is None else "from the least to the most that two intervals allow",
        n=(one.n or 0) + (other.n or 0),
        formula=formula,
        unit=one.unit,
        why="" if low is not None or honest is not None else one.why or other.why or NO_SUCH_INTERVAL,
    )


def without_interval(values: Mapping[str, float], formula: str, unit: str, n: int, part: str = "") -> Finding:
    """A statistic that has no interval, from `printed` and, where there is one, `honest` values."""
    printed, honest = values["printed"], values.get("honest", np.nan)
    if np.isnan(printed):
        return Finding(part=part, formula=formula, unit=unit, n=n, why="n too small: no such number can be had")
    fitted, why = (None, NO_SUCH_INTERVAL) if np.isnan(honest) else (float(honest), "")
    return Finding(part=part, value=float(printed), honest=fitted, formula=formula, unit=unit, n=n, why=why)


def each(names: Iterable[str], found: Callable[[str], Finding], part: Callable[[str], str] = task_name) -> list[Finding]:
    """A finding of each task, or of whatever else is named; of one that is not measured, why."""

    def of(name: str) -> Finding:
        try:
            finding = found(name)
        except NotMeasured as error:
            return Finding(part=part(name), why=str(error))
        return replace(finding, part=finding.part or part(name))

    return [of(name) for name in names]


def grids(run: JudgedRun, task: str) -> dict[str, pd.DataFrame]:
    """How good transfer is at its best, sources by targets, of languages that are both: `printed` and `honest`.

    The diagonal is a language's probes on its parallel set.

    Raises:
        NotMeasured: fewer than two languages are both.
    """
    pairs = run.tables.curves("best", task, TRANSFER)
    if pairs.empty:
        raise NotMeasured(why_absent(run, task, TRANSFER))
    found = {name: run.tables.grid(pairs[pairs["rule"] == rule]) for name, rule in (("printed", AS_PRINTED), ("honest", CROSS_FITTED))}
    if len(found["printed"]) < 2:
        raise NotMeasured(f"{task_name(task)}: fewer than two languages are both source and target")
    return {name: grid for name, grid in found.items() if len(grid) == len(found["printed"])}


def off_diagonal(grid: pd.DataFrame) -> np.ndarray:
    """A grid's values without those of a language with itself, sources by targets; NaN on the diagonal."""
    values: np.ndarray = np.where(np.eye(len(grid), dtype=bool), np.nan, grid.to_numpy(float))
    return values


def score_unit(task: str, *, difference: bool = False) -> tuple[str, float]:
    """The unit that a task's scores are printed in, and what turns a table's numbers into it."""
    if task == "bpc":
        return BITS, 1.0
    return POINTS if difference else PERCENT, 100.0
