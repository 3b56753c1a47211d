"""The configuration's schema: how values are held to it, the defaults that it gives, and its faults in one sentence."""

import copy
import math
import re
from collections.abc import Iterator
from functools import cache, reduce
from typing import Any

import yaml
from jsonschema import Draft202012Validator, TypeChecker, ValidationError
from jsonschema.validators import extend

from xlprobe.paths import SCHEMAS
from xlprobe.study.config_file import join, misread, shown
from xlprobe.suggestions import suggestion

TYPE_NAMES = {
    "integer": "a whole number",
    "number": "a number",
    "string": "text",
    "boolean": "true or false",
    "array": "a list",
    "object": "a group of keys",
    "null": "null",
}
# Beyond it, libraries read numbers as floats, or fail.
LARGEST_NUMBER = 2**63 - 1


@cache
def schema() -> dict[str, Any]:
    """The configuration's JSON Schema."""
    return yaml.safe_load((SCHEMAS / "config.schema.yaml").read_text(encoding="utf-8"))


def _is_whole_number(_: TypeChecker, value: Any) -> bool:
    """Not 3.0, which JSON Schema takes for a whole number and scripts refuse."""
    return isinstance(value, int) and not isinstance(value, bool)


def _check_unique(validator: Any, wanted: bool, instance: Any, rule: Any) -> Iterator[ValidationError]:
    """The package compares each entry with each, where they are of several types."""
    if wanted and validator.is_type(instance, "array") and len({*map(repr, instance)}) < len(instance):
        yield ValidationError("an entry twice")


Validator = extend(
    Draft202012Validator,
    {"uniqueItems": _check_unique},
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_whole_number),
)


def fill_defaults(value: Any, rule: dict[str, Any]) -> None:
    if not isinstance(value, dict):
        return
    for key, property_rule in rule.get("properties", {}).items():
        if "default" in property_rule:
            value.setdefault(key, copy.deepcopy(property_rule["default"]))
        if key in value:
            value[key] = _as_number(value[key], property_rule)
            fill_defaults(value[key], property_rule)
    for pattern_rule in rule.get("patternProperties", {}).values():
        for child in value.values():
            fill_defaults(child, pattern_rule)
    for key, property_rule in rule.get("properties", {}).items():
        for entry in value[key] if isinstance(value.get(key), list) else []:
            fill_defaults(entry, property_rule.get("items", {}))


def _as_number(value: Any, rule: dict[str, Any]) -> Any:
    """A number as a float, so that 1 and 1.0 are one setting; lists entry by entry."""
    if isinstance(value, list):
        return [_as_number(entry, rule.get("items", {})) for entry in value]
    is_number = "number" in rule.get("type", ()) and isinstance(value, int) and not isinstance(value, bool)
    return float(value) if is_number else value


def fault(error: Any) -> str:
    """One sentence for a schema fault: key, what was found, what to do."""
    key, instance = reduce(join, map(str, error.absolute_path), ""), error.instance
    if error.validator == "anyOf" and (isinstance(instance, dict) or _is_whole_number(TypeChecker(), instance)):
        # The alternative that is a group of keys, or a number, says more than that none fits.
        return fault(next(below for below in error.context if below.schema_path[0] == isinstance(instance, dict)))
    if error.validator == "additionalProperties":
        known = list(error.schema.get("properties", {}))
        patterns = error.schema.get("patternProperties", {})
        unknown = next(name for name in instance if name not in known and not any(re.search(p, name) for p in patterns))
        if patterns:
            return f"config key {join(key, unknown)}: {error.schema['$comment']}"
        return f"config key {join(key, unknown)}: unknown; {suggestion(unknown, known)}"
    if error.validator == "required":
        missing = next(name for name in error.validator_value if name not in instance)
        return f"config key {join(key, missing)}: missing; it has no default"
    found = f"config key {key or '(top)'}: found {shown(instance)}"
    if error.validator == "type":
        types = [error.validator_value] if isinstance(error.validator_value, str) else error.validator_value
        expected = " or ".join(TYPE_NAMES[name] for name in types)
        return f"{found}, expected {expected}{_yaml_advice(instance, types)}"
    if error.validator == "enum" and key.startswith("probes.tasks") and instance == "xnli":
        return f"config key {key}: found 'xnli', which is no task on treebanks; name its languages under xnli"
    if error.validator == "enum":
        values = ("null" if value is None else str(value) for value in error.validator_value)
        return f"{found}, expected one of {', '.join(values)}"
    if error.validator == "pattern":
        return f"{found}, expected {error.schema['$comment']}"
    if error.validator in ("minItems", "minProperties") and error.validator_value == 1:
        return f"config key {key}: is empty; name at least one"
    if error.validator in ("minItems", "maxItems"):
        most = "least" if error.validator == "minItems" else "most"
        return f"config key {key}: holds {len(instance)} entries, expected at {most} {error.validator_value}"
    if error.validator == "uniqueItems":
        twice = next(entry for place, entry in enumerate(instance) if entry in instance[:place])
        return f"config key {key}: names {shown(twice)} twice; keep one of the two"
    if error.validator == "anyOf":
        return f"{found}, expected a step (a whole number) or {{from, to, every}}{_yaml_advice(instance, ['integer'])}"
    return f"config key {key}: {error.message}"


def _yaml_advice(value: Any, types: list[str]) -> str:
    """What to write where YAML has read something else than was meant."""
    if "string" in types and (read := misread(value)):
        return f"; {read}: {'write text, in quotes where it is such a word' if value is None else 'put it in quotes'}"
    if value is None and "object" in types:
        return "; give keys below it, or take it out"
    if "array" in types and isinstance(value, str) and re.fullmatch(r"[\w-]+", value):
        return f"; write [{value}]"
    if isinstance(value, float) and "integer" in types and value.is_integer():
        return f"; write {value:.0f}"
    if isinstance(value, str) and "boolean" in types and value.lower() in ("true", "false"):
        return f"; write {value.lower()}, without quotes"
    if isinstance(value, str) and {"number", "integer"} & {*types}:
        if re.fullmatch(r"[0-9]{1,20}(\.[0-9]{0,20})?[eE][-+]?[0-9]{1,3}", value) and math.isfinite(float(value)):
            return f"; YAML reads {value} as text: write {_number(float(value))}"
        if re.fullmatch(r"[0-9]{1,20}(\.[0-9]{1,20})?", value):
            return f"; write {_number(float(value))}, without quotes"
    return ""


def _number(value: float) -> str:
    """A number as YAML reads it again: 1e-07 is text to it.

    >>> _number(8e3), _number(0.0003), _number(1e-7)
    ('8000', '0.0003', '1.0e-07')
    """
    return str(int(value)) if value.is_integer() and value < LARGEST_NUMBER else yaml.safe_dump(value).split()[0]
