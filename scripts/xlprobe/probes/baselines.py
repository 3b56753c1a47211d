"""Baselines: labels guessed without any vector, which a probe must beat."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from xlprobe.artifacts.dataset_folder import read_sentences
from xlprobe.artifacts.dataset_identity import read_identity
from xlprobe.artifacts.outcome_file import Outcome, OutcomePlace
from xlprobe.probes.examples import FORM_COLUMNS, read_examples, read_probed_examples, read_sentences_of
from xlprobe.probes.labels import word_groups
from xlprobe.statistics.outcomes import facts_of_datasets, write_outcomes
from xlprobe.tasks.declaration import ProbeTask, load_probe_task

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


def write_baselines(dataset: Path, task_name: str, output: Path) -> None:
    """Write what baselines earn on dev and test, and what scores of probes need beside their own outcomes: totals and clusters.

    `majority`; of words and pairs of words `word_type` (majority for unseen forms); of pairs of sentences `hypothesis_only` and
    `word_overlap` (`xlprobe.probes.nli_baselines`). What is short in the examples is said here, since baselines are measured
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
    outcomes = []
    for split in ("dev", "test"):
        part = examples[examples["split"] == split]
        if len(part):
            guesses = _guesses(train, part, task) | {name: labels[part.index].to_numpy() for name, labels in learned.items()}
            groups = word_groups(part, train, task) if split == "test" else {}
            outcomes.append(_outcome(dataset, dataset, split, part, guesses, groups, task))
    write_outcomes(output, outcomes, None)


def write_transfer_baselines(target: Path, sources: Sequence[Path], task_name: str, output: Path) -> None:
    """Write what the labels of several sources earn on a test set: the most frequent one and, of words and pairs, each form's.

    Beside them stand, as in `write_baselines`, totals and clusters; `total_shared` counts the examples whose label the source has.

    Raises:
        XlprobeError: a source has no train or no dev examples of the task.
    """
    task = load_probe_task(task_name)
    examples = read_examples(target, task)
    test = examples[examples["split"] == "test"]
    outcomes = []
    for source in sources:
        of_source = read_probed_examples(source, task)
        train = of_source[of_source["split"] == "train"]
        shared_N = test["label"].isin(train["label"].unique()).to_numpy()
        outcomes.append(_outcome(source, target, "test", test, _guesses(train, test, task), {}, task, shared_N))
    write_outcomes(output, outcomes, None)


def _guesses(train: pd.DataFrame, examples: pd.DataFrame, task: ProbeTask) -> dict[str, str | np.ndarray]:
    """The label of each example, or one of all, by baseline."""
    guesses: dict[str, str | np.ndarray] = {"majority": majority_label(train)}
    if forms := FORM_COLUMNS[task.data]:
        guesses["word_type"] = word_type_labels(train, examples, forms)
    return guesses


def _outcome(
    source: Path,
    target: Path,
    split: str,
    examples: pd.DataFrame,
    guesses: Mapping[str, str | np.ndarray],
    groups: Mapping[str, np.ndarray],
    task: ProbeTask,
    shared_N: np.ndarray | None = None,
) -> Outcome:
    """What baselines earn (`<baseline>.correct`), and the totals: of all examples, of groups of them, and of those with shared labels."""
    sentences = read_sentences_of(target, split, examples, task)

    def count(mask_N: np.ndarray) -> np.ndarray:
        return sentences.sums(mask_N.astype(np.int8)[None])[:, 0]

    everything = {"": np.ones(len(examples), dtype=bool)} | {f"_{group}": mask_N for group, mask_N in groups.items()}
    counts = {f"total{ending}": count(mask_N) for ending, mask_N in everything.items()}
    counts |= {} if shared_N is None else {"total_shared": count(shared_N)}
    for name, guess in guesses.items():
        right_N = (examples["label"] == guess).to_numpy()
        counts |= {f"{name}.correct{ending}": count(right_N & mask_N) for ending, mask_N in everything.items()}
    facts = facts_of_datasets(read_identity(source)["languages"], read_identity(target)) | {"metric": task.metric}
    return Outcome(OutcomePlace(task.name, source.name, target.name, split), counts, sentences.clusters, facts=facts)


def _most_frequent(train: pd.DataFrame, columns: list[str]) -> pd.Series:
    """The most frequent label by what stands in some columns; the first in alphabetical order among equals."""
    counts = train.groupby([*columns, "label"], as_index=False).size().sort_values(["size", "label"], ascending=[False, True])
    return counts.drop_duplicates(columns).set_index(columns)["label"]
