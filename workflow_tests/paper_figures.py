"""A paper's figures of the planted run, as tests look at them."""

from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from legible import check_legible
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from xlprobe.figures.drawing import STYLE
from xlprobe.figures.paper_declaration import Asked, load_paper_figure
from xlprobe.metrics.model_tables import ModelTables


@dataclass(frozen=True)
class Drawn:
    """A figure, the table behind it, and its caption."""

    table: pd.DataFrame
    figure: Figure
    caption: str

    @property
    def panels(self) -> dict[str, Axes]:
        """Its panels, by their titles; without colour bars."""
        return {axes.get_title(): axes for axes in self.figure.axes if axes.get_title()}


def drawn(tables: ModelTables, kind: str, tasks: Sequence[str], shown: str = "") -> Drawn:
    """A figure of a kind, which is closed: its axes can still be asked."""
    declared, asked = load_paper_figure(kind), Asked(title="Title", tasks=tasks, shown=shown)
    table = declared.table(tables, asked)
    with plt.rc_context(STYLE):
        figure = declared.plot(table, tables, asked)
        check_legible(figure)
    plt.close(figure)
    return Drawn(table, figure, declared.caption(table, tables, asked))


def cells(axes: Axes) -> np.ndarray:
    """What a heatmap shows, from the top row down; NaN where a cell is empty."""
    (image,) = axes.images
    array: np.ndarray = np.ma.filled(np.ma.asarray(image.get_array(), dtype=float), np.nan)
    return array[::-1] if image.origin == "lower" else array


def names(axes: Axes, axis: str) -> list[str]:
    """The names of a heatmap's rows (`y`), from the top one down, or columns (`x`)."""
    labels = [text.get_text() for text in (axes.get_yticklabels() if axis == "y" else axes.get_xticklabels())]
    return labels[::-1] if axis == "y" and axes.images[0].origin == "lower" else labels


def with_table(tables: ModelTables, **changed: pd.DataFrame) -> ModelTables:
    """The same tables but for some, which hold these rows."""
    known = {name: tables.table(name) for name in tables.paths if name != "distances"}
    return ModelTables(tables.facts, tables.paths, known | changed)
