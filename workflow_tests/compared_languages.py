"""Comparisons of languages by signatures that a person can work out: files of vectors, and the rows of the table that name them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from xlprobe.artifacts.signature_file import SignaturePlace, Signatures, write_signatures
from xlprobe.artifacts.tables import read_of_schema, write_rows
from xlprobe.metrics.last_signatures import last_rows

SCHEMA = "signatures.schema.yaml"
# Gauged vectors are the published ones, the first component twice as strong.
GAUGE = np.array([2.0, 1.0])

Row = dict[str, Any]
# By category, layer and language: a vector, or why there is none.
Vectors = Mapping[str, Mapping[int, Mapping[str, "np.ndarray | str"]]]


def at(degrees: float) -> np.ndarray:
    """A vector of two components at an angle: two of them are 1 - cos(the angle between) apart."""
    return np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))])


def write_comparison(
    folder: Path, vectors: Vectors, variant: str = "main", seed: int | None = None, step: int = 20, fit: str = "per_layer"
) -> list[Row]:
    """Write a file of signatures a category; the rows of the table that say so."""
    rows = []
    for category, layers in vectors.items():
        name = f"signatures/{variant}/{step}/{category}_{fit}.h5"
        places = {}
        for layer, found in layers.items():
            fitted = {code: vector for code, vector in found.items() if not isinstance(vector, str)}
            if fitted:
                published_LR = np.array([*fitted.values()])
                places[SignaturePlace(fit, "raw", layer, step)] = Signatures([*fitted], published_LR, published_LR * GAUGE, {})
            for code, vector in found.items():
                of_language = {"reason": vector} if isinstance(vector, str) else {"mean_published": float(np.mean(vector)), "vectors": name}
                rows.append(row(variant, seed, step, code, category, layer, fit) | of_language)
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write_signatures(folder / name, variant, category, places)
    return rows


def row(
    variant: str, seed: int | None, step: int, code: str, category: str = "part_of_speech", layer: int = 0, fit: str = "per_layer"
) -> Row:
    """A row of the table of signatures, without a value."""
    names = {"variant": variant, "training_seed": seed, "model": f"xlmr_{variant}", "step": step, "language": code, "category": category}
    shared = {"monolingual": f"mono_{code}", "monolingual_step": 8, "dataset": f"morph_{code}", "instances": 500, "solver": "xlprobe"}
    return names | shared | {"layer": layer, "fit": fit, "scale": "raw"}


def write_table_of(rows: Sequence[Row], folder: Path) -> Path:
    """metrics/signatures.parquet."""
    path = folder / "metrics" / "signatures.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_rows(rows, SCHEMA, path)
    return path


def last_rows_of(rows: Sequence[Row], folder: Path) -> pd.DataFrame:
    """The rows that analyses are of, as they read them."""
    return last_rows(read_of_schema(write_table_of(rows, folder), SCHEMA))
