"""A heatmap a dataset: layers upwards, steps to the right, colour the mean score on one scale for all."""

import pandas as pd
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from xlprobe.figures.declaration import FigureKind
from xlprobe.figures.drawing import headline, panels, spread
from xlprobe.figures.scores import Scores


def layer_by_step_table(scores: Scores) -> pd.DataFrame:
    """The table of `by_layer`, without datasets measured at a single layer where others are measured at several."""
    table = scores.by_layer()
    several = table.groupby("dataset")["layer"].transform("nunique") > 1
    return table[several] if several.any() else table


def plot_layer_by_step(table: pd.DataFrame, scores: Scores) -> Figure:
    """At most 4 steps and 7 layers are named on the axes."""
    figure, of_dataset = panels(scores.titles(table["dataset"]))
    # One for all, which the colour bar widens where all values are the same.
    scale = Normalize(100 * table["mean"].min(), 100 * table["mean"].max())
    for dataset, axes in of_dataset.items():
        grid = table[table["dataset"] == dataset].pivot(index="layer", columns="step", values="mean")
        image = axes.imshow(100 * grid.to_numpy(), origin="lower", aspect="auto", cmap="viridis", norm=scale)
        shown = spread(len(grid.columns), 4)
        axes.set_xticks(shown, [f"{grid.columns[place]:,}" for place in shown])
        shown = spread(len(grid.index), 7)
        axes.set_yticks(shown, [str(grid.index[place]) for place in shown])
    figure.colorbar(image, ax=list(of_dataset.values()), label=f"{scores.metric} (%)", fraction=0.02, pad=0.01)
    title = f"{scores.task.title}, probes in language: test {scores.metric} by layer and step, mean over seeds"
    headline(figure, title, "layer (0: embeddings)")
    return figure


FIGURE = FigureKind(layer_by_step_table, plot_layer_by_step, "no test example, or a single layer")
