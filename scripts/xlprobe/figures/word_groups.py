"""Scores over pretraining on the words whose form alone does not tell the label: ambiguous in train, or unseen there."""

import pandas as pd
from matplotlib.figure import Figure

from xlprobe.figures.declaration import FigureKind
from xlprobe.figures.drawing import BLUE, ORANGE, headline, legend_below, metric_name, panels, plot_band, scale_steps, titles, with_bands
from xlprobe.metrics.curves import WORD_GROUPS, Scores, word_group_curves

COLOURS = dict(zip(WORD_GROUPS, (ORANGE, BLUE), strict=True))


def plot_word_groups(table: pd.DataFrame, scores: Scores) -> Figure:
    """A panel a dataset; each group has its baseline in its own colour."""
    table, bands = with_bands(table, scores)
    figure, of_dataset = panels(titles(scores, table["dataset"]))
    for dataset, axes in of_dataset.items():
        here = table[table["dataset"] == dataset]
        counts = []
        for group, colour in COLOURS.items():
            line = here[here["group"] == group]
            if len(line):
                plot_band(axes, line, colour, f"{group} words")
                baseline = 100 * line["word_type"].iloc[0]
                axes.axhline(baseline, color=colour, linestyle="--", linewidth=0.9, label=f"baseline, {group} words")
                counts.append(f"{line['words'].iloc[0]:,.0f} {group}")
        axes.set_title(f"{axes.get_title()}\n{', '.join(counts)}")
        scale_steps(axes, sorted(table["step"].unique()))
    legend_below(figure, 4)
    title = f"{scores.task.title}, probes on words that are ambiguous, and unseen, in train: best layer; {bands}"
    headline(figure, title, f"{metric_name(scores)} (%)")
    return figure


FIGURE = FigureKind(
    shows="words",
    caption=(
        "Test accuracy over pretraining on two groups of words whose form alone does not decide the label: words whose form has several"
        " labels in the train set (ambiguous), and words whose form is not in the train set (unseen). At each step, the layer is the"
        " one that is best on all words of the development set. Dashed: the baseline, which is the most frequent label of the word in"
        " train. Bands are intervals over test sentences and the probes' seeds; in a run without intervals they span the seeds."
    ),
    metrics=("{metric}", "{metric}_ambiguous", "{metric}_unseen"),
    table=word_group_curves,
    plot=plot_word_groups,
    lacking="no test word that is ambiguous, or unseen, in train",
)
