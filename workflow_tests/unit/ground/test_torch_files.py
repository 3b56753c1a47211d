"""Files that `torch.save` wrote, damaged where PyTorch does not look."""

import argparse

import pytest
import torch

from xlprobe.artifacts.training_state import load_published_state
from xlprobe.errors import XlprobeError
from xlprobe.models.stored_weights import stored_tensors
from xlprobe.torch_files import load_torch

WEIGHTS = {"weight": torch.ones(1000), "bias": torch.arange(100.0)}


def damage(path):
    content = path.read_bytes()
    place = content.index(WEIGHTS["weight"].numpy().tobytes()) + 400
    path.write_bytes(content[:place] + bytes(16) + content[place + 16 :])


def test_a_zero_in_weights_that_were_none_is_refused(tmp_path):
    torch.save(WEIGHTS, tmp_path / "pytorch_model.bin")
    torch.save({"model": WEIGHTS, "args": argparse.Namespace()}, tmp_path / "12.pt")
    for name, read in (("pytorch_model.bin", lambda path: stored_tensors([path])), ("12.pt", load_published_state)):
        path = tmp_path / name
        read(path)
        damage(path)
        said = rf"{name}: cannot be read as a whole file of PyTorch's \(BadZipFile: .*/data/\d has another CRC-32 .*\); fetch it again"
        with pytest.raises(XlprobeError, match=said):
            read(path)


def test_files_that_have_no_checksums_are_read(tmp_path):
    torch.save(WEIGHTS, tmp_path / "old.bin", _use_new_zipfile_serialization=False)
    torch.serialization.set_crc32_options(False)
    try:
        torch.save(WEIGHTS, tmp_path / "without.bin")
    finally:
        torch.serialization.set_crc32_options(True)
    for name in ("old.bin", "without.bin"):
        assert {key: value.tolist() for key, value in load_torch(tmp_path / name).items()} == {k: v.tolist() for k, v in WEIGHTS.items()}


def test_full_memory_is_no_damage(tmp_path, monkeypatch):
    def fail(_):
        raise RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 4 bytes")

    torch.save({"model": WEIGHTS, "args": argparse.Namespace()}, tmp_path / "12.pt")
    monkeypatch.setattr("xlprobe.artifacts.training_state.load_state", fail)
    with pytest.raises(RuntimeError, match="not enough memory"):
        load_published_state(tmp_path / "12.pt")
