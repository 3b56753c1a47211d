"""Facts about languages that signatures may go together with."""

import itertools

import numpy as np
import pandas as pd
import pytest
from planted_means import only, signature_rows, signature_table

from xlprobe.artifacts.categories import CATEGORIES
from xlprobe.artifacts.tables import seal
from xlprobe.datasets.morphology import write_morphology
from xlprobe.datasets.treebank import read_splits, write_dataset
from xlprobe.errors import XlprobeError
from xlprobe.files import write_json
from xlprobe.metrics.signature_factors import NOT_COUNTED, OF_CONTROL, Vocabulary, expected_types, read_vocabulary, signature_factors

LAYERS = {"qaa": [1.0], "qab": [2.0]}
FACTS = {"languages": ["qaa", "qab"], "texts": ["qaa", "equal/qab"], "text_of": "multilingual", "datasets": ["morph_a", "morph_b"]}


def dataset(folder, words):
    """A morphology dataset with these words and lemmas, `_` for one that is not given, made as a run makes it."""
    rows = "".join(f"{n}\t{form}\t{lemma}\tNOUN\t_\t_\t{0 if n == 1 else 1}\tdep\t_\t_\n" for n, (form, lemma) in enumerate(words, 1))
    treebank = folder.with_name(f"of_{folder.name}")
    treebank.with_suffix(".test").mkdir()
    source = treebank.with_suffix(".test") / "x-ud-test.conllu"
    source.write_text(f"# sent_id = one\n{rows}\n")
    write_dataset(read_splits([source], None, 0.1), treebank, "xx", "fr")
    write_morphology(treebank, folder, folder.name)
    return folder


@pytest.fixture
def files(tmp_path):
    """The texts and words of two languages, and what is said of them."""
    counts = {
        "qaa": {"bytes": 10, "unique_characters": 26},
        "equal/qab": {"bytes": 9, "unique_characters": 30, "tokens": 7, "sequences": 1},
    }
    for name, train in counts.items():
        write_json(tmp_path / name / "counts.json", {"train": train, "valid": {"bytes": 1, "unique_characters": 2}})
    cats = dataset(tmp_path / "morph_a", [("cats", "cat"), ("Cat", "cat"), ("dogs", "dog")])
    dogs = dataset(tmp_path / "morph_b", [("La", "la"), ("ci", "ci"), ("la", "la"), ("la", "la"), ("to", "to")])
    return {
        "counts": {name: tmp_path / name / "counts.json" for name in counts},
        "datasets": {"morph_a": cats, "morph_b": dogs},
    }


def found(files, facts=FACTS, signatures=None):
    return [*signature_factors(signature_table(signatures or signature_rows(LAYERS)), {"main": facts}, **files)]


def test_texts_and_vocabularies(files):
    rows = found(files)
    assert len(rows) == 14 and {row["variant"] for row in rows} == {"main"}
    characters = [only(rows, language=code, factor="unique_characters") for code in LAYERS]
    assert [row["value"] for row in characters] == [26, 30] and [row["flag"] for row in characters] == [None, None]
    assert [row["source"] for row in characters] == ["corpus/qaa/counts.json", "corpus/equal/qab/counts.json"]
    assert only(rows, language="qab", factor="tokens")["value"] == 7
    # Cleaned texts are not counted in tokens.
    assert only(rows, language="qaa", factor="tokens")["value"] is None
    assert only(rows, language="qaa", factor="tokens")["reason"] == NOT_COUNTED
    ratios = [only(rows, language=code, factor="type_token_ratio") for code in LAYERS]
    assert [row["value"] for row in ratios] == pytest.approx([2 / 3, 3 / 5])
    # Capitals do not make a word another than its lemma.
    assert [row["flag"] for row in ratios] == [None, "lemmas are the words as written"]
    forms = [only(rows, language=code, factor="type_token_ratio_forms")["value"] for code in LAYERS]
    assert forms == pytest.approx([3 / 3, 4 / 5])


def test_a_ratio_of_as_many_words_of_each(files):
    rows = [row for row in found(files) if row["factor"] == "type_token_ratio_equal"]
    # All three words of the one; of la la la ci to three have 3 lemmas 3 times of 10, 2 of them 6 times, 1 once.
    assert [row["value"] for row in rows] == pytest.approx([2 / 3, (3 * 3 + 2 * 6 + 1) / 10 / 3])
    assert [row["flag"] for row in rows] == [
        "expected of 3 words with lemma",
        "expected of 3 words with lemma; lemmas are the words as written",
    ]


def test_expected_types_are_those_of_all_draws():
    counts = np.array([5, 3, 2, 1, 1])
    words = np.repeat(np.arange(5), counts)
    for drawn in (1, 4, 9, 12):
        draws = [len(set(draw)) for draw in itertools.combinations(words.tolist(), drawn)]
        assert expected_types(counts, drawn) == pytest.approx(np.mean(draws))


def test_a_language_without_lemmas_has_a_reason_and_draws_no_other_down(files, tmp_path):
    bare = dataset(tmp_path / "morph_c", [("cats", "_"), ("cat", "cat"), ("dogs", "_")])
    files["datasets"]["morph_a"] = bare
    rows = found(files)
    for factor in ("type_token_ratio", "type_token_ratio_equal"):
        row = only(rows, language="qaa", factor=factor)
        assert "value" not in row and row["reason"] == "67 % of the treebank's words have no lemma"
    assert only(rows, language="qaa", factor="type_token_ratio_forms")["value"] == 1
    assert only(rows, language="qab", factor="type_token_ratio_equal")["value"] == pytest.approx(3 / 5)


def test_some_words_without_lemma_are_said(tmp_path):
    words = [("cats", "cat"), ("dogs", "dog"), ("a", "_"), ("dog", "dog")]
    vocabulary = read_vocabulary(dataset(tmp_path / "morph_d", words))
    assert vocabulary.no_ratio is None and vocabulary.flag == "25.0 % of words have no lemma"
    assert sorted(vocabulary.lemma_counts) == [1, 2] and vocabulary.unique_lemmas == 2 and vocabulary.forms == 4
    assert Vocabulary(0, 0, 0.0, np.array([]), 0, 0.0).no_ratio == "the treebank has no words"


def test_what_is_pretrained_elsewhere_has_the_texts_of_the_others(files):
    rows = found(files, FACTS | {"text_of": "monolingual"})
    assert only(rows, language="qaa", factor="unique_characters")["flag"] == OF_CONTROL
    assert only(rows, language="qaa", factor="type_token_ratio")["flag"] is None


def test_each_training_has_rows(files):
    both = [row for seed in (1, 2) for row in signature_rows(LAYERS, training_seed=seed)]
    rows = found(files, signatures=both)
    assert [only(rows, training_seed=seed, language="qab", factor="bytes")["value"] for seed in (1, 2)] == [9, 9] and len(rows) == 28
    assert [*signature_factors(signature_table(signature_rows(LAYERS, fit="over_steps")), {"main": FACTS}, **files)] == []


def test_damage_is_named(files, tmp_path):
    with pytest.raises(XlprobeError, match=r"the table of signatures has the variant 'other', of which no texts are named; name them"):
        found(files, signatures=signature_rows(LAYERS, variant="other"))
    words = pd.DataFrame({"form": ["x"], "lemma": [None], **{name: [None] for name in CATEGORIES}})
    words.to_parquet(tmp_path / "morph_a" / "words.parquet")
    seal(tmp_path / "morph_a" / "words.parquet")
    with pytest.raises(XlprobeError, match=r"morph_a/identity.json: cannot be read as"):
        found(files)
    write_json(tmp_path / "qaa" / "counts.json", {"train": {"bytes": 3}})
    with pytest.raises(
        XlprobeError, match=r"qaa/counts.json: cannot be read as the counts of a text .*it does not say its unique_characters"
    ):
        found(files)
    (tmp_path / "qaa" / "counts.json").unlink()
    with pytest.raises(XlprobeError, match=r"qaa/counts.json: no such file; run again to make it"):
        found(files)


def test_real_treebanks(real_data, tmp_path):
    """Of Korean most lemmas are not given, of Vietnamese they are the words."""
    found = {}
    for folder in ("UD_Korean", "UD_Vietnamese"):
        files = sorted((real_data / "ud-2.1" / folder).glob("*.conllu.xz"))
        write_dataset(read_splits(files, None, 0.1), tmp_path / folder, folder, "xx")
        write_morphology(tmp_path / folder, tmp_path / f"morph_{folder}", f"morph_{folder}")
        found[folder] = read_vocabulary(tmp_path / f"morph_{folder}")
    assert found["UD_Korean"].no_ratio == "94 % of the treebank's words have no lemma"
    vietnamese = found["UD_Vietnamese"]
    assert vietnamese.no_ratio is None and vietnamese.flag == "lemmas are the words as written"
    assert vietnamese.lemma_counts.sum() == vietnamese.units and len(vietnamese.lemma_counts) == vietnamese.unique_lemmas
    # The ratio falls as a treebank grows.
    ratios = [expected_types(vietnamese.lemma_counts, drawn) / drawn for drawn in (1, 1000, 10000, vietnamese.units)]
    assert ratios == sorted(ratios, reverse=True) and ratios[-1] == pytest.approx(vietnamese.unique_lemmas / vietnamese.units)
