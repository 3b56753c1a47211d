"""Final checkpoints of models, mean over languages (paper 1: A.3, Table 3), with how sure their differences are."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from xlprobe.artifacts.published_tables import published_rows
from xlprobe.metrics.correlations import IN_LANGUAGE, TRANSFER
from xlprobe.metrics.learning import FINAL
from xlprobe.metrics.model_tables import ModelTables
from xlprobe.metrics.training_outcomes import one_language
from xlprobe.tables.declaration import TableKind
from xlprobe.tables.reasons import MEASURED, NAMES, reasons
from xlprobe.tables.rendering import MISSING, p_value, score

SETTINGS = {"In-lang": IN_LANGUAGE, "X-lang": TRANSFER}
# What stands beside each row in the CSV.
BESIDE = ("mean", "other_mean", "value", "low", "high", "p", "language_low", "language_high", "language_p", "languages", "sentences")

Row = dict[Any, Any]


def _asked() -> list[tuple[str, str]]:
    """Each setting and task, the printed ones first."""
    of_name = {name: task for task, name in NAMES.items()}
    printed = [(SETTINGS[row["setting"]], of_name[row["task"]]) for row in published_rows("published/paper1_table3.tsv")]
    others = [(setting, task) for setting in SETTINGS.values() for task, of in MEASURED if of == setting]
    return [*printed, *(pair for pair in others if pair not in printed)]


def _others(tables: ModelTables) -> list[str]:
    return [*tables.table("model_comparisons")["other_model"].unique()]


def _rows(tables: ModelTables) -> Iterator[tuple[str, str, str, Row]]:
    """The other model (blank where there is none), setting and task, and what is known of both."""
    comparisons = tables.table("model_comparisons")
    for other in _others(tables) or [""]:
        for setting, task in _asked():
            protocol, split = tables.facts.protocols.get(task), "valid" if task == "bpc" else "test"
            chosen = comparisons[(comparisons["other_model"] == other) & (comparisons["task"] == task)]
            chosen = chosen[(chosen["setting"] == setting) & (chosen["split"] == split)]
            chosen = chosen[chosen["protocol"].isna() if protocol is None else chosen["protocol"] == protocol]
            found = chosen.to_dict("records")
            yield other, setting, task, found[0] if found else dict.fromkeys([*BESIDE, "n"], np.nan) | _alone(tables, task, setting)


def _alone(tables: ModelTables, task: str, setting: str) -> Row:
    """The model's own mean, where it is compared with no other one."""
    final = tables.curves("best", task, setting)
    final = final[final["rule"] == FINAL]
    if setting == TRANSFER:
        grid = tables.grid(final).to_numpy(float)
        values = grid[~np.eye(len(grid), dtype=bool) & ~np.isnan(grid)]
    else:
        codes = final["source_language"] if task == "bpc" else final["source_language"].map(one_language)
        values = final.groupby(final["language"] if task == "alignment" else codes)["value"].mean().to_numpy(float)
    return {"mean": values.mean(), "n": len(values)} if len(values) else {}


def _table(tables: ModelTables) -> pd.DataFrame:
    several = len(_others(tables)) > 1
    titles = {setting: title for title, setting in SETTINGS.items()}
    rows = []
    for other, setting, task, row in _rows(tables):
        mean, other_mean = (score(row[name], task) for name in ("mean", "other_mean"))
        lower = tables.task(task).direction == "lower"
        # None is better where both print the same.
        better = 0 if mean == other_mean else np.sign(row["value"]) * (-1 if lower else 1)
        cells = {"Compared with": other} if several else {}
        cells |= {"Setting": titles[setting], "Task": NAMES[task]}
        if other:
            cells["Other" if several else other] = other_mean + ("*" if better < 0 else "")
        cells[tables.facts.model] = mean + ("*" if better > 0 else "")
        cells |= {"n": MISSING if np.isnan(row["n"]) else f"{row['n']:.0f}"}
        if other:
            cells["Difference"] = score(row["value"], task)
            cells["Over sentences"] = _noise(row, task, "")
            cells["Over languages"] = _noise(row, task, "language_")
        rows.append(cells)
    return pd.DataFrame(rows)


def _noise(row: Row, task: str, kind: str) -> str:
    if np.isnan(row[f"{kind}low"]):
        return MISSING
    return f"[{score(row[f'{kind}low'], task)}, {score(row[f'{kind}high'], task)}], {p_value(row[f'{kind}p'])}"


def _beside(tables: ModelTables) -> pd.DataFrame:
    return pd.DataFrame([{name: "" if pd.isna(row[name]) else f"{row[name]:.6g}" for name in BESIDE} for *_, row in _rows(tables)])


def _notes(tables: ModelTables) -> Iterator[str]:
    model, others = tables.facts.model, _others(tables)
    steps = tables.table("model_comparisons").drop_duplicates("other_model")
    compared = "; ".join(f"{row['other_model']} at step {row['other_step']}" for row in steps.to_dict("records"))
    yield (
        f"Means over languages, X-lang over ordered pairs of two languages that are both source and target (n), of {model} at step"
        f" {max(tables.facts.steps)}{f', of {compared}' if compared else ''}; last layer; in per cent, bits per character as they are"
        " (lower is better)."
    )
    if others:
        yield (
            "* The better value, as the paper marks it; this is no test. Difference: of"
            f" {model} less the other. Over sentences: its interval and p-value, paired by test sentence, if other sentences (and seeds of"
            " probes) had been drawn. Over languages: the same, paired by language, if other languages had been chosen; of pairs with"
            " errors that know which pairs share a language. Models are compared on what both are measured on."
        )
    else:
        yield "This run measures no other model at a final checkpoint, so that there is none to compare it with."
    if tables.facts.pretrained is None:
        seen = f"{model} was trained elsewhere, and may have seen the text that bits are measured on"
        yield f"{seen}; so may another model that was." if others else f"{seen}."
    yield from reasons(tables, SETTINGS.values())


TABLE = TableKind(reads=("best", "model_comparisons"), table=_table, notes=lambda tables: [*_notes(tables)], beside=_beside)
