"""From the files of single jobs to tidy tables: one row an observation, columns in `schemas/`."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from xlprobe.tables import read_schema, read_table, write_table


def join_tables(paths: Iterable[Path], schema_name: str, output: Path) -> None:
    """Join tables into one of a schema, in the order given; columns that the schema does not name are left out."""
    columns = list(read_schema(schema_name)["properties"])
    write_table(pd.concat([read_table(path, columns) for path in paths]), schema_name, output)
