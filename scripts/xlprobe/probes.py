"""Training the probes of one checkpoint, task and treebank: every layer, every seed, scores and weights."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from safetensors.torch import save_file

from xlprobe.checkpoint_names import columns, run_of
from xlprobe.device import choose_device
from xlprobe.errors import XlprobeError
from xlprobe.examples import WORD_COLUMNS, read_examples
from xlprobe.feature_file import FeatureFile
from xlprobe.files import atomic_path
from xlprobe.labels import label_numbers, scored_examples
from xlprobe.linear_probe import FittedProbes, Inputs, ProbeSettings, fit_probes
from xlprobe.progress import progress
from xlprobe.seeds import derive_seed
from xlprobe.tables import write_table
from xlprobe.tasks import load_probe_task


def train_probes(
    features_path: Path, dataset: Path, task_name: str, seeds: int, settings: ProbeSettings, device_name: str, scores: Path, weights: Path
) -> None:
    """Train a task's probes on a treebank's train split, stop on dev, and score dev and test.

    Writes `scores` (schemas/probes.schema.yaml), a row for each layer, split, metric and seed, and `weights`, for
    each layer `layer_<n>.weight` [seeds, classes, F] and `layer_<n>.bias`; the file's metadata say as JSON, under
    `probes`, what was trained on what, and the labels by class number (`xlprobe.probe_file` reads them).

    Raises:
        XlprobeError: the treebank has no train or no dev examples of the task.
    """
    task = load_probe_task(task_name)
    device = choose_device(device_name)
    examples = read_examples(dataset, task)
    of_split = {split: examples[examples["split"] == split] for split in ("train", "dev", "test")}
    if not len(of_split["train"]) or not len(of_split["dev"]):
        raise XlprobeError(
            f"{dataset.name}: has no examples of {task_name} in train or in dev, so that no probe can be trained on it; take it out of"
            " `treebanks`, or the task out of `probes.tasks`"
        )
    inventory = sorted(set(of_split["train"]["label"]))
    targets = {split: torch.from_numpy(label_numbers(part["label"], inventory)).to(device) for split, part in of_split.items()}
    words = {
        split: [torch.tensor(part[column].to_numpy(), device=device) for column in WORD_COLUMNS[task.data]]
        for split, part in of_split.items()
    }
    scored = {split: scored_examples(of_split[split], of_split["train"], task) for split in ("dev", "test")}

    rows: list[dict[str, object]] = []
    tensors: dict[str, torch.Tensor] = {}
    with FeatureFile(features_path) as features:
        checkpoint = features.checkpoint
        for layer in progress(features.layers, f"{task_name} {dataset.name} step {checkpoint['step']}", "layers"):
            vectors_WD = torch.from_numpy(features.layer(layer)).to(device)
            inputs = {split: Inputs(vectors_WD, rows) for split, rows in words.items()}
            layer_seeds = [
                derive_seed(run_of(checkpoint), checkpoint["step"], task_name, dataset.name, layer, seed) for seed in range(seeds)
            ]
            probes = fit_probes(inputs["train"], targets["train"], inputs["dev"], targets["dev"], len(inventory), layer_seeds, settings)
            tensors[f"layer_{layer}.weight"] = probes.weight_SCF.cpu()
            tensors[f"layer_{layer}.bias"] = probes.bias_SC.cpu()
            for split, masks in scored.items():
                rows += _score_rows(probes, inputs[split], targets[split], masks, layer=layer, split=split)
    # One entry: safetensors writes several in an order of its own.
    description = json.dumps(
        columns(checkpoint) | {"task": task_name, "version": task.version, "dataset": dataset.name, "labels": inventory}
    )
    with atomic_path(weights) as temporary:
        save_file(tensors, temporary, metadata={"probes": description})
    identity = columns(checkpoint) | {"task": task_name, "source": dataset.name, "target": dataset.name}
    write_table(pd.DataFrame(rows).assign(**identity), "probes.schema.yaml", scores)


def _score_rows(
    probes: FittedProbes, inputs: Inputs, targets_N: torch.Tensor, masks: dict[str, np.ndarray], layer: int, split: str
) -> list[dict[str, object]]:
    correct_SN = (probes.predict(inputs) == targets_N).cpu().numpy()
    rows: list[dict[str, object]] = []
    for metric, mask_N in masks.items():
        shared = {"layer": layer, "split": split, "metric": metric, "n": int(mask_N.sum())}
        values = correct_SN[:, mask_N].mean(axis=1).tolist()
        rows += [shared | {"seed": seed, "value": value, "epochs": probes.epochs[seed]} for seed, value in enumerate(values)]
    return rows
