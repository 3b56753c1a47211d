"""Checkpoint folders spoilt at random: each is measured as it is or refused in one sentence, soon, and in little memory.

Each is tried in a process of its own, whose time and memory are looked at.
"""

import contextlib
import json
import multiprocessing
import os
import random
import resource
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import amount, count
from safetensors.torch import load_file, save_file
from suites import new_model, word_piece_tokenizer

from xlprobe.checkpoints.canary import fixed_texts
from xlprobe.checkpoints.from_huggingface import publish_huggingface
from xlprobe.errors import XlprobeError

pytestmark = pytest.mark.filterwarnings("ignore:Sparse invariant checks")
SECONDS = 5
BYTES = 2**30
NUMBERS = (0, -1, 1, 3, 10**9, 10**12, 2**63, 2**64, 1e400, float("nan"), 1.5, 10**5000)
VALUES = (
    *NUMBERS,
    None,
    True,
    "",
    "12",
    "bert",
    [],
    [1, 2],
    [[]],
    {},
    {"a": {"b": []}},
    "../config.json",
    "x" * 300,
    ["BertForMaskedLM"] * 9,
)
FILES = ("config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors", "generation_config.json", "special_tokens_map.json")
FILES += ("added_tokens.json", "vocab.txt", "vocab.json", "merges.txt", "tokenizer.model", "sentencepiece.bpe.model")
STRAY = ("pytorch_model.bin", "model.safetensors.index.json", "adapter_config.json", "adapter_model.safetensors", "tf_model.h5")
STRAY += ("model-00001-of-00002.safetensors", "pytorch_model.bin.index.json", "tokenizer.4.0.0.json", "model.bin", "optimizer.pt")
JUNK = (
    b"",
    b"null",
    b"5",
    b"[]",
    b"{}",
    b'"text"',
    b"[" * 100_000,
    b'{"a":' * 100_000,
    b"\xff\xfe",
    b"\0" * 99,
    b"PK\x03\x04",
    b"\x80\x02}.",
)


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small model's folder, as it should be."""
    folder = tmp_path_factory.mktemp("whole") / "step"
    tokenizer = word_piece_tokenizer([text for _, text in fixed_texts()], 2000)
    new_model("bert", tokenizer).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def places(value: Any) -> list[tuple[Any, Any]]:
    """Where a JSON value holds others: what holds them, and by which key or index."""
    keys = value.keys() if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    return [place for key in keys for place in ((value, key), *places(value[key]))]


def spoil_json(folder: Path, chance: random.Random) -> None:
    """One to three values of a JSON file are others, or gone."""
    path = folder / chance.choice(("config.json",) * 4 + ("tokenizer.json",) * 2 + ("tokenizer_config.json",))
    content = json.loads(path.read_text())
    for _ in range(chance.randrange(1, 4)):
        # Those at the top as often as those of the vocabulary, which are many.
        found = places(content)
        holder, key = chance.choice([place for place in found if place[0] is content] if chance.random() < 0.6 else found)
        if chance.random() < 0.2:
            del holder[key]
        else:
            holder[key] = chance.choice(VALUES)
    path.write_text(json.dumps(content))


def add_settings(folder: Path, chance: random.Random) -> None:
    """Settings that other classes have, and other classes."""
    path = folder / "config.json"
    content = json.loads(path.read_text())
    model_types = (
        "distilbert",
        "gpt2",
        "xlnet",
        "longformer",
        "t5",
        "bloom",
        "mpt",
        "albert",
        "peft",
        "none",
        "../bert",
        "llama",
        "deberta-v2",
    )
    more = {
        "model_type": chance.choice(model_types),
        "transformers_weights": chance.choice(("../x.safetensors", "other.safetensors", 5)),
        "num_labels": 10**9,
        "id2label": {"0": "x", "a": "b"},
        "torch_dtype": chance.choice(("float64", "int8", "x", 5)),
        "quantization_config": chance.choice(({}, {"quant_method": "bitsandbytes"}, 5)),
        "auto_map": chance.choice(({"AutoModel": "evil.Model"}, 5, "x")),
        "_attn_implementation": chance.choice(("kernels-community/flash-attn", "eager", 5)),
        "is_decoder": True,
        "layer_types": ["full_attention"] * 9,
        "sinusoidal_pos_embds": True,
        "max_position_embeddings": chance.choice((10**7, 10**9, 0, 3)),
        "rope_scaling": {"rope_type": "yarn", "factor": 1e400},
        "pad_token_id": chance.choice((10**12, -5, "0")),
    }
    for key in chance.sample(sorted(more), chance.randrange(1, 4)):
        content[key] = more[key]
    path.write_text(json.dumps(content))


def replace_file(folder: Path, chance: random.Random) -> None:
    """A file holds something else."""
    (folder / chance.choice(FILES)).write_bytes(chance.choice(JUNK))


def damage_file(folder: Path, chance: random.Random) -> None:
    """Bytes of a file are others, or its end is gone."""
    path = chance.choice(sorted(folder.iterdir()))
    content = bytearray(path.read_bytes())
    if chance.random() < 0.3:
        content = content[: chance.randrange(len(content))]
    for _ in range(chance.randrange(1, 4) if content else 0):
        # Safetensors' header is at the start.
        content[chance.randrange(min(len(content), chance.choice((64, 4000, len(content)))))] = chance.randrange(256)
    path.write_bytes(content)


def change_tensors(folder: Path, chance: random.Random) -> None:
    """Weights have another shape, type or value, are gone or too many, in either format."""
    weights = load_file(folder / "model.safetensors")
    for name in chance.sample(sorted(weights), 2):
        value = weights[name]
        changed = (value[:1], value.reshape(-1), value.half(), value.to(torch.int8), value * float("nan"), value * 1e30, value * 0, None)
        weights[name] = chance.choice(changed)
    weights["more"] = chance.choice((None, torch.zeros(3), torch.zeros(0), torch.zeros(())))
    save(folder, {name: value.clone() for name, value in weights.items() if value is not None}, chance)


def save(folder: Path, weights: dict[str, torch.Tensor], chance: random.Random) -> None:
    if chance.random() < 0.5:
        save_file(weights, folder / "model.safetensors", {"format": "pt"})
    else:
        (folder / "model.safetensors").unlink()
        torch.save(weights, folder / "pytorch_model.bin", _use_new_zipfile_serialization=chance.random() < 0.7)


def other_pickle(folder: Path, chance: random.Random) -> None:
    """PyTorch's format holds something else than weights by name."""
    weights: dict[Any, Any] = dict(load_file(folder / "model.safetensors"))
    name = sorted(weights)[0]
    huge = torch.zeros(1).expand(10**12)
    contents = (
        [1, 2],
        "text",
        5,
        None,
        {"model": weights, "optimizer": {"state": {}}},
        {**weights, 5: torch.zeros(2)},
        {**weights, name: "text"},
        {**weights, name: huge},
        {**weights, "more": huge},
        {**weights, "more": torch.empty(10**12, device="meta")},
        {**weights, "more": torch.sparse_coo_tensor(torch.zeros(1, 1).long(), torch.ones(1), (10**12,))},
        {**weights, "more": Path("/")},
        {},
    )
    (folder / "model.safetensors").unlink()
    torch.save(chance.choice(contents), folder / "pytorch_model.bin", _use_new_zipfile_serialization=chance.random() < 0.7)


def stray_files(folder: Path, chance: random.Random) -> None:
    """Files lie beside those that are read, or in their place."""
    for name in chance.sample(STRAY, chance.randrange(1, 3)):
        kind = chance.randrange(4)
        if kind == 0:
            shutil.copy(folder / "config.json", folder / name)
        elif kind == 1:
            (folder / name).write_bytes(chance.choice(JUNK))
        elif kind == 2:
            (folder / name).symlink_to(chance.choice(("/etc/passwd", "../elsewhere", "config.json")))
        else:
            (folder / name).mkdir()
    if chance.random() < 0.4:
        named = chance.choice(("../x.safetensors", "/etc/passwd", "model-00001-of-00002.safetensors", "model.safetensors", 5, None, []))
        (folder / "model.safetensors.index.json").unlink(missing_ok=True)
        if not (folder / "model.safetensors.index.json").exists():
            content = chance.choice(({"weight_map": {"a": named}}, {"weight_map": named}, {"metadata": {}}, named))
            (folder / "model.safetensors.index.json").write_text(json.dumps(content))
        (folder / "model.safetensors").rename(folder / "model-00001-of-00001.safetensors")


def wild_ids(folder: Path, chance: random.Random) -> None:
    """Subwords have numbers that are none of the model's."""
    path = folder / "tokenizer.json"
    content = json.loads(path.read_text())
    if chance.random() < 0.5:
        vocabulary = content["model"]["vocab"]
        vocabulary[chance.choice(sorted(vocabulary))] = chance.choice((400, 10**6, 2**32 - 1, 2**32, 10**12, -1, 0))
    else:
        chance.choice(content["added_tokens"])["id"] = chance.choice((400, 10**6, 2**32 - 1, 10**12, -1, 7))
    path.write_text(json.dumps(content))


KINDS: tuple[Callable[[Path, random.Random], None], ...] = (
    spoil_json,
    spoil_json,
    add_settings,
    replace_file,
    damage_file,
    damage_file,
    change_tensors,
    other_pickle,
    stray_files,
    wild_ids,
)


def attempt(source: Path, folder: Path, answer: Any) -> None:
    """Adopt a checkpoint, and send what came of it: a message, or nothing where it is measured."""
    try:
        publish_huggingface(source, folder, "m", None, 20, "auto", "somewhere", [])
    except XlprobeError as error:
        answer.send(str(error))
    except BaseException as error:
        answer.send(f"TRACEBACK {type(error).__name__}: {error}")
    else:
        answer.send("")


def tried(source: Path, folder: Path) -> tuple[str, float, int]:
    """What came of a checkpoint, in how many seconds of CPU time, and in how many bytes more than before."""
    count("inputs tried")
    ours, theirs = multiprocessing.get_context("fork").Pipe(duplex=False)
    child = os.fork()
    if not child:
        signal.alarm(60)
        attempt(source, folder, theirs)
        os._exit(0)
    theirs.close()
    begin = time.monotonic()
    try:
        message = ours.recv()
    except EOFError:
        message = f"TRACEBACK the process died after {time.monotonic() - begin:.0f} seconds"
    _, _, used = os.wait4(child, 0)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return message, used.ru_utime + used.ru_stime, (used.ru_maxrss - before) * 1024


@pytest.mark.parametrize("seed", range(amount(500)))
def test_a_spoilt_folder_is_measured_or_refused(whole, tmp_path, seed):
    chance = random.Random(seed)
    source = Path(shutil.copytree(whole, tmp_path / "source"))
    for _ in range(chance.choice((1, 1, 1, 2))):
        # What one has spoilt, the next may not be able to read.
        with contextlib.suppress(Exception):
            chance.choice(KINDS)(source, chance)
    message, seconds, more = tried(source, tmp_path / "published")
    assert not message.startswith("TRACEBACK") and "\n" not in message and len(message) < 2000, message[:3000]
    assert seconds < SECONDS and more < BYTES, (message[:300], seconds, more)
    assert (tmp_path / "published" / "identity.json").exists() == (message == "")


def test_the_folder_that_is_spoilt_is_measured_whole(whole, tmp_path):
    assert tried(whole, tmp_path / "published")[0] == ""
