"""The table of signatures: the rows of the fits, and what checks have found of some of them."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from xlprobe.artifacts.checkpoint_names import COLUMNS, run_name
from xlprobe.artifacts.tables import read_of_schema, write_table
from xlprobe.checkpoints.comparison import refuse_mixed_trainings
from xlprobe.errors import XlprobeError

SCHEMA = "signatures.schema.yaml"
# What names a row.
KEYS = [
    "variant",
    *COLUMNS,
    "monolingual",
    "monolingual_step",
    "language",
    "dataset",
    "category",
    "layer",
    "fit",
    "scale",
]
CHECKED = [
    "trusted",
    "starts",
    "starts_residual",
    "stable_share",
    "starts_sd",
    "starts_sd_gauged",
    "halves_r",
    "halves_congruence",
    "halves_difference",
    "null_mean",
    "null_sd",
    "equal_fixed_instances",
    "equal_fixed_mean",
    "equal_fixed_sd",
    "equal_smallest_instances",
    "equal_smallest_mean",
    "equal_smallest_sd",
]


def join_signatures(
    parts: Sequence[Path], checks: Sequence[Path], output: Path, published: Path | None = None, dropped_datasets: Iterable[str] = ()
) -> None:
    """Write metrics/signatures.parquet.

    Args:
        parts: rows of fits, in the order of the table.
        checks: rows of checks, of fits that are among these.
        published: folder of the checkpoints that rows name.
        dropped_datasets: those that the run has no more; rows that name one are not joined.

    Raises:
        XlprobeError: two rows are of one fit and language, a check is of no fit, or checkpoints that rows name as of one training are of
            several.
    """
    table = _joined(parts, dropped_datasets)
    checked = _joined(checks, dropped_datasets)[KEYS + CHECKED] if checks else table.head(0)[KEYS + CHECKED]
    merged = table.drop(columns=CHECKED).merge(checked, on=KEYS, how="outer", indicator="of", validate="one_to_one")
    if (unknown := merged[merged["of"] == "right_only"]).size:
        said = " ".join(str(value) for value in unknown.iloc[0][KEYS] if not pd.isna(value))
        raise XlprobeError(f"{checks[0].parent}: a check is of no fit ({said}); fit it, or take the check away")
    # An outer join sorts its rows.
    ordered = table[KEYS].merge(merged.drop(columns="of"), on=KEYS, how="left")
    if published is not None:
        named = ordered[[*COLUMNS]].drop_duplicates().itertuples(index=False)
        refuse_mixed_trainings(
            published / run_name(model, None if pd.isna(seed) else int(seed)) / str(int(step)) for model, seed, step in named
        )
    write_table(ordered, SCHEMA, output)


def _joined(paths: Sequence[Path], dropped_datasets: Iterable[str]) -> pd.DataFrame:
    """The rows of some files, each once."""
    table = pd.concat([read_of_schema(path, SCHEMA).assign(file=str(path)) for path in paths], ignore_index=True)
    table = table[~table["dataset"].isin([*dropped_datasets])]
    if (again := table[table.duplicated(KEYS)]).size:
        said = " ".join(str(value) for value in again.iloc[0][KEYS] if not pd.isna(value))
        raise XlprobeError(f"{again.iloc[0]['file']}: {said} stands in another file, too, or twice in this; name each once")
    return table.drop(columns="file")
