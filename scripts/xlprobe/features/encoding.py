"""Sentences as a checkpoint's subwords, and which unit each subword belongs to (`xlprobe.features.extraction`)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from xlprobe.artifacts.checkpoint_folder import read_identity
from xlprobe.artifacts.dataset_folder import has_words, read_sentences, read_table
from xlprobe.errors import XlprobeError
from xlprobe.library_errors import library_errors
from xlprobe.models.language_models import LONE_SPACES, Framing, load_body, load_tokenizer

# Vectors wait in memory until so many units are done, which bounds the memory and makes the writes long; fewer are taken at
# once where their text is longer than this (as subwords it takes some 50 bytes a character).
UNITS_PER_WRITE = 16_384
CHARACTERS_PER_WRITE = 4_000_000
BATCH_KEY = "features.tokens_per_batch"


@dataclass(frozen=True)
class EncodedSentence:
    """A sentence's subword ids and which unit each belongs to.

    Attributes:
        ids: [subwords].
        pairs: [pairs, 2] of (subword, unit), for all units that a subword belongs to.
        units: how many there are, those without a subword included.
    """

    ids: np.ndarray
    pairs: np.ndarray
    units: int


def subword_word_pairs(offsets: np.ndarray, blank: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Which subword belongs to which word of a sentence: those of which it covers a character.

    Args:
        offsets: [subwords, 2], the code points that each subword covers.
        blank: [subwords], whether a subword is a lone `▁`, which belongs to no word.
        starts, ends: [words], the code points of each word.

    Returns:
        [pairs, 2] of (subword, word), in order.
    """
    first = np.searchsorted(ends, offsets[:, 0], side="right")
    last = np.searchsorted(starts, offsets[:, 1], side="left")  # one past the last
    counts = np.where(blank | (offsets[:, 0] == offsets[:, 1]), 0, np.maximum(last - first, 0))
    subwords = np.repeat(np.arange(len(offsets)), counts)
    within = np.arange(len(subwords)) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.stack([subwords, first[subwords] + within], axis=1)


class Encoder:
    """A checkpoint and its tokenizer, ready to turn sentences into subword vectors.

    Args:
        dtype: of the weights and of all that the model computes.

    Raises:
        XlprobeError: the checkpoint's folder is incomplete.
    """

    def __init__(self, checkpoint: Path, device: torch.device, dtype: torch.dtype = torch.float32) -> None:
        self.checkpoint = checkpoint
        self.identity = read_identity(checkpoint)
        self.device = device
        self.tokenizer = load_tokenizer(checkpoint)
        # Weights are cast once: an eighth faster than autocast, whose error is half (its sums between blocks stay in float32).
        self.model = load_body(checkpoint, dtype).to(device)
        self.framing = Framing(self.model, self.tokenizer)
        self.blank = [id_ for subword, id_ in self.tokenizer.get_vocab().items() if subword in LONE_SPACES]

    def encode(
        self, texts: Sequence[str], starts: Sequence[np.ndarray] | None = None, ends: Sequence[np.ndarray] | None = None
    ) -> list[EncodedSentence]:
        """Subwords of each text and the words that they belong to; where no words are given, all belong to the sentence.

        Args:
            starts, ends: for each text, the code points of its words.
        """
        encoded = self.tokenizer(list(texts), add_special_tokens=False, return_offsets_mapping=starts is not None, verbose=False)
        all_ids = [np.array(ids, dtype=np.int64) for ids in encoded["input_ids"]]
        if starts is None or ends is None:
            return [EncodedSentence(ids, np.stack([np.arange(len(ids)), np.zeros_like(ids)], axis=1), 1) for ids in all_ids]
        sentences = []
        for ids, offsets, word_starts, word_ends in zip(all_ids, encoded["offset_mapping"], starts, ends, strict=True):
            pairs = subword_word_pairs(np.array(offsets).reshape(-1, 2), np.isin(ids, self.blank), word_starts, word_ends)
            sentences.append(EncodedSentence(ids, pairs, len(word_starts)))
        return sentences

    @torch.no_grad()
    def hidden_states(self, rows: Sequence[np.ndarray], layers: Sequence[int]) -> list[torch.Tensor]:
        """Hidden states of rows of subword ids: for each layer [rows, positions, dim], on the device, special tokens included."""
        batch = {name: tensor_BT.to(self.device) for name, tensor_BT in self.framing.rows(rows).items()}
        output = self.model(**batch, output_hidden_states=True)
        return [output.hidden_states[layer] for layer in layers]


class DatasetSentences:
    """A dataset's sentences, to be encoded part by part.

    Args:
        subwords: let the subwords that belong to a word be the units, in place of the words.

    Attributes:
        sentences: the table.
        units: words; subwords; or sentences, of pairs of sentences for inference.
        first_word, offsets: [sentences + 1], into the words (sentences, where these are the units), and into the units.
        subword_words: where units are subwords, which belongs to which word, [pairs, 2] counted over all sentences.

    Raises:
        XlprobeError: the dataset's words are gone, or it has none where subwords of words are asked for.
    """

    def __init__(self, encoder: Encoder, dataset: Path, subwords: bool) -> None:
        self.encoder = encoder
        self.sentences = read_sentences(dataset)
        self.characters = self.sentences["text"].str.len().to_numpy()
        self.spans = read_table(dataset, "words", ["start", "end"]) if has_words(dataset) else None
        if subwords and self.spans is None:
            raise XlprobeError(f"--subwords: {dataset.name} has no words, whose subwords these could be; take it out there")
        self.units = "subwords" if subwords else "sentences" if self.spans is None else "words"
        count = len(self.sentences) if self.spans is None else len(self.spans)
        self.first_word = self.offsets = np.append(self.sentences["first_word"], count)
        self.subword_words = None
        if subwords:
            # Encoded twice, since their number is to be known before the first vector is written.
            pairs = [sentence.pairs for part in self.parts() for sentence in self.of_words(part)]
            self.offsets, self.subword_words = numbered_subwords(pairs, self.first_word)

    def parts(self) -> Iterator[slice]:
        """Slices of sentences of about UNITS_PER_WRITE units or CHARACTERS_PER_WRITE characters, whichever are fewer."""
        bounds = ((self.offsets, UNITS_PER_WRITE), (np.cumsum([0, *self.characters]), CHARACTERS_PER_WRITE))
        start = 0
        while start < len(self.characters):
            stop = min(int(np.searchsorted(counted, counted[start] + limit, side="right")) - 1 for counted, limit in bounds)
            stop = max(start + 1, stop)
            yield slice(start, stop)
            start = stop

    def of_words(self, part: slice) -> list[EncodedSentence]:
        """Some sentences, encoded with their words as units, or with each as one unit where there are no words."""
        texts = self.sentences["text"].iloc[part].to_list()
        if self.spans is None:
            with library_errors(self.encoder.checkpoint, BATCH_KEY):
                return self.encoder.encode(texts)
        offsets = self.first_word[part.start : part.stop + 1]
        inside = self.spans.iloc[offsets[0] : offsets[-1]]
        starts, ends = (np.split(inside[edge].to_numpy(), offsets[1:-1] - offsets[0]) for edge in ("start", "end"))
        with library_errors(self.encoder.checkpoint, BATCH_KEY):
            return self.encoder.encode(texts, starts, ends)

    def of_units(self, of_words: Sequence[EncodedSentence]) -> Sequence[EncodedSentence]:
        """The same sentences with the dataset's units."""
        return of_words if self.subword_words is None else [with_subwords_as_units(sentence) for sentence in of_words]


def with_subwords_as_units(sentence: EncodedSentence) -> EncodedSentence:
    """A sentence of words as one of subwords, those that belong to a word."""
    subwords = np.unique(sentence.pairs[:, 0])
    return EncodedSentence(sentence.ids, np.stack([subwords, np.arange(len(subwords))], axis=1), len(subwords))


def numbered_subwords(pairs: Sequence[np.ndarray], first_word: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Number the subwords that belong to a word over all sentences.

    Args:
        pairs: for each sentence [pairs, 2] of (subword, word), both counted within it.
        first_word: [sentences + 1].

    Returns:
        [sentences + 1], the number of each sentence's first, and how many there are; [pairs, 2] of (subword, word), both
        counted over all sentences.
    """
    numbers = [np.unique(own[:, 0], return_inverse=True) for own in pairs]
    offsets = np.cumsum([0, *(len(subwords) for subwords, _ in numbers)])
    numbered = [
        np.stack([number + subword, word + own[:, 1]], axis=1)
        for (_, subword), own, number, word in zip(numbers, pairs, offsets, first_word, strict=False)
    ]
    return offsets, np.concatenate(numbered)
