"""The captions of figures: files of reStructuredText, which Snakemake's report includes, each a paragraph of plain text."""

import re
from pathlib import Path

from xlprobe.files import MAKE_AGAIN, reading, write_text

# What means something in reStructuredText.
MARKUP = re.compile(r"([\\*`|_<>\[\]:])")


def write_caption(path: Path, text: str) -> None:
    """Write a text so that nothing in it is markup."""
    write_text(path, MARKUP.sub(r"\\\1", " ".join(text.split())) + "\n")


def read_caption(path: Path) -> str:
    """The text that `write_caption` wrote.

    Raises:
        XlprobeError: the file is gone or damaged.
    """
    with reading(path, "a caption", MAKE_AGAIN):
        return re.sub(r"\\(.)", r"\1", path.read_text(encoding="utf-8")).strip()
