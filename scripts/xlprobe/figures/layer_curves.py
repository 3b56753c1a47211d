"""A score over pretraining, a panel a dataset, a line a layer."""

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from xlprobe.figures.declaration import FigureKind
from xlprobe.figures.drawing import headline, legend_below, panels, scale_steps
from xlprobe.figures.scores import Scores


def plot_layer_curves(table: pd.DataFrame, scores: Scores) -> Figure:
    """Colours run from the embedding layer, dark, to the last, bright."""
    figure, of_dataset = panels(scores.titles(table["dataset"]))
    layers = sorted(table["layer"].unique())
    colours = plt.get_cmap("viridis")([0.9 * place / max(1, len(layers) - 1) for place in range(len(layers))])
    for dataset, axes in of_dataset.items():
        for layer, colour in zip(layers, colours, strict=True):
            line = table[(table["dataset"] == dataset) & (table["layer"] == layer)].sort_values("step")
            axes.plot(line["step"], 100 * line["mean"], color=colour, marker="o", markersize=2.5, linewidth=1.2, label=f"layer {layer}")
        scale_steps(axes, sorted(table["step"].unique()))
    legend_below(figure, min(7, len(layers)))
    headline(figure, f"{scores.task.title}: {scores.metric} over pretraining, by layer (0: embeddings)", f"{scores.metric} (%)")
    return figure


FIGURE = FigureKind(Scores.by_layer, plot_layer_curves)
