"""Which tasks are measured, in how many languages (paper 1: Table 1)."""

from collections.abc import Iterator

import pandas as pd

from xlprobe.artifacts.published_tables import published_rows
from xlprobe.metrics.correlations import IN_LANGUAGE, TRANSFER
from xlprobe.metrics.model_tables import ModelTables
from xlprobe.metrics.training_outcomes import one_language
from xlprobe.tables.declaration import TableKind
from xlprobe.tables.reasons import reasons
from xlprobe.tables.rendering import MISSING

# In the order of the printed rows.
TASKS = ("bpc", "pos", "arc_prediction", "arc_classification", "xnli", "alignment")
HAVE_TRANSFER = ("pos", "arc_prediction", "arc_classification", "xnli")


def _table(tables: ModelTables) -> pd.DataFrame:
    rows = [
        {
            "Task": printed["task"],
            "Setup": printed["setup"],
            "Num. Langs: In-lang.": MISSING if task == "alignment" else _count(tables, task),
            "X-lang.": _pairs(tables, task),
        }
        for task, printed in zip(TASKS, published_rows("published/paper1_table1.tsv"), strict=True)
    ]
    return pd.DataFrame(rows)


def _count(tables: ModelTables, task: str) -> str:
    curves = tables.curves("best", task, IN_LANGUAGE)
    codes = curves["source_language"] if task == "bpc" else curves["source_language"].map(one_language)
    return str(codes.nunique() or MISSING)


def _pairs(tables: ModelTables, task: str) -> str:
    """Source languages and target languages."""
    if task == "alignment":
        pairs = tables.curves("best", task, IN_LANGUAGE)
        sides = pairs[["source_language", "target_language"]].map(one_language)
        return _bitexts([*sides.itertuples(index=False, name=None)])
    pairs = tables.curves("best", task, TRANSFER)
    if task not in HAVE_TRANSFER or pairs.empty:
        return MISSING
    sources, targets = (pairs[f"{axis}_language"].map(one_language).nunique() for axis in ("source", "target"))
    return f"{sources} → {targets}"


def _bitexts(pairs: list[tuple[str, str]]) -> str:
    """One language to all others, where all bitexts share it; links have no direction."""
    if not pairs:
        return MISSING
    shared, every = set.intersection(*map(set, pairs)), set.union(*map(set, pairs))
    return f"1 → {len(every) - 1}" if shared else f"{len({*map(frozenset, pairs)})} pairs"


def _notes(tables: ModelTables) -> Iterator[str]:
    yield f"Of this run, of the model {tables.facts.model}. X-lang.: languages that probes learn from → languages that they are tested on."
    names = dict(zip(TASKS, (printed["task"] for printed in published_rows("published/paper1_table1.tsv")), strict=True))
    yield from reasons(tables, (IN_LANGUAGE, TRANSFER), names)


TABLE = TableKind(reads=("best",), table=_table, notes=lambda tables: [*_notes(tables)])
