"""What a target's code is: a hash of everything that can change its result, and of nothing else.

Snakemake sees a script's own text at most, never what the script imports. Each rule therefore carries this hash as a
parameter. It covers the script, the xlprobe modules it reaches, the tables in `resources/` and `schemas/` that those
modules name, and the pinned versions of the packages they import. Sources are compared as syntax trees without
docstrings, so comments, docstrings and layout do not count.
"""

import ast
import copy
import hashlib
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from xlprobe.paths import PROJECT, RESOURCES, SCHEMAS

LIBRARY = PROJECT / "scripts"
PIN_FILES = ("requirements.txt", "torch.txt", "fairseq.txt")
# Import names that differ from the distribution's name.
DISTRIBUTIONS = {"sklearn": "scikit-learn", "yaml": "PyYAML", "backports": "backports.zstd"}


def code_identity(script: Path, modules: Iterable[str] = (), tables: Iterable[str] = ()) -> str:
    """A short hash of the code behind a script.

    Args:
        script: the script that a rule runs.
        modules: xlprobe modules that the script loads by name at run time (a task's, say).
        tables: files of `resources/` or `schemas/` that the script is told the names of.
    """
    digest = hashlib.sha256()
    for part in sorted({*_parts(script, modules), *map(_content, _named(tables))}):
        digest.update(part.encode())
    return digest.hexdigest()[:16]


def reached_modules(script: Path, modules: Iterable[str] = ()) -> set[Path]:
    """The files of the xlprobe modules that `script` imports, directly or not, and those of `modules`."""
    reached: set[Path] = set()
    waiting = [*_imported_files(script), *(file for name in modules for file in _module_files(name))]
    while waiting:
        file = waiting.pop()
        if file not in reached:
            reached.add(file)
            waiting += _imported_files(file)
    return reached


def _parts(script: Path, modules: Iterable[str]) -> Iterator[str]:
    files = {script, *reached_modules(script, modules)}
    for file in files:
        yield f"{file.relative_to(PROJECT)} {_normalised(file)}"
        yield from map(_content, _tables(file))
        for package in _third_party(file):
            yield f"{package}=={_pins().get(package.lower(), 'unpinned')}"


@cache
def _tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"), filename=str(file))


@cache
def _normalised(file: Path) -> str:
    """The syntax tree as text, without docstrings."""
    tree = copy.deepcopy(_tree(file))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and ast.get_docstring(node) is not None:
            node.body = node.body[1:]
    return ast.dump(tree)


def _imports(file: Path) -> Iterator[str]:
    """Dotted names that a file imports: `from a import b` gives both `a` and `a.b`."""
    for node in ast.walk(_tree(file)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@cache
def _imported_files(file: Path) -> tuple[Path, ...]:
    names = (name for name in _imports(file) if name.startswith("xlprobe."))
    return tuple(found for name in names for found in _module_files(name))


def _module_files(name: str) -> Iterator[Path]:
    """The file of an xlprobe module and those of the packages around it, the top one (its version) left out."""
    parts = name.split(".")
    for end in range(2, len(parts) + 1):
        stem = LIBRARY.joinpath(*parts[:end])
        for file in (stem.with_suffix(".py"), stem / "__init__.py"):
            if file.exists():
                yield file


@cache
def _tables(file: Path) -> tuple[Path, ...]:
    """The tables of `resources/` and `schemas/` that a file names in a string."""
    constants = (node.value for node in ast.walk(_tree(file)) if isinstance(node, ast.Constant))
    return tuple(_named({text for text in constants if isinstance(text, str) and text.endswith((".tsv", ".yaml"))}))


def _named(names: Iterable[str]) -> Iterator[Path]:
    """The files of that name in `resources/` and `schemas/`."""
    return (folder / name for name in names for folder in (RESOURCES, SCHEMAS) if (folder / name).is_file())


def _content(table: Path) -> str:
    return f"{table.name} {hashlib.sha256(table.read_bytes()).hexdigest()}"


@cache
def _third_party(file: Path) -> tuple[str, ...]:
    tops = {name.split(".")[0] for name in _imports(file)} - {"xlprobe", "__future__"}
    return tuple(DISTRIBUTIONS.get(top, top) for top in tops if top not in sys.stdlib_module_names)


@cache
def _pins() -> dict[str, str]:
    """Pinned versions by distribution name. The pins and not what is installed: a GPU build has the same pin."""
    lines = (line for name in PIN_FILES for line in (PROJECT / "envs" / name).read_text().splitlines())
    return {name.lower(): version for name, separator, version in (line.partition("==") for line in lines) if separator}
