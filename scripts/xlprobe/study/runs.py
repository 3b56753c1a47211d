"""Training runs: each model of a configuration, once for each of its seeds, and where its checkpoints come from."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Formatter
from typing import Any

from xlprobe.artifacts.checkpoint_names import run_name
from xlprobe.errors import ConfigError
from xlprobe.study.resource_tables import sources

KINDS = ("pretrain", "fairseq", "huggingface")
# What the places of checkpoints may hold.
PLACEHOLDERS = ("step", "thousands", "seed")
# How many digits a placeholder is filled up to.
WIDTH = re.compile("(0?[1-9][0-9]?d?)?")
# Of a section's keys, those that may hold placeholders.
PATTERNS = {"pretrain": (), "fairseq": ("checkpoints",), "huggingface": ("repository", "revision", "folder")}


@dataclass(frozen=True)
class Run:
    """A model trained once; a model with several seeds has as many runs.

    Attributes:
        model: its name in the configuration.
        seed: the training seed; None where the configuration names no seeds.
        steps: the updates at which it is looked at, ascending.
        kind: where its checkpoints come from, one of `KINDS`.
        settings: the configuration's section of that name; of a pretraining with seeds, `training.seed` is this run's.
    """

    model: str
    seed: int | None
    steps: tuple[int, ...]
    kind: str
    settings: Mapping[str, Any]

    @property
    def name(self) -> str:
        """How paths name the run: `xlmr`, or `multiberts/seed_3`."""
        return run_name(self.model, self.seed)

    @property
    def is_on_hub(self) -> bool:
        """Whether its checkpoints lie on the Hugging Face hub."""
        return self.kind == "huggingface" and self.settings["repository"] is not None

    @property
    def arguments(self) -> list[Any]:
        """What scripts are told of it: the model's name, and the training seed where there are several."""
        return ["--model", self.model, *([] if self.seed is None else ["--training-seed", self.seed])]

    def as_json(self, section: str) -> str:
        """A section of a pretraining's settings, as scripts are told."""
        return json.dumps(self.settings[section], sort_keys=True)

    @property
    def training_gpus(self) -> int:
        """GPUs to ask a cluster for: one a training process, unless the configuration says cpu."""
        execution = self.settings["execution"]
        return 0 if execution["device"] == "cpu" else execution["processes"]

    @property
    def training_threads(self) -> int:
        """A core a process, and two more for each process's data loader where the configuration names GPUs."""
        execution = self.settings["execution"]
        return execution["processes"] * (3 if execution["device"] == "cuda" else 1)

    def previous(self, step: int) -> int | None:
        """The step of its schedule before a step; None before the first."""
        return max((earlier for earlier in self.steps if earlier < step), default=None)

    def place(self, key: str, step: int | None = None) -> str:
        """A key of the settings with its placeholders filled in for a step; as it stands where there is none."""
        return self.settings[key] if step is None else self.settings[key].format(**self.fields(step))

    def published_at(self, step: int) -> str:
        """Where a checkpoint of a `huggingface` suite comes from, for its record: repository@revision, or its folder."""
        return f"{self.place('repository', step)}@{self.place('revision', step)}" if self.is_on_hub else self.place("folder", step)

    def local_place(self, key: str, step: int | None = None) -> Path:
        """The same as a path of this machine.

        Raises:
            ConfigError: there is nothing at that path.
        """
        path = Path(self.place(key, step)).expanduser()
        if not path.exists():
            advice = f", or take step {step} out of the model's steps" if step is not None else ""
            raise ConfigError(f"config key models.{self.model}.{self.kind}.{key}: there is no {path}; correct it{advice}")
        return path

    def fields(self, step: int) -> dict[str, int | None]:
        """What stands for the placeholders at a step; numbers, so that {step:07d} pads them."""
        return {"step": step, "thousands": step // 1000, "seed": self.seed}


def kind(key: str, model: Mapping[str, Any]) -> str:
    """Where a model's checkpoints come from, one of `KINDS`.

    Raises:
        ConfigError: the model's section, named `key`, says none of them or several.
    """
    found = [name for name in KINDS if name in model]
    if len(found) != 1:
        said = f"both {found[0]} and {found[1]}" if found else "nothing"
        raise ConfigError(f"config key {key}: says {said} of where its checkpoints come from; give one of {', '.join(KINDS)}")
    return found[0]


def steps(model: Mapping[str, Any]) -> list[int]:
    """The updates at which a model is looked at, ascending, from numbers and {from, to, every} ranges."""
    found: set[int] = set()
    for entry in model["steps"]:
        found.update(range(entry["from"], entry["to"] + 1, entry["every"]) if isinstance(entry, dict) else [entry])
    return sorted(found)


def runs(models: Mapping[str, Mapping[str, Any]]) -> dict[str, Run]:
    """The runs of a completed configuration's models, by name."""
    found = {}
    for name, model in models.items():
        from_ = kind(f"models.{name}", model)
        for seed in model["seeds"] or [None]:
            settings = model[from_]
            if from_ == "pretrain" and seed is not None:
                settings = settings | {"training": settings["training"] | {"seed": seed}}
            run = Run(name, seed, tuple(steps(model)), from_, settings)
            found[run.name] = run
    return found


def check_places(key: str, model: Mapping[str, Any]) -> None:
    """Refuse places of checkpoints that cannot be told apart, or that hold what nothing fills in.

    Raises:
        ConfigError: a placeholder is unknown, is missing although there are several steps or seeds, or does not fit a step.
    """
    section = kind(key, model)
    held = set()
    for name in PATTERNS[section]:
        where = f"config key {key}.{section}.{name}"
        pattern = model[section][name] or ""
        if source := sources().get(pattern):
            # One without an address says by hand what to get, for each step.
            pattern = source.address or source.obtain
        try:
            parts = [(name, width or "", other) for _, name, width, other in Formatter().parse(pattern) if name is not None]
        except ValueError:
            raise ConfigError(f"{where}: {pattern!r} holds a single brace; write {{step}}, or double the brace") from None
        fields = {field for field, _, _ in parts}
        if unknown := sorted(fields - {*PLACEHOLDERS}):
            known = ", ".join(f"{{{placeholder}}}" for placeholder in PLACEHOLDERS)
            raise ConfigError(f"{where}: {{{unknown[0]}}} is unknown; {known} are filled in")
        if odd := [field for field, width, conversion in parts if conversion or not WIDTH.fullmatch(width)]:
            raise ConfigError(f"{where}: found {pattern!r}, expected {{{odd[0]}}}, or {{{odd[0]}:07d}} for seven digits")
        held |= fields
    if not PATTERNS[section]:
        return
    wanted = steps(model)
    if len(wanted) > 1 and not held & {"step", "thousands"}:
        raise ConfigError(f"config key {key}.{section}: names one checkpoint for all {len(wanted)} steps; write {{step}} where it differs")
    if "thousands" in held and (uneven := [step for step in wanted if step % 1000]):
        raise ConfigError(f"config key {key}.steps: step {uneven[0]} is no multiple of 1000, but {{thousands}} stands in {key}.{section}")
    if ("seed" in held) != (model["seeds"] is not None):
        told = f"{key}.{section} holds no {{seed}}" if model["seeds"] else f"{{seed}} stands in {key}.{section}, but there are none"
        raise ConfigError(f"config key {key}.seeds: {told}; give both or neither")


def model_languages(config: dict[str, Any], run: Run) -> list[str]:
    """The languages that a run of a completed configuration is pretrained on, sorted."""
    return sorted(run.settings["languages"] or config["languages"])
