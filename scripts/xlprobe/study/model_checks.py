"""What the schema cannot say of a configuration's models."""

import re
from typing import Any

from xlprobe.errors import ConfigError
from xlprobe.study.measured import sweeps_of
from xlprobe.study.runs import check_places, kind, steps

# Of a model; and of all models with all their seeds: each is at least as many jobs as datasets are measured.
MOST_STEPS, MOST_CHECKPOINTS = 10_000, 100_000


def check_model(key: str, model: dict[str, Any], config: dict[str, Any]) -> None:
    """That a model's steps, places and training fit each other and the rest of the configuration.

    Args:
        key: the model's key in the configuration.
    """
    named = [entry for entry in model["steps"] if isinstance(entry, dict)]
    wanted = len(model["steps"]) - len(named) + sum(len(range(entry["from"], entry["to"] + 1, entry["every"])) for entry in named)
    if wanted > MOST_STEPS:
        raise ConfigError(f"config key {key}.steps: asks for {wanted:,} steps, more than {MOST_STEPS:,}; raise `every`, or name fewer")
    schedule = steps(model)
    if not schedule:
        raise ConfigError(f"config key {key}.steps: no step lies in the ranges given; correct from, to or every")
    section = kind(key, model)
    if section == "huggingface" and (model[section]["repository"] is None) == (model[section]["folder"] is None):
        raise ConfigError(f"config key {key}.huggingface: give one of repository (on the hub) and folder (on this machine)")
    if section == "huggingface" and model[section]["folder"] and model[section]["revision"] != "main":
        raise ConfigError(
            f"config key {key}.huggingface.revision: a folder has no revision; write {{step}} in folder, and take revision out"
        )
    if section == "huggingface" and not re.fullmatch(r"[^/:]+/[^/:]+", model[section]["repository"] or "a/b"):
        found = model[section]["repository"]
        raise ConfigError(f"config key {key}.huggingface.repository: found {found!r}, expected organisation/name as the hub has it")
    check_places(key, model)
    if section == "pretrain":
        _check_pretraining(key, model[section], schedule, config)


def _check_pretraining(key: str, pretrain: dict[str, Any], schedule: list[int], config: dict[str, Any]) -> None:
    architecture, training, execution = pretrain["architecture"], pretrain["training"], pretrain["execution"]
    if not config["languages"]:
        raise ConfigError(f"config key languages: is empty, but {key} is to be pretrained; name its corpora")
    if schedule[-1] > training["updates"]:
        raise ConfigError(
            f"config key {key}.steps: step {schedule[-1]} lies beyond {key}.pretrain.training.updates = {training['updates']};"
            " lower it, or raise the updates"
        )
    for section, settings in ({"features": config["features"]} | sweeps_of(config, key.partition(".")[2])).items():
        if (highest := max(settings["layers"] or [0])) > architecture["layers"]:
            raise ConfigError(
                f"config key {section}.layers: layer {highest} is asked for, but {key} has layers 0 to {architecture['layers']};"
                " name one of these"
            )
    if architecture["hidden_size"] % architecture["heads"]:
        raise ConfigError(
            f"config key {key}.pretrain.architecture.heads: {architecture['heads']} heads do not divide"
            f" hidden_size = {architecture['hidden_size']}; change one of the two"
        )
    if training["tokens_per_sample"] > architecture["max_tokens"]:
        raise ConfigError(
            f"config key {key}.pretrain.training.tokens_per_sample: {training['tokens_per_sample']} tokens do not fit"
            f" architecture.max_tokens = {architecture['max_tokens']}; lower it, or raise max_tokens"
        )
    if training["batch_size"] % (execution["processes"] * (execution["samples_per_process"] or 1)):
        raise ConfigError(
            f"config key {key}.pretrain.training.batch_size: {training['batch_size']} samples cannot be shared by"
            f" {execution['processes']} processes x samples_per_process = {execution['samples_per_process'] or 1}; make it a multiple"
        )
    if training["warmup_updates"] > training["updates"]:
        raise ConfigError(
            f"config key {key}.pretrain.training.warmup_updates: {training['warmup_updates']} is more than"
            f" training.updates = {training['updates']}; lower it"
        )
    _check_early_stopping(key, training, schedule)
    if training["fp16"] and execution["device"] == "cpu":
        raise ConfigError(f"config key {key}.pretrain.training.fp16: fairseq has no fp16 training on the CPU; set it to false")


def _check_early_stopping(key: str, training: dict[str, Any], schedule: list[int]) -> None:
    stopping, updates = training["early_stopping"], training["updates"]
    if stopping is None:
        return
    if schedule != [updates]:
        raise ConfigError(
            f"config key {key}.steps: a model that is measured over steps has no early stopping; write steps: [{updates}], its"
            f" training.updates, or set {key}.pretrain.training.early_stopping to null"
        )
    if stopping["validate_every"] > updates:
        raise ConfigError(
            f"config key {key}.pretrain.training.early_stopping.validate_every: {stopping['validate_every']} is more than"
            f" training.updates = {updates}; lower it"
        )
