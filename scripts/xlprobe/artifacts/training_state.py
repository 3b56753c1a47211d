"""The files that hold a model after so many updates, as fairseq saved it."""

import argparse
import codecs
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from xlprobe.artifacts.training_identity import weights_file
from xlprobe.errors import ResumeError, XlprobeError, first_sentence
from xlprobe.library_errors import memory_is_full
from xlprobe.torch_files import check_extent, load_torch

# Parts of names that wrappers of a model add to its parameters': data parallel, torch.compile, FSDP, activation checkpoints.
WRAPPERS = {"module", "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"}
# Objects that are unpickled: the settings of older versions, and single numbers that NumPy made (losses, times).
PLAIN: list[Any] = [
    argparse.Namespace,
    np.dtype,
    codecs.encode,
    *(type(np.dtype(kind)) for kind in (np.bool_, np.int32, np.int64, np.float16, np.float32, np.float64)),
    *((np.float64().__reduce__()[0], f"numpy.{package}.multiarray.scalar") for package in ("core", "_core")),
]


def trained_state(folder: Path, step: int) -> Path:
    """The file with the weights after `step` updates, with or without the optimizer's state.

    Raises:
        ResumeError: neither is there.
    """
    path = weights_file(folder, step)
    if path is None:
        raise ResumeError(
            f"{folder}: the weights of step {step} are gone; restore step_{step}.pt (with early stopping, kept_{step}.pt), or delete the"
            " step's training.json to train it again"
        )
    return path


def load_published_state(path: Path, key: str = "fairseq.checkpoints") -> dict[str, Any]:
    """Load a state that fairseq saved elsewhere, and bring it to the form of version 0.12, whose `cfg` older ones lack.

    Args:
        key: the key of the configuration that names the file, for messages.

    Raises:
        XlprobeError: the file is none of fairseq's, is cut short, or holds objects that are not safe to unpickle.
    """
    if not path.is_file():
        raise XlprobeError(f"{path}: no such checkpoint; look at {key} in the configuration")
    try:
        state = load_state(path)
    except pickle.UnpicklingError as error:
        reason = str(error).split("WeightsUnpickler error: ")[-1].split("\n")[0]
        raise XlprobeError(
            f"{path}: holds more than tensors, plain values and argparse.Namespace ({reason}), and is not unpickled; save it again with"
            " its `model` and its `cfg` (as dictionaries) or `args` alone"
        ) from None
    except (RuntimeError, EOFError, KeyError) as error:
        if memory_is_full(error):
            raise
        raise XlprobeError(f"{path}: no checkpoint that torch can read, or one that is cut short ({first_sentence(error)})") from None
    if not isinstance(state, dict) or "model" not in state or not ({"cfg", "args"} & {*state}):
        raise XlprobeError(f"{path}: no checkpoint of fairseq's; expected weights under `model` and settings under `cfg` or `args`")
    state["model"] = _unwrapped(state["model"], path, key)
    settings = state.get("cfg") or {"task": state["args"], "model": state["args"]}
    # Newer settings are plain dictionaries where fairseq has made a dataclass of them.
    state["cfg"] = {name: _namespace(settings[name]) for name in ("task", "model")}
    return state


def _unwrapped(weights: Any, path: Path, key: str) -> dict[str, torch.Tensor]:
    """The weights under the names that the model itself gives them, whatever it was wrapped in when it was saved."""
    if not isinstance(weights, Mapping):
        raise XlprobeError(f"{path}: no checkpoint of fairseq's; under `model` stands no mapping of names to weights")
    check_extent((value for value in weights.values() if isinstance(value, torch.Tensor)), path)
    names = {name: ".".join(part for part in name.split(".") if part not in WRAPPERS) for name in weights if isinstance(name, str)}
    if len({*names.values()}) < len(weights):
        raise XlprobeError(
            f"{path}: its weights stand there twice, inside of a wrapper of the model ({', '.join(sorted(WRAPPERS))}) and outside;"
            f" save it again with one of each under `model`, or take its step out of {key} in the configuration"
        )
    return {names[name]: value for name, value in weights.items()}


def _namespace(settings: Any) -> argparse.Namespace:
    return argparse.Namespace(**settings) if isinstance(settings, dict) else settings


def load_state(path: Path) -> dict[str, Any]:
    """Load a fairseq state on the CPU; nothing but tensors, plain values, single numbers and `argparse.Namespace` is unpickled."""
    return load_torch(path, safe=PLAIN)
