"""The files that hold a model after so many updates, as fairseq saved it."""

import argparse
import pickle
from pathlib import Path
from typing import Any

import torch

from xlprobe.errors import ResumeError, XlprobeError


def trained_state(folder: Path, step: int) -> Path:
    """The file with the weights after `step` updates, with or without the optimizer's state.

    Raises:
        ResumeError: neither is there.
    """
    for name in (f"step_{step}.pt", f"weights_{step}.pt"):
        if (folder / name).exists():
            return folder / name
    raise ResumeError(f"{folder}: the weights of step {step} are gone; restore the file, or delete the folder to train the model anew")


def load_published_state(path: Path) -> dict[str, Any]:
    """Load a state that fairseq saved elsewhere, and bring it to the form of version 0.12, whose `cfg` older ones lack.

    Raises:
        XlprobeError: the file is none of fairseq's, is cut short, or holds objects that are not safe to unpickle.
    """
    if not path.is_file():
        raise XlprobeError(f"{path}: no such checkpoint; look at `checkpoints` in the model's configuration")
    try:
        state = load_state(path)
    except pickle.UnpicklingError as error:
        reason = str(error).split("WeightsUnpickler error: ")[-1].split("\n")[0]
        raise XlprobeError(
            f"{path}: holds more than tensors, plain values and argparse.Namespace ({reason}), and is not unpickled"
        ) from None
    except (RuntimeError, EOFError, KeyError) as error:
        raise XlprobeError(f"{path}: no checkpoint that torch can read, or one that is cut short ({str(error).splitlines()[0]})") from None
    if not isinstance(state, dict) or "model" not in state or not ({"cfg", "args"} & {*state}):
        raise XlprobeError(f"{path}: no checkpoint of fairseq's; expected weights under `model` and settings under `cfg` or `args`")
    settings = state.get("cfg") or {"task": state["args"], "model": state["args"]}
    # Newer settings are plain dictionaries where fairseq has made a dataclass of them.
    state["cfg"] = {name: _namespace(settings[name]) for name in ("task", "model")}
    return state


def _namespace(settings: Any) -> argparse.Namespace:
    return argparse.Namespace(**settings) if isinstance(settings, dict) else settings


def load_state(path: Path) -> dict[str, Any]:
    """Load a fairseq state on the CPU; nothing but tensors, plain values and `argparse.Namespace` is unpickled."""
    with torch.serialization.safe_globals([argparse.Namespace]):
        return torch.load(path, map_location="cpu", weights_only=True)
