"""Datasets of morphology, made of treebanks' datasets."""

import subprocess
import sys
from types import ModuleType

import pandas as pd
import pytest

from xlprobe.artifacts.categories import CATEGORIES
from xlprobe.artifacts.dataset_folder import has_words, read_sentences, read_table, read_words, read_written
from xlprobe.artifacts.dataset_identity import read_identity
from xlprobe.artifacts.feature_file import FeatureFile
from xlprobe.datasets.bitexts import read_bitext, write_bitext
from xlprobe.datasets.morphology import write_morphology
from xlprobe.datasets.treebank import read_splits, write_dataset
from xlprobe.errors import XlprobeError
from xlprobe.features.extraction import extract_features
from xlprobe.paths import PROJECT

# Glued tokens, one of them of several words; a token with a space in it; a token of two words at the end; a lemma that is not given.
SENTENCES = """# sent_id = one
1-2\tAu\t_\t_\t_\t_\t_\t_\t_\tSpaceAfter=No
1\tÀ\tà\tADP\t_\t_\t3\tcase\t_\t_
2\tle\tle\tDET\t_\tDefinite=Def|Gender=Masc|Number=Sing\t3\tdet\t_\t_
3-4\tdes 20\t_\t_\t_\t_\t_\t_\t_\t_
3\tvieux\tvieux\tADJ\t_\tGender=Masc|Number=Plur\t0\troot\t_\t_
4\tun\tun\tDET\t_\tGender=Masc|Number=Sing\t3\tdet\t_\t_
5\t20 000\t20 000\tNUM\t_\tNumType=Card\t3\tnummod\t_\t_
6\tva\t_\tVERB\t_\tMood=Ind|Tense=Pres|VerbForm=Fin\t3\tdep\t_\tSpaceAfter=No
7\t!\t!\tPUNCT\t_\t_\t3\tpunct\t_\t_

"""
LAST = """# sent_id = two
1\tvivre\tvivre\tVERB\t_\tVerbForm=Inf\t0\troot\t_\t_
2-3\tdu\t_\t_\t_\t_\t_\t_\t_\t_
2\tde\tde\tADP\t_\t_\t1\tdep\t_\t_
3\tle\tle\tDET\t_\tDefinite=Def|Number=Sing\t1\tdep\t_\t_

"""


@pytest.fixture
def treebank(tmp_path):
    for split, text in (("train", SENTENCES), ("dev", LAST), ("test", SENTENCES.replace("one", "three"))):
        (tmp_path / f"xx_test-ud-{split}.conllu").write_text(text)
    write_dataset(read_splits(tmp_path.glob("*.conllu"), None, 0.1), tmp_path / "xx_test", "xx_test", "fr")
    return tmp_path / "xx_test"


def filled(units):
    """Of each unit the categories that it has a value of."""
    return [{name: value for name in CATEGORIES if isinstance(value := row[name], str)} for _, row in units.iterrows()]


def test_a_treebank_keeps_lemmas_and_the_tokens_that_words_are_written_in(treebank):
    words = read_words(treebank)
    assert words["lemma"].tolist()[:7] == ["à", "le", "vieux", "un", "20 000", "_", "!"]
    assert words["token"].tolist() == [1, 1, 2, 2, 3, 4, 5, 1, 2, 2, 1, 1, 2, 2, 3, 4, 5]
    written = read_written(treebank)
    assert written.tolist()[:2] == ["Audes 20 20 000 va!", "vivre du"]
    of_tokens = zip(words["sentence"], words["token_start"], words["token_end"], strict=True)
    tokens = [written[sentence][start:end] for sentence, start, end in of_tokens]
    assert tokens[:10] == ["Au", "Au", "des 20", "des 20", "20 000", "va", "!", "vivre", "du", "du"]


def test_units_are_tokens_as_they_are_written(treebank, tmp_path):
    write_morphology(treebank, tmp_path / "morph", "morph_xx_test")
    sentences, units = read_sentences(tmp_path / "morph"), read_words(tmp_path / "morph")
    assert sentences["text"].tolist() == ["Audes 20 20 000 va!", "vivre du", "Audes 20 20 000 va!"]
    assert sentences["split"].tolist() == ["train", "dev", "test"] and sentences["sent_id"].tolist() == ["one", "two", "three"]
    assert sentences["first_word"].tolist() == [0, 5, 7] and sentences["words"].tolist() == [5, 2, 5]
    assert units["form"].tolist() == ["Au", "des 20", "20 000", "va", "!", "vivre", "du", "Au", "des 20", "20 000", "va", "!"]
    assert units["lemma"].tolist()[:7] == ["à le", "vieux un", "20 000", "_", "!", "vivre", "de le"]
    assert units["constituents"].tolist()[:7] == [2, 2, 1, 1, 1, 1, 2]
    # Two words have a part of speech, a gender, and a number: the token has none of them.
    assert filled(units)[:7] == [
        {"definiteness": "DEF", "gender": "MASC", "number": "SG"},
        {},
        {"part_of_speech": "NUM"},
        {"part_of_speech": "V", "mood": "IND", "tense": "PRS", "finiteness": "FIN"},
        {},
        {"part_of_speech": "V", "finiteness": "NFIN"},
        {"definiteness": "DEF", "number": "SG"},
    ]
    holds(sentences, units)


def holds(sentences, units):
    """That each unit stands in its sentence's text where the table says, one after another, and rows are counted so, too."""
    texts = sentences["text"].to_numpy()[units["sentence"]]
    places = zip(texts, units["start"], units["end"], units["form"], strict=True)
    assert all(text[start:end] == form != "" for text, start, end, form in places)
    assert (units["sentence"].to_numpy() == sentences.index.repeat(sentences["words"])).all()
    same = units["sentence"].eq(units["sentence"].shift())
    assert (units["start"] >= units["end"].shift(fill_value=0))[same].all()


def test_its_identity_says_what_it_is_and_counts(treebank, tmp_path):
    write_morphology(treebank, tmp_path / "morph", "morph_xx_test")
    identity = read_identity(tmp_path / "morph")
    said = {"format": 2, "dataset": "morph_xx_test", "kind": "morphology", "languages": ["fr"], "parallel": None, "unit": "tokens"}
    assert identity.items() > (said | {"romanise": "none", "units": 12, "units_of_several_words": 5, "sentences": 3}).items()
    assert {name: count for name, count in identity["instances"].items() if count} == {
        "part_of_speech": 5,
        "definiteness": 3,
        "finiteness": 3,
        "gender": 2,
        "mood": 2,
        "number": 3,
        "tense": 2,
    }
    assert identity["values"]["part_of_speech"] == 2 and identity["instances"].keys() == CATEGORIES.keys()
    # `_` of two tokens is no lemma; there are `à le`, `vieux un`, `20 000`, `!`, `vivre`, `de le`.
    assert identity["unique_lemmas"] == 6 and identity["lemmas_missing"] == pytest.approx(2 / 12)
    assert (
        has_words(tmp_path / "morph") and read_written(tmp_path / "morph").tolist() == read_sentences(tmp_path / "morph")["text"].tolist()
    )


def test_units_may_be_syntactic_words(treebank, tmp_path):
    write_morphology(treebank, tmp_path / "morph", "morph_xx_test", units="words")
    sentences, units = read_sentences(tmp_path / "morph"), read_words(tmp_path / "morph")
    assert sentences.equals(read_sentences(treebank)) and sentences["text"][0] == "À levieux un 20 000 va!"
    assert units[["form", "start", "end"]].equals(read_words(treebank)[["form", "start", "end"]])
    assert set(units["constituents"]) == {1} and units["lemma"][0] == "à" and filled(units)[0] == {"part_of_speech": "ADP"}
    identity = read_identity(tmp_path / "morph")
    assert identity["instances"]["part_of_speech"] == 15 == identity["units"] - 2 and identity["unit"] == "words"
    holds(sentences, units)


@pytest.mark.parametrize("units", ["tokens", "words"])
def test_units_are_romanised_one_by_one_with_spaces_between_them(treebank, tmp_path, monkeypatch, units):
    romanisation = ModuleType("xlprobe.corpus.romanisation")
    romanisation.romanise = lambda text, system: {"!": "", "va": " v a "}.get(text, f"{system} {text}")
    monkeypatch.setitem(sys.modules, "xlprobe.corpus.romanisation", romanisation)
    write_morphology(treebank, tmp_path / "plain", "morph_xx_test", units)
    write_morphology(treebank, tmp_path / "morph", "morph_xx_test_romanised", units, "pinyin")
    sentences, found = read_sentences(tmp_path / "morph"), read_words(tmp_path / "morph")
    first = {
        "tokens": "pinyin Au pinyin des 20 pinyin 20 000 v a !",
        "words": "pinyin À pinyin le pinyin vieux pinyin un pinyin 20 000 v a !",
    }
    assert sentences["text"][0] == first[units] and read_identity(tmp_path / "morph")["romanise"] == "pinyin"
    holds(sentences, found)
    plain = read_words(tmp_path / "plain")
    kept = [name for name in plain if name not in ("form", "start", "end")]
    assert found[kept].equals(plain[kept]) and sentences["first_word"].equals(read_sentences(tmp_path / "plain")["first_word"])


def test_vectors_are_extracted_of_units(treebank, tmp_path, tiny_model):
    write_morphology(treebank, tmp_path / "morph", "morph_xx_test")
    extract_features(tiny_model.checkpoint, [tmp_path / "morph"], [tmp_path / "f.h5"], [tmp_path / "f.audit.parquet"], [0, 2], 256, "cpu")
    with FeatureFile(tmp_path / "f.h5") as features:
        assert features.units == "words" and features.layer(2).shape == (12, 32)


def test_units_without_a_lemma_are_counted_and_said(treebank, tmp_path, caplog):
    write_morphology(treebank, tmp_path / "morph", "morph_xx_test")
    assert "morph_xx_test: 2 units (16.7 %) have no lemma in the treebank" in caplog.text


def test_what_is_no_treebank_or_damaged_is_refused(treebank, tmp_path):
    for name, text in (("text", "a b ||| c d\n"), ("gold", "1-1\n")):
        (tmp_path / name).write_text(text)
    write_bitext(read_bitext("awesome", [tmp_path / "text", tmp_path / "gold"]), tmp_path / "bitext", "align_en_fr", "en", "fr")
    with pytest.raises(XlprobeError, match=r"bitext/identity.json: is of kind bitext, which has no features; name a treebank's dataset"):
        write_morphology(tmp_path / "bitext", tmp_path / "morph", "morph_align")
    (treebank / "written.parquet").write_bytes(b"")
    with pytest.raises(XlprobeError, match=r"written.parquet: is damaged, or of another dataset"):
        write_morphology(treebank, tmp_path / "morph", "morph_xx_test")
    assert not (tmp_path / "morph" / "identity.json").exists()


def test_the_script_makes_it(treebank, tmp_path):
    command = [sys.executable, PROJECT / "scripts" / "build_morphology.py", "--treebank", treebank, "--folder", tmp_path / "morph"]
    subprocess.run([*command, "--dataset", "morph_xx_test", "--units", "words"], check=True)
    assert read_identity(tmp_path / "morph")["unit"] == "words" and len(read_table(tmp_path / "morph", "words")) == 17


# With tokens of several words, with spaces in tokens, and with neither.
@pytest.mark.parametrize("folder", ["UD_French", "UD_Vietnamese", "UD_Hebrew", "UD_Turkish", "UD_Japanese"])
def test_a_real_treebank(real_data, tmp_path, folder):
    splits = read_splits((real_data / "ud-2.1" / folder).glob("*.conllu.xz"), None, 0.1)
    write_dataset(splits, tmp_path / "treebank", "xx", "xx")
    write_morphology(tmp_path / "treebank", tmp_path / "tokens", "morph_xx")
    write_morphology(tmp_path / "treebank", tmp_path / "words", "morph_xx", "words")
    words, tokens = read_words(tmp_path / "words"), read_words(tmp_path / "tokens")
    holds(read_sentences(tmp_path / "tokens"), tokens)
    holds(read_sentences(tmp_path / "words"), words)
    sentences = [sentence for of_split in splits.values() for sentence in of_split]
    assert read_sentences(tmp_path / "tokens")["text"].tolist() == [sentence.written for sentence in sentences]
    assert tokens["constituents"].sum() == len(words) and len(tokens) <= len(words)
    # A token of one word has that word's values, and no token has a value that none of its words has.
    of_token = tokens.index.repeat(tokens["constituents"])
    for category in CATEGORIES:
        own = tokens[category].loc[of_token].reset_index(drop=True)
        alone = pd.Series(of_token.map(tokens["constituents"])) == 1
        assert own[alone].equals(words[category][alone])
        times = words[category].notna().groupby(of_token).sum()
        assert (tokens[category].notna() == (times == 1)).all()


def test_units_are_written_apart_where_this_is_asked_for(treebank, tmp_path):
    """Also where the language writes no space, as at the full stop here."""
    write_morphology(treebank, tmp_path / "morph", "morph_xx_test", spaced=True)
    sentences, units = read_sentences(tmp_path / "morph"), read_table(tmp_path / "morph", "words")
    holds(sentences, units)
    assert sentences["text"].tolist() == units.groupby("sentence")["form"].agg(" ".join).tolist()
    assert sentences["text"].tolist() != read_written(treebank).tolist() and read_identity(tmp_path / "morph")["spaced"]
