"""The expected layer over pretraining, a line a curve (paper 1: Figures 11 and 13)."""

import pandas as pd
from matplotlib.figure import Figure

from xlprobe.figures.paper_declaration import Asked, PaperFigureKind
from xlprobe.metrics.correlations import IN_LANGUAGE
from xlprobe.metrics.model_tables import ModelTables


def expected_layers(tables: ModelTables, asked: Asked) -> pd.DataFrame:
    """Columns task, language, step, value, low, high."""
    parts = []
    for task in asked.tasks:
        rows = tables.curves("expected_layers", task, IN_LANGUAGE)
        rows = rows[
            (rows["measure"] == "level") & (rows["weights"] == "min-max") & (rows["grid"] == "own") & (rows["rule"] == "as printed")
        ]
        parts.append(rows[["task", "language", "step", "value", "low", "high"]])
    return pd.concat(parts, ignore_index=True)


def plot_expected_layers(table: pd.DataFrame, tables: ModelTables, asked: Asked) -> Figure:
    raise NotImplementedError


def caption(table: pd.DataFrame, tables: ModelTables, asked: Asked) -> str:
    raise NotImplementedError


PAPER_FIGURE = PaperFigureKind(reads=("expected_layers",), table=expected_layers, plot=plot_expected_layers, caption=caption)
