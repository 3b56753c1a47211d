"""Comparing the checkpoints of a model: no two may have the same weights; those of one training must share training and tokenizer."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from xlprobe.artifacts.checkpoint_names import run_of, title
from xlprobe.artifacts.training_identity import weights_file
from xlprobe.errors import XlprobeError
from xlprobe.files import read_json

WEIGHTS_FILE = "model.safetensors"
TOKENIZER_FILE = "tokenizer.json"


def same_weights(identity: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two checkpoints of a model hold the same weights though they should not.

    Trainings with different seeds may start from one and the same step 0.
    """
    shared_start = identity["step"] == other["step"] == 0 and identity["training_seed"] != other["training_seed"]
    return identity["files"][WEIGHTS_FILE] == other["files"][WEIGHTS_FILE] and not shared_start


def faults(identity: dict[str, Any], other: dict[str, Any], folder: Path, other_folder: Path) -> str | None:
    """What is wrong with two checkpoints of one model, published in these folders: a sentence, or nothing."""
    if same_weights(identity, other):
        return copy_of(identity, other)
    one_training = identity["training_seed"] == other["training_seed"]
    if one_training and training_of(identity) != training_of(other):
        return f"{_step(identity)} is of another training than {_step(other)}; {_way_out({folder: identity, other_folder: other})}"
    if one_training and identity["files"][TOKENIZER_FILE] != other["files"][TOKENIZER_FILE]:
        return f"{_step(identity)} has another tokenizer than {_step(other)}; take the one that the model was trained with for all steps"
    return None


def training_of(identity: dict[str, Any]) -> str | None:
    """The digest of what a checkpoint that was pretrained here was trained with; None of others."""
    return identity["source"].get("identity_sha256")


def refuse_mixed_trainings(checkpoints: Iterable[Path]) -> None:
    """Refuse checkpoints that are called one training and are not.

    Args:
        checkpoints: folders of published checkpoints, of any runs.

    Raises:
        XlprobeError: names two of them.
    """
    firsts: dict[str, tuple[Path, dict[str, Any]]] = {}
    for folder in checkpoints:
        identity = read_json(folder / "identity.json")
        first_folder, first = firsts.setdefault(run_of(identity), (folder, identity))
        if training_of(identity) != training_of(first):
            way_out = _way_out({folder: identity, first_folder: first})
            raise XlprobeError(f"{folder}: {title(identity)} is of another training than {title(first)}; {way_out}")


def _way_out(checkpoints: dict[Path, dict[str, Any]]) -> str:
    """What to do about checkpoints of two trainings: those that are not as their records say are published again, or left out."""
    ways_out = []
    for folder, identity in checkpoints.items():
        if training_of(identity) == _recorded(folder):
            continue
        run = run_of(identity)
        # The name of a run is a path of one part or two.
        state = folder.parents[len(Path(run).parts)].parent / "pretrain" / run
        if weights_file(state, identity["step"]) is None:
            step = f"step {identity['step']} out of models.{identity['model']}.steps"
            ways_out.append(f"take {step}, since its weights are gone from {state} and nothing can publish it again")
        else:
            ways_out.append(f"delete {folder / 'identity.json'} and run again to publish that step as it is trained now")
    # Of records of two trainings Snakemake speaks when it starts.
    return ", and ".join(ways_out) or "run again, which names the folders to delete"


def _recorded(folder: Path) -> str | None:
    """The digest of what a checkpoint's step was trained with, as its record says."""
    record = folder / "training.json"
    return read_json(record).get("identity_sha256") if record.exists() else None


def copy_of(identity: dict[str, Any], other: dict[str, Any]) -> str:
    """What to say of two checkpoints with the same weights."""
    return (
        f"{_step(identity)} holds the same weights as {_step(other)}; one of them is not what its name says: look at the suite, or"
        f" take the step out of models.{identity['model']}.steps"
    )


def _step(identity: dict[str, Any]) -> str:
    seed = "" if identity["training_seed"] is None else f" of training seed {identity['training_seed']}"
    return f"step {identity['step']}{seed}"
