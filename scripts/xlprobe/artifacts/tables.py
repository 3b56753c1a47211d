"""The tables that a run publishes, each held to its schema in `schemas/`, as Parquet in which damage shows when it is read.

Before the footer, where readers of Parquet do not look, stands a seal: SEAL and the CRC-32 of all other bytes.
"""

import contextlib
import os
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from xlprobe.compression import CHUNK_BYTES
from xlprobe.files import MAKE_AGAIN, atomic_path, reading
from xlprobe.paths import SCHEMAS

PARQUET, SEAL, SEAL_BYTES = b"PAR1", b"XLPC", 8
COLUMN_TYPES = {"string": "str", "integer": "int64", "number": "float64", "boolean": "bool"}
# What types without a missing value are called where they may have one.
NULLABLE = {"int64": "Int64", "bool": "boolean"}


def read_schema(name: str) -> dict[str, Any]:
    """The schema of a table, e.g. `scores.schema.yaml`; the columns of one that it names ($ref) stand before its own."""
    schema = yaml.safe_load((SCHEMAS / name).read_text(encoding="utf-8"))
    if shared := schema.pop("$ref", None):
        schema["properties"] = read_schema(shared)["properties"] | schema["properties"]
    return schema


def conform(table: pd.DataFrame, schema_name: str) -> pd.DataFrame:
    """A table's columns in the schema's order and types.

    Raises:
        ValueError: a column is missing, unknown, or holds values that its type does not allow.
    """
    properties = read_schema(schema_name)["properties"]
    if set(table.columns) != set(properties):
        raise ValueError(f"{schema_name}: columns differ: {sorted(set(table.columns) ^ set(properties))}")
    types = {}
    for column, rule in properties.items():
        names = rule["type"] if isinstance(rule["type"], list) else [rule["type"]]
        if "null" not in names and table[column].isna().any():
            raise ValueError(f"{schema_name}: column {column} holds missing values")
        kind = COLUMN_TYPES[next(name for name in names if name != "null")]
        types[column] = NULLABLE.get(kind, kind) if "null" in names else kind
    return table[list(properties)].astype(types)


def write_table(table: pd.DataFrame, schema_name: str, path: Path) -> None:
    """Write a table as Parquet, in the schema's columns and types."""
    with atomic_path(path) as temporary:
        conform(table, schema_name).to_parquet(temporary, index=False)
        seal(temporary)


def write_rows(rows: Iterable[Mapping[str, Any]], schema_name: str, path: Path) -> None:
    """Write rows as a table; what a row does not name is null, and there may be no row."""
    table, properties = pd.DataFrame(list(rows)), read_schema(schema_name)["properties"]
    write_table(table.reindex(columns=[*properties, *(name for name in table if name not in properties)]), schema_name, path)


def seal(path: Path) -> None:
    """Give a Parquet file its seal."""
    with path.open("r+b") as stream:
        start = _footer(stream)
        checksum = _checksum(stream, start, start)
        stream.seek(start)
        footer = stream.read()
        stream.seek(start)
        stream.write(SEAL + checksum.to_bytes(4, "little") + footer)


def check_seal(path: Path) -> None:
    """Hold a table to its seal.

    Raises:
        OSError: it cannot be read.
        ValueError: it is damaged, or has no seal.
    """
    with path.open("rb") as stream:
        start = _footer(stream)
        stream.seek(max(0, start - SEAL_BYTES))
        found = stream.read(SEAL_BYTES)
        if not found.startswith(SEAL):
            raise ValueError("it has no checksum before its footer, or was written by an older version")
        if _checksum(stream, start - SEAL_BYTES, start) != int.from_bytes(found[len(SEAL) :], "little"):
            raise ValueError("another CRC-32 than when it was written")


def _footer(stream: BinaryIO) -> int:
    """Where the footer of a Parquet file starts.

    Raises:
        ValueError: it has none.
    """
    size = stream.seek(0, os.SEEK_END)
    stream.seek(max(0, size - len(PARQUET) - 4))
    length, end = stream.read(4), stream.read()
    if end != PARQUET or (start := size - len(PARQUET) - 4 - int.from_bytes(length, "little")) < len(PARQUET):
        raise ValueError("cut short, or no Parquet file")
    return start


def _checksum(stream: BinaryIO, before: int, after: int) -> int:
    """The CRC-32 of a file's first bytes, as far as `before`, and of those from `after` on."""
    checksum = 0
    stream.seek(0)
    while before and (read := stream.read(min(CHUNK_BYTES, before))):
        checksum, before = zlib.crc32(read, checksum), before - len(read)
    stream.seek(after)
    while read := stream.read(CHUNK_BYTES):
        checksum = zlib.crc32(read, checksum)
    return checksum


def read_table(path: Path, columns: list[str] | None = None, advice: str = MAKE_AGAIN) -> pd.DataFrame:
    """A table, or some of its columns, held to its seal.

    Args:
        advice: what a user can do about a file that is damaged.

    Raises:
        XlprobeError: the file is gone or damaged, or lacks a column.
    """
    # Damaged bytes make pandas and pyarrow raise errors of many kinds.
    with reading(path, "a table", advice):
        check_seal(path)
        return pd.read_parquet(path, columns=columns)


def read_of_schema(path: Path, schema_name: str) -> pd.DataFrame:
    """A table, held to its seal and to the columns of its schema.

    Raises:
        XlprobeError: the file is gone or damaged, or is another table.
    """
    return read_table(path, [*read_schema(schema_name)["properties"]])


@contextlib.contextmanager
def table_writer(schema_name: str, path: Path) -> Iterator[Callable[[pd.DataFrame], None]]:
    """Yield a function that adds rows to a Parquet table, which lands at `path` when the block ends without error."""
    with atomic_path(path) as temporary:
        with contextlib.ExitStack() as stack:
            writer: pq.ParquetWriter | None = None

            def write(rows: pd.DataFrame) -> None:
                nonlocal writer
                part = pa.Table.from_pandas(conform(rows, schema_name), preserve_index=False)
                writer = writer or stack.enter_context(pq.ParquetWriter(temporary, part.schema))
                writer.write_table(part)

            yield write
        seal(temporary)
