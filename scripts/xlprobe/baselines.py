"""What a probe must beat: labels guessed without any vector."""

from collections import Counter, defaultdict
from pathlib import Path

import pandas as pd

from xlprobe.datasets import read_words
from xlprobe.labels import scored_words
from xlprobe.tables import write_table
from xlprobe.tasks import load_word_task


def majority_label(train: pd.DataFrame, label: str) -> str:
    """The most frequent label of train; the first in alphabetical order among equals."""
    return _most_frequent(Counter(train[label]))


def word_type_labels(train: pd.DataFrame, label: str) -> dict[str, str]:
    """Each word form's most frequent label in train."""
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for form, value in zip(train["form"], train[label], strict=True):
        counts[form][value] += 1
    return {form: _most_frequent(labels) for form, labels in counts.items()}


def write_baselines(dataset: Path, task_name: str, output: Path) -> None:
    """Write two baselines' scores on dev and test: `majority`, and `word_type` (majority for unseen forms)."""
    task = load_word_task(task_name)
    words = read_words(dataset)
    train = words[words["split"] == "train"]
    majority = majority_label(train, task.label)
    by_form = word_type_labels(train, task.label)
    rows = []
    for split in ("dev", "test"):
        part = words[words["split"] == split]
        guesses = {"majority": majority, "word_type": part["form"].map(by_form).fillna(majority)}
        masks = scored_words(part, train, task)
        for name, guess in guesses.items():
            correct_W = (part[task.label] == guess).to_numpy()
            for metric, mask_W in masks.items():
                value, n = correct_W[mask_W].mean(), mask_W.sum()
                rows.append({"model": name, "split": split, "metric": metric, "value": value, "n": n})
    identity = {"task": task_name, "source": dataset.name, "target": dataset.name}
    write_table(pd.DataFrame(rows).assign(**identity, training_seed=None, step=None, layer=None, seed=None), "scores.schema.yaml", output)


def _most_frequent(counts: Counter[str]) -> str:
    return min(counts, key=lambda value: (-counts[value], value))
