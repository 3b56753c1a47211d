"""The kinds of figures of which a plan has to know.

Each is declared in its module (`xlprobe.figures.declaration.FigureKind`). What a plan needs of it is read in the module's text:
every job of a run plans it again, and need not load what draws.
"""

import ast
from functools import cache
from typing import NamedTuple

from xlprobe.paths import PROJECT

# What a figure can show: in language, of any probes or of those on words, transfer, alignment, bits per character.
PARTS = ("probes", "words", "transfer", "alignment", "bpc")


class DeclaredFigure(NamedTuple):
    """What a kind of figure shows, one of PARTS, and its caption."""

    shows: str
    caption: str


@cache
def figure_kinds() -> dict[str, DeclaredFigure]:
    """The kinds of figures by name, in the order of PARTS.

    Raises:
        ValueError: what a module declares is no plain text, or it shows something else than one of PARTS.
    """
    found = {}
    for path in sorted((PROJECT / "scripts" / "xlprobe" / "figures").glob("*.py")):
        for statement in ast.parse(path.read_text(encoding="utf-8")).body:
            match statement:
                case ast.Assign(targets=[ast.Name(id="FIGURE")], value=ast.Call(keywords=keywords)):
                    declared = {word.arg: word.value for word in keywords}
                    found[path.stem] = DeclaredFigure(*(ast.literal_eval(declared[field]) for field in DeclaredFigure._fields))
    return dict(sorted(found.items(), key=lambda kind: PARTS.index(kind[1].shows)))
