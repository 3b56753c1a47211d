"""Scores over pretraining on the words whose form alone does not tell the label: ambiguous in train, or unseen there."""

import pandas as pd
from matplotlib.figure import Figure

from xlprobe.figures.declaration import FigureKind
from xlprobe.figures.drawing import BLUE, ORANGE, headline, legend_below, panels, plot_band, scale_steps
from xlprobe.figures.scores import Scores

GROUPS = {"ambiguous": ORANGE, "unseen": BLUE}


def word_groups_table(scores: Scores) -> pd.DataFrame:
    """Test scores on both groups of words by step, at the layer that is best on all dev words at that step.

    Returns:
        Columns dataset, step, group, layer, mean, low and high over seeds, words, and the word-type baseline.
    """
    best = scores.best_layers()
    rows = []
    for group in GROUPS:
        chosen = scores.in_language(f"{scores.task.metric}_{group}")
        baselines = chosen[(chosen["model"] == "word_type") & (chosen["split"] == "test")].set_index("source")["value"]
        test = scores.of_model(chosen, "test").groupby(["source", "step", "layer"]).agg({"value": ["mean", "min", "max"], "n": "first"})
        for (dataset, step), layer in best.items():
            if (dataset, step, layer) in test.index:
                rows.append((dataset, step, group, layer, *test.loc[(dataset, step, layer)], baselines[dataset]))
    return pd.DataFrame(rows, columns=["dataset", "step", "group", "layer", "mean", "low", "high", "words", "word_type"])


def plot_word_groups(table: pd.DataFrame, scores: Scores) -> Figure:
    """A panel a dataset; each group has its baseline in its own colour."""
    figure, of_dataset = panels(scores.titles(table["dataset"]))
    for dataset, axes in of_dataset.items():
        here = table[table["dataset"] == dataset]
        counts = []
        for group, colour in GROUPS.items():
            line = here[here["group"] == group]
            if len(line):
                plot_band(axes, line, colour, f"{group} words")
                baseline = 100 * line["word_type"].iloc[0]
                axes.axhline(baseline, color=colour, linestyle="--", linewidth=0.9, label=f"baseline, {group} words")
                counts.append(f"{line['words'].iloc[0]:,.0f} {group}")
        axes.set_title(f"{axes.get_title()}\n{', '.join(counts)}")
        scale_steps(axes, sorted(table["step"].unique()))
    legend_below(figure, 4)
    title = f"{scores.task.title}, probes on words that are ambiguous, and unseen, in train: best layer; bands span the seeds"
    headline(figure, title, f"{scores.metric} (%)")
    return figure


FIGURE = FigureKind(word_groups_table, plot_word_groups, "no test word that is ambiguous, or unseen, in train")
