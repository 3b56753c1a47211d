"""A score over pretraining, a panel a dataset, a line a layer."""

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from xlprobe.figures.declaration import FigureKind
from xlprobe.figures.drawing import GREY, headline, legend_below, metric_name, panels, plot_band, scale_steps, titles, with_bands
from xlprobe.metrics.curves import Scores, alignment_curves


def plot_layer_curves(table: pd.DataFrame, scores: Scores) -> Figure:
    """Colours run from the embedding layer, dark, to the last, bright."""
    table, bands = with_bands(table, scores)
    figure, of_dataset = panels(titles(scores, table["dataset"]))
    layers = sorted(table["layer"].unique())
    colours = plt.get_cmap("viridis")([0.9 * place / max(1, len(layers) - 1) for place in range(len(layers))])
    for dataset, axes in of_dataset.items():
        for layer, colour in zip(layers, colours, strict=True):
            line = table[(table["dataset"] == dataset) & (table["layer"] == layer)]
            # Many lie over each other.
            plot_band(axes, line, colour, f"layer {layer}", alpha=0.12)
        baseline = 100 * table.loc[table["dataset"] == dataset, "diagonal"].iloc[0]
        axes.axhline(baseline, color=GREY, linestyle="--", linewidth=0.9, label="baseline, diagonal")
        scale_steps(axes, sorted(table["step"].unique()))
    legend_below(figure, min(7, len(layers) + 1))
    title = f"{scores.task.title}: {metric_name(scores)} over pretraining, by layer (0: embeddings); {bands}"
    headline(figure, title, f"{metric_name(scores)} (%)")
    return figure


FIGURE = FigureKind(
    shows="alignment",
    caption=(
        "F1 of word alignments against gold links over pretraining, a line a layer. The dashed line is a baseline without vectors: each"
        " word is linked to the word at its place in the other sentence. Bands are intervals over test sentences; in a run without"
        " intervals they span the model's trainings, if it has several."
    ),
    table=alignment_curves,
    plot=plot_layer_curves,
)
