"""How a kind of figure is declared, loaded by its name, and drawn."""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from xlprobe.artifacts.tables import read_table
from xlprobe.figures.drawing import STYLE, add_note, blank, save_figure
from xlprobe.metrics.curves import Dataset, Scores
from xlprobe.tasks.declaration import load_task

# Stands beside what the gate of signals flags.
MARK = "†"


@dataclass(frozen=True, kw_only=True)
class FigureKind:
    """A kind of figure.

    Attributes:
        shows: the part of a run that it shows, a key of `xlprobe.study.figure_kinds.PARTS`.
        caption: what the report says of it. As `shows` it stands there as plain text, since the plan of a run reads it (`figure_kinds`).
        metrics: the metrics that its table needs; {metric} is the task's own.
        table: how the table behind it is made, out of scores in these metrics.
        plot: how that is drawn.
        lacking: what datasets lack that are not in it.
    """

    shows: str
    caption: str
    metrics: tuple[str, ...] = ("{metric}",)
    table: Callable[[Scores], pd.DataFrame]
    plot: Callable[[pd.DataFrame, Scores], Figure]
    lacking: str = "no test example"


def load_figure(kind: str) -> FigureKind:
    """The kind of figure that the module `xlprobe.figures.<kind>` declares."""
    return importlib.import_module(f"xlprobe.figures.{kind}").FIGURE


def draw(
    kind: str,
    scores_path: Path,
    model: str,
    task: str,
    protocol: str | None,
    datasets: Mapping[str, Mapping[str, str]],
    png: Path,
    pdf: Path,
    csv: Path,
    gates: Path | None = None,
) -> None:
    """Draw a kind of figure from the scores table; of a task that may be measured in several ways, by this protocol.

    Args:
        gates: the table that says which curves have no signal to speak of; their datasets are marked.
    """
    figure, of_task = load_figure(kind), load_task(task)
    rows = read_table(scores_path)
    rows = rows[rows["metric"].isin([metric.format(metric=of_task.metric) for metric in figure.metrics])]
    flagged = set[str]() if gates is None else without_signal(read_table(gates), model, task, protocol)
    facts = {name: _marked(Dataset(**described), name in flagged) for name, described in datasets.items()}
    scores = Scores(rows, model, of_task, facts, protocol)
    table = figure.table(scores)
    with plt.rc_context(STYLE):
        drawn = figure.plot(table, scores) if len(table) else blank(f"{of_task.title}: {kind.replace('_', ' ')}", figure.lacking)
        if len(table) and (names := _left_out(table, scores)):
            add_note(drawn, f"not shown, having {figure.lacking}: {', '.join(names)}")
        if "dataset" in table and flagged & {*table["dataset"]}:
            add_note(drawn, f"{MARK} no clear signal over pretraining (metrics/gates.parquet)")
        save_figure(drawn, table, png, pdf, csv)


def without_signal(gates: pd.DataFrame, model: str, task: str, protocol: str | None) -> set[str]:
    """The datasets (of bits, languages) whose curve in language fails a check, in any training of a model."""
    of_task = gates[(gates["model"] == model) & (gates["task"] == task) & (gates["source"] == gates["target"]) & gates["passes"].eq(False)]
    of_task = of_task[of_task["protocol"].isna() if protocol is None else of_task["protocol"] == protocol]
    return {*of_task["source_language" if task == "bpc" else "source"]}


def _marked(dataset: Dataset, flagged: bool) -> Dataset:
    """A dataset with a mark at the end of its title's first line, where it is flagged."""
    first, *others = dataset.title.split("\n")
    return replace(dataset, title="\n".join([f"{first} {MARK}", *others])) if flagged else dataset


def _left_out(table: pd.DataFrame, scores: Scores) -> list[str]:
    """The datasets of the task that a figure's table does not have; none where it is not one of datasets."""
    if "dataset" not in table:
        return []
    scored = scores.in_language()
    scored = scored[scored["model"] == scores.model]
    # Scores of the model itself, which have no layer, are shown by language.
    return sorted({*scored["source_language" if scored["layer"].isna().all() else "source"]} - {*table["dataset"]})
