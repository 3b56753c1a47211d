"""How a kind of a paper's figures is declared, and one of its figures drawn: PNG, PDF, the CSV behind it, and a caption of this run."""

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from xlprobe.artifacts.captions import write_caption
from xlprobe.figures.drawing import STYLE, blank, save_figure
from xlprobe.metrics.model_tables import ModelFacts, ModelTables


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One figure of a paper, as its row of `resources/published/paper1_figures.tsv` asks for it.

    Attributes:
        tasks: those that it shows, in its panels' order.
        shown: what of them, in the kind's words.
    """

    title: str
    tasks: Sequence[str]
    shown: str = ""


@dataclass(frozen=True, kw_only=True)
class PaperFigureKind:
    """A kind of a paper's figures.

    Attributes:
        reads: the tables of `metrics/` that it is made of; as plain text, since the plan of a run reads it (`figure_kinds`).
        table: the data that is drawn, one row a mark; no row where there is nothing to show.
        plot: how that is drawn.
        caption: what it shows in this run, in sentences that begin after the title.
        lacking: why there is nothing to show of tasks that are measured.
    """

    reads: tuple[str, ...]
    table: Callable[[ModelTables, Asked], pd.DataFrame]
    plot: Callable[[pd.DataFrame, ModelTables, Asked], Figure]
    caption: Callable[[pd.DataFrame, ModelTables, Asked], str]
    lacking: str = "what it shows is not measured in this run"


def load_paper_figure(kind: str) -> PaperFigureKind:
    """The kind that the module `xlprobe.figures.<kind>` declares."""
    return importlib.import_module(f"xlprobe.figures.{kind}").PAPER_FIGURE


def draw_paper_figure(
    kind: str, asked: Asked, tables: Sequence[Path], facts: ModelFacts, png: Path, pdf: Path, csv: Path, caption: Path
) -> None:
    """Draw one of a paper's figures of a model, from tables of `metrics/` (each named after its file)."""
    declared, of_model = load_paper_figure(kind), ModelTables.of_files(facts, tables)
    table = declared.table(of_model, asked)
    with plt.rc_context(STYLE):
        if len(table):
            figure, said = declared.plot(table, of_model, asked), declared.caption(table, of_model, asked)
        else:
            figure, said = blank(asked.title, why := why_empty(of_model, asked, declared.lacking)), f"Nothing to show: {why}."
        save_figure(figure, table, png, pdf, csv)
    write_caption(caption, said)


def why_empty(tables: ModelTables, asked: Asked, lacking: str) -> str:
    """Why a figure has nothing to show: what the study says of its tasks, and of those of which it says nothing what the kind lacks."""
    absent = {(key.partition(",")[0], why) for key, why in tables.facts.absent.items()}
    reasons = sorted({why for task, why in absent if task in asked.tasks})
    return "; ".join([*reasons, lacking] if {*asked.tasks} - {task for task, _ in absent} else reasons)
