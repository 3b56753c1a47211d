"""A run's configuration: checked against `schemas/config.schema.yaml`, defaults filled in, faults in one sentence."""

import copy
import hashlib
import json
import math
import re
from typing import Any

from xlprobe.errors import ConfigError
from xlprobe.study.config_checks import check_bits, check_measurements, check_names, check_probes, check_world
from xlprobe.study.config_file import join, misread, shown
from xlprobe.study.config_schema import LARGEST_NUMBER, Validator, fault, fill_defaults, schema
from xlprobe.study.model_checks import MOST_CHECKPOINTS, check_model
from xlprobe.study.model_groups import set_apart
from xlprobe.study.runs import steps
from xlprobe.study.signatures import check_signatures

# Control characters, and halves of characters.
UNFIT_FOR_NAMES = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
# Of a list, which is checked entry by entry.
MOST_ENTRIES = 10_000


def complete(config: dict[str, Any]) -> dict[str, Any]:
    """Check a configuration and return a copy with every default filled in.

    Raises:
        ConfigError: a key is unknown or missing, a value has the wrong type or cannot be used,
            or a language, treebank or alignment set is unknown; the message names the key.
    """
    _check_read(config, "")
    errors = sorted(Validator(schema()).iter_errors(config), key=lambda error: list(map(str, error.path)))
    if errors:
        raise ConfigError(fault(errors[0]))
    completed = copy.deepcopy(config)
    fill_defaults(completed, schema())
    set_apart(completed)
    check_world(completed)
    check_names(completed)
    check_probes(completed)
    check_measurements(completed)
    check_bits(completed)
    checkpoints = 0
    for name, model in completed["models"].items():
        check_model(f"models.{name}", model, completed)
        checkpoints += len(steps(model)) * len(model["seeds"] or [None])
        if checkpoints > MOST_CHECKPOINTS:
            raise ConfigError(f"config key models: steps and seeds ask for more than {MOST_CHECKPOINTS:,} checkpoints; name fewer")
    check_signatures(completed)
    return completed


def digest(settings: dict[str, Any]) -> str:
    """A short name for some settings: equal settings, equal names."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:12]


def _check_read(value: Any, key: str) -> None:
    """Refuse what no key may hold, wherever it stands: names that YAML reads as something else, text and numbers that nothing takes."""
    if isinstance(value, dict):
        for name, child in value.items():
            if not isinstance(name, str):
                raise ConfigError(f"config key {join(key, shown(name))}: {misread(name) or 'it is no text'}; put the name in quotes")
            _check_read(name, key)
            _check_read(child, join(key, name))
    elif isinstance(value, list):
        if len(value) > MOST_ENTRIES:
            raise ConfigError(f"config key {key}: holds {len(value):,} entries, more than {MOST_ENTRIES:,}; name fewer")
        for place, child in enumerate(value):
            _check_read(child, join(key, str(place)))
    elif isinstance(value, str) and (unfit := UNFIT_FOR_NAMES.search(value)):
        raise ConfigError(
            f"config key {key or '(top)'}: found {shown(value)}, which holds the character U+{ord(unfit[0]):04X}; take it out"
        )
    elif isinstance(value, float) and not math.isfinite(value):
        raise ConfigError(f"config key {key}: found {value}, which no key takes; write a finite one, or text in quotes")
    elif isinstance(value, int) and abs(value) > LARGEST_NUMBER:
        raise ConfigError(f"config key {key}: found a number above 2^63; write a smaller one, or text in quotes")
