"""The baseline of alignments: links that the words' places alone give, without any vector.

Shapes: V source words, W target words.
"""

from pathlib import Path

import numpy as np

from xlprobe.alignment.word_alignment import count, gold_links, outcome_of_bitext
from xlprobe.artifacts.dataset_folder import read_sentences
from xlprobe.artifacts.outcome_file import LINK_COUNTS
from xlprobe.statistics.outcomes import write_outcomes

NAME = "diagonal"


def diagonal_links(source: int, target: int) -> np.ndarray:
    """A link of each source word to the target word that is nearest to the diagonal, the first of equally near ones; booleans [V, W].

    Word i of V is linked to the word j of W with the smallest |i/V - j/W|, both counted from 1. That is the distance by which fast_align
    prefers links near the diagonal (Dyer et al. 2013, section 2), where nothing else counts.

    >>> np.argwhere(diagonal_links(2, 4)).tolist()
    [[0, 1], [1, 3]]
    """
    links_VW = np.zeros((source, target), dtype=bool)
    if target:
        # In whole numbers: i W / V, rounded to the nearest, halves down.
        nearest_V = (2 * np.arange(1, source + 1) * target + source - 1) // (2 * source)
        links_VW[np.arange(source), np.maximum(nearest_V, 1) - 1] = True
    return links_VW


def write_diagonal(dataset: Path, output: Path) -> None:
    """Write what the diagonal's links of a bitext earn (`diagonal.<count>`), and the gold's sure links, which are the same for all."""
    sentences = read_sentences(dataset)
    gold = gold_links(dataset, sentences["words"].to_numpy())
    counts_MK = np.array([count(diagonal_links(*sure_VW.shape), sure_VW, possible_VW) for sure_VW, possible_VW in gold])
    counts = {name if name == "sure" else f"{NAME}.{name}": of_name for name, of_name in zip(LINK_COUNTS, counts_MK.T, strict=True)}
    write_outcomes(output, [outcome_of_bitext(dataset, sentences, counts)], None)
