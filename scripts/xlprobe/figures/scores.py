"""What figures are drawn from: the scores of a model and task."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from xlprobe.tasks.declaration import ProbeTask, Task


@dataclass(frozen=True)
class Dataset:
    """What a figure says of a dataset: its title, its language and family (of a bitext, both, a dash between)."""

    title: str
    language: str
    family: str


@dataclass(frozen=True)
class Scores:
    """What a figure is drawn from.

    Attributes:
        table: `metrics/scores.parquet`.
        model: the model shown.
        task: the task shown.
        datasets: the run's datasets by name.
    """

    table: pd.DataFrame
    model: str
    task: Task
    datasets: Mapping[str, Dataset]

    @property
    def metric(self) -> str:
        """The task's metric, as figures write it."""
        return self.task.metric.replace("f1", "F1")

    def in_language(self, metric: str | None = None) -> pd.DataFrame:
        """The task's scores within single datasets, baselines too; in the task's own metric unless another is named."""
        chosen = self.of_task(metric)
        return chosen[chosen["source"] == chosen["target"]]

    def of_task(self, metric: str | None = None) -> pd.DataFrame:
        """The task's scores in its own metric, unless another is named; of probes those of each seed, without their means."""
        table = self.table[(self.table["task"] == self.task.name) & (self.table["metric"] == (metric or self.task.metric))]
        return table[table["seed"].notna() | table["step"].isna()] if isinstance(self.task, ProbeTask) else table

    def of_model(self, scores: pd.DataFrame, split: str) -> pd.DataFrame:
        """The model's part of some scores on one split."""
        return scores[(scores["model"] == self.model) & (scores["split"] == split)]

    def on_dev(self) -> pd.Series:
        """How good each dev score is, mean over seeds, by dataset, step and layer; higher is better."""
        means = self.of_model(self.in_language(), "dev").groupby(["source", "step", "layer"])["value"].mean()
        return -means if self.task.direction == "lower" else means

    def best_layers(self) -> pd.Series:
        """The layer with the best dev score, mean over seeds, by dataset and step."""
        means = self.on_dev()
        return means.groupby(level=["source", "step"]).idxmax().map(lambda place: place[2])

    def by_layer(self) -> pd.DataFrame:
        """Mean test score over seeds, within single datasets: columns dataset, layer, step, mean."""
        test = self.of_model(self.in_language(), "test")
        means = test.groupby(["source", "layer", "step"], as_index=False)["value"].mean()
        return means.rename(columns={"source": "dataset", "value": "mean"})

    def left_out(self, table: pd.DataFrame) -> list[str]:
        """The datasets of the task that a figure's table does not have; none where it is not one of datasets."""
        scored = self.in_language()
        return sorted({*scored.loc[scored["model"] == self.model, "source"]} - {*table["dataset"]}) if "dataset" in table else []

    def titles(self, names: pd.Series) -> dict[str, str]:
        """The titles of the datasets that occur, in order of their names."""
        return {name: self.datasets[name].title for name in sorted(names.unique())}
