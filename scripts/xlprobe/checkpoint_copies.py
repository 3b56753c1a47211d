"""Two checkpoints of a model that hold the same weights: one of them is not what its name says."""

from typing import Any

WEIGHTS_FILE = "model.safetensors"


def same_weights(identity: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two checkpoints of a model hold the same weights though they should not.

    Trainings with different seeds may start from one and the same step 0.
    """
    shared_start = identity["step"] == other["step"] == 0 and identity["training_seed"] != other["training_seed"]
    return identity["files"][WEIGHTS_FILE] == other["files"][WEIGHTS_FILE] and not shared_start


def copy_of(identity: dict[str, Any], other: dict[str, Any]) -> str:
    """What to say of two checkpoints with the same weights."""
    return (
        f"step {identity['step']}{_seed(identity)} holds the same weights as step {other['step']}{_seed(other)}; one of them"
        " is not what its name says: look at the suite, or take the step out of the model's `steps`"
    )


def _seed(identity: dict[str, Any]) -> str:
    return "" if identity["training_seed"] is None else f" of training seed {identity['training_seed']}"
