"""The languages that are compared by their signatures, with family and genus (paper 2: Table 2)."""

from collections.abc import Iterator

import pandas as pd

from xlprobe.artifacts.categories import ALL_WORDS
from xlprobe.artifacts.published_tables import published_rows
from xlprobe.metrics.signature_tables import SignatureTables
from xlprobe.metrics.training_outcomes import one_language
from xlprobe.tables.declaration import TableKind
from xlprobe.tables.rendering import MISSING

PUBLISHED = "published/paper2_table2.tsv"
COLUMNS = ["Language", "Code", "Family", "Genus", "Words", "In the paper"]


def _printed() -> dict[str, dict[str, str]]:
    """The printed rows by code."""
    return {row["code"]: row for row in published_rows(PUBLISHED)}


def _codes(tables: SignatureTables) -> list[str]:
    return sorted(tables.facts.compared, key=lambda code: (tables.name(code), code))


def _table(tables: SignatureTables) -> pd.DataFrame:
    printed, words = _printed(), tables.instances().get(ALL_WORDS, {})
    rows = []
    for code in _codes(tables):
        facts = tables.facts.languages[code]
        row = printed.get(one_language(code))
        where = "no" if row is None else f"yes, as {row['code']}" if row["code"] != code else "yes"
        counted = f"{words[code]:,}" if code in words else MISSING
        rows.append([facts["name"], code, facts["family"] or MISSING, facts["genus"] or MISSING, counted, where])
    return pd.DataFrame(rows, columns=COLUMNS)


def _beside(tables: SignatureTables) -> pd.DataFrame:
    languages = [tables.facts.languages[code] for code in _codes(tables)]
    return pd.DataFrame([{"Branch": facts["branch"], "Script": facts["script"]} for facts in languages], columns=["Branch", "Script"])


def _notes(tables: SignatureTables) -> Iterator[str]:
    facts, printed = tables.facts, _printed()
    families, genera = ({facts.languages[code][name] for code in facts.compared} - {""} for name in ("family", "genus"))
    invented = " All are invented; family and genus are the language that each descends from." if facts.world else ""
    yield (
        f"Of this run, comparison {facts.main}: n = {len(facts.compared)} languages of {_counted(families, genera)}. Words: those that"
        f" signatures are taken of.{invented}"
    )
    here = {one_language(code) for code in facts.compared}
    missing = [f"{row['language']} ({code})" for code, row in printed.items() if code not in here]
    if missing:
        yield f"Of the paper's {len(printed)} languages, {len(missing)} are not compared here: {', '.join(missing)}."
    else:
        yield f"All {len(printed)} languages of the paper are compared."
    if facts.world:
        return
    other = [
        f"{code} ({row['family']}, {row['genus']})"
        for code in sorted(facts.compared)
        if (row := printed.get(one_language(code)))
        and (row["family"], row["genus"]) != (facts.languages[code]["family"], facts.languages[code]["genus"])
    ]
    if other:
        yield f"The paper has another family or genus for {', '.join(other)}."


def _counted(families: set[str], genera: set[str]) -> str:
    return f"{len(families)} {'family' if len(families) == 1 else 'families'} and {len(genera)} {'genus' if len(genera) == 1 else 'genera'}"


TABLE = TableKind(reads=("signatures",), table=_table, notes=lambda tables: [*_notes(tables)], beside=_beside)
