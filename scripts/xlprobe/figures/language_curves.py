"""A score of the model itself over pretraining, a panel a language: on held-out and on parallel text."""

import pandas as pd
from matplotlib.figure import Figure

from xlprobe.figures.declaration import FigureKind
from xlprobe.figures.drawing import BLUE, ORANGE, headline, legend_below, panels, plot_band, scale_steps
from xlprobe.figures.scores import Scores

CURVES = {"valid": ("held-out text", BLUE), "test": ("parallel text", ORANGE)}


def language_curves_table(scores: Scores) -> pd.DataFrame:
    """Scores by language, split and step; of several trainings their mean, and the ends of all their intervals."""
    chosen = scores.in_language()
    groups = chosen[chosen["model"] == scores.model].groupby(["source", "split", "step"], as_index=False)
    table = groups.agg(mean=("value", "mean"), low=("low", "min"), high=("high", "max"))
    return table.rename(columns={"source": "dataset"})


def plot_language_curves(table: pd.DataFrame, scores: Scores) -> Figure:
    """One scale for all panels."""
    figure, of_language = panels(scores.titles(table["dataset"]))
    for language, axes in of_language.items():
        here = table[table["dataset"] == language]
        for split, (label, colour) in CURVES.items():
            if len(line := here[here["split"] == split]):
                plot_band(axes, line, colour, label, scale=1)
        scale_steps(axes, sorted(table["step"].unique()))
    legend_below(figure, 2)
    better = {"lower": "less is better", "higher": "more is better"}[scores.task.direction]
    headline(figure, f"{scores.task.title} over pretraining ({better}); bands are intervals", scores.metric.replace("_", " "))
    return figure


FIGURE = FigureKind(language_curves_table, plot_language_curves)
