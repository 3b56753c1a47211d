"""Training the probes of one checkpoint, task and dataset: every layer, every seed, outcomes and weights.

Shape letters: S seeds, N examples.
"""

import json
import logging
import zlib
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import MISSING, dataclass, field, fields
from functools import partial
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
import torch
from safetensors.numpy import save_file

from xlprobe.artifacts.checkpoint_names import columns, run_of, title
from xlprobe.artifacts.feature_file import FeatureFile, vectors_of
from xlprobe.artifacts.formats import PROBES
from xlprobe.artifacts.outcome_file import Outcome, OutcomePlace
from xlprobe.artifacts.splits import SPLITS
from xlprobe.artifacts.tables import write_table
from xlprobe.device import choose_device
from xlprobe.errors import XlprobeError
from xlprobe.files import atomic_path, identity_digest
from xlprobe.probes.control_tasks import control_labels
from xlprobe.probes.converged_probe import ConvergedSettings, fit_converged_probes
from xlprobe.probes.description_length import block_ends, code_length, compression, portion_problems
from xlprobe.probes.examples import FORM_COLUMNS, VECTOR_COLUMNS, read_probed_examples, read_sentences_of
from xlprobe.probes.labels import label_numbers, word_groups
from xlprobe.probes.linear_probe import FittedProbes, Inputs, ProbeSettings, Problem, fit_probes
from xlprobe.probes.training_rows import summary, training_rows
from xlprobe.progress import progress
from xlprobe.seeds import derive_seed
from xlprobe.statistics.outcomes import facts_of_datasets, write_outcomes
from xlprobe.tasks.declaration import ProbeTask, load_probe_task

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Controls:
    """What a reviewer asks of a probe's accuracy, each trained in one batch with the probes themselves.

    Attributes:
        control_task: how much of it forms learnt by heart would earn (Hewitt & Liang 2019): the metrics `<metric>_control`
            and `<metric>_selectivity`, the difference.
        description_length: how many bits the labels of train take (Voita & Titov 2020): the metrics `code_length`, in
            bits, and `compression`.
    """

    control_task: bool = False
    description_length: bool = False


NO_CONTROLS = Controls()
# By protocol, its settings, and what trains by them.
PROTOCOLS: dict[str, tuple[type, Callable[..., FittedProbes]]] = {
    "paper": (ProbeSettings, fit_probes),
    "converged": (ConvergedSettings, fit_converged_probes),
}
Settings = ProbeSettings | ConvergedSettings
# What a layer's probes earn, by split and name.
Counts = dict[str, dict[str, np.ndarray]]


def settings_of(protocol: str, values: Mapping[str, Any]) -> Settings:
    """The settings of a protocol, by name among some values; those that are None are not given.

    Raises:
        XlprobeError: one is missing.
    """
    kind, _ = PROTOCOLS[protocol]
    given = {field.name: values[field.name] for field in fields(kind) if values.get(field.name) is not None}
    if missing := [field.name for field in fields(kind) if field.default is MISSING and field.name not in given]:
        raise XlprobeError(f"--protocol {protocol}: needs --{missing[0].replace('_', '-')}; give it a value")
    return kind(**given)


def protocol_of(settings: Settings) -> str:
    """The protocol that settings are of."""
    return next(name for name, (kind, _) in PROTOCOLS.items() if isinstance(settings, kind))


def train_probes(
    features_path: Path,
    dataset: Path,
    task_name: str,
    n_seeds: int | None,
    settings: Settings,
    device_name: str,
    outcomes: Path,
    weights: Path,
    layers: Sequence[int] | None = None,
    controls: Controls = NO_CONTROLS,
    training: Path | None = None,
    checkpoint_identity: Path | None = None,
    beside: Settings | None = None,
    common_seeds: bool = False,
) -> None:
    """Train a task's probes on a treebank's train split, stop on dev, and try them on dev and test; at all layers or at some.

    Writes `outcomes` (`xlprobe.artifacts.outcome_file`): how many examples of each sentence are right (`correct`; on test, of those
    whose form is ambiguous, or unseen, in train, too), and measures of train. Writes `weights`, for each layer `layer_<n>.weight`
    [seeds, classes, F] and `layer_<n>.bias`; the file's metadata say as JSON, under `probes`, what was trained on what, the labels
    by class number, and under `checksums` the CRC-32 of each tensor and a digest of the rest (`xlprobe.artifacts.probe_file` reads
    them).

    Args:
        n_seeds: probes a layer. A converged probe has one optimum, whatever its seed, so that there is one, of seed 0, and its mean.
        training: where to write how the training of each probe went (schemas/probe_training.schema.yaml).
        checkpoint_identity: of the checkpoint that the vectors are to be of; not checked where it is not given.
        beside: of another protocol, by which probes of the task are trained, too. What they earn and how their training went stand
            beside the others'; their weights are not kept, and they have no controls.
        common_seeds: a seed's initial weights and orders are the same at all steps, which pairs checkpoints; else each has its own.

    Raises:
        XlprobeError: the treebank has no train or no dev examples of the task, or the features lack a layer, are damaged, or are of
            another dataset or checkpoint.
    """
    task = load_probe_task(task_name)
    device = choose_device(device_name)
    protocol = protocol_of(settings)
    if beside and protocol_of(beside) == protocol:
        raise XlprobeError(f"--converged-tasks: --protocol {protocol} trains all probes so already; leave it out")
    if protocol == "converged":
        n_seeds = 1
        logger.info(
            "protocol converged: the optimum is one, so there is one probe a layer; probes.n_seeds, learning_rate, batch_size, epochs,"
            " patience, shared_order and common_seeds are not used"
        )
    elif n_seeds is None:
        raise XlprobeError(f"--protocol {protocol}: needs --n-seeds; give it a value")
    own = _Trained(settings, _ProbedDataset(dataset, task, n_seeds, controls, device))
    protocols = [own, *([_Trained(beside, own.probed.without_controls(n_seeds=1))] if beside else [])]
    fitted: dict[int, tuple[np.ndarray, np.ndarray]] = {}
    with FeatureFile(vectors_of(features_path, dataset)) as features:
        features.check_dataset(dataset)
        features.check_checkpoint(checkpoint_identity)
        checkpoint, described = features.checkpoint, features.dataset
        for layer in progress(features.chosen(layers), f"{task_name} {dataset.name} step {checkpoint['step']}", "layers"):
            of_step = [] if common_seeds else [checkpoint["step"]]
            seed_of = partial(derive_seed, run_of(checkpoint), *of_step, task_name, dataset.name, layer)
            vectors_WD = torch.from_numpy(features.layer(layer)).to(device)
            probes, *_ = [trained.fit(layer, vectors_WD, seed_of) for trained in protocols]
            fitted[layer] = probes.weight_PCF.cpu().numpy(), probes.bias_PC.cpu().numpy()
    for trained in protocols:
        of_task = [row for row in trained.rows if row["labels"] == "task"]
        logger.info(summary(of_task, f"{task_name} {dataset.name} {title(checkpoint)}", trained.protocol))
    identity = columns(checkpoint) | {"task": task_name}
    if training:
        rows = [row | {"protocol": trained.protocol} for trained in protocols for row in trained.rows]
        write_table(pd.DataFrame(rows).assign(**identity, dataset=dataset.name), "probe_training.schema.yaml", training)
    description = identity | {"protocol": protocol, "checkpoint_digest": identity_digest(checkpoint), "version": task.version}
    description |= {"dataset": dataset.name, "languages": described["languages"], "labels": own.probed.inventory}
    write_probes(weights, fitted, description)
    facts = facts_of_datasets(described["languages"], described) | {"metric": task.metric}
    facts["examples"] = len(own.probed.targets["train"])
    of_splits = [
        Outcome(
            OutcomePlace(task_name, dataset.name, dataset.name, split, trained.protocol),
            {name: np.stack([of_layer[split][name] for of_layer in trained.counts], axis=1) for name in of_first},
            layers=[*fitted],
            facts=facts,
        )
        for trained in protocols
        for split, of_first in trained.counts[0].items()
    ]
    write_outcomes(outcomes, of_splits, checkpoint)


def write_probes(path: Path, fitted: Mapping[int, tuple[np.ndarray, np.ndarray]], description: Mapping[str, Any]) -> None:
    """Write the weights and biases of each layer, what they are, the CRC-32 of each tensor, and a digest of the rest."""
    tensors = {
        f"layer_{layer}.{name}": part for layer, parts in fitted.items() for name, part in zip(("weight", "bias"), parts, strict=True)
    }
    checksums = {name: zlib.crc32(np.ascontiguousarray(part).data) for name, part in tensors.items()}
    description = {"format": PROBES, **description}
    described = {**description, "checksums": checksums | {"description": identity_digest(description)}}
    # One entry: safetensors writes several in an order of its own.
    with atomic_path(path) as temporary:
        save_file(tensors, temporary, metadata={"probes": json.dumps(described)})


class _ProbedDataset:
    """What the probes of all layers have in common: examples, labels, and what is counted.

    Attributes:
        inventory: the labels by class number.
        words: by split, the rows of the examples' word or words.
    """

    def __init__(self, dataset: Path, task: ProbeTask, n_seeds: int, controls: Controls, device: torch.device) -> None:
        examples = read_probed_examples(dataset, task)
        of_split = {split: examples[examples["split"] == split] for split in SPLITS}
        train = of_split["train"]
        if controls.control_task and not FORM_COLUMNS[task.data]:
            raise XlprobeError(f"--control-tasks: {task.name} labels no words, so it has no control task of word forms; leave it out")
        self.n_seeds = n_seeds
        self.inventory = sorted(set(train["label"]))

        def numbers(labels: pd.Series) -> dict[str, torch.Tensor]:
            return {
                split: torch.from_numpy(label_numbers(labels[part.index], self.inventory)).to(device) for split, part in of_split.items()
            }

        self.targets = numbers(examples["label"])
        identity = (task.name, dataset.name)
        self.control_targets = [
            numbers(control_labels(examples, train, *identity, seed)) for seed in range(n_seeds if controls.control_task else 0)
        ]
        # The labels are sent in the same orders at every checkpoint and layer.
        self.orders = [
            torch.randperm(len(train), generator=torch.Generator().manual_seed(derive_seed("order of labels", *identity, seed))).to(device)
            for seed in range(n_seeds if controls.description_length else 0)
        ]
        self.words = {
            split: [torch.tensor(part[column].to_numpy(), device=device) for column in VECTOR_COLUMNS[task.data]]
            for split, part in of_split.items()
        }
        tried = {split: of_split[split] for split in ("dev", "test") if len(of_split[split])}
        self.sentences = {split: read_sentences_of(dataset, split, part, task) for split, part in tried.items()}
        # What groups of words earn is kept of test alone.
        self.groups = {split: word_groups(part, train, task) if split == "test" else {} for split, part in tried.items()}

    def without_controls(self, n_seeds: int) -> Self:
        """The same for probes that have no controls."""
        other = copy(self)
        other.n_seeds, other.control_targets, other.orders = n_seeds, [], []
        return other

    def fit(
        self, vectors_WD: torch.Tensor, seed_of: Callable[..., int], settings: Settings
    ) -> tuple[FittedProbes, Counts, list[dict[str, Any]]]:
        """Train on the vectors of a layer: the task's own probes, the layer's counts by split, and its rows of the training."""
        inputs = {split: Inputs(vectors_WD, rows) for split, rows in self.words.items()}
        _, fit = PROTOCOLS[protocol_of(settings)]
        fitted = fit(inputs["train"], inputs["dev"], self.problems(seed_of), len(self.inventory), settings)
        probes = fitted[: self.n_seeds]
        right = {split: self._right(probes, inputs[split], [self.targets[split]] * self.n_seeds) for split in self.sentences}
        return probes, self.counts(fitted, inputs, right), self.training(fitted, right["dev"])

    def problems(self, seed_of: Callable[..., int]) -> list[Problem]:
        """The probes of a layer: of each seed, then of each seed's control task, then the portions of each seed's code."""
        train_y_N, dev_y_N = self.targets["train"], self.targets["dev"]
        problems = [Problem(seed_of(seed), train_y_N, dev_y_N) for seed in range(self.n_seeds)]
        for seed, targets in enumerate(self.control_targets):
            problems.append(Problem(seed_of(seed, "control task"), targets["train"], targets["dev"]))
        for seed, order_N in enumerate(self.orders):
            problems += portion_problems(order_N, seed_of(seed, "description length"), train_y_N, dev_y_N)
        return problems

    def counts(self, fitted: FittedProbes, inputs: Mapping[str, Inputs], right: Mapping[str, np.ndarray]) -> Counts:
        """A layer's counts by split and name, [sentences, seeds], and the measures of train, [1, seeds].

        Args:
            right: by split, what is right of the task's own probes.
        """
        _, controls, portions = self._parts(fitted)
        counts: Counts = {}
        for split, sentences in self.sentences.items():
            earned = {"correct": right[split]}
            earned |= {f"correct_{group}": right[split] * mask_N for group, mask_N in self.groups[split].items()}
            if self.control_targets:
                earned["correct_control"] = self._right(controls, inputs[split], [targets[split] for targets in self.control_targets])
            counts[split] = {name: sentences.sums(values_SN) for name, values_SN in earned.items()}
        return counts | ({"train": self._description(portions, inputs["train"])} if self.orders else {})

    def training(self, fitted: FittedProbes, right_on_dev_SN: np.ndarray) -> list[dict[str, Any]]:
        """A layer's rows of the training of probes: the task's own, those of control tasks, and those of portions."""
        probes, controls, portions = self._parts(fitted)
        examples = len(self.targets["train"])
        of_seed = len(portions.epochs) // self.n_seeds
        groups = [("task", examples, probes, right_on_dev_SN), ("control_task", examples, controls, None)]
        for place, end in enumerate(block_ends(examples)[:of_seed]):
            groups.append(("portion", end, portions[place::of_seed], None))
        return [
            row | {"labels": labels, "examples": count}
            for labels, count, part, right_SN in groups
            for row in training_rows(part.training, part.epochs, right_SN)
        ]

    def _parts(self, fitted: FittedProbes) -> tuple[FittedProbes, FittedProbes, FittedProbes]:
        """The probes of `problems`: the task's own, those of control tasks, those of portions."""
        controls = self.n_seeds + len(self.control_targets)
        return fitted[: self.n_seeds], fitted[self.n_seeds : controls], fitted[controls:]

    @staticmethod
    def _right(probes: FittedProbes, inputs: Inputs, targets: Sequence[torch.Tensor]) -> np.ndarray:
        """Whether each probe is right, 1 or 0, [seeds, examples]."""
        return (probes.predict(inputs) == torch.stack(list(targets))).cpu().numpy().astype(np.int8)

    def _description(self, portions: FittedProbes, train: Inputs) -> dict[str, np.ndarray]:
        """How well train's labels are compressed, in each seed's order; `portions` are the probes of all seeds' codes."""
        classes, of_seed = len(self.inventory), len(portions.epochs) // self.n_seeds
        bits = [
            code_length(portions[seed * of_seed : (seed + 1) * of_seed], order_N, train, self.targets["train"], classes)
            for seed, order_N in enumerate(self.orders)
        ]
        shorter = [compression(length, len(train), classes) for length in bits]
        return {"code_length": np.array([bits]), "compression": np.array([shorter])}


@dataclass
class _Trained:
    """What the probes of one protocol have earned, by layer, and how the training of each went."""

    settings: Settings
    probed: _ProbedDataset
    counts: list[Counts] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)

    @property
    def protocol(self) -> str:
        return protocol_of(self.settings)

    def fit(self, layer: int, vectors_WD: torch.Tensor, seed_of: Callable[..., int]) -> FittedProbes:
        """Train on the vectors of a layer, and keep all but the task's own probes."""
        probes, counts, rows = self.probed.fit(vectors_WD, seed_of, self.settings)
        self.counts.append(counts)
        self.rows += [row | {"layer": layer} for row in rows]
        return probes
