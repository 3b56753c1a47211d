"""Pearson's correlation of mean signatures with a factor, category by layer (paper 2, Figures 3, 6 and 7), and beside it of equal sizes.

`shown` is the factor: data_size, unique_characters or type_token_ratio.
"""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle

from xlprobe.figures.drawing import headline
from xlprobe.figures.heatmaps import draw_heatmap
from xlprobe.figures.paper_declaration import Asked, PaperFigureKind
from xlprobe.figures.signature_panels import (
    NOT_CHECKED,
    VERDICTS,
    category_order,
    category_title,
    listed,
    of_verdict,
    said_of_run,
    second_verdict_missing,
)
from xlprobe.metrics.signature_tables import SignatureTables

FACTORS = {
    "data_size": "how many words have the category",
    "unique_characters": "unique characters of the pretraining text",
    "type_token_ratio": "the type-token ratio",
}
SIZES = {
    "all": "all words of each language",
    "equal_fixed": "a fixed number of words of each",
    "equal_smallest": "as many words as the smallest has",
}
COLUMNS = [
    *("verdict", "variant", "training_seed", "model", "step", "sizes", "factor", "category", "layer", "n", "r", "low", "high"),
    *("p", "permutation_p", "n_too_small", "influential", "reason"),
]
# Inches; the least is what titles need.
CELL_WIDTH, CELL_HEIGHT, NAMES_WIDTH, ABOVE, LEAST_WIDTH = 0.34, 0.19, 1.35, 0.75, 2.3


def correlations_by_layer(tables: SignatureTables, asked: Asked) -> pd.DataFrame:
    """The correlations at each layer; a verdict, or a size, is there where any of its cells has a value."""
    rows = tables.table("signature_correlations")
    rows = rows[(rows["factor"] == asked.shown) & rows["layer"].notna()]
    found = [of_verdict(rows, verdict).assign(verdict=verdict) for verdict in VERDICTS]
    table = pd.concat(found)
    # Only the data size is what draws of equal size are a check of.
    table = table[table["sizes"].isin(SIZES if asked.shown == "data_size" else ["all"])]
    measured = table.groupby(["verdict", "sizes"])["r"].transform("count") > 0
    return table.loc[measured, COLUMNS].reset_index(drop=True)


def plot_correlations(table: pd.DataFrame, tables: SignatureTables, asked: Asked) -> Figure:
    """A row a verdict, a column a size; all words in the last row of each panel."""
    del tables
    verdicts = [verdict for verdict in VERDICTS if verdict in set(table["verdict"])]
    sizes = [size for size in SIZES if size in set(table["sizes"])]
    categories = category_order(table["category"].unique())
    layers = {size: sorted(int(layer) for layer in table.loc[table["sizes"] == size, "layer"].unique()) for size in sizes}
    widths = [max(LEAST_WIDTH, CELL_WIDTH * len(layers[size])) + NAMES_WIDTH for size in sizes]
    height = max(0.9, CELL_HEIGHT * len(categories))
    figure, grid = plt.subplots(
        len(verdicts),
        len(sizes),
        figsize=(max(5.5, sum(widths) + 0.9), (height + ABOVE) * len(verdicts) + 0.9),
        width_ratios=widths,
        squeeze=False,
        layout="constrained",
    )
    images = []
    for row, verdict in zip(grid, verdicts, strict=True):
        for axes, size in zip(row, sizes, strict=True):
            here = table[(table["verdict"] == verdict) & (table["sizes"] == size)]
            if here.empty:
                axes.remove()
                continue
            images.append(_draw(axes, here, categories, layers[size], "n = 0" if size == "all" else NOT_CHECKED))
            axes.set_title(f"{verdict}\n{SIZES[size]}" if len(sizes) > 1 else verdict)
            axes.set_xlabel("layer")
    drawn = [axes for axes in grid.ravel() if axes.figure is not None]
    figure.colorbar(images[0], ax=drawn, label="Pearson's r", shrink=min(1.0, 2.2 / height), pad=0.01)
    headline(figure, f"{asked.title}; hatched: too few languages for any claim; blank: no r", "")
    return figure


def _draw(axes: Axes, here: pd.DataFrame, categories: list[str], layers: list[int], none: str) -> AxesImage:
    """A panel; `none` stands beside the name of a category without any language."""

    def grid(column: str) -> pd.DataFrame:
        return here.pivot(index="category", columns="layer", values=column).reindex(index=categories, columns=layers)

    values, few, counts = grid("r").astype(float), grid("n_too_small").fillna(True).to_numpy(dtype=bool), grid("n")
    image = draw_heatmap(axes, values, cmap="RdBu_r", vmin=-1, vmax=1)
    for (row, column), value in np.ndenumerate(values.to_numpy()):
        if not np.isnan(value):
            _write(axes, column, row, float(value), bool(few[row, column]))
    axes.set_xticks(range(len(layers)), [str(layer) for layer in layers])
    names = [f"{category_title(name)} ({_span(of_name) or none})" for name, (_, of_name) in zip(categories, counts.iterrows(), strict=True)]
    axes.set_yticks(range(len(categories)), names, fontsize=7)
    return image


def _write(axes: Axes, column: int, row: int, value: float, few: bool) -> None:
    if few:
        axes.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, fill=False, hatch="/////", edgecolor="0.55", linewidth=0))
    # Adding 0 takes the sign off what is rounded to it.
    text = f"{round(value, 2) + 0:.2f}".replace("0.", ".").replace("-", "\N{MINUS SIGN}")
    under: dict[str, Any] = {"bbox": {"facecolor": "white", "edgecolor": "none", "pad": 0.4, "alpha": 0.8}} if few else {}
    colour = "white" if abs(value) > 0.65 and not few else "black"
    axes.text(column, row, text, ha="center", va="center", fontsize=5.5, color=colour, **under)


def _span(counts: pd.Series) -> str:
    """One number, or from the fewest to the most languages of a category's layers; empty without any."""
    known = counts.dropna().astype(int)
    if not known.any():
        return ""
    return f"n = {known.min()}" if known.min() == known.max() else f"n = {known.min()} to {known.max()}"


def describe(table: pd.DataFrame, tables: SignatureTables, asked: Asked) -> str:
    """Which comparison and factor, and what is missing."""
    layers = sorted(int(layer) for layer in table["layer"].unique())
    said = [
        f"{said_of_run(tables, table)}; Pearson's r over languages of mean signatures and {FACTORS[asked.shown]}, layers"
        f" {layers[0]} to {layers[-1]}; n is the number of languages."
    ]
    few = table.loc[table["r"].notna() & table["n_too_small"].astype(bool), "category"]
    if len(few):
        said.append(f"Hatched, since so few languages can reach no p-value below .05: {_titles(few)}.")
    measured = table.groupby("category")["r"].count()
    if none := [*measured[measured == 0].index]:
        reasons = table.loc[table["category"].isin(none), "reason"].dropna().unique()
        said.append(f"Blank: {_titles(pd.Series(none))} ({'; '.join(reasons[:3])}).")
    if asked.shown == "data_size":
        equal = [SIZES[size] for size in SIZES if size != "all" and size in set(table["sizes"])]
        said.append(
            f"Beside it, at the layers that are checked, signatures of {' and of '.join(equal)}: the data size itself is that of all words."
            if equal
            else "Signatures of equally many words are not taken in this run (config key signatures.checks)."
        )
    if asked.shown == "type_token_ratio" and len(missing := without_factor(tables, asked.shown)):
        said.append(f"Without a type-token ratio: {listed(missing)}.")
    return " ".join(said + second_verdict_missing(set(table["verdict"])))


def without_factor(tables: SignatureTables, factor: str) -> list[str]:
    """The languages of the main comparison that a factor is not known of."""
    rows = tables.table("signature_factors")
    return sorted(rows.loc[(rows["factor"] == factor) & rows["value"].isna(), "language"])


def _titles(categories: pd.Series) -> str:
    return ", ".join(category_title(name).lower() for name in category_order(categories.unique()))


PAPER_FIGURE = PaperFigureKind(
    reads=("signature_correlations", "signature_factors"),
    table=correlations_by_layer,
    plot=plot_correlations,
    caption=describe,
    lacking="no category has a correlation at any layer",
)
