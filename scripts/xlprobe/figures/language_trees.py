"""Trees of languages from the distances of their signatures (paper 2, Figure 8): of all words, and of the mean over categories.

Both are of the middle layer (the paper's is 6); the CSV holds them as Newick, so that other programs can draw them.
"""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from xlprobe.artifacts.categories import ALL_WORDS
from xlprobe.figures.drawing import headline
from xlprobe.figures.paper_declaration import Asked, PaperFigureKind
from xlprobe.figures.signature_declaration import LABEL_POINTS
from xlprobe.figures.signature_panels import (
    FIRST_VERDICT,
    family_legend,
    listed,
    of_verdict,
    said_of_run,
    stands_for,
)
from xlprobe.metrics.signature_tables import SignatureTables

ALL, MEAN = "(a) all words", "(b) mean over categories"
COLUMNS = [
    *("panel", "variant", "training_seed", "model", "step", "layer", "languages", "left_out", "newick", "ties", "cophenetic_r"),
    *("resolved", "agreed", "share", "permuted_high", "permutation_p", "smallest_p", "n_too_small", "middle_layer", "reason"),
]
PAPER_LAYER = 6
# Characters that end a label in Newick.
ENDS = "(),:;"


@dataclass(frozen=True)
class DendrogramNode:
    """A node of a tree: a leaf has a name, another one children; `length` is that of the branch above it."""

    name: str
    children: tuple["DendrogramNode", ...]
    length: float

    def leaves(self) -> list[str]:
        """The names of the leaves below, from the first child on."""
        return [self.name] if not self.children else [name for child in self.children for name in child.leaves()]

    def height(self) -> float:
        """The length of the longest path to a leaf below."""
        return max((child.length + child.height() for child in self.children), default=0.0)


def parse_newick(text: str) -> DendrogramNode:
    """The root of a tree in Newick, as `xlprobe.statistics.language_trees` writes it.

    Raises:
        ValueError: it is none.
    """
    node, place = _node(text, 0)
    if text[place:] != ";":
        raise ValueError(f"no tree in Newick: {text!r}")
    return node


def _node(text: str, place: int) -> tuple[DendrogramNode, int]:
    children: list[DendrogramNode] = []
    if text[place : place + 1] == "(":
        while text[place : place + 1] in ("(", ","):
            child, place = _node(text, place + 1)
            children.append(child)
        if text[place : place + 1] != ")":
            raise ValueError(f"no tree in Newick: {text!r}")
        place += 1
    name, place = _label(text, place)
    length = "0"
    if text[place : place + 1] == ":":
        length, place = _label(text, place + 1)
    if not (children or name):
        raise ValueError(f"no tree in Newick: {text!r}")
    return DendrogramNode(name, tuple(children), float(length)), place


def _label(text: str, place: int) -> tuple[str, int]:
    if text[place : place + 1] != "'":
        start = place
        while place < len(text) and text[place] not in ENDS:
            place += 1
        return text[start:place], place
    found = ""
    place += 1
    while (end := text.index("'", place)) + 1 < len(text) and text[end + 1] == "'":
        found, place = f"{found}{text[place:end]}'", end + 2
    return found + text[place:end], end + 1


def trees_of_middle_layer(tables: SignatureTables, asked: Asked) -> pd.DataFrame:
    """The two trees of published signatures, a row each, with how they agree with families, genera and branches."""
    del asked
    rows = of_verdict(tables.table("language_trees"), FIRST_VERDICT)
    rows = rows[(rows["signature"] == "published") & (rows["layer"] == rows["middle_layer"]) & rows["newick"].notna()]
    of_words, of_mean = rows[rows["category"] == ALL_WORDS].assign(panel=ALL), rows[rows["category"].isna()].assign(panel=MEAN)
    return pd.concat([of_words, of_mean])[COLUMNS].reset_index(drop=True)


def plot_trees(table: pd.DataFrame, tables: SignatureTables, asked: Asked) -> Figure:
    """A dendrogram a tree; leaves are languages with their genus, in the colour of their family."""
    roots = {panel: parse_newick(text) for panel, text in zip(table["panel"], table["newick"], strict=True)}
    facts = tables.facts.languages
    codes = sorted({code for root in roots.values() for code in root.leaves()})
    height = max(1.6, 1.5 * (LABEL_POINTS + 0.5) / 72 * len(codes))
    figure, grid = plt.subplots(1, len(roots), figsize=(max(5.5, 4.4 * len(roots)), height + 1.6), squeeze=False, layout="constrained")
    colours = family_legend(figure, pd.DataFrame({"language": codes, "family": [facts[code]["family"] for code in codes]}))
    for (panel, root), axes in zip(roots.items(), grid[0], strict=True):
        _draw(axes, root)
        leaves = root.leaves()
        names = [f"{code}  {facts[code]['name']}" + (f", {genus}" if (genus := facts[code]["genus"]) else "") for code in leaves]
        axes.yaxis.tick_right()
        axes.set_yticks(range(len(leaves)), names, fontsize=LABEL_POINTS + 0.5)
        for code, label in zip(leaves, axes.get_yticklabels(), strict=True):
            label.set_color(colours[code])
        axes.set_title(f"{panel}, layer {int(table.loc[table['panel'] == panel, 'layer'].iloc[0])}")
        axes.set_xlabel("cosine distance at which two nodes meet")
    headline(figure, asked.title, "")
    return figure


def _draw(axes: Axes, root: DendrogramNode) -> None:
    places = {name: place for place, name in enumerate(root.leaves())}

    def draw(node: DendrogramNode) -> tuple[float, float]:
        """The node's place on both axes: twice its height is the distance of the leaves on its sides."""
        if not node.children:
            return 0.0, float(places[node.name])
        ends = [draw(child) for child in node.children]
        across = 2 * node.height()
        for child, along in ends:
            axes.plot([child, across], [along, along], color="0.3", linewidth=0.8)
        sides = [side for _, side in ends]
        axes.plot([across, across], [min(sides), max(sides)], color="0.3", linewidth=0.8)
        return across, sum(sides) / len(sides)

    draw(root)
    axes.set_xlim((2 * root.height() or 1.0) * 1.02, 0)
    axes.set_ylim(len(places) - 0.5, -0.5)
    axes.spines[["left", "right"]].set_visible(False)
    axes.tick_params(axis="y", length=0, pad=2)


def describe(table: pd.DataFrame, tables: SignatureTables, asked: Asked) -> str:
    """Which comparison and layer, how the trees agree with families, and what is missing."""
    del asked
    said = [
        f"{said_of_run(tables, table)}; trees by UPGMA of cosine distances of signatures as published, languages coloured by family with"
        " their genus beside; the CSV holds the trees as Newick."
    ]
    layers = tables.table("language_trees")["layer"].astype(int).unique()
    if instead := stands_for(int(table["layer"].iloc[0]), PAPER_LAYER, [*layers]):
        said.append(f"Here {instead}.")
    for row in table.to_dict("records"):
        said.append(_described(row))
    missing = {ALL: "fewer than two languages have signatures of all words", MEAN: "the run takes no category but all words"}
    said += [f"Not shown: {panel} ({why})." for panel, why in missing.items() if panel not in set(table["panel"])]
    return " ".join(said)


def _described(row: dict[Hashable, Any]) -> str:
    said = f"{row['panel']}: {row['languages']} languages"
    if pd.notna(row["share"]):
        sure = "too few languages for any claim" if row["n_too_small"] else f"p = {row['permutation_p']:.3f}"
        said += f", {row['share']:.0%} of {row['resolved']} quartets as families, genera and branches have them (chance: a third; {sure})"
    elif row["reason"]:
        said += f", no score ({row['reason']})"
    if row["ties"]:
        said += f"; {row['ties']} merges had ties, so that it is one of several trees"
    return f"{said}; left out: {listed(row['left_out'].split())}." if row["left_out"] else f"{said}."


PAPER_FIGURE = PaperFigureKind(
    reads=("language_trees",),
    table=trees_of_middle_layer,
    plot=plot_trees,
    caption=describe,
    lacking="no tree is drawn of fewer than two languages",
)
