"""From the files of single jobs to tidy tables: one row an observation, columns in `schemas/`."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from xlprobe.artifacts.checkpoint_names import COLUMNS, run_name
from xlprobe.artifacts.tables import read_schema, read_table, write_table
from xlprobe.checkpoints.comparison import refuse_mixed_trainings

# Of the joined tables, those that name a dataset.
DATASET_COLUMNS = ["dataset", "source", "target", "test_set", "reference"]


def join_tables(
    paths: Iterable[Path], schema_name: str, output: Path, published: Path | None = None, dropped_datasets: Iterable[str] = ()
) -> None:
    """Join tables into one of a schema, in the order given; columns that the schema does not name are left out.

    Args:
        published: folder of the checkpoints that rows name.
        dropped_datasets: those that the run has no more; rows that name one are not joined.

    Raises:
        XlprobeError: checkpoints that rows name as of one training are of several.
    """
    columns = list(read_schema(schema_name)["properties"])
    table = pd.concat([read_table(path, columns) for path in paths])
    of_dropped = table[table.columns.intersection(DATASET_COLUMNS)].isin([*dropped_datasets]).any(axis=1)
    # Of bits on held-out text the source is a language, whose code may be a treebank's name.
    of_language = (table["task"] == "bpc") & (table["split"] == "valid") if {"task", "split"} <= {*columns} else False
    table = table[~of_dropped | of_language]
    if published is not None and {*COLUMNS} <= {*columns}:
        # Baselines have none.
        named = table[[*COLUMNS]].dropna(subset=["model", "step"]).drop_duplicates()
        refuse_mixed_trainings(
            published / run_name(model, None if pd.isna(seed) else int(seed)) / str(int(step))
            for model, seed, step in named.itertuples(index=False)
        )
    write_table(table, schema_name, output)
