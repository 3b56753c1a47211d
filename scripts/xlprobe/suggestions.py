"""Suggesting a known name for an unknown one."""

import difflib
from collections.abc import Iterable

from xlprobe.errors import XlprobeError

MOST_NAMED = 30


def suggestion(unknown: str, known: Iterable[str]) -> str:
    """What to write in place of a name: one that is like it, or what there is; a list that is cut says so.

    >>> suggestion("en_etw", ["en_ewt", "en_pud"])
    "did you mean 'en_ewt'?"
    >>> suggestion("x", ["pos", "number"])
    'known here: pos, number'
    >>> suggestion("x", map(str, range(40)))[-22:]
    ' 27, 28, 29 (30 of 40)'
    """
    names = list(known)
    if not names:
        return "there are none here"
    if near := difflib.get_close_matches(unknown, names, n=1):
        return f"did you mean {near[0]!r}?"
    cut = f" ({MOST_NAMED} of {len(names)})" if len(names) > MOST_NAMED else ""
    return f"known here: {', '.join(names[:MOST_NAMED])}{cut}"


def refuse_unknown(kind: str, name: str, known: Iterable[object]) -> None:
    """Refuse a name, of a target say, that a run does not have.

    Raises:
        XlprobeError: it is not among those that are known; the message says what there is.
    """
    names = [str(one) for one in known]
    if name not in names:
        raise XlprobeError(f"this run has no {kind} {name!r} to make this of; {suggestion(name, names)}")
