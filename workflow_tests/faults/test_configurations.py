"""Configurations changed at random: each is completed to values that every later step takes, or refused in one short sentence."""

import copy
import math
import tempfile
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import amount, count
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from xlprobe.errors import ConfigError
from xlprobe.paths import PROJECT
from xlprobe.study import config, config_file, config_schema, inventory
from xlprobe.study.runs import PATTERNS, runs

fuzzed = settings(
    derandomize=True,
    database=None,
    deadline=5000,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
LONGEST_MESSAGE = 1200
TEXTS = [path.read_text(encoding="utf-8") for path in (PROJECT / "config.yaml", *sorted((PROJECT / "config").glob("*.yaml")))]
GIVEN = [yaml.safe_load(text) for text in TEXTS]
# As they are given, and with every key written out.
RUNS = [*GIVEN, *map(config.complete, GIVEN)]
VALUES: list[Any] = [
    *(None, True, False, 0, 1, -1, 2, 12, 1000, 2**31, 2**32, 2**63 - 1, 2**63, -(2**63), 10**18, 10**400),
    *(0.0, 1.0, 10.0, 0.5, -0.5, 1e-300, 5e-324, 1e39, 1e300, math.nan, math.inf, -math.inf),
    *("", " ", "a\n", "demo\n", "a\u2028", "\ud800", "\0", "\x1b[31m", "é", "'" * 300, "a" * 300, "a b " * 3000, "/" * 5000),
    *("1e3", "8e3", "1e400", "1e-7", "1e15", "3.5", "10.0", "9" * 5000, "nan", ".inf", "true", "no", "en", "zh", "pos", "xnli", "all"),
    *("{step}", "{step:999999999d}", "{step!r}", "{step:{seed}}", "{seed}", "{", "a/b", "https://x/{thousands}", "..", "../..", "."),
    *([], {}, [None], [True], [1.0], [0], ["en"], ["en", "en"], [0] * 20_000, ["x"] * 20_000, [[[]]], {"a": {"b": {}}}),
    *({"from": 0, "to": 10**9, "every": 1}, [{"from": 0, "to": 10**12, "every": 1}], [{"from": 0, "to": 9999, "every": 1}] * 50),
    *([{"from": 0, "to": 2**63 - 1, "every": 1}], [{"from": 5, "to": 1, "every": 1}], list(range(200)), date(2020, 1, 1)),
]
NAMES: list[Any] = ["seeds", "steps", "m", "a/b", "..", "a\n", "x" * 300, "", "é", "<<", "\x1b[31m", 3, None, True, 1.5, date(2020, 1, 1)]
KINDS = ("value", "like it", "like it", "like it", "no key", "other key", "another key", "part of another")
PIECES = [
    *("", " ", "\t", "\n", ": ", "- ", "&a ", "*a", "<<: *a", "---\n", *":[]{},#'|>%@`!", '"'),
    *("~", "null", "yes", "on", "010", "0x1F", "10:20", "1_000", "1e3", "1.0", ".nan", ".inf", "1.0e+400", "9" * 5000, "0x" + "f" * 5000),
    *("2020-01-01", "2020-13-41", "!!python/object/apply:os.system [id]", "!!binary x", "!!int x", "!!set {a}", "\x00", "\x85", "\u2028"),
    *("\ufeff", "é", "\x1b[31m", "? [a]\n: b\n", "a: 1\na: 1\n", "&b [*b]", "[" * 400, "{a: " * 200, "a" * 300, "  ", "    "),
]
PLACES = st.integers(0, 2**16)
CHANGE = st.tuples(st.sampled_from(KINDS), PLACES, PLACES)


def places(value: Any, found: list[tuple[Any, Any]] | None = None) -> list[tuple[Any, Any]]:
    """Each group of keys or list in a value with each of its keys or places."""
    found = [] if found is None else found
    for key, child in value.items() if isinstance(value, dict) else enumerate(value):
        found.append((value, key))
        if isinstance(child, dict | list):
            places(child, found)
    return found


def like(value: Any, other: int) -> Any:
    """A value of the same type, or that looks like it."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        near = (value - 1, value + 1, -value, 2 * value, 1000 * value, 10**6, 10**9, 2**32 - 1, float(value), str(value), f"{value}.0")
    elif isinstance(value, float):
        near = (value / 2, 2 * value, -value, 1 - value, int(value), 1e-9, 1e-8, 0.0, 1.0, str(value), f"{value:e}")
    elif isinstance(value, list):
        near = (value[1:], value * 2, value[::-1], value[:1], [*value, *value[:1]], [value], value[:1] * 3, [])
    elif isinstance(value, dict):
        near = ({}, list(value), None, {**value, "x": 1}, dict([*value.items()][1:]), dict([*value.items()][:1]))
    else:
        near = (f"{value}", f"{value}\n", f"{value}x", f"{value}"[:-1], f"{value}".upper(), [value], f" {value}", f"{value}/{{step}}")
    return near[other % len(near)]


def change(run: dict[str, Any], kind: str, place: int, other: int) -> None:
    """Change one thing in a run's configuration, at any depth."""
    everywhere = places(run)
    if not everywhere:
        return
    parent, key = everywhere[place % len(everywhere)]
    if kind == "like it":
        parent[key] = like(parent[key], other)
    elif kind == "value" or isinstance(parent, list):
        parent[key] = copy.deepcopy(VALUES[other % len(VALUES)])
    elif kind == "no key":
        del parent[key]
    elif kind == "other key":
        parent[NAMES[other % len(NAMES)]] = parent.pop(key)
    elif kind == "another key":
        parent[NAMES[other % len(NAMES)]] = copy.deepcopy(parent[key])
    else:
        of_another, there = (found := places(RUNS[other % len(RUNS)]))[place * 31 % len(found)]
        parent[key] = copy.deepcopy(of_another[there])


def check_values(value: Any, rule: dict[str, Any], key: str = "") -> None:
    """That a value is of its rule's type, by Python's own types, and bounded."""
    types = rule.get("type", [])
    types = [types] if isinstance(types, str) else types
    if isinstance(value, bool):
        assert "boolean" in types, key
    elif isinstance(value, int | float):
        assert {"integer", "number"} & {*types} or "anyOf" in rule, key
        assert math.isfinite(value) and (abs(value) <= 10**12 or "max" in key), key
        assert "integer" not in types or type(value) is int, key
    elif isinstance(value, str):
        assert not {*value} & {*map(chr, range(32))} and (value.isprintable() or key.split(".")[-1] not in ("experiment", "name")), key
    elif isinstance(value, dict):
        for name, child in value.items():
            below = rule.get("properties", {}).get(name) or next(iter(rule.get("patternProperties", {}).values()), {})
            if "anyOf" in rule:
                below = {"type": "integer"}
            check_values(child, below or {"type": ["array"], "items": {"type": "string"}}, f"{key}.{name}")
    elif isinstance(value, list):
        for entry in value:
            check_values(entry, rule.get("items", {}), f"{key}.")


def judged(read: Callable[[], dict[str, Any]], path: str = "") -> dict[str, Any] | None:
    """A completed configuration; None where it is refused in one sentence."""
    count("inputs tried")
    try:
        return config.complete(read())
    except ConfigError as error:
        said = str(error)
        assert said.isprintable() and len(said) < LONGEST_MESSAGE + len(path), said
        assert said.startswith(("config key ", path)) and error.__cause__ is None, said
        return None


def check(completed: dict[str, Any] | None) -> None:
    """That later steps can take a configuration as it is."""
    if completed is None:
        return
    assert config.complete(completed) == completed
    check_values(completed, config_schema.schema())
    found = runs(completed["models"])
    assert sum(len(run.steps) for run in found.values()) <= 100_000
    for run in found.values():
        for key in PATTERNS[run.kind] if len(run.steps) < 100 else ():
            if run.settings[key]:
                assert len({run.place(key, step) for step in run.steps}) <= len(run.steps)
    assert inventory.probed(completed).keys() >= {*completed["treebanks"]} and inventory.languages(completed)


@settings(fuzzed, max_examples=amount(2_000))
@given(number=st.integers(0, len(RUNS) - 1), changes=st.lists(CHANGE, min_size=1, max_size=3))
def test_values(number, changes):
    run = copy.deepcopy(RUNS[number])
    for one in changes:
        change(run, *one)
    check(judged(lambda: run))


@pytest.fixture
def folder() -> Iterator[Path]:
    """Files are written a thousand times over: in memory, where there is such a folder."""
    shared = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=shared if shared.is_dir() else None) as name:
        yield Path(name)


@settings(fuzzed, max_examples=amount(1_000))
@given(
    number=st.integers(0, len(TEXTS) - 1),
    changes=st.lists(st.tuples(PLACES, st.integers(0, 8), st.sampled_from(PIECES)), min_size=1, max_size=3),
)
def test_texts(folder, number, changes):
    text = TEXTS[number]
    for place, cut, piece in changes:
        at = place % (len(text) + 1)
        text = text[:at] + piece + text[at + cut :]
    path = folder / "run.yaml"
    path.write_text(text, encoding="utf-8", newline="")
    check(judged(lambda: config_file.read(path), str(path)))
