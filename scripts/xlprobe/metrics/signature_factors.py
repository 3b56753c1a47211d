"""What of languages mean signatures may go together with: letters, richness of vocabulary, amount of text (paper 2, 5.1).

Unique characters are those of the text that the multilingual model was pretrained on; where it was pretrained elsewhere, of the text of
the monolingual one. The type-token ratio is unique lemmas / words of the treebank, which falls as a treebank grows: so it stands
beside that of as many words of each language. How many words have a category, the "data size", stands in the table of signatures.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import gammaln

from xlprobe.artifacts.corpus_text import read_counts
from xlprobe.artifacts.dataset_identity import read_identity
from xlprobe.artifacts.tables import read_table
from xlprobe.errors import XlprobeError
from xlprobe.files import MAKE_AGAIN, reading
from xlprobe.metrics.last_signatures import Row, last_rows, trainings

UNIQUE_CHARACTERS, RATIO = "unique_characters", "type_token_ratio"
# Beside the printed one: of as many words of each language, and of forms in place of lemmas.
EQUAL_RATIO, FORM_RATIO = "type_token_ratio_equal", "type_token_ratio_forms"
DATA_SIZE = "data_size"
# Of which of them correlations are taken, beside the data size.
CORRELATED = (UNIQUE_CHARACTERS, RATIO, EQUAL_RATIO, FORM_RATIO)
TEXT_FACTORS = {UNIQUE_CHARACTERS: "characters", "bytes": "bytes", "tokens": "tokens", "sequences": "sequences"}
# A share of words without lemma above it leaves a language out (id has none; ko of 6 % of its words).
MOST_WITHOUT_LEMMA = 0.5
# A smaller one is not worth a word.
SAID_WITHOUT_LEMMA = 0.001
# From this share on lemmas are said to be the words themselves (zh, vi).
SAME = 0.99
# What stands for a lemma that the treebank does not give, as `words.parquet` has it.
NO_LEMMA = "_"
OF_CONTROL = "of the monolingual model's text: the multilingual one was pretrained elsewhere"
NOT_COUNTED = "the cleaned text is not counted in these"


@dataclass(frozen=True)
class Vocabulary:
    """What a treebank's words say of a language's vocabulary.

    Attributes:
        units: all its words.
        unique_lemmas: of those that have one.
        without_lemma: share of words that have none.
        lemma_counts: how often each lemma occurs.
        forms: unique forms.
        same: share of words with a lemma that are the lemma, but for capitals.
    """

    units: int
    unique_lemmas: int
    without_lemma: float
    lemma_counts: np.ndarray
    forms: int
    same: float

    @property
    def no_ratio(self) -> str | None:
        """Why there is no type-token ratio of lemmas; None where there is one."""
        if not self.units:
            return "the treebank has no words"
        if self.without_lemma > MOST_WITHOUT_LEMMA:
            return f"{100 * self.without_lemma:.0f} % of the treebank's words have no lemma"
        return None

    @property
    def flag(self) -> str | None:
        """What to know of its lemmas."""
        said = [f"{100 * self.without_lemma:.1f} % of words have no lemma"] if self.without_lemma >= SAID_WITHOUT_LEMMA else []
        said += ["lemmas are the words as written"] if self.same >= SAME else []
        return "; ".join(said) or None


def read_vocabulary(folder: Path) -> Vocabulary:
    """The vocabulary of a morphology dataset.

    Raises:
        XlprobeError: a file of it is gone or damaged.
    """
    identity = read_identity(folder)
    words = read_table(folder / "words.parquet", ["form", "lemma"])
    with reading(folder / "identity.json", "the identity of a morphology dataset", MAKE_AGAIN):
        # A token of several words has several lemmas.
        whole = words[[NO_LEMMA not in lemma.split(" ") for lemma in words["lemma"]]]
        return Vocabulary(
            int(identity["units"]),
            int(identity["unique_lemmas"]),
            float(identity["lemmas_missing"]),
            whole["lemma"].value_counts().to_numpy(dtype=np.int64),
            int(words["form"].nunique()),
            float((whole["lemma"].str.lower() == whole["form"].str.lower()).mean()) if len(whole) else 0.0,
        )


def expected_types(counts: np.ndarray, drawn: int) -> float:
    """How many different lemmas so many words, drawn without replacement, have on average (Hurlbert 1971).

    Of N words with N_l of lemma l, n of them lack it with a chance of C(N - N_l, n) / C(N, n).

    Args:
        counts: how often each lemma occurs.

    >>> round(expected_types(np.array([2, 1]), 2), 6)
    1.666667
    """
    total = int(counts.sum())
    sizes, many = np.unique(counts, return_counts=True)
    left = total - sizes
    possible = left >= drawn
    lacking = np.zeros(len(sizes))
    rest = left[possible]
    lacking[possible] = np.exp(_log_choose(rest, drawn) - _log_choose(np.array([total]), drawn))
    return float((many * (1 - lacking)).sum())


def _log_choose(of: np.ndarray, drawn: int) -> np.ndarray:
    chosen: np.ndarray = gammaln(of + 1) - gammaln(drawn + 1) - gammaln(of - drawn + 1)
    return chosen


def signature_factors(
    signatures: pd.DataFrame,
    comparisons: Mapping[str, Mapping[str, Any]],
    counts: Mapping[str, Path],
    datasets: Mapping[str, Path],
) -> Iterator[Row]:
    """The rows of the table `signature_factors`: one a comparison, language and factor.

    Args:
        signatures: the table of that name; its comparisons alone have rows.
        comparisons: by variant, its languages, their texts and datasets by name in the same order, and of which model the texts are
            (`text_of`: multilingual, or monolingual).
        counts: counts.json of each text by name.
        datasets: folders of the morphology datasets by name.

    Raises:
        XlprobeError: a file is gone or damaged, or says nothing of characters, or a comparison is not among those named.
    """
    of_text = {name: _train_counts(path) for name, path in counts.items()}
    vocabularies = {name: read_vocabulary(folder) for name, folder in datasets.items()}
    for run, _ in trainings(last_rows(signatures)):
        if run["variant"] not in comparisons:
            raise XlprobeError(f"the table of signatures has the variant {run['variant']!r}, of which no texts are named; name them")
        facts = comparisons[run["variant"]]
        words = [vocabularies[name] for name in facts["datasets"]]
        drawn = _as_many(words)
        flag = OF_CONTROL if facts["text_of"] == "monolingual" else None
        for code, text, dataset, vocabulary in zip(facts["languages"], facts["texts"], facts["datasets"], words, strict=True):
            shared = run | {"language": code}
            source = {"source": f"corpus/{text}/counts.json"}
            for factor, unit in TEXT_FACTORS.items():
                found = of_text[text].get(factor)
                reason = NOT_COUNTED if found is None else None
                yield shared | source | {"factor": factor, "value": found, "unit": unit, "flag": flag, "reason": reason}
            for factor, ratio in _ratios(vocabulary, drawn):
                yield shared | {"factor": factor, "unit": "types / words", "source": f"datasets/{dataset}"} | ratio


def _as_many(words: Iterable[Vocabulary]) -> int:
    """The words that the language with the fewest has, of those whose lemmas are known; 0 where none are."""
    return min((int(found.lemma_counts.sum()) for found in words if not found.no_ratio), default=0)


def _ratios(found: Vocabulary, drawn: int) -> Iterator[tuple[str, Row]]:
    reason = found.no_ratio
    if reason:
        yield RATIO, {"reason": reason}
        yield EQUAL_RATIO, {"reason": reason}
    else:
        yield RATIO, {"value": found.unique_lemmas / found.units, "flag": found.flag}
        said = f"expected of {drawn} words with lemma"
        flag = f"{said}; {found.flag}" if found.flag else said
        yield EQUAL_RATIO, {"value": expected_types(found.lemma_counts, drawn) / drawn, "flag": flag}
    yield FORM_RATIO, {"value": found.forms / found.units} if found.units else {"reason": reason}


def _train_counts(path: Path) -> dict[str, float]:
    """The sizes of a text's train split."""
    with reading(path, "the counts of a text", MAKE_AGAIN):
        train = read_counts(path)["train"]
        # Written since signatures are taken.
        if UNIQUE_CHARACTERS not in train:
            raise ValueError(f"it does not say its {UNIQUE_CHARACTERS}")
        return {name: float(train[name]) for name in TEXT_FACTORS if name in train}
