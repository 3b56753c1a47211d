"""Reading cleaned text and its counts."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from xlprobe.files import MAKE_AGAIN, read_json, read_lines


def text_lines(path: Path) -> Iterator[str]:
    """Yield the lines of a cleaned corpus, the blank lines between documents left out."""
    return (line for _, line in lines_of_documents(path))


def lines_of_documents(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the lines of a cleaned corpus with the number of their document, from 0 on."""
    document = 0
    for _, line in read_lines(path, MAKE_AGAIN):
        if line:
            yield document, line
        else:
            document += 1


def read_counts(path: Path) -> dict[str, Any]:
    """The counts that `clean_corpus` wrote, as nested dictionaries."""
    return read_json(path, MAKE_AGAIN)
