"""Word alignment by the similarity of vectors, after SimAlign (Jalili Sabet et al. 2020), and what its links earn.

The links are those of the `simalign` package, version 0.4, for the same vectors. They are made between words, whose subwords
are averaged first, as our features are ("word" there); or between subwords, and then stand for links between the words that
these belong to ("bpe", its default). To the package, a lone `▁` is one of its word's subwords; in our features it is none, so that links
may differ where a tokenizer makes any.
numpy alone, so that a job starts at once.

Shapes: S source units (words or subwords), T target units, V source words, W target words, D dimensions.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from xlprobe.artifacts.dataset_folder import read_links, read_sentences
from xlprobe.artifacts.dataset_identity import read_identity
from xlprobe.artifacts.feature_file import FeatureFile, vectors_of
from xlprobe.artifacts.outcome_file import LINK_COUNTS, Outcome, OutcomePlace
from xlprobe.errors import XlprobeError
from xlprobe.progress import progress
from xlprobe.statistics.outcomes import facts_of_datasets, write_outcomes

# What is aligned, and the units of the features that this takes.
UNITS = {"word": "words", "bpe": "subwords"}


def similarity(source_SD: np.ndarray, target_TD: np.ndarray) -> np.ndarray:
    """(1 + cosine) / 2 of each source unit with each target unit, [S, T]; a word without a vector (zeros) has 0.5 with all."""
    return (_of_length_1(source_SD) @ _of_length_1(target_TD).T + 1) / 2


def distort(similarity_ST: np.ndarray, ratio: float) -> np.ndarray:
    """Similarities lowered by up to `ratio` the further apart two units stand in their sentences; SimAlign's default is 0.

    Where a sentence has one unit, nothing is lowered.
    """
    source, target = similarity_ST.shape
    if min(source, target) < 2 or ratio == 0:
        return similarity_ST
    place_S, place_T = np.arange(source) / (source - 1), np.arange(target) / (target - 1)
    return similarity_ST * (1 - (place_T - place_S[:, None]) ** 2 * ratio)


def argmax(similarity_ST: np.ndarray) -> np.ndarray:
    """Links between units that are each other's most similar (the first among equals), booleans [S, T]."""
    best_S, best_T = similarity_ST.argmax(axis=1), similarity_ST.argmax(axis=0)
    links_ST = np.zeros(similarity_ST.shape, dtype=bool)
    source = np.flatnonzero(best_T[best_S] == np.arange(len(best_S)))
    links_ST[source, best_S[source]] = True
    return links_ST


def itermax(similarity_ST: np.ndarray, iterations: int = 2, alpha: float = 0.9) -> np.ndarray:
    """Links of `argmax`, then those it finds anew among units still without one, booleans [S, T].

    A similarity counts `alpha` times where one of the two units has a link already, and not at all where both have. As in
    the package, nothing is added in a sentence of at most two units, or where either sentence has no unit without a link.
    """
    links_ST = argmax(similarity_ST)
    if min(links_ST.shape) <= 2:
        return links_ST
    for _ in range(iterations - 1):
        free_S1, free_1T = ~links_ST.any(axis=1, keepdims=True), ~links_ST.any(axis=0, keepdims=True)
        weight_ST = np.minimum(alpha * free_S1 + alpha * free_1T, 1)
        new_ST = argmax(similarity_ST * weight_ST) & (free_S1 | free_1T)
        if not (free_S1.any() and free_1T.any() and new_ST.any()):
            break
        links_ST |= new_ST
    return links_ST


def match(similarity_ST: np.ndarray) -> np.ndarray:
    """The links, one a unit of the shorter sentence, whose similarities add up to the most (SimAlign's match), booleans [S, T]."""
    # Here, since it takes longer to import than the other methods to align.
    from scipy.optimize import linear_sum_assignment

    links_ST = np.zeros(similarity_ST.shape, dtype=bool)
    links_ST[linear_sum_assignment(similarity_ST, maximize=True)] = True
    return links_ST


METHODS: dict[str, Callable[[np.ndarray], np.ndarray]] = {"itermax": itermax, "argmax": argmax, "match": match}


def align(source_SD: np.ndarray, target_TD: np.ndarray, method: str, distortion: float = 0.0) -> np.ndarray:
    """Links between the units of two sentences by one of METHODS, booleans [S, T]; none where a sentence has no unit."""
    if not (len(source_SD) and len(target_TD)):
        return np.zeros((len(source_SD), len(target_TD)), dtype=bool)
    return METHODS[method](distort(similarity(source_SD, target_TD), distortion))


def project(links_ST: np.ndarray, source_SV: np.ndarray, target_TW: np.ndarray) -> np.ndarray:
    """Links between words: those that a subword of the one and a subword of the other are linked by, booleans [V, W].

    Args:
        source_SV, target_TW: which subword belongs to which word, booleans; to each word that it covers a part of.
    """
    return source_SV.T @ links_ST @ target_TW


def linked_words(features: FeatureFile, words: np.ndarray, layer: int, method: str, distortion: float = 0.0) -> list[np.ndarray]:
    """Links between the words of each pair of a bitext at one layer, booleans [V, W], by way of subwords where these are the units.

    Args:
        words: how many each sentence has, all source sentences first.
    """
    of_sentence = np.split(features.layer(layer).astype(np.float32), features.offsets[1:-1])
    links = [align(source_SD, target_TD, method, distortion) for source_SD, target_TD in _pairs(of_sentence)]
    if features.units == "words":
        return links
    belongs = _pairs(_words_of_subwords(features, words))
    return [project(links_ST, source_SV, target_TW) for links_ST, (source_SV, target_TW) in zip(links, belongs, strict=True)]


def count(found_VW: np.ndarray, sure_VW: np.ndarray, possible_VW: np.ndarray) -> tuple[int, int, int, int]:
    """The LINK_COUNTS of a sentence pair; `possible_VW` includes the sure links."""
    return int(found_VW.sum()), int((found_VW & sure_VW).sum()), int((found_VW & possible_VW).sum()), int(sure_VW.sum())


def gold_links(dataset: Path, words: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Sure and possible links of each pair of a bitext, booleans [V, W].

    Args:
        words: how many each sentence has, all source sentences first.
    """
    gold = [(np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool)) for shape in _pairs(words.tolist())]
    for pair, source, target, sure in read_links(dataset).itertuples(index=False):
        sure_VW, possible_VW = gold[pair]
        possible_VW[source, target] = True
        sure_VW[source, target] = sure
    return gold


def align_bitext(
    features_path: Path,
    dataset: Path,
    method: str,
    output: Path,
    layers: Sequence[int] | None = None,
    unit: str = "word",
    distortion: float = 0.0,
    checkpoint_identity: Path | None = None,
) -> None:
    """Align a bitext at all layers of its features or some; write the LINK_COUNTS of each pair (`xlprobe.artifacts.outcome_file`).

    Args:
        unit: one of UNITS.
        distortion: the ratio of `distort`.
        checkpoint_identity: of the checkpoint that the vectors are to be of; not checked where it is not given.

    Raises:
        XlprobeError: the features are of other units, of another dataset or checkpoint, or damaged.
    """
    sentences = read_sentences(dataset)
    words = sentences["words"].to_numpy()
    gold = gold_links(dataset, words)
    counts: list[np.ndarray] = []
    with FeatureFile(vectors_of(features_path, dataset)) as features:
        features.check_dataset(dataset)
        features.check_checkpoint(checkpoint_identity)
        if features.units != UNITS[unit]:
            raise XlprobeError(
                f"{features_path}: holds vectors of {features.units}, but config key alignment.unit: {unit} aligns {UNITS[unit]};"
                " extract it again, or change the key"
            )
        checkpoint = features.checkpoint
        chosen = features.chosen(layers)
        for layer in progress(chosen, f"{dataset.name} step {checkpoint['step']}", "layers"):
            links = linked_words(features, words, layer, method, distortion)
            counts.append(np.array([count(found, sure, possible) for found, (sure, possible) in zip(links, gold, strict=True)]))
    counts_MLK = np.stack(counts, axis=1)
    of_pairs = {name: counts_MLK[:, :, number] for number, name in enumerate(LINK_COUNTS)}
    write_outcomes(output, [outcome_of_bitext(dataset, sentences, of_pairs, chosen)], checkpoint)


def outcome_of_bitext(dataset: Path, sentences: pd.DataFrame, counts: Mapping[str, np.ndarray], layers: list[int] | None = None) -> Outcome:
    """What the pairs of a bitext earned.

    Args:
        sentences: its table of sentences, all source sentences first.
        counts, layers: as an `Outcome` has them.
    """
    identity = read_identity(dataset)
    source, target = identity["languages"]
    facts = facts_of_datasets([source], identity) | {"target_language": target}
    place = OutcomePlace("alignment", dataset.name, dataset.name, "test")
    clusters = sentences["sent_id"].to_numpy(str)[: len(sentences) // 2]
    return Outcome(place, counts, clusters, layers, facts)


def _of_length_1(vectors_SD: np.ndarray) -> np.ndarray:
    """Vectors of length 1; one of (nearly) no length stays as it is, as in scikit-learn, which SimAlign calls."""
    norms_S = np.sqrt(np.einsum("sd,sd->s", vectors_SD, vectors_SD))
    return vectors_SD / np.where(norms_S < 10 * np.finfo(norms_S.dtype).eps, 1, norms_S)[:, None]


def _pairs(sentences: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
    """Something of each sentence, pair by pair; all source sentences stand before all target sentences."""
    half = len(sentences) // 2
    return zip(sentences[:half], sentences[half:], strict=True)


def _words_of_subwords(features: FeatureFile, words: np.ndarray) -> list[np.ndarray]:
    """Which subword belongs to which word, of each sentence [its subwords, its words] as booleans."""
    pairs = features.subword_words()
    of_sentence = np.split(pairs, np.searchsorted(pairs[:, 0], features.offsets[1:-1]))
    firsts = np.stack([features.offsets[:-1], np.cumsum(words) - words], axis=1)
    belongs = [np.zeros(shape, dtype=bool) for shape in zip(np.diff(features.offsets), words, strict=True)]
    for belongs_SV, own, first in zip(belongs, of_sentence, firsts, strict=True):
        belongs_SV[tuple((own - first).T)] = True
    return belongs
