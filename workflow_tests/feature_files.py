"""Features files made on the spot, of vectors that a test chooses."""

import json
from pathlib import Path

import h5py
import numpy as np

from xlprobe.datasets import read_sentences


def open_features(path: Path, dataset: Path, layers: list[int], model: str = "xlmr", step: int = 5, units: str = "words") -> h5py.File:
    """A new features file, all there but `vectors`."""
    file = h5py.File(path, "w")
    file["offsets"] = np.cumsum([0, *read_sentences(dataset)["words"]])
    file.attrs["units"] = units
    file.attrs["layers"] = layers
    file.attrs["checkpoint"] = json.dumps({"model": model, "training_seed": None, "step": step})
    file.attrs["dataset"] = (dataset / "identity.json").read_text()
    return file


def write_features(path: Path, dataset: Path, vectors_LUD: np.ndarray, layers: list[int], **said: object) -> Path:
    """A features file of these vectors, [layers, units, dim]."""
    with open_features(path, dataset, layers, **said) as file:
        file["vectors"] = vectors_LUD.astype(np.float16)
    return path
