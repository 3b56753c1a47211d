"""Baselines of inference: what is planted in hypotheses or in overlap is found, and what is not there is not."""

import numpy as np
import pandas as pd
import pytest
from outcome_scores import scores_of_baselines
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.linear_model import LogisticRegression

from xlprobe.datasets.nli import LABELS, SentencePair, write_nli
from xlprobe.probes import nli_baselines
from xlprobe.probes.baselines import write_baselines
from xlprobe.probes.nli_baselines import learned_labels, ngrams, overlap, words_of

PAIRS = {"train": 900, "dev": 300, "test": 300}
WORDS = [f"{first}{second}{third}" for first in "bdgklm" for second in "aeiou" for third in "nrst"]
HAN = [chr(code) for code in range(0x4E00, 0x4E00 + 120)]


def scored(folder, pair_of) -> pd.Series:
    """Test accuracy by baseline; `pair_of` makes a premise and a hypothesis of a label."""
    generator = np.random.default_rng(5)
    splits = {
        split: [SentencePair(n + 1, n + 1, *pair_of(generator, LABELS[n % 3]), LABELS[n % 3]) for n in range(count)]
        for split, count in PAIRS.items()
    }
    write_nli(splits, folder / "xnli_en", "xnli_en", "en")
    write_baselines(folder / "xnli_en", "xnli", folder / "b.h5")
    table = scores_of_baselines(folder / "b.h5")
    assert set(table["split"]) == {"dev", "test"} and set(table["n"]) == {300} and (table["text_form"] == "raw").all()
    return table[table["split"] == "test"].set_index("model")["value"]


def drawn(generator, words, count):
    return [str(word) for word in generator.choice(words, count, replace=False)]


@pytest.mark.parametrize("between", [" ", ""], ids=["words", "characters"])
def test_a_word_that_tells_is_found_in_the_hypothesis_alone(tmp_path, between):
    """A negation marks contradictions, a purpose neutrals, as in the data that annotators wrote (Gururangan et al. 2018)."""
    words = WORDS if between else HAN
    telling = {"contradiction": words[0], "neutral": words[1], "entailment": words[2]}

    def pair_of(generator, label):
        hypothesis = [telling[label], *drawn(generator, words[3:], 5)]
        generator.shuffle(hypothesis)
        return between.join(drawn(generator, words[3:], 8)), between.join(hypothesis) + "."

    accuracy = scored(tmp_path, pair_of)
    assert accuracy["hypothesis_only"] > 0.95 and accuracy["word_overlap"] < 0.45 and accuracy["majority"] == pytest.approx(1 / 3)


@pytest.mark.parametrize("between", [" ", ""], ids=["words", "characters"])
def test_what_the_premise_has_is_found_by_overlap_alone(tmp_path, between):
    words = WORDS if between else HAN
    shared = {"entailment": 6, "neutral": 3, "contradiction": 0}

    def pair_of(generator, label):
        everything = drawn(generator, words, 16)
        hypothesis = [*everything[: shared[label]], *everything[10 : 16 - shared[label]]]
        generator.shuffle(hypothesis)
        return between.join(everything[:10]), between.join(hypothesis)

    accuracy = scored(tmp_path, pair_of)
    assert accuracy["word_overlap"] > 0.95 and accuracy["hypothesis_only"] < 0.45


def test_chance_stays_chance(tmp_path):
    accuracy = scored(tmp_path, lambda generator, label: [" ".join(drawn(generator, WORDS, 6)) for _ in range(2)])
    assert accuracy.drop("majority").between(0.23, 0.44).all()


def test_one_label_and_sentences_without_words_are_no_fault(tmp_path):
    splits = {split: [SentencePair(n + 1, n + 1, "\u2026", "!?", "neutral") for n in range(3)] for split in PAIRS}
    write_nli(splits, tmp_path / "xnli_en", "xnli_en", "en")
    write_baselines(tmp_path / "xnli_en", "xnli", tmp_path / "b.h5")
    table = scores_of_baselines(tmp_path / "b.h5")
    assert len(table) == 6 and (table["value"] == 1).all()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("他说，我回来了。", "他 说 ， 我 回来 了 。"),
        ("ผมอยู่บ้าน", "ผม อยู่ บ้าน"),
        ("He said: no!", "He said : no !"),
        ("वह बोला।", "वह बोला ।"),
    ],
)
def test_words_are_the_same_in_raw_and_in_tokenized_text(one, other):
    assert words_of(one) == words_of(other)


def test_marks_belong_to_their_letters():
    assert words_of("हिन्दी में") == ["हिन्दी", "में"] and words_of("น้ำ") == words_of("น้ำ") and words_of("می\u200cروم") == ["میروم"]


def test_overlap_by_hand():
    """Three of four words, two of three pairs; four of five words in all; as long but for one word."""
    assert overlap("a b c d e", "b c d x") == pytest.approx((3 / 4, 2 / 3, 3 / 6, np.log(4 / 5)))
    assert overlap("", "") == (0, 0, 0, 0)


def planted_pairs(noise: float, seed: int) -> tuple[list[str], pd.DataFrame]:
    """Sentences, and pairs whose label three words of the hypothesis tell, but for a share of them."""
    generator = np.random.default_rng(seed)
    texts, rows = [], []
    for split, count in (("train", 240), ("dev", 150), ("test", 150)):
        for _ in range(count):
            label = int(generator.integers(3))
            said = [*generator.choice(WORDS[label * 12 : label * 12 + 30], 6), *generator.choice(WORDS, 3)]
            label = int(generator.integers(3)) if generator.random() < noise else label
            texts += [" ".join(map(str, [*said[: 3 * label], *generator.choice(WORDS, 4)])), " ".join(map(str, said))]
            rows.append({"split": split, "premise": len(texts) - 2, "hypothesis": len(texts) - 1, "label": LABELS[label]})
    return texts, pd.DataFrame(rows)


@pytest.mark.parametrize(("noise", "seed"), [(0.1, 1), (0.5, 2), (0.3, 3)])
def test_learned_labels_are_those_of_the_best_strength_on_dev(noise, seed):
    texts, examples = planted_pairs(noise, seed)
    of_split = dict(iter(examples.groupby("split")))
    hashing = HashingVectorizer(ngram_range=(1, 3), token_pattern=r"\S+", lowercase=False, n_features=2**18, binary=True)
    known = np.unique(hashing.transform(texts[row] for row in of_split["train"]["hypothesis"]).indices)
    features = {
        "hypothesis_only": lambda part: hashing.transform(texts[row] for row in part["hypothesis"])[:, known],
        "word_overlap": lambda part: np.array([overlap(texts[one], texts[two]) for one, two in part[["premise", "hypothesis"]].to_numpy()]),
    }
    found = learned_labels(texts, examples)
    for name, read in features.items():
        classifier, said = LogisticRegression(warm_start=True, max_iter=1000), {}
        for strength in (0.3, 1, 3, 10):
            classifier.set_params(C=strength).fit(read(of_split["train"]), of_split["train"]["label"])
            said[strength] = {split: classifier.predict(read(of_split[split])) for split in ("dev", "test")}
        right = {strength: (of["dev"] == of_split["dev"]["label"]).mean() for strength, of in said.items()}
        best = max(right, key=right.get)  # of equals the first
        for split in ("dev", "test"):
            assert (found[name][of_split[split].index] == said[best][split]).mean() > 0.99, (name, best, right)


def test_of_strengths_that_are_as_good_on_dev_the_first_counts(monkeypatch):
    monkeypatch.setattr(nli_baselines, "_classifiers", lambda x_NF, labels: (_Always(label) for label in LABELS[:2]))
    rows = [("train", LABELS[0]), ("dev", LABELS[0]), ("dev", LABELS[1]), ("test", LABELS[1])]
    examples = pd.DataFrame([{"split": split, "premise": 0, "hypothesis": 1, "label": label} for split, label in rows])
    for said in learned_labels(["one two", "three"], examples).values():
        assert said.tolist() == [LABELS[0]] * 3


class _Always:
    """A classifier that says one label."""

    def __init__(self, label: str) -> None:
        self.label = label

    def predict(self, x_NF) -> list[str]:
        return [self.label] * x_NF.shape[0]


def test_sequences_of_words_have_up_to_three_by_hand():
    assert ngrams("A b c d") == ["a", "b", "c", "d", "a b", "b c", "c d", "a b c", "b c d"] and ngrams("") == []
