"""Which characters of the raw text each piece of a tokenizer stands for.

Tokenizers tell a span of code points for each piece, but not all of what is wanted here: they leave the space out that a
piece's marker (`▁`, `Ġ`) stands for, give a lone `▁` the character after it, and give one character to each of several
pieces where these are its bytes, or what normalisation made of it.

Shape letters: P pieces of a text, C its characters, V vocabulary.
"""

import sys

import numpy as np
import transformers

SPACES = np.array([code for code in range(sys.maxunicode + 1) if chr(code).isspace()], dtype=np.uint32)


class PieceCoverage:
    """What the pieces of a tokenizer cover.

    Args:
        count_spaces: whether the spaces that pieces cover count as characters; false counts no whitespace.
    """

    def __init__(self, tokenizer: transformers.PreTrainedTokenizerFast, count_spaces: bool = True) -> None:
        backend = tokenizer.backend_tokenizer
        described = f"{backend.normalizer} {backend.pre_tokenizer}"
        # Elsewhere these are letters: Maltese has a Ġ.
        marker = "Ġ" if "ByteLevel" in described else "▁" if "▁" in described else ""
        vocabulary = tokenizer.get_vocab()
        self.count_spaces = count_spaces
        # How many spaces a piece stands for, and whether for nothing else.
        self.spaces_V = np.zeros(1 + max(vocabulary.values()), dtype=np.int64)
        self.blank_V = np.zeros(len(self.spaces_V), dtype=bool)
        for piece, id_ in vocabulary.items():
            rest = piece.lstrip(marker) if marker else piece
            self.spaces_V[id_], self.blank_V[id_] = len(piece) - len(rest), not rest

    def of_text(self, text: str, ids_P: np.ndarray, offsets_P2: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Code points, and bytes in UTF-8, of the raw text that each piece covers; both [P].

        A piece with a marker covers the space that stands before it, where one does. What several pieces cover is shared
        out evenly, so that the pieces of a text together cover each of its characters once, or not at all: a space that
        no piece has a marker for (BERT's never do), and what normalisation drops.

        Args:
            offsets_P2: begin and end of each piece's span in code points, as the tokenizer tells them.
        """
        codes_C = np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32)
        space_C = np.isin(codes_C, SPACES)
        places = np.arange(len(text) + 1)
        # How many spaces end at each place.
        ended = places - np.maximum.accumulate(np.concatenate([[0], np.where(space_C, 0, places[1:])]))
        solid = ~np.append(space_C, False)
        starts, ends = offsets_P2[:, 0], offsets_P2[:, 1]
        ends = np.where(self.blank_V[ids_P] & solid[starts], starts, ends)
        starts = np.where((starts == ends) | solid[starts], starts - np.minimum(self.spaces_V[ids_P], ended[starts]), starts)
        borders = np.bincount(starts, minlength=len(places)) - np.bincount(ends, minlength=len(places))
        weight_C = 1 / np.maximum(np.cumsum(borders)[:-1], 1)
        if not self.count_spaces:
            weight_C[space_C] = 0
        bytes_C = 1 + (codes_C >= 0x80) + (codes_C >= 0x800) + (codes_C >= 0x10000)
        return _within(weight_C, starts, ends), _within(weight_C * bytes_C, starts, ends)


def _within(values_C: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Sums over spans."""
    summed = np.concatenate([[0.0], np.cumsum(values_C)])
    return summed[ends] - summed[starts]
