"""Contamination: what counts as the same text, nothing lost between blocks, nothing found that is not there."""

import re
import unicodedata
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from xlprobe.artifacts.corpus_text import text_lines
from xlprobe.artifacts.dataset_folder import read_sentences
from xlprobe.artifacts.tables import conform
from xlprobe.contamination import search
from xlprobe.contamination.overlap import measure_contamination
from xlprobe.contamination.search import RollingHashes, SentenceSearch, letters_of, sentence_blocks, text_blocks
from xlprobe.corpus.cleaning import clean_corpus
from xlprobe.datasets.bitexts import Pair, write_bitext
from xlprobe.datasets.conllu import Sentence, Word
from xlprobe.datasets.treebank import read_splits, write_dataset
from xlprobe.errors import XlprobeError
from xlprobe.files import atomic_zstd_writer, read_lines


def plain(text: str) -> str:
    """What is compared, written anew and character by character."""
    return "".join(c.lower()[0] for c in unicodedata.normalize("NFKC", text) if unicodedata.category(c)[0] in "LNM")


def naive(sentences: list[str], text: str) -> tuple[list[bool], list[bool]]:
    """Which sentences and which windows stand in a text, by Python's `in`."""
    documents = [plain(document) for document in text.split("\n\n")]
    parts = [plain(sentence) for sentence in sentences]
    windows = [part[n : n + search.WINDOW] for part in parts for n in range(len(part) - search.WINDOW + 1)]
    return (
        [len(part) >= search.LEAST_CHARACTERS and any(part in document for document in documents) for part in parts],
        [any(window in document for document in documents) for window in windows],
    )


def write_corpus(path: Path, text: str) -> Path:
    with atomic_zstd_writer(path) as stream:
        stream.write(text.encode())
    return path


def write_treebank(folder: Path, language: str, **splits: list[str]) -> Path:
    """A dataset of sentences, in which each is one word."""
    sentences = {
        split: [Sentence(f"{split}-{n}", text, [Word(text, 0, len(text), "X", "_", 0, "root")]) for n, text in enumerate(texts)]
        for split, texts in splits.items()
    }
    write_dataset(sentences, folder, folder.name, language)
    return folder


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("“Don’t panic!”, she\n said: 42 %", "dontpanicshesaid42"),
        ("ＸＬＭ－Ｒ ﬁne ½", "xlmrfine12"),
        ("हिन्दी में", "हिन्दीमें"),
        ("ภาษา ไทย", "ภาษาไทย"),
        ("می‌خواهم", "میخواهم"),
        # Decomposed and composed are one.
        ("Cafe\u0301 İstanbul", "caféistanbul"),
        ("漢字，仮名。", "漢字仮名"),
        ("…—()", ""),
    ],
)
def test_letters_digits_and_marks_count(text, expected):
    assert "".join(map(chr, letters_of(text))) == expected


@pytest.mark.parametrize("seed", range(40))
def test_the_same_is_found_as_by_a_naive_search_in_blocks_of_any_size(monkeypatch, tmp_path, seed):
    """On few letters and short windows, so that much is found by chance, and nearly everything nearly is."""
    generator = np.random.default_rng(seed)
    least = int(generator.integers(1, 5))
    monkeypatch.setattr(search, "LEAST_CHARACTERS", least)
    monkeypatch.setattr(search, "WINDOW", int(generator.integers(least, 2 * least + 3)))
    monkeypatch.setattr(search, "BLOCK_LETTERS", int(generator.integers(1, 50)))
    signs = ["a", "B", "b", "ｂ", "\u0301", "日", " ", " ", ", "][: int(generator.integers(2, 8))]

    def drawn(longest: int, characters: list[str]) -> str:
        return "".join(generator.choice(characters, generator.integers(0, longest)))

    sentences = [drawn(25, [*signs, "."]) for _ in range(generator.integers(0, 30))]
    text = drawn(400, [*signs, " ", "\n", "\n\n"])
    path = write_corpus(tmp_path / "train.txt.zst", text)
    expected = naive(sentences, text)
    for block_bytes in (1, int(generator.integers(2, 60)), 10_000):
        found_sentences, found_windows, characters = SentenceSearch(sentences).search(text_blocks(path, block_bytes))
        assert (found_sentences.tolist(), found_windows.tolist()) == expected
        assert characters == len(plain(text))


def test_a_sentence_is_found_wherever_blocks_are_cut(tmp_path):
    """The longest one, so that no other has more of the text kept for it; of words of a letter, so that cuts fall on each."""
    sentence = " ".join("abcdefghijklmnopqrstuvwxyz" * 2)
    path = write_corpus(tmp_path / "train.txt.zst", f"Before it.\n\nAnd {sentence} and on\n\nAfter it.\n")
    for block_bytes in range(1, 150):
        sentences, windows, _ = SentenceSearch([sentence, sentence[:-1] + "y"]).search(text_blocks(path, block_bytes))
        assert sentences.tolist() == [True, False] and windows.tolist() == [True] * 41 + [False]


def test_every_code_point_is_looked_up():
    assert letters_of("a\U0010ffff\U00020000").tolist() == [ord("a"), 0x20000]


def test_blocks_are_the_text(tmp_path):
    text = "Eins zwei\n\ndrei vier\nfünf\n\n\nsechs"
    path = write_corpus(tmp_path / "train.txt.zst", text)
    for block_bytes in range(1, 40):
        blocks = list(text_blocks(path, block_bytes))
        assert "".join(blocks) == text and not any(re.search(r"\S$", a) and re.search(r"^\S", b) for a, b in pairwise(blocks))


def test_letters_decide_where_hashes_agree(monkeypatch):
    initialise = RollingHashes.__init__

    def blind(self: RollingHashes) -> None:
        initialise(self)
        self._values[ord("q")] = self._values[ord("o")]

    monkeypatch.setattr(RollingHashes, "__init__", blind)
    sentences = ["one two three four five six seven eight nine", "one two three four five"]
    there, almost = (SentenceSearch(sentences).search(iter([text])) for text in (sentences[0], sentences[0].replace("o", "q")))
    assert there[0].all() and there[1].all() and not almost[0].any() and not almost[1].any()


def test_short_sentences_are_counted_apart_and_documents_keep_apart(tmp_path, caplog):
    caplog.set_level("INFO")
    sixteen, thirty_one = "abcdefghijklmnop", "abcdefghijklmnopqrstuvwxyz12345"
    quoted = "A sentence of more than thirty-two letters, which somebody else has quoted."
    broken = "This sentence stands across the end of a document in the text."
    test = ["Too short.", f"{sixteen[:8]}, {sixteen[8:]}!", thirty_one, quoted, broken]
    quotation = f"He said: «{quoted[:40]}\n{quoted[40:]}»"
    text = "\n\n".join([sixteen.upper(), f"{thirty_one[:-1]} 6", quotation, broken[:30], broken[30:], "Too short.\n"])
    dataset = write_treebank(tmp_path / "xx_test", "xx", train=[quoted, "Some other sentence."], test=test)
    corpus = write_corpus(tmp_path / "train.txt.zst", text)
    held_out = write_corpus(tmp_path / "valid.txt.zst", f"{broken}\n\n{quoted}\nThe rest is not read.\n")
    measure_contamination("xx", [dataset], tmp_path / "found.parquet", corpus, held_out, 2)
    table = conform(pd.read_parquet(tmp_path / "found.parquet"), "contamination.schema.yaml").set_index(["test_set", "reference"])
    assert list(table.index) == [(tested, learned) for tested in ("xx_test", "corpus") for learned in ("xx_test", "corpus")]
    in_corpus, in_train = table.loc[("xx_test", "corpus")], table.loc[("xx_test", "xx_test")]
    assert in_corpus[["language", "split", "sentences", "sentences_too_short"]].to_list() == ["xx", "test", 5, 1]
    assert in_corpus["sentences_found"] == 2 and in_corpus["share_of_sentences"] == 2 / 4
    windows = [len(plain(sentence)) - 31 for sentence in (quoted, broken)]
    assert in_corpus["windows"] == sum(windows) and in_corpus["windows_found"] == windows[0] and in_corpus["share_of_windows"] < 1
    assert in_corpus["reference_characters"] == len(plain(text))
    assert in_train["sentences_found"] == 1 and in_train["windows_found"] == windows[0]
    assert table.loc[("corpus", "corpus"), ["split", "sentences", "sentences_found"]].to_list() == ["valid", 2, 1]
    assert f"xx_test (test) in corpus: 2 of 4 sentences, {windows[0]} of {sum(windows)} windows" in caplog.messages


def test_long_lines_of_held_out_text_are_taken_apart(tmp_path, monkeypatch):
    monkeypatch.setattr("xlprobe.contamination.overlap.LONGEST", 40)
    line = "".join(np.random.default_rng(0).choice(list("abcdefghij"), 100))
    corpus = write_corpus(tmp_path / "train.txt.zst", f"{line[30:90]}\n")
    held_out = write_corpus(tmp_path / "valid.txt.zst", f"{line}\n")
    measure_contamination("xx", [], tmp_path / "found.parquet", corpus, held_out)
    (row,) = pd.read_parquet(tmp_path / "found.parquet").to_dict("records")
    # Of 40, 40 and 20 characters; the second stands in the corpus, with its nine windows.
    assert (row["sentences"], row["sentences_found"], row["windows"], row["windows_found"]) == (3, 1, 18, 9)


def test_a_test_set_too_short_to_tell_has_no_share(tmp_path, caplog):
    caplog.set_level("INFO")
    dataset = write_treebank(tmp_path / "xx_test", "xx", train=["Yes.", "No."], test=["Yes."])
    measure_contamination("xx", [dataset], tmp_path / "found.parquet")
    (row,) = pd.read_parquet(tmp_path / "found.parquet").to_dict("records")
    assert row["sentences_too_short"] == 1 and row["sentences_found"] == 0 and not caplog.messages
    assert np.isnan([row["share_of_sentences"], row["share_of_windows"]]).all()


def test_of_a_bitext_the_language_s_side_is_a_test_set(tmp_path):
    sentences = (
        ["one sentence that a bitext has", "another sentence that it has"],
        ["ein Satz , den ein Bitext hat", "noch ein Satz , den er hat"],
    )
    pairs = [Pair(str(n), s.split(), t.split(), {(0, 0)}, {(0, 0)}) for n, (s, t) in enumerate(zip(*sentences, strict=True))]
    write_bitext(pairs, tmp_path / "align_en_de", "align_en_de", "en", "de")
    dataset = write_treebank(tmp_path / "de_test", "de", train=["Ein Satz, den ein Bitext hat."], test=["Noch ein Satz, den er hat."])
    measure_contamination("de", [dataset, tmp_path / "align_en_de"], tmp_path / "found.parquet")
    table = pd.read_parquet(tmp_path / "found.parquet")
    assert table[["test_set", "split", "reference", "sentences_found"]].to_numpy().tolist() == [
        ["de_test", "test", "de_test", 0],
        ["align_en_de", "target", "de_test", 1],
    ]


def test_of_a_treebank_the_text_counts_as_it_is_written(tmp_path):
    contracted = Sentence("one", "vamos a el cine de el barrio mañana", [Word("vamos", 0, 5, "X", "_", 0, "root")])
    contracted.written = "vamos al cine del barrio mañana"
    write_dataset({"test": [contracted]}, tmp_path / "es_pud", "es_pud", "es")
    corpus = write_corpus(tmp_path / "train.txt.zst", "Hoy no, ¡vamos al cine del barrio mañana!\n")
    measure_contamination("es", [tmp_path / "es_pud"], tmp_path / "found.parquet", corpus)
    assert pd.read_parquet(tmp_path / "found.parquet")["sentences_found"].to_list() == [1]


def test_a_text_that_breaks_off_ends_in_one_sentence(tmp_path):
    path = write_corpus(tmp_path / "train.txt.zst", "".join(f"line {n}\n" for n in range(9999)))
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(XlprobeError, match=r"train.txt.zst: the compressed data breaks off .*; delete it, and it is made again"):
        list(text_blocks(path))


@pytest.mark.parametrize(
    ("language", "text", "folder", "treebank"),
    [
        ("en", "en", "UD_English-PUD", "en_pud"),
        ("hi", "hi", "UD_Hindi-PUD", "hi_pud"),
        ("th", "th", "UD_Thai-PUD", "th_pud"),
        ("zh-Hant", "zh", "UD_Chinese-PUD", "zh_pud"),
    ],
)
def test_on_real_data_planted_sentences_are_found_and_all_else_as_by_a_naive_search(real_data, tmp_path, language, text, folder, treebank):
    path = real_data / "ud" / folder / f"{treebank}-ud-test.conllu.xz"
    write_dataset(read_splits([path], 300, 0.1), tmp_path / treebank, treebank, language)
    sentences = read_sentences(tmp_path / treebank)["text"].to_list()
    # As others would print them: in capitals and without stops, in a running text broken into lines, cut to half.
    planted = [s for s in sentences if len(plain(s)) >= 40][:9]
    whole = [planted[0].upper().rstrip(".。।"), *(re.sub(r" |(?<=[，,])", "\n", s) for s in planted[1:6])]
    half = [s[: len(s) // 2] for s in planted[6:]]
    lines = [line for _, line in read_lines(real_data / "cc100" / f"{text}.txt.xz")]
    source = tmp_path / "source.txt"
    source.write_text("\n".join([*lines[:1500], "", " ".join(whole), "", *lines[1500:3000], "", "\n\n".join(half), ""]))
    corpus = [tmp_path / name for name in ("train.txt.zst", "valid.txt.zst", "counts.json")]
    clean_corpus(source, *corpus, language, 0.05, 1)
    measure_contamination(language, [tmp_path / treebank], tmp_path / "found.parquet", corpus[0])
    (row,) = pd.read_parquet(tmp_path / "found.parquet").to_dict("records")
    content = "".join(text_blocks(corpus[0]))
    assert [line for line in content.split("\n") if line] == list(text_lines(corpus[0]))
    documents = [plain(document) for document in content.split("\n\n")]
    parts = [plain(sentence) for sentence in sentences]
    there = {document[n : n + 32] for document in documents for n in range(len(document) - 31)}
    windows = [part[n : n + 32] in there for part in parts for n in range(len(part) - 31)]
    long_enough = [part for part in parts if len(part) >= 16]
    assert row["sentences_too_short"] == len(parts) - len(long_enough)
    assert row["sentences_found"] == sum(any(part in document for document in documents) for part in long_enough) >= 6
    assert (row["windows"], row["windows_found"]) == (len(windows), sum(windows)) and sum(windows) >= 6 * 9
    assert row["reference_characters"] == sum(map(len, documents))


def test_train_splits_are_read_in_blocks(monkeypatch):
    monkeypatch.setattr(search, "SENTENCES_PER_BLOCK", 3)
    sentences = [f"this is the sentence number {n} of the train split" for n in range(10)]
    found, _, _ = SentenceSearch([*sentences, sentences[2] + sentences[3]]).search(sentence_blocks(sentences))
    assert found.tolist() == [True] * 10 + [False]
