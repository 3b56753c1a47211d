"""Heatmaps that stand beside each other: each panel has axes of its own, so that panels may show other languages, steps or layers."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

# Inches: what all panels of a row take together, and what ticks, labels and a colour bar take beside and above a panel.
PAGE_WIDTH, BESIDE, ABOVE = 12.5, 1.0, 0.65
LEAST_WIDTH = 5.5


def heatmap_panels(titles: Mapping[str, str], width: float, height: float) -> tuple[Figure, dict[str, Axes]]:
    """A figure with a panel of a width and height in inches under each title; as many in a row as a page holds."""
    count = len(titles)
    columns = min(count, max(1, int(PAGE_WIDTH // (width + BESIDE))))
    rows = math.ceil(count / columns)
    # Rows of one length, as far as that goes.
    columns = math.ceil(count / rows)
    size = (max(LEAST_WIDTH, (width + BESIDE) * columns), (height + ABOVE) * rows + 0.5)
    figure, grid = plt.subplots(rows, columns, figsize=size, squeeze=False, layout="constrained")
    places = grid.ravel()
    for unused in places[count:]:
        unused.remove()
    for title, axes in zip(titles.values(), places, strict=False):
        axes.set_title(title)
    return figure, dict(zip(titles, places, strict=False))


def draw_heatmap(axes: Axes, grid: pd.DataFrame, **colours: Any) -> AxesImage:
    """Cells of a grid, its first row at the top; cells without a value stay white."""
    axes.spines[:].set_visible(False)
    axes.tick_params(length=2)
    return axes.imshow(grid.to_numpy(dtype=float), aspect="auto", interpolation="nearest", **colours)


def name_steps(axes: Axes, steps: Sequence[int], most: int = 6) -> None:
    """Name a heatmap's columns by their steps, the last one and others at equal distances; in thousands where all steps are such."""
    thousands = all(step % 1000 == 0 for step in steps)
    shown = [*range(len(steps) - 1, -1, -math.ceil(len(steps) / most))]
    axes.set_xticks(shown, [f"{steps[place] // 1000:,}k" if thousands else f"{steps[place]:,}" for place in shown])


def name_rows(axes: Axes, names: Sequence[str], height: float) -> None:
    """Name every row of a heatmap of a height in inches, in type that its rows have room for."""
    axes.set_yticks(range(len(names)), names, fontsize=min(8, 60 * height / len(names)))


def name_layers(axes: Axes, layers: Sequence[int], most: int = 13) -> None:
    """Name a heatmap's rows by their layers, from the lowest one on, evenly thinned."""
    shown = range(0, len(layers), math.ceil(len(layers) / most))
    axes.set_yticks(shown, [str(layers[place]) for place in shown], fontsize=7)
