"""What paper 1 (Blevins et al. 2022) does not say, or says otherwise, and what is done here: read from the configuration's schema.

In the schema, `x-paper1` stands beside a key: `says`, `ours` and `after`, or a list of such entries if a key holds several choices.
`what` says what a choice is about; an entry without it takes the first sentence of the key's description.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ANNOTATION = "x-paper1"
HEADER = """# Choices

What paper 1 (Blevins, Gonen and Zettlemoyer 2022) does not say, or says otherwise, and what is done here instead. Numbers in
brackets are its sections. Keys are those of a run's configuration; `*` in a key stands for a name that you choose. A value before
a colon is the key's default. This page is made from `schemas/config.schema.yaml` by `make docs`: edit that file.
"""
TABLE = """
## `{section}`

| key | about | paper 1 | here (by default) | after |
|---|---|---|---|---|
"""
# The model's pretraining, or the first part of a key.
SECTION = re.compile(r"models\.\*\.pretrain|[^.]+")
# A default that says nothing.
EMPTY: tuple[Any, ...] = (None, [], {})


@dataclass(frozen=True)
class Choice:
    """A choice: its key in the configuration, what it is about, what paper 1 says, what is done here by default, and after whom.

    `default` is the key's value, in JSON; None where it is empty, and for groups of keys and keys of several choices.
    """

    key: str
    what: str
    says: str
    ours: str
    after: str
    default: str | None


def choices(rule: dict[str, Any], key: str = "") -> Iterator[Choice]:
    """The choices of a schema in its order; `*` in a key stands for a name of the user's choice."""
    entry = rule.get(ANNOTATION, [])
    if isinstance(entry, list):
        default, entries = None, entry
    else:
        default, entries = rule.get("default"), [entry]
    told = {"what": _beginning(rule.get("description", "")), "default": None if default in EMPTY else json.dumps(default)}
    for entry in entries:
        yield Choice(key, **told | entry)
    for name, below in rule.get("properties", {}).items():
        yield from choices(below, f"{key}.{name}" if key else name)
    for below in (*rule.get("patternProperties", {}).values(), *([rule["items"]] if "items" in rule else [])):
        yield from choices(below, f"{key}.*")


def document(schema: Path) -> str:
    """The choices of a schema's file as a page of Markdown, a table a section."""
    rows: dict[str, str] = {}
    for choice in choices(yaml.safe_load(schema.read_text(encoding="utf-8"))):
        section, *_ = SECTION.findall(choice.key)
        rows[section] = rows.get(section, TABLE.format(section=section)) + _row(choice)
    return HEADER + "".join(rows.values())


def _beginning(description: str) -> str:
    """The first sentence, up to a semicolon."""
    return re.split(r"\.$|\. |;", description, maxsplit=1)[0]


def _row(choice: Choice) -> str:
    default = "" if choice.default is None else f"`{choice.default}`: "
    cells = [_escaped(choice.what), _escaped(choice.says), default + _escaped(choice.ours), _escaped(choice.after)]
    return "| " + " | ".join([f"`{choice.key}`", *cells]) + " |\n"


def _escaped(text: str) -> str:
    """Text of which Markdown makes no HTML and no column."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("|", "\\|")
