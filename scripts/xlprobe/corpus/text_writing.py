"""Writing cleaned text in CC100's format, and counting what is written."""

import hashlib
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

CODE_POINTS = 0x110000
# So many are held before they are counted.
CHARACTERS_AT_ONCE = 2**20
# A whole number of thousandths: shares of counts in floats would decide ties by rounding.
COVERED_THOUSANDTHS = 999


@dataclass
class TextCounts:
    """Size of a cleaned text; `sha256` is of its uncompressed bytes, `unique_characters` as `CharacterCounts.unique` has them."""

    documents: int = 0
    lines: int = 0
    characters: int = 0
    bytes: int = 0
    sha256: str = ""
    unique_characters: int = 0


class CharacterCounts:
    """How often each character occurs in a text that is read part by part; 9 MB however long it is."""

    def __init__(self) -> None:
        self._counts = np.zeros(CODE_POINTS, dtype=np.int64)
        self._waiting: list[str] = []
        self._characters = 0

    def add(self, text: str) -> None:
        """Count the characters of one more part."""
        self._waiting.append(text)
        self._characters += len(text)
        if self._characters >= CHARACTERS_AT_ONCE:
            self._count()

    def unique(self) -> int:
        """How many distinct characters cover 99.9 % of the text's characters, from the most frequent on (paper 2, footnote 5).

        White space does not count, which the paper does not say: it is of no writing system.
        """
        self._count()
        (found,) = self._counts.nonzero()
        counts = np.array([self._counts[code] for code in found if not chr(code).isspace()], dtype=np.int64)
        covered = np.cumsum(np.sort(counts)[::-1])
        return int(np.searchsorted(covered * 1000, covered[-1] * COVERED_THOUSANDTHS)) + 1 if len(covered) else 0

    def _count(self) -> None:
        codes = np.frombuffer("".join(self._waiting).encode("utf-32-le"), dtype="<u4")
        self._counts += np.bincount(codes, minlength=CODE_POINTS)
        self._waiting, self._characters = [], 0


class TextWriter:
    """Writes documents, a blank line between two, and counts them.

    Args:
        stream: where they go, opened for writing.
        counts: what counts them, empty; complete after `finish`.
    """

    def __init__(self, stream: BinaryIO, counts: TextCounts) -> None:
        self._stream, self._counts = stream, counts
        self._digest, self._characters = hashlib.sha256(), CharacterCounts()

    def write(self, content: bytes) -> None:
        """Write a document: its lines in UTF-8, each ended by `\\n`."""
        counts = self._counts
        written = content if counts.documents == 0 else b"\n" + content
        self._stream.write(written)
        self._digest.update(written)
        text = content.decode()
        self._characters.add(text)
        lines = content.count(b"\n")
        counts.documents += 1
        counts.lines += lines
        counts.characters += len(text) - lines
        counts.bytes += len(content)

    def finish(self) -> None:
        """Complete the counts."""
        self._counts.sha256 = self._digest.hexdigest()
        self._counts.unique_characters = self._characters.unique()
