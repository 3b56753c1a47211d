"""The tables of facts in `resources/`: languages, treebanks, alignment sets and sources. They may have columns for people alone.

Each is checked whole when it is first asked for. Cells are as they stand between tabs: no quotes around them, no spaces.

No script that makes data imports this module, so that a longer table makes no finished job stale (a test holds this).
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from functools import cache, partial
from string import Formatter

from xlprobe.artifacts.splits import SPLITS
from xlprobe.errors import FormatError
from xlprobe.files import read_lines
from xlprobe.paths import RESOURCES
from xlprobe.study.catalogue import ALIGNMENT_FILES, AlignmentSet, Language, Source, Treebank
from xlprobe.suggestions import suggestion

LANGUAGE_COLUMNS = [column.name for column in fields(Language)]
SOURCE_COLUMNS = [column.name for column in fields(Source)]
# What stands for a {field} in a source's texts (`xlprobe.sources.needs`).
SOURCE_FIELDS = {"language", "language_name", "folder", "file", "step", "thousands", "seed"}
# What the sizes of its corpora are called beside each other.
CHINESE = {"zh-Hant": "traditional", "zh-Hans": "simplified"}
TEXT_FORMS = re.compile("(raw|tokenized|raw tokenized|tokenized raw)?")
# How names of other datasets begin, all of which lie in one folder with treebanks: so no name stands for two of them.
OTHER_DATASETS = ("align_", "xnli_", "morph_")


@dataclass(frozen=True)
class _Row:
    """A row of a table: its cells by column, and where it stands."""

    table: str
    line: int
    cells: dict[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells[column]

    def hold(self, column: str, sound: Callable[[str], object], expected: str) -> None:
        """Refuse the row where a cell is not sound; columns for people alone may be missing."""
        if column in self.cells and not sound(self[column]):
            raise self.fault(f"{column} {self[column]!r}", expected)

    def fault(self, found: str, expected: str) -> FormatError:
        return FormatError(f"resources/{self.table}", self.line, found, expected)


def _rows(table: str, columns: Iterable[str]) -> list[_Row]:
    """A table's rows; the first of the columns names each, another in every row.

    Raises:
        FormatError: a line is not UTF-8, a column is missing or named twice, a row has more or fewer cells, a cell is in quotes or
            has spaces around it, or a name is blank, given twice, or none of a folder.
    """
    lines = ((number, line.split("\t")) for number, line in read_lines(RESOURCES / table) if line)
    header_line, header = next(lines, (1, [""]))
    place = f"resources/{table}"
    if missing := [column for column in columns if column not in header]:
        raise FormatError(place, header_line, f"a header without {missing[0]}", f"the columns {', '.join(columns)}, separated by tabs")
    if twice := [column for column in header if header.count(column) > 1]:
        raise FormatError(place, header_line, f"the column {twice[0]!r} twice", "each of them once")
    rows: list[_Row] = []
    first, *_ = columns
    lines_of: dict[str, int] = {}
    for number, cells in lines:
        if len(cells) != len(header):
            raise FormatError(place, number, "a row with more or fewer columns", f"{len(header)} columns separated by tabs")
        row = _Row(table, number, dict(zip(header, cells, strict=True)))
        for column, cell in row.cells.items():
            if cell != cell.strip():
                raise row.fault(f"{column} {cell!r}", "no spaces around it")
            if cell.startswith('"'):
                raise row.fault(f"{column} {cell}", "no quotes around it; tables are not quoted")
        row.hold(first, lambda name: re.fullmatch("[A-Za-z0-9][A-Za-z0-9_.-]*", name), "a name of letters, digits, '_', '.' and '-'")
        if row[first] in lines_of:
            raise row.fault(f"{first} {row[first]!r} a second time", f"it once (it stands in line {lines_of[row[first]]}, too)")
        lines_of[row[first]] = number
        rows.append(row)
    return rows


@cache
def _language_rows() -> list[_Row]:
    rows = _rows("languages.tsv", LANGUAGE_COLUMNS)
    codes = [row["code"] for row in rows]
    for row in rows:
        row.hold("name", bool, "the language's name")
        row.hold("romanised_from", lambda code: not code or code in codes, f"blank or a code; {suggestion(row['romanised_from'], codes)}")
        row.hold("cc100_bytes", re.compile("[0-9]{0,18}").fullmatch, "a whole number or blank")
        for column in ("cc100_gib", "cc100_gib_corrected"):
            row.hold(column, re.compile(r"([0-9]{1,9}(\.[0-9]{1,9})?)?").fullmatch, "GiB as a number (12.1), or blank")
    return rows


@cache
def languages() -> dict[str, Language]:
    """`resources/languages.tsv`, by CC100 code."""
    return {row["code"]: Language(**{column: row[column] for column in LANGUAGE_COLUMNS}) for row in _language_rows()}


def language_facts(column: str) -> dict[str, str]:
    """A column of `resources/languages.tsv` by CC100 code, where it says something; empty where there is no such column."""
    return {row["code"]: fact for row in _language_rows() if (fact := row.cells.get(column))}


def cc100_sizes() -> dict[str, dict[str, float]]:
    """The sizes of CC100's corpora that XLM-R was trained on, in GiB, by code and reading of the published table.

    Readings: `as printed` (Conneau et al. 2020, Table 6); `corrected`, where that is a misprint; of Chinese, whose two corpora are
    two scripts of one language, `traditional`, `simplified` and their `sum`.
    """
    printed, corrected = ({code: float(gib) for code, gib in language_facts(c).items()} for c in ("cc100_gib", "cc100_gib_corrected"))
    sizes = {code: {"as printed": gib} | ({"corrected": corrected[code]} if code in corrected else {}) for code, gib in printed.items()}
    scripts = {reading: printed[code] for code, reading in CHINESE.items() if code in printed}
    for code in CHINESE.keys() & sizes.keys():
        sizes[code] |= scripts | {"sum": round(sum(scripts.values()), 1)}
    return sizes


def _hold_language(row: _Row, column: str) -> None:
    row.hold(column, languages().__contains__, f"a code of resources/languages.tsv; {suggestion(row[column], languages())}")


def _hold_folder(row: _Row) -> None:
    row.hold("folder", lambda path: path and not {"", ".", ".."} & {*path.split("/")}, "a folder inside the data folder")


@cache
def treebanks() -> dict[str, Treebank]:
    """`resources/treebanks.tsv`, by treebank name."""
    rows = _rows("treebanks.tsv", ["treebank", "language", "folder", "splits", "release", "parallel"])
    for row in rows:
        row.hold("treebank", lambda name: not name.startswith(OTHER_DATASETS), f"a name without {' or '.join(OTHER_DATASETS)} before it")
        _hold_language(row, "language")
        _hold_folder(row)
        expected = f"some of {' '.join(SPLITS)}, separated by spaces, test among them"
        row.hold("splits", lambda found: found.split(" ") == [s for s in SPLITS if s in found.split(" ")] and "test" in found, expected)
        row.hold("release", re.compile(r"([0-9]+\.[0-9]+)?").fullmatch, "a release's number (2.1), or blank")
        group = "([a-z0-9][a-z0-9_]*)?" if row["splits"] == "test" else ""
        row.hold("parallel", re.compile(group).fullmatch, "blank or, of a set with the split test alone, the name of its group (pud)")
    return {
        row["treebank"]: Treebank(
            row["treebank"], row["language"], row["folder"], _split(row["splits"]), row["release"], row["parallel"] or None
        )
        for row in rows
    }


@cache
def alignments() -> dict[str, AlignmentSet]:
    """`resources/alignments.tsv`, by the set's name."""
    rows = _rows("alignments.tsv", ["name", "source", "target", "layout", "folder", "files"])
    for row in rows:
        row.hold("name", lambda name: name.startswith("align_"), "a name with align_ before it")
        _hold_language(row, "source")
        _hold_language(row, "target")
        row.hold("layout", ALIGNMENT_FILES.__contains__, f"one of {', '.join(ALIGNMENT_FILES)}")
        _hold_folder(row)
        row.hold("files", partial(_are_files, ALIGNMENT_FILES[row["layout"]]), f"the files that layout {row['layout']} has, each once")
    return {
        row["name"]: AlignmentSet(
            row["name"], row["source"], row["target"], row["layout"], tuple(f"{row['folder']}/{file}" for file in _split(row["files"]))
        )
        for row in rows
    }


@cache
def sources() -> dict[str, Source]:
    """`resources/sources.tsv`, by name."""
    rows = _rows("sources.tsv", SOURCE_COLUMNS)
    for row in rows:
        row.hold("address", re.compile(r"(https?://\S+)?").fullmatch, "an http(s) address, or blank")
        row.hold("sha256", re.compile("([0-9a-f]{64})?").fullmatch, "64 hexadecimal digits, or blank")
        row.hold("bytes", re.compile("[0-9]{0,18}").fullmatch, "a whole number, or blank")
        row.hold("text_form", TEXT_FORMS.fullmatch, "raw, tokenized, both with a blank between them, or nothing")
        for column in ("address", "member", "hub", "obtain"):
            row.hold(column, _has_known_fields, f"no other {{fields}} than {', '.join(sorted(SOURCE_FIELDS))}, and no single brace")
    return {
        row["name"]: Source(**{c: row[c] for c in SOURCE_COLUMNS} | {"bytes": int(row["bytes"]) if row["bytes"] else None})  # type: ignore[arg-type]
        for row in rows
    }


def _are_files(count: int, files: str) -> bool:
    return len({*_split(files)}) == len(_split(files)) == count


def _has_known_fields(text: str) -> bool:
    try:
        return {name for _, name, _, _ in Formatter().parse(text) if name is not None} <= SOURCE_FIELDS
    except ValueError:
        return False


def _split(cell: str) -> tuple[str, ...]:
    return tuple(cell.split())
