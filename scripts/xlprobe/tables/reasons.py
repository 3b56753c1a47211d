"""Why a table says nothing of a task."""

from collections.abc import Iterable, Mapping

from xlprobe.metrics.correlations import IN_LANGUAGE, TRANSFER
from xlprobe.metrics.model_tables import TASKS, ModelTables
from xlprobe.tables.rendering import MISSING

# What paper 1 measures, and what its tables call it.
NAMES = {**TASKS, "alignment": "SimAlign"}
MEASURED = [(task, IN_LANGUAGE) for task in NAMES] + [(task, TRANSFER) for task in NAMES if task not in ("bpc", "alignment")]


def reasons(tables: ModelTables, settings: Iterable[str], names: Mapping[str, str] = NAMES) -> list[str]:
    """A sentence for each reason why tasks of paper 1 have no curve in some settings; none where all have one.

    Args:
        names: what the table calls the tasks that it is about.
    """
    asked, found = {*settings}, dict[str, dict[str, list[str]]]()
    for task, setting in ((task, setting) for task in names for of, setting in MEASURED if of == task and setting in asked):
        if tables.curves("best", task, setting).empty:
            why = tables.absent(task, setting) or "nothing that it needs is measured in this run"
            found.setdefault(why, {}).setdefault(names[task], []).append(setting)
    return [f"{MISSING} for {', '.join(map(_named, tasks.items()))}: {why}." for why, tasks in found.items()]


def _named(task: tuple[str, list[str]]) -> str:
    name, settings = task
    return f"{name} ({settings[0]})" if len(settings) == 1 else name
