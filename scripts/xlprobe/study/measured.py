"""What is measured of which model, and at which layers: what the entries of `measurements` and of `sweeps` say of model, task and dataset.

Layers are numbers in order (0 is the embedding layer); None is all that a model has, whose number a configuration need not
know.
"""

from collections.abc import Collection, Mapping
from typing import Any

from xlprobe.study.catalogue import are_comparable
from xlprobe.study.inventory import dataset_languages, probed


def is_measured(config: Mapping[str, Any], model: str, task: str, dataset: str, languages: Collection[str]) -> bool:
    """Whether a model's languages, or an entry of `measurements`, allow that one of a dataset's tasks is measured of the model.

    Nothing is measured of control models.

    Args:
        languages: the dataset's.
    """
    if config["models"][model]["control"]:
        return False
    return _knows(config, model, languages) or any(_fits(entry, model, task, dataset) for entry in config["measurements"])


def measured_datasets(config: dict[str, Any], model: str) -> dict[str, list[str]]:
    """The datasets on which each task is measured of a model; test sets, where there are probes to try on them."""
    languages, datasets = dataset_languages(config), probed(config)
    tasks = {name: tasks_of(config, name) for name in languages}
    tests = {name: dataset for name, dataset in datasets.items() if dataset.test_only}
    found = {}
    for task in [*probe_tasks(config), "alignment"]:
        names = [name for name in languages if task in tasks[name] and is_measured(config, model, task, name, languages[name])]
        sources = [datasets[name] for name in names if name in datasets and name not in tests]
        found[task] = [name for name in names if name not in tests or any(are_comparable(source, tests[name]) for source in sources)]
    return found


def transferred_datasets(config: dict[str, Any], task: str) -> set[str]:
    """The datasets whose probes of a task are transferred to the test sets that stand alone (`transfer.sources`)."""
    datasets = {name: dataset for name, dataset in probed(config).items() if task in tasks_of(config, name)}
    tested = {dataset.language for dataset in datasets.values() if dataset.test_only}
    chosen = config["transfer"]["sources"]
    return {name for name, dataset in datasets.items() if not dataset.test_only and (chosen == "all" or dataset.language in tested)}


def bits_languages(config: Mapping[str, Any], model: str) -> list[str]:
    """The languages in which bits per character are taken of a model."""
    bits = config["bpc"]
    asked = [] if model in bits["leave_out"] else bits["languages"]
    return [language for language in asked if is_measured(config, model, "bpc", language, {language})]


def idle_entries(config: dict[str, Any]) -> list[int]:
    """The places of entries of `measurements` that add nothing: without any one of them, the same is measured."""
    entries, languages, needed = config["measurements"], dataset_languages(config), set()
    for model in config["models"] if entries else []:
        measured = [(task, name, languages[name]) for task, names in measured_datasets(config, model).items() for name in names]
        measured += [("bpc", language, {language}) for language in bits_languages(config, model)]
        for task, name, known in measured:
            asking = [n for n, entry in enumerate(entries) if _fits(entry, model, task, name)]
            if len(asking) == 1 and not _knows(config, model, known):
                needed.add(asking[0])
    return [n for n in range(len(entries)) if n not in needed]


def layers_of(config: Mapping[str, Any], model: str, task: str, dataset: str) -> list[int] | None:
    """The layers at which a task is measured on a dataset: those of the last entry of `sweeps` that fits, or `features.layers`."""
    sweep = _sweep(config, model, task, dataset)
    layers = (config["features"] if sweep is None else sweep)["layers"]
    return None if layers is None else sorted(layers)


def converged_beside(config: Mapping[str, Any], model: str, task: str, dataset: str) -> bool:
    """Whether probes of a dataset are trained by the protocol converged beside the run's own (`probes.converged_on`)."""
    chosen, sweep = config["probes"]["converged_on"], _sweep(config, model, task, dataset)
    if config["probes"]["protocol"] == "converged":
        return False
    if chosen is not None:
        return dataset in chosen
    return sweep is not None and (sweep["layers"] is None or len(sweep["layers"]) > 1)


def sweeps_of(config: dict[str, Any], model: str) -> dict[str, Mapping[str, Any]]:
    """The entries of `sweeps`, by key, that fit something that is measured of a model."""
    measured = [(task, name) for task, names in measured_datasets(config, model).items() for name in names]
    return {
        f"sweeps.{n}": sweep for n, sweep in enumerate(config["sweeps"]) if any(_fits(sweep, model, task, name) for task, name in measured)
    }


def probe_tasks(config: Mapping[str, Any]) -> list[str]:
    """The tasks that probes are trained for: those on treebanks and, where XNLI is named, that on its pairs."""
    return [*config["probes"]["tasks"], *(["xnli"] if config["xnli"] else [])]


def tasks_of(config: Mapping[str, Any], dataset: str) -> list[str]:
    """The tasks that a dataset of the run has."""
    if dataset not in config["treebanks"]:
        return ["alignment" if dataset in config["alignments"] else "xnli"]
    return [task for task in config["probes"]["tasks"] if dataset not in config["probes"]["leave_out"].get(task, [])]


def _knows(config: Mapping[str, Any], model: str, languages: Collection[str]) -> bool:
    own = {*(config["models"][model].get("pretrain", {}).get("languages") or [])}
    # One that is published, or pretrained on all of the run's languages, is measured in any.
    return not own or own.issuperset(config["languages"]) or own.issuperset(languages)


def _sweep(config: Mapping[str, Any], model: str, task: str, dataset: str) -> Mapping[str, Any] | None:
    """The last entry of `sweeps` that fits."""
    return next((sweep for sweep in reversed(config["sweeps"]) if _fits(sweep, model, task, dataset)), None)


def _fits(entry: Mapping[str, Any], model: str, task: str, dataset: str) -> bool:
    named = (("models", model), ("tasks", task), ("datasets", dataset))
    return all(name in (entry[key] or [name]) for key, name in named)
