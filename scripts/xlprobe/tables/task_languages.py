"""The languages of each task (paper 1: Table 2)."""

from collections.abc import Iterable, Iterator

import pandas as pd

from xlprobe.artifacts.published_tables import published_rows
from xlprobe.metrics.correlations import IN_LANGUAGE, TRANSFER
from xlprobe.metrics.model_tables import ModelTables
from xlprobe.metrics.training_outcomes import one_language
from xlprobe.tables.declaration import TableKind
from xlprobe.tables.reasons import NAMES, reasons
from xlprobe.tables.rendering import MISSING, bold

# What the printed rows are of; and bitexts, which the paper names in its text.
TASKS = (("bpc",), ("pos", "arc_prediction", "arc_classification"), ("xnli",))


def _rows(tables: ModelTables) -> Iterator[tuple[str, list[str], list[str]]]:
    """Each row's name, its languages, and those of them that are both source and target in transfer."""
    for tasks, printed in zip(TASKS, published_rows("published/paper1_table2_printed.tsv"), strict=True):
        codes = (code for task in tasks for code in _codes(tables, task))
        yield printed["task"], sorted({*codes}), sorted({code for task in tasks for code in _transferred(tables, task)})
    yield NAMES["alignment"], sorted({*tables.curves("best", "alignment", IN_LANGUAGE)["language"]}), []


def _codes(tables: ModelTables, task: str) -> Iterable[str]:
    codes: pd.Series = tables.curves("best", task, IN_LANGUAGE)["source_language"]
    return codes if task == "bpc" else codes.map(one_language)


def _transferred(tables: ModelTables, task: str) -> set[str]:
    pairs = tables.curves("best", task, TRANSFER)
    return {*pairs["source_language"].map(one_language)} & {*pairs["target_language"].map(one_language)}


def _table(tables: ModelTables) -> pd.DataFrame:
    rows = [
        {"Task": name, "Languages": ", ".join(bold(code) if code in transferred else code for code in codes) or MISSING}
        for name, codes, transferred in _rows(tables)
    ]
    return pd.DataFrame(rows)


def _beside(tables: ModelTables) -> pd.DataFrame:
    return pd.DataFrame([{"Also in transfer": ", ".join(transferred), "n": str(len(codes))} for _, codes, transferred in _rows(tables)])


def _notes(tables: ModelTables) -> Iterator[str]:
    yield (
        f"Of this run, of the model {tables.facts.model}. Languages in bold are also used in transfer, as source and as target."
        " UD: of part-of-speech tags and arcs together. SimAlign: the languages of each bitext."
    )
    yield from reasons(tables, (IN_LANGUAGE, TRANSFER))


TABLE = TableKind(reads=("best",), table=_table, notes=lambda tables: [*_notes(tables)], beside=_beside)
