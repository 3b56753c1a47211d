"""Correlations of mean signatures with scores of tasks, as paper 2 prints them (Tables 1 and 4 to 7), with what it leaves out.

Each stands with its number of languages, its interval, and a second verdict: of standardised covariances, of which all layers are fitted
together, since the mean of raw ones grows with the model's vectors.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from xlprobe.metrics.signature_tables import SignatureTables
from xlprobe.metrics.task_correlations import AS_PRINTED, OWN_TASKS, SAME_SCRIPT, THIS_RUN, note_of
from xlprobe.tables.rendering import MISSING, decimals, published_rows

TABLE_NAME = "task_correlations"
PUBLISHED_TASKS = "published/paper2_table1.tsv"
# How signatures are taken: as printed, and the second verdict.
RAW, JOINT = "per layer, raw", "all layers together, standardised"
VERDICTS = {RAW: ("per_layer", "raw"), JOINT: ("over_layers", "standardised")}
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


def column_of(task: str, metric: str) -> str:
    """The column of Tables 4 to 7 that is of a row of Table 1.

    >>> column_of("TyDiQA-GoldP", "EM"), column_of("PAWS-X", "Acc")
    ('tydiqa_em', 'pawsx_acc')
    """
    return f"{task.removesuffix('-GoldP').replace('-', '')}_{metric}".lower()


def correlations(tables: SignatureTables, verdict: str, source: str | None = None, matching: str = AS_PRINTED) -> list[Row]:
    """The rows of `task_correlations` of a verdict, by layer.

    Args:
        source: this run; None is published scores and those of a user's file.
        matching: as the table has it.
    """
    table = tables.table(TABLE_NAME)
    fit, scale = VERDICTS[verdict]
    of_source = table["source"] == source if source else table["source"] != THIS_RUN
    chosen = table[(table["fit"] == fit) & (table["scale"] == scale) & of_source & (table["matching"] == matching)]
    rows: list[Row] = chosen.sort_values("layer", kind="stable").to_dict("records")
    return rows


def key_of(row: Row) -> tuple[str, str, str]:
    """What a correlation is of: task, model that has the scores, metric."""
    return row["task"], row["score_model"], row["metric"]


def r_text(row: Row | None) -> str:
    """A correlation with two decimals, as printed, with its number of languages, and a mark where so few can support no claim."""
    if row is None or pd.isna(row["r"]):
        return MISSING
    return f"{decimals(row['r'], 2)}{TOO_SMALL if row['n_too_small'] else ''} (n={int(row['n'])})"


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
    if not (correlations(tables, JOINT) or correlations(tables, JOINT, THIS_RUN, SAME_SCRIPT)):
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
        """By the column's name with the printed number of languages: the printed table's column, the task and the metric."""
        printed = published_rows(PUBLISHED_TASKS)
        return {
            f"{row['task']} {row['metric']} (n={row['languages']})": (
                column_of(row["task"], row["metric"]),
                row["task"],
                METRICS[row["metric"]],
            )
            for row in printed
        }

    def table(self, tables: SignatureTables) -> pd.DataFrame:
        """Layers by tasks: of each layer the printed row, and one of each verdict."""
        columns = self._columns
        rows: list[tuple[int, dict[str, str]]] = []
        for printed in published_rows(self.published):
            cells = {name: printed[column] for name, (column, *_) in columns.items()}
            rows.append((int(printed["layer"]), {"Layer": printed["layer"], "Signatures": "paper"} | cells))
        for verdict in VERDICTS:
            by_layer: dict[int, dict[tuple[str, str, str], Row]] = {}
            for row in self._rows(tables, verdict):
                by_layer.setdefault(int(row["layer"]), {})[key_of(row)] = row
            for layer, found in by_layer.items():
                cells = {name: r_text(found.get((task, self.model, metric))) for name, (_, task, metric) in columns.items()}
                rows.append((layer, {"Layer": str(layer), "Signatures": verdict} | cells))
        return pd.DataFrame([row for _, row in sorted(rows, key=lambda row: row[0])])

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
            " which is another model; n in a column's head: languages in the paper, in a cell: here. The CSV has intervals and p-values."
        )
        last = max((int(row["layer"]) for row in shown), default=None)
        if last is not None and last != int(printed[-1]["layer"]):
            yield f"The paper's last layer is {printed[-1]['layer']}, ours {last}: the same number is not the same depth."
        yield from second_verdict_note(tables)
        yield f"BUCC: {note_of(4)}."
        yield from reading_notes(shown)
        first = {key_of(row): row for row in reversed(self._rows(tables, RAW))}
        names = {name.partition(" (")[0]: (task, self.model, metric) for name, (_, task, metric) in self._columns.items()}
        yield from absence_notes([(name, first.get(test)) for name, test in names.items()])


OWN_COLUMNS = {"POS accuracy": "pos", "XNLI accuracy": "xnli", "Alignment F1": "alignment"}


def own_correlations(tables: SignatureTables, verdict: str) -> list[Row]:
    """The correlations with this run's own scores of the same model."""
    return [row for row in correlations(tables, verdict, THIS_RUN, SAME_SCRIPT) if row["task"] in OWN_TASKS]
