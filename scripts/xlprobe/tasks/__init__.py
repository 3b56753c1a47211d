"""Probing tasks: each module here declares one as `TASK`, and is loaded by its name.

A task's module is loaded when it is asked for, so that a change to one task touches no other task's results.
"""

import importlib
from dataclasses import dataclass

from xlprobe.errors import ConfigError


@dataclass(frozen=True)
class WordTask:
    """A task that labels single words.

    Attributes:
        name: the task's name in the configuration, in paths and in tables.
        label: the column of the dataset's word table that holds the labels.
        metric: the name of the score.
    """

    name: str
    label: str
    metric: str = "accuracy"


def load_task(name: str) -> WordTask:
    """The task that the module `xlprobe.tasks.<name>` declares.

    Raises:
        ConfigError: there is no such task.
    """
    try:
        return importlib.import_module(f"xlprobe.tasks.{name}").TASK
    except ModuleNotFoundError:
        raise ConfigError(f"config key probes.tasks: unknown task {name!r}") from None
