"""Claims on how good languages are, in language and in transfer, and on how two models compare (paper 1: 3.1, 4.1, Appendix A)."""

from collections.abc import Callable, Sequence
from itertools import combinations

import numpy as np
import pandas as pd
from scipy import stats

from xlprobe.claims.curve_values import (
    NUMBERS,
    PAIR,
    curve_values,
    each_task,
    grids,
    joined_values,
    measured_or_why,
    off_diagonal,
    score_unit,
    summarised,
    task_name,
    without_interval,
)
from xlprobe.claims.finding import COUNT, PERCENT, POINTS, Finding, JudgedRun, NotMeasuredError
from xlprobe.metrics.correlations import IN_LANGUAGE, TRANSFER
from xlprobe.metrics.learning import FINAL, NO_INTERVAL
from xlprobe.metrics.training_outcomes import one_language
from xlprobe.statistics.correlation import mantel
from xlprobe.tasks.declaration import load_task

Grids = dict[str, pd.DataFrame]


def range_of_best(run: JudgedRun, *, task: str) -> list[Finding]:
    """The lowest and the highest score of any language at its best checkpoint (3.1; Figure 1)."""
    unit, scale = score_unit(task)
    values = curve_values(run, "best", task, IN_LANGUAGE)
    ends = (("lowest", np.min), ("highest", np.max))
    return [summarised(values, statistic, f"best, {name} of languages", unit, name, scale) for name, statistic in ends]


def relative_range(run: JudgedRun, *, tasks: Sequence[str]) -> list[Finding]:
    """How far the best and the worst language lie apart, in per cent of their mean (3.1)."""

    def of_task(task: str) -> Finding:
        values = curve_values(run, "best", task, IN_LANGUAGE)
        if len(values) < 2:
            raise NotMeasuredError("one language alone has no range")
        numbers = values[["printed", "honest"]]
        ranges = (numbers.max() - numbers.min()) / numbers.mean() * 100
        return without_interval(dict(ranges), "best, highest less lowest, by the mean", PERCENT, len(values), task_name(task))

    return each_task(tasks, of_task)


def curves_below(run: JudgedRun, *, tasks: Sequence[str], below: float) -> list[Finding]:
    """How many languages and tasks stay below a score, in per cent, at their best (3.2: "never achieves good absolute performance")."""
    values = joined_values(run, "best", tasks, [IN_LANGUAGE])
    counts = {name: float((values[name] * 100 < below).sum()) if values[name].notna().all() else np.nan for name in ("printed", "honest")}
    return [without_interval(counts, f"best, curves below {below:g} %", COUNT, len(values))]


def _of_grids(run: JudgedRun, task: str, statistic: Callable[[pd.DataFrame], float], formula: str, unit: str) -> Finding:
    found = grids(run, "best", task)
    numbers = {name: statistic(grid) for name, grid in found.items()}
    return without_interval(numbers, formula, unit, len(found["printed"]), task_name(task))


def diagonal_above_row(run: JudgedRun, *, tasks: Sequence[str]) -> list[Finding]:
    """The share of sources, in per cent, that do better in their own language than on other ones in the mean (4.1; Figure 4)."""

    def share(grid: pd.DataFrame) -> float:
        own, others = np.diag(grid), np.nanmean(off_diagonal(grid), axis=1)
        return float((own > others)[~np.isnan(own)].mean() * 100) if not np.isnan(own).all() else np.nan

    return each_task(tasks, lambda task: _of_grids(run, task, share, "best, share of sources with the diagonal above the row", PERCENT))


def lead_in_transfer(run: JudgedRun, *, task: str, others: Sequence[str]) -> list[Finding]:
    """How much more of its score in language a task keeps in transfer than each other task, in points of per cent (4.1)."""

    def kept(name: str) -> dict[str, float]:
        found = grids(run, "best", name)
        return {rule: float(np.nanmean(off_diagonal(grid)) / np.nanmean(np.diag(grid)) * 100) for rule, grid in found.items()}

    def against(other: str) -> Finding:
        own, theirs = kept(task), kept(other)
        numbers = {rule: own[rule] - theirs[rule] for rule in own if rule in theirs}
        formula = "best, mean off the diagonal by mean on it, difference"
        return without_interval(numbers, formula, POINTS, 2, f"{task_name(task)} less {task_name(other)}")

    return each_task_named(others, against, lambda other: f"{task_name(task)} less {task_name(other)}")


def each_task_named(tasks: Sequence[str], found: Callable[[str], Finding], name: Callable[[str], str]) -> list[Finding]:
    """A finding of each task; of a task that is not measured, why, under a name."""
    return [measured_or_why(name(task), lambda task=task: found(task)) for task in tasks]  # type: ignore[misc]


def alike_in_transfer(run: JudgedRun, *, tasks: Sequence[str]) -> list[Finding]:
    """How alike two tasks are in which pairs of languages transfer well: Spearman's rho over ordered pairs (4.1; Figure 4)."""

    def of_pair(one: str, other: str) -> Finding:
        both = [grids(run, "best", task) for task in (one, other)]
        languages = both[0]["printed"].index.intersection(both[1]["printed"].index)
        cut = [{rule: grid.loc[languages, languages] for rule, grid in found.items()} for found in both]
        found = {rule: mantel(*(off_diagonal(grid[rule]) for grid in cut)) for rule in cut[0] if rule in cut[1]}
        if found["printed"].n_too_small:
            raise NotMeasuredError(f"n too small: {len(languages)} languages")
        numbers = {rule: permuted.rho for rule, permuted in found.items()}
        return without_interval(numbers, "mantel, of best", "", found["printed"].n, f"{task_name(one)} and {task_name(other)}")

    return [
        measured_or_why(f"{task_name(one)} and {task_name(other)}", lambda one=one, other=other: of_pair(one, other))  # type: ignore[misc]
        for one, other in combinations(tasks, 2)
    ]


def _place(values: pd.Series, language: str) -> float:
    """The share of the other languages that one is better than, in per cent."""
    return float((values.drop(language) < values[language]).mean() * 100)


def place_as_source(run: JudgedRun, *, tasks: Sequence[str], languages: Sequence[str]) -> list[Finding]:
    """The share of other sources that transfer worse than a language, in per cent, mean over tasks (4.1)."""

    def of_language(language: str) -> Finding:
        places = []
        for task in tasks:
            found = grids(run, "best", task)
            _known(found, language)
            places.append({rule: _place(_row_means(grid), language) for rule, grid in found.items()})
        means = dict(pd.DataFrame(places).mean())
        return without_interval(means, "best, place of the row's mean", PERCENT, len(tasks), language)

    return [measured_or_why(language, lambda language=language: of_language(language)) for language in languages]  # type: ignore[misc]


def _row_means(grid: pd.DataFrame) -> pd.Series:
    return pd.Series(np.nanmean(off_diagonal(grid), axis=1), index=grid.index)


def _known(found: Grids, language: str) -> None:
    if language not in found["printed"].index:
        raise NotMeasuredError(f"{language} is not both source and target here")


def isolation(run: JudgedRun, *, tasks: Sequence[str], language: str) -> list[Finding]:
    """How much higher a language is placed in language than in transfer, out of it and into it, in points of per cent (4.1)."""

    def fall(grid: pd.DataFrame) -> float:
        own = pd.Series(np.diag(grid), index=grid.index)
        return _place(own, language) - (_place(_row_means(grid), language) + _place(_row_means(grid.T), language)) / 2

    def of_task(task: str) -> Finding:
        _known(grids(run, "best", task), language)
        return _of_grids(run, task, fall, "best, place on the diagonal less that in transfer", POINTS)

    return each_task(tasks, of_task)


def target_beyond_source(run: JudgedRun, *, task: str) -> list[Finding]:
    """How much more of the variance of a grid goes with the target than with the source, in points of per cent (4.1: columns)."""

    def excess(grid: pd.DataFrame) -> float:
        values, total = grid.to_numpy(float), np.nanvar(grid.to_numpy(float))
        sources, targets = (np.nanvar(np.nanmean(values, axis=axis)) for axis in (1, 0))
        return float((targets - sources) / total * 100) if total > 0 else np.nan

    return each_task([task], lambda name: _of_grids(run, name, excess, "best, variance of targets' means less sources'", POINTS))


def as_good_as_at_home(run: JudgedRun, *, task: str, target: str) -> list[Finding]:
    """How many other sources do as well on a target as in their own language, and how many sources there are (4.1)."""
    found = grids(run, "best", task)
    _known(found, target)

    def count(grid: pd.DataFrame) -> float:
        return float((grid[target] >= np.diag(grid)).drop(target).sum())

    sources = len(found["printed"]) - 1
    numbers = {rule: count(grid) for rule, grid in found.items()}
    formula = f"best, sources that do as well on {target} as on the diagonal"
    of = Finding(part="other sources", value=float(sources), n=sources, formula="count", unit=COUNT)
    return [without_interval(numbers, formula, COUNT, sources, "as good"), of]


def rank_among_targets(run: JudgedRun, *, task: str, languages: Sequence[str]) -> list[Finding]:
    """The rank of targets by how well other sources do on them, 1 the hardest (4.1)."""

    def of_language(language: str) -> Finding:
        found = grids(run, "best", task)
        _known(found, language)
        ranks = {rule: float(_row_means(grid.T).rank()[language]) for rule, grid in found.items()}
        return without_interval(ranks, "best, rank of the column's mean", COUNT, len(found["printed"]), language)

    return [measured_or_why(language, lambda language=language: of_language(language)) for language in languages]  # type: ignore[misc]


def mean_asymmetry(run: JudgedRun, *, tasks: Sequence[str], language: str) -> list[Finding]:
    """How much better transfer from a language is than into it, mean over the other languages, in points (4.1; Figure 5)."""

    def of_task(task: str) -> Finding:
        return summarised(_asymmetries(run, task, language), np.mean, "both_ways, mean", POINTS, task_name(task), 100)

    return each_task(tasks, of_task)


def _asymmetries(run: JudgedRun, task: str, language: str | None = None) -> pd.DataFrame:
    """Asymmetries as printed, with intervals of those at the final checkpoint; of a language as source, or of unordered pairs."""
    rows = run.tables.curves("asymmetry", task, TRANSFER)
    rows = rows.assign(**{name: rows[name].map(one_language) for name in PAIR})
    known = {*rows["source_language"]}
    rows = rows[rows["source_language"] == language] if language else rows[rows["source_language"] < rows["target_language"]]
    if rows.empty:
        missing = f"{language} is not both source and target here" if language and known else "no two languages transfer both ways"
        raise NotMeasuredError(run.tables.absent(task, TRANSFER) or missing)
    printed, final = rows[rows["rule"] != FINAL], rows[rows["rule"] == FINAL]
    by_pair = printed.groupby(PAIR)["value"].mean().rename("printed").to_frame()
    ends = final.rename(columns={"value": "honest"}).groupby(PAIR)[["honest", "low", "high"]]
    return by_pair.join(ends.agg(lambda column: column.mean(skipna=False))).astype(float).reset_index()


def asymmetric_pairs(run: JudgedRun, *, tasks: Sequence[str], share: float) -> list[Finding]:
    """The share of pairs of languages, in per cent, that are surely better one way; and that surely come sooner one way (poster).

    Surely better: 0 lies outside the interval of the difference at the final checkpoint. Surely sooner: the sets of steps at which
    both ways come to a share of their best do not meet. Chance alone finds no more than one in twenty.
    """

    def better(task: str) -> Finding:
        pairs = _asymmetries(run, task).dropna(subset=["low", "high"])
        if pairs.empty:
            raise NotMeasuredError("asymmetries have no interval in this run")
        sure = float(((pairs["low"] > 0) | (pairs["high"] < 0)).mean() * 100)
        part, formula = f"{task_name(task)}, better", "both_ways at the final checkpoint, share of pairs whose interval leaves out 0"
        return Finding(part=part, value=sure, n=len(pairs), formula=formula, unit=PERCENT)

    def sooner(task: str) -> Finding:
        steps = curve_values(run, "steps", task, TRANSFER, {"share": share}).dropna(subset=["low", "high"])
        both = steps.merge(steps.rename(columns=dict(zip(PAIR, PAIR[::-1], strict=True))), on=PAIR, suffixes=("", "_back"))
        both = both[both["source_language"] < both["target_language"]]
        if both.empty:
            raise NotMeasuredError("no two languages transfer both ways")
        apart = float(((both["low"] > both["high_back"]) | (both["high"] < both["low_back"])).mean() * 100)
        part, formula = f"{task_name(task)}, sooner", "sets of steps, share of pairs whose two sets do not meet"
        return Finding(part=part, value=apart, n=len(both), formula=formula, unit=PERCENT)

    kinds = ((better, "better"), (sooner, "sooner"))
    return [finding for kind, said in kinds for finding in each_task_named(tasks, kind, lambda task, said=said: f"{task_name(task)}, {said}")]  # type: ignore[misc]


def rho_with_bits(run: JudgedRun, *, tasks: Sequence[str], least: int) -> list[Finding]:
    """How far probes go with bits per character over the later half of training: mean of Spearman's rho over languages (3.2).

    -1: always better as bits get fewer. It has no interval, and chooses nothing.

    Args:
        least: checkpoints that the later half has to have.
    """
    bits = run.tables.curves("scores", "bpc", IN_LANGUAGE)
    bits = bits.assign(source_language=bits["source_language"].map(one_language)).groupby(["source_language", "step"])["value"].mean()
    if bits.empty:
        raise NotMeasuredError(run.tables.absent("bpc", IN_LANGUAGE) or "no bits per character are taken")
    half = max(run.tables.facts.steps) / 2

    def of_task(task: str) -> Finding:
        scores = run.tables.last_layer(run.tables.curves("scores", task, IN_LANGUAGE))
        if scores.empty:
            raise NotMeasuredError(run.tables.absent(task, IN_LANGUAGE) or "no language is measured")
        scores = scores.assign(source_language=scores["source_language"].map(one_language))
        both = scores[scores["step"] >= half].merge(bits.rename("bits").reset_index(), on=["source_language", "step"])
        several = [part for _, part in both.groupby("source") if part["value"].nunique() > 1 and part["bits"].nunique() > 1]
        found = [stats.spearmanr(part["value"], part["bits"]).statistic for part in several if len(part) >= least]
        if not found:
            raise NotMeasuredError(f"n too small: fewer than {least} checkpoints in the later half of training, or nothing moves there")
        formula = "Spearman's rho over steps, mean over languages"
        return Finding(part=task_name(task), value=float(np.mean(found)), n=len(found), formula=formula)

    return each_task(tasks, of_task)


def _comparison(run: JudgedRun, task: str, setting: str) -> pd.Series:
    """The row of the model held against another one.

    Raises:
        NotMeasuredError: there is none.
    """
    rows = run.tables.table("model_comparisons")
    rows = rows[(rows["task"] == task) & (rows["setting"] == setting) & (rows["split"] == ("valid" if task == "bpc" else "test"))]
    protocol = run.tables.facts.protocols.get(task)
    rows = rows[rows["protocol"] == protocol]
    if rows.empty:
        raise NotMeasuredError(run.tables.absent(task, setting) or "one model alone: there is none to compare it with")
    return rows.sort_values("other_model").iloc[0]


def two_model_means(run: JudgedRun, *, task: str, setting: str) -> list[Finding]:
    """The means over languages of another model's final checkpoint, and of this one's (Table 3), the paper's base model first."""
    row = _comparison(run, task, setting)
    unit, scale = score_unit(task)
    shared = {"n": int(row["n"]), "formula": "compare_means, mean over languages", "unit": unit}
    other = Finding(part=str(row["other_model"]), value=float(row["other_mean"]) * scale, **shared)
    own = summarised(_final(run, task, setting), np.mean, "", unit, scale=scale)
    return [
        other,
        Finding(
            part=str(row["model"]),
            value=float(row["mean"]) * scale,
            low=own.low,
            high=own.high,
            interval="means of the ends of percentile intervals" if own.has_interval else NO_INTERVAL,
            **shared,
        ),
    ]


def _final(run: JudgedRun, task: str, setting: str) -> pd.DataFrame:
    """Scores of the final checkpoint, with their intervals."""
    rows = run.tables.curves("best", task, setting)
    rows = rows[rows["rule"] == FINAL]
    if setting == TRANSFER:
        rows = rows[rows["source_language"].map(one_language) != rows["target_language"].map(one_language)]
    return rows.rename(columns={"value": "printed"}).assign(honest=np.nan)[NUMBERS].astype(float)


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
        low, high = sorted((float(row["low"]) * scale, float(row["high"]) * scale)) if pd.notna(row["low"]) else (None, None)
        return Finding(
            part=_compared_name(name),
            value=float(row["value"]) * scale,
            low=low,
            high=high,
            interval=str(row["interval"]) + (" over test sentences" if low is not None else ""),
            n=int(row["n"]),
            formula=f"compare_means, against {row['other_model']}",
            unit=unit,
        )

    return each_task_named(compared, of, _compared_name)


def _compared_name(name: str) -> str:
    task, _, transfer = name.partition("-")
    return task_name(task) + (", transfer" if transfer else "")
