"""The splits of a dataset, and how a UD release names its files."""

from pathlib import Path

from xlprobe.errors import XlprobeError

SPLITS = ("train", "dev", "test")


def split_file(treebank: str, split: str) -> str:
    """The name of a treebank's file, e.g. `en_ewt-ud-train.conllu`."""
    return f"{treebank}-ud-{split}.conllu"


def split_of_file(path: Path) -> str:
    """The split that a UD file holds, from its name.

    Raises:
        XlprobeError: the name does not follow UD's.
    """
    for split in SPLITS:
        if f"-ud-{split}." in path.name:
            return split
    raise XlprobeError(f"{path}: the name does not say the split, expected NAME-ud-train.conllu, -dev or -test")
