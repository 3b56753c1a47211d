import json
import lzma

import pytest

from xlprobe.artifacts.corpus_text import text_lines
from xlprobe.corpus.cleaning import clean_corpus, normalise
from xlprobe.errors import FormatError, XlprobeError
from xlprobe.files import read_lines


def clean(tmp_path, text, **settings):
    (tmp_path / "source").write_text(text, encoding="utf-8", newline="")
    settings = {"valid_fraction": 0.5, "valid_max_documents": 100} | settings
    out = [tmp_path / name for name in ("train.zst", "valid.zst", "counts.json")]
    counts = clean_corpus(tmp_path / "source", *out, language="en", **settings)
    return counts, [[line for _, line in read_lines(path)] for path in out[:2]]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("  a \t b  ", "a b"),
        ("a\u00a0b\u3000c\u2028d", "a b c d"),
        ("a\x00b\x1d\x9fc\ufeff", "a b c"),
        ("می\u200cخواهم", "می\u200cخواهم"),  # a zero-width non-joiner is part of the word
        ("e\u0301", "e\u0301"),  # composition is the tokenizer's business
        ("\x07", ""),
    ],
)
def test_whitespace_and_control_characters_are_normalised(raw, expected):
    assert normalise(raw) == expected


def test_documents_are_kept_together_deduplicated_and_split(tmp_path):
    text = "a 1\na  2\n\n\n b \n\na 1\na 2\n\nc\n \t\nc 2\n\nd\n"
    counts, (train, valid) = clean(tmp_path, text)
    # Distinct documents in order: [a 1, a 2], [b], [c, c 2], [d]; every second one is held out.
    assert train == ["a 1", "a 2", "", "c", "c 2"]
    assert valid == ["b", "", "d"]
    assert (counts.lines_read, counts.documents_read, counts.duplicate_documents, counts.empty_lines) == (14, 5, 1, 1)
    assert (counts.train.documents, counts.train.lines, counts.train.characters) == (2, 4, 10)
    assert json.loads((tmp_path / "counts.json").read_text())["valid"]["bytes"] == len("b\nd\n")


def test_the_split_does_not_move_when_text_is_added(tmp_path):
    text = "\n\n".join(f"document {number}" for number in range(40)) + "\n\n"
    _, (train, valid) = clean(tmp_path, text, valid_fraction=0.1)
    _, (longer_train, longer_valid) = clean(tmp_path, text + "one more\n\nand another\n", valid_fraction=0.1)
    assert longer_train[: len(train)] == train and longer_valid == valid == [
        "document 9",
        "",
        "document 19",
        "",
        "document 29",
        "",
        "document 39",
    ]


def test_a_cap_keeps_whole_documents(tmp_path):
    counts, (train, valid) = clean(tmp_path, "\n\n".join("xy" for _ in range(1)) + "\n\nab\ncd\n\nefghij\n\nk\n", max_bytes=10)
    assert counts.capped and train == ["xy"] and valid == ["ab", "cd"]


def test_at_a_cap_reading_ends_whatever_would_still_fit(tmp_path):
    """Of 3, 3, 8 and 2 bytes with the ends of lines: the third is too long for 9, and fits 14 to the last byte."""
    for cap, kept, capped in ((9, 2, True), (13, 2, True), (14, 3, True), (16, 4, False)):
        counts, _ = clean(tmp_path, "aa\n\nbb\n\nccccccc\n\nd\n", max_bytes=cap)
        assert (counts.train.documents + counts.valid.documents, counts.capped) == (kept, capped)


def test_documents_are_capped_in_number_held_out_ones_among_them(tmp_path):
    text = "\n\n".join(["d1", "d2", "d2", "d3", "d4", "d5"])
    for cap, kept, capped in ((2, ["d1", "d2"], True), (4, ["d1", "d3", "d2", "d4"], True), (5, ["d1", "d3", "d5", "d2", "d4"], False)):
        counts, splits = clean(tmp_path, text, max_documents=cap)
        assert [line for lines in splits for line in lines if line] == kept and counts.capped == capped
    counts, _ = clean(tmp_path, text, max_documents=3, max_bytes=8)
    assert counts.train.documents + counts.valid.documents == 2


def test_held_out_documents_are_limited(tmp_path):
    counts, _ = clean(tmp_path, "\n\n".join(f"d{n}" for n in range(20)), valid_max_documents=3)
    assert (counts.valid.documents, counts.train.documents) == (3, 17)


def test_a_corpus_too_small_to_split_is_refused(tmp_path):
    with pytest.raises(XlprobeError, match="1 distinct documents are too few to hold out every 10th"):
        clean(tmp_path, "only one\n", valid_fraction=0.1)


def test_text_without_blank_lines_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("xlprobe.corpus.cleaning.MAX_DOCUMENT_CHARACTERS", 50)
    with pytest.raises(FormatError, match=r"source:6: found a document of more than 64 MiB"):
        clean(tmp_path, "0123456789\n" * 20)


def test_two_runs_give_the_same_bytes(tmp_path):
    text = "\n\n".join(f"line {n}\nmore" for n in range(50))
    results = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        clean(tmp_path / name, text)
        results.append([(tmp_path / name / part).read_bytes() for part in ("train.zst", "valid.zst", "counts.json")])
    assert results[0] == results[1]


@pytest.mark.parametrize("language", ["en", "th", "zh", "ar"])
def test_real_text_keeps_its_words(real_data, tmp_path, language):
    source = real_data / "cc100" / f"{language}.txt.xz"
    counts = clean_corpus(source, tmp_path / "train", tmp_path / "valid", tmp_path / "counts", language, 0.05, 1000)
    blocks = lzma.decompress(source.read_bytes()).decode().split("\n\n")
    raw = {tuple(line for line in block.split("\n") if line) for block in blocks}
    raw.discard(())
    assert counts.documents_read - counts.duplicate_documents == counts.train.documents + counts.valid.documents
    assert counts.documents_read - counts.duplicate_documents <= len(raw)
    words = sorted(word for document in raw for line in document for word in normalise(line).split())
    kept = sorted(word for split in ("train", "valid") for line in text_lines(tmp_path / split) for word in line.split())
    assert len(kept) > 1000 and set(kept) == set(words)
