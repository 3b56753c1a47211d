"""A score of the model itself over pretraining, a panel a language: on held-out and on parallel text."""

import pandas as pd
from matplotlib.figure import Figure

from xlprobe.figures.declaration import FigureKind
from xlprobe.figures.drawing import BLUE, ORANGE, headline, legend_below, metric_name, panels, plot_band, scale_steps, titles, with_bands
from xlprobe.metrics.curves import Scores, split_curves

CURVES = {"valid": ("held-out text", BLUE), "test": ("parallel text", ORANGE)}


def plot_language_curves(table: pd.DataFrame, scores: Scores) -> Figure:
    """One scale for all panels."""
    table, bands = with_bands(table, scores)
    figure, of_language = panels(titles(scores, table["dataset"]))
    for language, axes in of_language.items():
        here = table[table["dataset"] == language]
        for split, (label, colour) in CURVES.items():
            if len(line := here[here["split"] == split]):
                plot_band(axes, line, colour, label, scale=1)
        scale_steps(axes, sorted(table["step"].unique()))
    legend_below(figure, 2)
    better = {"lower": "less is better", "higher": "more is better"}[scores.task.direction]
    headline(figure, f"{scores.task.title} over pretraining ({better}); {bands}", metric_name(scores))
    return figure


FIGURE = FigureKind(
    shows="bpc",
    caption=(
        "Bits per character of the model itself over pretraining, a panel a language, on held-out text, a line at a time, and on the"
        " parallel test set."
        " Compare checkpoints with them, not languages in different scripts; for these, the scores table has bits per byte and per"
        " parallel sentence. Bands are bootstrap intervals over documents, and over the sentences of parallel text; in a run"
        " without intervals they span the model's trainings, if it has several."
    ),
    table=split_curves,
    plot=plot_language_curves,
)
