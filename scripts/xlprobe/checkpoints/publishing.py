"""Checkpoints: Hugging Face folders, all of one form wherever they come from, each with an `identity.json`.

`identity.json` comes last, and is what later work depends on: model, training seed, step, source, the sha256 of every file,
layers, hidden size, objective, losses, and what the checks found: the class that computes and what it does with its input.
"""

import contextlib
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import transformers

from xlprobe.checkpoints.canary import Findings, examine
from xlprobe.checkpoints.comparison import faults
from xlprobe.errors import XlprobeError
from xlprobe.files import land, read_json, sha256, write_json


@dataclass(frozen=True)
class Checkpoint:
    """Which checkpoint it is.

    Attributes:
        model: its name in the configuration.
        training_seed: None where there is one training.
        step: updates.
        source: where it comes from, for the record.
        siblings: the identities of the model's other checkpoints, made or not.
        own_code: `ignored` where code came with it, which never runs; else `none`.
        takes_bits: whether the run takes bits per character of it.
    """

    model: str
    training_seed: int | None
    step: int
    source: dict[str, Any]
    siblings: tuple[Path, ...] = ()
    own_code: str = "none"
    takes_bits: bool = False

    @property
    def objective_key(self) -> str:
        """The key of the configuration that says what the model was trained to do."""
        return f"models.{self.model}.{self.source.get('kind', 'huggingface')}.objective"


def publish(
    write: Callable[[Path], None],
    folder: Path,
    checkpoint: Checkpoint,
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
        XlprobeError: the canary refuses the checkpoint, or it has the same weights as another step, or another tokenizer.
    """
    # Until all is there again, what is there is no checkpoint.
    (folder / "identity.json").unlink(missing_ok=True)
    scratch = folder / ".part"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    write(scratch)
    findings = examine(scratch, objective, checkpoint.objective_key)
    _check_sight(findings, objective, folder, checkpoint)
    files = {}
    for path in sorted(scratch.iterdir()):
        land(path, folder / path.name)
        files[path.name] = sha256(folder / path.name)
    scratch.rmdir()
    identity = {
        "model": checkpoint.model,
        "training_seed": checkpoint.training_seed,
        "step": checkpoint.step,
        "source": checkpoint.source,
        "files": files,
        "layers": findings.layers,
        "hidden_size": findings.hidden_size,
        "parameters": findings.parameters,
        "objective": objective,
        "loss": findings.bits if losses is None else losses,
        "loss_text": "fixed" if losses is None else "held-out",
        "checks": {
            "model_class": findings.model_class,
            "attention": findings.attention,
            "own_code": checkpoint.own_code,
            "head": findings.head,
            "largest_activation": findings.largest_activation,
            "max_difference_to_fairseq": differences,
            "direction": findings.trials.direction,
            "padding": findings.trials.padding,
            "unknown_subwords": findings.unknown_subwords,
        },
        "versions": {"transformers": transformers.__version__},
    }
    write_json(folder / "identity.json", identity)
    # After writing: of two jobs that run at the same time, at least one then sees the other's.
    others = _read_siblings(checkpoint.siblings)
    if fault := next((fault for place, other in others if (fault := faults(identity, other, folder, place))), None):
        (folder / "identity.json").unlink()
        raise XlprobeError(f"{folder}: {fault}")


def _check_sight(findings: Findings, objective: str, folder: Path, checkpoint: Checkpoint) -> None:
    """Refuse a trained model that sees nothing, and one whose bits per character would be another thing than they are called."""
    direction = findings.trials.direction
    if direction == "neither way" and checkpoint.step > 0:
        raise XlprobeError(
            f"{folder}: no subword's vector depends on another subword, as if the model had not been trained: the transformers library does"
            f" not compute it here as it was trained; take step {checkpoint.step} out of models.{checkpoint.model}.steps, or"
            f" {checkpoint.model} out of models, in the configuration"
        )
    if checkpoint.takes_bits and not findings.trials.fit(objective):
        sees = "sees later subwords, too" if direction == "both ways" else "sees the subwords before a <mask> alone"
        raise XlprobeError(
            f"{folder}: when it was tried, the {objective} model {sees}, so that its bits per character would mean nothing; correct"
            f" {checkpoint.objective_key}, or add {checkpoint.model} to bpc.leave_out in the configuration"
        )


def _read_siblings(paths: Iterable[Path]) -> Iterator[tuple[Path, dict[str, Any]]]:
    for path in paths:
        # Another job may delete what it has just refused.
        with contextlib.suppress(XlprobeError):
            yield path.parent, read_json(path)
