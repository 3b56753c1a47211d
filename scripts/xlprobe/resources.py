"""The tables of facts in `resources/`: languages, treebanks and alignment sets."""

import csv
from dataclasses import dataclass
from functools import cache

from xlprobe.paths import RESOURCES


@dataclass(frozen=True)
class Language:
    """One corpus of CC100: `romanised_from` names the language that a romanised corpus transliterates."""

    code: str
    name: str
    family: str
    script: str
    romanised_from: str


@dataclass(frozen=True)
class Treebank:
    """One UD treebank: its name (`en_ewt`), its language's CC100 code, its folder in a UD release (`UD_English-EWT`)."""

    treebank: str
    language: str
    folder: str

    @property
    def test_only(self) -> bool:
        """Whether the release has a test set alone, as the parallel (PUD) treebanks do."""
        return self.treebank.endswith("_pud")


@dataclass(frozen=True)
class AlignmentSet:
    """One bitext with gold word alignment: its name (`align_en_fr`), the CC100 codes of its languages, its layout and files.

    `files` are paths inside the data folder: the sentences, in one file or in two (source, target), and last the gold.
    """

    name: str
    source: str
    target: str
    layout: str
    files: tuple[str, ...]


def world_treebanks(code: str, name: str) -> tuple[Treebank, Treebank]:
    """The treebank and the parallel test set that a world publishes of a language (`xlprobe.world`)."""
    return Treebank(f"{code}_world", code, f"UD_{name}-World"), Treebank(f"{code}_pud", code, f"UD_{name}-PUD")


def world_alignment(source: str, target: str, layout: str) -> AlignmentSet:
    """The gold alignment that a world publishes of two languages' parallel test sets, in one of the layouts."""
    endings = ("source", "target", "gold") if layout in ("wpt", "simalign") else ("src-tgt", "gold")
    name = f"{source}_{target}"
    return AlignmentSet(f"align_{name}", source, target, layout, tuple(f"alignments/{name}/{name}.{ending}" for ending in endings))


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
