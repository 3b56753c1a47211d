"""Bits per character fairseq's way: what held-out text costs a masked model as training and its validation count it.

Paper 1 (section 2.2) divides the NLL by "the number of characters per token". If its NLL is the loss that fairseq logs, this is its
figure; its validation split is not published, so that values never agree with the paper's. Read a line at a time
(`xlprobe.bpc.bits_per_character`), the same text mostly costs 1.1 to 1.25 times as much.

All held-out text is made into blocks by fairseq's own builder: the subwords of a line and `</s>`, line after line, `<s>` before each
block. fairseq's own masks choose some positions, `<s>` and `</s>` among them: 80 % become <mask>, 10 % a random subword, and 10 % stay
as they are. They follow from the seed, epoch 1 and the block's number, as those of fairseq's validation, the same at every
checkpoint. The figure is

    (bits / chosen positions) / (code points / subwords)

where code points and subwords are those of the whole blocks, and `<s>` and `</s>` count as subwords, if not told otherwise. A
block that is longer than the model's window, which is one long line, is left out with its text, as fairseq does. Special tokens
that a text spells out are unknown subwords here; fairseq, too, refuses a <mask> in a text.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

# isort: off
import xlprobe.pretraining.fairseq_runtime  # noqa: F401  (must come before fairseq)
from fairseq.data import MaskTokensDataset, PrependTokenDataset, TokenBlockDataset

# isort: on
from xlprobe.artifacts.outcome_file import Outcome, OutcomePlace
from xlprobe.bpc.bits_per_character import BitsSettings, BlockSettings, Text, bits_of_rows, encode_lines, unigram_bits
from xlprobe.bpc.subword_bits import SubwordPredictor
from xlprobe.errors import XlprobeError

# Stands in the place of what is to be predicted where nothing is; no subword has this number.
NOTHING = -1
# Validation masks alike in all epochs.
EPOCH = 1


class SpecialTokens(NamedTuple):
    """The numbers of special tokens: before a block, after a line, and in place of what is not shown or not known."""

    begin: int
    end: int
    mask: int
    unknown: int


class Block(NamedTuple):
    """A block of text.

    Attributes:
        start, end: its place among the subwords of all lines, each line with the token after it.
        ids, read: [positions], as they are, the token before the block included, and as a model is to read them.
        chosen: [positions], those that it is to predict.
    """

    start: int
    end: int
    ids: np.ndarray
    read: np.ndarray
    chosen: np.ndarray


@dataclass(frozen=True)
class _Vocabulary:
    """What fairseq's masks ask of its dictionary."""

    size: int
    nspecial: int = 0

    def __len__(self) -> int:
        return self.size


def special_tokens(predictor: SubwordPredictor, checkpoint: Path) -> SpecialTokens:
    """The special tokens that fairseq's way needs.

    Raises:
        XlprobeError: the model is causal, or its tokenizer has not all of them.
    """
    advice = f"set bpc.protocol to lines, or add {predictor.identity['model']} to bpc.leave_out in the configuration"
    if predictor.causal:
        raise XlprobeError(f"{checkpoint}: the model is causal, and fairseq's way to take bits per character masks subwords; {advice}")
    prefix, suffix = predictor.framing.prefix, predictor.framing.suffix
    tokens = [*prefix, *suffix, predictor.mask, predictor.tokenizer.unk_token_id]
    if (len(prefix), len(suffix)) != (1, 1) or None in tokens:
        raise XlprobeError(
            f"{checkpoint}: fairseq's way to take bits per character needs a tokenizer with one token before a text, one after it, <mask>"
            f" and <unk>; {advice}"
        )
    return SpecialTokens(*tokens)


def random_subwords(predictor: SubwordPredictor, special: SpecialTokens) -> np.ndarray:
    """The chance of each number of the vocabulary to be put in as a random subword; fairseq puts in no special token but <mask>."""
    weights = np.ones(1 + max(predictor.tokenizer.get_vocab().values()))
    weights[[special.begin, special.end, special.unknown, predictor.framing.padding]] = 0
    return weights / weights.sum()


def blocks_of_lines(
    lines: Sequence[np.ndarray],
    special: SpecialTokens,
    random: np.ndarray,
    tokens_per_sample: int,
    sample_break: str,
    settings: BitsSettings,
) -> list[Block]:
    """The blocks that fairseq makes of the subwords of lines, with its masks.

    Args:
        random: what `random_subwords` gives.
    """
    if not lines:
        return []
    ended = [torch.from_numpy(np.append(line, special.end)) for line in lines]
    sizes = np.array([len(line) for line in ended])
    # One less for the token before a block.
    blocks = TokenBlockDataset(ended, sizes, tokens_per_sample - 1, NOTHING, special.end, sample_break)
    framed = PrependTokenDataset(blocks, special.begin)

    def masked(targets: bool) -> Any:
        masks = {"seed": settings.seed, "mask_prob": settings.mask_share, "return_masked_tokens": targets}
        dataset = MaskTokensDataset(framed, _Vocabulary(len(random)), NOTHING, special.mask, **masks)
        dataset.weights = random
        dataset.set_epoch(EPOCH)
        return dataset

    read, targets = masked(False), masked(True)
    return [
        Block(int(start), int(end), framed[number].numpy(), read[number].numpy(), targets[number].numpy() != NOTHING)
        for number, (start, end) in enumerate(blocks.slice_indices)
    ]


def outcome_of_blocks(
    predictor: SubwordPredictor,
    text: Text,
    special: SpecialTokens,
    settings: BitsSettings,
    blocks: BlockSettings,
    tokens_per_batch: int,
) -> Outcome:
    """What each block of a held-out text costs and holds, by name [blocks]; blocks are drawn one by one.

    The bits of its chosen positions, and those that a unigram model would take; how many these are; all its subwords, and the
    characters and bytes that they cover.

    Raises:
        XlprobeError: nothing is chosen in the text.
    """
    model = predictor.unframed()
    window = model.framing.window
    tokens_per_sample = blocks.tokens_per_sample or window
    lines = encode_lines(predictor, text.lines, settings.count_spaces)
    spelled_out = [*{*predictor.tokenizer.all_special_ids} - {special.unknown}]
    ids = [np.where(np.isin(line.ids, spelled_out), special.unknown, line.ids) for line in lines]
    made = blocks_of_lines(ids, special, random_subwords(predictor, special), tokens_per_sample, blocks.sample_break, settings)
    kept = [block for block in made if len(block.ids) <= window]
    if not sum(block.chosen.sum() for block in kept):
        raise XlprobeError(
            f"{text.place}: no subword is chosen in {len(kept)} blocks, of {len(made)}, that fit the model's window of {window}; give more"
            " text, or set bpc.protocol to lines in the configuration"
        )
    if len(kept) < len(made):
        print(f"{text.place}: {len(made) - len(kept)} of {len(made)} blocks are longer than the model's window of {window}, and left out")
    whole = [block.ids for block in kept]
    bits = bits_of_rows(
        model, [block.read for block in kept], whole, [block.chosen for block in kept], tokens_per_batch, f"{text.language}, fairseq's way"
    )
    by_share = unigram_bits(whole)
    # The token after a line covers nothing.
    characters, bytes_ = (np.concatenate([np.append(covered, 0) for covered in column]) for column in list(zip(*lines, strict=True))[1:])
    counted = [block.ids if blocks.count_special_tokens else block.ids[~np.isin(block.ids, special[:2])] for block in kept]
    counts = {
        "bits": [row.sum() for row in bits],
        "unigram_bits": [row[block.chosen].sum() for row, block in zip(by_share, kept, strict=True)],
        "predicted": [block.chosen.sum() for block in kept],
        "subwords": [*map(len, counted)],
        "all_characters": [characters[block.start : block.end].sum() for block in kept],
        "all_bytes": [bytes_[block.start : block.end].sum() for block in kept],
    }
    facts = {"tokens_per_sample": tokens_per_sample, "sample_break": blocks.sample_break, "blocks_too_long": len(made) - len(kept)}
    return Outcome(
        OutcomePlace("bpc", text.name, text.name, text.split, "fairseq"),
        {name: np.array(values) for name, values in counts.items()},
        np.arange(len(kept)).astype(str),
        facts={**text.facts, **facts},
    )
