import hashlib
import io

import pytest

from xlprobe.corpus import text_writing
from xlprobe.corpus.text_writing import CharacterCounts, TextCounts, TextWriter


def unique(*parts):
    counts = CharacterCounts()
    for part in parts:
        counts.add(part)
    return counts.unique()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # Of 1000 characters 999 must be covered: a character that occurs once falls out ...
        ("a" * 600 + "b" * 399 + "c", 2),
        # ... of 999 none does: 998 are less than 99.9 %.
        ("a" * 600 + "b" * 398 + "c", 3),
        ("a" * 5990 + "b" * 4000 + "cde" + "fghijkl", 2),
        # Equally frequent: 100 of each of 20 letters, all but 2 of 2000 characters.
        ("".join(chr(97 + n) * 100 for n in range(20)), 20),
        # White space is not counted, nor its share.
        ("a b\n" * 10 + " " * 5000, 2),
        ("𠮷漢😀" * 3, 3),
        ("  \n", 0),
        ("", 0),
    ],
)
def test_characters_that_cover_999_of_1000(text, expected):
    assert unique(text) == expected
    assert unique(*text) == expected, "however it is cut"


def test_characters_are_counted_part_by_part(monkeypatch):
    monkeypatch.setattr(text_writing, "CHARACTERS_AT_ONCE", 7)
    assert unique("aaa", "a" * 596, "b" * 399, "c", "a") == 2


def test_what_is_written_is_counted():
    stream, counts = io.BytesIO(), TextCounts()
    writer = TextWriter(stream, counts)
    writer.write("über\nb\n".encode())
    writer.write(b"c\n")
    writer.finish()
    assert stream.getvalue().decode() == "über\nb\n\nc\n"
    assert (counts.documents, counts.lines, counts.characters, counts.bytes) == (2, 3, 6, 10)
    assert counts.unique_characters == 5
    assert counts.sha256 == hashlib.sha256(stream.getvalue()).hexdigest()
