"""The tables of facts in `resources/`: languages, treebanks and alignment sets."""

import csv
from functools import cache

from xlprobe.catalogue import AlignmentSet, Language, Treebank
from xlprobe.paths import RESOURCES


def _rows(name: str) -> list[dict[str, str]]:
    with (RESOURCES / name).open(encoding="utf-8", newline="") as table:
        return list(csv.DictReader(table, delimiter="\t"))


@cache
def languages() -> dict[str, Language]:
    """`resources/languages.tsv`, by CC100 code."""
    return {row["code"]: Language(**row) for row in _rows("languages.tsv")}


@cache
def treebanks() -> dict[str, Treebank]:
    """`resources/treebanks.tsv`, by treebank name."""
    return {row["treebank"]: Treebank(**row) for row in _rows("treebanks.tsv")}


@cache
def alignments() -> dict[str, AlignmentSet]:
    """`resources/alignments.tsv`, by the set's name."""
    return {
        row["name"]: AlignmentSet(
            row["name"], row["source"], row["target"], row["layout"], tuple(f"{row['folder']}/{file}" for file in row["files"].split())
        )
        for row in _rows("alignments.tsv")
    }
