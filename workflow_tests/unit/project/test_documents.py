"""What the documents name is there: links, files, `make` targets and keys; their configurations and imports hold."""

import importlib
import re
import textwrap
from pathlib import Path
from typing import Any

import pytest
import yaml

from xlprobe.paths import PROJECT, RESOURCES
from xlprobe.study import config, config_schema

README = PROJECT / "README.md"
PAGES = sorted((PROJECT / "docs").glob("*.md"))
DOCUMENTS = [README, PROJECT / "CONTRIBUTING.md", PROJECT / "SECURITY.md", RESOURCES / "README.md", *PAGES]
FOLDERS = "config|docs|envs|report|resources|rules|schemas|scripts|slurm|workflow_tests"
# Files that a user writes, or that a run makes.
NOT_SHIPPED = {"config/mine.yaml", "resources/sources.lock.tsv"}
BLOCK = re.compile(r"^( *)```(\w*)\n(.*?)^\1```", flags=re.MULTILINE | re.DOTALL)
# What a key of the configuration begins with, and no file does.
SECTIONS = "alignment|arcs|bpc|corpus|data|datasets|execution|features|intervals|pretrain|probes|tokenizer|training|transfer|world"


def links(text: str) -> list[tuple[str, str]]:
    """The relative links of a document: path and anchor."""
    return [(path, anchor) for path, anchor in re.findall(r"\]\(([^)#]*)#?([^)]*)\)", text) if "://" not in path]


def anchors(path: Path) -> set[str]:
    """The headings of a document as links write them."""
    headings = re.findall(r"^#+ (.*)", path.read_text(), flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


def files(text: str) -> set[str]:
    """The project's files and folders that a text names; of those with <a part> to fill in, what stands before it."""
    return {name.rstrip(".") for name in re.findall(rf"(?<![\w/<.>-])(?:{FOLDERS})/[\w.*+/-]*", text)}


def targets(text: str) -> set[str]:
    """The targets that a document tells to make."""
    commands = [*re.findall(r"`([^`\n]+)`", text), *(line for _, _, block in BLOCK.findall(text) for line in block.splitlines())]
    words = [command.split("#")[0].split()[1:] for command in commands if re.match(r" *make ", command)]
    return {word for line in words for word in line if "=" not in word}


def keys(text: str) -> set[str]:
    """The keys of the configuration that a document names with their section."""
    return set(re.findall(rf"`((?:{SECTIONS})\.(?!json`)[a-z_]+(?:\.[a-z_]+)*)(?:: [^`]+)?`", text))


def known_keys(rule: dict[str, Any], key: str = "") -> set[str]:
    """Every key of the schema, with and without the sections that it lies in."""
    found = set()
    below = [*rule.get("properties", {}).items(), *(("*", inner) for inner in rule.get("patternProperties", {}).values())]
    for name, inner in below:
        full = f"{key}.{name}" if key else name
        parts = full.split(".")
        found |= {".".join(parts[start:]) for start in range(len(parts))} | known_keys(inner, full)
    return found


def blocks(document: Path, language: str) -> list[str]:
    """The document's blocks of code in a language."""
    return [textwrap.dedent(block) for _, written, block in BLOCK.findall(document.read_text()) if written == language]


def test_the_readme_is_short_and_names_every_page():
    text = README.read_text()
    assert text.count("\n") <= 150
    assert {f"docs/{page.name}" for page in PAGES} <= {path for path, _ in links(text)}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(PROJECT)))
def test_what_a_document_names_is_there(document):
    text = document.read_text()
    for path, anchor in links(text):
        target = document.parent / path if path else document
        assert target.exists(), path
        assert not anchor or anchor in anchors(target), f"{path}#{anchor}"
    assert not [name for name in files(text) - NOT_SHIPPED if not list(PROJECT.glob(name))]
    assert targets(text) <= set(re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(), flags=re.MULTILINE))
    assert keys(text) <= known_keys(config_schema.schema())


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(PROJECT)))
def test_the_code_of_a_document_holds(document):
    for block in blocks(document, "yaml"):
        settings = yaml.safe_load(block)
        # A whole run, or a part of one, or of a model's pretraining.
        run = {} if "experiment" in settings else yaml.safe_load((PROJECT / "config" / "mini.yaml").read_text())
        if "execution" in settings:
            run["models"]["xlmr"]["pretrain"] |= settings
        else:
            run |= settings
        config.complete(run)
    for block in blocks(document, "python"):
        compile(block, document.name, "exec")
        for module, name in re.findall(r"^from (\S+) import (\w+)$", block, flags=re.MULTILINE):
            assert hasattr(importlib.import_module(module), name), f"{module}.{name}"


@pytest.mark.parametrize(
    ("found", "text", "expected"),
    [
        (links, "[a](b.md#c) [d](https://e.f/g)", [("b.md", "c")]),
        (files, "`scripts/a.py`, rules/b/<c>.smk, /x/docs/y, see docs/c.md.", {"scripts/a.py", "rules/b/", "docs/c.md"}),
        (targets, "`make run CONFIG=a.yaml`, to make sure\n```bash\nmake lint test  # makes both\n```\n", {"run", "lint", "test"}),
        (keys, "`probes.n_seeds`, `features.keep: true`, `tokenizer.json`, probes.py", {"probes.n_seeds", "features.keep"}),
    ],
)
def test_what_is_found_in_a_text(found, text, expected):
    assert found(text) == expected
