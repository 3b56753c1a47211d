"""Metrics that follow from sums over test sentences.

An entry more here is a metric more: it is computed from outcomes, and nothing is measured again.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from xlprobe.artifacts.outcome_file import LINK_COUNTS, Outcome
from xlprobe.statistics.resampling import ValueOfSums

# Sums over sentences, or the counts of each sentence, by name; of any shapes that fit each other.
Sums = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Metric:
    """A score that follows from sums over test sentences.

    Attributes:
        value: the score.
        n: the sum that says how many examples are behind it; where it is 0 there is no score.
        needs: the other sums that it takes; where one is missing there is no score.
        of_sentences: what is to be added up, from the counts of each sentence, where it is not these counts themselves.
    """

    value: ValueOfSums
    n: str
    needs: tuple[str, ...] = ()
    of_sentences: Callable[[Sums], Sums] | None = None


def ratio(part: str, whole: str) -> Metric:
    """The share that one sum is of another."""
    return Metric(lambda sums: sums[part] / sums[whole], whole, (part,))


def precision(sums: Sums) -> np.ndarray:
    """|A and P| / |A| of links found (A), sure (S) and possible (P) ones (Och & Ney 2003); 0 where nothing was found."""
    return sums["found_possible"] / np.maximum(sums["found"], 1)


def recall(sums: Sums) -> np.ndarray:
    """|A and S| / |S|; 0 where nothing is sure."""
    return sums["found_sure"] / np.maximum(sums["sure"], 1)


def f1(sums: Sums) -> np.ndarray:
    """Harmonic mean of precision and recall; 0 where both are."""
    total = precision(sums) + recall(sums)
    return 2 * precision(sums) * recall(sums) / np.where(total > 0, total, 1)


def alignment_error_rate(sums: Sums) -> np.ndarray:
    """1 - (|A and S| + |A and P|) / (|A| + |S|); 1 where nothing was found and nothing is sure."""
    return 1 - (sums["found_sure"] + sums["found_possible"]) / np.maximum(sums["found"] + sums["sure"], 1)


ALIGNMENT = {
    name: Metric(value, "sentences", LINK_COUNTS)
    for name, value in {"precision": precision, "recall": recall, "f1": f1, "aer": alignment_error_rate}.items()
}
BITS = {
    "bits_per_character": Metric(lambda sums: sums["bits"] / sums["characters"], "predicted"),
    "bits_per_byte": Metric(lambda sums: sums["bits"] / sums["bytes"], "predicted"),
    "bits_per_subword": Metric(lambda sums: sums["bits"] / sums["predicted"], "predicted"),
    # The same subwords, each by its share of all.
    "bits_per_character_unigram": Metric(lambda sums: sums["unigram_bits"] / sums["characters"], "predicted", ("unigram_bits",)),
    "subwords_per_character": Metric(lambda sums: sums["subwords"] / sums["all_characters"], "subwords"),
    # What parallel text alone has: words, and sentences for lines.
    "bits_per_sentence": Metric(lambda sums: sums["bits"] / sums["predicted"] * sums["subwords"] / sums["lines"], "lines", ("words",)),
    "subwords_per_word": Metric(lambda sums: sums["subwords"] / sums["words"], "subwords", ("words",)),
}


def bits_of_blocks(bits: str, whole: str) -> Metric:
    """(bits / chosen positions) / (what subwords hold / subwords), the latter of whole blocks (`xlprobe.bpc.fairseq_blocks`)."""
    return Metric(lambda sums: sums[bits] / sums["predicted"] * sums["subwords"] / sums[whole], "predicted")


FAIRSEQ_BITS = {
    "bits_per_character": bits_of_blocks("bits", "all_characters"),
    "bits_per_byte": bits_of_blocks("bits", "all_bytes"),
    "bits_per_subword": BITS["bits_per_subword"],
    "bits_per_character_unigram": bits_of_blocks("unigram_bits", "all_characters"),
}
# Of probes, by what follows the name of the task's metric.
PROBES = {
    "": ratio("correct", "total"),
    "_ambiguous": ratio("correct_ambiguous", "total_ambiguous"),
    "_unseen": ratio("correct_unseen", "total_unseen"),
    # No source's probe is right on a label that the source has not.
    "_shared": ratio("correct", "total_shared"),
    "_control": ratio("correct_control", "total"),
    "_selectivity": Metric(lambda sums: (sums["correct"] - sums["correct_control"]) / sums["total"], "total", ("correct_control",)),
}


def metrics_of(outcome: Outcome) -> dict[str, Metric]:
    """The metrics of an outcome's task, by name."""
    of_task = {"alignment": ALIGNMENT, "bpc": FAIRSEQ_BITS if outcome.place.protocol == "fairseq" else BITS}
    return of_task.get(outcome.place.task) or {f"{outcome.facts['metric']}{ending}": metric for ending, metric in PROBES.items()}
