"""Correlations as paper 1 prints them (Tables 4 and 5), with what it leaves out: how many values, and p-values that hold."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd

from xlprobe.artifacts.published_tables import published_rows
from xlprobe.metrics import correlations
from xlprobe.metrics.learning import AS_PRINTED
from xlprobe.metrics.model_tables import TASKS, ModelTables
from xlprobe.tables.reasons import reasons
from xlprobe.tables.rendering import MISSING, decimals

VARIABLES = {
    "Task Perf.": correlations.PERFORMANCE,
    "Asymmetry": correlations.ASYMMETRY,
    "Steps to 95%": correlations.STEPS,
    "Forgetting": correlations.FORGETTING,
}
FACTORS = {
    "Pretraining Data": correlations.PRETRAINING,
    "Src. Pretraining Data": correlations.SOURCE_PRETRAINING,
    "Trg. Pretraining Data": correlations.TARGET_PRETRAINING,
    "Task Data": correlations.TASK_DATA,
    "Lang Sim.": correlations.DISTANCE,
}
TOO_SMALL = "°"
# What stands beside each task's cells in the CSV.
BESIDE = ("n", "languages", "p", "permutation_p", "q", "robust_p")
LEVEL = 0.05

Row = dict[Any, Any]


def stars(p: float) -> str:
    """As printed: * below 0.05, ** below 0.001."""
    return "**" if p < 0.001 else "*" if p < LEVEL else ""


def rho_text(row: Row) -> str:
    """A correlation as printed, with a mark where so few values can support no claim."""
    if pd.isna(row["value"]):
        return MISSING
    return decimals(row["value"], 3) + stars(row["p"]) + (TOO_SMALL if row["n_too_small"] else "")


def honest_p(row: Row) -> float:
    """The p-value by permutation; of twenty values and more in language, which have none, the printed one."""
    return float(row["p"] if pd.isna(row["permutation_p"]) else row["permutation_p"])


def correlations_of(tables: ModelTables, name: str, setting: str) -> pd.DataFrame:
    """The rows of `correlations` or `alternatives` that are of a setting, as printed, of each task's protocol."""
    table = tables.table(name)
    chosen = table[(table["setting"] == setting) & (table["rule"] == AS_PRINTED)]
    return chosen[chosen["protocol"] == chosen["task"].map(tables.facts.protocols)]


@dataclass(frozen=True)
class PrintedCorrelations:
    """One of paper 1's tables of correlations.

    Attributes:
        setting: in language, or transfer.
        published: the table of `resources/` that says which rows it has, and which cells are blank.
    """

    setting: str
    published: str

    @property
    def _printed(self) -> list[dict[str, str]]:
        return published_rows(self.published)

    @property
    def _tasks(self) -> list[str]:
        return [column for column in self._printed[0] if column in TASKS]

    def _cells(self, tables: ModelTables) -> list[dict[str, Row | None]]:
        """The correlation of each printed row and task; None of blanks, and of what is not measured."""
        found = correlations_of(tables, "correlations", self.setting).to_dict("records")
        known: dict[tuple[str, str, str], Row] = {(row["task"], row["outcome"], row["factor"]): row for row in found}

        def cell(printed: dict[str, str], task: str) -> Row | None:
            return known.get((task, VARIABLES[printed["variable"]], FACTORS[printed["factor"]])) if printed[task] else None

        return [{task: cell(printed, task) for task in self._tasks} for printed in self._printed]

    def table(self, tables: ModelTables) -> pd.DataFrame:
        """Variables by factors, and tasks, as printed; the usual number of values stands in a task's head, another one in its cell."""
        cells = self._cells(tables)
        usual = {task: Counter(row["n"] for row in (by_task[task] for by_task in cells) if row).most_common(1) for task in self._tasks}
        names = {task: TASKS[task] + "".join(f" (n={n})" for n, _ in found) for task, found in usual.items()}
        rows = [
            {"Variable": printed["variable"], "Factor": printed["factor"]}
            | {names[task]: _text(printed[task], cell, usual[task]) for task, cell in by_task.items()}
            for printed, by_task in zip(self._printed, cells, strict=True)
        ]
        return pd.DataFrame(rows)

    def beside(self, tables: ModelTables) -> pd.DataFrame:
        """What each correlation rests on, and its p-values, by task."""

        def number(cell: Row | None, name: str) -> str:
            return "" if cell is None or pd.isna(cell[name]) else f"{cell[name]:.6g}"

        rows = self._cells(tables)
        return pd.DataFrame([{f"{task} {name}": number(cell, name) for task, cell in row.items() for name in BESIDE} for row in rows])

    def notes(self, tables: ModelTables) -> list[str]:
        """What its marks mean, and how many correlations hold by p-values that take languages as they are."""
        return [*self._notes(tables)]

    def _notes(self, tables: ModelTables) -> Iterator[str]:
        in_language = self.setting == correlations.IN_LANGUAGE
        among = "languages" if in_language else "ordered pairs of languages, taken as independent"
        yield (
            f"Spearman's rho of the model {tables.facts.model} over {among}. Signs as they come out: bits per character are lower when"
            " better; Lang Sim. is a distance, smaller when languages are more alike. * p < 0.05, ** p < 0.001, as printed"
            " (Student's t); n: values, in a cell where it is another one than the column's."
        )
        measured = [cell for row in self._cells(tables) for cell in row.values() if cell]
        cells = [cell for cell in measured if not pd.isna(cell["value"])]
        if starred := [cell for cell in cells if cell["p"] < LEVEL]:
            held, adjusted = (sum(p < LEVEL for p in map(of, starred)) for of in (honest_p, lambda cell: float(cell["q"])))
            how = "by permutation, of 20 values and more by the printed p-value" if in_language else "by permutation of whole languages"
            yield (
                f"Cells with a star: {len(starred)}; of these, {held} hold {how} (p < 0.05), and {adjusted} once adjusted for many tests"
                " (q < 0.05). The CSV has both."
            )
        if any(cell["n_too_small"] for cell in cells):
            yield f"{TOO_SMALL} n too small: by permutation, so few languages can have no p-value below 0.05, whatever is printed."
        if len(cells) < len(measured):
            yield f"{MISSING} in a measured column: all values are the same, so that nothing goes together with them."
        yield from reasons(tables, [self.setting], {task: TASKS[task] for task in self._tasks})


def _text(printed: str, row: Row | None, usual: list[tuple[int, int]]) -> str:
    if row is None:
        return MISSING if printed else ""
    return rho_text(row) + ("" if row["n"] == usual[0][0] else f" (n={row['n']})")
