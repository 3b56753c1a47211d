"""How the training of a run's probes went, summed up by model, task and dataset: a table for the report."""

import logging
from pathlib import Path

import pandas as pd

from xlprobe.artifacts.tables import read_table
from xlprobe.artifacts.training_reasons import REASONS
from xlprobe.files import atomic_path, write_text

logger = logging.getLogger(__name__)

BY = ["model", "protocol", "task", "dataset"]
PAGE = """<!DOCTYPE html>
<html lang="en"><meta charset="utf-8"><title>Training of probes</title>
<style>
body {{ font: 14px sans-serif; margin: 1.5em; }}
table {{ border-collapse: collapse; }}
th, td {{ padding: 0.25em 0.8em; border-bottom: 1px solid #ddd; text-align: right; }}
th:nth-child(-n+4), td:nth-child(-n+4) {{ text-align: left; }}
tr.flagged td {{ background: #fdebd9; }}
</style>
<p>{headline}</p>
{table}
</html>
"""


def summarise(training: pd.DataFrame) -> pd.DataFrame:
    """A row for each model, protocol, task and dataset, over all steps, layers and seeds; those with most flags first.

    Args:
        training: `metrics/probe_training.parquet`; of it the probes on the task's own labels count.

    Returns:
        Columns of BY, probes, flagged, one for each reason, epochs (median), dev_accuracy and dev_loss (means).
    """
    own = training[training["labels"] == "task"]
    flags = own["flag"].str.split("; ").apply(lambda reasons: reasons if isinstance(reasons, list) else [])
    counted = own.assign(
        flagged=own["flag"].notna(), **{reason: flags.apply(lambda found, name=reason: name in found) for reason in REASONS}
    )
    table = counted.groupby(BY, as_index=False, sort=True).agg(
        probes=("seed", "size"),
        flagged=("flagged", "sum"),
        **{reason: (reason, "sum") for reason in REASONS},
        epochs=("epochs", "median"),
        dev_accuracy=("dev_accuracy", "mean"),
        dev_loss=("dev_loss", "mean"),
    )
    return table.sort_values("flagged", ascending=False, kind="stable", ignore_index=True)


def write_summary(training: Path, html: Path, csv: Path) -> None:
    """Write the table as a page and as CSV, and say how many probes are flagged."""
    table = summarise(read_table(training))
    with atomic_path(csv) as temporary:
        table.to_csv(temporary, index=False, float_format="%.4f")
    flagged, probes = int(table["flagged"].sum()), int(table["probes"].sum())
    headline = f"{flagged:,} of {probes:,} probes are flagged: their scores say something of how they were trained, too."
    if flagged:
        logger.info("%s See %s", headline, html)
    write_text(html, PAGE.format(headline=headline, table=_rows(table)))


def _rows(table: pd.DataFrame) -> str:
    """The table in HTML, escaped; rows with flags in a class of their own."""
    shown = table.assign(dev_accuracy=100 * table["dev_accuracy"]).rename(
        columns={"epochs": "median epochs", "dev_accuracy": "dev accuracy (%)", "dev_loss": "dev loss (nats)"}
    )
    text = shown.to_html(index=False, border=0, escape=True, float_format="{:.1f}".format, formatters={"dev loss (nats)": "{:.2f}".format})
    head, *rows = text.split("<tbody>")[1].split("<tr>")
    marked = [f'<tr class="flagged">{row}' if flagged else f"<tr>{row}" for row, flagged in zip(rows, table["flagged"], strict=True)]
    return text.split("<tbody>")[0] + "<tbody>" + head + "".join(marked)
