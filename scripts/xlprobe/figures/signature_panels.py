"""What paper 2's figures have in common: two ways to take signatures, the titles of panels, a legend of families, and sentences.

They are of the comparisons of a run at their last step: of the main one, the first that the configuration names, and where it has one of
the romanised one beside. Of several training seeds of the multilingual model the first is shown.
"""

from collections.abc import Collection, Sequence

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from xlprobe.artifacts.categories import ALL_WORDS, CATEGORIES
from xlprobe.figures.signature_declaration import PUBLISHED, family_colours
from xlprobe.metrics import last_signatures
from xlprobe.metrics.signature_tables import SignatureTables

# What signatures are taken from, by the titles of panels: as paper 2 does, and the second verdict, on one scale at all layers.
VERDICTS = {
    "as published: each layer by itself": PUBLISHED,
    "standardised, all layers together": dict(zip(PUBLISHED, last_signatures.SECOND_VERDICT, strict=True)),
}
FIRST_VERDICT, SECOND_VERDICT = VERDICTS
ALL_WORDS_TITLE = "All words"
# Of draws of equally many words, what stands for categories that signatures.checks leaves out.
NOT_CHECKED = "not checked"
PAPER_LAYERS = 13


def of_verdict(rows: pd.DataFrame, verdict: str) -> pd.DataFrame:
    """The rows of one way to take signatures."""
    chosen = VERDICTS[verdict]
    return rows[(rows["fit"] == chosen["fit"]) & (rows["scale"] == chosen["scale"])]


def category_order(categories: Collection[str]) -> list[str]:
    """Those of the 17 that occur, by title; all words last, as in the paper's figures."""
    return [*(name for name in CATEGORIES if name in categories and name != ALL_WORDS), *({ALL_WORDS} & {*categories})]


def category_title(category: str) -> str:
    """A category's name; part of speech is of all words."""
    return ALL_WORDS_TITLE if category == ALL_WORDS else CATEGORIES[category]


def layer_title(layer: int) -> str:
    """A layer's name above a panel."""
    return "layer 0 (embeddings)" if layer == 0 else f"layer {layer}"


def said_of_run(tables: SignatureTables, rows: pd.DataFrame) -> str:
    """Which comparison is shown: its name, model and step."""
    first = rows.iloc[0]
    seed = "" if pd.isna(first["training_seed"]) else f", training seed {int(first['training_seed'])} (the first)"
    return f"Comparison {tables.facts.main}: {first['model']} at step {int(first['step']):,}{seed}"


def second_verdict_missing(shown: Collection[str]) -> list[str]:
    """A sentence where the run has no second verdict; none where it has."""
    if SECOND_VERDICT in shown:
        return []
    return ["The second verdict, standardised vectors in one fit of all layers, is not taken in this run (config key signatures)."]


def listed(codes: Collection[str], most: int = 12) -> str:
    """Languages, or how many where they are more than a reader looks through."""
    return ", ".join(sorted(codes)) if len(codes) <= most else f"{len(codes)} languages"


def family_legend(figure: Figure, families: pd.DataFrame) -> dict[str, str]:
    """Say below a figure which colour is of which family; the colour of each language by code.

    Args:
        families: columns language and family.
    """
    colours = family_colours(families)
    by_colour: dict[str, list[str]] = {}
    for code, family in zip(families["language"], families["family"], strict=True):
        if family not in by_colour.setdefault(colours[code], []):
            by_colour[colours[code]].append(family)
    handles = [Line2D([], [], color=colour, linewidth=3) for colour in by_colour]
    names = [named[0] if len(named) == 1 else "other families" for named in by_colour.values()]
    columns = min(len(names), max(2, int(figure.get_figwidth() / 1.5)))
    figure.legend(handles, names, loc="outside lower center", ncols=columns, frameon=False, fontsize=7)
    return colours


def stands_for(layer: int, paper: int, layers: Sequence[int]) -> str:
    """What stands for a layer of the paper's; nothing where it is the layer itself."""
    if layer == paper and (paper == 0 or max(layers) == PAPER_LAYERS - 1):
        return ""
    return f"layer {layer} of 0 to {max(layers)} stands for the paper's layer {paper}"
