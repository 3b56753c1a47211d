"""Word alignment by the similarity of word vectors, after SimAlign (Jalili Sabet et al. 2020), and its scores.

The links are those of the `simalign` package, version 0.4, for the same vectors; it averages subwords to words where asked for
words, as our features do. numpy alone, so that a job starts at once.

Shapes: S source words, T target words, D dimensions.
"""

from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from xlprobe.bitexts import read_links
from xlprobe.checkpoint_names import columns
from xlprobe.datasets import read_sentences
from xlprobe.feature_file import FeatureFile
from xlprobe.progress import progress
from xlprobe.scoring import NO_INTERVALS, Bootstrap, Intervals
from xlprobe.tables import write_table

METRICS = ("precision", "recall", "f1", "aer")


def similarity(source_SD: np.ndarray, target_TD: np.ndarray) -> np.ndarray:
    """(1 + cosine) / 2 of each source word with each target word, [S, T]; a word without a vector (zeros) has 0.5 with all."""
    return (_unit(source_SD) @ _unit(target_TD).T + 1) / 2


def distort(similarity_ST: np.ndarray, ratio: float) -> np.ndarray:
    """Similarities lowered by up to `ratio` the further apart two words stand in their sentences; SimAlign's default is 0.

    Where a sentence has one word, nothing is lowered.
    """
    source, target = similarity_ST.shape
    if min(source, target) < 2 or ratio == 0:
        return similarity_ST
    place_S, place_T = np.arange(source) / (source - 1), np.arange(target) / (target - 1)
    return similarity_ST * (1 - (place_T - place_S[:, None]) ** 2 * ratio)


def argmax(similarity_ST: np.ndarray) -> np.ndarray:
    """Links between words that are each other's most similar (the first among equals), booleans [S, T]."""
    best_S, best_T = similarity_ST.argmax(axis=1), similarity_ST.argmax(axis=0)
    links_ST = np.zeros(similarity_ST.shape, dtype=bool)
    source = np.flatnonzero(best_T[best_S] == np.arange(len(best_S)))
    links_ST[source, best_S[source]] = True
    return links_ST


def itermax(similarity_ST: np.ndarray, iterations: int = 2, alpha: float = 0.9) -> np.ndarray:
    """Links of `argmax`, then those it finds anew among words still without one, booleans [S, T].

    A similarity counts `alpha` times where one of the two words has a link already, and not at all where both have. As in
    the package, nothing is added in a sentence of at most two words, or where either sentence has no word without a link.
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
    """The links, one a word of the shorter sentence, whose similarities add up to the most (SimAlign's match), booleans [S, T]."""
    # Here, since it takes longer to import than the other methods to align.
    from scipy.optimize import linear_sum_assignment

    links_ST = np.zeros(similarity_ST.shape, dtype=bool)
    links_ST[linear_sum_assignment(similarity_ST, maximize=True)] = True
    return links_ST


METHODS: dict[str, Callable[[np.ndarray], np.ndarray]] = {"itermax": itermax, "argmax": argmax, "match": match}


@dataclass(frozen=True)
class Counts:
    """Links found (A), those of them that are sure (A and S) and possible (A and P), and sure links in the gold (S).

    The scores are Och and Ney's (2003), over a whole corpus: add the counts of its pairs first.

    >>> pair = Counts(found=3, found_sure=1, found_possible=2, sure=2)  # A = {a b d}, S = {a c}, P = {a b c}
    >>> pair.precision, pair.recall, pair.f1, pair.aer
    (0.6666666666666666, 0.5, 0.5714285714285715, 0.4)
    """

    found: int
    found_sure: int
    found_possible: int
    sure: int

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))

    @property
    def precision(self) -> float:
        """|A and P| / |A|; 0 where nothing was found."""
        return self.found_possible / max(self.found, 1)

    @property
    def recall(self) -> float:
        """|A and S| / |S|; 0 where nothing is sure."""
        return self.found_sure / max(self.sure, 1)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0

    @property
    def aer(self) -> float:
        """Alignment error rate: 1 - (|A and S| + |A and P|) / (|A| + |S|); 1 where nothing was found and nothing is sure."""
        return 1 - (self.found_sure + self.found_possible) / max(self.found + self.sure, 1)


def count(found_ST: np.ndarray, sure_ST: np.ndarray, possible_ST: np.ndarray) -> Counts:
    """Compare the links found in a sentence pair with the gold's; `possible_ST` includes the sure ones."""
    return Counts(int(found_ST.sum()), int((found_ST & sure_ST).sum()), int((found_ST & possible_ST).sum()), int(sure_ST.sum()))


def score_alignment(
    features_path: Path, dataset: Path, method: str, output: Path, layers: Sequence[int] | None = None, intervals: Intervals = NO_INTERVALS
) -> None:
    """Align a bitext at all layers of its features or some; write the scores (schemas/scores.schema.yaml), a row a layer and metric."""
    sentences = read_sentences(dataset)
    pairs = len(sentences) // 2
    gold = _gold(dataset, sentences["words"].to_numpy())
    bootstrap = Bootstrap(intervals, (dataset.name, "test"), pairs, np.arange(pairs))
    rows: list[dict[str, object]] = []
    with FeatureFile(features_path) as features:
        checkpoint = columns(features.checkpoint)
        for layer in progress(features.chosen(layers), f"{dataset.name} step {checkpoint['step']}", "layers"):
            vectors_WD = features.layer(layer).astype(np.float32)
            of_sentence = np.split(vectors_WD, sentences["first_word"].to_numpy()[1:])
            counts = [
                count(METHODS[method](similarity(source_SD, target_TD)), sure_ST, possible_ST)
                for source_SD, target_TD, (sure_ST, possible_ST) in zip(of_sentence[:pairs], of_sentence[pairs:], gold, strict=True)
            ]
            total = sum(counts, Counts(0, 0, 0, 0))
            resampled = [Counts(*drawn) for drawn in bootstrap.totals(np.array([astuple(pair) for pair in counts])).tolist()]
            scores_RK = np.array([[getattr(drawn, metric) for metric in METRICS] for drawn in resampled]).reshape(-1, len(METRICS))
            for metric, limits in zip(METRICS, bootstrap.limits(scores_RK), strict=True):
                rows.append({"layer": layer, "metric": metric, "value": getattr(total, metric)} | limits)
    identity = checkpoint | {"task": "alignment", "source": dataset.name, "target": dataset.name, "split": "test"}
    write_table(pd.DataFrame(rows).assign(**identity, seed=None, n=pairs), "scores.schema.yaml", output)


def _unit(vectors_WD: np.ndarray) -> np.ndarray:
    """Vectors of length 1; one of (nearly) no length stays as it is, as in scikit-learn, which SimAlign calls."""
    norms_W = np.sqrt(np.einsum("wd,wd->w", vectors_WD, vectors_WD))
    return vectors_WD / np.where(norms_W < 10 * np.finfo(norms_W.dtype).eps, 1, norms_W)[:, None]


def _gold(dataset: Path, words: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Sure and possible links of each pair, booleans [S, T], from the table of links and the words of each sentence."""
    shapes = zip(words[: len(words) // 2], words[len(words) // 2 :], strict=True)
    gold = [(np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool)) for shape in shapes]
    for pair, source, target, sure in read_links(dataset).itertuples(index=False):
        sure_ST, possible_ST = gold[pair]
        possible_ST[source, target] = True
        sure_ST[source, target] = sure
    return gold
