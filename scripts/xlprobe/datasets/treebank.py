"""Writes datasets of treebanks: sentences and words with their labels, as Parquet.

sentences.parquet   split, sent_id, text, first_word, words     one row a sentence, splits in the order train, dev, test
words.parquet       sentence, form, start, end, upos, feats, head, deprel, lemma, and the token that the word is written in: token,
                    token_start, token_end              one row a word, in order
pairs.parquet       dependent, head, relation, negative         one row an arc, those to the root left out
written.parquet     sentence, text                              one row a sentence that is written otherwise: with multiword tokens
identity.json       what later rules depend on: what it is (`xlprobe.artifacts.dataset_identity`), counts, the sha256 of the tables
"""

import logging
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import fields
from itertools import chain
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from xlprobe.artifacts import tables
from xlprobe.artifacts.dataset_identity import declaration
from xlprobe.artifacts.dataset_kinds import TREEBANK
from xlprobe.artifacts.splits import SPLITS, split_of_file
from xlprobe.datasets.conllu import Sentence, Word, read_treebank
from xlprobe.datasets.pairs import draw_pairs, linked_negatives
from xlprobe.errors import XlprobeError
from xlprobe.files import sha256, write_json

logger = logging.getLogger(__name__)

WORD_COLUMNS = [field.name for field in fields(Word)]


def read_splits(
    paths: Iterable[Path], max_sentences: int | None, dev_fraction: float, clean_forms: bool = False
) -> dict[str, list[Sentence]]:
    """Read a treebank's files into splits.

    Where there is a train set and no dev set, every k-th training sentence (k = 1 / dev_fraction) becomes dev (paper 1 does
    not say what it stops early on there). A treebank without train is for testing alone.

    Args:
        max_sentences: sentences of each split to use, from its start.
        clean_forms: see `read_treebank`.

    Raises:
        XlprobeError: two of the files are of one split, or one does not say its split.
    """
    splits: dict[str, list[Sentence]] = {}
    for path in sorted(paths):
        if (split := split_of_file(path)) in splits:
            raise XlprobeError(f"{path}: a second file of the split {split}; give one file a split")
        splits[split] = list(read_treebank(path, clean_forms))
    if "train" in splits and "dev" not in splits:
        period = max(2, round(1 / dev_fraction))
        everything = splits["train"]
        logger.warning("no dev set among the files: every %dth sentence of train becomes dev (datasets.dev_fraction)", period)
        splits["dev"] = everything[period - 1 :: period]
        splits["train"] = [sentence for number, sentence in enumerate(everything, 1) if number % period]
    return {split: splits[split][:max_sentences] for split in SPLITS if split in splits}


def write_dataset(
    splits: Mapping[str, list[Sentence]],
    folder: Path,
    dataset: str,
    language: str,
    negatives: Literal["any", "unlinked"] = "any",
    clean_forms: bool = False,
    parallel: str | None = None,
) -> None:
    """Write a dataset's tables and its identity, and say what has no negative, a linked one, or marks in its forms.

    Args:
        negatives: which words stand in the head's place (`xlprobe.datasets.pairs.draw_pairs`).
        clean_forms: whether the sentences were read so.
        parallel: the name of its parallel group, where it is a parallel test set.
    """
    sentence_rows: list[tuple[Any, ...]] = []
    word_rows: list[tuple[Any, ...]] = []
    written_rows: list[tuple[Any, ...]] = []
    for split, sentences in splits.items():
        for sentence in sentences:
            sentence_rows.append((split, sentence.sent_id, sentence.text, len(word_rows), len(sentence.words)))
            number = len(sentence_rows) - 1
            if sentence.written not in ("", sentence.text):
                written_rows.append((number, sentence.written))
            word_rows += [(number, *(getattr(word, column) for column in WORD_COLUMNS)) for word in sentence.words]
    sentence_table = pd.DataFrame(sentence_rows, columns=["split", "sent_id", "text", "first_word", "words"])
    word_table = pd.DataFrame(word_rows, columns=["sentence", *WORD_COLUMNS])
    pairs = draw_pairs(chain(*splits.values()), dataset, negatives)
    first_words, sentence_of = sentence_table["first_word"].to_numpy(), word_table["sentence"].to_numpy()
    heads = np.where(word_table["head"] > 0, first_words[sentence_of] + word_table["head"] - 1, -1)
    split_of_pair = sentence_table["split"].to_numpy()[sentence_of[pairs["dependent"]]]
    counts = {
        "sentences": Counter(sentence_table["split"]),
        "words": {split: int(group["words"].sum()) for split, group in sentence_table.groupby("split")},
        "words_marked": {split: sum(sentence.marked for sentence in sentences) for split, sentences in splits.items()},
        "pairs": Counter(split_of_pair),
        "pairs_without_negative": Counter(split_of_pair[pairs["negative"].isna()]),
        "negatives_linked": Counter(split_of_pair[linked_negatives(pairs, heads)]),
    }
    _say(dataset, {name: sum(of_split.values()) for name, of_split in counts.items()}, clean_forms)
    written_table = pd.DataFrame(written_rows, columns=["sentence", "text"])
    # Schemas are named in full: what a module names so is part of its identity.
    written = {
        "sentences": (sentence_table, "sentences.schema.yaml"),
        "words": (word_table, "words.schema.yaml"),
        "pairs": (pairs, "pairs.schema.yaml"),
        "written": (written_table, "written.schema.yaml"),
    }
    for name, (table, schema) in written.items():
        tables.write_table(table, schema, folder / f"{name}.parquet")
    write_json(
        folder / "identity.json",
        {
            **declaration(dataset, TREEBANK, [language], parallel),
            **counts,
            "negatives": negatives,
            "clean_forms": clean_forms,
            "sha256": {name: sha256(folder / f"{name}.parquet") for name in written},
        },
    )


def _say(dataset: str, counts: Mapping[str, int], clean_forms: bool) -> None:
    """Say what of a dataset a reader of its scores should know."""
    if without := counts["pairs_without_negative"]:
        logger.warning("%s: %d arcs have no negative, there being no other word to draw in their sentences", dataset, without)
    if linked := counts["negatives_linked"]:
        share = 100 * linked / (counts["pairs"] - without)
        logger.info("%s: %d negatives (%.1f %%) are linked to their word the other way round (arcs.negatives)", dataset, linked, share)
    if marked := counts["words_marked"]:
        done = "taken off" if clean_forms else "kept"
        share = 100 * marked / counts["words"]
        logger.info("%s: '_' that marks parts of tokens on %d words (%.1f %%) is %s (datasets.clean_forms)", dataset, marked, share, done)
