"""Word vectors of all layers against a loop over sentences: first the vectors are equal, then the times, A/B/A/B.

The model has XLM-R base's width, a third of its layers and random weights; sentences are as long as treebanks' are.
Times are processor time of one thread, tokenizing included.
"""

import json
import statistics
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import speed_claims
import torch
import transformers
from suites import word_piece_tokenizer

from xlprobe.artifacts.corpus_text import text_lines
from xlprobe.features.encoding import Encoder
from xlprobe.features.extraction import vectors_of_units

LAYERS = range(5)
SENTENCES = 150
TOKENS_PER_BATCH = 8192
ROUNDS = 2


@dataclass(frozen=True)
class Work:
    """A checkpoint, and sentences as lists of words."""

    checkpoint: Path
    sentences: list[list[str]]


@pytest.fixture(scope="module")
def work(tiny_text, tmp_path_factory) -> Work:
    folder = tmp_path_factory.mktemp("wide")
    lines = [line for language in tiny_text.languages for line in text_lines(tiny_text.corpus(language).train)]
    tokenizer = word_piece_tokenizer(lines, vocabulary=2000)
    tokenizer.model_max_length = 512
    torch.manual_seed(1)
    sizes = {"num_hidden_layers": LAYERS[-1], "vocab_size": len(tokenizer), "max_position_embeddings": 514, "type_vocab_size": 1}
    settings = transformers.XLMRobertaConfig(pad_token_id=tokenizer.pad_token_id, **sizes)
    transformers.XLMRobertaModel(settings, add_pooling_layer=False).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    (folder / "identity.json").write_text(json.dumps({"step": 0, "files": {}, "layers": LAYERS[-1], "objective": "masked"}))
    # UD's train sets have medians of 9 (Turkish IMST) to 23 (Chinese GSD) words, and deviations of the logarithm of 0.5 to 1.
    words, generator = iter(" ".join(lines).split()), np.random.default_rng(1)
    lengths = generator.lognormal(np.log(14), 0.65, SENTENCES).round().clip(1, 100).astype(int)
    return Work(folder, [[next(words) for _ in range(length)] for length in lengths])


@torch.no_grad()
def user_loop(encoder: Encoder, work: Work) -> np.ndarray:
    """Sentence by sentence, each word the mean of its subwords."""
    vectors = []
    for words in work.sentences:
        encoded = encoder.tokenizer(words, is_split_into_words=True, return_tensors="pt")
        hidden_LTD = torch.stack(encoder.model(**encoded, output_hidden_states=True).hidden_states)[:, 0]
        word_ids = np.array([-1 if word is None else word for word in encoded.word_ids()])
        vectors += [hidden_LTD[:, word_ids == word].mean(dim=1) for word in range(len(words))]
    return torch.stack(vectors, dim=1).numpy()


def ours(encoder: Encoder, work: Work) -> np.ndarray:
    texts = [" ".join(words) for words in work.sentences]
    lengths = [np.array([len(word) for word in words]) for words in work.sentences]
    ends = [np.cumsum(length + 1) - 1 for length in lengths]
    encoded = encoder.encode(texts, [end - length for end, length in zip(ends, lengths, strict=True)], ends)
    return vectors_of_units(encoder, encoded, LAYERS, TOKENS_PER_BATCH)


def ratio(work: Work, dtype: torch.dtype, error: float) -> float:
    """How many times as fast ours is as the loop in float32, no vector's error being more than `error` of its norm."""
    fast, exact = Encoder(work.checkpoint, torch.device("cpu"), dtype), Encoder(work.checkpoint, torch.device("cpu"))
    times: dict[str, list[float]] = {"ours": [], "theirs": []}
    for _ in range(ROUNDS):
        start = time.process_time()
        found_LWD = ours(fast, work)
        middle = time.process_time()
        expected_LWD = user_loop(exact, work)
        times["ours"].append(middle - start)
        times["theirs"].append(time.process_time() - middle)
    off_LW = np.linalg.norm(found_LWD - expected_LWD, axis=2) / np.linalg.norm(expected_LWD, axis=2)
    assert off_LW.max() < error
    short, long = statistics.median(times["ours"]), statistics.median(times["theirs"])
    words = expected_LWD.shape[1]
    print(
        f"\nextraction in {dtype}, {len(LAYERS)} layers, one thread: ours {words / short:.0f} words/s, a loop over sentences in float32"
        f" {words / long:.0f}: {long / short:.1f}x; error {off_LW.mean():.1e} of a vector's norm, at most {off_LW.max():.1e}"
    )
    return long / short


def test_extraction_is_faster_than_a_loop_over_sentences(work):
    """The limit is arithmetic: nine tenths of the time are matrix products at the core's full speed, of which a sentence's reach half."""
    speed_claims.hold("extraction against a loop over sentences", ratio(work, torch.float32, error=1e-5))


def test_extraction_in_bfloat16_is_faster_still(work):
    """The limit is arithmetic: four fifths of the time are matrix products, 2.3 times as fast as in float32; attention is not."""
    known = torch.cpu.get_capabilities()
    if not any(known.get(name) for name in ("avx512_bf16", "amx_bf16", "bf16")):
        pytest.skip("this processor does not compute in bfloat16")
    speed_claims.hold("extraction in bfloat16 against a loop in float32", ratio(work, torch.bfloat16, error=0.02))
