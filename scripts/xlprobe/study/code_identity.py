"""The code identity of a target: a hash of all code that can change its result, and of nothing else.

Snakemake sees at most the text of a script, never what the script imports. So each rule carries this hash as a parameter. It
covers the script, the xlprobe modules that it reaches, the tables in `resources/` and `schemas/` that these modules name, and
the pinned versions of the packages that they import.

Sources are compared as syntax trees, without what cannot change a result: comments, layout, docstrings, the order of imports,
and the words of errors, help texts, logs and progress bars. An imported module counts by its own hash, not by its name, so that
moving or renaming it changes nothing.
"""

import ast
import hashlib
import json
import re
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from xlprobe.paths import PROJECT, RESOURCES, SCHEMAS

LIBRARY = PROJECT / "scripts"
PACKAGE = "xlprobe"
PIN_FILES = ("requirements.txt", "torch.txt", "fairseq.txt")
# Import names that differ from the distribution's name.
DISTRIBUTIONS = {"sklearn": "scikit-learn", "yaml": "PyYAML", "backports": "backports.zstd", "markdown_it": "markdown-it-py"}
# Imports are followed so many steps, more than there are, so that circles end.
STEPS = 50
# Calls whose words are for a reader alone.
LOGGERS = ("logger", "logging")
# Keys of a schema that say what a column is, not what it holds.
WORDS_OF_SCHEMAS = ("title", "description")


class _Source(NamedTuple):
    """What counts in a file.

    Attributes:
        tree: the syntax tree as text, in which names of own modules are left out.
        imports: for each own import in that tree, in its order, the files behind it.
        tables: what it names of `resources/` and `schemas/`.
        packages: distributions of others that it imports.
    """

    tree: str
    imports: tuple[tuple[Path, ...], ...]
    tables: tuple[Path, ...]
    packages: tuple[str, ...]


def code_identity(script: Path, modules: Iterable[str] = (), tables: Iterable[str] = ()) -> str:
    """A short hash of the code behind a script.

    Args:
        script: the script that a rule runs.
        modules: xlprobe modules that the script loads by name at run time (a task's, say).
        tables: files of `resources/` or `schemas/` that the script is told the names of.

    Raises:
        ValueError: there is no such module or table, whose edits would count for nothing.
    """
    modules, tables = list(modules), list(tables)
    if gone := [name for name in modules if not _file_of(name)] + [name for name in tables if not any(_named([name]))]:
        raise ValueError(f"{gone[0]}: there is no such module or table of the project")
    # What is asked for by its name must keep it.
    named = {f"{name.rpartition('.')[2]} {_digest(file)}" for name in modules for file in _module_files(name)}
    return _hashed(sorted({_digest(script), *named, *map(_content, _named(tables))}))[:16]


def reached_modules(script: Path, modules: Iterable[str] = ()) -> set[Path]:
    """The files of the xlprobe modules that `script` imports, directly or not, and those of `modules`."""
    reached: set[Path] = set()
    waiting = [script, *(file for name in modules for file in _module_files(name))]
    while waiting:
        file = waiting.pop()
        if file not in reached:
            reached.add(file)
            waiting += [found for files in _source(file).imports for found in files]
    return reached - {script}


@cache
def _digest(file: Path, steps: int = STEPS) -> str:
    """The hash of a file and of all that it imports."""
    source = _source(file)
    imported = ("".join(_digest(found, steps - 1) for found in files) for files in source.imports if steps)
    packages = (f"{package}=={pins().get(package.lower(), 'unpinned')}" for package in source.packages)
    return _hashed([source.tree, *imported, "tables", *map(_content, source.tables), "packages", *packages])


def _hashed(parts: Iterable[str]) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


@cache
def _source(file: Path) -> _Source:
    tree = ast.parse(file.read_text(encoding="utf-8"), filename=str(file))
    _sort_imports(tree)
    own_errors = _own_errors(tree)
    is_used = any(isinstance(node, ast.Name) and node.id == PACKAGE for node in ast.walk(tree))
    imports: list[tuple[Path, ...]] = []
    tables: set[Path] = set()
    packages: set[str] = set()
    waiting: list[ast.AST] = [tree]
    for node in waiting:
        match node:
            case ast.Module() | ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                if ast.get_docstring(node, clean=False) is not None:
                    del node.body[0]
            case ast.Raise(exc=ast.Call(func=ast.Name(id=name)) as made) if name in own_errors:
                made.args, made.keywords = [], []
            case ast.Call():
                _take_words_out(node)
            case ast.Import():
                imports += _own_modules(node, is_used)
                packages.update(alias.name for alias in node.names)
            case ast.ImportFrom():
                node.module, node.level = _absolute(node, file), 0
                packages.add(node.module)
                imports += _own_names(node)
            case ast.Constant(value=str(text)):
                tables.update(_named([text]))
                # A module that is run by its name.
                if text.startswith(f"{PACKAGE}.") and not text.endswith(".") and _file_of(text):
                    imports.append(tuple(_module_files(text)))
                    node.value = PACKAGE
            case ast.JoinedStr():
                parts = [str(part.value) if isinstance(part, ast.Constant) else "*" for part in node.values]
                tables.update(_named([re.sub(r"\*+", "*", "".join(parts))]))
        waiting += ast.iter_child_nodes(node)
    names = {package.partition(".")[0] for package in packages} - {PACKAGE, "__future__", *sys.stdlib_module_names}
    distributions = sorted(DISTRIBUTIONS.get(name, name) for name in names)
    # A package that imports a module of its own goes through itself.
    others = tuple(tuple(found for found in files if found != file) for files in imports)
    return _Source(ast.dump(tree), others, tuple(sorted(tables)), tuple(distributions))


def _sort_imports(tree: ast.Module) -> None:
    """Put a module's imports first, one name each, in the order of the names that they give."""
    head = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    tree.body = [node for node in tree.body if node not in head]
    single: list[ast.Import | ast.ImportFrom] = [
        ast.Import([alias]) if isinstance(node, ast.Import) else ast.ImportFrom(node.module, [alias], node.level)
        for node in head
        for alias in node.names
    ]
    docstring = tree.body[:1] if ast.get_docstring(tree) is not None else []
    single.sort(key=lambda node: _sorted_as(node.names[0]))
    tree.body = [*docstring, *single, *tree.body[len(docstring) :]]


def _sorted_as(alias: ast.alias) -> tuple[str, str]:
    name = PACKAGE if alias.name.startswith(f"{PACKAGE}.") else alias.name
    return alias.asname or name, name


def _own_errors(tree: ast.Module) -> set[str]:
    """The project's own errors by the names that a file gives them: imported from its modules, or derived from one of these."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.level or str(node.module).partition(".")[0] == PACKAGE):
            found |= {alias.name for alias in node.names if alias.name.endswith("Error") and not alias.asname}
        elif isinstance(node, ast.ClassDef) and any(isinstance(base, ast.Name) and base.id in found for base in node.bases):
            found.add(node.name)
    return found


def _take_words_out(call: ast.Call) -> None:
    """Of a call that says something to a reader, leave out the words."""
    match call.func:
        case ast.Attribute(attr="add_argument"):
            call.keywords = [keyword for keyword in call.keywords if keyword.arg != "help"]
        case ast.Attribute(value=ast.Name(id=name)) if name in LOGGERS:
            _blank(call)
        case ast.Name(id="print") if _is_to_terminal(call):
            _blank(call)
        case ast.Name(id="progress"):
            call.args = [*call.args[:1], *call.args[3:]]
            call.keywords = [keyword for keyword in call.keywords if keyword.arg not in ("what", "unit")]


def _is_to_terminal(call: ast.Call) -> bool:
    files = [ast.unparse(keyword.value) for keyword in call.keywords if keyword.arg in ("file", None)]
    return files in ([], ["sys.stderr"])


def _blank(call: ast.Call) -> None:
    """Leave out the texts that a call says; of what it works out on the way, none."""
    for argument in call.args:
        if isinstance(argument, ast.Constant):
            argument.value = ""
        elif isinstance(argument, ast.JoinedStr):
            argument.values = [part for part in argument.values if not isinstance(part, ast.Constant)]


def _own_modules(node: ast.Import, is_used: bool) -> list[tuple[Path, ...]]:
    """What `import xlprobe.a as b` imports; the name is left out of the tree where the code does not use it.

    Args:
        is_used: whether the code uses what it imports so without `as`, by the name of the package.
    """
    found = []
    for alias in node.names:
        if alias.name.startswith(f"{PACKAGE}."):
            found.append(tuple(_module_files(alias.name)))
            alias.name = alias.name if is_used and not alias.asname else PACKAGE
    return found


def _own_names(node: ast.ImportFrom) -> list[tuple[Path, ...]]:
    """What `from xlprobe.a import b` imports, b a module or not; names of modules are left out of the tree."""
    if str(node.module).partition(".")[0] != PACKAGE:
        return []
    node.names.sort(key=lambda alias: alias.asname or alias.name)
    found = []
    for alias in node.names:
        module = f"{node.module}.{alias.name}"
        is_module = _file_of(module) is not None
        found.append(tuple(_module_files(module if is_module else str(node.module))))
        if is_module:
            alias.name, alias.asname = PACKAGE, alias.asname or alias.name
    node.module = PACKAGE
    return found


def _absolute(node: ast.ImportFrom, file: Path) -> str:
    """The module that a `from` import names, also where it does so relative to the file."""
    if not node.level:
        return str(node.module)
    around = file.relative_to(LIBRARY).parent.parts
    return ".".join([*around[: len(around) - node.level + 1], *([node.module] if node.module else [])])


def _module_files(name: str) -> Iterator[Path]:
    """The file of an xlprobe module and those of the packages around it: none of the top one (its version), nor of empty ones."""
    parts = name.split(".")
    for end in range(2, len(parts) + 1):
        if (file := _file_of(".".join(parts[:end]))) and not _is_empty(file):
            yield file


@cache
def _file_of(module: str) -> Path | None:
    stem = LIBRARY.joinpath(*module.split("."))
    return next((file for file in (stem.with_suffix(".py"), stem / "__init__.py") if file.is_file()), None)


@cache
def _is_empty(file: Path) -> bool:
    """Whether a file holds a docstring at most."""
    tree = ast.parse(file.read_text(encoding="utf-8")) if file.name == "__init__.py" else None
    return tree is not None and len(tree.body) == (ast.get_docstring(tree) is not None)


def _named(names: Iterable[str]) -> Iterator[Path]:
    """The files of that name, or pattern of names, in `resources/` and `schemas/`."""
    tables = (name for name in names if name.endswith((".tsv", ".yaml")) and not name.startswith("/"))
    return (file for name in tables for folder in (RESOURCES, SCHEMAS) for file in folder.glob(name))


@cache
def _content(table: Path) -> str:
    """A table's content; of a schema what it asks for, and the schema whose columns it has too, not what it tells a reader."""
    content = table.read_bytes()
    if table.suffix == ".yaml":
        schema = yaml.load(content, yaml.CSafeLoader)
        content = json.dumps([_wordless(schema), *map(_content, _named([schema.get("$ref", "")]))]).encode()
    return f"{table.name} {hashlib.sha256(content).hexdigest()}"


def _wordless(schema: Any) -> Any:
    if isinstance(schema, dict):
        return {key: _wordless(value) for key, value in schema.items() if key not in WORDS_OF_SCHEMAS or not isinstance(value, str)}
    return [_wordless(value) for value in schema] if isinstance(schema, list) else schema


@cache
def pins() -> dict[str, str]:
    """Pinned versions by distribution name. The pins and not what is installed: a GPU build has the same pin."""
    lines = (line for name in PIN_FILES for line in (PROJECT / "envs" / name).read_text().splitlines())
    return {name.lower(): version for name, separator, version in (line.partition("==") for line in lines) if separator}
