"""Curves over steps and layers of what is measured of a model: what figures show, and what further measures are taken of.

In language, source and target are one dataset; in transfer the target is another one, a parallel test set. Baselines without
vectors have no step, and stand among the scores of both.

Each curve has the columns of SUMMARY:
    mean: over seeds and trainings.
    low, high: the interval of the mean over seeds, over test sentences and seeds; of several trainings, the ends of all their
        intervals. Missing where the run computes no intervals.
    least, most: the lowest and the highest value of a seed; where no probes are trained, of a training.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from xlprobe.metrics.text_forms import in_one_form
from xlprobe.tasks.declaration import ProbeTask, Task

# Baselines in language, in the order of the columns of learning curves.
BASELINES = ("word_type", "hypothesis_only", "word_overlap", "majority")
# Those of transfer, what the source's train set tells of the target: its most frequent label, and that of each form.
TRANSFER_BASELINES = ("majority", "word_type")
# What a curve says at a step, of the rows that `Scores.of_task` gives.
SUMMARY = {"mean": ("value", "mean"), "low": ("low", "min"), "high": ("high", "max"), "least": ("value", "min"), "most": ("value", "max")}
# What one measurement of a metric is of, but for its seed.
MEASURED = ["model", "training_seed", "step", "layer", "source", "target", "split", "protocol"]
# Words whose form alone does not tell the label: by what the names of their metrics end in.
WORD_GROUPS = ("ambiguous", "unseen")
# How the languages of a source and a target are related.
SAME_LANGUAGE, SAME_FAMILY, OTHER_FAMILY = "the same language", "another of the family", "another family"


@dataclass(frozen=True)
class Dataset:
    """What is told of a dataset: its title, its language and family (of a bitext, both, a dash between)."""

    title: str
    language: str
    family: str


@dataclass(frozen=True)
class Scores:
    """What is measured of a model in a task.

    Attributes:
        table: `metrics/scores.parquet`.
        model: the model's name; all of its trainings count.
        datasets: the run's datasets by name.
        protocol: how the run measures the task; what is measured in another way beside it is left out.
    """

    table: pd.DataFrame
    model: str
    task: Task
    datasets: Mapping[str, Dataset]
    protocol: str | None

    def of_task(self, metric: str | None = None) -> pd.DataFrame:
        """The task's scores in its own metric, unless another is named; of probes those of each seed, without their means.

        low and high of a seed's row are those of the mean over the seeds, of the same training. Of measurements that stand
        beside each other by several protocols, the run's own alone; baselines have none.
        """
        asked = (self.table["task"] == self.task.name) & (self.table["metric"] == (metric or self.task.metric))
        table = self.table[asked & (self.table["protocol"].isna() | (self.table["protocol"] == self.protocol))]
        if not isinstance(self.task, ProbeTask):
            return table
        of_means = table[["low", "high"]].where(table["seed"].isna())
        table = table.assign(**of_means.groupby([table[name] for name in MEASURED], dropna=False).transform("first"))
        return table[table["seed"].notna() | table["step"].isna()]

    def in_language(self, metric: str | None = None) -> pd.DataFrame:
        """The task's scores within single datasets, baselines too."""
        chosen = self.of_task(metric)
        return chosen[chosen["source"] == chosen["target"]]

    def across(self) -> pd.DataFrame:
        """The task's scores of transfer, baselines too."""
        chosen = self.of_task()
        return chosen[chosen["source"] != chosen["target"]]

    def of_model(self, scores: pd.DataFrame, split: str) -> pd.DataFrame:
        """The model's part of some scores on one split."""
        return scores[(scores["model"] == self.model) & scores["step"].notna() & (scores["split"] == split)]

    def of_baselines(self, scores: pd.DataFrame) -> pd.DataFrame:
        """The part of some scores on test that baselines have; their names stand in the place of the model's."""
        return scores[scores["step"].isna() & (scores["split"] == "test")]


def dev_means(scores: Scores) -> pd.Series:
    """How good each layer is on dev, mean over seeds, by dataset, step and layer; higher is better, whatever the task's direction."""
    means = scores.of_model(scores.in_language(), "dev").groupby(["source", "step", "layer"])["value"].mean()
    return -means if scores.task.direction == "lower" else means


def best_layers(scores: Scores) -> pd.Series:
    """The layer that is best on dev, by dataset and step; of equal ones the lowest."""
    means = dev_means(scores)
    return means.groupby(level=["source", "step"]).idxmax().map(lambda place: place[2])


def layer_means(scores: Scores) -> pd.DataFrame:
    """Test scores in language: columns dataset, layer, step, and those of SUMMARY."""
    test = scores.of_model(scores.in_language(), "test")
    means = test.groupby(["source", "layer", "step"], as_index=False).agg(**SUMMARY)
    return means.rename(columns={"source": "dataset"})


def alignment_curves(scores: Scores) -> pd.DataFrame:
    """The table of `layer_means`, with what the diagonal's links score (column `diagonal`)."""
    table, baselines = layer_means(scores), scores.of_baselines(scores.in_language()).set_index("source")["value"]
    return table.assign(diagonal=table["dataset"].map(baselines))


def layer_sweeps(scores: Scores) -> pd.DataFrame:
    """The table of `layer_means`, without datasets measured at a single layer where others are measured at several."""
    table = layer_means(scores)
    several = table.groupby("dataset")["layer"].transform("nunique") > 1
    return table[several] if several.any() else table


def learning_curves(scores: Scores) -> pd.DataFrame:
    """Test scores in language by step, of the last layer and of the layer that is best on dev at that step.

    Returns:
        Columns dataset, step, curve (`last layer`, `best layer`), layer, those of SUMMARY, and those of BASELINES, missing where
        the task has them not.
    """
    chosen = scores.in_language()
    baselines = scores.of_baselines(chosen).set_index(["source", "model"])["value"]
    test = scores.of_model(chosen, "test").groupby(["source", "step", "layer"]).agg(**SUMMARY)
    rows = []
    for dataset, step, best in best_layers(scores).rename("layer").reset_index().itertuples(index=False):
        if (dataset, step) not in test.index:
            continue
        layers = test.loc[(dataset, step)]
        for curve, layer in (("last layer", layers.index.max()), ("best layer", best)):
            of_baselines = (baselines.get((dataset, name), np.nan) for name in BASELINES)
            rows.append((dataset, step, curve, layer, *layers.loc[layer], *of_baselines))
    return pd.DataFrame(rows, columns=["dataset", "step", "curve", "layer", *SUMMARY, *BASELINES])


def word_group_curves(scores: Scores) -> pd.DataFrame:
    """Test scores in language on each of WORD_GROUPS by step, at the layer that is best on all dev words at that step.

    Returns:
        Columns dataset, step, group, layer, those of SUMMARY, words (their number), and the word-type baseline.
    """
    best = best_layers(scores).rename("layer").reset_index()
    rows = []
    for group in WORD_GROUPS:
        chosen = scores.in_language(f"{scores.task.metric}_{group}")
        baselines = scores.of_baselines(chosen[chosen["model"] == "word_type"]).set_index("source")["value"]
        test = scores.of_model(chosen, "test").groupby(["source", "step", "layer"]).agg(**SUMMARY, words=("n", "first"))
        for dataset, step, layer in best.itertuples(index=False):
            if (dataset, step, layer) in test.index:
                rows.append((dataset, step, group, layer, *test.xs((dataset, step, layer)), baselines[dataset]))
    return pd.DataFrame(rows, columns=["dataset", "step", "group", "layer", *SUMMARY, "words", "word_type"])


def split_curves(scores: Scores) -> pd.DataFrame:
    """Scores of the model itself, which have no layer, by language, split and step.

    Returns:
        Columns dataset (the language), split, step, and those of SUMMARY, over trainings and parallel test sets.
    """
    chosen = scores.in_language()
    groups = chosen[chosen["model"] == scores.model].groupby(["source_language", "split", "step"], as_index=False)
    return groups.agg(**SUMMARY).rename(columns={"source_language": "dataset"})


def transfer_scores(scores: Scores) -> pd.DataFrame:
    """Scores of each source's probes on each target, at the layer that is best on the source's own dev set.

    Of the layers that both are measured at, where these differ.

    Returns:
        Rows of the scores table with a column `relation` (SAME_LANGUAGE, SAME_FAMILY or OTHER_FAMILY), and those of
        TRANSFER_BASELINES: what the source's baselines score on the target, missing where the task has them not.
    """
    across = scores.across()
    chosen = scores.of_model(across, "test")
    pair = ["source", "target", "step"]
    measured = chosen[[*pair, "layer"]].drop_duplicates().sort_values("layer").merge(dev_means(scores).rename("dev").reset_index())
    best = measured.loc[measured.groupby(pair)["dev"].idxmax(), [*pair, "layer"]]
    baselines = scores.of_baselines(across).groupby(["source", "target", "model"])["value"].first().unstack()
    with_baselines = chosen.merge(best).join(baselines.reindex(columns=[*TRANSFER_BASELINES]), on=["source", "target"])
    return _related(scores, with_baselines)


def transfer_curves(scores: Scores) -> pd.DataFrame:
    """Transfer by step and relation: columns relation, step, those of SUMMARY and TRANSFER_BASELINES, and the number of pairs.

    Means are taken over a target's sources first, then over targets, so that each target weighs the same; those of baselines,
    too. low and high are such means of the pairs' intervals: as far apart as in the interval of the mean if all pairs erred
    together, so rather too far than too near. They say nothing of other languages. Of inference sets that are measured in one
    form and as published, too, the latter are left out: no pair of languages counts twice.
    """
    pairs = in_one_form(transfer_scores(scores), [])
    groups, seeds = ["relation", "step"], ["training_seed", "seed"]
    by_target = pairs.groupby([*groups, *seeds, "target"], dropna=False)[["value", "low", "high", *TRANSFER_BASELINES]].mean()
    by_seed = by_target.groupby([*groups, *seeds], dropna=False).mean().groupby(groups)
    counted = pairs.drop_duplicates([*groups, "source", "target"]).groupby(groups).size()
    return by_seed.agg(**SUMMARY, **{name: (name, "mean") for name in TRANSFER_BASELINES}).assign(pairs=counted).reset_index()


def last_transfer(scores: Scores) -> pd.DataFrame:
    """Each source on each target at the last step: source, target, relation, step, layer, SUMMARY's and TRANSFER_BASELINES' columns."""
    chosen = transfer_scores(scores)
    last = chosen[chosen["step"] == chosen["step"].max()]
    pairs = last.groupby(["source", "target", "relation", "step", "layer"], as_index=False)
    return pairs.agg(**SUMMARY, **{name: (name, "first") for name in TRANSFER_BASELINES})


def _related(scores: Scores, pairs: pd.DataFrame) -> pd.DataFrame:
    def relation(source: str, target: str) -> str:
        one, other = scores.datasets[source], scores.datasets[target]
        return SAME_LANGUAGE if one.language == other.language else SAME_FAMILY if one.family == other.family else OTHER_FAMILY

    return pairs.assign(relation=[relation(*pair) for pair in zip(pairs["source"], pairs["target"], strict=True)])
