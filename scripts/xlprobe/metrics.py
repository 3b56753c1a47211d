"""From the files of single jobs to tidy tables: one row an observation, columns in `schemas/`."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from xlprobe.tables import read_schema, write_table

# Of the joined tables, those that name a dataset.
DATASET_COLUMNS = ["dataset", "source", "target", "test_set", "reference"]


def join_tables(paths: Iterable[Path], schema_name: str, output: Path, left_datasets: Iterable[str] = ()) -> None:
    """Join tables into one of a schema, in the order given; columns that the schema does not name are left out.

    Args:
        left_datasets: those that the run has no more; the rows of a table that name one are left out.
    """
    columns = list(read_schema(schema_name)["properties"])
    table = pd.concat([pd.read_parquet(path)[columns] for path in paths])
    left = table[table.columns.intersection(DATASET_COLUMNS)].isin([*left_datasets]).any(axis=1)
    # Of bits per character the source is a language, whose code may be a treebank's name.
    of_language = table["task"] == "bpc" if "task" in table else False
    write_table(table[~left | of_language], schema_name, output)
