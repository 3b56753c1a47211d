"""Whatever a library raises while a checkpoint is measured ends in one sentence."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import torch
import transformers
from suites import renew_digests

from xlprobe import hdf5_files
from xlprobe.artifacts.dataset_identity import declaration
from xlprobe.artifacts.dataset_kinds import NLI
from xlprobe.artifacts.tables import conform, write_table
from xlprobe.artifacts.training_state import trained_state
from xlprobe.bpc.bits_per_character import BitsSettings
from xlprobe.bpc.measurement import measure_bits
from xlprobe.bpc.subword_bits import SubwordPredictor
from xlprobe.checkpoints import from_fairseq
from xlprobe.errors import XlprobeError
from xlprobe.features.encoding import Encoder
from xlprobe.features.extraction import extract_features
from xlprobe.files import read_json, sha256, write_json
from xlprobe.library_errors import library_errors
from xlprobe.models.language_models import load_model
from xlprobe.paths import PROJECT


class PanicException(BaseException):
    """As the tokenizers library raises it where its Rust code panics."""


ERRORS = {
    IndexError("index out of range in self"): r"IndexError in test_library_errors\.py, line \d+: index out of range in self; if the"
    r" checkpoint's files are whole, the library cannot run this model: take the model, or this step of it, out of `models`",
    RuntimeError("The size of tensor a (3)\nmust match (4)"): r"RuntimeError in .*: The size of tensor a \(3\) must match \(4\); if",
    PanicException("called `Option::unwrap()` on a `None` value"): r"PanicException in .*: called `Option::unwrap\(\)` on",
    AttributeError(): r"AttributeError in .*: without a message; if",
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"): r"memory is full \(CUDA out of memory\); lower KEY in the",
    RuntimeError(
        "err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate 9"
    ): r"memory is full \(.*\); lower KEY in the",
    MemoryError(): r"memory is full \(.*\); lower KEY in the configuration",
    OSError(28, "No space left on device"): r"a file could not be read or written on the way \(.*No space left.*\); look at",
}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory) -> Path:
    """One sentence without words."""
    folder = tmp_path_factory.mktemp("texts") / "xnli_xx"
    columns = {"split": ["test"], "sent_id": ["1"], "text": ["sola dara"], "first_word": [0], "words": 1}
    write_table(pd.DataFrame(columns), "sentences.schema.yaml", folder / "sentences.parquet")
    digests = {"sentences": sha256(folder / "sentences.parquet")}
    write_json(folder / "identity.json", declaration("xnli_xx", NLI, ["xx"], "xnli") | {"sha256": digests})
    return folder


def raising(error: BaseException):
    def method(*arguments, **named):
        raise error

    return method


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: f"{type(error).__name__} {error}"[:30])
def test_an_error_of_a_library_is_one_sentence(tiny_model, dataset, tmp_path, monkeypatch, error):
    monkeypatch.setattr(Encoder, "hidden_states", raising(error))
    monkeypatch.setattr(SubwordPredictor, "bits", raising(error))
    held_out = tiny_model.text.folder / "corpus" / "qaa" / "valid.txt.zst"
    said = rf"^{tiny_model.checkpoint}: " + ERRORS[error]
    with pytest.raises(XlprobeError, match=said.replace("KEY", r"features\.tokens_per_batch")) as raised:
        extract_features(tiny_model.checkpoint, [dataset], [tmp_path / "f.h5"], [tmp_path / "f.parquet"], [], 256, "cpu")
    assert raised.value.__cause__ is error and "\n" not in str(raised.value)
    with pytest.raises(XlprobeError, match=said.replace("KEY", r"bpc\.tokens_per_batch")):
        measure_bits(tiny_model.checkpoint, [held_out], ["qaa"], [], tmp_path / "b.h5", BitsSettings(), 256, "cpu")
    assert not list(tmp_path.iterdir())


def test_a_panic_while_a_folder_is_read_is_one_sentence(tiny_model, monkeypatch):
    monkeypatch.setattr(transformers.AutoConfig, "from_pretrained", raising(PanicException("index out of\nbounds. The rest")))
    said = rf"^{tiny_model.checkpoint}: the transformers library cannot read it \(PanicException: index out of bounds\)$"
    with pytest.raises(XlprobeError, match=said):
        load_model(tiny_model.checkpoint)


def test_the_place_is_the_librarys_where_our_next_line_fails():
    with pytest.raises(XlprobeError, match=r"^x: AttributeError in test_library_errors\.py, line \d+: "), library_errors("x"):
        conform(None, "audit.schema.yaml")
    with pytest.raises(XlprobeError, match=r"^x: JSONDecodeError in decoder\.py, line \d+: Expecting value"), library_errors("x"):
        json.loads("")


def test_a_damaged_dataset_is_no_fault_of_the_model(tiny_model, dataset, tmp_path):
    folder = Path(shutil.copytree(dataset, tmp_path / "xnli_xx"))
    table = (folder / "sentences.parquet").read_bytes()
    (folder / "sentences.parquet").write_bytes(table[: len(table) // 2])
    said = rf"^{folder}/sentences\.parquet: is damaged, .*; delete {folder}/identity\.json to make the dataset again$"
    with pytest.raises(XlprobeError, match=said):
        extract_features(tiny_model.checkpoint, [folder], [tmp_path / "f.h5"], [tmp_path / "f.parquet"], [], 256, "cpu")


def test_a_full_disk_is_no_fault_of_the_model(tiny_model, dataset, tmp_path, monkeypatch):
    monkeypatch.setattr(hdf5_files, "create", raising(OSError(28, "No space left on device")))
    said = rf"^{tmp_path}/f\.h5: cannot be written \(\[Errno 28\] No space left on device\); look at the disk's space, and run again$"
    with pytest.raises(XlprobeError, match=said):
        extract_features(tiny_model.checkpoint, [dataset], [tmp_path / "f.h5"], [tmp_path / "f.parquet"], [], 256, "cpu")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            OSError(28, "No space left on device"),
            r"a file could not be read or written on the way \(\[Errno 28\] No space left on device\)",
        ),
        (RuntimeError("can't allocate memory: you tried to allocate 9"), r"memory is full \("),
        (IndexError("index out of range"), r"IndexError in test_library_errors\.py, line \d+: index out of range; if"),
    ],
)
def test_what_fails_while_fairseqs_checkpoints_are_published(tiny_model, tmp_path, monkeypatch, error, said):
    """Also of our own pretraining; none of it says that the file is no checkpoint of RoBERTa's."""
    tokenizer, state = tiny_model.text.tokenizer, trained_state(tiny_model.pretraining, read_json(tiny_model.record)["step"])
    monkeypatch.setattr(from_fairseq, "parity", raising(error))
    with pytest.raises(XlprobeError, match=rf"^{state}: {said}"):
        from_fairseq.publish_fairseq(state, tokenizer, tmp_path / "5", "theirs", None, 5, "here", [])
    with pytest.raises(XlprobeError, match=rf"^ours step \d+ \({tiny_model.pretraining}\): {said}"):
        from_fairseq.publish_trained(tiny_model.pretraining, tiny_model.record, tokenizer, tmp_path / "5", "ours", None, [])


def test_our_own_sentences_stay_as_they_are():
    with pytest.raises(XlprobeError, match=r"^as it is$"), library_errors(Path("x"), "key"):
        raise XlprobeError("as it is")
    with pytest.raises(KeyboardInterrupt), library_errors(Path("x"), "key"):
        raise KeyboardInterrupt


def test_a_script_ends_without_a_traceback(tiny_model, dataset, tmp_path):
    checkpoint = Path(shutil.copytree(tiny_model.checkpoint, tmp_path / "checkpoint"))
    config = (checkpoint / "config.json").read_text()
    (checkpoint / "config.json").write_text(config.replace('"gelu"', '"no_such_function"'))
    renew_digests(checkpoint)
    command = [sys.executable, PROJECT / "scripts" / "extract_features.py", "--checkpoint", checkpoint, "--datasets", dataset]
    command += ["--outputs", tmp_path / "f.h5", "--audit-outputs", tmp_path / "f.parquet", "--tokens-per-batch", "256", "--device", "cpu"]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith(f"error: {checkpoint}: ") and "no_such_function" in done.stderr
