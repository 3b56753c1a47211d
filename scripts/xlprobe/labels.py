"""Labels of words: their numbers for a probe, and the words on which knowing the form is not enough.

Shape letter: W words.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from xlprobe.tasks import WordTask


def label_numbers(labels: Iterable[str], inventory: Sequence[str]) -> np.ndarray:
    """Each label's place in the inventory, [labels]; -1 for a label that is not in it."""
    places = {label: place for place, label in enumerate(inventory)}
    return np.array([places.get(label, -1) for label in labels], dtype=np.int64)


def scored_words(words: pd.DataFrame, train: pd.DataFrame, task: WordTask) -> dict[str, np.ndarray]:
    """Which words each metric of a task is taken over: a mask [words] by metric; a metric without words is left out.

    Beside the task's own metric, over all words, stand two that a word's form alone does not win: `<metric>_ambiguous`,
    over words whose form has two or more labels in train, and `<metric>_unseen`, over words whose form train never has.
    """
    label_count_W = words["form"].map(train.groupby("form")[task.label].nunique())
    masks = {
        task.metric: np.ones(len(words), dtype=bool),
        f"{task.metric}_ambiguous": (label_count_W > 1).to_numpy(),
        f"{task.metric}_unseen": label_count_W.isna().to_numpy(),
    }
    return {metric: mask_W for metric, mask_W in masks.items() if mask_W.any()}
