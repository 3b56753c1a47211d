"""The share of a job's time that goes into looking for damage in what it reads: first that damage is seen, then the times.

The ratio is a job's processor time over that of all its checksums: 20 is 5 %. Imports, which no checksum shortens, do not count.
"""

import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import speed_claims
import torch
import transformers
from feature_files import write_features
from suites import word_piece_tokenizer

from xlprobe import hdf5_files
from xlprobe.artifacts import checkpoint_folder, dataset_folder, probe_file
from xlprobe.datasets.conllu import Sentence, Word
from xlprobe.datasets.treebank import write_dataset
from xlprobe.errors import XlprobeError
from xlprobe.features.extraction import extract_features
from xlprobe.files import sha256, write_json
from xlprobe.probes.linear_probe import ProbeSettings
from xlprobe.probes.training import train_probes
from xlprobe.probes.transfer import transfer_probes

DIMENSIONS, LAYERS = 768, 3
WORDS_A_SENTENCE = 20
SENTENCES = {"train": 600, "dev": 200, "test": 200}
TAGS = 17


class Clock:
    """Adds up the processor time of some functions."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def timed(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            start = time.process_time()
            try:
                return function(*arguments)
            finally:
                self.seconds += time.process_time() - start

        return call


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Times every checksum that a reader takes."""
    clock = Clock()

    class Timed:
        crc32 = staticmethod(clock.timed(zlib.crc32))

    for module in (hdf5_files, probe_file):
        monkeypatch.setattr(module, "zlib", Timed)
    for module in (dataset_folder, checkpoint_folder):
        monkeypatch.setattr(module, "sha256", clock.timed(sha256))
    return clock


def ratio(clock: Clock, job: Callable[[], None]) -> float:
    clock.seconds, start = 0.0, time.process_time()
    job()
    taken = time.process_time() - start
    print(f"\n{taken:.2f} s, of which {clock.seconds:.3f} s of checksums: {100 * clock.seconds / taken:.1f} %")
    return taken / clock.seconds


def treebank(folder: Path, sentences: dict[str, int] = SENTENCES) -> Path:
    generator = np.random.default_rng(1)
    splits = {}
    for split, count in sentences.items():
        words = [
            [Word(f"word{tag}", 7 * place, 7 * place + 6, f"T{tag}", "_", 0, "_") for place, tag in enumerate(tags)]
            for tags in generator.integers(TAGS, size=(count, WORDS_A_SENTENCE))
        ]
        splits[split] = [Sentence(str(number), "word99 " * WORDS_A_SENTENCE, found) for number, found in enumerate(words)]
    write_dataset(splits, folder, folder.name, "en")
    return folder


def vectors(path: Path, dataset: Path) -> Path:
    """Features of a dataset of 20,000 words."""
    vectors_LWD = np.random.default_rng(2).standard_normal((LAYERS, 20_000, DIMENSIONS), dtype=np.float32)
    return write_features(path, dataset, vectors_LWD, list(range(LAYERS)))


def test_probes_and_transfer_spend_little_on_the_search_for_damage(tmp_path, clock):
    source, target = treebank(tmp_path / "en_own"), treebank(tmp_path / "en_pud", {"test": 1000})
    of_source, of_target = vectors(tmp_path / "s.h5", source), vectors(tmp_path / "t.h5", target)
    weights, settings = tmp_path / "w.safetensors", ProbeSettings(1e-3, 256, 5, 3)
    trained = ratio(clock, lambda: train_probes(of_source, source, "pos", 5, settings, "cpu", tmp_path / "s", weights))
    transferred = ratio(clock, lambda: transfer_probes(of_target, target, "pos", [weights] * 8, tmp_path / "t"))
    content = of_target.read_bytes()
    of_target.write_bytes(content[: len(content) // 2] + bytes(8) + content[len(content) // 2 + 8 :])
    with pytest.raises(XlprobeError, match="CRC-32"):
        transfer_probes(of_target, target, "pos", [weights], tmp_path / "t")
    speed_claims.hold("training of probes over its checksums", trained)
    speed_claims.hold("transfer of 8 sources' probes over its checksums", transferred)


def test_extraction_spends_little_on_the_search_for_damage(tmp_path, clock):
    """Half a parallel test set, by a model of XLM-R base's size."""
    torch.set_num_threads(1)
    checkpoint, dataset = tmp_path / "checkpoint", treebank(tmp_path / "en_pud", {"test": 500})
    tokenizer = word_piece_tokenizer([f"word{tag}" for tag in range(100)])
    tokenizer.model_max_length = 512
    config = transformers.XLMRobertaConfig(
        vocab_size=250_002, max_position_embeddings=514, type_vocab_size=1, pad_token_id=tokenizer.pad_token_id
    )
    transformers.XLMRobertaForMaskedLM(config).save_pretrained(checkpoint)
    tokenizer.save_pretrained(checkpoint)
    files = {path.name: sha256(path) for path in checkpoint.iterdir()}
    named = {"model": "base", "training_seed": None, "step": 0, "layers": 12, "objective": "masked"}
    write_json(checkpoint / "identity.json", named | {"files": files})
    extracted = ratio(
        clock, lambda: extract_features(checkpoint, [dataset], [tmp_path / "f.h5"], [tmp_path / "a.parquet"], [], 8192, "cpu")
    )
    speed_claims.hold("extraction over its checksums", extracted)
