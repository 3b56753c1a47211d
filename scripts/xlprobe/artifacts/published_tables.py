"""What papers print: the tables of `resources/published`."""

from xlprobe.files import read_lines
from xlprobe.paths import RESOURCES


def published_rows(name: str) -> list[dict[str, str]]:
    """The rows of a table of `resources/` that holds what a paper prints, such as published/paper1_table1.tsv."""
    header, *rows = (line.split("\t") for _, line in read_lines(RESOURCES / name) if line)
    return [dict(zip(header, row, strict=True)) for row in rows]
