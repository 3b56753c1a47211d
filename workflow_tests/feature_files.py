"""Features files made on the spot, of vectors that a test chooses."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from xlprobe import hdf5_files
from xlprobe.artifacts.dataset_folder import read_sentences
from xlprobe.artifacts.formats import FEATURES


@contextmanager
def open_features(
    path: Path, dataset: Path, layers: list[int], model: str = "xlmr", step: int = 5, units: str = "words", weights: str = "w"
) -> Iterator[h5py.File]:
    """A new features file, all there but `vectors`; these get their checksums when the block ends."""
    with hdf5_files.create(path) as file:
        file["offsets"] = np.cumsum([0, *read_sentences(dataset)["words"]])
        file.attrs["format"] = FEATURES
        file.attrs["units"] = units
        file.attrs["layers"] = layers
        identity = {"model": model, "training_seed": None, "step": step, "files": {"model.safetensors": weights}}
        file.attrs["checkpoint"] = json.dumps(identity)
        file.attrs["dataset"] = (dataset / "identity.json").read_text()
        yield file
        checksums = [hdf5_files.extended([0], file["vectors"][place : place + 1])[0] for place in range(len(layers))]
        file["vectors"].attrs[hdf5_files.CHECKSUMS] = np.array(checksums, dtype=np.uint32)


def write_features(path: Path, dataset: Path, vectors_LUD: np.ndarray, layers: list[int], **said: Any) -> Path:
    """A features file of these vectors, [layers, units, dim]."""
    with open_features(path, dataset, layers, **said) as file:
        file["vectors"] = vectors_LUD.astype(np.float16)
    return path
