"""Transfer over pretraining, by how source and target are related: one language, one family, different families."""

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from xlprobe.figures import FigureKind, Scores
from xlprobe.figures.drawing import BLUE, GREEN, ORANGE, plot_band, scale_steps

RELATIONS = {"the same language": ORANGE, "another of the family": GREEN, "another family": BLUE}


def transfer_scores(scores: Scores) -> pd.DataFrame:
    """Scores of each source's probes on each parallel test set, at the source's best layer on its own dev set.

    Returns:
        Rows of the scores table with a column `relation`, a key of `RELATIONS`.
    """
    chosen = scores.of_model(scores.of_task(), "test")
    chosen = chosen[chosen["source"] != chosen["target"]]
    wanted = pd.MultiIndex.from_frame(chosen[["source", "step"]]).map(scores.best_layers())
    chosen = chosen[chosen["layer"].to_numpy() == wanted.to_numpy()]
    return chosen.assign(relation=[_relation(scores, *pair) for pair in zip(chosen["source"], chosen["target"], strict=True)])


def transfer_curve_table(scores: Scores) -> pd.DataFrame:
    """Mean over pairs by step and relation, with low and high over seeds, and the number of pairs."""
    by_seed = transfer_scores(scores).groupby(["relation", "step", "seed"])["value"].agg(["mean", "size"]).reset_index()
    groups = by_seed.groupby(["relation", "step"])
    return groups.agg(mean=("mean", "mean"), low=("mean", "min"), high=("mean", "max"), pairs=("size", "first")).reset_index()


def plot_transfer_curve(table: pd.DataFrame, scores: Scores) -> Figure:
    """One panel, a line a relation."""
    figure, axes = plt.subplots(figsize=(5.5, 3.4), layout="constrained")
    for relation, colour in RELATIONS.items():
        line = table[table["relation"] == relation]
        if len(line):
            plot_band(axes, line, colour, f"{relation} ({line['pairs'].iloc[0]} pairs)")
    scale_steps(axes, sorted(table["step"].unique()))
    axes.set_xlabel("updates")
    axes.set_ylabel(f"{scores.task.metric} (%)")
    axes.legend(frameon=False, title="probe trained on")
    title = f"{scores.task.name.upper()} probes on parallel test sets, by their source: mean over pairs; bands span the seeds"
    figure.suptitle(title, fontsize=9)
    return figure


def _relation(scores: Scores, source: str, target: str) -> str:
    one, other = scores.datasets[source], scores.datasets[target]
    same_language, same_family, other_family = RELATIONS
    return same_language if one.language == other.language else same_family if one.family == other.family else other_family


FIGURE = FigureKind(transfer_curve_table, plot_transfer_curve)
