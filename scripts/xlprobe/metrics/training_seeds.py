"""How far measures vary over trainings of one model that differ in their seed alone."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from xlprobe.artifacts.tables import read_of_schema, write_table
from xlprobe.metrics.training_outcomes import CURVE

# What tells rows of a table apart beside the curve, where it has the column.
ALSO = ["layer", "rule", "formula", "measure", "share", "reverse_source", "reverse_target"]


def write_training_seeds(tables: Mapping[str, Path], training_seeds: Path) -> None:
    """Write the table `training_seeds` (schemas/): of each row of some tables, its values over the seeds of a model.

    Args:
        tables: paths of the tables of measures, by name.

    Raises:
        XlprobeError: a table is missing or damaged.
    """
    parts = [over_seeds(read_of_schema(path, f"{name}.schema.yaml")).assign(table=name) for name, path in tables.items()]
    write_table(pd.concat(parts), "training_seeds.schema.yaml", training_seeds)


def over_seeds(table: pd.DataFrame) -> pd.DataFrame:
    """Mean, variance (n - 1), lowest and highest value over training seeds; rows of models with one training are left out."""
    table = table[table["training_seed"].notna()].reindex(columns=[*CURVE, *ALSO, "value"])
    keys = [name for name in [*CURVE, *ALSO] if name != "training_seed"]
    found = table.groupby(keys, dropna=False)["value"].agg(n="count", mean="mean", variance="var", lowest="min", highest="max")
    return found[found["n"] > 1].reset_index()
