"""Signatures of all words over pretraining, a panel a layer: when does a language join the shared space, and does it leave again?"""

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from xlprobe.figures.drawing import headline, scale_steps, spread
from xlprobe.figures.signature_declaration import PUBLISHED, SignatureFigureKind, name_lines, panel_height
from xlprobe.figures.signature_panels import family_legend

JOINT = {"fit": "over_steps", "scale": "standardised"}
# What each row of panels shows: of which fit, and which value.
ROWS = {
    "mean signature,\neach step by itself": (PUBLISHED, "mean_published"),
    "mean signature,\nstandardised, all steps": (JOINT, "mean_published"),
    "covariance, by that\nof shuffled words": (JOINT, "strength"),
}
COLUMNS = ["row", "layer", "language", "name", "family", "step", "value", "instances"]
MOST_LAYERS = 5


def steps_of_layers(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of all steps, at layers spread over the model; none where there is one step alone."""
    rows = rows[rows["mean_published"].notna()]
    layers = sorted(rows["layer"].unique())
    rows = rows[rows["layer"].isin([layers[place] for place in spread(len(layers), MOST_LAYERS)])] if layers else rows
    # A mean of standardised signatures, of matrices of norm 1, says over how many directions a language is spread; this, how strongly.
    rows = rows.assign(strength=rows["norm"] / rows["norm_shuffled"])
    found = pd.concat(
        rows[(rows["fit"] == chosen["fit"]) & (rows["scale"] == chosen["scale"])].assign(row=title, value=rows[column])
        for title, (chosen, column) in ROWS.items()
    )
    several = found.groupby("row")["step"].transform("nunique") > 1
    return found.loc[several, COLUMNS].sort_values(["row", "layer", "language", "step"], ignore_index=True)


def plot_steps(table: pd.DataFrame) -> Figure:
    """A line a language, in its family's colour; a row each way to take signatures, on a scale of its own."""
    titles, layers = [title for title in ROWS if title in set(table["row"])], sorted(table["layer"].unique())
    size = (max(5.5, 2.3 * len(layers) + 0.6), panel_height(table, 2.1) * len(titles) + 1.4)
    figure, grid = plt.subplots(len(titles), len(layers), figsize=size, sharex=True, sharey="row", squeeze=False, layout="constrained")
    colours = family_legend(figure, table.drop_duplicates("language").sort_values("language"))
    for title, row in zip(titles, grid, strict=True):
        row[0].set_ylabel(title)
        for layer, axes in zip(layers, row, strict=True):
            here = table[(table["row"] == title) & (table["layer"] == layer)]
            for code, line in here.groupby("language"):
                axes.plot(line["step"], line["value"], color=colours[str(code)], linewidth=0.9, marker="o", markersize=2)
        # Once all are drawn, which share a scale.
        row[0].set_ylim(bottom=min(0.0, row[0].get_ylim()[0]))
    for layer, axes in zip(layers, grid[0], strict=True):
        axes.set_title("embeddings" if layer == 0 else f"layer {layer}")
    for axes in grid[-1]:
        axes.set_xlabel("updates")
        scale_steps(axes, sorted(table["step"].unique()))
    headline(figure, "Signatures of all words over pretraining", "")
    figure.canvas.draw()
    for title, row in zip(titles, grid, strict=True):
        for layer, axes in zip(layers, row, strict=True):
            here = table[(table["row"] == title) & (table["layer"] == layer)]
            last = here[here["step"] == here["step"].max()]
            name_lines(axes, dict(zip(last["language"], last["value"], strict=True)), float(here["step"].max()), colours)
    return figure


SIGNATURE_FIGURE = SignatureFigureKind(
    reads=("signatures",),
    caption=(
        "Signatures of all words over pretraining, a panel a layer: the monolingual models stay the same, the multilingual one goes from"
        " step to step. Above their means as paper 2 takes them, a fit a step, whose scale may differ from step to step. In the middle"
        " from standardised vectors and one fit of all steps: over how many of the shared directions a language is spread. Below how"
        " strongly its two models vary together: the norm of the standardised covariances, by what it is where words are paired at random"
        " (1)."
    ),
    table=steps_of_layers,
    plot=plot_steps,
    lacking="the multilingual model has one step alone",
)
