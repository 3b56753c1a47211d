"""Do languages with larger signatures do better in tasks? The last layer's correlations (paper 2: Table 1)."""

from collections.abc import Iterator
from string import ascii_lowercase

import pandas as pd

from xlprobe.artifacts.published_tables import published_rows
from xlprobe.metrics.signature_tables import SignatureTables
from xlprobe.metrics.task_correlations import AS_PRINTED, SAME_SCRIPT, note_of
from xlprobe.tables.declaration import TableKind
from xlprobe.tables.rendering import MISSING
from xlprobe.tables.task_correlation_cells import (
    JOINT,
    METRICS,
    MODELS,
    PUBLISHED_TASKS,
    RAW,
    Key,
    Row,
    beside_cells,
    correlations,
    interval_text,
    key_of,
    r_text,
    reading_notes,
    second_verdict_note,
    why_none,
)


def _last(tables: SignatureTables, verdict: str, matching: str = AS_PRINTED) -> dict[Key, Row]:
    """The correlations of the last layer by what they are of."""
    rows = correlations(tables, verdict, matching)
    last = max((row["layer"] for row in rows), default=None)
    return {key_of(row): row for row in rows if row["layer"] == last}


def _tests(tables: SignatureTables) -> list[tuple[Key, str, str, str]]:
    """What the rows are of, each with the printed metric, r and number of languages; what else a user's file has follows."""
    printed = published_rows(PUBLISHED_TASKS)
    tests = [
        ((row["task"], model, METRICS[row["metric"]]), row["metric"], row[column] or MISSING, row["languages"])
        for row in printed
        for column, model in MODELS.items()
    ]
    known = {test for test, *_ in tests}
    return tests + [(test, test[2], MISSING, MISSING) for test in _last(tables, RAW) if test not in known]


def _marks(tables: SignatureTables) -> dict[str, str]:
    """A letter for each reason why there is no correlation."""
    raw = _last(tables, RAW)
    reasons = dict.fromkeys(why for test, *_ in _tests(tables) if (why := why_none(raw.get(test))))
    return {why: f"[{letter}]" for why, letter in zip(reasons, ascii_lowercase, strict=False)}


def _table(tables: SignatureTables) -> pd.DataFrame:
    raw, joint, marks = _last(tables, RAW), _last(tables, JOINT), _marks(tables)
    rows = []
    for test, metric, r, languages in _tests(tables):
        row, second = raw.get(test), joint.get(test)
        why = why_none(row)
        rows.append(
            {
                "Task": f"{test[0]} {metric}",
                "Model": test[1],
                "Paper: r": r,
                "Paper: n": languages,
                "Here: r": f"{MISSING} {marks[why]}" if why else r_text(row),
                "95 % interval": MISSING if why else interval_text(row),
                "Second verdict: r": r_text(second),
                "its 95 % interval": interval_text(second),
            }
        )
    return pd.DataFrame(rows)


def _beside(tables: SignatureTables) -> pd.DataFrame:
    raw, joint, same = _last(tables, RAW), _last(tables, JOINT), _last(tables, RAW, SAME_SCRIPT)
    names = ("r", "n", "low", "high", "permutation_p")
    rows = []
    for test, *_ in _tests(tables):
        cells = beside_cells(raw.get(test))
        for prefix, found in (("second verdict ", joint.get(test)), ("same script ", same.get(test))):
            cells |= {name: text for name, text in beside_cells(found, prefix).items() if name.removeprefix(prefix) in names}
        rows.append(cells | {"reason": why_none(raw.get(test))})
    return pd.DataFrame(rows)


def _notes(tables: SignatureTables) -> Iterator[str]:
    raw = _last(tables, RAW)
    layers = {int(row["layer"]) for row in raw.values()}
    layer = f"layer {layers.pop()}" if layers else "the last layer"
    yield (
        f"Pearson's r over languages of the mean signature of all words at {layer} ({tables.model()}) with scores of tasks by language."
        " The scores are of XTREME's models (Hu et al. 2020), none of which is the one whose signatures are taken, of XLM-R the large one."
        " n: languages with both, in the paper those of the task."
    )
    if tables.facts.world:
        yield "The languages of this run are invented: XTREME has no scores of them. Table A correlates the model's own."
    yield from second_verdict_note(tables)
    yield f"BUCC in print: {note_of(4)}."
    yield from reading_notes([*raw.values(), *_last(tables, JOINT).values()])
    if same := [f"{' '.join(test)} {r_text(row)}" for test, row in _last(tables, RAW, SAME_SCRIPT).items()]:
        yield (
            "XTREME's Chinese is in simplified letters. As printed, it stands for Chinese in any; without, where another is compared:"
            f" {', '.join(same)}."
        )
    yield from (f"{MISSING} {mark} {why}." for why, mark in _marks(tables).items())


TABLE = TableKind(reads=("task_correlations",), table=_table, notes=lambda tables: [*_notes(tables)], beside=_beside)
