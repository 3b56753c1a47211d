"""Sentences that the captions of a paper's figures share."""

from collections.abc import Collection, Sequence

import pandas as pd

from xlprobe.figures.paper_declaration import Asked
from xlprobe.metrics.correlations import IN_LANGUAGE
from xlprobe.metrics.learning import SET_OF_STEPS
from xlprobe.metrics.model_tables import ModelTables

# Of more curves, their number is said.
MOST_NAMED = 8


def not_shown(shown: Collection[str], tables: ModelTables, asked: Asked, setting: str, otherwise: str) -> list[str]:
    """A sentence for each task that a figure is asked for and does not show: why that is.

    Args:
        shown: the tasks that it shows.
        otherwise: the reason where the study has none, since the task is measured.
    """
    # What is not measured in language is not transferred, and alignments are in language.
    reasons = {task: tables.absent(task, setting) or tables.absent(task, IN_LANGUAGE) for task in asked.tasks if task not in shown}
    return [f"Not shown: {tables.task(task).title.lower()} ({why or otherwise})." for task, why in reasons.items()]


def counted(number: int, one: str, several: str) -> str:
    """A number of things."""
    return f"{number} {one if number == 1 else several}"


def without_step(curves: Sequence[str], one: str, several: str) -> list[str]:
    """A sentence on the curves that have no step to any share of their best, since that is 0; none where all have one."""
    if not curves:
        return []
    said = ", ".join(curves) if len(curves) <= MOST_NAMED else counted(len(curves), one, several)
    return [f"Left out, since the score stays 0: {said}."]


def surely_after(sets: pd.DataFrame, step: int) -> int:
    """How many sets of steps (`interval`, `low`) begin after a step; without `low` they begin after the last checkpoint."""
    return int(((sets["interval"] == SET_OF_STEPS) & ~sets["low"].astype(float).le(step)).sum())
