"""Checkpoints of a model beside each other: the same weights twice, another tokenizer, a loss that jumps out of line."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from statistics import fmean
from typing import Any

from xlprobe.checkpoint_names import run_of, title

WEIGHTS_FILE = "model.safetensors"
TOKENIZER_FILE = "tokenizer.json"


def same_weights(identity: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two checkpoints of a model hold the same weights though they should not.

    Trainings with different seeds may start from one and the same step 0.
    """
    shared_start = identity["step"] == other["step"] == 0 and identity["training_seed"] != other["training_seed"]
    return identity["files"][WEIGHTS_FILE] == other["files"][WEIGHTS_FILE] and not shared_start


def faults(identity: dict[str, Any], other: dict[str, Any]) -> str | None:
    """What is wrong with two checkpoints of one model: a sentence, or nothing."""
    if same_weights(identity, other):
        return copy_of(identity, other)
    one_training = identity["training_seed"] == other["training_seed"]
    if one_training and identity["files"][TOKENIZER_FILE] != other["files"][TOKENIZER_FILE]:
        return f"{_step(identity)} has another tokenizer than {_step(other)}; take the one that the model was trained with for all steps"
    return None


def copy_of(identity: dict[str, Any], other: dict[str, Any]) -> str:
    """What to say of two checkpoints with the same weights."""
    return (
        f"{_step(identity)} holds the same weights as {_step(other)}; one of them is not what its name says: look at the suite, or"
        " take the step out of the model's `steps`"
    )


def _step(identity: dict[str, Any]) -> str:
    seed = "" if identity["training_seed"] is None else f" of training seed {identity['training_seed']}"
    return f"step {identity['step']}{seed}"


def out_of_line_checkpoints(identities: Iterable[dict[str, Any]]) -> Iterator[tuple[str, float]]:
    """The checkpoints whose loss jumps out of line with their neighbours' in the same training: title and mean loss.

    Trainings with a checkpoint that has no loss, since its head is missing, are left out.
    """
    ordered = sorted(identities, key=lambda identity: (run_of(identity), identity["step"]))
    for _, group in groupby(ordered, key=run_of):
        checkpoints = list(group)
        if all(identity["loss"] for identity in checkpoints):
            means = [fmean(identity["loss"].values()) for identity in checkpoints]
            flags = out_of_line(means)
            yield from ((title(identity), mean) for identity, mean, flag in zip(checkpoints, means, flags, strict=True) if flag)


def out_of_line(losses: Sequence[float], tolerance: float = 0.05, deviations: float = 6.0) -> list[bool]:
    """Flag the values that jump out of line with their neighbours.

    A value's excess is how far it lies outside the range of its two unflagged neighbours, so that a loss which falls,
    however fast, has none; the last value's is how far it lies above the one before, the first's how far below the one
    after. The largest
    excess is flagged if it is more than `tolerance` of the nearer neighbour and more than `deviations` times the median
    excess; then the rest is looked at again without it.

    Args:
        losses: one value a step, in order of steps.
    """
    flagged = [False] * len(losses)
    while True:
        kept = [index for index, flag in enumerate(flagged) if not flag]
        if len(kept) < 4:
            return flagged
        values = [losses[index] for index in kept]
        excesses = [max(0.0, values[1] - values[0])]
        for before, value, after in zip(values, values[1:], values[2:], strict=False):
            excesses.append(max(0.0, value - max(before, after), min(before, after) - value))
        excesses.append(max(0.0, values[-1] - values[-2]))
        usual = sorted(excesses)[len(excesses) // 2]
        worst = max(range(len(kept)), key=lambda place: excesses[place])
        nearer = min(abs(values[place]) for place in (max(worst - 1, 0), min(worst + 1, len(kept) - 1)))
        if excesses[worst] <= max(tolerance * nearer, deviations * usual):
            return flagged
        flagged[kept[worst]] = True
