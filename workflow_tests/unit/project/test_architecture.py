"""The house's rules that a reader relies on: floors, sizes, what every rule says of itself."""

import re

import pytest

from xlprobe.paths import PROJECT
from xlprobe.study.code_identity import reached_modules

LIBRARY = PROJECT / "scripts" / "xlprobe"
SCRIPTS = sorted((PROJECT / "scripts").glob("*.py"))
RULE_FILES = sorted((PROJECT / "rules").glob("*.smk"))
# What the rules share, rules none.
SHARED = ("common.smk", "recording.smk", "targets.smk")


def layers() -> dict[str, int]:
    """Each module's floor, from the package's docstring."""
    text = (LIBRARY / "__init__.py").read_text().split('"""')[1]
    rows = [line.strip() for line in text.splitlines() if line.startswith("    ")]
    return {name.strip(): floor for floor, row in enumerate(rows) for name in re.split(r"\s{2,}", row)[0].split(",")}


def test_imports_point_one_way():
    floor = layers()
    modules = {path for path in LIBRARY.rglob("*.py") if path.name != "__init__.py" or path.parent != LIBRARY}
    for module in modules:
        name = module.relative_to(LIBRARY).parts[0].removesuffix(".py")
        assert name in floor, f"{name} is missing from the list in xlprobe/__init__.py"
        for reached in reached_modules(module):
            other = reached.relative_to(LIBRARY).parts[0].removesuffix(".py")
            assert floor[other] <= floor[name], f"{name} imports {other}, which stands above it"


def test_the_library_does_not_know_snakemake():
    for path in LIBRARY.rglob("*.py"):
        assert not re.search(r"^\s*(import|from) snakemake", path.read_text(), flags=re.M), path


def test_compressed_data_is_read_in_one_place():
    """Each package's own reader stops in silence at one damage or another."""
    reading = r"\b(gzip|lzma|bz2|zlib|zstd)\.(open\((?!temporary, \"wb\")|decompress|\w*Decompressor|\w+File\b)|tarfile\.open\(\w+\)|\"r:\w"
    for path in LIBRARY.rglob("*.py"):
        assert path.name == "compression.py" or not re.search(reading, path.read_text()), path


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_are_thin(script):
    assert script.read_text().count("\n") <= 40


def test_the_snakefile_is_short():
    assert (PROJECT / "Snakefile").read_text().count("\n") <= 60


@pytest.mark.parametrize("path", RULE_FILES, ids=lambda path: path.name)
def test_every_rule_says_what_it_needs(path):
    text = path.read_text()
    assert text.startswith('"""')
    if path.name in SHARED:
        return
    assert "reads:" in text and "makes:" in text and "\nscript:" not in text
    parts = re.split(r"^ *rule (\w+):$", text, flags=re.M)[1:]
    rules = dict(zip(parts[::2], parts[1::2], strict=True))
    assert rules
    for name, body in rules.items():
        for directive in ("output:", "log:", "benchmark:", "conda:", "resources:", "message:", "shell:", "params:", "mem_mb=", "runtime="):
            assert directive in body, f"rule {name} has no {directive}"
        assert "code=" in body or "training_version=" in body, f"rule {name} does not carry its code's identity"


def test_every_script_is_run_by_a_rule_or_by_make():
    callers = "".join(path.read_text() for path in [*RULE_FILES, PROJECT / "Makefile"])
    for script in SCRIPTS:
        assert f"python scripts/{script.name}" in callers, script.name


def test_functions_of_the_workflow_live_apart_from_rules_and_plan_nothing():
    for path in RULE_FILES:
        has_functions, has_rules = (bool(re.search(rf"^\s*{word} ", path.read_text(), flags=re.M)) for word in ("def", "rule"))
        assert (has_functions, has_rules) == ((True, False) if path.name in SHARED else (False, True)), path
    lengths = {name: (PROJECT / "rules" / name).read_text().count("\n") for name in ("common.smk", "sources.smk")}
    assert lengths["common.smk"] <= 120 and lengths["sources.smk"] <= 130


def test_no_script_reaches_the_study():
    """What is measured is no part of how: the plan changes no target's code."""
    reached = {path.parent.name for script in SCRIPTS for path in reached_modules(script)}
    assert "world" in reached and "study" not in reached
