"""Reading cleaned text and its counts."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from xlprobe.files import MAKE_AGAIN, read_json, read_lines


def text_lines(path: Path) -> Iterator[str]:
    """Yield the lines of a cleaned corpus, the blank lines between documents left out."""
    return (line for _, line in read_lines(path, MAKE_AGAIN) if line)


def read_counts(path: Path) -> dict[str, Any]:
    """The counts that `clean_corpus` wrote, as nested dictionaries."""
    return read_json(path, MAKE_AGAIN)
