"""From the files of single jobs to tidy tables: one row an observation, columns in `schemas/`."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from xlprobe.checkpoint_checks import out_of_line
from xlprobe.files import read_json
from xlprobe.tables import write_table

SCORES = "scores.schema.yaml"


def probe_scores(table: pd.DataFrame) -> pd.DataFrame:
    """A probes or baselines file as rows of the scores table: trained and scored on the same dataset."""
    scores = pd.DataFrame(
        {
            **{column: table.get(column, None) for column in ("model", "step", "layer", "task", "split", "seed", "n")},
            "source": table["dataset"],
            "target": table["dataset"],
            "metric": "accuracy",
            "value": table["accuracy"],
        }
    )
    return scores.astype({"step": "Int64", "layer": "Int64", "seed": "Int64"})


def collect_scores(paths: Iterable[Path], output: Path) -> None:
    """Gather probes or baselines files (one checkpoint's, say) into a scores table."""
    write_table(pd.concat([probe_scores(pd.read_parquet(path)) for path in paths]), SCORES, output)


def join_tables(paths: Iterable[Path], schema_name: str, output: Path) -> None:
    """Join tables of one schema into one, in the order given."""
    write_table(pd.concat([pd.read_parquet(path) for path in paths]), schema_name, output)


def collect_checkpoints(identities: Iterable[Path], output: Path) -> None:
    """Gather the checkpoints' identities and flag those whose loss jumps out of line with their neighbours'."""
    by_model: dict[str, list[dict]] = {}
    for path in identities:
        identity = read_json(path)
        by_model.setdefault(identity["model"], []).append(identity)
    rows = []
    for model, checkpoints in by_model.items():
        checkpoints.sort(key=lambda identity: identity["step"])
        means = [sum(identity["loss"].values()) / len(identity["loss"]) for identity in checkpoints]
        for identity, mean, flagged in zip(checkpoints, means, out_of_line(means), strict=True):
            for language, loss in identity["loss"].items():
                rows.append(
                    {
                        "model": model,
                        "step": identity["step"],
                        "language": language,
                        "bits_per_masked_token": loss,
                        "mean_bits_per_masked_token": mean,
                        "out_of_line": flagged,
                        "parity": max(identity["checks"]["max_difference_to_fairseq"].values()),
                        "parameters": identity["parameters"],
                        "weights_sha256": identity["files"]["model.safetensors"],
                    }
                )
            if flagged:
                print(f"warning: model {model} step {identity['step']}: loss {mean:.3f} is out of line with its neighbours'; look at it")
    write_table(pd.DataFrame(rows), "checkpoints.schema.yaml", output)
