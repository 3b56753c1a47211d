"""What figures share that have languages beside each other: panels as wide as their languages, marks, and words on bits."""

import textwrap
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from xlprobe.metrics.model_tables import ModelTables

# Inches: of a panel beside its languages, of the narrowest panel, of a figure, and of a row of panels.
FRAME, NARROWEST, WIDTH, ROW_HEIGHT = 0.7, 1.95, 10.0, 2.4
TITLE_PER_INCH = 12  # characters
# Inches of a language: of many, with one mark each; and of few, with many marks.
SLIM, WIDE = 0.095, 0.22
PROTOCOLS_OF_BITS = {"lines": "each line by itself", "fairseq": "fairseq's way, in blocks"}
# One more of Okabe and Ito's colours, a darker shade of another one, and the darkest of viridis.
SKY, NAVY, DARK = "#56B4E9", "#00426B", "#440154"


def language_panels(titles: Mapping[str, str], languages: Mapping[str, Sequence[str]], inches: float) -> tuple[Figure, dict[str, Axes]]:
    """A panel a task with its languages along the horizontal axis, as many beside each other as fit into a row.

    Args:
        titles: of the tasks that have a panel.
        languages: of each task, from left to right.
        inches: what a language takes of the width, SLIM or WIDE.
    """
    widths = {task: max(NARROWEST, FRAME + inches * len(languages[task])) for task in titles}
    rows = _rows(widths)
    whole = max(5.5, *(sum(widths[task] for task in row) for row in rows))
    figure = plt.figure(figsize=(whole, ROW_HEIGHT * len(rows) + 0.8), layout="constrained")
    grid = figure.add_gridspec(len(rows), 1)
    found: dict[str, Axes] = {}
    for number, row in enumerate(rows):
        # What is left of the row stays blank: a language is as wide in all rows.
        spare = whole - sum(widths[task] for task in row) if len(rows) > 1 else 0
        ratios = [*(widths[task] for task in row), *([spare] if spare > 0.5 else [])]
        places = grid[number, 0].subgridspec(1, len(ratios), width_ratios=ratios)
        found |= {task: figure.add_subplot(places[0, column]) for column, task in enumerate(row)}
    for task, axes in found.items():
        most = round(TITLE_PER_INCH * widths[task])
        axes.set_title("\n".join(textwrap.fill(line, most) for line in titles[task].splitlines()))
        axes.set_xticks(range(len(languages[task])), languages[task], rotation=90, fontsize=6 if inches == SLIM else 7)
        axes.set_xlim(-0.7, len(languages[task]) - 0.3)
        axes.tick_params(axis="x", length=2, pad=1)
        axes.grid(axis="y", linewidth=0.3, alpha=0.6)
        axes.set_axisbelow(True)
    return figure, found


def _rows(widths: Mapping[str, float]) -> list[list[str]]:
    """As few rows as a figure of WIDTH needs, or of its widest panel, and those as even as they can be."""

    def packed(most: float) -> list[list[str]]:
        rows: list[list[str]] = [[]]
        for task, width in widths.items():
            if sum(widths[other] for other in rows[-1]) + width > most + 1e-9:
                rows.append([])
            rows[-1].append(task)
        return rows

    sizes = [*widths.values()]
    fewest = len(packed(max(WIDTH, *sizes)))
    sums = sorted(sum(sizes[start:end]) for start, end in combinations(range(len(sizes) + 1), 2))
    return next(rows for most in sums if most >= max(sizes) and len(rows := packed(most)) == fewest)


def said_of_bits(tables: ModelTables) -> str:
    """How bits per character are taken, and that their direction is the other one."""
    protocol = tables.facts.protocols.get("bpc") or ""
    return f"{PROTOCOLS_OF_BITS.get(protocol, protocol)}; less is better"


def mark(colour: Any, shape: str, size: float, **others: Any) -> dict[str, Any]:
    """Options of a line that is drawn as marks alone."""
    return {"color": colour, "marker": shape, "markersize": size, "linestyle": "none", "markeredgewidth": 0.7, **others}
