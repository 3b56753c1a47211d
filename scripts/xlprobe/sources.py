"""Upstream files: where they lie in a data folder, and links to them from a run's `sources/`.

A data folder has upstream's layouts: `cc100/<language>.txt.xz`, `ud/<folder>/<treebank>-ud-<split>.conllu`; every file
may be plain or compressed (.xz, .gz, .zst).
"""

import os
from collections.abc import Sequence
from pathlib import Path

from xlprobe.datasets import SPLITS
from xlprobe.errors import XlprobeError
from xlprobe.resources import Treebank

COMPRESSIONS = (".xz", "", ".zst", ".gz")


def corpus_file(language: str, folders: Sequence[Path]) -> str:
    """The path of a language's CC100 text inside the first of `folders` that holds it.

    Raises:
        XlprobeError: none holds it.
    """
    return _find(f"cc100/{language}.txt", folders, f"the CC100 text of language {language!r}")


def treebank_files(treebank: Treebank, folders: Sequence[Path]) -> list[str]:
    """The paths of a treebank's files inside the first of `folders` that holds them: the splits that there are.

    Raises:
        XlprobeError: there is no test set, and no train set either.
    """
    stems = {split: f"ud/{treebank.folder}/{treebank.treebank}-ud-{split}.conllu" for split in SPLITS}
    found = [path for stem in stems.values() if (path := _look_up(stem, folders))]
    return found or [_find(stems["test"], folders, f"treebank {treebank.treebank!r}")]


def link_source(source: Path, output: Path) -> None:
    """Link `output` to `source`; the link takes the time of the file, so that making it again dates nothing anew.

    Raises:
        XlprobeError: there is no such file.
    """
    if not source.is_file():
        raise XlprobeError(f"{source}: no such file; look at data.root in the configuration and XLPROBE_DATA in the environment")
    output.parent.mkdir(parents=True, exist_ok=True)
    output.unlink(missing_ok=True)
    output.symlink_to(source.resolve())
    times = source.stat()
    os.utime(output, ns=(times.st_atime_ns, times.st_mtime_ns), follow_symlinks=False)


def _look_up(stem: str, folders: Sequence[Path]) -> str | None:
    return next((stem + ending for folder in folders for ending in COMPRESSIONS if (folder / (stem + ending)).is_file()), None)


def _find(stem: str, folders: Sequence[Path], what: str) -> str:
    found = _look_up(stem, folders)
    if found is None:
        looked = " or ".join(str(folder / stem) for folder in folders)
        raise XlprobeError(
            f"{what} was not found (looked for {looked}, plain or .xz, .zst, .gz); set data.root in the configuration or"
            " XLPROBE_DATA in the environment to a folder that holds it"
        )
    return found
