"""Transfer: the probes of all source treebanks, unchanged, on the parallel test set of another (paper 1, section 2.2).

Without torch, whose import would take longer than a small job.

Shape letters: S seeds, W words, D dimensions, C classes.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from xlprobe.checkpoint_names import columns, title
from xlprobe.datasets import read_words
from xlprobe.errors import XlprobeError
from xlprobe.feature_file import FeatureFile
from xlprobe.labels import label_numbers
from xlprobe.probe_file import ProbeFile
from xlprobe.progress import progress
from xlprobe.tables import write_table
from xlprobe.tasks import load_word_task

# Bounds the memory of vectors in float32 and of the products; the speed is the same from 512 on.
WORDS_PER_PRODUCT = 4096


def correct_words(weight_SCD: np.ndarray, bias_SC: np.ndarray, x_WD: np.ndarray, numbers_W: np.ndarray) -> np.ndarray:
    """How many words each seed's probe gives the right class, [seeds]; -1 is never right."""
    seeds, classes, dimensions = weight_SCD.shape
    logits_WSC = (x_WD @ weight_SCD.reshape(-1, dimensions).T + bias_SC.reshape(-1)).reshape(-1, seeds, classes)
    return (logits_WSC.argmax(axis=2) == numbers_W[:, None]).sum(axis=0)


def layer_accuracy(
    probes: Sequence[tuple[np.ndarray, np.ndarray]], vectors_WD: np.ndarray, numbers: Sequence[np.ndarray]
) -> list[np.ndarray]:
    """The accuracy of several sources' probes on the same words, [seeds] a source.

    Args:
        probes: weights [seeds, classes, dim] and biases [seeds, classes] of each source.
        vectors_WD: the words' vectors, in any precision.
        numbers: the words' right classes in each source's inventory, [words]; -1 for a label that it does not have.
    """
    correct = [np.zeros(len(bias_SC), dtype=np.int64) for _, bias_SC in probes]
    for start in range(0, len(vectors_WD), WORDS_PER_PRODUCT):
        part = slice(start, start + WORDS_PER_PRODUCT)
        x_WD = vectors_WD[part].astype(np.float32)
        for correct_S, (weight_SCD, bias_SC), numbers_W in zip(correct, probes, numbers, strict=True):
            correct_S += correct_words(weight_SCD, bias_SC, x_WD, numbers_W[part])
    return [correct_S / len(vectors_WD) for correct_S in correct]


def transfer_probes(features_path: Path, dataset: Path, task_name: str, weights: Sequence[Path], output: Path) -> None:
    """Score the probes of several treebanks, every layer and seed, on a dataset's test set.

    Writes `output` (schemas/scores.schema.yaml), a row for each layer, source and seed. Labels are matched by name: one
    that the source's train split never has counts as an error (paper 1 does not say).

    Args:
        features_path: the dataset's vectors from the checkpoint that the probes were trained on.
        weights: files of probes, one a source.

    Raises:
        XlprobeError: a file's probes are of another task, model or step.
    """
    task = load_word_task(task_name)
    words = read_words(dataset)
    test_W = np.flatnonzero(words["split"] == "test")
    labels_W = words[task.label].to_numpy()[test_W]
    sources = [ProbeFile(path) for path in weights]
    numbers = [label_numbers(labels_W, source.labels) for source in sources]
    rows: list[dict[str, object]] = []
    with FeatureFile(features_path) as features:
        checkpoint = columns(features.checkpoint)
        for source in sources:
            if (source.task, source.checkpoint) != (task_name, checkpoint):
                raise XlprobeError(
                    f"{source.path}: holds {source.task} probes of {title(source.checkpoint)}, expected {task_name} probes of"
                    f" {title(checkpoint)}, as the vectors in {features_path} are; name files of one checkpoint"
                )
        for layer in progress(features.layers, f"{task_name} on {dataset.name} step {checkpoint['step']}", "layers"):
            accuracy = layer_accuracy([source.layer(layer) for source in sources], features.layer(layer)[test_W], numbers)
            for source, accuracy_S in zip(sources, accuracy, strict=True):
                shared = {"layer": layer, "source": source.dataset}
                rows += [shared | {"seed": seed, "value": value} for seed, value in enumerate(accuracy_S.tolist())]
    identity = checkpoint | {"task": task_name, "target": dataset.name, "split": "test", "metric": task.metric}
    write_table(pd.DataFrame(rows).assign(**identity, n=len(test_W)), "scores.schema.yaml", output)
