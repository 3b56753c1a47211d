"""Datasets: sentences and words with their labels, as Parquet; what features are extracted for and probes trained on.

sentences.parquet   split, sent_id, text, first_word, words     one row a sentence, splits in the order train, dev, test
words.parquet       sentence, form, start, end, upos, feats, head, deprel   one row a word, in order
identity.json       what later rules depend on: counts and the sha256 of both tables
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from xlprobe.files import sha256, write_json
from xlprobe.splits import SPLITS, split_of_file
from xlprobe.tables import write_table
from xlprobe.treebanks import Sentence, read_treebank


def read_splits(paths: Iterable[Path], max_sentences: int | None, dev_fraction: float) -> dict[str, list[Sentence]]:
    """Read a treebank's files into splits.

    Where there is a train set and no dev set, every k-th training sentence (k = 1 / dev_fraction) becomes dev. A
    treebank without train is for testing alone.

    Args:
        max_sentences: sentences of each split to use, from its start.
    """
    splits = {split_of_file(path): list(read_treebank(path)) for path in sorted(paths)}
    if "train" in splits and "dev" not in splits:
        period = max(2, round(1 / dev_fraction))
        everything = splits["train"]
        splits["dev"] = everything[period - 1 :: period]
        splits["train"] = [sentence for number, sentence in enumerate(everything, 1) if number % period]
    return {split: splits[split][:max_sentences] for split in SPLITS if split in splits}


def write_dataset(splits: Mapping[str, list[Sentence]], folder: Path, dataset: str, language: str) -> None:
    """Write a dataset's tables and its identity."""
    sentence_rows: list[tuple] = []
    word_rows: list[tuple] = []
    for split, sentences in splits.items():
        for sentence in sentences:
            sentence_rows.append((split, sentence.sent_id, sentence.text, len(word_rows), len(sentence.words)))
            number = len(sentence_rows) - 1
            word_rows += [(number, w.form, w.start, w.end, w.upos, w.feats, w.head, w.deprel) for w in sentence.words]
    tables = {
        "sentences": pd.DataFrame(sentence_rows, columns=["split", "sent_id", "text", "first_word", "words"]),
        "words": pd.DataFrame(word_rows, columns=["sentence", "form", "start", "end", "upos", "feats", "head", "deprel"]),
    }
    for name, table in tables.items():
        write_table(table, f"{name}.schema.yaml", folder / f"{name}.parquet")
    write_json(
        folder / "identity.json",
        {
            "dataset": dataset,
            "language": language,
            "sentences": dict(Counter(tables["sentences"]["split"])),
            "words": {split: int(group["words"].sum()) for split, group in tables["sentences"].groupby("split")},
            "sha256": {name: sha256(folder / f"{name}.parquet") for name in tables},
        },
    )


def read_sentences(folder: Path) -> pd.DataFrame:
    """A dataset's sentence table."""
    return pd.read_parquet(folder / "sentences.parquet")


def read_words(folder: Path) -> pd.DataFrame:
    """A dataset's word table, with the split of each word's sentence as a column."""
    words = pd.read_parquet(folder / "words.parquet")
    sentences = read_sentences(folder)
    words["split"] = np.repeat(sentences["split"].to_numpy(), sentences["words"].to_numpy())
    return words
