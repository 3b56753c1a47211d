"""Correlations of mean signatures with the scores of the very model that they are of, by layer; paper 2 has no such table."""

from collections.abc import Iterator

import pandas as pd

from xlprobe.metrics.signature_tables import SignatureTables
from xlprobe.tables.declaration import TableKind
from xlprobe.tables.rendering import MISSING, decimals
from xlprobe.tables.task_correlation_cells import (
    RAW,
    VERDICTS,
    Row,
    absence_notes,
    beside_cells,
    interval_text,
    own_correlations,
    r_text,
    reading_notes,
    second_verdict_note,
)

OWN_COLUMNS = {"POS accuracy": "pos", "XNLI accuracy": "xnli", "Alignment F1": "alignment"}
COLUMNS = ["Layer", "Signatures", *OWN_COLUMNS]
KEPT = ("n", "low", "high", "p", "permutation_p", "without_one_low", "without_one_high", "influential", "languages")


def _lines(tables: SignatureTables) -> list[tuple[int, str, dict[str, Row]]]:
    """Each line's layer and verdict, and its correlations by task."""
    found: dict[tuple[int, str], dict[str, Row]] = {}
    for verdict in VERDICTS:
        for row in own_correlations(tables, verdict):
            found.setdefault((int(row["layer"]), verdict), {})[row["task"]] = row
    return [(layer, verdict, rows) for (layer, verdict), rows in sorted(found.items(), key=lambda line: line[0][0])]


def _cell(row: Row | None) -> str:
    text = r_text(row)
    return text if text == MISSING else f"{text} {interval_text(row)}"


def _table(tables: SignatureTables) -> pd.DataFrame:
    rows = [
        {"Layer": str(layer), "Signatures": verdict} | {name: _cell(rows.get(task)) for name, task in OWN_COLUMNS.items()}
        for layer, verdict, rows in _lines(tables)
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def _beside(tables: SignatureTables) -> pd.DataFrame:
    columns = [f"{task} {name}" for task in OWN_COLUMNS.values() for name in KEPT]
    rows = [
        {f"{task} {name}": beside_cells(rows.get(task))[name] for task in OWN_COLUMNS.values() for name in KEPT}
        for _, _, rows in _lines(tables)
    ]
    return pd.DataFrame(rows, columns=columns)


def _notes(tables: SignatureTables) -> Iterator[str]:
    lines = _lines(tables)
    if not lines:
        yield "Nothing to show: this run correlates no signatures of all words with scores."
        return
    yield (
        f"Pearson's r over languages of the mean signature of all words ({tables.model()}) with scores of the same model at the same step,"
        " which is what paper 2 could not take: n languages, and the 95 % interval. Probes are read at the last layer that is measured."
    )
    yield from second_verdict_note(tables)
    last = [rows for _, verdict, rows in lines if verdict == RAW][-1:]
    for name, row in ((name, rows.get(task)) for rows in last for name, task in OWN_COLUMNS.items()):
        if row is not None and not pd.isna(row["r"]):
            how = "with" if row["task"] == "alignment" else "zero-shot from"
            yield f"{name}: {how} {row['pivot']}, of {row['languages']}{_without_one(row)}."
    yield from reading_notes([row for _, _, rows in lines for row in rows.values()])
    yield from absence_notes([(name, rows.get(task)) for rows in last for name, task in OWN_COLUMNS.items()])


def _without_one(row: Row) -> str:
    """Between what r lies, at the last layer, if one language is left out."""
    if pd.isna(row["without_one_low"]):
        return ""
    low, high = (decimals(row[f"without_one_{end}"], 2) for end in ("low", "high"))
    left_out = f"if one of these {int(row['n'])} is left out, and {row['influential']} moves it most"
    return f"; at the last layer, r lies from {low} to {high} {left_out}"


TABLE = TableKind(reads=("task_correlations",), table=_table, notes=lambda tables: [*_notes(tables)], beside=_beside)
