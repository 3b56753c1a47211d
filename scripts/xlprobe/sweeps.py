"""Which layers are measured: those of `features.layers`, or what the entries of `sweeps` say of a task and a dataset.

Layers are numbers in order (0 is the embedding layer); None is all that a model has, whose number a configuration need not
know.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from xlprobe.catalogue import inference_sets


def layers_of(config: Mapping[str, Any], task: str, dataset: str) -> list[int] | None:
    """The layers at which a task is measured on a dataset: those of the last entry of `sweeps` that fits, or `features.layers`."""
    layers = config["features"]["layers"]
    for sweep in config["sweeps"]:
        if task in (sweep["tasks"] or [task]) and dataset in (sweep["datasets"] or [dataset]):
            layers = sweep["layers"]
    return None if layers is None else sorted(layers)


def extracted_layers(config: Mapping[str, Any], datasets: Iterable[str]) -> list[int] | None:
    """The layers that some datasets are extracted at together: all that any of their tasks asks for."""
    asked = [layers_of(config, task, dataset) for dataset in datasets for task in tasks_of(config, dataset)]
    return None if None in asked else sorted({layer for layers in asked for layer in layers or []})


def probe_tasks(config: Mapping[str, Any]) -> list[str]:
    """The tasks that probes are trained for: those on treebanks and, where XNLI is named, that on its pairs."""
    return [*config["probes"]["tasks"], *(["xnli"] if config["xnli"] else [])]


def tasks_of(config: Mapping[str, Any], dataset: str) -> list[str]:
    """The tasks that are measured on a dataset."""
    if dataset in config["alignments"]:
        return ["alignment"]
    if dataset in inference_sets(config["xnli"], config["datasets"]["nli_published"]):
        return ["xnli"]
    return [task for task in config["probes"]["tasks"] if dataset not in config["probes"]["leave_out"].get(task, [])]
