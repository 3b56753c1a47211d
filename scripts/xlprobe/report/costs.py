"""What a run cost: the benchmarks that Snakemake writes of each job, by stage."""

from pathlib import Path

import pandas as pd

from xlprobe.errors import XlprobeError

COLUMNS = ["stage", "jobs", "hours", "cpu_hours", "gibibytes"]


def read_costs(benchmarks: Path) -> pd.DataFrame:
    """One row a stage, most expensive first; none where no benchmark is left.

    Returns:
        Columns stage (a folder of `benchmarks/`), jobs, hours (of all its jobs, one after the other), cpu_hours, and gibibytes, the most
        memory of a job. What a job took that failed before it went well is not known.

    Raises:
        XlprobeError: a file is no benchmark of Snakemake's.
    """
    rows = []
    # A pattern with the ending would count all tables of `resources/` as this code's (`xlprobe.study.code_identity`).
    for path in sorted(path for path in benchmarks.rglob("*") if path.suffix == ".tsv"):
        try:
            read = pd.read_csv(path, sep="\t", na_values=["-"])[["s", "max_rss", "cpu_time"]].sum(min_count=1)
        except (KeyError, ValueError) as error:
            raise XlprobeError(f"{path}: is no benchmark of a job; delete it, and make this target again") from error
        rows.append((path.relative_to(benchmarks).parts[0].removesuffix(".tsv"), *read.fillna(0)))
    table = pd.DataFrame(rows, columns=["stage", "seconds", "mebibytes", "cpu_seconds"])
    by_stage = table.groupby("stage").agg(
        jobs=("seconds", "size"), seconds=("seconds", "sum"), cpu_seconds=("cpu_seconds", "sum"), mebibytes=("mebibytes", "max")
    )
    found = by_stage.assign(
        hours=by_stage["seconds"] / 3600, cpu_hours=by_stage["cpu_seconds"] / 3600, gibibytes=by_stage["mebibytes"] / 1024
    )
    return found.reset_index().sort_values("cpu_hours", ascending=False, ignore_index=True)[COLUMNS]
