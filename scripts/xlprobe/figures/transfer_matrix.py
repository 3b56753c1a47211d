"""Transfer at the last checkpoint: a heatmap of sources by parallel test sets."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from xlprobe.figures.declaration import FigureKind
from xlprobe.figures.drawing import metric_name
from xlprobe.metrics.curves import Scores, last_transfer


def plot_transfer_matrix(table: pd.DataFrame, scores: Scores) -> Figure:
    """Sources and targets in order of family and language; a cell says its score, and is empty where nothing is transferred."""
    order = {
        axis: sorted(table[axis].unique(), key=lambda name: (scores.datasets[name].family, scores.datasets[name].language))
        for axis in ("source", "target")
    }
    grid = 100 * table.pivot(index="source", columns="target", values="mean").loc[order["source"], order["target"]]
    cells = grid.to_numpy(dtype=float)
    rows, columns = cells.shape
    figure, axes = plt.subplots(figsize=(2.6 + 0.5 * columns, 1.7 + 0.36 * rows), layout="constrained")
    image = axes.imshow(cells, cmap="viridis", aspect="auto")
    middle = (np.nanmin(cells) + np.nanmax(cells)) / 2
    for row in range(rows):
        for column in range(columns):
            if not np.isnan(value := cells[row, column]):
                axes.text(column, row, f"{value:.0f}", ha="center", va="center", fontsize=7, color="black" if value > middle else "white")
    slanted: dict[str, Any] = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"}
    axes.set_xticks(range(columns), [scores.datasets[name].title for name in order["target"]], **slanted)
    axes.set_yticks(range(rows), [scores.datasets[name].title for name in order["source"]])
    axes.set_xlabel("tested on")
    axes.set_ylabel("probe trained on")
    figure.colorbar(image, label=f"{metric_name(scores)} (%)")
    figure.suptitle(f"{scores.task.title}, transfer at step {table['step'].iloc[0]:,}", fontsize=9)
    return figure


FIGURE = FigureKind(
    shows="transfer",
    caption=(
        "Accuracy of each dataset's probes on each parallel test set, at the last checkpoint. The layer is the one that is best on the"
        " dataset's own development set, among the layers measured on the test set. Mean over seeds."
    ),
    table=last_transfer,
    plot=plot_transfer_matrix,
)
