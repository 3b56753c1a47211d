"""What files of outcomes hold, and the scores that follow from them, as the jobs of a run take them."""

import tempfile
from pathlib import Path
from typing import Any

import pandas as pd

from xlprobe.artifacts.outcome_file import Outcome, OutcomeFile
from xlprobe.artifacts.tables import read_table
from xlprobe.metrics.scoring import score_baselines, score_checkpoint


def scores_of(outcomes: Path, *baselines: Path, **how: Any) -> pd.DataFrame:
    """The scores of a checkpoint's file of outcomes, whose totals stand in files of baselines; `how` as in `score_checkpoint`."""
    with tempfile.TemporaryDirectory() as folder:
        score_checkpoint([outcomes], baselines, Path(folder) / "joined.h5", Path(folder) / "scores.parquet", **how)
        return read_table(Path(folder) / "scores.parquet")


def scores_of_baselines(*baselines: Path, **how: Any) -> pd.DataFrame:
    """The scores of files of baselines."""
    with tempfile.TemporaryDirectory() as folder:
        score_baselines(baselines, Path(folder) / "scores.parquet", **how)
        return read_table(Path(folder) / "scores.parquet")


def outcome_in(path: Path, *place: str) -> Outcome:
    """What a file holds of a task, source, target and split; measured in one way."""
    with OutcomeFile(path) as outcomes:
        (found,) = (known for known in outcomes.places if known[: len(place)] == place)
        return outcomes.read(found)
