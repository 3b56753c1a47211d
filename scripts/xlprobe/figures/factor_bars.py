"""Pearson's correlation of mean signatures with unique characters, the type-token ratio and data size, averaged over layers (Figure 4)."""

import textwrap
from collections.abc import Collection

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from xlprobe.figures.category_heatmap import FACTORS, SIZES, without_factor
from xlprobe.figures.drawing import BLUE, GREEN, ORANGE, headline
from xlprobe.figures.paper_declaration import Asked, PaperFigureKind
from xlprobe.figures.signature_panels import (
    FIRST_VERDICT,
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

# In the paper's order.
BARS = {
    "unique_characters": ("unique characters", BLUE),
    "type_token_ratio": ("type-token ratio", ORANGE),
    "data_size": ("data size", GREEN),
}
COLUMNS = [
    *("verdict", "variant", "training_seed", "model", "step", "sizes", "factor", "category", "layers", "n", "r", "low", "high"),
    *("permutation_p", "n_too_small", "tau", "trend_p", "reason"),
]
PANEL_WIDTH, CATEGORY_HEIGHT = 2.6, 0.34


def mean_correlations(tables: SignatureTables, asked: Asked) -> pd.DataFrame:
    """The means of r over layers; a verdict, or a size, is there where any of its bars has a value."""
    del asked
    rows = tables.table("signature_correlations")
    rows = rows[rows["layer"].isna() & rows["factor"].isin(BARS)]
    table = pd.concat([of_verdict(rows, verdict).assign(verdict=verdict) for verdict in VERDICTS])
    # Draws of equal size stand beside the published signatures alone.
    table = table[(table["sizes"] == "all") | (table["verdict"] == FIRST_VERDICT)]
    measured = table.groupby(["verdict", "sizes"])["r"].transform("count") > 0
    return table.loc[measured, COLUMNS].reset_index(drop=True)


def plot_bars(table: pd.DataFrame, tables: SignatureTables, asked: Asked) -> Figure:
    """A panel a way to take signatures, in which each category has three bars with their intervals; all words are last."""
    del tables
    panels = [(verdict, size) for verdict in VERDICTS for size in SIZES if len(_of(table, verdict, size))]
    categories = category_order(table["category"].unique())
    size = (max(5.5, PANEL_WIDTH * len(panels) + 1.2), max(1.4, CATEGORY_HEIGHT * len(categories)) + 1.5)
    figure, grid = plt.subplots(1, len(panels), figsize=size, sharex=True, sharey=True, squeeze=False, layout="constrained")
    for (verdict, sizes), axes in zip(panels, grid[0], strict=True):
        _draw(axes, here := _of(table, verdict, sizes), categories)
        if sizes != "all":
            _mark_absent(axes, categories, {*here.loc[here["r"].notna(), "category"]})
        axes.set_title("\n".join(textwrap.wrap(verdict if sizes == "all" else f"{verdict}; {SIZES[sizes]}", 36)))
        axes.set_xlabel("mean of r over layers")
    grid[0, 0].set_yticks(range(len(categories)), [category_title(name) for name in categories])
    grid[0, 0].set_ylim(len(categories) - 0.5, -0.5)
    grid[0, 0].set_xlim(-1.02, 1.02)
    headline(figure, f"{asked.title}; pale: too few languages for any claim", "")
    handles = [Patch(color=colour) for _, colour in BARS.values()]
    figure.legend(handles, [label for label, _ in BARS.values()], loc="outside lower center", ncols=len(BARS), frameon=False)
    return figure


def _of(table: pd.DataFrame, verdict: str, sizes: str) -> pd.DataFrame:
    return table[(table["verdict"] == verdict) & (table["sizes"] == sizes)]


def _draw(axes: Axes, here: pd.DataFrame, categories: list[str]) -> None:
    for place, (factor, (_, colour)) in enumerate(BARS.items()):
        bars = here[here["factor"] == factor].set_index("category").reindex(categories)
        rows = np.arange(len(categories)) + (place - 1) * 0.26
        known = bars["r"].notna().to_numpy()
        few = bars["n_too_small"].astype("boolean").fillna(True).to_numpy(dtype=bool)
        for chosen, alpha in ((known & ~few, 1.0), (known & few, 0.35)):
            axes.barh(rows[chosen], bars["r"][chosen].astype(float), height=0.24, color=colour, alpha=alpha, linewidth=0)
        ends = bars.loc[known, ["low", "high"]].astype(float)
        axes.hlines(rows[known], ends["low"], ends["high"], color="0.3", linewidth=0.5)
    axes.axvline(0, color="black", linewidth=0.6)
    axes.axhline(len(categories) - 1.5, color="0.7", linewidth=0.6)
    axes.tick_params(axis="y", length=0)


def _mark_absent(axes: Axes, categories: list[str], checked: Collection[str]) -> None:
    for row, category in enumerate(categories):
        if category not in checked:
            axes.text(0.03, row, NOT_CHECKED, va="center", fontsize=6, color="0.5")


def describe(table: pd.DataFrame, tables: SignatureTables, asked: Asked) -> str:
    """Which comparison, and what is missing."""
    del asked
    of_all = table[table["sizes"] == "all"]
    said = [
        f"{said_of_run(tables, table)}; Pearson's r over languages of mean signatures and {', '.join(FACTORS[name] for name in BARS)},"
        f" averaged over {int(of_all['layers'].max() if len(of_all) else table['layers'].max())} layers; lines are Fisher's 95 % intervals,"
        " as if all layers were one measurement."
    ]
    equal = {size: int(table.loc[table["sizes"] == size, "layers"].max()) for size in SIZES if size != "all" and size in {*table["sizes"]}}
    said += [f"Signatures of {SIZES[size]}: over {layers} layers that are checked." for size, layers in equal.items()]
    if not equal:
        said.append("Signatures of equally many words are not taken in this run (config key signatures.checks).")
    for factor, (label, _) in BARS.items():
        if factor != "data_size" and len(missing := without_factor(tables, factor)):
            said.append(f"No {label} of {listed(missing)}.")
    return " ".join(said + second_verdict_missing(set(table["verdict"])))


PAPER_FIGURE = PaperFigureKind(
    reads=("signature_correlations", "signature_factors"),
    table=mean_correlations,
    plot=plot_bars,
    caption=describe,
    lacking="no category has a mean correlation",
)
