"""What is measured of which model, and at which layers: what the entries of `measurements` and of `sweeps` say of model, task and dataset.

Layers are numbers in order (0 is the embedding layer); None is all that a model has, whose number a configuration need not
know.
"""

from collections.abc import Collection, Mapping
from typing import Any

from xlprobe.study.catalogue import inference_sets


def is_measured(config: Mapping[str, Any], model: str, task: str, dataset: str, languages: Collection[str]) -> bool:
    """Whether a task that a dataset has is measured on it of a model: where the model knows its languages, or an entry asks for it.

    Args:
        languages: the dataset's.
    """
    own = own_languages(config, model)
    return own is None or own.issuperset(languages) or any(_fits(entry, model, task, dataset) for entry in config["measurements"])


def measured_datasets(config: Mapping[str, Any], model: str, task: str, datasets: Mapping[str, Collection[str]]) -> list[str]:
    """The datasets on which a task is measured of a model.

    Args:
        datasets: by name, the languages of each.
    """
    of_task = [name for name in datasets if task in tasks_of(config, name)]
    return [name for name in of_task if is_measured(config, model, task, name, datasets[name])]


def own_languages(config: Mapping[str, Any], model: str) -> set[str] | None:
    """The languages that a model is pretrained on here; None where these are all of the run's, and of published models."""
    own = {*(config["models"][model].get("pretrain", {}).get("languages") or [])}
    return None if not own or own.issuperset(config["languages"]) else own


def layers_of(config: Mapping[str, Any], model: str, task: str, dataset: str) -> list[int] | None:
    """The layers at which a task is measured on a dataset: those of the last entry of `sweeps` that fits, or `features.layers`."""
    layers = config["features"]["layers"]
    for sweep in config["sweeps"]:
        if _fits(sweep, model, task, dataset):
            layers = sweep["layers"]
    return None if layers is None else sorted(layers)


def probe_tasks(config: Mapping[str, Any]) -> list[str]:
    """The tasks that probes are trained for: those on treebanks and, where XNLI is named, that on its pairs."""
    return [*config["probes"]["tasks"], *(["xnli"] if config["xnli"] else [])]


def tasks_of(config: Mapping[str, Any], dataset: str) -> list[str]:
    """The tasks that a dataset has."""
    if dataset in config["alignments"]:
        return ["alignment"]
    if dataset in inference_sets(config["xnli"], config["datasets"]["nli_published"]):
        return ["xnli"]
    return [task for task in config["probes"]["tasks"] if dataset not in config["probes"]["leave_out"].get(task, [])]


def _fits(entry: Mapping[str, Any], model: str, task: str, dataset: str) -> bool:
    named = (("models", model), ("tasks", task), ("datasets", dataset))
    return all(name in (entry[key] or [name]) for key, name in named)
