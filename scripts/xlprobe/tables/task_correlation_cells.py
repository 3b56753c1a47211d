"""Correlations of mean signatures with scores of tasks, as paper 2 prints them (Tables 1 and 4 to 7), with what it leaves out.

Each stands with its number of languages, its interval, and a second verdict: of standardised covariances, of which all layers are fitted
together, since the mean of raw ones grows with the model's vectors.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from xlprobe.artifacts.published_tables import published_rows
from xlprobe.metrics import last_signatures
from xlprobe.metrics.signature_tables import SignatureTables
from xlprobe.metrics.task_correlations import AS_PRINTED, THIS_RUN, column_of, note_of
from xlprobe.tables.rendering import MISSING, decimals

TABLE_NAME = "task_correlations"
PUBLISHED_TASKS = "published/paper2_table1.tsv"
# How signatures are taken: as printed, and the second verdict.
RAW, JOINT = "per layer, raw", "joint, standardised"
VERDICTS = {RAW: last_signatures.AS_PRINTED, JOINT: last_signatures.SECOND_VERDICT}
# Columns of the printed tables.
MODELS = {"mbert": "mBERT", "xlm": "XLM", "xlmr": "XLM-R", "mmte": "MMTE"}
METRICS = {"Acc": "accuracy", "F1": "F1", "EM": "EM"}
TOO_SMALL = "°"
# What stands beside each correlation in the CSV.
BESIDE = (
    *("n", "r", "low", "high", "p", "permutation_p", "smallest_p", "without_one_low", "without_one_high", "influential"),
    *("languages", "left_out", "where", "note", "reason"),
)

Row = dict[Any, Any]
# What a correlation is of: task, model that has the scores, metric.
Key = tuple[str, str, str]


def correlations(tables: SignatureTables, verdict: str, matching: str = AS_PRINTED) -> list[Row]:
    """The rows of `task_correlations` that are of published scores and those of a user's file, of a verdict, by layer.

    Args:
        matching: as the table has it.
    """
    return [row for row in _of_verdict(tables, verdict) if row["source"] != THIS_RUN and row["matching"] == matching]


def own_correlations(tables: SignatureTables, verdict: str) -> list[Row]:
    """Those that are of this run's own scores of the same model."""
    return [row for row in _of_verdict(tables, verdict) if row["source"] == THIS_RUN]


def _of_verdict(tables: SignatureTables, verdict: str) -> list[Row]:
    table = tables.table(TABLE_NAME)
    fit, scale = VERDICTS[verdict]
    rows: list[Row] = table[(table["fit"] == fit) & (table["scale"] == scale)].sort_values("layer", kind="stable").to_dict("records")
    return rows


def key_of(row: Row) -> Key:
    """What a correlation is of: task, model that has the scores, metric."""
    return row["task"], row["score_model"], row["metric"]


def r_text(row: Row | None, usual: int | None = None) -> str:
    """A correlation with two decimals, as printed, and a mark where so few languages can support no claim.

    Args:
        usual: the number of languages that the table says elsewhere; another one stands behind the correlation.
    """
    if row is None or pd.isna(row["r"]):
        return MISSING
    n = "" if row["n"] == usual else f" (n={int(row['n'])})"
    return f"{decimals(row['r'], 2)}{TOO_SMALL if row['n_too_small'] else ''}{n}"


def interval_text(row: Row | None) -> str:
    """Its interval; three languages have none."""
    if row is None or pd.isna(row["r"]):
        return MISSING
    return "none (n=3)" if pd.isna(row["low"]) else f"[{decimals(row['low'], 2)}, {decimals(row['high'], 2)}]"


def beside_cells(row: Row | None, prefix: str = "") -> dict[str, str]:
    """What the CSV says of a correlation."""

    def text(value: Any) -> str:
        if value is None or pd.isna(value):
            return ""
        return value if isinstance(value, str) else f"{value:.6g}"

    return {f"{prefix}{name}": text(row and row[name]) for name in BESIDE}


def why_none(row: Row | None) -> str:
    """Why there is no correlation; empty where there is one."""
    if row is None:
        return "the run has none (config keys signatures.fits and signatures.scales)"
    return str(row["reason"] or "") if pd.isna(row["r"]) else ""


def reading_notes(rows: Sequence[Row]) -> Iterator[str]:
    """How to read an r of so few languages, for those that are shown."""
    shown = [row for row in rows if not pd.isna(row["r"])]
    if any(row["n_too_small"] for row in shown):
        yield f"{TOO_SMALL} n too small: by permutation, so few languages can have no p-value below 0.05."
    if few := sorted({row["note"] for row in shown if row["note"]}):
        yield f"Few languages: {'; '.join(few)}."


def absence_notes(rows: Sequence[tuple[str, Row | None]]) -> Iterator[str]:
    """A sentence for each reason why some have no correlation; none where all have one.

    Args:
        rows: each with what the table calls it.
    """
    found: dict[str, dict[str, None]] = {}
    for name, row in rows:
        if why := why_none(row):
            found.setdefault(why, {})[name] = None
    return (f"{MISSING} for {', '.join(names)}: {why}." for why, names in found.items())


def second_verdict_note(tables: SignatureTables) -> Iterator[str]:
    """How the two verdicts differ; that there is no second one, where there is none."""
    if not _of_verdict(tables, JOINT):
        yield (
            "No second verdict: this run fits no standardised covariances over all layers together (config keys signatures.fits and"
            " signatures.scales), and a raw mean grows with the model's vectors."
        )
        return
    yield (
        f"{RAW}: as printed. {JOINT}: the second verdict, of covariances of standardised vectors, with directions that all layers share;"
        " a raw mean grows with the model's vectors."
    )


@dataclass(frozen=True)
class LayerCorrelations:
    """One of paper 2's tables of correlations by layer: the printed numbers above ours, layer by layer.

    Attributes:
        model: the model that has the scores, as XTREME names it.
        published: the table of `resources/` that holds the printed numbers.
    """

    model: str
    published: str

    @property
    def _columns(self) -> dict[str, tuple[str, str, str]]:
        """By name, the printed table's column, the task and the metric."""
        return {
            f"{row['task'].removesuffix('-GoldP')} {row['metric']}": (
                column_of(row["task"], row["metric"]),
                row["task"],
                METRICS[row["metric"]],
            )
            for row in published_rows(PUBLISHED_TASKS)
        }

    def table(self, tables: SignatureTables) -> pd.DataFrame:
        """Layers by tasks: of each layer the printed row, and one of each verdict; above all the numbers of languages."""
        columns, usual, printed = self._columns, self._usual(tables), published_rows(self.published)
        papers = {column_of(row["task"], row["metric"]): row["languages"] for row in published_rows(PUBLISHED_TASKS)}
        here = {name: str(usual.get((task, self.model, metric), MISSING)) for name, (_, task, metric) in columns.items()}
        in_print = {name: papers[column] if any(row[column] for row in printed) else "" for name, (column, *_) in columns.items()}
        above = [{"Layer": "n", "Signatures": "paper"} | in_print, {"Layer": "n", "Signatures": "here"} | here]
        rows: list[tuple[int, dict[str, str]]] = []
        for row in printed:
            cells = {name: row[column] for name, (column, *_) in columns.items()}
            rows.append((int(row["layer"]), {"Layer": row["layer"], "Signatures": "paper"} | cells))
        for verdict in VERDICTS:
            by_layer: dict[int, dict[Key, Row]] = {}
            for found in self._rows(tables, verdict):
                by_layer.setdefault(int(found["layer"]), {})[key_of(found)] = found
            for layer, of_layer in by_layer.items():
                keys = {name: (task, self.model, metric) for name, (_, task, metric) in columns.items()}
                cells = {name: r_text(of_layer.get(key), usual.get(key)) for name, key in keys.items()}
                rows.append((layer, {"Layer": str(layer), "Signatures": verdict} | cells))
        return pd.DataFrame([*above, *(row for _, row in sorted(rows, key=lambda row: row[0]))])

    def _usual(self, tables: SignatureTables) -> dict[Key, int]:
        """The number of languages that most correlations of a task have; none where it has none."""
        found: dict[Key, Counter[int]] = {}
        for row in (row for verdict in VERDICTS for row in self._rows(tables, verdict) if not pd.isna(row["r"])):
            found.setdefault(key_of(row), Counter())[int(row["n"])] += 1
        return {key: counts.most_common(1)[0][0] for key, counts in found.items()}

    def _rows(self, tables: SignatureTables, verdict: str) -> list[Row]:
        asked = {(task, self.model, metric) for _, task, metric in self._columns.values()}
        return [row for row in correlations(tables, verdict) if key_of(row) in asked]

    def beside(self, tables: SignatureTables) -> pd.DataFrame:
        """What each correlation rests on, by task."""
        found = {(str(int(row["layer"])), verdict, *key_of(row)): row for verdict in VERDICTS for row in self._rows(tables, verdict)}
        lines = self.table(tables)[["Layer", "Signatures"]].itertuples(index=False, name=None)
        kept = ("n", "low", "high", "p", "permutation_p")

        def cells(layer: str, verdict: str) -> dict[str, str]:
            every: dict[str, str] = {}
            for column, task, metric in self._columns.values():
                said = beside_cells(found.get((layer, verdict, task, self.model, metric)))
                every |= {f"{column} {name}": said[name] for name in kept}
            return every

        return pd.DataFrame([cells(*line) for line in lines])

    def notes(self, tables: SignatureTables) -> list[str]:
        """What is shown, and why something is not."""
        return [*self._notes(tables)]

    def _notes(self, tables: SignatureTables) -> Iterator[str]:
        printed, shown = published_rows(self.published), [row for verdict in VERDICTS for row in self._rows(tables, verdict)]
        yield (
            f"Pearson's r over languages of the mean signature of all words ({tables.model()}) with scores by language of {self.model},"
            " which is another model. n: languages; in a cell, where it is another one than above. The CSV has intervals and p-values."
        )
        last = max((int(row["layer"]) for row in shown), default=None)
        if last is not None and last != int(printed[-1]["layer"]):
            yield f"The paper's last layer is {printed[-1]['layer']}, ours {last}: the same number is not the same depth."
        yield from second_verdict_note(tables)
        yield f"BUCC in print: {note_of(4)}."
        yield from reading_notes(shown)
        first = {key_of(row): row for row in reversed(self._rows(tables, RAW))}
        yield from absence_notes([(name, first.get((task, self.model, metric))) for name, (_, task, metric) in self._columns.items()])
