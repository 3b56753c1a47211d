"""Probing tasks: each module here declares one as `TASK`, and is loaded by its name.

A task's module is loaded when it is asked for, so that a change to one task touches no other task's results.
"""

import importlib
from dataclasses import dataclass

from xlprobe.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class Task:
    """Something that is measured.

    Attributes:
        name: the task's name in the configuration, in paths and in tables.
        metric: the name of the score that its figures show.
    """

    name: str
    metric: str


@dataclass(frozen=True, kw_only=True)
class WordTask(Task):
    """A task that labels single words.

    Attributes:
        label: the column of the dataset's word table that holds the labels.
    """

    label: str
    metric: str = "accuracy"


def load_task(name: str) -> Task:
    """The task that the module `xlprobe.tasks.<name>` declares.

    Raises:
        ConfigError: there is no such task.
    """
    try:
        return importlib.import_module(f"xlprobe.tasks.{name}").TASK
    except ModuleNotFoundError:
        raise ConfigError(f"config key probes.tasks: unknown task {name!r}") from None


def load_word_task(name: str) -> WordTask:
    """The task of that name, one that probes of single words learn.

    Raises:
        ConfigError: there is no such task, or it is of another kind.
    """
    task = load_task(name)
    if not isinstance(task, WordTask):
        raise ConfigError(f"config key probes.tasks: {name!r} does not label words, so that no probe can be trained for it")
    return task
