"""Labels of examples: their numbers for a probe, and the examples on which knowing the form is not enough.

Shape letter: N examples.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from xlprobe.tasks.declaration import ProbeTask


def label_numbers(labels: Iterable[str], inventory: Sequence[str]) -> np.ndarray:
    """Each label's place in the inventory, [labels]; -1 for a label that is not in it."""
    places = {label: place for place, label in enumerate(inventory)}
    return np.array([places.get(label, -1) for label in labels], dtype=np.int64)


def word_groups(examples: pd.DataFrame, train: pd.DataFrame, task: ProbeTask) -> dict[str, np.ndarray]:
    """Of a task of words, the examples that a word's form alone does not win: a mask [examples] by group, those without any left out.

    `ambiguous` are words whose form has two or more labels in train, `unseen` words whose form train never has. Pairs have neither
    group: few come twice.
    """
    if task.data != "words":
        return {}
    label_count_N = examples["form"].map(train.groupby("form")["label"].nunique())
    masks = {"ambiguous": (label_count_N > 1).to_numpy(), "unseen": label_count_N.isna().to_numpy()}
    return {group: mask_N for group, mask_N in masks.items() if mask_N.any()}
