"""A score over pretraining, a panel a dataset: the last layer, and at each step the layer that is best on dev."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from xlprobe.figures.declaration import FigureKind
from xlprobe.figures.drawing import BLUE, GREEN, GREY, ORANGE, headline, legend_below, panels, plot_band, scale_steps
from xlprobe.figures.scores import Scores

# What stands beside the curves, as lines.
BASELINES = {
    "word_type": ("most frequent label by form", GREY, "--"),
    "hypothesis_only": ("hypothesis alone", GREY, "--"),
    "word_overlap": ("word overlap", GREEN, ":"),
}


def learning_curve_table(scores: Scores) -> pd.DataFrame:
    """Test scores in language by step, of the last layer and of the layer that is best on dev at that step.

    Returns:
        Columns dataset, step, curve (`last layer`, `best layer`), layer, mean, low and high over seeds, and the baselines, missing
        where the task has them not.
    """
    chosen = scores.in_language()
    names = [*BASELINES, "majority"]
    baselines = chosen[chosen["step"].isna() & (chosen["split"] == "test")].set_index(["source", "model"])["value"]
    test = scores.of_model(chosen, "test").groupby(["source", "step", "layer"])["value"].agg(["mean", "min", "max"])
    rows = []
    for (dataset, step), best in scores.best_layers().items():
        if (dataset, step) not in test.index:
            continue
        layers = test.loc[(dataset, step)]
        for curve, layer in (("last layer", layers.index.max()), ("best layer", best)):
            of_baselines = (baselines.get((dataset, name), np.nan) for name in names)
            rows.append((dataset, step, curve, layer, *layers.loc[layer], *of_baselines))
    return pd.DataFrame(rows, columns=["dataset", "step", "curve", "layer", "mean", "low", "high", *names])


def plot_learning_curves(table: pd.DataFrame, scores: Scores) -> Figure:
    """The band of a curve spans the seeds; the baselines stand beside."""
    figure, of_dataset = panels(scores.titles(table["dataset"]))
    for dataset, axes in of_dataset.items():
        here = table[table["dataset"] == dataset]
        # The wider one is seen where the two are the same.
        for curve, colour, width in (("best layer", ORANGE, 2.0), ("last layer", BLUE, 1.2)):
            plot_band(axes, here[here["curve"] == curve], colour, curve, width)
        for name, (label, colour, style) in BASELINES.items():
            if pd.notna(baseline := 100 * here[name].iloc[0]):
                axes.axhline(baseline, color=colour, linestyle=style, linewidth=0.9, label=f"baseline, {label}")
        # As a line beside the others, this baseline would flatten the curves.
        axes.set_title(f"{axes.get_title()}\nmost frequent label: {100 * here['majority'].iloc[0]:.1f} %")
        scale_steps(axes, sorted(table["step"].unique()))
    legend_below(figure, 3)
    title = f"{scores.task.title}, probes in language: test {scores.metric} over pretraining; bands span the seeds"
    headline(figure, title, f"{scores.metric} (%)")
    return figure


FIGURE = FigureKind(learning_curve_table, plot_learning_curves)
