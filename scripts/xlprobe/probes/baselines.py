"""Baselines: labels guessed without any vector, which a probe must beat."""

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from xlprobe.artifacts.dataset_folder import read_sentences, text_form
from xlprobe.artifacts.tables import write_table
from xlprobe.probes.examples import FORM_COLUMNS, read_probed_examples
from xlprobe.probes.labels import scored_examples
from xlprobe.statistics.bootstrap import NO_INTERVALS, Intervals, bootstrap_of, score_rows
from xlprobe.tasks.declaration import load_probe_task

logger = logging.getLogger(__name__)


def majority_label(train: pd.DataFrame) -> str:
    """The most frequent label of train; the first in alphabetical order among equals."""
    return _most_frequent(train.assign(everything=0), ["everything"]).iloc[0]


def word_type_labels(train: pd.DataFrame, examples: pd.DataFrame, forms: Sequence[str]) -> np.ndarray:
    """What the forms alone say of each example, [examples]: the label that they most often have in train.

    Args:
        forms: the columns of forms. Of a pair the two forms together come first, then the first of them; where train never
            has them, the majority label is taken.
    """
    guesses = pd.Series(majority_label(train), index=examples.index)
    for columns in (list(forms[:known]) for known in range(1, len(forms) + 1)):
        labels = _most_frequent(train, columns).rename("guess").reset_index()
        known = examples[columns].merge(labels, how="left", on=columns)["guess"].set_axis(examples.index)
        guesses = known.fillna(guesses)
    return guesses.to_numpy()


def write_baselines(dataset: Path, task_name: str, output: Path, intervals: Intervals = NO_INTERVALS) -> None:
    """Write baselines' scores on dev and test.

    `majority`; of words and pairs of words `word_type` (majority for unseen forms); of pairs of sentences `hypothesis_only` and
    `word_overlap` (`xlprobe.probes.nli_baselines`). What is short in the examples is said here, since baselines are scored
    once for all checkpoints, and before them.

    Raises:
        XlprobeError: the dataset has no train or no dev examples of the task.
    """
    task = load_probe_task(task_name)
    examples = read_probed_examples(dataset, task)
    train = examples[examples["split"] == "train"]
    if "test" not in {*examples["split"]}:
        logger.warning(
            "%s: its test set has no example of %s, so that it has scores on dev alone, and no panel in figures", dataset.name, task_name
        )
    if train["label"].nunique() == 1:
        logger.warning(
            "%s: all examples of %s in train have the label %r, so that no probe learns to tell another",
            dataset.name,
            task_name,
            train["label"].iloc[0],
        )
    learned: dict[str, pd.Series] = {}
    if task.data == "sentence_pairs":
        # scikit-learn takes longer to import than a treebank's baselines take.
        from xlprobe.probes.nli_baselines import learned_labels

        learned = learned_labels(read_sentences(dataset)["text"].to_list(), examples)
    rows: list[dict[str, object]] = []
    for split in ("dev", "test"):
        part = examples[examples["split"] == split]
        if not len(part):
            continue
        guesses: dict[str, str | np.ndarray] = {"majority": majority_label(train)}
        if forms := FORM_COLUMNS[task.data]:
            guesses["word_type"] = word_type_labels(train, part, forms)
        guesses |= {name: labels[part.index].to_numpy() for name, labels in learned.items()}
        masks = scored_examples(part, train, task)
        bootstrap = bootstrap_of(dataset, split, part, intervals)
        for name, guess in guesses.items():
            right_1N = (part["label"] == guess).to_numpy(np.int8)[None]
            # A baseline has no seeds: the mean over its one run is its score.
            rows += [row | {"model": name, "split": split} for row in score_rows(right_1N, masks, bootstrap) if row["seed"] is None]
    identity = {"task": task_name, "source": dataset.name, "target": dataset.name, "text_form": text_form(dataset)}
    missing = dict.fromkeys(("training_seed", "step", "layer", "protocol"))
    write_table(pd.DataFrame(rows).assign(**identity, **missing), "scores.schema.yaml", output)


def _most_frequent(train: pd.DataFrame, columns: list[str]) -> pd.Series:
    """The most frequent label by what stands in some columns; the first in alphabetical order among equals."""
    counts = train.groupby([*columns, "label"], as_index=False).size().sort_values(["size", "label"], ascending=[False, True])
    return counts.drop_duplicates(columns).set_index(columns)["label"]
