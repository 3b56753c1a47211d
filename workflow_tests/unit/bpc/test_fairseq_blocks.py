"""Bits per character fairseq's way: its blocks, its masks and its loss, by fairseq itself and by hand."""

import copy
import math
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from outcome_scores import outcome_in, scores_of
from suites import write_suite
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

import xlprobe.pretraining.fairseq_runtime  # noqa: F401  isort: skip  (must come before fairseq)
from fairseq import options
from fairseq.criterions.masked_lm import MaskedLmConfig, MaskedLmLoss

from xlprobe.artifacts.corpus_text import text_lines
from xlprobe.artifacts.outcome_file import OutcomeFile, OutcomePlace
from xlprobe.artifacts.training_state import load_state
from xlprobe.artifacts.vocabulary import PAD
from xlprobe.bpc.bits_per_character import BitsSettings, BlockSettings, Text, encode_lines, held_out_text
from xlprobe.bpc.fairseq_blocks import Block, blocks_of_lines, outcome_of_blocks, random_subwords, special_tokens
from xlprobe.bpc.measurement import measure_bits
from xlprobe.bpc.subword_bits import SubwordPredictor
from xlprobe.checkpoints.from_huggingface import publish_huggingface
from xlprobe.errors import XlprobeError
from xlprobe.pretraining.fairseq_models import rebuild_model
from xlprobe.pretraining.fairseq_task import MaskedLanguageModelTask
from xlprobe.pretraining.intervals import fairseq_arguments

CPU = torch.device("cpu")
SETTINGS = BitsSettings()
TINY = BlockSettings(64, "eos")


@pytest.fixture(scope="module")
def predictor(tiny_model) -> SubwordPredictor:
    return SubwordPredictor(tiny_model.checkpoint, CPU)


def held_out(tiny_model, language: str = "qaa") -> Text:
    return held_out_text(tiny_model.text.folder / "corpus" / language / "valid.txt.zst", language, None)


def outcome_of(predictor: SubwordPredictor, text: Text, blocks: BlockSettings, settings: BitsSettings = SETTINGS):
    return outcome_of_blocks(predictor, text, special_tokens(predictor, Path("40")), settings, blocks, 2000)


def fairseqs_task(tiny_model, **training) -> MaskedLanguageModelTask:
    """fairseq's own task on the binarised text, as the trainer validates with it."""
    run = tiny_model.text.run(tiny_model.pretraining, training)
    arguments = options.parse_args_and_arch(options.get_training_parser(), fairseq_arguments(run, 12, None, "cpu"))
    task = MaskedLanguageModelTask.setup_task(arguments)
    task.load_dataset("valid_qaa")
    task.datasets["valid_qaa"].set_epoch(1)
    return task


@pytest.mark.parametrize(("sample_break", "tokens_per_sample"), [("eos", 64), ("complete", 100), ("complete", 20), ("none", 33)])
def test_blocks_and_masks_are_fairseqs(tiny_model, predictor, sample_break, tokens_per_sample):
    """Of text that its own tokenizer cut, read from its own files."""
    task = fairseqs_task(
        tiny_model, sample_break=sample_break, tokens_per_sample=tokens_per_sample, mask_probability=0.3, seed=7, updates=100
    )
    theirs = task.datasets["valid_qaa"]
    special = special_tokens(predictor, Path("40"))
    ids = [line.ids for line in encode_lines(predictor, held_out(tiny_model).lines, True)]
    settings = BitsSettings(mask_share=0.3, seed=7)
    blocks = blocks_of_lines(ids, special, random_subwords(predictor, special), tokens_per_sample, sample_break, settings)
    assert len(blocks) == len(theirs) > 30
    for number, block in enumerate(blocks):
        sample = theirs[number]
        read, targets = sample["net_input.src_tokens"].numpy(), sample["target"].numpy()
        assert np.array_equal(block.read, read) and np.array_equal(block.chosen, targets != PAD)
        assert np.array_equal(block.ids[block.chosen], targets[targets != PAD]) and block.ids[0] == 0
        assert np.array_equal(block.ids[~block.chosen], read[~block.chosen])
    assert any(np.flatnonzero(block.chosen)[0] == 0 for block in blocks if block.chosen.any())
    # All of the text, each subword once.
    assert [(block.start, block.end) for block in blocks][0][0] == 0
    assert all(one.end == other.start for one, other in zip(blocks[:-1], blocks[1:], strict=True))
    assert blocks[-1].end == sum(map(len, ids)) + len(ids)


def test_bits_are_fairseqs_loss_block_by_block(tiny_model, predictor):
    """By its own criterion and its own model."""
    task = fairseqs_task(tiny_model)
    data, criterion = task.datasets["valid_qaa"], MaskedLmLoss(MaskedLmConfig(tpu=False), task)
    state = load_state(tiny_model.pretraining / "step_12.pt")
    model = rebuild_model(copy.deepcopy(state), tiny_model.text.tokenizer)
    found = outcome_of(predictor, held_out(tiny_model), TINY).counts
    assert len(found["bits"]) == len(data) > 200
    for number in range(len(data)):
        with torch.no_grad():
            loss, chosen, _ = criterion(model, data.collater([data[number]]))
        if chosen:
            assert found["bits"][number] == pytest.approx(float(loss) / math.log(2), abs=1e-4)
        assert found["predicted"][number] == chosen


@pytest.mark.parametrize("language", ["qaa", "qba"])
def test_bits_per_subword_are_those_of_the_training_log(tiny_model, predictor, language):
    """fairseq rounds its own to three places."""
    counts = outcome_of(predictor, held_out(tiny_model, language), TINY).counts
    logged = predictor.identity["loss"][language]
    assert counts["bits"].sum() / counts["predicted"].sum() == pytest.approx(logged, abs=6e-4)
