"""Bits per character: what text costs a language model (paper 1, section 2.2), on held-out and on parallel text.

A masked model reads a line with some subwords replaced by <mask>. The figure is the bits that these cost, over the code
points of the raw text that they cover (`xlprobe.bpc.subword_coverage`), zero-width characters among them; a subword that the
tokenizer does not know covers what it stands for. Special tokens are neither masked nor counted. Which subwords are masked
depends on the text, the tokenizer and the configuration alone: it is the same at every checkpoint. A causal model reads the
line as it is, and every subword is counted; where the model has no token that begins texts (`bos_token`), all but the line's
first, which nothing comes before. A line longer than the model's window is read in windows that overlap by half, each subword
predicted in the one in which it stands most central; so every subword but the first ones has at least a quarter of a window
before it.

Bits per character differ between scripts. Beside them stand the bits per byte (UTF-8), the bits per subword and, of parallel
text, bits per sentence: those per subword times all subwords over sentences, what a sentence would cost if each of its subwords cost
as much as the masked ones.

Beside the bits of the predicted subwords stands what they would cost one by one, each by the share that it has of all subwords of
the text (a unigram model, which a model that has learned anything of context is below). The shares are those of this very text.

The loss in the training log is in bits per subword, too, but is another figure, and mostly a lower one: see
`xlprobe.bpc.fairseq_blocks`, which takes that one on the same text.

Text is held out of the models that are pretrained here. A published model may have been trained on it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from xlprobe.artifacts import checkpoint_names
from xlprobe.artifacts.corpus_text import lines_of_documents
from xlprobe.artifacts.dataset_folder import read_sentences, read_written
from xlprobe.artifacts.dataset_identity import read_identity
from xlprobe.bpc.subword_bits import SubwordPredictor
from xlprobe.bpc.subword_coverage import SubwordCoverage
from xlprobe.errors import XlprobeError
from xlprobe.models.windows import batches, padding_per_batch, windows
from xlprobe.progress import progress
from xlprobe.seeds import derive_seed
from xlprobe.statistics.outcomes import facts_of_datasets

# The tokenizer's lists of numbers take many times the memory of what is kept of them.
LINES_AT_ONCE = 1000


@dataclass(frozen=True)
class BlockSettings:
    """How held-out text is read fairseq's way, too (`xlprobe.bpc.fairseq_blocks`).

    Attributes:
        tokens_per_sample: the longest block, special tokens included; None for the model's window.
        sample_break: how fairseq's builder makes blocks of lines: complete, eos or none.
        count_special_tokens: whether <s> and </s> count among the subwords that hold the characters. Paper 1 does not say; our choice.
    """

    tokens_per_sample: int | None = None
    sample_break: str = "complete"
    count_special_tokens: bool = True


@dataclass(frozen=True)
class BitsSettings:
    """What is measured.

    Attributes:
        mask_share: the chance of each subword to be masked; of no effect on causal models. Paper 1 does not say; after Conneau et
            al. 2020 (XLM-R).
        seed: another seed, other masks. Paper 1 does not say; one for all checkpoints is our choice.
        count_spaces: whether the spaces that subwords cover count as characters and bytes. Paper 1 does not say; our choice.
        max_lines: lines of held-out text to take, from its start; None takes all. Paper 1 does not say; our choice.
    """

    mask_share: float = 0.15
    seed: int = 1
    count_spaces: bool = True
    max_lines: int | None = None


@dataclass(frozen=True)
class Text:
    """Lines of one language, for the split of that name.

    Attributes:
        place: where they were read.
        name: of the text in tables: the language's, or the parallel test set's.
        clusters: [lines], the same for lines that are drawn together; None where no scores are to follow.
        words: syntactic words in each line, where somebody has counted.
        facts: what outcomes say of it.
    """

    place: Path
    language: str
    split: str
    lines: list[str]
    name: str = ""
    clusters: np.ndarray | None = None
    words: np.ndarray | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


def held_out_text(path: Path, language: str, max_lines: int | None) -> Text:
    """The first lines of a cleaned corpus's held-out part; those of one document are drawn together."""
    numbered = [*islice(lines_of_documents(path), max_lines)]
    documents = np.array([document for document, _ in numbered]).astype(str)
    facts = {"source_language": language, "target_language": language, "parallel": None}
    return Text(path, language, "valid", [line for _, line in numbered], language, documents, facts=facts)


def parallel_text(dataset: Path) -> Text:
    """The sentences of a parallel test set, as they are written."""
    identity = read_identity(dataset)
    (language,) = identity["languages"]
    sentences = read_sentences(dataset)
    test = sentences["split"] == "test"
    clusters, words = sentences.loc[test, "sent_id"].to_numpy(str), sentences.loc[test, "words"].to_numpy()
    facts = facts_of_datasets([language], identity)
    return Text(dataset, language, "test", read_written(dataset)[test].to_list(), dataset.name, clusters, words, facts)


class EncodedLine(NamedTuple):
    """The subwords of a line without special tokens around it, and the code points and bytes that each covers; all [subwords]."""

    ids: np.ndarray
    characters: np.ndarray
    bytes: np.ndarray


def encode_lines(predictor: SubwordPredictor, lines: Sequence[str], count_spaces: bool) -> list[EncodedLine]:
    """Each line as the model's tokenizer cuts it."""
    coverage = SubwordCoverage(predictor.tokenizer, count_spaces)
    found = []
    for first in range(0, len(lines), LINES_AT_ONCE):
        part = lines[first : first + LINES_AT_ONCE]
        encoded = predictor.tokenizer(part, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
        for line, row, spans in zip(part, encoded["input_ids"], encoded["offset_mapping"], strict=True):
            ids = np.array(row, dtype=np.int64)
            found.append(EncodedLine(ids, *coverage.of_text(line, ids, np.array(spans, dtype=np.int64).reshape(-1, 2))))
    return found


def unigram_bits(ids: Sequence[np.ndarray]) -> list[np.ndarray]:
    """-log2 of the share that each subword has of all subwords of a text, row by row."""
    everything = np.concatenate([np.zeros(0, dtype=np.int64), *ids])
    _, places, counts = np.unique(everything, return_inverse=True, return_counts=True)
    return np.split(-np.log2(counts / len(places))[places], np.cumsum([len(row) for row in ids])[:-1])


def draw_masks(lengths: Sequence[int], share: float, seed: int, language: str, split: str) -> list[np.ndarray]:
    """For each line, which of its subwords are drawn to be masked, booleans; lines added at the end change no earlier one's."""
    generator = np.random.default_rng(derive_seed("masks", seed, language, split))
    drawn = generator.random(sum(lengths)) < share
    return np.split(drawn, np.cumsum(lengths)[:-1]) if lengths else []


def subwords_to_predict(predictor: SubwordPredictor, ids: Sequence[np.ndarray], text: Text, settings: BitsSettings) -> list[np.ndarray]:
    """For each line, which of its subwords are to be predicted, booleans."""
    share = 1.0 if predictor.causal else settings.mask_share
    chosen = draw_masks([len(line) for line in ids], share, settings.seed, text.language, text.split)
    # A text may spell special tokens out.
    special = sorted({*predictor.tokenizer.all_special_ids} - {predictor.tokenizer.unk_token_id})
    chosen = [drawn & ~np.isin(line, special) for drawn, line in zip(chosen, ids, strict=True)]
    if predictor.causal and not predictor.framing.prefix:
        for drawn in chosen:
            drawn[:1] = False
    return chosen


def bits_of_rows(
    predictor: SubwordPredictor,
    read: Sequence[np.ndarray],
    ids: Sequence[np.ndarray],
    chosen: Sequence[np.ndarray],
    tokens_per_batch: int,
    what: str,
) -> list[np.ndarray]:
    """For each row, the bits that its chosen subwords cost; 0 for the others.

    Args:
        read: the rows as the model is to read them.
        ids: the same as they are.
        what: is read, for the log.
    """
    bits = [np.zeros(len(row)) for row in ids]
    # Windows in which nothing is predicted need not be read.
    wanted = [
        (window, places)
        for number, drawn in enumerate(chosen)
        for window in windows(number, len(drawn), predictor.framing.window)
        if len(places := window.keep_from + np.flatnonzero(drawn[window.keep_from : window.keep_to]))
    ]
    costs = [(1, window.end - window.start) for window, _ in wanted]
    plan = list(batches(costs, tokens_per_batch, padding_per_batch(predictor.identity, predictor.device)))
    for batch in progress(plan, f"{checkpoint_names.title(predictor.identity)} {what}", "batches"):
        here = [wanted[index] for index in batch]
        found = predictor.bits(
            [read[window.sentence][window.start : window.end] for window, _ in here],
            [places - window.start for window, places in here],
            np.concatenate([ids[window.sentence][places] for window, places in here]),
        )
        of_rows = np.split(found, np.cumsum([len(places) for _, places in here])[:-1])
        for (window, places), bits_of_row in zip(here, of_rows, strict=True):
            bits[window.sentence][places] = bits_of_row
    return bits


def line_counts(predictor: SubwordPredictor, text: Text, settings: BitsSettings, tokens_per_batch: int) -> dict[str, np.ndarray]:
    """What each line of a text costs and holds.

    Returns:
        By name, each [lines]: the bits of its predicted subwords, and those that a unigram model would take; how many these are; the
        characters and bytes that they cover; all its subwords and all characters that these cover; lines, always 1; words, where
        somebody has counted them.

    Raises:
        XlprobeError: the text has no subword to predict.
    """
    lines = encode_lines(predictor, text.lines, settings.count_spaces)
    ids = [line.ids for line in lines]
    chosen = subwords_to_predict(predictor, ids, text, settings)
    read = ids if predictor.causal else [np.where(drawn, predictor.mask, row) for row, drawn in zip(ids, chosen, strict=True)]
    bits = bits_of_rows(predictor, read, ids, chosen, tokens_per_batch, f"{text.language} {text.split}")
    by_share = unigram_bits(ids)
    rows = []
    for number, (line, drawn) in enumerate(zip(lines, chosen, strict=True)):
        predicted = (drawn.sum(), line.characters[drawn].sum(), line.bytes[drawn].sum())
        rows.append((bits[number].sum(), by_share[number][drawn].sum(), *predicted, len(drawn), line.characters.sum(), 1))
    names = ["bits", "unigram_bits", "predicted", "characters", "bytes", "subwords", "all_characters", "lines"]
    counts = dict(zip(names, np.array(rows, dtype=np.float64).reshape(-1, len(names)).T.copy(), strict=True))
    if not counts["characters"].sum():
        raise XlprobeError(
            f"{text.place}: holds no character to predict ({len(text.lines)} lines, {counts['subwords'].sum():.0f} subwords); give more"
            f" text, or take {text.language} out of bpc.languages in the configuration"
        )
    return counts if text.words is None else counts | {"words": text.words}
