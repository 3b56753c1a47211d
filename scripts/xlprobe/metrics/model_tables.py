"""What a run's tables say of one model, as paper 1 groups it: curves in language, of alignments, and of transfer between languages.

Figures, tables and claims of a paper ask here, so that all of them mean the same by a curve, a language and a grid.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from xlprobe.artifacts.tables import read_of_schema, read_schema, read_table
from xlprobe.metrics.correlations import IN_LANGUAGE
from xlprobe.metrics.text_forms import in_one_form
from xlprobe.metrics.training_outcomes import one_language
from xlprobe.tasks.declaration import Task, load_task

# The tasks of paper 1, in the order of its Figure 1, and what its tables call them.
TASKS = {"bpc": "BPC", "arc_prediction": "Arc Pred.", "pos": "POS", "arc_classification": "Arc Class.", "xnli": "XNLI"}
# The step up to which Figures 2 and 16 of paper 1 go, and the last one of its model.
EARLY, PRINTED_STEPS = 200_000, 1_500_000
# What is read of the scores.
SCORE_COLUMNS = [
    *("model", "training_seed", "step", "layer", "task", "source", "target", "source_language", "target_language", "text_form"),
    *("split", "seed", "protocol", "metric", "value", "low", "high", "n"),
]


@dataclass(frozen=True, kw_only=True)
class ModelFacts:
    """What the study says of a model (`xlprobe.study.paper1.model_facts`).

    Attributes:
        steps: of its checkpoints, 0 among them where it is measured.
        protocols: how each task is measured, where paper 1's numbers are to be held against it; None of alignments.
        languages: the name and family of each language that is measured, by code.
        absent: why something of paper 1 is not measured, by `task, setting`.
        world: whether its languages are invented.
        pretrained: the languages that it is pretrained on here; None where it is trained elsewhere.
    """

    model: str
    steps: Sequence[int]
    protocols: Mapping[str, str | None]
    languages: Mapping[str, Mapping[str, str]]
    absent: Mapping[str, str]
    world: bool
    pretrained: Sequence[str] | None

    @property
    def early(self) -> int | None:
        """The step up to which paper 1 shows what is learned early (Figures 2, 6 and 16): 200,000 of 1.5 million.

        Of a shorter training it is the same share. None where no checkpoint lies so early.
        """
        steps = [step for step in self.steps if step > 0]
        limit = min(EARLY, round(EARLY * max(steps, default=0) / PRINTED_STEPS))
        return limit if min(steps, default=limit + 1) <= limit else None

    @classmethod
    def of_json(cls, text: str) -> "ModelFacts":
        """The facts that a command line names.

        Raises:
            argparse.ArgumentTypeError: a fact is missing, or is none.
        """
        try:
            return cls(**json.loads(text))
        except TypeError as error:
            raise argparse.ArgumentTypeError(f"these are not the facts of a model: {error}") from error


@dataclass(frozen=True)
class ModelTables:
    """The tables of a run, of one model; of a model with several trainings the first, since no measure of one is one of all.

    Args:
        paths: the tables that there are, by name; others hold no row.
    """

    facts: ModelFacts
    paths: Mapping[str, Path]
    _read: dict[str, pd.DataFrame] = field(default_factory=dict)

    @classmethod
    def of_files(cls, facts: ModelFacts, paths: Sequence[Path]) -> "ModelTables":
        """The tables in these files, which are named after them."""
        return cls(facts, {path.stem: path for path in paths})

    def table(self, name: str) -> pd.DataFrame:
        """The model's rows of a table of `metrics/`; of tables without models all rows.

        Raises:
            XlprobeError: the table is damaged, or another one.
        """
        if name not in self._read:
            schema = name + ".schema.yaml"
            if name not in self.paths:
                found = pd.DataFrame(columns=[*read_schema(schema)["properties"]])
            elif name == "scores":
                # The largest table: its scores of single seeds are not asked for.
                found = read_table(self.paths[name], SCORE_COLUMNS)
                found = found[found["seed"].isna()]
            else:
                found = read_of_schema(self.paths[name], schema)
            if "model" in found and name != "scores":
                found = found[found["model"].isna() | (found["model"] == self.facts.model)]
            if "training_seed" in found:
                # Of scores other models' rows are there, too, whose trainings may have other seeds.
                own = found[found["model"] == self.facts.model] if "model" in found else found
                seeds = own["training_seed"].dropna()
                found = found[found["training_seed"].isna() | (found["training_seed"] == seeds.min())] if len(seeds) else found
            self._read[name] = found.reset_index(drop=True)
        return self._read[name]

    def curves(self, name: str, task: str, setting: str, protocol: str | None = None, metric: str | None = None) -> pd.DataFrame:
        """The rows of a table of measures (or of the model's scores on test) that are of a task's curves in a setting.

        Of the task's protocol unless another is named; of bits on held-out text; of inference sets in one form.

        Args:
            setting: IN_LANGUAGE (alignments, too) or TRANSFER.
            metric: of scores; the task's own unless another is named.

        Returns:
            With `language` in language, or `source_label` and `target_label`: the language's code, one for both scripts of Chinese
            except of bits; where a language has several datasets, each has its name behind the code.
        """
        table = self._scores_on_test(task, metric) if name == "scores" else self.table(name)
        chosen = table[(table["task"] == task) & (table["split"] == ("valid" if task == "bpc" else "test"))]
        protocol = protocol or self.facts.protocols.get(task)
        chosen = chosen[chosen["protocol"].isna() if protocol is None else chosen["protocol"] == protocol]
        chosen = chosen[(chosen["source"] == chosen["target"]) == (setting == IN_LANGUAGE)]
        return _labelled(in_one_form(chosen, []), task, setting)

    def last_layer(self, curves: pd.DataFrame) -> pd.DataFrame:
        """The rows of each curve's last layer (paper 1: A.1); all of what has no layers."""
        last = curves.groupby(["source", "target"])["layer"].transform("max")
        return curves[curves["layer"].isna() | (curves["layer"] == last)]

    def relative(self, task: str, setting: str) -> pd.DataFrame:
        """The scores of each curve at its last layer, by step, with `relative`: their share of the best one, 1 at best."""
        curves = self.last_layer(self.curves("scores", task, setting))
        lower = load_task(task).direction == "lower"
        best = curves.groupby(["source", "target"])["value"].transform("min" if lower else "max")
        return curves.assign(relative=best / curves["value"] if lower else curves["value"] / best)

    def grid(self, pairs: pd.DataFrame, value: str = "value") -> pd.DataFrame:
        """Sources by targets, of languages that are both (18 x 18 and 15 x 15 in paper 1), relatives beside each other.

        Of several datasets of a language the mean. The diagonal is a language's probes on its own parallel set.
        """
        ends = {axis: pairs[f"{axis}_language"].map(one_language) for axis in ("source", "target")}
        found = pairs.assign(**ends).pivot_table(index="source", columns="target", values=value, aggfunc="mean")
        order = sorted(_both_ends(pairs), key=lambda code: (self.family(code), code))
        return found.reindex(index=order, columns=order)

    def in_grid(self, pairs: pd.DataFrame) -> pd.DataFrame:
        """The rows that `grid` is of: both of their languages are sources and targets. The diagonal is among them."""
        both = _both_ends(pairs)
        ends = pairs[["source_language", "target_language"]]
        return pairs[ends.map(lambda code: one_language(code) in both).all(axis=1)]

    def between_languages(self, pairs: pd.DataFrame) -> pd.DataFrame:
        """The same without the diagonal: ordered pairs of two languages."""
        inside = self.in_grid(pairs)
        return inside[inside["source_language"].map(one_language) != inside["target_language"].map(one_language)]

    def pivot(self) -> str | None:
        """The language to which similarity is measured for the model, English in paper 1 (table `factors`); None where none is known."""
        factors = self.table("factors")
        found = factors.loc[factors["pivot"].eq(True), "language"]
        return one_language(found.iloc[0]) if len(found) else None

    def family(self, code: str) -> str:
        """The family of a language, by its code or that of one of its scripts."""
        found = (facts["family"] for known, facts in self.facts.languages.items() if code in (known, one_language(known)))
        return next(found, "")

    def name(self, code: str) -> str:
        """The name of a language; its code where nothing is known."""
        return self.facts.languages.get(code, {}).get("name", code)

    def task(self, name: str) -> Task:
        """A task's declaration."""
        return load_task(name)

    def absent(self, task: str, setting: str) -> str | None:
        """Why a task is not measured in a setting; None where it is."""
        return self.facts.absent.get(f"{task}, {setting}")

    def _scores_on_test(self, task: str, metric: str | None) -> pd.DataFrame:
        table = self.table("scores")
        own = (table["model"] == self.facts.model) & (table["task"] == task) & (table["metric"] == (metric or load_task(task).metric))
        return table[own & (table["step"].fillna(0) > 0)]

    def baselines(self, task: str, setting: str, metric: str | None = None) -> pd.DataFrame:
        """The scores of baselines on the test sets of a task, their names in `model`; labels as `curves` has them."""
        table = self.table("scores")
        of_task = (table["task"] == task) & (table["metric"] == (metric or load_task(task).metric))
        chosen = table[of_task & table["step"].isna() & (table["split"] == "test")]
        chosen = in_one_form(chosen[(chosen["source"] == chosen["target"]) == (setting == IN_LANGUAGE)], ["model"])
        return _labelled(chosen, task, setting)


def _both_ends(pairs: pd.DataFrame) -> set[str]:
    """The languages that are both source and target, of either script."""
    return {*pairs["source_language"].map(one_language)} & {*pairs["target_language"].map(one_language)}


def _labelled(curves: pd.DataFrame, task: str, setting: str) -> pd.DataFrame:
    if setting == IN_LANGUAGE:
        return curves.assign(language=_labels(curves, "source", task))
    return curves.assign(source_label=_labels(curves, "source", task), target_label=_labels(curves, "target", task))


def _labels(curves: pd.DataFrame, axis: str, task: str) -> pd.Series:
    """What the curves' languages are called in figures and tables."""
    if task == "alignment":
        return curves["source_language"] + "-" + curves["target_language"]
    code = curves[f"{axis}_language"] if task == "bpc" else curves[f"{axis}_language"].map(one_language)
    several = curves.assign(code=code).groupby("code")[axis].transform("nunique") > 1
    return pd.Series(np.where(several, code + " (" + curves[axis] + ")", code), index=curves.index, dtype=object)
