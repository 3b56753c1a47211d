"""Cosine distances between the signatures of all words of each two languages, at the first, middle and last layer (paper 2, Figure 5)."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from xlprobe.artifacts.categories import ALL_WORDS
from xlprobe.figures.drawing import headline
from xlprobe.figures.paper_declaration import Asked, PaperFigureKind
from xlprobe.figures.signature_declaration import LABEL_POINTS
from xlprobe.figures.signature_panels import (
    FIRST_VERDICT,
    family_legend,
    layer_title,
    listed,
    of_verdict,
    said_of_run,
    stands_for,
)
from xlprobe.metrics.signature_tables import SignatureTables

COLUMNS = ["variant", "training_seed", "model", "step", "layer", "language", "other", "published", "gauged", "reason"]
# Paper 2's.
PAPER = (0, 6, 12)


def distances_of_layers(tables: SignatureTables, asked: Asked) -> pd.DataFrame:
    """The distances of the first, the middle and the last layer, each pair once."""
    del asked
    rows = of_verdict(tables.table("language_distances"), FIRST_VERDICT)
    rows = rows[rows["category"] == ALL_WORDS]
    if rows["published"].isna().all():
        return rows.loc[[], COLUMNS]
    return rows[rows["layer"].isin(_shown(rows))][COLUMNS].sort_values(["layer", "language", "other"], ignore_index=True)


def _shown(rows: pd.DataFrame) -> list[int]:
    layers = sorted(rows.loc[rows["published"].notna(), "layer"].unique())
    return sorted({layers[0], layers[len(layers) // 2], layers[-1]})


def plot_matrices(table: pd.DataFrame, tables: SignatureTables, asked: Asked) -> Figure:
    """A matrix a layer, on one scale; languages by family, genus and branch, with lines between families."""
    layers = sorted(table["layer"].unique())
    codes = tables.facts.in_order(_measured(table))
    facts = tables.facts.languages
    side = max(1.7, 1.35 * LABEL_POINTS / 72 * len(codes))
    figure, grid = plt.subplots(
        1, len(layers), figsize=(max(5.5, (side + 0.55) * len(layers) + 0.8), side + 1.4), squeeze=False, layout="constrained"
    )
    colours = family_legend(figure, pd.DataFrame({"language": codes, "family": [facts[code]["family"] for code in codes]}))
    # Darker is farther, as in the paper; to the farthest pair, since distances of 1 may not occur.
    farthest = float(table["published"].max())
    for layer, axes in zip(layers, grid[0], strict=True):
        image = _draw(axes, table[table["layer"] == layer], codes, farthest if farthest > 0 else 1.0)
        _name(axes, codes, colours, [facts[code]["family"] for code in codes])
        axes.set_title(layer_title(int(layer)))
    figure.colorbar(image, ax=[*grid[0]], label="cosine distance", shrink=0.8, pad=0.01)
    headline(figure, f"{asked.title}", "")
    return figure


def _measured(table: pd.DataFrame) -> list[str]:
    known = table[table["published"].notna()]
    return sorted({*known["language"], *known["other"]})


def _draw(axes: Axes, here: pd.DataFrame, codes: list[str], farthest: float) -> AxesImage:
    known = here[here["language"].isin(codes) & here["other"].isin(codes)]
    matrix = np.full((len(codes), len(codes)), np.nan)
    np.fill_diagonal(matrix, 0.0)
    for language, other, distance in zip(known["language"], known["other"], known["published"].astype(float), strict=True):
        one, two = codes.index(language), codes.index(other)
        matrix[one, two] = matrix[two, one] = distance
    axes.set_facecolor("0.93")
    axes.spines[:].set_visible(False)
    return axes.imshow(matrix, cmap="Blues", vmin=0, vmax=farthest, interpolation="nearest")


def _name(axes: Axes, codes: list[str], colours: dict[str, str], families: list[str]) -> None:
    axes.set_xticks(range(len(codes)), codes, fontsize=LABEL_POINTS, rotation=90)
    axes.set_yticks(range(len(codes)), codes, fontsize=LABEL_POINTS)
    axes.tick_params(length=0, pad=1)
    for labels in (axes.get_xticklabels(), axes.get_yticklabels()):
        for code, label in zip(codes, labels, strict=True):
            label.set_color(colours[code])
    for place in range(1, len(codes)):
        if families[place] != families[place - 1]:
            axes.axhline(place - 0.5, color="0.4", linewidth=0.5)
            axes.axvline(place - 0.5, color="0.4", linewidth=0.5)


def describe(table: pd.DataFrame, tables: SignatureTables, asked: Asked) -> str:
    """Which comparison and layers, and what is missing."""
    del asked
    codes, layers = _measured(table), sorted(int(layer) for layer in table["layer"].unique())
    left_out = {*table["language"], *table["other"]} - {*codes}
    said = [
        f"{said_of_run(tables, table)}, all words, {len(codes)} languages; cosine distances of signatures as published, a fit a layer;"
        " darker is farther. Languages stand by family, genus and branch, with lines between families."
    ]
    instead = [found for layer, paper in zip(layers, PAPER, strict=False) if (found := stands_for(layer, paper, layers))]
    if len(layers) == len(PAPER):
        said += [f"Here {', '.join(instead)}."] if instead else []
    else:
        said.append(f"The paper shows layers 0, 6 and 12; here are layers {', '.join(map(str, layers))}.")
    if left_out:
        said.append(f"Without a signature at these layers: {listed(left_out)}.")
    return " ".join(said)


PAPER_FIGURE = PaperFigureKind(
    reads=("language_distances",),
    table=distances_of_layers,
    plot=plot_matrices,
    caption=describe,
    lacking="no two languages have signatures of all words",
)
