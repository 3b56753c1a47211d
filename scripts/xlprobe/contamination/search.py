"""Which sentences, and which windows of them, stand in a text: exact, whatever the text's size (`xlprobe.contamination.overlap`)."""

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path

import numpy as np

from xlprobe.errors import XlprobeError
from xlprobe.files import MAKE_AGAIN, open_binary

LEAST_CHARACTERS = 16
WINDOW = 32
# What is read, and what is searched, at a time: with more, arrays outgrow the processor's cache.
BLOCK_BYTES = 2**18
BLOCK_LETTERS = 2**18
SENTENCES_PER_BLOCK = 4096
# Stands between documents; as a code point it is a control character, and so never a letter.
END_OF_DOCUMENT = 1
CODE_POINTS = 0x110000


@cache
def _comparable_letters() -> np.ndarray:
    """What each code point is compared as, [CODE_POINTS] uint32: its lower case, 0 where it does not count."""
    table = np.zeros(CODE_POINTS, dtype=np.uint32)
    for code in range(CODE_POINTS):
        if unicodedata.category(chr(code))[0] in "LNM":
            # One capital has two characters for its small letter: U+0130, a Turkish i.
            table[code] = ord(chr(code).lower()[0])
    table[0] = END_OF_DOCUMENT
    return table


def letters_of(text: str) -> np.ndarray:
    """The code points by which a text is compared, [n] uint32; a blank line gives END_OF_DOCUMENT.

    >>> "".join(map(chr, letters_of("Ｄon't\\nPANIC!")))
    'dontpanic'
    """
    # By lines: most of them need no normalisation, which is quickly told.
    normal = "\n".join([unicodedata.normalize("NFKC", line) for line in text.split("\n")])
    codes_N = np.frombuffer(normal.replace("\n\n", "\0").encode("utf-32-le"), dtype=np.uint32)
    letters_N = _comparable_letters()[codes_N]
    return letters_N[letters_N > 0]


def text_blocks(path: Path, block_bytes: int = BLOCK_BYTES) -> Iterator[str]:
    """Yield a cleaned corpus in blocks of about that size, cut at white space, blank lines whole.

    Raises:
        XlprobeError: the compressed text breaks off or is corrupt, or is not UTF-8.
    """
    rest = b""
    try:
        with open_binary(path, MAKE_AGAIN) as stream:
            while read := stream.read(block_bytes):
                rest += read
                end = max(rest.rfind(b"\n"), rest.rfind(b" "))
                # The line break before a blank line belongs to it.
                if (end := len(rest[: max(end, 0)].rstrip(b"\n"))) > 0:
                    yield rest[:end].decode()
                    rest = rest[end:]
        yield rest.decode()
    except UnicodeDecodeError as error:
        raise XlprobeError(f"{path}: bytes that are not UTF-8 ({error.reason}); {MAKE_AGAIN}") from None


def sentence_blocks(sentences: Sequence[str]) -> Iterator[str]:
    """Yield sentences in blocks, a document each."""
    for start in range(0, len(sentences), SENTENCES_PER_BLOCK):
        yield "\n\n".join([*sentences[start : start + SENTENCES_PER_BLOCK], ""])


def _letter_blocks(blocks: Iterable[str]) -> Iterator[np.ndarray]:
    """The letters of a text in arrays of bounded size; a line without any white space may make a block long."""
    for block in blocks:
        letters_N = letters_of(block)
        for start in range(0, len(letters_N), BLOCK_LETTERS):
            yield letters_N[start : start + BLOCK_LETTERS]


class RollingHashes:
    """Hashes of every part of some letters: sum of value[letter] * BASE^(place in the part), modulo 2^64.

    Sums up to each place are kept, multiplied by powers that count from the text's start; a part's hash is the difference of two
    of them, times the inverse power of where it begins.
    """

    BASE = 0x9E3779B97F4A7C15

    def __init__(self) -> None:
        self._values = np.random.default_rng(1).integers(0, 2**64, CODE_POINTS, dtype=np.uint64)
        self._powers_N = self._inverses_N = np.ones(1, dtype=np.uint64)
        self._sums_N = np.zeros(1, dtype=np.uint64)

    def take(self, letters_N: np.ndarray) -> None:
        """Turn to other letters."""
        size = len(letters_N)
        if size >= len(self._powers_N):
            # One more than letters: where an empty part may begin.
            self._powers_N = _powers(self.BASE, size + 1)
            self._inverses_N = _powers(pow(self.BASE, -1, 2**64), size + 1)
        self._sums_N = np.zeros(size + 1, dtype=np.uint64)
        np.cumsum(self._values[letters_N] * self._powers_N[:size], out=self._sums_N[1:])

    def windows(self, width: int) -> np.ndarray:
        """The hashes of all runs of `width` letters, by where they begin."""
        count = max(0, len(self._sums_N) - width)
        return (self._sums_N[width:] - self._sums_N[:count]) * self._inverses_N[:count]

    def parts(self, starts_N: np.ndarray, lengths_N: np.ndarray) -> np.ndarray:
        """The hashes of parts that lie inside the letters."""
        return (self._sums_N[starts_N + lengths_N] - self._sums_N[starts_N]) * self._inverses_N[starts_N]


def _powers(base: int, size: int) -> np.ndarray:
    factors_N = np.full(size, base, dtype=np.uint64)
    factors_N[0] = 1
    return np.multiply.accumulate(factors_N)


class KeyIndex:
    """Which of many hashes are among some keys; a table of one byte a key's leading bits sorts nearly all others out."""

    def __init__(self, hashes_N: np.ndarray) -> None:
        """`first_K` says where each distinct key first stands among the hashes, `keys_N` which key each of these is."""
        self._hashes_K, self.first_K, self.keys_N = np.unique(hashes_N, return_index=True, return_inverse=True)
        bits = max(12, (32 * len(self._hashes_K)).bit_length())
        self._shift = np.uint64(64 - bits)
        self._taken = np.zeros(2**bits, dtype=bool)
        self._taken[self._slots(self._hashes_K)] = True

    def __len__(self) -> int:
        return len(self._hashes_K)

    def _slots(self, hashes_N: np.ndarray) -> np.ndarray:
        # NumPy looks up by signed numbers five times as fast.
        return (hashes_N >> self._shift).view(np.int64)

    def find(self, hashes_N: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Where keys stand among the hashes, and which keys."""
        places_H = np.flatnonzero(self._taken[self._slots(hashes_N)])
        if not len(self) or not len(places_H):
            return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
        found_H = hashes_N[places_H]
        keys_H = np.minimum(np.searchsorted(self._hashes_K, found_H), len(self) - 1)
        same_H = self._hashes_K[keys_H] == found_H
        return places_H[same_H], keys_H[same_H]


class SentenceSearch:
    """Which of some sentences, and of their windows, stand in a text that is read block by block."""

    def __init__(self, sentences: Sequence[str]) -> None:
        letters = [letters_of(sentence) for sentence in sentences]
        self.lengths_S = np.array([len(part) for part in letters], dtype=np.int64)
        self._letters_N = np.concatenate([*letters, np.zeros(0, dtype=np.uint32)])
        self._starts_S = np.cumsum(self.lengths_S) - self.lengths_S
        self._hashes = RollingHashes()
        self._hashes.take(self._letters_N)
        self._hashes_S = self._hashes.parts(self._starts_S, self.lengths_S)
        windows_S = np.maximum(self.lengths_S - WINDOW + 1, 0)
        self.sentence_of_window_W = np.repeat(np.arange(len(windows_S)), windows_S)
        offsets_W = np.arange(len(self.sentence_of_window_W)) - np.repeat(np.cumsum(windows_S) - windows_S, windows_S)
        self._places_W = self._starts_S[self.sentence_of_window_W] + offsets_W
        # A sentence is looked for where its first window stands; if it has none, where its first 16 letters do.
        self._windows = KeyIndex(self._hashes.windows(WINDOW)[self._places_W])
        long_S = np.flatnonzero(windows_S)
        short_S = np.flatnonzero((self.lengths_S >= LEAST_CHARACTERS) & (windows_S == 0))
        self._beginnings = KeyIndex(self._hashes.windows(LEAST_CHARACTERS)[self._starts_S[short_S]])
        self._long = _Groups(self._windows.keys_N[np.flatnonzero(offsets_W == 0)], long_S, len(self._windows))
        self._short = _Groups(self._beginnings.keys_N, short_S, len(self._beginnings))

    def search(self, blocks: Iterable[str]) -> tuple[np.ndarray, np.ndarray, int]:
        """Read a text.

        Returns:
            which sentences stand in it, [sentences]; which windows, [windows]; how many characters that count it has.
        """
        sentences_S = np.zeros(len(self.lengths_S), dtype=bool)
        windows_K = np.zeros(len(self._windows), dtype=bool)
        # As much of what came before as a sentence may reach back.
        overlap = int(self.lengths_S.max(initial=WINDOW)) - 1
        before_N, characters = np.zeros(0, dtype=np.uint32), 0
        for new_N in _letter_blocks(blocks):
            characters += int((new_N != END_OF_DOCUMENT).sum())
            letters_N = np.concatenate([before_N, new_N])
            self._hashes.take(letters_N)
            places_H, keys_H = self._windows.find(self._hashes.windows(WINDOW))
            self._mark_windows(letters_N, places_H, keys_H, windows_K)
            self._mark_sentences(letters_N, *self._long.members(places_H, keys_H), sentences_S)
            places_H, keys_H = self._beginnings.find(self._hashes.windows(LEAST_CHARACTERS))
            self._mark_sentences(letters_N, *self._short.members(places_H, keys_H), sentences_S)
            before_N = letters_N[-overlap:]
        return sentences_S, windows_K[self._windows.keys_N], characters

    def _mark_windows(self, letters_N: np.ndarray, places_H: np.ndarray, keys_H: np.ndarray, windows_K: np.ndarray) -> None:
        """Mark the windows that stand at those places; hashes say so, letters decide."""
        new_H = ~windows_K[keys_H]
        places_H, keys_H = places_H[new_H], keys_H[new_H]
        within = np.arange(WINDOW)
        theirs_HW = self._letters_N[self._places_W[self._windows.first_K[keys_H]][:, None] + within]
        windows_K[keys_H[(letters_N[places_H[:, None] + within] == theirs_HW).all(axis=1)]] = True

    def _mark_sentences(self, letters_N: np.ndarray, places_H: np.ndarray, sentences_H: np.ndarray, found_S: np.ndarray) -> None:
        """Mark the sentences that stand whole at those places, where they may begin."""
        inside_H = ~found_S[sentences_H] & (places_H + self.lengths_S[sentences_H] <= len(letters_N))
        places_H, sentences_H = places_H[inside_H], sentences_H[inside_H]
        same_H = self._hashes.parts(places_H, self.lengths_S[sentences_H]) == self._hashes_S[sentences_H]
        for place, sentence in zip(places_H[same_H], sentences_H[same_H], strict=True):
            start, length = self._starts_S[sentence], self.lengths_S[sentence]
            if not found_S[sentence]:
                found_S[sentence] = np.array_equal(letters_N[place : place + length], self._letters_N[start : start + length])


class _Groups:
    """The sentences that begin with each key."""

    def __init__(self, keys_M: np.ndarray, sentences_M: np.ndarray, keys: int) -> None:
        self._sentences_M = sentences_M[np.argsort(keys_M, kind="stable")]
        self._counts_K = np.bincount(keys_M, minlength=keys)
        self._firsts_K = np.cumsum(self._counts_K) - self._counts_K

    def members(self, places_H: np.ndarray, keys_H: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """For places and the keys that stand there, each place once for each of its key's sentences, and these."""
        counts_H = self._counts_K[keys_H]
        ranks_M = np.arange(counts_H.sum()) - np.repeat(np.cumsum(counts_H) - counts_H, counts_H)
        return np.repeat(places_H, counts_H), self._sentences_M[np.repeat(self._firsts_K[keys_H], counts_H) + ranks_M]
