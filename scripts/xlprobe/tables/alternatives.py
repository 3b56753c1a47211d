"""The correlations of paper 1's Tables 4 and 5 that change with what it leaves open."""

from collections.abc import Iterator
from itertools import product

import pandas as pd

from xlprobe.metrics.correlations import ASYMMETRY, IN_LANGUAGE, TARGET_PRETRAINING, TASK_DATA, TRANSFER
from xlprobe.metrics.model_tables import TASKS, ModelTables
from xlprobe.tables.correlation_cells import FACTORS, TOO_SMALL, VARIABLES, correlations_of, rho_text
from xlprobe.tables.declaration import TableKind
from xlprobe.tables.rendering import MISSING

SETTINGS = {IN_LANGUAGE: "In-lang.", TRANSFER: "X-lang."}
# As in Table 4.
ORDER = ("bpc", "pos", "arc_prediction", "arc_classification", "xnli")
COLUMNS = ["Alternative", "Setting", "Variable", "Factor", *(TASKS[task] for task in ORDER)]


def _table(tables: ModelTables) -> pd.DataFrame:
    rows: list[dict[str, str]] = []
    for alternative in tables.table("alternatives")["alternative"].unique():
        changed = [row for setting in SETTINGS for row in _changed(tables, alternative, setting)]
        # Two may say the same: where no distance is degenerate, without both is without the pivot.
        before = [{name: cell for name, cell in row.items() if name != "Alternative"} for row in rows]
        if not all(row in before for row in changed):
            rows += [{"Alternative": alternative} | row for row in changed]
    return pd.DataFrame(rows, columns=COLUMNS)


def _changed(tables: ModelTables, alternative: str, setting: str) -> Iterator[dict[str, str]]:
    """What an alternative changes, one row a variable and factor."""
    changed = correlations_of(tables, "alternatives", setting)
    changed = changed[changed["alternative"] == alternative]
    # Text is a model's task data: one row says it.
    changed = changed[(changed["task"] != "bpc") | (changed["factor"] != TASK_DATA)]
    printed, others = _by_test(correlations_of(tables, "correlations", setting)), _by_test(changed)
    for (variable, outcome), (factor, meant) in product(VARIABLES.items(), FACTORS.items()):
        tests = {TASKS[task]: (task, outcome, meant) for task in ORDER}
        # An asymmetry turns its sign with source and target: one row says it.
        if any(test in others for test in tests.values()) and (outcome, meant) != (ASYMMETRY, TARGET_PRETRAINING):
            cells = {name: f"{printed[test]} → {others[test]}" if test in others else "" for name, test in tests.items()}
            yield {"Setting": SETTINGS[setting], "Variable": variable, "Factor": factor} | cells


def _by_test(table: pd.DataFrame) -> dict[tuple[str, str, str], str]:
    return {(row["task"], row["outcome"], row["factor"]): rho_text(row) for row in table.to_dict("records")}


def _notes(tables: ModelTables) -> Iterator[str]:
    if tables.table("alternatives").empty:
        yield "Nothing to show: no correlation of this run changes with what paper 1 leaves open, or none is taken."
        return
    changes = [cell.split(" → ") for cell in _table(tables).to_numpy().ravel() if " → " in cell]
    turned = sum(before.count("*") != after.count("*") for before, after in changes)
    yield (
        f"Spearman's rho of the model {tables.facts.model}, as in the tables of correlations → as it is by the alternative; blank where it"
        f" changes nothing. Of {len(changes)} cells, {turned} have more or fewer stars (* p < 0.05, ** p < 0.001, as printed)."
    )
    yield (
        "traditional, simplified, sum, corrected: another reading of how much text a language has. Without the pivot: without the language"
        " that distances are taken to. Without degenerate distances: without pairs of languages whose distance rests on no data. An"
        f" alternative that only repeats one above is left out. {TOO_SMALL} n too small for any p-value below 0.05; {MISSING} all values"
        " are the same."
    )


TABLE = TableKind(reads=("correlations", "alternatives"), table=_table, notes=lambda tables: [*_notes(tables)])
