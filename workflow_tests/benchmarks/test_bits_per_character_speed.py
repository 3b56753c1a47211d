"""Bits of masked subwords against the scores of the whole vocabulary at all positions: first equal, then the times, A/B/A/B.

The model has XLM-R base's width and vocabulary and random weights, and one block only: the blocks cost the same in both. Times
are processor time of one thread.
"""

import json
import math
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import speed_claims
import torch
import transformers
from suites import word_piece_tokenizer

from xlprobe.artifacts.corpus_text import text_lines
from xlprobe.bpc.bits_per_character import draw_masks
from xlprobe.bpc.subword_bits import SubwordPredictor

VOCABULARY = 250_002
LENGTH = 128
ROUNDS = 2


@pytest.fixture(scope="module")
def checkpoint(tiny_text, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wide")
    tokenizer = word_piece_tokenizer(list(text_lines(tiny_text.corpus("qaa").train)))
    tokenizer.model_max_length = 512
    torch.manual_seed(1)
    sizes = {"num_hidden_layers": 1, "vocab_size": VOCABULARY, "max_position_embeddings": 514, "type_vocab_size": 1}
    model = transformers.XLMRobertaForMaskedLM(transformers.XLMRobertaConfig(pad_token_id=tokenizer.pad_token_id, **sizes))
    torch.nn.init.normal_(model.lm_head.decoder.bias)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    (folder / "identity.json").write_text(
        json.dumps({"model": "wide", "step": 0, "files": {}, "objective": "masked", "checks": {"direction": "both ways"}})
    )
    return folder


class Work:
    """Rows of random subwords, of which a share of 0.15 is masked."""

    def __init__(self, mask: int, rows: int) -> None:
        generator = np.random.default_rng(1)
        self.rows = list(generator.integers(5, VOCABULARY, (rows, LENGTH)))
        self.masks = draw_masks([LENGTH] * rows, 0.15, 1, "xx", "valid")
        self.read = [np.where(drawn, mask, row) for row, drawn in zip(self.rows, self.masks, strict=True)]
        self.places = [np.flatnonzero(drawn) for drawn in self.masks]
        self.subwords = np.concatenate([row[places] for row, places in zip(self.rows, self.places, strict=True)])


@torch.no_grad()
def whole_vocabulary(model: transformers.PreTrainedModel, predictor: SubwordPredictor, work: Work) -> np.ndarray:
    """As a user writes it: the library's own loss, of the masked subwords."""
    scores_BTV = model(**predictor.framing.rows(work.read)).logits
    labels_BT = torch.full(scores_BTV.shape[:2], -100)
    labels_BT[:, 1:-1] = torch.from_numpy(np.where(work.masks, work.rows, -100))
    nats_N = torch.nn.functional.cross_entropy(scores_BTV.flatten(0, 1), labels_BT.flatten(), reduction="none")
    return nats_N[labels_BT.flatten() != -100].numpy() / math.log(2)


def test_bits_of_masked_subwords_are_faster_than_the_whole_vocabularys(checkpoint):
    predictor = SubwordPredictor(checkpoint, torch.device("cpu"))
    model = transformers.AutoModelForMaskedLM.from_pretrained(checkpoint).eval()
    work = Work(predictor.mask, rows=4)
    times: dict[str, list[float]] = {"ours": [], "theirs": []}
    for _ in range(ROUNDS):
        start = time.process_time()
        found_N = predictor.bits(work.read, work.places, work.subwords)
        middle = time.process_time()
        expected_N = whole_vocabulary(model, predictor, work)
        times["ours"].append(middle - start)
        times["theirs"].append(time.process_time() - middle)
    assert np.abs(found_N - expected_N).max() < 1e-5
    short, long = statistics.median(times["ours"]), statistics.median(times["theirs"])
    off = np.abs(found_N - expected_N).max()
    print(
        f"\n{len(work.rows) * LENGTH} positions, {len(work.subwords)} of them masked, {VOCABULARY:,} subwords, one thread: ours"
        f" {1000 * short:.0f} ms, the whole vocabulary everywhere {1000 * long:.0f} ms: {long / short:.1f}x; off by at most {off:.0e} bits"
    )
    speed_claims.hold("bits of masked subwords against the whole vocabulary's", long / short)


PEAK = """
import torch
from test_bits_per_character_speed import VOCABULARY, memory_of
from xlprobe.bpc.subword_bits import bits_of_subwords
states_ND, weight_VD, bias_V = (torch.empty(*shape).normal_() for shape in ((1229, 768), (VOCABULARY, 768), (VOCABULARY,)))
bits_of_subwords(states_ND[:9], weight_VD[:99], bias_V[:99], torch.arange(9))
before = memory_of()
bits_of_subwords(states_ND, weight_VD, bias_V, torch.arange(1229))
print(memory_of() - before)
"""


def memory_of() -> int:
    """The most memory that this process has held, in bytes; getrusage's figure is the parent's where that held more."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024


def test_bits_take_little_memory_beside_the_model():
    """Of 1,229 positions, 15 % of 8,192; the whole vocabulary's scores would take 1.2 GB, and 8 GB for all of these."""
    done = subprocess.run([sys.executable, "-c", PEAK], capture_output=True, text=True, env={"PYTHONPATH": ":".join(sys.path)})
    assert done.returncode == 0, done.stderr[-4000:]
    taken = int(done.stdout)
    print(f"\n1,229 positions, {VOCABULARY:,} subwords: {taken / 2**20:.0f} MiB beside the model")
    assert 2**20 < taken < 50 * 10**6
