"""The tables of facts in `resources/`: languages, treebanks, alignment sets and sources. They may have columns for people alone.

No script that makes data imports this module, so that a longer table makes no finished job stale (a test holds this).
"""

import csv
from dataclasses import fields
from functools import cache

from xlprobe.catalogue import AlignmentSet, Language, Source, Treebank
from xlprobe.errors import FormatError, XlprobeError
from xlprobe.paths import RESOURCES
from xlprobe.splits import SPLITS


def _rows(name: str) -> list[dict[str, str]]:
    with (RESOURCES / name).open(encoding="utf-8", newline="") as table:
        reader = csv.DictReader(table, delimiter="\t")
        rows = []
        for row in reader:
            if None in row or None in row.values():
                columns = len(reader.fieldnames or [])
                raise FormatError(
                    f"resources/{name}", reader.line_num, "a row with more or fewer columns", f"{columns} columns separated by tabs"
                )
            rows.append(row)
        return rows


@cache
def languages() -> dict[str, Language]:
    """`resources/languages.tsv`, by CC100 code."""
    columns = [column.name for column in fields(Language)]
    return {row["code"]: Language(**{column: row[column] for column in columns}) for row in _rows("languages.tsv")}


def language_facts(column: str) -> dict[str, str]:
    """A column of `resources/languages.tsv` by CC100 code, where it says something; empty where there is no such column."""
    return {row["code"]: fact for row in _rows("languages.tsv") if (fact := row.get(column))}


@cache
def treebanks() -> dict[str, Treebank]:
    """`resources/treebanks.tsv`, by treebank name."""
    found = {}
    for row in _rows("treebanks.tsv"):
        splits = tuple(row["splits"].split())
        if not {*splits} <= {*SPLITS} or "test" not in splits:
            raise XlprobeError(
                f"resources/treebanks.tsv: the splits of {row['treebank']} are {row['splits']!r}, expected some of train dev test,"
                " separated by spaces, test among them"
            )
        found[row["treebank"]] = Treebank(row["treebank"], row["language"], row["folder"], splits, row["release"])
    return found


@cache
def alignments() -> dict[str, AlignmentSet]:
    """`resources/alignments.tsv`, by the set's name."""
    return {
        row["name"]: AlignmentSet(
            row["name"], row["source"], row["target"], row["layout"], tuple(f"{row['folder']}/{file}" for file in row["files"].split())
        )
        for row in _rows("alignments.tsv")
    }


@cache
def sources() -> dict[str, Source]:
    """`resources/sources.tsv`, by name."""
    rows = _rows("sources.tsv")
    return {row["name"]: Source(**row | {"bytes": int(row["bytes"]) if row["bytes"] else None}) for row in rows}  # type: ignore[arg-type]
