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


def scored_examples(examples: pd.DataFrame, train: pd.DataFrame, task: ProbeTask) -> dict[str, np.ndarray]:
    """Which examples each metric of a task is taken over: a mask [examples] by metric; a metric without examples is left out.

    Beside the metric of a task of words, over all of them, stand two that a word's form alone does not win:
    `<metric>_ambiguous`, over words whose form has two or more labels in train, and `<metric>_unseen`, over words whose form
    train never has. Pairs have neither: few come twice.
    """
    masks = {task.metric: np.ones(len(examples), dtype=bool)}
    if task.data == "words":
        label_count_N = examples["form"].map(train.groupby("form")["label"].nunique())
        masks[f"{task.metric}_ambiguous"] = (label_count_N > 1).to_numpy()
        masks[f"{task.metric}_unseen"] = label_count_N.isna().to_numpy()
    return {metric: mask_N for metric, mask_N in masks.items() if mask_N.any()}
