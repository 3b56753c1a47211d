"""How a kind of a paper's tables is declared, and one of them written: CSV, Markdown and LaTeX."""

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from xlprobe.metrics.model_tables import ModelFacts, ModelTables
from xlprobe.tables.rendering import write_rendered


@dataclass(frozen=True, kw_only=True)
class TableKind:
    """A kind of a paper's tables.

    Attributes:
        reads: the tables of `metrics/` that it is made of; as plain text, since the plan of a run reads it (`figure_kinds`).
        table: its cells as text, in the paper's arrangement: headers are the columns' names, blank cells are empty.
        notes: sentences under it, of this run.
        beside: further columns of the same rows, for the CSV alone: numbers that would make the table too wide.
    """

    reads: tuple[str, ...]
    table: Callable[[ModelTables], pd.DataFrame]
    notes: Callable[[ModelTables], Sequence[str]]
    beside: Callable[[ModelTables], pd.DataFrame] | None = None


def load_table(kind: str) -> TableKind:
    """The kind that the module `xlprobe.tables.<kind>` declares."""
    return importlib.import_module(f"xlprobe.tables.{kind}").TABLE


def make_table(kind: str, title: str, tables: Sequence[Path], facts: ModelFacts, csv: Path, markdown: Path, latex: Path) -> None:
    """Make one of a paper's tables of a model, from tables of `metrics/` (each named after its file)."""
    declared, of_model = load_table(kind), ModelTables.of_files(facts, tables)
    beside = declared.beside and declared.beside(of_model)
    write_rendered(declared.table(of_model), title, declared.notes(of_model), csv, markdown, latex, beside)
