"""What claims are made of: a number for each language, or each ordered pair of two languages, by the paper's way and cross-fitted."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from xlprobe.claims.finding import BITS, PERCENT, POINTS, Finding, JudgedRun, NotMeasuredError
from xlprobe.metrics.correlations import IN_LANGUAGE, TRANSFER
from xlprobe.metrics.learning import AS_PRINTED, BEFORE, CROSS_FITTED, NO_INTERVAL
from xlprobe.metrics.model_tables import TASKS
from xlprobe.metrics.training_outcomes import one_language

PAIR = ["source_language", "target_language"]
NUMBERS = ["printed", "honest", "low", "high"]
NO_SUCH_INTERVAL = "no interval can be had: the checkpoint is chosen on the sentences that it is measured on"
Statistic = Callable[[np.ndarray], float]


def task_name(task: str) -> str:
    """What the paper's tables call a task."""
    return ({"alignment": "SimAlign"} | TASKS)[task]


def curve_values(run: JudgedRun, table: str, task: str, setting: str, kept: Mapping[str, Any] | None = None) -> pd.DataFrame:
    """The numbers of a table of measures, one row a language, or in transfer a pair of two languages that are both source and target.

    Of several datasets of a language the mean, which is that of the ends of intervals, too. Bits count both scripts of Chinese.

    Args:
        kept: what columns have to hold.

    Returns:
        PAIR; `printed`, `honest`, and `low` and `high` of the cross-fitted number (NaN without an interval).

    Raises:
        NotMeasuredError: there is no row.
    """
    curves = run.tables.curves(table, task, setting)
    for name, value in (kept or {}).items():
        curves = curves[np.isclose(curves[name], value) if isinstance(value, float) else curves[name] == value]
    curves = _pairs(curves, task, setting)
    printed, fitted = (curves[curves["rule"] == rule].copy() for rule in (AS_PRINTED, CROSS_FITTED))
    if printed.empty:
        raise NotMeasuredError(_why(run, task, setting))
    fitted[["low", "high"]] = _ends(fitted, of_steps=table == "steps")
    by_pair = printed.groupby(PAIR)["value"].mean().rename("printed").to_frame()
    beside = fitted.rename(columns={"value": "honest"}).groupby(PAIR)[["honest", "low", "high"]]
    # One dataset without a number leaves the language without one.
    return by_pair.join(beside.agg(lambda column: column.mean(skipna=False))).astype(float).reset_index()


def _pairs(curves: pd.DataFrame, task: str, setting: str) -> pd.DataFrame:
    if task != "bpc":
        curves = curves.assign(**{name: curves[name].map(one_language) for name in PAIR})
    if setting == IN_LANGUAGE:
        return curves
    both = {*curves["source_language"]} & {*curves["target_language"]}
    others = curves["source_language"] != curves["target_language"]
    return curves[others & curves["source_language"].isin(both) & curves["target_language"].isin(both)]


def _ends(fitted: pd.DataFrame, of_steps: bool) -> np.ndarray:
    ends = np.array(fitted[["low", "high"]].to_numpy(float, na_value=np.nan))
    if of_steps:
        # A set may begin before the first checkpoint, go on after the last one, or lie there.
        ends = np.where(np.isnan(ends), np.inf, ends)
        ends[fitted["censored"].fillna("").str.contains(BEFORE).to_numpy(bool), 0] = 0
    ends[(fitted["interval"] == NO_INTERVAL).to_numpy(bool)] = np.nan
    return ends


def _why(run: JudgedRun, task: str, setting: str) -> str:
    return run.tables.absent(task, setting) or f"{task_name(task)}, {setting}: the run has no number of it"


def joined_values(run: JudgedRun, table: str, tasks: Sequence[str], settings: Sequence[str], **kept: Any) -> pd.DataFrame:
    """The numbers of all tasks and settings that are measured, one below the other, with `task` and `setting`.

    Raises:
        NotMeasuredError: none is.
    """
    parts, reasons = [], []
    for task in tasks:
        for setting in settings:
            if task in ("alignment", "bpc") and setting == TRANSFER:
                continue
            try:
                parts.append(curve_values(run, table, task, setting, kept).assign(task=task, setting=setting))
            except NotMeasuredError as error:
                reasons.append(str(error))
    if not parts:
        raise NotMeasuredError("; ".join(dict.fromkeys(reasons)))
    return pd.concat(parts, ignore_index=True)


def summarised(values: pd.DataFrame, statistic: Statistic, formula: str, unit: str, part: str = "", scale: float = 1) -> Finding:
    """A statistic of all languages or pairs that rises with each of them, such as a mean, a maximum or a share above something.

    So the statistic of the lower ends and that of the upper ends are its interval: it holds at least as often as theirs do together.
    """
    known = values.dropna(subset="printed")
    if known.empty:
        return Finding(part=part, formula=formula, unit=unit, why="no curve has such a number")
    numbers = {name: _statistic(statistic, known[name]) for name in NUMBERS}
    scaled = {name: None if number is None else scale * number for name, number in numbers.items()}
    there = scaled["low"] is not None and scaled["high"] is not None
    honest = scaled["honest"] if scaled["honest"] is not None and np.isfinite(scaled["honest"]) else None
    return Finding(
        part=part,
        value=scaled["printed"],
        honest=honest,
        low=scaled["low"] if there else None,
        high=scaled["high"] if there else None,
        interval="ends of cross-fitted intervals, summarised alike" if there else NO_INTERVAL,
        n=len(known),
        formula=formula,
        unit=unit,
        why="" if there or honest is not None else NO_SUCH_INTERVAL,
    )


def _statistic(statistic: Statistic, values: pd.Series) -> float | None:
    """None where a value is missing."""
    return None if values.isna().any() else float(statistic(values.to_numpy(float)))


def difference(one: Finding, other: Finding, part: str, formula: str) -> Finding:
    """One number less another; its interval goes from the least that it may be to the most."""
    if one.value is None or other.value is None:
        return Finding(part=part, formula=formula, unit=one.unit, why=one.why or other.why)
    there = one.has_interval and other.has_interval
    honest = None if one.honest is None or other.honest is None else one.honest - other.honest
    return Finding(
        part=part,
        value=one.value - other.value,
        honest=honest,
        low=one.low - other.high if there else None,  # type: ignore[operator]
        high=one.high - other.low if there else None,  # type: ignore[operator]
        interval="from the least to the most that two intervals allow" if there else NO_INTERVAL,
        n=(one.n or 0) + (other.n or 0),
        formula=formula,
        unit=one.unit,
        why="" if there or honest is not None else NO_SUCH_INTERVAL,
    )


def without_interval(
    values: Mapping[str, float], formula: str, unit: str, n: int, part: str = ""
) -> Finding:
    """A statistic that has no interval, from `printed` and, where there is one, `honest` values."""
    printed, honest = values["printed"], values.get("honest", np.nan)
    if np.isnan(printed):
        return Finding(part=part, formula=formula, unit=unit, n=n, why="n too small: no such number can be had")
    own = {"value": printed, "honest": None if np.isnan(honest) else honest}
    return Finding(part=part, formula=formula, unit=unit, n=n, why=NO_SUCH_INTERVAL if np.isnan(honest) else "", **own)  # type: ignore[arg-type]


def each_task(tasks: Sequence[str], found: Callable[[str], Finding]) -> list[Finding]:
    """A finding of each task; of a task that is not measured, why."""
    return [measured_or_why(task_name(task), lambda task=task: found(task)) for task in tasks]  # type: ignore[misc]


def measured_or_why(part: str, found: Callable[[], Finding]) -> Finding:
    """A finding, or why there is none."""
    try:
        return found()
    except NotMeasuredError as error:
        return Finding(part=part, why=str(error))


def grids(run: JudgedRun, table: str, task: str, **kept: Any) -> dict[str, pd.DataFrame]:
    """Sources by targets, of languages that are both, `printed` and `honest`; the diagonal is a language's probes on its parallel set.

    Raises:
        NotMeasuredError: fewer than two languages are both.
    """
    pairs = run.tables.curves(table, task, TRANSFER)
    for name, value in kept.items():
        pairs = pairs[np.isclose(pairs[name], value) if isinstance(value, float) else pairs[name] == value]
    if pairs.empty:
        raise NotMeasuredError(_why(run, task, TRANSFER))
    found = {name: run.tables.grid(pairs[pairs["rule"] == rule]) for name, rule in (("printed", AS_PRINTED), ("honest", CROSS_FITTED))}
    if len(found["printed"]) < 2:
        raise NotMeasuredError(f"{task_name(task)}: fewer than two languages are both source and target")
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
