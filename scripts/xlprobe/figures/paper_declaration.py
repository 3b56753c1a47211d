"""How a kind of a paper's figures is declared, and one of its figures drawn: PNG, PDF, the CSV behind it, and a caption of this run."""

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from xlprobe.artifacts.captions import write_caption
from xlprobe.figures.drawing import STYLE, blank, save_figure
from xlprobe.metrics.model_tables import ModelFacts, ModelTables
from xlprobe.metrics.signature_tables import SignatureFacts, SignatureTables

# What a kind's marks are made of: `ModelTables` of paper 1's kinds, `SignatureTables` of paper 2's.
Tables = TypeVar("Tables")


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One figure of a paper, as its row of `paper1_figures.tsv` or `paper2_figures.tsv` in `resources/published` asks for it.

    Attributes:
        tasks: those that it shows, in its panels' order; none of signatures.
        shown: what else it shows, in the kind's words.
    """

    title: str
    tasks: Sequence[str] = ()
    shown: str = ""


@dataclass(frozen=True, kw_only=True)
class PaperFigureKind(Generic[Tables]):
    """A kind of a paper's figures.

    Attributes:
        reads: the tables of `metrics/` that it is made of; as plain text, since the plan of a run reads it (`figure_kinds`).
        table: the data that is drawn, one row a mark; no row where there is nothing to show.
        plot: how that is drawn.
        caption: what it shows in this run, in sentences that begin after the title.
        lacking: why there is nothing to show of what is measured.
    """

    reads: tuple[str, ...]
    table: Callable[[Tables, Asked], pd.DataFrame]
    plot: Callable[[pd.DataFrame, Tables, Asked], Figure]
    caption: Callable[[pd.DataFrame, Tables, Asked], str]
    lacking: str = "what it shows is not measured in this run"


def load_paper_figure(kind: str) -> PaperFigureKind[Any]:
    """The kind that the module `xlprobe.figures.<kind>` declares."""
    return importlib.import_module(f"xlprobe.figures.{kind}").PAPER_FIGURE


def draw_paper_figure(
    kind: str,
    asked: Asked,
    tables: Sequence[Path],
    facts: ModelFacts | SignatureFacts,
    png: Path,
    pdf: Path,
    csv: Path,
    caption: Path,
) -> None:
    """Draw one of a paper's figures of a model, or of a run's signatures, from tables of `metrics/` (each named after its file).

    One that has nothing to show says why.
    """
    declared = load_paper_figure(kind)
    read = ModelTables.of_files(facts, tables) if isinstance(facts, ModelFacts) else SignatureTables.of_files(facts, tables)
    table = declared.table(read, asked)
    with plt.rc_context(STYLE):
        if len(table):
            figure, said = declared.plot(table, read, asked), declared.caption(table, read, asked)
        else:
            figure, said = blank(asked.title, why := why_empty(read, asked, declared)), f"Nothing to show: {why}."
        save_figure(figure, table, png, pdf, csv)
    write_caption(caption, said)


def why_empty(tables: ModelTables | SignatureTables, asked: Asked, declared: PaperFigureKind[Any]) -> str:
    """Why a figure has nothing to show.

    Of a model: what the study says of its tasks, and of those of which it says nothing what the kind lacks. Of signatures: what the kind
    lacks, and the reason that the first of its tables gives most often, if any.
    """
    if isinstance(tables, SignatureTables):
        given = [*tables.table(declared.reads[0])["reason"].dropna().mode()]
        return f"{declared.lacking} ({given[0]})" if given else declared.lacking
    absent = {(key.partition(",")[0], why) for key, why in tables.facts.absent.items()}
    reasons = sorted({why for task, why in absent if task in asked.tasks})
    return "; ".join([*reasons, declared.lacking] if {*asked.tasks} - {task for task, _ in absent} else reasons)
