"""Which characters of the raw text each subword of a tokenizer stands for.

Tokenizers tell a span of code points for each subword, but not all of what is wanted here: they leave the space out that a
subword's marker (`▁`, `Ġ`) stands for, give a lone `▁` the character after it, and give one character to each of several
subwords where these are its bytes, or what normalisation made of it. Of a letter written as two code points, they tell the
first alone where normalisation makes one of them.

SentencePiece makes a space of most zero-width characters (of the Persian and Indic joiners, too), and one space of several
in a row. The `▁` that this becomes stands for all of them: each is a code point of the raw text, and counts. A zero-width
character is no whitespace: it counts whatever `count_spaces` says. Where no subword covers one (BERT drops them between
two subwords, SentencePiece at the end of a text), it does not count.

Shape letters: P subwords of a text, C its characters, V vocabulary.
"""

import sys
import unicodedata

import numpy as np
import transformers

SPACE, ZERO_WIDTH, MARK = 1, 2, 3


def _kind(character: str) -> int:
    category = unicodedata.category(character)
    # Unicode's format characters: zero-width spaces and joiners, marks of direction, the soft hyphen and their kin. And
    # SentencePiece's own mark, which it takes for a space where a text holds it.
    if category == "Cf" or character == "▁":
        return ZERO_WIDTH
    # What composes with the character before it: the vowels and last consonants of Hangul, too.
    if category[0] == "M" or "\u1160" <= character <= "\u11ff":
        return MARK
    return SPACE if character.isspace() else 0


# The kind of each code point. Planes 2 to 13 hold ideographs or nothing.
KINDS = np.zeros(sys.maxunicode + 1, dtype=np.uint8)
for _plane in (range(0x20000), range(0xE0000, 0xE1000)):
    KINDS[_plane.start : _plane.stop] = [_kind(chr(code)) for code in _plane]
# `▁` stands for a run of any length, a `Ġ` for one space.
ANY_LENGTH = np.iinfo(np.int64).max


class SubwordCoverage:
    """What the subwords of a tokenizer cover.

    Args:
        count_spaces: whether the spaces that subwords cover count as characters; false counts no whitespace.
    """

    def __init__(self, tokenizer: transformers.PreTrainedTokenizerFast, count_spaces: bool = True) -> None:
        backend = tokenizer.backend_tokenizer
        described = f"{backend.normalizer} {backend.pre_tokenizer}"
        # Elsewhere these are letters: Maltese has a Ġ.
        marker = "Ġ" if "ByteLevel" in described else "▁" if "▁" in described else ""
        vocabulary = tokenizer.get_vocab()
        self.count_spaces = count_spaces
        # How many spaces and zero-width characters before it a subword may stand for, and whether for nothing else.
        self.reach_V = np.zeros(1 + max(vocabulary.values()), dtype=np.int64)
        self.blank_V = np.zeros(len(self.reach_V), dtype=bool)
        for subword, id_ in vocabulary.items():
            rest = subword.lstrip(marker) if marker else subword
            markers = len(subword) - len(rest)
            self.reach_V[id_] = ANY_LENGTH if markers and marker == "▁" else markers
            self.blank_V[id_] = not rest

    def of_text(self, text: str, ids_P: np.ndarray, offsets_P2: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Code points, and bytes in UTF-8, of the raw text that each subword covers; both [P].

        A subword with a marker covers the space that stands before it, or what became that space. What several subwords cover
        is shared out evenly, so that the subwords of a text together cover each of its characters once, or not at all: a
        space that no subword has a marker for (BERT's never do), and what normalisation drops.

        Args:
            offsets_P2: begin and end of each subword's span in code points, as the tokenizer tells them.
        """
        codes_C = np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32)
        kind_C = KINDS[codes_C]
        starts, ends = self._spans(kind_C, ids_P, offsets_P2)
        borders = np.bincount(starts, minlength=len(text) + 1) - np.bincount(ends, minlength=len(text) + 1)
        weight_C = 1 / np.maximum(np.cumsum(borders)[:-1], 1)
        if not self.count_spaces:
            weight_C[kind_C == SPACE] = 0
        bytes_C = 1 + (codes_C >= 0x80) + (codes_C >= 0x800) + (codes_C >= 0x10000)
        return _within(weight_C, starts, ends), _within(weight_C * bytes_C, starts, ends)

    def _spans(self, kind_C: np.ndarray, ids_P: np.ndarray, offsets_P2: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Where the text that each subword covers begins and ends, with what its marker stands for and the marks after it."""
        loose_C, mark_C = (kind_C == SPACE) | (kind_C == ZERO_WIDTH), kind_C == MARK
        starts, ends = offsets_P2[:, 0], offsets_P2[:, 1]
        length = len(loose_C)
        blank, reach = self.blank_V[ids_P], self.reach_V[ids_P]
        next_solid = _next(~loose_C)
        later = np.minimum.accumulate(np.append(starts, length)[::-1])[::-1][1:]
        # A lone marker is given what the next subword covers, where it stands for nothing or the tokenizer lost for what.
        ends = np.where(blank, np.where(next_solid[starts] == starts, starts, np.clip(later, starts, ends)), ends)
        ends = np.maximum(ends, np.minimum(later, _next(~mark_C)[ends]))
        # From the first character that is not the marker's, it reaches back as far as the subword before.
        firsts = np.where(reach > 0, np.minimum(next_solid[starts], ends), starts)
        places = np.arange(length + 1)
        ended = places - np.maximum.accumulate(np.concatenate([[0], np.where(loose_C, 0, places[1:])]))
        before = np.maximum.accumulate(np.append(0, ends))[:-1]
        return np.minimum(firsts, np.maximum(firsts - np.minimum(reach, ended[firsts]), before)), ends


def _next(true_C: np.ndarray) -> np.ndarray:
    """For each place, the first at or after it where this is true; the end where there is none."""
    places = np.arange(len(true_C) + 1)
    return np.minimum.accumulate(np.where(np.append(true_C, True), places, len(true_C))[::-1])[::-1]


def _within(values_C: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Sums over spans."""
    summed = np.concatenate([[0.0], np.cumsum(values_C)])
    return summed[ends] - summed[starts]
