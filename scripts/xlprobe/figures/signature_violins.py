"""How mean signatures of all words are spread over languages, layer by layer: original text, and beside it romanised (paper 2, Figure 2).

Below is the second verdict: raw means of fits by layer share no scale, so that whether they fall or narrow over layers is read there.
"""

from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from xlprobe.artifacts.categories import ALL_WORDS
from xlprobe.figures.drawing import headline
from xlprobe.figures.paper_declaration import Asked, PaperFigureKind
from xlprobe.figures.signature_declaration import name_lines, panel_height
from xlprobe.figures.signature_panels import (
    VERDICTS,
    family_legend,
    listed,
    of_verdict,
    said_of_run,
    second_verdict_missing,
)
from xlprobe.metrics.signature_tables import SignatureTables

COLUMNS = ["panel", "verdict", "variant", "training_seed", "model", "step", "language", "name", "family", "layer", "mean_published"]
ORIGINAL, ROMANISED = "original", "romanised"
# Violins are densities: of fewer languages, points say all there is.
FEWEST_FOR_VIOLINS = 5
# Of more languages, those are named that are romanised, else those at the ends.
MOST_NAMED, NAMED_AT_ENDS = 13, 2


def spread_over_layers(tables: SignatureTables, asked: Asked) -> pd.DataFrame:
    """Mean signatures of all words, those of the main comparison and of the first with romanised languages."""
    del asked
    found = []
    for panel, variant in zip((ORIGINAL, ROMANISED), [tables.facts.main, *romanised_variants(tables)], strict=False):
        rows = tables.table("signatures", variant)
        rows = rows[(rows["category"] == ALL_WORDS) & rows["mean_published"].notna()]
        found += [of_verdict(rows, verdict).assign(panel=panel, verdict=verdict) for verdict in VERDICTS]
    table = pd.concat(found)
    named = {fact: [tables.facts.languages[code][fact] for code in table["language"]] for fact in ("name", "family")}
    return table.assign(**named)[COLUMNS].reset_index(drop=True)


def romanised_variants(tables: SignatureTables) -> list[str]:
    """The comparisons with romanised languages that have signatures, but for the main one."""
    return [name for name in tables.facts.romanised if name != tables.facts.main and len(tables.table("signatures", name))]


def named_languages(table: pd.DataFrame, romanised: list[str]) -> list[str]:
    """Which languages are written beside their lines: all; of many, those that are romanised, and the two lowest and highest."""
    means = table[table["panel"] == ORIGINAL].groupby("language")["mean_published"].mean().sort_values()
    if len(means) <= MOST_NAMED:
        return sorted(means.index)
    return sorted({*romanised, *means.index[:NAMED_AT_ENDS], *means.index[-NAMED_AT_ENDS:]} & {*means.index})


def plot_spread(table: pd.DataFrame, tables: SignatureTables, asked: Asked) -> Figure:
    """A row a verdict, a column a text; a violin a layer, a point a language, and lines of those that are named."""
    verdicts = [verdict for verdict in VERDICTS if verdict in set(table["verdict"])]
    panels = [panel for panel in (ORIGINAL, ROMANISED) if panel in set(table["panel"])]
    romanised = _romanised(tables) if ROMANISED in panels else []
    named = named_languages(table, romanised)
    layers = sorted(table["layer"].unique())
    height = panel_height(table[table["language"].isin(named)], 2.4) + 0.4
    size = (max(3.6, 0.33 * len(layers) + 1.4) * len(panels) + 0.8, height * len(verdicts) + 0.6)
    figure, grid = plt.subplots(len(verdicts), len(panels), figsize=size, sharey="row", squeeze=False, layout="constrained")
    colours = family_legend(figure, table.drop_duplicates("language").sort_values("language"))
    for row, verdict in zip(grid, verdicts, strict=True):
        for axes, panel in zip(row, panels, strict=True):
            here = table[(table["verdict"] == verdict) & (table["panel"] == panel)]
            if here.empty:
                axes.remove()
                continue
            _draw(axes, here, colours, named)
            axes.set_xlabel("layer")
            axes.set_title(f"{_panel_title(panel, romanised)}\n{verdict}")
            axes.set_xticks(layers)
    headline(figure, f"{asked.title}; the black line is the mean of the languages", "mean signature")
    figure.canvas.draw()
    for row, verdict in zip(grid, verdicts, strict=True):
        for axes, panel in zip(row, panels, strict=True):
            here = table[(table["verdict"] == verdict) & (table["panel"] == panel) & table["language"].isin(named)]
            last = here[here["layer"] == here["layer"].max()]
            if len(last):
                name_lines(axes, dict(zip(last["language"], last["mean_published"], strict=True)), max(layers) + 0.5, colours)
    return figure


def _draw(axes: Axes, here: pd.DataFrame, colours: dict[str, str], named: list[str]) -> None:
    lines = here.pivot_table(index="layer", columns="language", values="mean_published")
    full = {int(str(layer)): values for layer, row in lines.iterrows() if len(values := row.dropna().to_numpy()) >= FEWEST_FOR_VIOLINS}
    if full:
        drawn: dict[str, Any] = axes.violinplot([*full.values()], positions=[*full], widths=0.85, showextrema=False)
        for body in drawn["bodies"]:
            body.set(facecolor="0.6", alpha=0.4, linewidth=0)
    for code, line in lines.items():
        axes.scatter(lines.index, line, color=colours[str(code)], s=4, linewidths=0, zorder=2)
        if code in named:
            axes.plot(lines.index, line, color=colours[str(code)], linewidth=0.6, alpha=0.7)
    axes.plot(lines.index, lines.mean(axis=1), color="black", linewidth=1.4, zorder=3)
    axes.margins(x=0.06)


def _romanised(tables: SignatureTables) -> list[str]:
    return sorted(tables.facts.romanised[romanised_variants(tables)[0]])


def _panel_title(panel: str, romanised: list[str]) -> str:
    return "(a) original text" if panel == ORIGINAL else f"(b) {listed(romanised, 4)} romanised"


def describe(table: pd.DataFrame, tables: SignatureTables, asked: Asked) -> str:
    """Which comparisons, and what is missing."""
    del asked
    original = table[table["panel"] == ORIGINAL]
    shown = set(original["language"])
    compared = set(tables.table("signatures")["language"])
    said = [
        f"{said_of_run(tables, original if len(original) else table)}, all words, {len(shown)} languages, layers"
        f" {table['layer'].min()} to {table['layer'].max()}.",
        f"Points are languages, coloured by family, the black line is their mean; violins where {FEWEST_FOR_VIOLINS} or more have a value.",
    ]
    if left_out := compared - shown:
        said.append(f"Without a value: {listed(left_out)}.")
    if ROMANISED in set(table["panel"]):
        variant = table.loc[table["panel"] == ROMANISED, "variant"].iloc[0]
        said.append(
            f"(b) is comparison {variant}, in which the text of {listed(_romanised(tables))} is romanised, and models are trained on that."
        )
    else:
        said.append("2b is not shown: the run compares no romanised text (config key signatures.variants).")
    said += second_verdict_missing(set(table["verdict"]))
    said.append("The published scale differs from layer to layer, so that a fall or a narrowing over layers is read from the second row.")
    return " ".join(said)


PAPER_FIGURE = PaperFigureKind(
    reads=("signatures",),
    table=spread_over_layers,
    plot=plot_spread,
    caption=describe,
    lacking="no two languages have signatures of all words at any layer",
)
