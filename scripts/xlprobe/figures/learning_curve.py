"""A score over pretraining, a panel a dataset: the last layer, and at each step the layer that is best on dev."""

import pandas as pd
from matplotlib.figure import Figure

from xlprobe.figures.declaration import FigureKind
from xlprobe.figures.drawing import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    headline,
    legend_below,
    metric_name,
    panels,
    plot_band,
    scale_steps,
    titles,
    with_bands,
)
from xlprobe.metrics.curves import Scores, learning_curves

# What stands beside the curves, as lines.
BASELINES = {
    "word_type": ("most frequent label by form", GREY, "--"),
    "hypothesis_only": ("hypothesis alone", GREY, "--"),
    "word_overlap": ("word overlap", GREEN, ":"),
}


def plot_learning_curves(table: pd.DataFrame, scores: Scores) -> Figure:
    """The baselines stand beside the curves."""
    table, bands = with_bands(table, scores)
    figure, of_dataset = panels(titles(scores, table["dataset"]))
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
    title = f"{scores.task.title}, probes in language: test {metric_name(scores)} over pretraining; {bands}"
    headline(figure, title, f"{metric_name(scores)} (%)")
    return figure


FIGURE = FigureKind(
    shows="probes",
    caption=(
        "Test accuracy of the probes over pretraining, a panel a dataset. One curve is the last measured layer. The other is, at each"
        " step, the layer that is best on the development set. Bands are intervals over test sentences and the probes' seeds; in a run"
        " without intervals they span the seeds. The dashed and dotted lines are baselines without vectors. For words, the baseline is"
        " the most frequent label of the word's form in train. For pairs of words, it is the most frequent label of the two forms; if"
        " train does not have this pair of forms, that of the first form; if train has neither, that of all pairs. For pairs of"
        " sentences, there are two: a logistic regression on the words of the hypothesis alone, and one on how"
        " much of the hypothesis stands in the premise."
    ),
    table=learning_curves,
    plot=plot_learning_curves,
)
