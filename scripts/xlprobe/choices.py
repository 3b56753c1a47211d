"""What paper 1 (Blevins et al. 2022) does not say, or says otherwise, and what is done here: read from the configuration's schema.

There `x-paper1` stands beside a key: `says`, `ours` and `after`, or a list of such entries where a key holds several choices.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ANNOTATION = "x-paper1"
HEADER = """# Choices

What paper 1 (Blevins, Gonen and Zettlemoyer 2022) does not say, or says otherwise, and what is done here in its place. Numbers in
brackets are its sections. Made from `schemas/config.schema.yaml` by `make docs`: correct it there.

| key | paper 1 | here (by default) | after |
|---|---|---|---|
"""


@dataclass(frozen=True)
class Choice:
    """A choice: its key in the configuration, what paper 1 says, what is done here by default, and after whom.

    `default` is the key's value, in JSON; None for groups of keys, keys without one, and a key's second choice.
    """

    key: str
    says: str
    ours: str
    after: str
    default: str | None


def choices(rule: dict[str, Any], key: str = "") -> Iterator[Choice]:
    """The choices of a schema in its order; `*` in a key stands for a name of the user's choice."""
    entries = rule.get(ANNOTATION, [])
    default = json.dumps(rule["default"]) if "default" in rule and "properties" not in rule else None
    for number, entry in enumerate(entries if isinstance(entries, list) else [entries]):
        yield Choice(key, **entry, default=None if number else default)
    for name, below in rule.get("properties", {}).items():
        yield from choices(below, f"{key}.{name}" if key else name)
    for below in (*rule.get("patternProperties", {}).values(), *([rule["items"]] if "items" in rule else [])):
        yield from choices(below, f"{key}.*")


def document(schema: Path) -> str:
    """The choices of a schema's file as a page of Markdown."""
    return HEADER + "".join(map(_row, choices(yaml.safe_load(schema.read_text(encoding="utf-8")))))


def _row(choice: Choice) -> str:
    default = "" if choice.default is None else f"`{choice.default}`: "
    return "| " + " | ".join([f"`{choice.key}`", _escaped(choice.says), default + _escaped(choice.ours), _escaped(choice.after)]) + " |\n"


def _escaped(text: str) -> str:
    """Text of which Markdown makes no HTML and no column."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("|", "\\|")
