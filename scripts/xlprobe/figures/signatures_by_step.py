"""Mean signatures of all words over pretraining, a panel a layer: when does a language join the shared space, and does it leave again?"""

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from xlprobe.figures.drawing import headline, scale_steps, spread
from xlprobe.figures.signature_declaration import PUBLISHED, SignatureFigureKind, family_colours, name_lines, panel_height

ROWS = {
    "each step by itself": PUBLISHED,
    "standardised,\nall steps together": {"fit": "over_steps", "scale": "standardised"},
}
COLUMNS = ["row", "layer", "language", "name", "family", "step", "mean_published", "instances"]
MOST_LAYERS = 5


def steps_of_layers(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of all steps, at layers spread over the model; none where there is one step alone."""
    layers = sorted(rows["layer"].unique())
    rows = rows[rows["layer"].isin([layers[place] for place in spread(len(layers), MOST_LAYERS)])] if layers else rows
    found = pd.concat(
        [rows[(rows["fit"] == chosen["fit"]) & (rows["scale"] == chosen["scale"])].assign(row=title) for title, chosen in ROWS.items()]
    )
    several = found.groupby("row")["step"].transform("nunique") > 1
    return found.loc[several, COLUMNS].sort_values(["row", "layer", "language", "step"], ignore_index=True)


def plot_steps(table: pd.DataFrame) -> Figure:
    """A line a language, in its family's colour; a row each way to take signatures, on a scale of its own."""
    colours = family_colours(table)
    titles, layers = [title for title in ROWS if title in set(table["row"])], sorted(table["layer"].unique())
    size = (max(5.5, 2.3 * len(layers) + 0.6), panel_height(table, 2.1) * len(titles) + 1.1)
    figure, grid = plt.subplots(len(titles), len(layers), figsize=size, sharex=True, sharey="row", squeeze=False, layout="constrained")
    for title, row in zip(titles, grid, strict=True):
        row[0].set_ylabel(title)
        for layer, axes in zip(layers, row, strict=True):
            here = table[(table["row"] == title) & (table["layer"] == layer)]
            for code, line in here.groupby("language"):
                axes.plot(line["step"], line["mean_published"], color=colours[str(code)], linewidth=0.9, marker="o", markersize=2)
            axes.set_ylim(bottom=min(0.0, float(table.loc[table["row"] == title, "mean_published"].min())))
    for layer, axes in zip(layers, grid[0], strict=True):
        axes.set_title("embeddings" if layer == 0 else f"layer {layer}")
    for axes in grid[-1]:
        axes.set_xlabel("updates")
        scale_steps(axes, sorted(table["step"].unique()))
    headline(figure, "Signatures of all words over pretraining; colours are families", "mean signature")
    figure.canvas.draw()
    for title, row in zip(titles, grid, strict=True):
        for layer, axes in zip(layers, row, strict=True):
            here = table[(table["row"] == title) & (table["layer"] == layer)]
            last = here[here["step"] == here["step"].max()]
            name_lines(axes, dict(zip(last["language"], last["mean_published"], strict=True)), float(here["step"].max()), colours)
    return figure


SIGNATURE_FIGURE = SignatureFigureKind(
    caption=(
        "Mean signatures of all words over pretraining, a panel a layer: the monolingual models stay the same, the multilingual one goes"
        " from step to step. Above as paper 2 takes them, a fit a step, whose scale may differ from step to step; below from standardised"
        " vectors and one fit of all steps, which alone says when a language joins the shared space, and whether it leaves again."
    ),
    table=steps_of_layers,
    plot=plot_steps,
    lacking="the multilingual model has one step alone",
)
