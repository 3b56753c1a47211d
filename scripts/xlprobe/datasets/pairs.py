"""Pairs of words: each word with its head, and a word drawn at random that may stand in the head's place."""

from collections.abc import Iterable
from typing import Literal

import numpy as np
import pandas as pd

from xlprobe.datasets.conllu import Sentence
from xlprobe.seeds import derive_seed


def draw_pairs(sentences: Iterable[Sentence], dataset: str, negatives: Literal["any", "unlinked"] = "any") -> pd.DataFrame:
    """The arcs of sentences but those to the root, each with a negative: a word of the sentence that is neither of the two.

    The draw depends on the dataset's and the sentence's names alone, whatever else is in the dataset. Paper 1 (section 2.2) does not
    say how words that are not linked are drawn, nor what becomes of arcs to the root and of punctuation; after Liu, Gardner et al.
    2019 (Linguistic Knowledge and Transferability of Contextual Representations), whose code draws one a word from all but its head,
    leaves arcs to the root out and keeps punctuation.

    Args:
        negatives: whether any other word may be drawn, also one whose head is the dependent (linked the other way round), or
            only unlinked ones. Draws of `any` that are unlinked are the same in both.

    Returns:
        Columns dependent, head, relation and negative; words are counted over all sentences, from 0. The negative is missing
        where the sentence has no word to draw.
    """
    rows: list[tuple[int, int, str, int | None]] = []
    first_word = 0
    for sentence in sentences:
        words = len(sentence.words)
        arcs = [(dependent, word.head - 1, word.deprel) for dependent, word in enumerate(sentence.words) if word.head]
        generator = np.random.default_rng(derive_seed(dataset, sentence.sent_id))
        draws = generator.integers(max(1, words - 2), size=len(arcs))
        for (dependent, head, relation), draw in zip(arcs, draws.tolist(), strict=True):
            negative = None if words < 3 else _passing_over(draw, dependent, head)
            if negative is not None and negatives == "unlinked" and sentence.words[negative].head - 1 == dependent:
                dependents = [place for place, word in enumerate(sentence.words) if word.head - 1 == dependent]
                left = words - 2 - len(dependents)
                negative = _passing_over(int(generator.integers(left)), dependent, head, *dependents) if left else None
            rows.append((first_word + dependent, first_word + head, relation, None if negative is None else first_word + negative))
        first_word += words
    pairs = pd.DataFrame(rows, columns=["dependent", "head", "relation", "negative"])
    return pairs.astype({"negative": "Int64"})


def linked_negatives(pairs: pd.DataFrame, heads: np.ndarray) -> np.ndarray:
    """Which pairs [pairs] have a negative that is linked the other way round: its head is the pair's dependent.

    Args:
        heads: the head of each word [words], both counted over all sentences, from 0; -1 is the root.
    """
    drawn = pairs["negative"].notna().to_numpy()
    linked = np.zeros(len(pairs), dtype=bool)
    linked[drawn] = heads[pairs["negative"][drawn].to_numpy(dtype=np.int64)] == pairs["dependent"][drawn].to_numpy()
    return linked


def _passing_over(draw: int, *taken: int) -> int:
    """The word at place `draw` among those that are not taken."""
    for word in sorted(taken):
        draw += draw >= word
    return draw
