"""Transfer: the probes of all sources, unchanged, on a parallel test set (paper 1, section 2.2).

What a language is tested on by its own probes, the diagonal of Figure 4, paper 1 does not say: the parallel test set, as the rest;
our choice.

Without torch, whose import would take longer than a small job.

Shape letters: S seeds, W words, N examples, B examples in a batch, D dimensions of a word's vector, F of what a probe reads,
C classes.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pandas as pd

from xlprobe.artifacts.checkpoint_names import columns, title
from xlprobe.artifacts.feature_file import FeatureFile, vectors_of
from xlprobe.artifacts.outcome_file import Outcome, OutcomePlace
from xlprobe.artifacts.probe_file import ProbeFile
from xlprobe.artifacts.tables import table_writer
from xlprobe.errors import XlprobeError
from xlprobe.files import MAKE_AGAIN, identity_digest
from xlprobe.probes.examples import VECTOR_COLUMNS, read_examples, read_sentences_of
from xlprobe.probes.labels import label_numbers
from xlprobe.progress import progress
from xlprobe.statistics.outcomes import facts_of_datasets, write_outcomes
from xlprobe.tasks.declaration import ProbeTask, load_probe_task

# Bounds the memory of what probes read and of the products; the speed is the same from 512 on.
EXAMPLES_PER_PRODUCT = 4096
Probes = tuple[np.ndarray, np.ndarray]


def predicted_classes(weight_SCF: np.ndarray, bias_SC: np.ndarray, x_BF: np.ndarray) -> np.ndarray:
    """The class that each seed's probe gives each example, [seeds, examples]."""
    n_seeds, classes, dimensions = weight_SCF.shape
    logits_BSC = (x_BF @ weight_SCF.reshape(-1, dimensions).T + bias_SC.reshape(-1)).reshape(-1, n_seeds, classes)
    return logits_BSC.argmax(axis=2).T.astype(np.int16)


def layer_predictions(probes: Sequence[Probes], vectors_WD: np.ndarray, rows: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The classes that several sources' probes give the same examples, [seeds, examples] a source.

    Args:
        probes: weights [seeds, classes, F] and biases [seeds, classes] of each source.
        vectors_WD: words' vectors, in any precision.
        rows: the row of each example's word, [examples]; for pairs, one such array for each of the two.
    """
    parts: list[list[np.ndarray]] = [[] for _ in probes]
    for start in range(0, len(rows[0]), EXAMPLES_PER_PRODUCT):
        vectors = [vectors_WD[rows_N[start : start + EXAMPLES_PER_PRODUCT]].astype(np.float32) for rows_N in rows]
        x_BF = vectors[0] if len(vectors) == 1 else np.concatenate([*vectors, vectors[0] * vectors[1]], axis=1)
        for part, (weight_SCF, bias_SC) in zip(parts, probes, strict=True):
            part.append(predicted_classes(weight_SCF, bias_SC, x_BF))
    return [np.concatenate(part, axis=1) for part in parts]


def transfer_probes(
    features_path: Path,
    dataset: Path,
    task_name: str,
    weights: Sequence[Path],
    output: Path,
    layers: Sequence[int] | None = None,
    predictions: Path | None = None,
    checkpoint_identity: Path | None = None,
    dropped_datasets: Collection[str] = (),
) -> None:
    """Try the probes of several datasets, every layer and seed, on a dataset's test set.

    Writes `output` (`xlprobe.artifacts.outcome_file`), of each source how many examples of each sentence are right (`correct`).
    Labels are matched by name: one that the source's train split never has counts as an error (paper 1 does not say; our choice).

    Args:
        features_path: the dataset's vectors from the checkpoint that the probes were trained on.
        weights: files of probes, one a source.
        layers: at which to try them, each source's probes at those that it has; all of the features where none are named.
        predictions: where to write what every probe says of every example (schemas/predictions.schema.yaml).
        checkpoint_identity: of the checkpoint that the vectors are to be of; not checked where it is not given.
        dropped_datasets: sources that the run has no more; where their probes are of another checkpoint, version or layer, they are not
            tried, for they are made again before they are of use.

    Raises:
        XlprobeError: a file's probes are of another task, version or checkpoint, the vectors are of another dataset or checkpoint,
            one of these files is damaged, no probes are of these layers, or the test set has no example of the task.
    """
    task = load_probe_task(task_name)
    examples = read_examples(dataset, task)
    examples = examples[examples["split"] == "test"]
    if not len(examples):
        raise XlprobeError(
            f"{dataset.name}: its test set has no example of {task_name}; name it under `probes.leave_out.{task_name}`, or take it out of"
            " `treebanks`"
        )
    sources = [ProbeFile(path) for path in weights]
    word_rows = [examples[column].to_numpy() for column in VECTOR_COLUMNS[task.data]]
    sentences = read_sentences_of(dataset, "test", examples, task)
    correct: dict[str, dict[int, np.ndarray]] = {}
    with ExitStack() as stack:
        features = stack.enter_context(FeatureFile(vectors_of(features_path, dataset)))
        features.check_dataset(dataset)
        features.check_checkpoint(checkpoint_identity)
        write = stack.enter_context(table_writer("predictions.schema.yaml", predictions)) if predictions else None
        checkpoint = features.checkpoint
        chosen = features.chosen(layers)
        sources = [*_usable(sources, task, features, chosen, dropped_datasets)]
        numbers = [label_numbers(examples["label"], source.labels) for source in sources]
        for layer in progress(chosen, f"{task_name} on {dataset.name} step {checkpoint['step']}", "layers"):
            here = [(source, numbers_N) for source, numbers_N in zip(sources, numbers, strict=True) if layer in source.layers]
            classes = layer_predictions([source.layer(layer) for source, _ in here], features.layer(layer), word_rows)
            for (source, numbers_N), classes_SN in zip(here, classes, strict=True):
                correct.setdefault(source.dataset, {})[layer] = sentences.sums((classes_SN == numbers_N).astype(np.int8))
                if write:
                    write(_prediction_rows(task, examples, np.array(source.labels)[classes_SN]).assign(layer=layer, source=source.dataset))
        target = features.dataset
    outcomes = [
        Outcome(
            OutcomePlace(task_name, source.dataset, dataset.name, "test", source.protocol),
            {"correct": np.stack([*of_layers.values()], axis=1)},
            layers=[*of_layers],
            facts=facts_of_datasets(source.languages, target) | {"metric": task.metric},
        )
        for source in sources
        if (of_layers := correct.get(source.dataset))
    ]
    write_outcomes(output, outcomes, checkpoint)


def _prediction_rows(task: ProbeTask, examples: pd.DataFrame, predicted_SN: np.ndarray) -> pd.DataFrame:
    """What each seed's probe says of each example, seed by seed."""
    n_seeds, count = predicted_SN.shape
    first, *second = VECTOR_COLUMNS[task.data]
    asked = pd.DataFrame({"word": examples[first], "head": examples[second[0]] if second else None, "label": examples["label"]})
    return pd.concat([asked] * n_seeds).assign(seed=np.repeat(np.arange(n_seeds), count), predicted=predicted_SN.ravel())


def _usable(
    sources: Iterable[ProbeFile], task: ProbeTask, features: FeatureFile, layers: Sequence[int], dropped: Collection[str]
) -> Iterator[ProbeFile]:
    """The probes to score: all, but for those of dropped datasets that would be refused."""
    for source in sources:
        try:
            _check(source, task, features, layers)
        except XlprobeError:
            if source.dataset not in dropped:
                raise
        else:
            yield source


def _check(source: ProbeFile, task: ProbeTask, features: FeatureFile, layers: Sequence[int]) -> None:
    """Refuse probes that are not of this task and of the checkpoint that the vectors are from, or of none of these layers."""
    checkpoint = columns(features.checkpoint)
    if (source.task, source.checkpoint) != (task.name, checkpoint):
        raise XlprobeError(
            f"{source.path}: holds {source.task} probes of {title(source.checkpoint)}, expected {task.name} probes of"
            f" {title(checkpoint)}, as the vectors in {features.path} are; name files of one checkpoint"
        )
    if source.checkpoint_digest != identity_digest(features.checkpoint):
        raise XlprobeError(
            f"{source.path}: its probes are of another checkpoint under the name of {title(checkpoint)} than the vectors in"
            f" {features.path}; {MAKE_AGAIN}"
        )
    if source.version != task.version:
        raise XlprobeError(
            f"{source.path}: holds probes of version {source.version} of {task.name}, expected version {task.version}; {MAKE_AGAIN}"
        )
    if not set(source.layers) & set(layers):
        raise XlprobeError(f"{source.path}: has probes of layers {source.layers}, none of {layers}; train them on one of these")
