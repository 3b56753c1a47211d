"""Morphology datasets and features files of both models on them, made on the spot from what a test chooses."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from feature_files import open_features

from xlprobe.artifacts.dataset_identity import declaration
from xlprobe.artifacts.tables import seal
from xlprobe.files import sha256, write_json


def write_morphology(folder: Path, language: str, categories: Mapping[str, Sequence[str | None]], kind: str = "morphology") -> Path:
    """A dataset of one sentence; a unit has, of each category, the value that stands at its place."""
    folder.mkdir(parents=True)
    units = len(next(iter(categories.values())))
    tables = {
        "sentences": pd.DataFrame({"split": ["test"], "sent_id": ["1"], "text": ["x" * units], "first_word": [0], "words": [units]}),
        "words": pd.DataFrame({"sentence": [0] * units, "form": ["x"] * units, **categories}),
    }
    for name, table in tables.items():
        table.to_parquet(folder / f"{name}.parquet", index=False)
        seal(folder / f"{name}.parquet")
    digests = {name: sha256(folder / f"{name}.parquet") for name in tables}
    instances = {name: sum(value is not None for value in values) for name, values in categories.items()}
    said = {"instances": instances, "sha256": digests}
    write_json(folder / "identity.json", declaration(folder.name, kind, [language]) | said)
    return folder


def write_vectors(path: Path, dataset: Path, vectors_LUD: np.ndarray, layers: list[int], **said: Any) -> Path:
    """A features file of these vectors, in the numbers that they come in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open_features(path, dataset, layers, **said) as file:
        file["vectors"] = vectors_LUD
    return path
