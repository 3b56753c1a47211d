"""What the figures share: colours, panels, axes, and files."""

import math
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullLocator

from xlprobe.files import atomic_path
from xlprobe.metrics.curves import Scores

# Okabe and Ito's colours, told apart with any colour vision.
BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#555555"
PANEL_WIDTH, PANEL_HEIGHT, MOST_COLUMNS = 2.6, 2.2, 6
CHARACTERS_PER_INCH = 15.5  # of a headline
STYLE: dict[Any, Any] = {"font.size": 8, "axes.titlesize": 8, "axes.spines.top": False, "axes.spines.right": False, "pdf.fonttype": 42}


def panels(titles: Mapping[str, str]) -> tuple[Figure, dict[str, Axes]]:
    """A figure with a panel under each title; places in the grid that no panel takes are removed."""
    count = len(titles)
    columns = min(MOST_COLUMNS, max(2, math.ceil(math.sqrt(count * 1.5)))) if count > 1 else 1
    rows = math.ceil(count / columns)
    size = (max(5.5, PANEL_WIDTH * columns + 0.6), PANEL_HEIGHT * rows + 1.0)
    figure, grid = plt.subplots(rows, columns, figsize=size, sharey=True, squeeze=False, layout="constrained")
    places = grid.ravel()
    for unused in places[count:]:
        unused.remove()
    for place, (title, axes) in enumerate(zip(titles.values(), places, strict=False)):
        axes.set_title(title)
        if place + columns >= count:
            axes.set_xlabel("updates")
    return figure, dict(zip(titles, places, strict=False))


def titles(scores: Scores, names: pd.Series) -> dict[str, str]:
    """The titles of the datasets that occur, in order of their names."""
    return {name: scores.datasets[name].title for name in sorted(names.unique())}


def metric_name(scores: Scores) -> str:
    """The task's metric, as figures write it."""
    return scores.task.metric.replace("f1", "F1").replace("_", " ")


def plot_band(axes: Axes, line: pd.DataFrame, colour: Any, label: str, width: float = 1.2, scale: float = 100) -> None:
    """A line of `mean` by `step`, per cent unless the scale is another, with a band from `low` to `high`."""
    line = line.sort_values("step")
    axes.plot(line["step"], scale * line["mean"], color=colour, marker="o", markersize=2 * width, linewidth=width, label=label)
    axes.fill_between(line["step"], scale * line["low"], scale * line["high"], color=colour, alpha=0.25, linewidth=0)


def legend_below(figure: Figure, columns: int) -> None:
    """One legend for all panels, below them; in two columns where the figure is too narrow for more."""
    handles: dict[str, Any] = {}
    for axes in figure.axes:
        handles |= dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
    figure.legend(
        list(handles.values()),
        list(handles),
        loc="outside lower center",
        ncols=columns if figure.get_figwidth() > 1.6 * columns else 2,
        frameon=False,
    )


def headline(figure: Figure, title: str, vertical: str) -> None:
    """The title above all panels, on lines of one length where one is not enough, and what their vertical axes show."""
    most = round(CHARACTERS_PER_INCH * figure.get_figwidth())
    even = math.ceil(len(title) / math.ceil(len(title) / most)) + len("a word")
    figure.suptitle(textwrap.fill(title, min(most, even)), fontsize=9)
    figure.supylabel(vertical, fontsize=8)


def blank(title: str, why: str) -> Figure:
    """A figure without a panel, which says why there is nothing to show."""
    figure = plt.figure(figsize=(5.5, 1.6), layout="constrained")
    figure.text(0.5, 0.4, f"nothing to show: {why}", ha="center", va="center", fontsize=8, color=GREY)
    figure.suptitle(title, fontsize=9)
    return figure


def add_note(figure: Figure, note: str) -> None:
    """A further line of the headline."""
    lines = textwrap.fill(note, round(CHARACTERS_PER_INCH * figure.get_figwidth()))
    figure.suptitle(f"{figure.get_suptitle()}\n{lines}", fontsize=9)


def scale_steps(axes: Axes, steps: list[int]) -> None:
    """Mark the schedule's steps; logarithmic from the first one on where the schedule spans more than a factor of 20."""
    positive = [step for step in steps if step > 0]
    if positive and positive[-1] > 20 * positive[0]:
        axes.set_xscale("symlog", linthresh=positive[0], linscale=0.5)
        axes.set_xlim(left=-0.2 * positive[0])
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_xticks([steps[place] for place in spread(len(steps), 4)])
    elif len(steps) == 1:
        axes.set_xticks(steps)
    else:
        axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")


def spread(count: int, most: int) -> list[int]:
    """At most `most` of the places 0 to count - 1, evenly spread, ends included."""
    return sorted({round(place) for place in np.linspace(0, count - 1, min(count, most))})


def save_figure(figure: Figure, table: pd.DataFrame, png: Path, pdf: Path, csv: Path) -> None:
    """Write a figure and the table behind it; without dates, so that equal figures are equal files."""
    with atomic_path(png) as temporary:
        figure.savefig(temporary, format="png", dpi=200, metadata={"Software": None})
    with atomic_path(pdf) as temporary:
        figure.savefig(temporary, format="pdf", metadata={"CreationDate": None})
    with atomic_path(csv) as temporary:
        table.to_csv(temporary, index=False, float_format="%.6f")
    plt.close(figure)
