import json
import lzma
from itertools import groupby

import numpy as np
import pytest

from xlprobe.artifacts.corpus_text import lines_of_documents
from xlprobe.artifacts.vocabulary import SENTENCEPIECE_FILE
from xlprobe.corpus.binarization import binarize_language
from xlprobe.corpus.cleaning import clean_corpus
from xlprobe.corpus.drawing import Cap, TextLines, documents_in_order, draw_text, kept_lines, sum_of_kept
from xlprobe.corpus.romanisation import romanise
from xlprobe.corpus.tokenization import CleanedCorpus, train_sentencepiece
from xlprobe.errors import XlprobeError
from xlprobe.files import atomic_zstd_writer, read_json

# Tokens of the lines of three documents: 4 + 3, 10, 2 + 2 + 2.
TEXT = TextLines(np.array([4, 3, 10, 2, 2, 2], dtype=np.int32), np.array([9, 9, 9, 5, 5, 5], dtype=np.int32), np.array([0, 2, 3, 6]))


@pytest.mark.parametrize(
    ("order", "cap", "kept"),
    [
        # Sequences are of 5 tokens: one is 5 to 9 of them, so that the first document is one, and no other fits beside it.
        ([0, 1, 2], Cap(sequences=1), [2, 0, 0]),
        # The second is too long, a line and all; the third is one.
        ([1, 2, 0], Cap(sequences=1), [0, 0, 3]),
        # Of two, 10 to 14, after 7 tokens: the next is too long, of the one after it all fits.
        ([0, 1, 2], Cap(sequences=2), [2, 0, 3]),
        # After 6: of the first one line would do, and both fit.
        ([2, 0, 1], Cap(sequences=2), [2, 0, 3]),
        # 10 tokens are two already.
        ([1, 0, 2], Cap(sequences=2), [0, 1, 0]),
        # Of three, 15 to 19, after 10: both lines of the first.
        ([1, 0, 2], Cap(sequences=3), [2, 1, 0]),
        # Of three, after 6 and 7: nothing of the second fits.
        ([2, 0, 1], Cap(sequences=3), [2, 0, 3]),
        # All there is, 23 tokens: four sequences, and what is asked for beyond.
        ([2, 1, 0], Cap(sequences=4), [2, 1, 3]),
        ([2, 1, 0], Cap(sequences=400), [2, 1, 3]),
        ([2, 1, 0], Cap(), [2, 1, 3]),
        ([2, 1, 0], Cap(documents=2), [0, 1, 3]),
        ([2, 1, 0], Cap(documents=9), [2, 1, 3]),
        # Bytes: 15, then 9, then one line of 9 of the last.
        ([2, 1, 0], Cap(bytes=15), [0, 0, 3]),
        ([2, 1, 0], Cap(bytes=23), [0, 0, 3]),
        ([2, 1, 0], Cap(bytes=41), [1, 1, 3]),
        ([0, 1, 2], Cap(bytes=8), [0, 0, 0]),
    ],
)
def test_documents_are_taken_whole_until_the_cap_and_one_is_cut(order, cap, kept):
    assert kept_lines(TEXT, np.array(order), cap, 5).tolist() == kept


def test_what_is_kept_is_summed():
    assert sum_of_kept(TEXT.tokens, TEXT.starts, np.array([1, 0, 2])) == 4 + 2 + 2
    assert sum_of_kept(TEXT.tokens, TEXT.starts, np.array([2, 1, 3])) == 23
    assert sum_of_kept(TEXT.tokens, TEXT.starts, np.array([0, 0, 0])) == 0


def test_a_random_order_depends_on_seed_language_and_number_alone():
    def order(documents, seed=1, language="fi", split="train"):
        return documents_in_order(documents, "random", seed, language, split).tolist()

    found = order(1000)
    assert sorted(found) == [*range(1000)] and found != [*range(1000)] and found == order(1000)
    assert order(1000, seed=2) != found != order(1000, language="hi") and order(1000, split="valid") != found
    # More text leaves the order of the rest as it was.
    assert [number for number in order(1500) if number < 1000] == found
    assert documents_in_order(4, "start", 1, "fi", "train").tolist() == [0, 1, 2, 3]
    # As a draw should be: of the first half as many come first as of the second, give or take four standard deviations.
    first = [number < 50_000 for number in order(100_000)[:10_000]]
    assert abs(sum(first) - 5000) < 4 * np.sqrt(10_000 * 0.25 * 0.9)


def documents_of(path):
    return [[line for _, line in lines] for _, lines in groupby(lines_of_documents(path), key=lambda line: line[0])]


# Of each how many documents: of Hindi least.
LANGUAGES = {"fi": 150, "hi": 40, "zh-Hant": 120}


class Run:
    """Three languages' real text, cleaned and binarised with one tokenizer."""

    def __init__(self, folder, data):
        self.folder = folder
        for language, documents in LANGUAGES.items():
            with lzma.open(data / "cc100" / f"{language.partition('-')[0]}.txt.xz") as stream:
                text = stream.read(4_000_000).rpartition(b"\n\n")[0]
            source, corpus = folder / f"{language}.txt", folder / "corpus" / language
            source.write_bytes(text)
            paths = [corpus / name for name in ("train.txt.zst", "valid.txt.zst", "counts.json")]
            clean_corpus(source, *paths, language, 0.1, 1000, max_documents=documents)
        corpora = [
            CleanedCorpus(folder / "corpus" / name / "train.txt.zst", folder / "corpus" / name / "counts.json") for name in LANGUAGES
        ]
        self.model = folder / "tokenizer" / SENTENCEPIECE_FILE
        train_sentencepiece(corpora, self.model, 4000, 0.3, 3000, 0.9995, 1)
        for language in LANGUAGES:
            self.binarize(language)

    def manifest(self, text):
        return self.folder / "binarized" / text / "manifest.json"

    def binarize(self, text):
        corpus, manifest = self.folder / "corpus" / text, self.manifest(text)
        binarize_language(corpus / "train.txt.zst", corpus / "valid.txt.zst", self.model, manifest.parent, manifest, 1)
        return self.tokens(text)

    def tokens(self, text, split="train"):
        """Those in the file that fairseq reads: two bytes each."""
        return (self.folder / "binarized" / text / f"{split}.bin").stat().st_size // 2

    def draw(self, variant, language, parent=None, sequence_tokens=64, **settings):
        parent = parent or language
        out = self.folder / "corpus" / variant / language
        paths = [out / name for name in ("train.txt.zst", "valid.txt.zst", "counts.json")]
        found = draw_text(
            self.folder / "corpus" / parent, self.folder / "binarized" / parent, *paths, language, parent, sequence_tokens, **settings
        )
        return found, *map(documents_of, paths[:2])

    def documents(self, text, split="train"):
        return documents_of(self.folder / "corpus" / text / f"{split}.txt.zst")


@pytest.fixture(scope="module")
def run(real_data, tmp_path_factory):
    return Run(tmp_path_factory.mktemp("drawing"), real_data)


def is_from(drawn, parent):
    """Whether documents are some of another text's, in its order, whole but for the ends of some; and how many are not whole."""
    cut, rest = 0, iter(parent)
    for document in drawn:
        whole = next((other for other in rest if other[: len(document)] == document), None)
        if whole is None:
            return False, cut
        cut += whole != document
    return True, cut


def test_equal_sequences_are_equal(run):
    """The three languages differ by less than a sequence in what fairseq reads; in bytes they differ widely."""
    manifests = [run.manifest(language) for language in LANGUAGES]
    smallest = min(run.tokens(language) // 64 for language in LANGUAGES)
    found = {language: run.draw("equal", language, smallest_of=manifests) for language in LANGUAGES}
    tokens = {language: run.binarize(f"equal/{language}") for language in LANGUAGES}
    assert {count // 64 for count in tokens.values()} == {smallest} and max(tokens.values()) - min(tokens.values()) < 64
    assert smallest > 100
    for language, (counts, train, valid) in found.items():
        assert (counts.train.tokens, counts.train.sequences, counts.max_sequences) == (tokens[language], smallest, smallest)
        assert counts.capped == (run.tokens(language) // 64 > smallest)
        assert is_from(train, run.documents(language))[0] and is_from(train, run.documents(language))[1] < 5
        assert valid == run.documents(language, "valid") and counts.valid.tokens == run.tokens(language, "valid")
        assert counts.train.lines == sum(map(len, train)) and counts.train.documents == len(train)
        assert (
            0
            < counts.train.unique_characters
            <= read_json(run.folder / "corpus" / language / "counts.json")["train"]["unique_characters"] + 50
        )
        assert json.loads((run.folder / "corpus" / "equal" / language / "counts.json").read_text())["drawn_from"] == language
    sizes = [counts.train.bytes for counts, *_ in found.values()]
    assert max(sizes) > 1.2 * min(sizes)


def test_a_draw_is_the_same_again_and_another_with_another_seed(run):
    kept = [run.draw("again", "fi", max_sequences=100, seed=seed)[1] for seed in (1, 1, 2)]
    assert kept[0] == kept[1] != kept[2]
    assert kept[0] != run.draw("start", "fi", max_sequences=100, order="start")[1]
    # Fewer are some of them.
    fewer = run.draw("fewer", "fi", max_sequences=50)[1]
    assert is_from(fewer, kept[0])[0]


def test_the_start_is_the_archives(run):
    counts, train, _ = run.draw("start", "fi", max_sequences=100, order="start")
    parent = run.documents("fi")
    whole = [one == other for one, other in zip(train, parent, strict=False)]
    assert all(whole[:-3]) and counts.train.sequences == 100


def test_a_share_halves_and_leaves_held_out_text(run):
    first = run.draw("some", "fi", max_sequences=120, valid_sequences=10)[0]
    run.binarize("some/fi")
    counts, train, valid = run.draw("half", "fi", "some/fi", share=0.5, valid_sequences=10)
    assert first.train.sequences == 120 and counts.train.sequences == counts.max_sequences == 60 and counts.capped
    assert run.binarize("half/fi") == counts.train.tokens < 61 * 64
    assert first.valid.sequences == 10 and valid == run.documents("some/fi", "valid")
    assert counts.valid == first.valid
    assert is_from(train, run.documents("some/fi"))[0]


def test_caps_in_documents_and_bytes(run):
    counts, train, _ = run.draw("documents", "hi", max_documents=7)
    assert len(train) == counts.train.documents == 7 and is_from(train, run.documents("hi")) == (True, 0)
    counts, train, _ = run.draw("bytes", "hi", max_bytes=20_000)
    assert 10_000 < counts.train.bytes <= 20_000 and is_from(train, run.documents("hi"))[1] <= 1
    assert counts.max_sequences is None


def test_more_than_there_is_is_the_whole(run):
    counts, train, valid = run.draw("whole", "hi", max_sequences=10**9, valid_sequences=10**9)
    assert train == run.documents("hi") and valid == run.documents("hi", "valid") and not counts.capped
    assert counts.max_sequences == 10**9 and counts.train.tokens == run.tokens("hi")
    plain = read_json(run.folder / "corpus" / "hi" / "counts.json")
    assert counts.train.sha256 == plain["train"]["sha256"] and counts.train.unique_characters == plain["train"]["unique_characters"]


def test_less_than_a_sequence_is_refused(run):
    for settings in ({"share": 1e-9}, {"max_bytes": 100}, {"max_sequences": 1, "sequence_tokens": 10**7}):
        with pytest.raises(XlprobeError, match=r"corpus/hi: what is drawn of it is less than one sequence of \d+ subwords; draw more"):
            run.draw("little", "hi", **settings)


def test_romanised_text_is_the_parents_in_latin_letters(run):
    equal, *parents = run.draw("equal2", "zh-Hant", max_sequences=60, valid_sequences=5)
    run.binarize("equal2/zh-Hant")
    counts, *splits = run.draw("romanised", "zh-Hant", "equal2/zh-Hant", valid_sequences=5, romanise_by="pinyin", model=run.model)
    for drawn, parent in zip(splits, parents, strict=True):
        assert drawn == [[romanise(line, "pinyin") for line in document] for document in parent]
    assert run.binarize("romanised/zh-Hant") == counts.train.tokens and run.tokens("romanised/zh-Hant", "valid") == counts.valid.tokens
    assert counts.train.unique_characters < equal.train.unique_characters / 2 and not counts.capped
    assert counts.train.lines == equal.train.lines


def test_text_and_binarised_text_must_be_one_anothers(run):
    text = run.folder / "corpus" / "other" / "train.txt.zst"
    for split in ("train", "valid"):
        with atomic_zstd_writer(text.with_name(f"{split}.txt.zst")) as stream:
            stream.write(b"one line\n")
    with pytest.raises(XlprobeError, match=r"train.idx: has \d+ lines, but .*other/train.txt.zst has 1; delete .*hi/manifest.json"):
        out = [run.folder / "corpus" / "wrong" / name for name in ("train.txt.zst", "valid.txt.zst", "counts.json")]
        draw_text(text.parent, run.folder / "binarized" / "hi", *out, "hi", "hi", 64, max_documents=3)
