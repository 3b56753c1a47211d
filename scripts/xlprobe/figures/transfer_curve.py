"""Transfer over pretraining, by how source and target are related: one language, one family, different families."""

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from xlprobe.figures.declaration import FigureKind
from xlprobe.figures.drawing import BLUE, GREEN, GREY, ORANGE, headline, legend_below, metric_name, plot_band, scale_steps, with_bands
from xlprobe.metrics.curves import OTHER_FAMILY, SAME_FAMILY, SAME_LANGUAGE, Scores, transfer_curves

RELATIONS = {SAME_LANGUAGE: ORANGE, SAME_FAMILY: GREEN, OTHER_FAMILY: BLUE}
# What stands beside each curve, as lines in its colour.
BASELINES = {"word_type": ("most frequent label by form", "--"), "majority": ("most frequent label", ":")}


def plot_transfer_curve(table: pd.DataFrame, scores: Scores) -> Figure:
    """One panel, a line a relation; each has its baselines in its own colour."""
    table, bands = with_bands(table, scores, "the pairs' mean intervals")
    figure, axes = plt.subplots(figsize=(6.2, 4.2), layout="constrained")
    for relation, colour in RELATIONS.items():
        line = table[table["relation"] == relation]
        if len(line):
            plot_band(axes, line, colour, f"{relation} ({line['pairs'].iloc[0]} pair{'' if line['pairs'].iloc[0] == 1 else 's'})")
            for name, (_, style) in BASELINES.items():
                if pd.notna(baseline := 100 * line[name].iloc[0]):
                    axes.axhline(baseline, color=colour, linestyle=style, linewidth=0.9)
    for name, (label, style) in BASELINES.items():
        if table[name].notna().any():
            axes.plot([], [], color=GREY, linestyle=style, linewidth=0.9, label=f"baseline, {label}")
    scale_steps(axes, sorted(table["step"].unique()))
    axes.set_xlabel("updates")
    legend_below(figure, 2)
    title = f"{scores.task.title}, transfer to parallel test sets, by the probe's language; {bands}"
    headline(figure, title, f"{metric_name(scores)} (%)")
    return figure


FIGURE = FigureKind(
    shows="transfer",
    caption=(
        "Accuracy of the unchanged probes on the parallel test sets. The curves say how the language that a probe was trained on is"
        " related to the language that is tested. Each probe is taken at the layer that is best on its own development set, among the"
        " layers measured on the test set. Means over a target's sources, then over targets. Bands are such means of the pairs' own"
        " intervals over test sentences and the probes' seeds, so rather too wide than too narrow; they say nothing of other"
        " languages. In a run without intervals they span the seeds. Dashed and dotted, in the colour of each curve: what the same"
        " pairs reach without vectors, by the most frequent label in the source's train set: of the same form (dashed; sentences have"
        " none), and of all (dotted)."
    ),
    table=transfer_curves,
    plot=plot_transfer_curve,
)
