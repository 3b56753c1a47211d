"""Transfer over pretraining, by how source and target are related: one language, one family, different families."""

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from xlprobe.figures.declaration import FigureKind
from xlprobe.figures.drawing import BLUE, GREEN, ORANGE, headline, legend_below, plot_band, scale_steps
from xlprobe.figures.scores import Scores

RELATIONS = {"the same language": ORANGE, "another of the family": GREEN, "another family": BLUE}


def transfer_scores(scores: Scores) -> pd.DataFrame:
    """Scores of each source's probes on each parallel test set, at the layer that is best on the source's own dev set.

    Of the layers that both are measured at, where these differ.

    Returns:
        Rows of the scores table with a column `relation`, a key of `RELATIONS`.
    """
    chosen = scores.of_model(scores.of_task(), "test")
    chosen = chosen[chosen["source"] != chosen["target"]]
    pair = ["source", "target", "step"]
    measured = chosen[[*pair, "layer"]].drop_duplicates().sort_values("layer").merge(scores.on_dev().rename("dev").reset_index())
    best = measured.loc[measured.groupby(pair)["dev"].idxmax(), [*pair, "layer"]]
    chosen = chosen.merge(best)
    return chosen.assign(relation=[_relation(scores, *pair) for pair in zip(chosen["source"], chosen["target"], strict=True)])


def transfer_curve_table(scores: Scores) -> pd.DataFrame:
    """Mean by step and relation, with low and high over seeds, and the number of pairs.

    Means are taken over a target's sources first, then over targets, so that each target weighs the same. Of inference sets
    that are measured in one form and as published, too, the latter are left out: no pair of languages counts twice.
    """
    pairs = transfer_scores(scores)
    if pairs["text_form"].nunique() > 1:
        pairs = pairs[pairs["text_form"] != "published"]
    seeds = ["training_seed", "seed"]
    by_target = pairs.groupby(["relation", "step", *seeds, "target"], dropna=False)["value"].mean()
    by_seed = by_target.groupby(["relation", "step", *seeds], dropna=False).mean().groupby(["relation", "step"]).agg(["mean", "min", "max"])
    counted = pairs.drop_duplicates(["relation", "step", "source", "target"]).groupby(["relation", "step"]).size()
    return by_seed.set_axis(["mean", "low", "high"], axis=1).assign(pairs=counted).reset_index()


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
    headline(figure, title, f"{scores.metric} (%)")
    return figure


def _relation(scores: Scores, source: str, target: str) -> str:
    one, other = scores.datasets[source], scores.datasets[target]
    same_language, same_family, other_family = RELATIONS
    return same_language if one.language == other.language else same_family if one.family == other.family else other_family


FIGURE = FigureKind(transfer_curve_table, plot_transfer_curve)
