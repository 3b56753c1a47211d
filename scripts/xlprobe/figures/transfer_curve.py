"""Transfer over pretraining, by how source and target are related: one language, one family, different families."""

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from xlprobe.figures.declaration import FigureKind
from xlprobe.figures.drawing import BLUE, GREEN, ORANGE, headline, legend_below, metric_name, plot_band, scale_steps
from xlprobe.metrics.curves import OTHER_FAMILY, SAME_FAMILY, SAME_LANGUAGE, Scores, transfer_curves

RELATIONS = {SAME_LANGUAGE: ORANGE, SAME_FAMILY: GREEN, OTHER_FAMILY: BLUE}


def plot_transfer_curve(table: pd.DataFrame, scores: Scores) -> Figure:
    """One panel, a line a relation."""
    figure, axes = plt.subplots(figsize=(6.2, 3.6), layout="constrained")
    for relation, colour in RELATIONS.items():
        line = table[table["relation"] == relation]
        if len(line):
            plot_band(axes, line, colour, f"{relation} ({line['pairs'].iloc[0]} pair{'' if line['pairs'].iloc[0] == 1 else 's'})")
    scale_steps(axes, sorted(table["step"].unique()))
    axes.set_xlabel("updates")
    legend_below(figure, 3)
    title = f"{scores.task.title}, transfer to parallel test sets, by the probe's language; bands span the seeds"
    headline(figure, title, f"{metric_name(scores)} (%)")
    return figure


FIGURE = FigureKind(
    shows="transfer",
    caption=(
        "Accuracy of the unchanged probes on the parallel test sets. The curves say how the language that a probe was trained on is"
        " related to the language that is tested. Each probe is taken at the layer that is best on its own development set, among the"
        " layers measured on the test set. Means over a target's sources, then over targets; bands span the probes' seeds."
    ),
    table=transfer_curves,
    plot=plot_transfer_curve,
)
