"""Upstream files: where they lie in a data folder that has upstream's layouts.

`cc100/<language>.txt.xz`, `ud/<folder>/<treebank>-ud-<split>.conllu`, alignment sets where `resources/alignments.tsv` says;
every file may be plain or compressed (.xz, .gz, .zst).
"""

from collections.abc import Sequence
from pathlib import Path

from xlprobe.errors import XlprobeError
from xlprobe.splits import SPLITS, split_file

COMPRESSIONS = (".xz", "", ".zst", ".gz")


def corpus_file(language: str, folders: Sequence[Path]) -> str:
    """The path of a language's CC100 text inside the first of `folders` that holds it.

    Raises:
        XlprobeError: none holds it.
    """
    return _find(f"cc100/{language}.txt", folders, f"the CC100 text of language {language!r}")


def treebank_files(treebank: str, folder: str, folders: Sequence[Path]) -> list[str]:
    """The paths of a treebank's files, of the splits that there are, each inside the first of `folders` that holds it.

    Raises:
        XlprobeError: there is no test set.
    """
    stems = [f"ud/{folder}/{split_file(treebank, split)}" for split in SPLITS]
    _find(stems[-1], folders, f"the test set of treebank {treebank!r}")
    return [path for stem in stems if (path := _look_up(stem, folders))]


def alignment_files(name: str, files: Sequence[str], folders: Sequence[Path]) -> list[str]:
    """The paths of an alignment set's files, in order, each inside the first of `folders` that holds it.

    Raises:
        XlprobeError: one of them is missing.
    """
    return [_find(file, folders, f"a file of the alignment set {name!r}") for file in files]


def check_link(link: Path, source: Path) -> None:
    """Refuse a link of an earlier run that leads to another file than the data folder now holds.

    Raises:
        XlprobeError: both are there and differ.
    """
    if link.exists() and source.exists() and link.resolve() != source.resolve():
        raise XlprobeError(
            f"{link} was made from {link.resolve()}, but the data folder now holds {source}; delete the link to read the"
            " new file, or set data.root or XLPROBE_DATA back"
        )


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
