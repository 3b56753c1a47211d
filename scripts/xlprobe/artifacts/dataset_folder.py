"""Reading datasets, of whatever kind: their tables, each held to its sha256 in the dataset's identity.json."""

from pathlib import Path

import numpy as np
import pandas as pd

from xlprobe.artifacts import tables
from xlprobe.artifacts.dataset_identity import read_identity
from xlprobe.artifacts.dataset_kinds import NLI, TREEBANK
from xlprobe.errors import XlprobeError
from xlprobe.files import sha256


def read_table(folder: Path, name: str, columns: list[str] | None = None) -> pd.DataFrame:
    """A table of a dataset, or some of its columns; the file must be the one that the dataset's identity names.

    Raises:
        XlprobeError: the file is gone, damaged or another one.
    """
    path, advice = folder / f"{name}.parquet", f"delete {folder / 'identity.json'} to make the dataset again"
    if path.exists() and sha256(path) != read_identity(folder)["sha256"].get(name):
        raise XlprobeError(f"{path}: is damaged, or of another dataset (its sha256 is not the one in identity.json); {advice}")
    return tables.read_table(path, columns, advice)


def read_sentences(folder: Path) -> pd.DataFrame:
    """A dataset's sentence table."""
    return read_table(folder, "sentences")


def read_written(folder: Path) -> pd.Series:
    """A dataset's sentences as they are written, rows as in its sentence table; of treebanks, with multiword tokens whole."""
    texts = read_sentences(folder)["text"]
    if read_identity(folder)["kind"] == TREEBANK:
        written = read_table(folder, "written")
        texts.iloc[written["sentence"].to_numpy()] = written["text"].to_numpy()
    return texts


def read_words(folder: Path) -> pd.DataFrame:
    """A dataset's word table, with the split of each word's sentence as a column."""
    words = read_table(folder, "words")
    sentences = read_sentences(folder)
    words["split"] = np.repeat(sentences["split"].to_numpy(), sentences["words"].to_numpy())
    return words


def read_pairs(folder: Path) -> pd.DataFrame:
    """A dataset's table of pairs: of words, or of sentences."""
    return read_table(folder, "pairs")


def read_links(folder: Path) -> pd.DataFrame:
    """A bitext's gold links."""
    return read_table(folder, "links")


def has_words(folder: Path) -> bool:
    """Whether a dataset has a table of words; one of sentence pairs for inference has none."""
    return read_identity(folder)["kind"] != NLI
