"""Transfer between pairs of languages, by source: when it is learned, or what it loses by the end (paper 1: Figures 6 and 7)."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from xlprobe.figures.caption_sentences import counted, not_shown, surely_after, without_step
from xlprobe.figures.drawing import GREY, ORANGE, headline, legend_below
from xlprobe.figures.language_panels import DARK, NAVY, SKY, WIDE, language_panels, mark
from xlprobe.figures.paper_declaration import Asked, PaperFigureKind
from xlprobe.metrics.correlations import TRANSFER
from xlprobe.metrics.model_tables import EARLY, ModelTables

LACKING = "no two languages are both sources and targets"
SHARE, SHARE_SAID = 0.98, "98 %"
COLUMNS = ["task", "source", "target", "value", "cross_fitted", "low", "high", "interval", "forgets", "source_mean"]


def transfer_pairs(tables: ModelTables, asked: Asked) -> pd.DataFrame:
    """A row an ordered pair of different languages that are sources and targets; in each task by the mean of the source.

    Returns:
        COLUMNS. `value` is the step to 98 % of the best, or the change from the best score to the final one, in the task's metric:
        below 0 where something is lost, whatever the metric's direction. `cross_fitted` is the same with a best that other sentences
        chose, `low` to `high` the steps or changes that it may be; `forgets` whether that loss is more than ups and downs.
    """
    parts = [pd.DataFrame(columns=COLUMNS)]
    for task in asked.tasks:
        if asked.shown == "steps":
            curves = _steps(tables, task).assign(forgets=None)
        else:
            curves = tables.between_languages(tables.curves(asked.shown, task, TRANSFER)).query("measure == 'absolute'")
            # A loss is a fall; of none, 0 has no sign.
            curves = curves.assign(value=0 - curves["value"], low=0 - curves["high"], high=0 - curves["low"])
        pair = ["source_label", "target_label"]
        fitted = curves[curves["rule"] == "cross-fitted"].rename(columns={"value": "cross_fitted"})
        rows = curves[curves["rule"] == "as printed"].dropna(subset="value")[["task", *pair, "value"]]
        rows = rows.merge(fitted[[*pair, "cross_fitted", "low", "high", "interval", "forgets"]], on=pair, how="left")
        rows = rows.assign(source_mean=rows.groupby("source_label")["value"].transform("mean"))
        rows = rows.sort_values(["source_mean", *pair]).rename(columns={"source_label": "source", "target_label": "target"})
        parts.append(rows[COLUMNS])
    return pd.concat([part for part in parts if len(part)] or parts, ignore_index=True)


def _steps(tables: ModelTables, task: str) -> pd.DataFrame:
    """The steps to SHARE of pairs of different languages."""
    curves = tables.between_languages(tables.curves("steps", task, TRANSFER))
    return curves[np.isclose(curves["share"].astype(float), SHARE)]


def _without_step(tables: ModelTables, task: str) -> list[str]:
    """The pairs that never come to it."""
    printed = _steps(tables, task).query("rule == 'as printed' and value.isna()")
    return sorted((printed["source_label"] + " to " + printed["target_label"]).tolist())


def plot_transfer_pairs(table: pd.DataFrame, tables: ModelTables, asked: Asked) -> Figure:
    """A column a source, in it a dot a target, in the order of their codes."""
    by_task = {task: rows for task in asked.tasks if len(rows := table[table["task"] == task])}
    sources = {task: [*rows["source"].unique()] for task, rows in by_task.items()}
    figure, panels = language_panels({task: tables.task(task).title for task in by_task}, sources, WIDE)
    for task, axes in panels.items():
        rows, columns = by_task[task], np.arange(len(sources[task]))
        of_source = rows.groupby("source", sort=False)[["source_mean", "cross_fitted"]].mean()
        if asked.shown == "steps":
            axes.plot(
                _places(rows), rows["value"], label=f"a target ({SHARE_SAID} of its best)", **mark(ORANGE, "o", 2.2, alpha=0.8, zorder=3)
            )
            _mark_means(axes, of_source["source_mean"], label="mean of the source", color=DARK)
            _mark_steps(axes, tables, table["value"].max())
        else:
            scale = _scale(tables, task)
            axes.plot(_places(rows), scale * rows["value"], label="a target", **mark(SKY, "o", 2.2, zorder=3))
            _mark_means(axes, scale * of_source["source_mean"], label="mean of the source", color=NAVY)
            _mark_means(axes, scale * of_source["cross_fitted"], label="mean, cross-fitted", color=ORANGE, linestyle=(0, (1.5, 1)))
            axes.axhline(0, color=GREY, linewidth=0.6)
            axes.set_ylabel(f"change ({_unit(tables, task)})")
        for between in columns[1:] - 0.5:
            axes.axvline(between, color=GREY, linewidth=0.2, alpha=0.5)
    legend_below(figure, 3 if figure.get_figwidth() > 7 else 2)
    headline(figure, asked.title, "")
    return figure


def _places(rows: pd.DataFrame) -> pd.Series:
    """Where targets stand in the column of their source: beside each other, so that equal values are all seen."""
    column = rows["source"].map({source: column for column, source in enumerate(rows["source"].unique())})
    targets = rows.groupby("source")["target"]
    return column + 0.8 * ((targets.rank() - 0.5) / targets.transform("size") - 0.5)


def _mark_means(axes: Axes, means: pd.Series, **options: Any) -> None:
    columns = np.arange(len(means))
    axes.hlines(means.astype(float), columns - 0.42, columns + 0.42, linewidth=1.6, **options)


def _mark_steps(axes: Axes, tables: ModelTables, last: float) -> None:
    """Steps on the vertical axis, and the one up to which Figure 2 goes."""
    early = tables.facts.early
    axes.set_ylim(0, 1.05 * max(last, early or 0))
    axes.yaxis.set_major_locator(MaxNLocator("auto", steps=[1, 2, 2.5, 5, 10], integer=True))
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.set_ylabel("updates")
    if early:
        axes.axhline(early, color="black", linestyle=":", linewidth=1, label=f"{early:,} updates")


def _scale(tables: ModelTables, task: str) -> int:
    """Shares are shown in points of a hundred."""
    return 100 if tables.task(task).direction == "higher" else 1


def _unit(tables: ModelTables, task: str) -> str:
    return "points" if _scale(tables, task) > 1 else tables.task(task).metric.replace("_", " ")


def caption(table: pd.DataFrame, tables: ModelTables, asked: Asked) -> str:
    """What pairs there are, and their means by task."""
    of_tasks = [(task, rows) for task in asked.tasks if len(rows := table[table["task"] == task])]
    said = _said_of_steps(of_tasks, tables) if asked.shown == "steps" else _said_of_losses(of_tasks, tables)
    languages = "Shown are languages that are both sources and targets; sources stand by their mean."
    return " ".join([*said, languages, *not_shown({*table["task"]}, tables, asked, TRANSFER, LACKING)])


def _said_of_steps(of_tasks: Sequence[tuple[str, pd.DataFrame]], tables: ModelTables) -> list[str]:
    early = tables.facts.early
    line = "No checkpoint lies so early as the paper's dotted line"
    if early:
        line = f"The dotted line is at {early:,} updates, {'as' if early == EARLY else 'the share of training where it is'} in the paper"
    said = [
        f"Each dot is an ordered pair of languages: the first checkpoint at which the source's probes come to {SHARE_SAID} of their best"
        f" test score on the target (rule as printed; step 0 does not count). Bars are means over the targets of a source. {line}."
    ]
    for task, rows in of_tasks:
        surely = surely_after(rows, early) if early else 0
        later = f"; {(rows['value'] > early).sum()} after {early:,} ({surely} for sure, cross-fitted)" if early else ""
        ends = f"from {rows['value'].min():,.0f} to {rows['value'].max():,.0f}"
        said.append(f"{_counts(tables, task, rows)}: {SHARE_SAID} at {rows['value'].mean():,.0f} updates on average, {ends}{later}.")
        said += without_step(_without_step(tables, task), "pair", "pairs")
    return said


def _said_of_losses(of_tasks: Sequence[tuple[str, pd.DataFrame]], tables: ModelTables) -> list[str]:
    said = [
        "Each dot is an ordered pair of languages: the change of the test score from its best checkpoint to the final one (rule as"
        " printed). That best is chosen on the same sentences, so even a pair that loses nothing seems to lose a little. Full bars are"
        " means over the targets of a source; dashed ones are the same where other sentences chose the best (cross-fitted)."
    ]
    for task, rows in of_tasks:
        scale, unit, most = _scale(tables, task), _unit(tables, task), rows.sort_values("value").iloc[0]
        fitted = f" ({scale * rows['cross_fitted'].mean():+.2f} cross-fitted)" if rows["cross_fitted"].notna().any() else ""
        judged = rows["forgets"].dropna()
        forgets = (
            f"; {int(judged.sum())} of {counted(len(judged), 'pair', 'pairs')} fall further than checkpoints go up and down"
            if len(judged)
            else ""
        )
        said.append(
            f"{_counts(tables, task, rows)}: {scale * rows['value'].mean():+.2f} {unit} on average{fitted},"
            f" {scale * most['value']:+.2f} at most ({most['source']} to {most['target']}){forgets}."
        )
    return said


def _counts(tables: ModelTables, task: str, rows: pd.DataFrame) -> str:
    return f"{tables.task(task).title}, {counted(rows['source'].nunique(), 'source', 'sources')} and {counted(len(rows), 'pair', 'pairs')}"


PAPER_FIGURE = PaperFigureKind(
    reads=("steps", "forgetting"), table=transfer_pairs, plot=plot_transfer_pairs, caption=caption, lacking=LACKING
)
