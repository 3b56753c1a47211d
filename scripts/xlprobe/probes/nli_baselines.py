"""Baselines of natural language inference, which need no vectors: a probe must beat them.

hypothesis_only   the hypothesis alone, as a bag of words (Gururangan et al. 2018; Poliak et al. 2018)
word_overlap      how much of the hypothesis stands in the premise, and their lengths: nothing of any language (McCoy et al. 2019)

Each is a logistic regression on train, its strength of regularisation chosen on dev. A word is a run of letters, marks and digits;
in scripts without spaces between words, a character, whether the text is segmented or not.

Shape letters: N examples, F features.
"""

import unicodedata
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from math import log
from typing import Any

import numpy as np
import pandas as pd
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.linear_model import LogisticRegression

# How Unicode's names of their letters begin. Hangul is among them for the invented languages, whose syllabic script borrows its
# letters without spaces; XNLI has no Korean, which has spaces.
WITHOUT_SPACES = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "THAI", "LAO", "MYANMAR", "KHMER")
LONGEST_NGRAM = 3
# Bounds the memory: 6 MB of weights, and n-grams that share a place cost little.
HASHED_FEATURES = 2**18
# Of regularisation, as scikit-learn's C, the strongest first: of equals on dev, that one is taken.
STRENGTHS = (0.3, 1.0, 3.0, 10.0)
MOST_ITERATIONS = 100
# The examples by split.
Parts = Mapping[str, pd.DataFrame]


class _Separated(dict[int, str | None]):
    """What each character is written as, so that blanks separate the words of a text; for `str.translate`."""

    def __missing__(self, code: int) -> str | None:
        character = chr(code)
        category = unicodedata.category(character)
        if category == "Cf":
            written = None
        elif category[0] not in "LMN":
            written = " "
        else:
            alone = category[0] == "L" and unicodedata.name(character, "").startswith(WITHOUT_SPACES)
            written = f" {character}" if alone else character
        self[code] = written
        return written


_separated = _Separated()


def words_of(text: str) -> list[str]:
    """The words by which a sentence is compared, in small letters.

    >>> words_of("Don't say „Ja“, 山田さん!")
    ['don', 't', 'say', 'ja', '山', '田', 'さ', 'ん']
    """
    return unicodedata.normalize("NFKC", text).lower().translate(_separated).split()


def ngrams(text: str) -> list[str]:
    """The words of a sentence and their sequences.

    >>> ngrams("It rains.")
    ['it', 'rains', 'it rains']
    """
    words = words_of(text)
    return [" ".join(words[start : start + size]) for size in range(1, LONGEST_NGRAM + 1) for start in range(len(words) - size + 1)]


def overlap(premise: str, hypothesis: str) -> tuple[float, ...]:
    """How much of the hypothesis the premise has: share of its words, share of its pairs of neighbours, words of both by words of
    either; and the logarithm of how many times as long it is.

    >>> [round(share, 2) for share in overlap("She sees the old dog.", "She sees a dog.")]
    [0.75, 0.33, 0.5, -0.22]
    """
    given, given_pairs, given_length = _compared(premise)
    said, said_pairs, said_length = _compared(hypothesis)
    return (
        len(said & given) / max(1, len(said)),
        len(said_pairs & given_pairs) / max(1, len(said_pairs)),
        len(said & given) / max(1, len(said | given)),
        log(max(1, said_length) / max(1, given_length)),
    )


# Pairs come in order of the premise.
@lru_cache(maxsize=1024)
def _compared(text: str) -> tuple[frozenset[str], frozenset[tuple[str, str]], int]:
    words = words_of(text)
    return frozenset(words), frozenset(pairwise(words)), len(words)


def learned_labels(texts: Sequence[str], examples: pd.DataFrame) -> dict[str, pd.Series]:
    """What each baseline says of the examples of dev and test, by its name; the labels' index is the examples'.

    Args:
        texts: the dataset's sentences.
        examples: with columns split, premise and hypothesis (rows of the sentences), and label.
    """
    parts = {str(split): part for split, part in examples.groupby("split")}
    found = {}
    for name, features in FEATURES.items():
        x_NF = features(texts, parts)
        best_share, said = -1.0, pd.Series(dtype=object)
        for classifier in _classifiers(x_NF["train"], parts["train"]["label"]):
            labels = {split: pd.Series(classifier.predict(x_NF[split]), parts[split].index) for split in ("dev", "test") if split in parts}
            share = float((labels["dev"] == parts["dev"]["label"]).mean()) if "dev" in parts else 0.0
            if share > best_share:
                best_share, said = share, pd.concat(labels.values())
        found[name] = said
    return found


def _classifiers(x_NF: Any, labels: pd.Series) -> Iterator[Any]:
    """A classifier for each of the STRENGTHS, which goes on from the weights of the one before."""
    if labels.nunique() == 1:
        yield DummyClassifier().fit(x_NF, labels)
        return
    classifier = LogisticRegression(max_iter=MOST_ITERATIONS, warm_start=True)
    for strength in STRENGTHS:
        with warnings.catch_warnings():
            # Dev decides, whether the last digits have settled or not.
            warnings.simplefilter("ignore", ConvergenceWarning)
            yield classifier.set_params(C=strength).fit(x_NF, labels)


def _hashed_ngrams(texts: Sequence[str], parts: Parts) -> dict[str, Any]:
    """Which n-grams each hypothesis has, of those that train has: by split [examples, features], sparse, rows of length 1."""
    vectorizer = HashingVectorizer(analyzer=ngrams, n_features=HASHED_FEATURES, binary=True, dtype=np.float32)
    hashed = {split: vectorizer.transform(texts[row] for row in part["hypothesis"]) for split, part in parts.items()}
    known_F = np.unique(hashed["train"].indices)
    return {split: hashed_NF[:, known_F] for split, hashed_NF in hashed.items()}


def _overlaps(texts: Sequence[str], parts: Parts) -> dict[str, Any]:
    """What `overlap` says of each pair: by split [examples, 4]."""
    return {
        split: np.array([overlap(texts[premise], texts[hypothesis]) for premise, hypothesis in part[["premise", "hypothesis"]].to_numpy()])
        for split, part in parts.items()
    }


FEATURES: dict[str, Callable[[Sequence[str], Parts], dict[str, Any]]] = {"hypothesis_only": _hashed_ngrams, "word_overlap": _overlaps}
