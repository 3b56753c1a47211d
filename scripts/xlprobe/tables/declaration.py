"""How a kind of a paper's tables is declared, and one of them written: CSV, Markdown and LaTeX."""

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import pandas as pd

from xlprobe.metrics.model_tables import ModelFacts, ModelTables
from xlprobe.metrics.signature_tables import SignatureFacts, SignatureTables
from xlprobe.tables.rendering import write_rendered

# What a kind's cells are made of: `ModelTables` of paper 1's kinds, `SignatureTables` of paper 2's.
Tables = TypeVar("Tables")


@dataclass(frozen=True, kw_only=True)
class TableKind(Generic[Tables]):
    """A kind of a paper's tables.

    Attributes:
        reads: the tables of `metrics/` that it is made of; as plain text, since the plan of a run reads it (`figure_kinds`).
        table: its cells as text, in the paper's arrangement: headers are the columns' names, blank cells are empty.
        notes: sentences under it, of this run.
        beside: further columns of the same rows, for the CSV alone: numbers that would make the table too wide.
    """

    reads: tuple[str, ...]
    table: Callable[[Tables], pd.DataFrame]
    notes: Callable[[Tables], Sequence[str]]
    beside: Callable[[Tables], pd.DataFrame] | None = None


def load_table(kind: str) -> TableKind[Any]:
    """The kind that the module `xlprobe.tables.<kind>` declares."""
    return importlib.import_module(f"xlprobe.tables.{kind}").TABLE


def make_table(
    kind: str, title: str, tables: Sequence[Path], facts: ModelFacts | SignatureFacts, csv: Path, markdown: Path, latex: Path
) -> None:
    """Make one of a paper's tables of a model, or of a run's signatures, from tables of `metrics/` (each named after its file)."""
    declared = load_table(kind)
    read = ModelTables.of_files(facts, tables) if isinstance(facts, ModelFacts) else SignatureTables.of_files(facts, tables)
    beside = declared.beside and declared.beside(read)
    write_rendered(declared.table(read), title, declared.notes(read), csv, markdown, latex, beside)
