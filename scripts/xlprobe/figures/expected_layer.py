"""The expected layer over pretraining, a line a language or bitext (paper 1: Figures 11 and 13)."""

import math
from itertools import cycle

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from xlprobe.figures.caption_sentences import not_shown
from xlprobe.figures.drawing import headline, legend_below, panels, scale_steps
from xlprobe.figures.paper_declaration import Asked, PaperFigureKind
from xlprobe.metrics.correlations import IN_LANGUAGE
from xlprobe.metrics.model_tables import ModelTables

LACKING = "nothing is measured at several layers"
COLUMNS = ["task", "language", "grid", "layers", "step", "value", "low", "high"]
# Okabe and Ito's colours but for yellow, which is too pale for a line; with as many markers as keep all pairs of them apart.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS, MOST_MARKERS = "os^DvPX<>*p", 13  # of a line


def expected_layers(tables: ModelTables, asked: Asked) -> pd.DataFrame:
    """The expected layers by min-max weights, of all layers that a curve is measured at.

    Returns:
        COLUMNS: value as printed; low and high are the ends of the interval of the cross-fitted rule, where it has one.
    """
    parts = [pd.DataFrame(columns=COLUMNS)]
    for task in asked.tasks:
        printed = _rows(tables, task, "level", "as printed")
        ends = _rows(tables, task, "level", "cross-fitted")[["language", "step", "low", "high"]]
        both = printed.drop(columns=["low", "high"]).merge(ends, how="left", on=["language", "step"])
        parts.append(both[COLUMNS].dropna(subset="value").sort_values(["language", "step"]))
    return pd.concat([part for part in parts if len(part)] or parts, ignore_index=True)


def _rows(tables: ModelTables, task: str, measure: str, rule: str) -> pd.DataFrame:
    rows = tables.curves("expected_layers", task, IN_LANGUAGE)
    return rows[(rows["measure"] == measure) & (rows["weights"] == "min-max") & (rows["grid"] == "own") & (rows["rule"] == rule)]


def plot_expected_layers(table: pd.DataFrame, tables: ModelTables, asked: Asked) -> Figure:
    """A panel a task; a language has one colour and marker in all of them."""
    figure, of_task = panels({task: tables.task(task).title for task in dict.fromkeys(table["task"])})
    looks = dict(zip(sorted(table["language"].unique()), zip(cycle(COLOURS), cycle(MARKERS), strict=False), strict=False))
    for task, axes in of_task.items():
        rows = table[table["task"] == task]
        for language, line in rows.groupby("language"):
            colour, marker = looks[str(language)]
            markers = {"marker": marker, "markersize": 3.5, "markevery": math.ceil(len(line) / MOST_MARKERS)}
            axes.plot(line["step"], line["value"], color=colour, linewidth=1.1, label=language, **markers)
            axes.fill_between(line["step"], line["low"], line["high"], color=colour, alpha=0.15, linewidth=0)
        scale_steps(axes, sorted(rows["step"].unique()))
    # Codes are short.
    legend_below(figure, min(len(looks), int(figure.get_figwidth() / 1.65)))
    headline(figure, asked.title, "expected layer (0: embeddings)")
    return figure


def caption(table: pd.DataFrame, tables: ModelTables, asked: Asked) -> str:
    """How far each language's expected layer falls, with the interval of the cross-fitted rule."""
    said = [
        "The mean layer, weighted by how much better each layer is than the worst one at that step (min-max); the paper says"
        " “relative performance” and gives no formula. Lines are as printed, on all test sentences. Bands are intervals of the cross-fitted"
        " rule, which takes the worst layer from one half of the sentences and its score from the other."
    ]
    for task, rows in table.groupby("task", sort=False):
        changes = _rows(tables, str(task), "change", "cross-fitted")
        intervals = dict(zip(changes["language"], zip(changes["low"], changes["high"], strict=True), strict=True))
        falls = []
        for language, line in rows.groupby("language"):
            values = line["value"].to_numpy()
            low, high = intervals.get(language, (np.nan, np.nan))
            within = "" if pd.isna(low) else f" ({low:.2f} to {high:.2f})"
            falls.append(f"{language} {round(values[0] - values[-1], 2) + 0:.2f}{within}")
        first, last = rows["step"].min(), rows["step"].max()
        said.append(
            f"{tables.task(str(task)).title}: from step {first:,} to {last:,} the expected layer falls by {', '.join(falls)}"
            f" (below 0: it rises; in brackets: cross-fitted interval). {_layers(rows)}"
        )
    return " ".join([*said, *not_shown({*table["task"]}, tables, asked, IN_LANGUAGE, LACKING)])


def _layers(rows: pd.DataFrame) -> str:
    """What layers the lines are of."""
    of_grid = rows.groupby("layers")["language"].unique()
    if len(of_grid) == 1:
        return f"Layers {of_grid.index[0]}; lines of other layers are not to be compared with these."
    each = "; ".join(f"{', '.join(languages)}: layers {layers}" for layers, languages in of_grid.items())
    return f"Lines of different layers are not to be compared ({each})."


PAPER_FIGURE = PaperFigureKind(
    reads=("expected_layers",), table=expected_layers, plot=plot_expected_layers, caption=caption, lacking=LACKING
)
