"""Pairs of words: each word with its head, and a word drawn at random that may stand in the head's place."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from xlprobe.seeds import derive_seed
from xlprobe.treebanks import Sentence


def draw_pairs(sentences: Iterable[Sentence], dataset: str) -> pd.DataFrame:
    """The arcs of sentences but those to the root, each with a negative: a word of the sentence that is neither of the two.

    The draw depends on the dataset's and the sentence's names alone, whatever else is in the dataset.

    Returns:
        Columns dependent, head, relation and negative; words are counted over all sentences, from 0. The negative is missing
        where the sentence has no third word.
    """
    rows: list[tuple[int, int, str, int | None]] = []
    first_word = 0
    for sentence in sentences:
        words = len(sentence.words)
        arcs = [(dependent, word.head - 1, word.deprel) for dependent, word in enumerate(sentence.words) if word.head]
        draws = np.random.default_rng(derive_seed(dataset, sentence.sent_id)).integers(max(1, words - 2), size=len(arcs))
        for (dependent, head, relation), draw in zip(arcs, draws.tolist(), strict=True):
            negative = None if words < 3 else first_word + _passing_over(draw, dependent, head)
            rows.append((first_word + dependent, first_word + head, relation, negative))
        first_word += words
    pairs = pd.DataFrame(rows, columns=["dependent", "head", "relation", "negative"])
    return pairs.astype({"negative": "Int64"})


def _passing_over(draw: int, *taken: int) -> int:
    """The word at place `draw` among those that are not taken."""
    for word in sorted(taken):
        draw += draw >= word
    return draw
