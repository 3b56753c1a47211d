"""What a run has made, by what its files hold, so that two versions of the code can be compared.

    python workflow_tests/frozen_results.py record results/tiny > before.tsv
    python workflow_tests/frozen_results.py record results/tiny --names workflow_tests/names.tsv > after.tsv
    python workflow_tests/frozen_results.py compare before.tsv after.tsv

A Parquet file counts by its columns and rows, in whatever order; any other by its bytes. Logs, benchmarks and the states of training
are left out, since they hold times; what was trained stands in checkpoints/, too.

Where names have changed, a table (columns old, new) says how; results are then recorded under their old names: folders and
files, columns and whole cells of tables, and words in text. A checksum that stands in a file is not looked through. `names.tsv`
beside this file is that of the change after which subwords, once pieces and tokens too, have one name.
"""

import argparse
import csv
import hashlib
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet

COLUMNS = ("path", "kind", "sha256")
LEFT_OUT = {"logs", "benchmarks"}
TEXT = {".csv", ".html", ".json", ".svg", ".tsv", ".txt", ".yaml"}
# By path: how a file was looked at, and the digest.
Table = dict[str, tuple[str, str]]


def read_names(path: Path) -> dict[str, str]:
    """The old names by the new ones."""
    with path.open(encoding="utf-8", newline="") as stream:
        return {row["new"]: row["old"] for row in csv.DictReader(stream, delimiter="\t")}


def record(results: Path, names: Mapping[str, str]) -> Table:
    """The digest of each file below a results folder.

    Raises:
        ValueError: two files have one old name, so that one of them would not be compared.
    """
    found: Table = {}
    for path in sorted(results.rglob("*")):
        place = path.relative_to(results)
        is_state = place.parts[0] == "pretrain" and path.suffix == ".pt"
        if path.is_dir() or place.parts[0] in LEFT_OUT or path.suffix == ".log" or is_state:
            continue
        kind = "table" if path.suffix == ".parquet" else "bytes"
        if (old := _in_words(place.as_posix(), names)) in found:
            raise ValueError(f"{path}: another file is called {old}, too; correct the names")
        found[old] = kind, _of_table(path, names) if kind == "table" else _of_bytes(path, names)
    return found


def compare(before: Table, after: Table) -> list[str]:
    """What differs, a line a file."""
    gone = [f"gone: {path}" for path in sorted(before.keys() - after.keys())]
    new = [f"new: {path}" for path in sorted(after.keys() - before.keys())]
    return gone + new + [f"differs: {path}" for path in sorted(before.keys() & after.keys()) if before[path] != after[path]]


def _of_table(path: Path, names: Mapping[str, str]) -> str:
    """The digest of a table: names, types and values of its columns, these by name, its rows sorted."""
    table = pyarrow.parquet.ParquetFile(path).read()
    # A value's text gives back all its bits.
    columns = sorted((names.get(name, name), str(column.type), column.to_pylist()) for name, column in _columns(table))
    head = [f"{name} {kind}" for name, kind, _ in columns]
    texts = ([repr(names.get(value, value) if isinstance(value, str) else value) for value in values] for _, _, values in columns)
    rows = sorted("\t".join(row) for row in zip(*texts, strict=True))
    return hashlib.sha256("\n".join([*head, "", *rows]).encode()).hexdigest()


def _columns(table: pyarrow.Table) -> list[tuple[str, "pyarrow.ChunkedArray[Any]"]]:
    return list(zip(table.column_names, table.columns, strict=True))


def _of_bytes(path: Path, names: Mapping[str, str]) -> str:
    with path.open("rb") as stream:
        if not names or path.suffix not in TEXT:
            return hashlib.file_digest(stream, "sha256").hexdigest()
        return hashlib.sha256(_in_words(stream.read().decode(), names).encode()).hexdigest()


def _in_words(text: str, names: Mapping[str, str]) -> str:
    """A text in which the new names stand as the old ones."""
    return re.sub(r"\w+", lambda word: names.get(word[0], word[0]), text)


def _read(path: Path) -> Table:
    with path.open(encoding="utf-8", newline="") as stream:
        return {row["path"]: (row["kind"], row["sha256"]) for row in csv.DictReader(stream, delimiter="\t")}


def main() -> None:
    """Record results, or compare what was recorded, which fails where something differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    recording = commands.add_parser("record", help="write the digest of each file")
    recording.add_argument("results", type=Path)
    recording.add_argument("--names", type=Path, help="table of old and new names")
    comparing = commands.add_parser("compare", help="say what differs between two records")
    comparing.add_argument("before", type=Path)
    comparing.add_argument("after", type=Path)
    arguments = parser.parse_args()
    if arguments.command == "record":
        if not arguments.results.is_dir():
            sys.exit(f"{arguments.results}: no such folder; name that of a run's results")
        writer = csv.writer(sys.stdout, delimiter="\t", lineterminator="\n")
        writer.writerow(COLUMNS)
        found = record(arguments.results, read_names(arguments.names) if arguments.names else {})
        if not found:
            sys.exit(f"{arguments.results}: holds no result; make the run first")
        writer.writerows((path, *row) for path, row in found.items())
    elif differences := compare(_read(arguments.before), _read(arguments.after)):
        sys.exit("\n".join(differences))


if __name__ == "__main__":
    main()
