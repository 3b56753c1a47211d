"""Mean signatures of all words at the last step, layer by layer: paper 2's Figure 2a, and beside it the second verdict."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from xlprobe.figures.drawing import headline
from xlprobe.figures.signature_declaration import SignatureFigureKind, name_lines, panel_height
from xlprobe.figures.signature_panels import VERDICTS, family_legend, of_verdict

COLUMNS = ["panel", "step", "language", "name", "family", "layer", "mean_published", "instances"]
# Of fewer languages a violin says less than the lines.
FEWEST_FOR_VIOLINS = 10


def layers_of_last_step(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of the last step, a panel each way to take signatures."""
    rows = rows[rows["mean_published"].notna()]
    rows = rows[rows["step"] == rows["step"].max()]
    panels = [of_verdict(rows, title).assign(panel=title) for title in VERDICTS]
    return pd.concat(panels)[COLUMNS].sort_values(["panel", "language", "layer"], ignore_index=True)


def plot_layers(table: pd.DataFrame) -> Figure:
    """A line a language, in its family's colour, and their mean."""
    titles = [title for title in VERDICTS if title in set(table["panel"])]
    figure, grid = plt.subplots(
        1, len(titles), figsize=(4.2 * len(titles), panel_height(table, 2.6) + 1.3), squeeze=False, layout="constrained"
    )
    colours = family_legend(figure, table.drop_duplicates("language").sort_values("language"))
    for title, axes in zip(titles, grid[0], strict=True):
        lines = table[table["panel"] == title].pivot_table(index="layer", columns="language", values="mean_published")
        if len(lines.columns) >= FEWEST_FOR_VIOLINS:
            drawn = axes.violinplot(
                [row.dropna().to_numpy() for _, row in lines.iterrows()], positions=[*lines.index], widths=0.8, showextrema=False
            )
            for body in drawn["bodies"]:
                body.set(facecolor="0.6", alpha=0.3, linewidth=0)
        for code, line in lines.items():
            axes.plot(lines.index, line, color=colours[str(code)], linewidth=0.8, alpha=0.8)
        axes.plot(lines.index, lines.mean(axis=1), color="black", linewidth=1.6, marker="o", markersize=3)
        axes.set_title(title)
        axes.set_xticks(lines.index[:: max(1, len(lines) // 13)])
        axes.set_xlabel("layer")
        axes.set_ylim(bottom=min(0.0, float(np.nanmin(lines))))
        axes.margins(x=0.08)
    said = f"Signatures of all words by layer, at step {table['step'].iloc[0]:,}; the black line is their mean"
    headline(figure, said, "mean signature")
    figure.canvas.draw()
    for title, axes in zip(titles, grid[0], strict=True):
        last = table[(table["panel"] == title) & (table["layer"] == table["layer"].max())]
        name_lines(axes, dict(zip(last["language"], last["mean_published"], strict=True)), float(table["layer"].max()), colours)
    return figure


SIGNATURE_FIGURE = SignatureFigureKind(
    reads=("signatures",),
    caption=(
        "Mean signatures of all words by layer at the last step (paper 2, Figure 2a): how strongly the multilingual model's directions"
        " are used for each language. Left as paper 2 takes them, a fit a layer, where the scale is arbitrary and differs by layer; right"
        " from standardised vectors and one fit of all layers, so that layers share their directions and a scale."
    ),
    table=layers_of_last_step,
    plot=plot_layers,
    lacking="no two languages have signatures",
)
