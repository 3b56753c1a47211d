"""Figures, each with the table behind it: PNG, PDF and CSV of one name."""

import math
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from xlprobe.files import atomic_path
from xlprobe.resources import languages, treebanks
from xlprobe.tasks import load_task

# Okabe and Ito's colours, told apart with any colour vision.
BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#555555"
PANEL_WIDTH, PANEL_HEIGHT, MOST_COLUMNS = 2.6, 2.2, 6
STYLE: dict[Any, Any] = {"font.size": 8, "axes.titlesize": 8, "axes.spines.top": False, "axes.spines.right": False, "pdf.fonttype": 42}


def title_of(dataset: str) -> str:
    """A panel's title: the language's name and the treebank's."""
    return f"{languages()[treebanks()[dataset].language].name} ({dataset})"


def learning_curve_table(scores: pd.DataFrame, model: str, task: str) -> pd.DataFrame:
    """Test accuracy in language by step, of the last layer and of the layer that is best on dev at that step.

    Returns:
        Columns dataset, step, curve (`last layer`, `best layer`), layer, mean, low and high over seeds, and the two
        baselines.
    """
    own = scores["metric"] == load_task(task).metric
    chosen = scores[(scores["task"] == task) & own & (scores["source"] == scores["target"])]
    baselines = chosen[chosen["step"].isna() & (chosen["split"] == "test")].set_index(["source", "model"])["value"]
    probes = chosen[chosen["model"] == model]
    by_split = {
        split: group.groupby(["source", "step", "layer"])["value"].agg(["mean", "min", "max"]) for split, group in probes.groupby("split")
    }
    rows = []
    for (dataset, step), layers in by_split["test"].groupby(level=["source", "step"]):
        layers = layers.droplevel(["source", "step"])
        best = by_split["dev"].loc[(dataset, step)]["mean"].idxmax()
        for curve, layer in (("last layer", layers.index.max()), ("best layer", best)):
            mean, low, high = layers.loc[layer]
            rows.append((dataset, step, curve, layer, mean, low, high, baselines[dataset, "word_type"], baselines[dataset, "majority"]))
    return pd.DataFrame(rows, columns=["dataset", "step", "curve", "layer", "mean", "low", "high", "word_type", "majority"])


def layer_by_step_table(scores: pd.DataFrame, model: str, task: str) -> pd.DataFrame:
    """Mean test accuracy over seeds, in language, for each dataset, layer and step."""
    own = scores["metric"] == load_task(task).metric
    chosen = scores[
        (scores["task"] == task) & own & (scores["source"] == scores["target"]) & (scores["model"] == model) & (scores["split"] == "test")
    ]
    means = chosen.groupby(["source", "layer", "step"], as_index=False)["value"].mean()
    return means.rename(columns={"source": "dataset", "value": "mean"})


def plot_learning_curves(table: pd.DataFrame, task: str) -> Figure:
    """A panel a dataset: accuracy by step, the band from the lowest seed to the highest, the baselines beside."""
    figure, panels = _panels(sorted(table["dataset"].unique()))
    for dataset, axes in panels.items():
        here = table[table["dataset"] == dataset]
        for curve, colour in (("best layer", ORANGE), ("last layer", BLUE)):
            line = here[here["curve"] == curve].sort_values("step")
            axes.plot(line["step"], 100 * line["mean"], color=colour, marker="o", markersize=2.5, linewidth=1.2, label=f"{curve}")
            axes.fill_between(line["step"], 100 * line["low"], 100 * line["high"], color=colour, alpha=0.25, linewidth=0)
        axes.axhline(100 * here["word_type"].iloc[0], color=GREY, linestyle="--", linewidth=0.9, label="baseline, word's most frequent tag")
        # As a line, this baseline would flatten the curves.
        axes.set_title(f"{title_of(dataset)}\nmajority tag: {100 * here['majority'].iloc[0]:.1f} %")
        _scale_steps(axes, sorted(table["step"].unique()))
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False)
    figure.suptitle(f"{task.upper()} probes in language: test accuracy over pretraining; bands span the seeds", fontsize=9)
    figure.supylabel("accuracy (%)", fontsize=8)
    return figure


def plot_layer_by_step(table: pd.DataFrame, task: str) -> Figure:
    """A heatmap a dataset: layers upwards, steps to the right, colour the mean accuracy on one scale for all."""
    figure, panels = _panels(sorted(table["dataset"].unique()))
    low, high = 100 * table["mean"].min(), 100 * table["mean"].max()
    for dataset, axes in panels.items():
        grid = table[table["dataset"] == dataset].pivot(index="layer", columns="step", values="mean")
        image = axes.imshow(100 * grid.to_numpy(), origin="lower", aspect="auto", cmap="viridis", vmin=low, vmax=high)
        shown = _spread(len(grid.columns), 4)
        axes.set_xticks(shown, [f"{grid.columns[place]:,}" for place in shown])
        shown = _spread(len(grid.index), 7)
        axes.set_yticks(shown, [str(grid.index[place]) for place in shown])
    figure.colorbar(image, ax=list(panels.values()), label="accuracy (%)", fraction=0.02, pad=0.01)
    figure.suptitle(f"{task.upper()} probes in language: test accuracy by layer and step, mean over seeds", fontsize=9)
    figure.supylabel("layer (0: embeddings)", fontsize=8)
    return figure


def save_figure(figure: Figure, table: pd.DataFrame, png: Path, pdf: Path, csv: Path) -> None:
    """Write a figure and the table behind it; without dates, so that equal figures are equal files."""
    with atomic_path(png) as temporary:
        figure.savefig(temporary, format="png", dpi=200, metadata={"Software": None})
    with atomic_path(pdf) as temporary:
        figure.savefig(temporary, format="pdf", metadata={"CreationDate": None})
    with atomic_path(csv) as temporary:
        table.to_csv(temporary, index=False, float_format="%.6f")
    plt.close(figure)


FIGURES = {
    "learning_curve": (learning_curve_table, plot_learning_curves),
    "layer_by_step": (layer_by_step_table, plot_layer_by_step),
}


def draw(kind: str, scores_path: Path, model: str, task: str, png: Path, pdf: Path, csv: Path) -> None:
    """Draw one of `FIGURES` from the scores table."""
    make_table, plot = FIGURES[kind]
    table = make_table(pd.read_parquet(scores_path), model, task)
    with plt.rc_context(STYLE):
        save_figure(plot(table, task), table, png, pdf, csv)


def _panels(datasets: list[str]) -> tuple[Figure, dict[str, Axes]]:
    """A figure with a titled panel a dataset; places in the grid that no dataset takes are removed."""
    columns = min(MOST_COLUMNS, max(2, math.ceil(math.sqrt(len(datasets) * 1.5)))) if len(datasets) > 1 else 1
    rows = math.ceil(len(datasets) / columns)
    figure, grid = plt.subplots(
        rows,
        columns,
        figsize=(max(5.5, PANEL_WIDTH * columns + 0.6), PANEL_HEIGHT * rows + 1.0),
        sharey=True,
        squeeze=False,
        layout="constrained",
    )
    places = grid.ravel()
    for unused in places[len(datasets) :]:
        unused.remove()
    for place, (dataset, axes) in enumerate(zip(datasets, places, strict=False)):
        axes.set_title(title_of(dataset))
        if place + columns >= len(datasets):
            axes.set_xlabel("updates")
    return figure, dict(zip(datasets, places, strict=False))


def _scale_steps(axes: Axes, steps: list[int]) -> None:
    """Mark the schedule's steps; logarithmic from the first one on where the schedule spans more than a factor of 20."""
    positive = [step for step in steps if step > 0]
    if positive and positive[-1] > 20 * positive[0]:
        axes.set_xscale("symlog", linthresh=positive[0], linscale=0.5)
        axes.set_xlim(left=-0.2 * positive[0])
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_xticks([steps[place] for place in _spread(len(steps), 4)])
    else:
        axes.locator_params(axis="x", nbins=4)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")


def _spread(count: int, most: int) -> list[int]:
    """At most `most` of the places 0 to count - 1, evenly spread, ends included."""
    return sorted({round(place) for place in np.linspace(0, count - 1, min(count, most))})
