"""What the figures share: colours, panels, axes, and files."""

import logging
import math
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from xlprobe.files import atomic_path
from xlprobe.metrics.curves import Scores
from xlprobe.tasks.declaration import ProbeTask

# For each PDF it would say, line by line, which tables of a font it leaves out.
logging.getLogger("fontTools").setLevel(logging.WARNING)

# Okabe and Ito's colours, told apart with any colour vision.
BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#555555"
PANEL_WIDTH, PANEL_HEIGHT, MOST_COLUMNS = 2.6, 2.2, 6
CHARACTERS_PER_INCH = 14  # of a headline
CHARACTER_WIDTH, LINE_HEIGHT = 0.65, 1.4  # of tick labels, as shares of the font's size
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


def with_bands(table: pd.DataFrame, scores: Scores, intervals: str = "intervals") -> tuple[pd.DataFrame, str]:
    """A table of curves whose `low` and `high` are what bands show, and what that is, in words.

    Intervals; where the run has none, what the values span (`least` to `most`): those of seeds, or of trainings where there are no
    probes.
    """
    if table["low"].notna().any():
        return table, f"bands are {intervals}"
    if table["least"].equals(table["most"]):
        return table, "this run has no intervals"
    spanned = "seeds" if isinstance(scores.task, ProbeTask) else "trainings"
    return table.assign(low=table["least"], high=table["most"]), f"bands span the {spanned}: this run has no intervals"


def plot_band(axes: Axes, line: pd.DataFrame, colour: Any, label: str, width: float = 1.2, scale: float = 100, alpha: float = 0.25) -> None:
    """A line of `mean` by `step`, per cent unless the scale is another, with a band from `low` to `high`; at a single step, a bar."""
    line = line.sort_values("step")
    axes.plot(line["step"], scale * line["mean"], color=colour, marker="o", markersize=2 * width, linewidth=width, label=label)
    ends = (line["step"], scale * line["low"], scale * line["high"])
    if len(line) == 1:
        axes.vlines(*ends, color=colour, alpha=alpha, linewidth=4 * width)
    else:
        axes.fill_between(*ends, color=colour, alpha=alpha, linewidth=0)


def colour_scale(percentages: "np.ndarray | pd.Series") -> Normalize:
    """From the lowest to the highest of some percentages, or a point to each side where all are the same; missing ones do not count."""
    low, high = np.nanmin(percentages), np.nanmax(percentages)
    return Normalize(low, high) if low < high else Normalize(low - 1, high + 1)


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


def scale_steps(axes: Axes, steps: Sequence[int]) -> None:
    """Mark steps of the schedule; logarithmic from the first one on where the schedule spans more than a factor of 20.

    The first and the last are named, and between them as many as have room. Call it once all is drawn.
    """
    positive = [step for step in steps if step > 0]
    if positive and positive[-1] > 20 * positive[0]:
        if steps[0] > 0:
            axes.set_xscale("log")
        else:
            axes.set_xscale("symlog", linthresh=positive[0], linscale=0.5)
            axes.set_xlim(-0.2 * positive[0], 1.2 * positive[-1])
        axes.xaxis.set_minor_locator(NullLocator())
    shown = _with_room(axes, steps)
    axes.set_xticks(shown, [f"{step:,}" for step in shown])


def name_columns(axes: Axes, steps: Sequence[int]) -> None:
    """Name the steps that are the columns of a heatmap: all; where they have no room, upright, and then evenly thinned."""
    names = [f"{step:,}" for step in steps]
    # Before the layout is made, a bit less than it will be.
    width = _points(axes.bbox.width)
    upright = len(steps) * max(map(_label_width, names)) > width
    shown = spread(len(steps), int(width / (LINE_HEIGHT * plt.rcParams["font.size"]))) if upright else range(len(steps))
    axes.set_xticks([*shown], [names[place] for place in shown], rotation=90 if upright else 0)


def _with_room(axes: Axes, steps: Sequence[int]) -> list[int]:
    """As many steps, evenly spread over an axis, as labels have room; the first and the last anyway."""
    axes.autoscale_view()
    places = _points(axes.transData.transform([(step, 0) for step in steps])[:, 0])
    for most in range(len(steps), 2, -1):
        shown = sorted({int(np.abs(places - place).argmin()) for place in np.linspace(places[0], places[-1], most)})
        halves = np.array([_label_width(f"{steps[place]:,}") / 2 for place in shown])
        if (np.diff(places[shown]) >= halves[:-1] + halves[1:]).all():
            return [steps[place] for place in shown]
    return sorted({steps[0], steps[-1]})


def _points(pixels: Any) -> Any:
    return pixels * 72 / plt.rcParams["figure.dpi"]


def _label_width(label: str) -> float:
    """How wide a tick's label is, and the space after it, in points."""
    return CHARACTER_WIDTH * float(plt.rcParams["font.size"]) * (len(label) + 1)


def spread(count: int, most: int) -> list[int]:
    """At most `most` of the places 0 to count - 1, ends included, evenly spread: as even as whole numbers can be.

    >>> spread(9, 7), spread(13, 7), spread(12, 4)
    ([0, 2, 4, 6, 8], [0, 2, 4, 6, 8, 10, 12], [0, 4, 7, 11])
    """
    most = min(count, most)
    for shown in range(most, max(2, most // 2), -1):
        if (count - 1) % (shown - 1) == 0:
            return [*range(0, count, (count - 1) // (shown - 1))]
    return sorted({round(place) for place in np.linspace(0, count - 1, most)})


def save_figure(figure: Figure, table: pd.DataFrame, png: Path, pdf: Path, csv: Path) -> None:
    """Write a figure and the table behind it; without dates, so that equal figures are equal files."""
    with atomic_path(png) as temporary:
        figure.savefig(temporary, format="png", dpi=200, metadata={"Software": None})
    with atomic_path(pdf) as temporary:
        figure.savefig(temporary, format="pdf", metadata={"CreationDate": None})
    with atomic_path(csv) as temporary:
        table.to_csv(temporary, index=False, float_format="%.6f")
    plt.close(figure)
