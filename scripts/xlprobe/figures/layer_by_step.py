"""A heatmap a dataset: layers upwards, steps to the right, colour the mean score on one scale for all."""

import pandas as pd
from matplotlib.figure import Figure

from xlprobe.figures.declaration import FigureKind
from xlprobe.figures.drawing import colour_scale, headline, metric_name, name_columns, panels, spread, titles
from xlprobe.metrics.curves import Scores, layer_sweeps


def plot_layer_by_step(table: pd.DataFrame, scores: Scores) -> Figure:
    """All steps are named on the axes, or as many as have room, and at most 7 layers."""
    figure, of_dataset = panels(titles(scores, table["dataset"]))
    scale = colour_scale(100 * table["mean"])
    for dataset, axes in of_dataset.items():
        grid = table[table["dataset"] == dataset].pivot(index="layer", columns="step", values="mean")
        image = axes.imshow(100 * grid.to_numpy(), origin="lower", aspect="auto", cmap="viridis", norm=scale)
        name_columns(axes, [*grid.columns])
        shown = spread(len(grid.index), 7)
        axes.set_yticks(shown, [str(grid.index[place]) for place in shown])
    figure.colorbar(image, ax=list(of_dataset.values()), label=f"{metric_name(scores)} (%)", fraction=0.02, pad=0.01)
    title = f"{scores.task.title}, probes in language: test {metric_name(scores)} by layer and step, mean over seeds"
    headline(figure, title, "layer (0: embeddings)")
    return figure


FIGURE = FigureKind(
    shows="probes",
    caption=(
        "Test accuracy of the probes by layer (0: embeddings) and step, mean over seeds. There is a panel for each dataset that is"
        " measured at several layers. All panels share one colour scale."
    ),
    table=layer_sweeps,
    plot=plot_layer_by_step,
    lacking="no test example, or a single layer",
)
