"""How good each checkpoint is, held against the best one, a heatmap a task (paper 1: Figures 3, 15 and 17).

`shown` is `in language`, or `from pivot`: transfer from the pivot language (English in the paper) to each parallel test set, its own too.
"""

import math

import pandas as pd
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from xlprobe.figures.caption_sentences import counted, not_shown
from xlprobe.figures.drawing import headline
from xlprobe.figures.heatmaps import draw_heatmap, heatmap_panels, name_rows, name_steps
from xlprobe.figures.paper_declaration import Asked, PaperFigureKind
from xlprobe.metrics.correlations import IN_LANGUAGE, TRANSFER
from xlprobe.metrics.model_tables import ModelTables
from xlprobe.metrics.training_outcomes import one_language

FROM_PIVOT = "from pivot"
# Colours begin here where no final checkpoint is below it: what a model forgets is to be seen, rather than how badly it begins.
EMPHASISED = 0.8
PANEL_WIDTH, PANEL_HEIGHT, LEAST_HEIGHT, ROW_HEIGHTS = 3.0, 5.0, 1.6, (0.115, 0.22)  # inches


def relative_performance(tables: ModelTables, asked: Asked) -> pd.DataFrame:
    """The scores of each language at the last layer, and their share of its best one.

    Returns:
        Columns task, language, step, value and relative. Languages stand in the order of their rows: the most degraded one at the final
        checkpoint first. Of several datasets of the pivot language the mean.
    """
    return pd.concat([_of_task(tables, task, asked.shown == FROM_PIVOT) for task in asked.tasks], ignore_index=True)


def _of_task(tables: ModelTables, task: str, from_pivot: bool) -> pd.DataFrame:
    rows = tables.relative(task, TRANSFER if from_pivot else IN_LANGUAGE)
    if from_pivot:
        rows = rows[rows["source_language"].map(one_language) == tables.pivot()].rename(columns={"target_label": "language"})
    cells = rows.groupby(["task", "language", "step"], as_index=False)[["value", "relative"]].mean().dropna()
    final = cells[cells["step"] == cells["step"].max()].set_index("language")["relative"]
    order = {language: place for place, language in enumerate(final.sort_values(kind="stable").index)}
    # A language that is not measured at the final checkpoint stands last.
    place = cells["language"].map(order).fillna(len(order))
    return cells.assign(place=place).sort_values(["place", "language", "step"]).drop(columns="place")


def plot_relative_performance(table: pd.DataFrame, tables: ModelTables, asked: Asked) -> Figure:
    """Languages down, steps to the right, one colour scale for all tasks; a dot at each language's best checkpoint."""
    grids = {str(task): _grid(rows) for task, rows in table.groupby("task", sort=False)}
    most = max(len(grid) for grid in grids.values())
    height = max(LEAST_HEIGHT, most * min(max(PANEL_HEIGHT / most, ROW_HEIGHTS[0]), ROW_HEIGHTS[1]))
    source = f", from {tables.pivot()}" if asked.shown == FROM_PIVOT else ""
    figure, of_task = heatmap_panels({task: tables.task(task).title + source for task in grids}, PANEL_WIDTH, height)
    scale = _colours(table)
    for task, axes in of_task.items():
        grid = grids[task]
        image = draw_heatmap(axes, grid, cmap="viridis", norm=scale)
        best = grid.dropna(how="all").idxmax(axis=1)
        axes.plot(grid.columns.get_indexer(pd.Index(best)), grid.index.get_indexer(best.index), "o", markersize=2, color="black")
        name_rows(axes, [*grid.index], height)
        name_steps(axes, [*grid.columns])
        axes.set_xlabel("updates")
    label = "share of the best checkpoint's score"
    extend = "min" if table["relative"].min() < scale.vmin else "neither"
    figure.colorbar(image, ax=[*of_task.values()], label=label, extend=extend, fraction=0.03, pad=0.02)
    headline(figure, asked.title, f"{'target' if source else 'language'} (most degraded on top)")
    return figure


def _grid(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.pivot(index="language", columns="step", values="relative").reindex(rows["language"].unique())


def _colours(table: pd.DataFrame) -> Normalize:
    """From EMPHASISED, or from what is lost at a final checkpoint; from higher up where nothing is so low."""
    final = table[table["step"] == table.groupby("task")["step"].transform("max")]
    lowest = min(final["relative"].min(), max(EMPHASISED, table["relative"].min()))
    return Normalize(min(math.floor(20 * lowest) / 20, 0.95), 1)


def caption(table: pd.DataFrame, tables: ModelTables, asked: Asked) -> str:
    """How much is left at the final checkpoint, by task."""
    from_pivot = asked.shown == FROM_PIVOT
    pivot = tables.pivot()
    measured = f"transfer from {tables.name(str(pivot))} ({pivot}) to parallel test sets" if from_pivot else "probes in language"
    rows = ("target", "targets") if from_pivot else ("row", "rows")
    said = [
        f"A cell is a checkpoint's score as a share of the best score of its row over all checkpoints ({measured}, last layer).",
        "A dot marks the best checkpoint. Rows are ordered by what is left at the final checkpoint: the most degraded one is on top.",
    ]
    for task, cells in table.groupby("task", sort=False):
        final = cells[cells["step"] == cells["step"].max()]["relative"].dropna()
        languages = counted(cells["language"].nunique(), *rows)
        title = tables.task(str(task)).title
        said.append(
            f"{title}: {languages}; at step {cells['step'].max():,} {final.mean():.3f} of the best is left on average,"
            f" {final.min():.3f} to {final.max():.3f}."
        )
    if table["relative"].min() < (low := _colours(table).vmin):
        said.append(f"Shares below {low:.2f} have the colour of {low:.2f}.")
    said.append("The best checkpoint is chosen on the sentences that it is measured on (as printed), so that losses look too large.")
    said += [_cross_fitted(tables, str(task), from_pivot) for task in table["task"].unique()]
    setting = TRANSFER if from_pivot else IN_LANGUAGE
    return " ".join([*filter(None, said), *not_shown({*table["task"]}, tables, asked, setting, "nothing of it is measured in this run")])


def _cross_fitted(tables: ModelTables, task: str, from_pivot: bool) -> str:
    """What is lost by the rule that does not choose and measure on the same sentences; nothing where it is not known."""
    rows = tables.curves("forgetting", task, TRANSFER if from_pivot else IN_LANGUAGE)
    rows = rows[(rows["rule"] == "cross-fitted") & (rows["measure"] == "relative") & rows["value"].notna()]
    if from_pivot:
        rows = rows[rows["source_language"].map(one_language) == tables.pivot()]
    if not len(rows):
        return ""
    judged = rows["forgets"].dropna()
    return (
        f"{tables.task(task).title}, cross-fitted: {rows['value'].mean():.3f} of the best is lost on average; {int(judged.sum())} of"
        f" {counted(len(judged), 'curve', 'curves')} lose more than the ups and downs of checkpoints explain."
    )


PAPER_FIGURE = PaperFigureKind(
    reads=("scores", "factors", "forgetting"), table=relative_performance, plot=plot_relative_performance, caption=caption
)
