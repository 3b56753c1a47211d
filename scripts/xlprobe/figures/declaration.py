"""How a kind of figure is declared, loaded by its name, and drawn."""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from xlprobe.artifacts.tables import read_table
from xlprobe.figures.drawing import STYLE, add_note, blank, save_figure
from xlprobe.metrics.curves import Dataset, Scores
from xlprobe.tasks.declaration import load_task


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
) -> None:
    """Draw a kind of figure from the scores table; of a task that may be measured in several ways, by this protocol."""
    figure, of_task = load_figure(kind), load_task(task)
    rows = read_table(scores_path)
    rows = rows[rows["metric"].isin([metric.format(metric=of_task.metric) for metric in figure.metrics])]
    scores = Scores(rows, model, of_task, {name: Dataset(**described) for name, described in datasets.items()}, protocol)
    table = figure.table(scores)
    with plt.rc_context(STYLE):
        drawn = figure.plot(table, scores) if len(table) else blank(f"{of_task.title}: {kind.replace('_', ' ')}", figure.lacking)
        if len(table) and (names := _left_out(table, scores)):
            add_note(drawn, f"not shown, having {figure.lacking}: {', '.join(names)}")
        save_figure(drawn, table, png, pdf, csv)


def _left_out(table: pd.DataFrame, scores: Scores) -> list[str]:
    """The datasets of the task that a figure's table does not have; none where it is not one of datasets."""
    if "dataset" not in table:
        return []
    scored = scores.in_language()
    scored = scored[scored["model"] == scores.model]
    # Scores of the model itself, which have no layer, are shown by language.
    return sorted({*scored["source_language" if scored["layer"].isna().all() else "source"]} - {*table["dataset"]})
