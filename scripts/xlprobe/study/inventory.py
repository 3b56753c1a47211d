"""What a run may name: the languages, treebanks and alignment sets of its world, or the published ones."""

from dataclasses import replace
from itertools import combinations
from typing import Any

from xlprobe.artifacts.splits import SPLITS
from xlprobe.study import resource_tables
from xlprobe.study.catalogue import (
    AlignmentSet,
    Language,
    NliSet,
    Treebank,
    nli_sets,
    world_alignment,
    world_family,
    world_treebanks,
)


def languages(config: dict[str, Any]) -> dict[str, Language]:
    """The languages that a run may name, by code: those of its world, or CC100's."""
    if not config["world"]:
        return resource_tables.languages()
    invented = config["world"]["languages"]
    return {code: Language(code, chosen["name"], world_family(invented, code), chosen["script"], "") for code, chosen in invented.items()}


def published_sizes(config: dict[str, Any]) -> dict[str, dict[str, float]]:
    """The sizes in GiB of published texts for pretraining, by language and reading; a world's are known once they are written."""
    return {} if config["world"] else resource_tables.cc100_sizes()


def treebanks(config: dict[str, Any]) -> dict[str, Treebank]:
    """The treebanks that a run may name, those of its world, or Universal Dependencies', each with the splits that the run uses."""
    invented = config["world"]["languages"] if config["world"] else {}
    of_world = {treebank.treebank: treebank for code in invented for treebank in world_treebanks(code, invented[code]["name"])}
    known = of_world or resource_tables.treebanks()
    chosen = config["datasets"]["splits"] or SPLITS
    return {
        name: replace(treebank, splits=tuple(split for split in treebank.splits if split in chosen)) for name, treebank in known.items()
    }


def alignments(config: dict[str, Any]) -> dict[str, AlignmentSet]:
    """The alignment sets that a run may name: those of its world, or the published ones."""
    if not config["world"]:
        return resource_tables.alignments()
    sets = (world_alignment(*pair, config["world"]["alignment_layout"]) for pair in combinations(config["world"]["languages"], 2))
    return {bitext.name: bitext for bitext in sets}


def probed(config: dict[str, Any]) -> dict[str, Treebank | NliSet]:
    """The datasets of a completed configuration that probes are trained or tested on, by name."""
    known = treebanks(config)
    return {name: known[name] for name in config["treebanks"]} | nli_sets(config["xnli"], config["datasets"]["nli_published"])


def dataset_languages(config: dict[str, Any]) -> dict[str, set[str]]:
    """The languages that each dataset of a completed configuration is in: of a bitext both."""
    known = alignments(config)
    datasets = probed(config) | {name: known[name] for name in config["alignments"]}
    return {name: {*dataset.languages} for name, dataset in datasets.items()}
