"""How a kind of figure is declared, loaded by its name, and drawn."""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from xlprobe.artifacts.tables import read_table
from xlprobe.figures.drawing import STYLE, add_note, blank, save_figure
from xlprobe.figures.scores import Dataset, Scores
from xlprobe.tasks.declaration import load_task


@dataclass(frozen=True)
class FigureKind:
    """A kind of figure: how the table behind it is made, how that is drawn, and what datasets lack that are not in it."""

    table: Callable[[Scores], pd.DataFrame]
    plot: Callable[[pd.DataFrame, Scores], Figure]
    lacking: str = "no test example"


def load_figure(kind: str) -> FigureKind:
    """The kind of figure that the module `xlprobe.figures.<kind>` declares."""
    return importlib.import_module(f"xlprobe.figures.{kind}").FIGURE


def draw(
    kind: str, scores_path: Path, model: str, task: str, datasets: Mapping[str, Mapping[str, str]], png: Path, pdf: Path, csv: Path
) -> None:
    """Draw a kind of figure from the scores table."""
    figure = load_figure(kind)
    facts = {name: Dataset(**described) for name, described in datasets.items()}
    scores = Scores(read_table(scores_path), model, load_task(task), facts)
    table = figure.table(scores)
    with plt.rc_context(STYLE):
        drawn = figure.plot(table, scores) if len(table) else blank(f"{scores.task.title}: {kind.replace('_', ' ')}", figure.lacking)
        if len(table) and (names := scores.left_out(table)):
            add_note(drawn, f"not shown, having {figure.lacking}: {', '.join(names)}")
        save_figure(drawn, table, png, pdf, csv)
