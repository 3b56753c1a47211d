"""The name of a checkpoint in paths, tables and logs, from its identity: model, training seed, step."""

from collections.abc import Mapping
from typing import Any

# The columns that name a checkpoint in every table.
COLUMNS = ("model", "training_seed", "step")


def run_name(model: str, training_seed: int | None) -> str:
    """A training's name in paths: the model's, and a folder for the training seed where there are several.

    >>> run_name("xlmr", None), run_name("multiberts", 3)
    ('xlmr', 'multiberts/seed_3')
    """
    return model if training_seed is None else f"{model}/seed_{training_seed}"


def run_of(identity: Mapping[str, Any]) -> str:
    """The name of the training that a checkpoint belongs to."""
    return run_name(identity["model"], identity["training_seed"])


def columns(identity: Mapping[str, Any]) -> dict[str, Any]:
    """The columns that name a checkpoint, with its values."""
    return {column: identity[column] for column in COLUMNS}


def title(identity: Mapping[str, Any]) -> str:
    """A checkpoint's name in logs and messages: `multiberts/seed_3 step 20000`."""
    return f"{run_of(identity)} step {identity['step']}"
