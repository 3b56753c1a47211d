"""Transfer between languages, sources by targets, a grid a task (paper 1: Figures 4 and 5).

`shown` is `best`, the best score over checkpoints, or `asymmetry`, how much better one way is than the other one.
"""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from xlprobe.figures.caption_sentences import counted, not_shown
from xlprobe.figures.drawing import headline
from xlprobe.figures.heatmaps import draw_heatmap, heatmap_panels, name_rows
from xlprobe.figures.paper_declaration import Asked, PaperFigureKind
from xlprobe.metrics.correlations import TRANSFER
from xlprobe.metrics.model_tables import ModelTables

ASYMMETRY = "asymmetry"
COLUMNS = ["task", "source", "target", "value", "baseline", "baseline_value"]
GRID, CELLS = 3.6, (0.14, 0.36)  # inches: a panel's length, and the least and most of a cell's
SMALLEST_TYPE, CHARACTER = 4.5, 0.08  # points of numbers in cells; inches of a character of a language's code
FEW = 10  # languages: where there are no more, numbers have a decimal
LEAST_RANGE = 1.0  # points of asymmetry: what is less stays pale
LACKING = "too few languages are both trained and tested on"
NOTHING = "#CCCCCC"  # the diagonal of asymmetry, which is not 0: that is white


def transfer_grid(tables: ModelTables, asked: Asked) -> pd.DataFrame:
    """The cells of the grids of languages that are both source and target.

    Returns:
        COLUMNS, rows in the order of the grids: value is a score, or of asymmetry the score of source -> target less that of
        target -> source, in the task's metric. Of a language with several datasets the mean. Of scores baseline names the best baseline of
        the task, and baseline_value is what it reaches in that cell; asymmetry has none.
    """
    parts = [pd.DataFrame(columns=COLUMNS)]
    for task in asked.tasks:
        rows = tables.curves("asymmetry" if asked.shown == ASYMMETRY else "best", task, TRANSFER)
        cells = _cells(tables, rows[rows["rule"] == "as printed"])
        if len(cells):
            name, reached = (None, None) if asked.shown == ASYMMETRY else _best_baseline(tables, task, cells)
            parts.append(cells.assign(task=task, baseline=name, baseline_value=reached)[COLUMNS])
    return pd.concat([part for part in parts if len(part)] or parts, ignore_index=True)


def _cells(tables: ModelTables, pairs: pd.DataFrame) -> pd.DataFrame:
    grid = tables.grid(pairs)
    cells = grid.rename_axis("source").reset_index().melt("source", var_name="target", value_name="value")
    order = {language: place for place, language in enumerate(grid.index)}
    return cells.sort_values(["source", "target"], key=lambda axis: axis.map(order)).dropna(subset="value")


def _best_baseline(tables: ModelTables, task: str, cells: pd.DataFrame) -> tuple[str | None, np.ndarray | None]:
    """The baseline that is best on average over the cells, and what it reaches on each of them."""
    found: list[tuple[float, str, np.ndarray]] = []
    for name, rows in tables.baselines(task, TRANSFER).groupby("model"):
        reached = cells.merge(_cells(tables, rows), how="left", on=["source", "target"], suffixes=("_of_probe", ""))["value"]
        if reached.notna().any():
            found.append((reached.mean(), str(name), reached.to_numpy()))
    return max(found, key=lambda one: one[:2])[1:] if found else (None, None)


def plot_transfer_grid(table: pd.DataFrame, tables: ModelTables, asked: Asked) -> Figure:
    """Sources down, targets to the right; each task has its own colours, those of asymmetry with 0 in their middle."""
    grids = {str(task): _grid(rows) for task, rows in table.groupby("task", sort=False)}
    length = max(1.8, *(len(grid) * min(max(GRID / len(grid), CELLS[0]), CELLS[1]) for grid in grids.values()))
    titles = {task: "\n".join([tables.task(task).title, *_baseline_line(table[table["task"] == task])]) for task in grids}
    figure, of_task = heatmap_panels(titles, length, length)
    asymmetry = asked.shown == ASYMMETRY
    for task, axes in of_task.items():
        cells = 100 * grids[task]
        if asymmetry:
            most = max(LEAST_RANGE, np.nanmax(np.abs(cells)))
            image = draw_heatmap(axes, cells, cmap="PuOr", norm=Normalize(-most, most))
            axes.set_facecolor(NOTHING)
        else:
            image = draw_heatmap(axes, cells, cmap="viridis")
        points = min(7, 0.32 * 72 * length / len(cells))
        if points >= SMALLEST_TYPE:
            _write_numbers(axes, cells, points, signed=asymmetry)
        fits = CHARACTER * max(map(len, cells.columns)) < length / len(cells)
        name_rows(axes, [*cells.index], length)
        size = axes.get_yticklabels()[0].get_fontsize()
        axes.set_xticks(range(len(cells)), [*cells.columns], rotation=0 if fits else 90, fontsize=size)
        axes.set_xlabel("target (l2): tested on" if asymmetry else "target: tested on")
        axes.set_ylabel("source (l1): trained on" if asymmetry else "source: trained on")
        label = "l1 → l2 less l2 → l1 (points)" if asymmetry else f"{tables.task(task).metric} (%)"
        figure.colorbar(image, ax=axes, label=label, fraction=0.05, pad=0.02)
    headline(figure, asked.title, "")
    return figure


def _grid(rows: pd.DataFrame) -> pd.DataFrame:
    languages = [*dict.fromkeys([*rows["source"], *rows["target"]])]
    return rows.pivot(index="source", columns="target", values="value").reindex(index=languages, columns=languages).astype(float)


def _baseline_line(rows: pd.DataFrame) -> list[str]:
    if rows["baseline"].isna().all():
        return []
    return [f"baseline {rows['baseline'].iloc[0].replace('_', ' ')}: {100 * rows['baseline_value'].mean():.0f} %"]


def _write_numbers(axes: Axes, cells: pd.DataFrame, points: float, signed: bool) -> None:
    """The value of each cell, in black or white, whichever its colour shows better."""
    image, form = axes.images[0], f"{'+' if signed else ''}.{1 if len(cells) <= FEW else 0}f"
    for (row, column), value in np.ndenumerate(cells.to_numpy()):
        if not np.isnan(value):
            red, green, blue, _ = image.to_rgba(value)
            colour = "black" if 0.3 * red + 0.59 * green + 0.11 * blue > 0.5 else "white"
            text = format(value, form)
            # Nothing has no sign.
            text = text.replace("-", "−") if float(text) else text.lstrip("+-")
            axes.text(column, row, text, ha="center", va="center", fontsize=points, color=colour)


def caption(table: pd.DataFrame, tables: ModelTables, asked: Asked) -> str:
    """The rule, and of each task its ranges."""
    said = _of_asymmetry(table, tables) if asked.shown == ASYMMETRY else _of_best(table, tables)
    return " ".join([*said, *not_shown({*table["task"]}, tables, asked, TRANSFER, LACKING)])


def _of_best(table: pd.DataFrame, tables: ModelTables) -> list[str]:
    said = [
        "A cell is the best score over checkpoints of probes of a source (row) on the parallel test set of a target (column), at the last"
        " layer. The best checkpoint is chosen on these test sentences (as printed).",
        "The diagonal is a language's probes on its own parallel test set. Each task has its own colours.",
    ]
    for task, cells in table.groupby("task", sort=False):
        own = cells["source"] == cells["target"]
        parts = [
            f"{100 * part.mean():.1f} % on average {where} ({100 * part.min():.1f} to {100 * part.max():.1f})"
            for where, part in (("on the diagonal", cells.loc[own, "value"]), ("between languages", cells.loc[~own, "value"]))
            if len(part)
        ]
        said.append(f"{tables.task(str(task)).title}: {counted(cells['source'].nunique(), 'language', 'languages')}; {', '.join(parts)}.")
        if cells["baseline"].notna().any():
            name = cells["baseline"].iloc[0].replace("_", " ")
            below = int((cells["value"] <= cells["baseline_value"]).sum())
            reached = f"{100 * cells['baseline_value'].mean():.1f} %"
            said.append(f"The best baseline, {name}, reaches {reached} on average; {below} of {len(cells)} cells are not above it.")
    return said


def _of_asymmetry(table: pd.DataFrame, tables: ModelTables) -> list[str]:
    said = [
        "A cell is the score of l1 → l2 less that of l2 → l1, in points: l1 is the source (row), l2 the target (column). Each way counts at"
        " its own best checkpoint (as printed). The diagonal is grey. Each task has its own colours; the middle one is 0.",
    ]
    for task, cells in table.groupby("task", sort=False):
        largest = cells.sort_values("value").iloc[-1]
        pairs = counted(len(cells) // 2, "pair", "pairs")
        said.append(
            f"{tables.task(str(task)).title}: {pairs} of {cells['source'].nunique()} languages; the two ways differ by"
            f" {100 * cells['value'].abs().mean():.1f} points on average, at most by {100 * largest['value']:.1f}"
            f" ({largest['source']} → {largest['target']} is better)."
        )
        final = tables.curves("asymmetry", str(task), TRANSFER)
        final = final[(final["rule"] == "final checkpoint") & final["p"].notna()]
        if len(final):
            # Both ways of a pair are there.
            differ, of_all = int((final["p"] < 0.05).sum()) // 2, len(final) // 2
            said.append(f"At the final checkpoint, paired by sentence, p < 0.05 holds for {differ} of {of_all} of its pairs of datasets.")
    return said


PAPER_FIGURE = PaperFigureKind(
    reads=("best", "asymmetry", "scores"), table=transfer_grid, plot=plot_transfer_grid, caption=caption, lacking=LACKING
)
