"""The files that hold a model after so many updates, as fairseq saved it."""

import argparse
from pathlib import Path
from typing import Any

import torch

from xlprobe.errors import ResumeError


def trained_state(folder: Path, step: int) -> Path:
    """The file with the weights after `step` updates, with or without the optimizer's state.

    Raises:
        ResumeError: neither is there.
    """
    for name in (f"step_{step}.pt", f"weights_{step}.pt"):
        if (folder / name).exists():
            return folder / name
    raise ResumeError(f"{folder}: the weights of step {step} are gone; restore the file, or delete the folder to train the model anew")


def load_state(path: Path) -> dict[str, Any]:
    """Load a fairseq state on the CPU; nothing but tensors, plain values and `argparse.Namespace` is unpickled."""
    with torch.serialization.safe_globals([argparse.Namespace]):
        return torch.load(path, map_location="cpu", weights_only=True)
