"""How a task is declared, and loaded by its name."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from xlprobe.errors import ConfigError

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class Task:
    """Something that is measured.

    Attributes:
        name: the task's name in the configuration, in paths and in tables.
        title: what it is called in figures.
        metric: the name of the score that its figures show.
        direction: whether a higher or a lower score is better.
        version: raised when scores no longer mean what they did; probes of another version are refused.
    """

    name: str
    title: str
    metric: str
    direction: Literal["higher", "lower"]
    version: int


@dataclass(frozen=True, kw_only=True)
class ProbeTask(Task):
    """A task that linear probes learn.

    Attributes:
        data: what is labelled: single words, pairs of words (a word's vector and its head's; `xlprobe.probes.examples`), or pairs of
            sentences.
        label: from the dataset's word table, or from the table of pairs, the label of each row; where it is missing, the
            row is no example.
    """

    data: Literal["words", "pairs", "sentence_pairs"]
    label: Callable[["pd.DataFrame"], "pd.Series"]


def load_task(name: str) -> Task:
    """The task that the module `xlprobe.tasks.<name>` declares.

    Raises:
        ConfigError: there is no such task.
    """
    module = f"xlprobe.tasks.{name}"
    try:
        task = getattr(importlib.import_module(module), "TASK", None)
    except ModuleNotFoundError as error:
        if error.name != module:
            raise
        task = None
    if not isinstance(task, Task):
        raise ConfigError(f"config key probes.tasks: unknown task {name!r}; name a task of scripts/xlprobe/tasks")
    return task


def load_probe_task(name: str) -> ProbeTask:
    """The task of that name, one that probes learn.

    Raises:
        ConfigError: there is no such task, or it is of another kind.
    """
    task = load_task(name)
    if not isinstance(task, ProbeTask):
        raise ConfigError(f"config key probes.tasks: {name!r} labels nothing, so that no probe can be trained for it; take it out")
    return task
