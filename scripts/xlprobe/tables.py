"""The tables that a run publishes, each held to its schema in `schemas/`."""

from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from xlprobe.files import atomic_path
from xlprobe.paths import SCHEMAS

COLUMN_TYPES = {"string": "str", "integer": "int64", "number": "float64", "boolean": "bool"}


def read_schema(name: str) -> dict[str, Any]:
    """The schema of a table, e.g. `scores.schema.yaml`."""
    return yaml.safe_load((SCHEMAS / name).read_text(encoding="utf-8"))


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
        types[column] = "Int64" if kind == "int64" and "null" in names else kind
    return table[list(properties)].astype(types)


def write_table(table: pd.DataFrame, schema_name: str, path: Path) -> None:
    """Write a table as Parquet, in the schema's columns and types."""
    with atomic_path(path) as temporary:
        conform(table, schema_name).to_parquet(temporary, index=False)
