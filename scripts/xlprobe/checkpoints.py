"""Checkpoints: Hugging Face folders, all of one form wherever they come from, each with an `identity.json`.

`identity.json` comes last, and is what later work depends on: model, training seed, step, source, the sha256 of every file,
layers, hidden size, objective, losses, and what the checks found.
"""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import transformers

from xlprobe.canary import examine
from xlprobe.checkpoint_copies import copy_of, same_weights
from xlprobe.errors import XlprobeError
from xlprobe.files import atomic_path, read_json, sha256, write_json


@dataclass(frozen=True)
class Origin:
    """Which checkpoint it is: model, training seed (None where there is one training), step, and where it comes from."""

    model: str
    training_seed: int | None
    step: int
    source: dict[str, Any]


def publish(
    write: Callable[[Path], None],
    folder: Path,
    origin: Origin,
    objective: str,
    losses: dict[str, float] | None,
    differences: dict[str, float] | None,
) -> None:
    """Write a checkpoint's folder, let the canary look at it, and write its identity.

    Args:
        write: writes the model and its tokenizer into a folder.
        folder: where the checkpoint goes.
        objective: masked or causal.
        losses: bits per predicted subword by language, on held-out text; None takes the canary's, on its fixed text.
        differences: largest differences to the original implementation, where it was run.

    Raises:
        XlprobeError: the canary refuses the checkpoint, or it holds the same weights as another step.
    """
    scratch = folder / ".part"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    write(scratch)
    findings = examine(scratch, objective)
    files = {}
    for path in sorted(scratch.iterdir()):
        with atomic_path(folder / path.name) as temporary:
            shutil.move(path, temporary)
        files[path.name] = sha256(folder / path.name)
    scratch.rmdir()
    identity = {
        "model": origin.model,
        "training_seed": origin.training_seed,
        "step": origin.step,
        "source": origin.source,
        "files": files,
        "layers": findings.layers,
        "hidden_size": findings.hidden_size,
        "parameters": findings.parameters,
        "objective": objective,
        "loss": findings.bits if losses is None else losses,
        "loss_text": "fixed" if losses is None else "held-out",
        "checks": {"head": findings.head, "largest_activation": findings.largest_activation, "max_difference_to_fairseq": differences},
        "versions": {"transformers": transformers.__version__},
    }
    write_json(folder / "identity.json", identity)
    # After writing: of two jobs that run at the same time, at least one then sees the other's.
    others = [read_json(path) for path in sorted(_other_identities(folder, origin.training_seed))]
    if other := next((other for other in others if same_weights(identity, other)), None):
        (folder / "identity.json").unlink()
        raise XlprobeError(f"{folder}: {copy_of(identity, other)}")


def _other_identities(folder: Path, training_seed: int | None) -> set[Path]:
    """The identities of the model's other checkpoints that are there."""
    found = set(folder.parent.glob("[0-9]*/identity.json"))
    if training_seed is not None:
        found |= set(folder.parent.parent.glob("seed_*/[0-9]*/identity.json"))
    return found - {folder / "identity.json"}
