"""Sentences that the captions of a paper's figures share."""

from collections.abc import Collection

from xlprobe.figures.paper_declaration import Asked
from xlprobe.metrics.correlations import IN_LANGUAGE
from xlprobe.metrics.model_tables import ModelTables


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
