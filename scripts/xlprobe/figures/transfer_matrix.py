"""Transfer at the last checkpoint: a heatmap of sources by parallel test sets."""

import math
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from xlprobe.figures.declaration import FigureKind
from xlprobe.figures.drawing import ORANGE, add_note, colour_scale, headline, metric_name
from xlprobe.metrics.curves import Scores, last_transfer

BASELINES = {"majority": "most frequent label", "word_type": "by form"}
# In inches.
CELL_WIDTH, CELL_HEIGHT, CHARACTER, NARROWEST = 0.5, 0.36, 0.065, 4.6


def plot_transfer_matrix(table: pd.DataFrame, scores: Scores) -> Figure:
    """Sources and targets in order of family and language; a cell says its score, and is empty where nothing is transferred."""
    order = {
        axis: sorted(table[axis].unique(), key=lambda name: (scores.datasets[name].family, scores.datasets[name].language))
        for axis in ("source", "target")
    }
    titles = {axis: [scores.datasets[name].title for name in names] for axis, names in order.items()}
    cells = _grid(100 * table["mean"], table, order)
    best_baseline = table[[*BASELINES]].max(axis="columns")
    framed = _grid(table["low"].fillna(table["mean"]) <= best_baseline, table, order) == 1
    rows, columns = cells.shape
    longest = {axis: CHARACTER * max(map(len, names)) for axis, names in titles.items()}
    size = (max(NARROWEST, 1.7 + longest["source"] + CELL_WIDTH * columns), 1.5 + longest["target"] * math.sqrt(0.5) + CELL_HEIGHT * rows)
    figure, axes = plt.subplots(figsize=size, layout="constrained")
    scale = colour_scale(cells)
    image = axes.imshow(cells, cmap="viridis", aspect="auto", norm=scale)
    for row, column in np.argwhere(~np.isnan(cells)):
        value = cells[row, column]
        colour = "black" if float(scale(value)) >= 0.5 else "white"
        axes.text(column, row, f"{value:.0f}", ha="center", va="center", fontsize=7, color=colour)
        if framed[row, column]:
            axes.add_patch(Rectangle((column - 0.42, row - 0.42), 0.84, 0.84, fill=False, edgecolor=ORANGE, linewidth=1.2))
    slanted: dict[str, Any] = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"}
    axes.set_xticks(range(columns), titles["target"], **slanted)
    axes.set_yticks(range(rows), titles["source"])
    axes.set_xlabel("tested on")
    figure.colorbar(image, label=f"{metric_name(scores)} (%)")
    headline(figure, f"{scores.task.title}, transfer at step {table['step'].iloc[0]:,}", "probe trained on")
    known = [f"{label} {100 * table[name].mean():.1f} %" for name, label in BASELINES.items() if table[name].notna().any()]
    if known:
        add_note(figure, f"mean baselines: {', '.join(known)}")
    if framed.any():
        judged = "interval" if table["low"].notna().any() else "mean (this run has no intervals)"
        add_note(figure, f"framed: {judged} not above the {'better ' if len(known) > 1 else ''}baseline")
    return figure


def _grid(values: pd.Series, table: pd.DataFrame, order: dict[str, list[str]]) -> np.ndarray:
    grid = table.assign(value=values.astype(float)).pivot(index="source", columns="target", values="value")
    return grid.loc[order["source"], order["target"]].to_numpy(dtype=float)


FIGURE = FigureKind(
    shows="transfer",
    caption=(
        "Accuracy of each dataset's probes on each parallel test set, at the last checkpoint. The layer is the one that is best on the"
        " dataset's own development set, among the layers measured on the test set. Mean over seeds. Baselines are what the source's"
        " train set tells of the target without vectors: its most frequent label and, for words and pairs of words, the most frequent"
        " one of their form. A frame marks a cell whose interval over test sentences and seeds does not lie above its best baseline; in"
        " a run without intervals, one whose mean does not."
    ),
    table=last_transfer,
    plot=plot_transfer_matrix,
)
