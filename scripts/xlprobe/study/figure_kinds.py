"""The kinds of figures and tables of which a plan has to know.

Each is declared in its module (`xlprobe.figures.declaration.FigureKind` and `PaperFigureKind`, `xlprobe.tables.declaration.TableKind`).
What a plan needs of it is read in the module's text: every job of a run plans it again, and need not load what draws.
"""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from xlprobe.paths import PROJECT

# What a figure can show: in language, of any probes or of those on words, transfer, alignment, bits per character.
PARTS = ("probes", "words", "transfer", "alignment", "bpc")
LIBRARY = PROJECT / "scripts" / "xlprobe"


class DeclaredFigure(NamedTuple):
    """What a kind of figure shows, one of PARTS, and its caption."""

    shows: str
    caption: str


class DeclaredSignatureFigure(NamedTuple):
    """The tables of `metrics/` that a kind of figure of signatures reads, by name, and its caption."""

    reads: tuple[str, ...]
    caption: str


@cache
def figure_kinds() -> dict[str, DeclaredFigure]:
    """The kinds of figures of single tasks by name, in the order of PARTS.

    Raises:
        ValueError: what a module declares is no plain text, or it shows something else than one of PARTS.
    """
    found = {}
    for path in sorted((LIBRARY / "figures").glob("*.py")):
        for declared in _declared(path, "FIGURE"):
            found[path.stem] = DeclaredFigure(*(ast.literal_eval(declared[field]) for field in DeclaredFigure._fields))
    return dict(sorted(found.items(), key=lambda kind: PARTS.index(kind[1].shows)))


@cache
def signature_figure_kinds() -> dict[str, DeclaredSignatureFigure]:
    """The kinds of figures of signatures by name.

    Raises:
        ValueError: what a module declares is no plain text.
    """
    return {
        path.stem: DeclaredSignatureFigure(*(ast.literal_eval(declared[field]) for field in DeclaredSignatureFigure._fields))
        for path in sorted((LIBRARY / "figures").glob("*.py"))
        for declared in _declared(path, "SIGNATURE_FIGURE")
    }


@cache
def reads_of(package: str, kind: str) -> tuple[str, ...]:
    """The tables of `metrics/` that a kind of a paper's figure or table reads, by name.

    Args:
        package: `figures` or `tables`.

    Raises:
        ValueError: the module declares nothing, or no plain text.
    """
    name = {"figures": "PAPER_FIGURE", "tables": "TABLE"}[package]
    path = LIBRARY / package / f"{kind}.py"
    declared, *_ = [*_declared(path, name)] or [{}]
    if "reads" not in declared:
        raise ValueError(f"xlprobe.{package}.{kind}: declares no {name}, or not what it reads")
    return tuple(ast.literal_eval(declared["reads"]))


def _declared(path: Path, name: str) -> Iterator[dict[str | None, ast.expr]]:
    """What a module declares under a name, by keyword."""
    for statement in ast.parse(path.read_text(encoding="utf-8")).body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=found)], value=ast.Call(keywords=keywords)) if found == name:
                yield {word.arg: word.value for word in keywords}
