"""Texts for controlled comparisons, drawn from cleaned ones: so many sequences, documents or bytes of them, a share, or all romanised.

A *sequence* is a fixed number of subwords of the run's tokenizer, the `</s>` of each line counted: what binarisation writes. Of
which line it writes how many stands in the index of the binarised text, so that a text that is drawn needs no tokenizer. Paper 2 has
the same number of sequences for each language (B.1), since equal bytes are unequal amounts of text.
"""

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import groupby, islice
from operator import itemgetter
from pathlib import Path

import numpy as np

from xlprobe.artifacts.binarized_text import check_binarized, line_sizes
from xlprobe.artifacts.corpus_text import lines_of_documents
from xlprobe.artifacts.tokenizer_folder import load_sentencepiece
from xlprobe.corpus.romanisation import romanise
from xlprobe.corpus.text_writing import TextCounts, TextWriter
from xlprobe.errors import XlprobeError
from xlprobe.files import atomic_zstd_writer, read_json, write_json
from xlprobe.progress import progress
from xlprobe.seeds import derive_seed

ORDERS = ("random", "start")
LINES_PER_BATCH = 10_000


@dataclass
class DrawnCounts(TextCounts):
    """Size of a drawn text; `tokens` are those that binarisation writes, `sequences` the whole ones among them."""

    tokens: int = 0
    sequences: int = 0


@dataclass
class VariantCounts:
    """What one language's text of a variant is.

    Attributes:
        drawn_from: the text that it is drawn from: a language, or a variant's.
        max_sequences: how many sequences of training text were asked for, where a number, the smallest or a share was.
        capped: whether some of the parent's training text is left out.
    """

    language: str
    drawn_from: str
    sequence_tokens: int
    max_sequences: int | None = None
    capped: bool = False
    train: DrawnCounts = field(default_factory=DrawnCounts)
    valid: DrawnCounts = field(default_factory=DrawnCounts)


@dataclass(frozen=True)
class Cap:
    """How much of a text is kept: one of the three, or nothing for all of it."""

    sequences: int | None = None
    documents: int | None = None
    bytes: int | None = None


@dataclass(frozen=True)
class TextLines:
    """A text's lines: how much each holds, and where documents start.

    Attributes:
        tokens: [lines] of each line, its `</s>` counted.
        bytes: [lines] of each line, its end counted.
        starts: [documents + 1] the first line of each document, and the number of lines.
    """

    tokens: np.ndarray
    bytes: np.ndarray
    starts: np.ndarray

    @property
    def lengths(self) -> np.ndarray:
        """[documents] the lines of each."""
        return np.diff(self.starts)


def draw_text(
    source: Path,
    binarized: Path,
    train: Path,
    valid: Path,
    counts: Path,
    language: str,
    parent: str,
    sequence_tokens: int,
    order: str = "random",
    seed: int = 1,
    max_sequences: int | None = None,
    smallest_of: Sequence[Path] = (),
    share: float | None = None,
    max_documents: int | None = None,
    max_bytes: int | None = None,
    valid_sequences: int | None = None,
    romanise_by: str | None = None,
    model: Path | None = None,
) -> VariantCounts:
    """Draw one language's text of a variant from a cleaned one, and count it.

    Documents are taken whole, and stay in their order. Where the next one is too long for what is left, it is cut at a line. A
    number of sequences is reached: of further documents lines are taken until no whole sequence is missing. So texts of N sequences
    have N times `sequence_tokens` tokens and less than a sequence more. A text that has no more is kept whole. Held-out text is the
    parent's, or `valid_sequences` of it, whatever is drawn of the other.

    Args:
        source: folder of the parent's cleaned text; of what it is drawn from.
        binarized: folder of the same text, binarised with the run's tokenizer.
        train, valid, counts: where the drawn text goes, and JSON with its counts.
        parent: the parent's name, for the counts.
        order: random, by `seed`, language and number of the document alone; or start, the parent's first ones.
        max_sequences, share, max_documents, max_bytes: of the training text, one of them or none. A share is one of the parent's sequences.
        smallest_of: manifests of binarised texts; the sequences of that which has least are `max_sequences`.
        romanise_by: a system of romanisation; caps are of the text before.
        model: the run's SentencePiece model, which counts what is romanised.

    Raises:
        XlprobeError: less than a sequence is left, or text and binarised text are not one another's.
    """
    check_binarized(binarized)
    found = VariantCounts(language, parent, sequence_tokens)
    parents = _sequences(binarized / "manifest.json", sequence_tokens)
    if smallest_of:
        max_sequences = min(_sequences(manifest, sequence_tokens) for manifest in smallest_of)
    elif share is not None:
        max_sequences = round(share * parents)
    if max_sequences is not None:
        _check_sequences(max_sequences, source, sequence_tokens)
    found.max_sequences = max_sequences
    caps = {"train": Cap(max_sequences, max_documents, max_bytes), "valid": Cap(valid_sequences)}
    for split, output in (("train", train), ("valid", valid)):
        text, drawn = source / f"{split}.txt.zst", getattr(found, split)
        layout = read_text_lines(text, binarized / f"{split}.idx")
        chosen = documents_in_order(len(layout.lengths), order, seed, language, split)
        kept = kept_lines(layout, chosen, caps[split], sequence_tokens)
        if split == "train":
            found.capped = bool((kept < layout.lengths).any())
        documents = _kept_documents(text, kept)
        if romanise_by is not None:
            documents = ([romanise(line, romanise_by) for line in lines] for lines in documents)
            drawn.tokens = _write(documents, output, drawn, model)
        else:
            _write(documents, output, drawn, None)
            drawn.tokens = int(sum_of_kept(layout.tokens, layout.starts, kept))
        drawn.sequences = drawn.tokens // sequence_tokens
    _check_sequences(found.train.sequences, source, sequence_tokens)
    write_json(counts, asdict(found))
    return found


def read_text_lines(text: Path, index: Path) -> TextLines:
    """The layout of a cleaned text, from the text and the index of its binarised form.

    Raises:
        XlprobeError: the two do not have as many lines.
    """
    sizes, documents = array("i"), array("q")
    for number, (document, line) in enumerate(lines_of_documents(text)):
        if document == len(documents):
            documents.append(number)
        sizes.append(len(line.encode()) + 1)
    documents.append(len(sizes))
    tokens = line_sizes(index)
    if len(tokens) != len(sizes):
        raise XlprobeError(
            f"{index}: has {len(tokens)} lines, but {text} has {len(sizes)}; delete {index.parent / 'manifest.json'} to binarise it again"
        )
    return TextLines(tokens, np.array(sizes, dtype=np.int32), np.array(documents, dtype=np.int64))


def documents_in_order(documents: int, order: str, seed: int, language: str, split: str) -> np.ndarray:
    """[documents] the numbers of a text's documents in the order in which they are taken.

    A random order goes by a hash of each number (SplitMix64: Steele, Lea and Flood 2014), so that text which is added at the end
    leaves the order of the rest as it was.
    """
    numbers = np.arange(documents, dtype=np.uint64)
    if order == "start":
        return numbers.astype(np.int64)
    key = np.uint64(derive_seed("draw", seed, language, split))
    return np.argsort(_split_mix(numbers + key), kind="stable")


def kept_lines(layout: TextLines, order: np.ndarray, cap: Cap, sequence_tokens: int) -> np.ndarray:
    """[documents] how many lines are kept of each document, from its first on.

    Args:
        order: [documents] in which documents are taken.
    """
    lengths = layout.lengths
    kept = np.zeros_like(lengths)
    if cap.sequences is not None:
        # As long as whole sequences are counted, what is less than one more is free.
        weights, least = layout.tokens, cap.sequences * sequence_tokens
        most = least + sequence_tokens - 1
    elif cap.bytes is not None:
        weights, least, most = layout.bytes, cap.bytes, cap.bytes
    else:
        kept[order[: cap.documents]] = lengths[order[: cap.documents]]
        return kept
    totals = np.cumsum(np.add.reduceat(weights, layout.starts[:-1], dtype=np.int64)[order])
    whole = int(np.searchsorted(totals, most, side="right"))
    kept[order[:whole]] = lengths[order[:whole]]
    total = int(totals[whole - 1]) if whole else 0
    for document in order[whole:] if cap.sequences is not None else order[whole : whole + 1]:
        if total >= least:
            break
        within = np.cumsum(weights[layout.starts[document] : layout.starts[document + 1]], dtype=np.int64)
        kept[document] = fitting = int(np.searchsorted(within, most - total, side="right"))
        total += int(within[fitting - 1]) if fitting else 0
    return kept


def sum_of_kept(weights: np.ndarray, starts: np.ndarray, kept: np.ndarray) -> int:
    """The weight of the lines that are kept.

    Args:
        weights: [lines]; starts: [documents + 1]; kept: [documents] of each document's lines.
    """
    until = np.concatenate([[0], np.cumsum(weights, dtype=np.int64)])
    return int((until[starts[:-1] + kept] - until[starts[:-1]]).sum())


def _sequences(manifest: Path, sequence_tokens: int) -> int:
    """The whole sequences of a binarised text's training split."""
    tokens = read_json(manifest)["splits"]["train"]["tokens"]
    return int(tokens) // sequence_tokens


def _check_sequences(sequences: int, source: Path, sequence_tokens: int) -> None:
    if not sequences:
        raise XlprobeError(
            f"{source}: what is drawn of it is less than one sequence of {sequence_tokens} subwords; draw more, give each language more"
            " text, or lower corpus.sequence_tokens"
        )


def _kept_documents(text: Path, kept: np.ndarray) -> Iterator[list[str]]:
    """The lines that are kept of each document of which there are any."""
    for document, lines in groupby(progress(lines_of_documents(text), f"drawing {text.parent.name}", "lines"), key=itemgetter(0)):
        if number := int(kept[document]):
            yield [line for _, line in islice(lines, number)]


def _write(documents: Iterable[list[str]], output: Path, counts: TextCounts, model: Path | None) -> int:
    """Write documents and complete their counts; returns the tokens of their lines, 0 without a model."""
    processor = None if model is None else load_sentencepiece(model)
    tokens, waiting = 0, list[str]()

    def counted() -> int:
        return sum(len(ids) + 1 for ids in processor.encode(waiting)) if processor and waiting else 0

    with atomic_zstd_writer(output) as stream:
        writer = TextWriter(stream, counts)
        for lines in documents:
            writer.write("".join(f"{line}\n" for line in lines).encode())
            if processor:
                waiting += lines
            if len(waiting) >= LINES_PER_BATCH:
                tokens += counted()
                waiting.clear()
    writer.finish()
    return tokens + counted()


def _split_mix(numbers: np.ndarray) -> np.ndarray:
    """[n] a hash of each of [n] unsigned 64-bit numbers."""
    with np.errstate(over="ignore"):
        mixed = numbers * np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))
