"""Binarised text, held to its manifest."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from xlprobe.errors import XlprobeError
from xlprobe.files import read_json, reading, sha256

MAGIC = b"MMIDIDX\x00\x00"
# Of an index: magic, version (8 bytes), type code (1) and number of lines (8), before their sizes.
HEADER_BYTES = len(MAGIC) + 8 + 1 + 8
# By the code of their type in the index.
TOKEN_BYTES = {8: 2, 9: 4}


def folders_by_language(binarized: Path, texts: Iterable[str]) -> dict[str, Path]:
    """The folder of each text, by language; texts are named as their folders are: `<language>`, or `<variant>/<language>`.

    >>> folders_by_language(Path("binarized"), ["de", "equal/fi"])["fi"].as_posix()
    'binarized/equal/fi'
    """
    return {text.rpartition("/")[2]: binarized / text for text in texts}


def check_binarized(folder: Path) -> None:
    """Hold a language's files to its manifest, as far as takes no time: the indexes whole, of the tokens how many there are.

    Raises:
        XlprobeError: a file is gone, damaged or another one.
    """
    manifest = folder / "manifest.json"
    advice = f"delete {manifest} to binarise its text again"
    try:
        splits = {
            split: (expected["sha256"]["idx"], expected["tokens"]) for split, expected in read_json(manifest, advice)["splits"].items()
        }
    except (KeyError, TypeError, AttributeError):
        raise XlprobeError(f"{manifest}: does not say what each split holds; {advice}") from None
    for split, (digest, tokens) in splits.items():
        index, stored = folder / f"{split}.idx", folder / f"{split}.bin"
        for path in (index, stored):
            if not path.exists():
                raise XlprobeError(f"{path}: is gone; {advice}")
        if sha256(index) != digest:
            raise XlprobeError(f"{index}: is damaged (its sha256 is not the one in {manifest.name}); {advice}")
        with index.open("rb") as stream:
            code = stream.read(len(MAGIC) + 9)[-1]
        size, expected_size = stored.stat().st_size, tokens * TOKEN_BYTES[code]
        if size != expected_size:
            raise XlprobeError(f"{stored}: is damaged ({size} bytes, of {expected_size}); {advice}")


def line_sizes(index: Path) -> np.ndarray:
    """[lines] the tokens of each line of a binarised text, its `</s>` counted, as its index (`.idx`) has them.

    Raises:
        XlprobeError: the index is missing or breaks off.
    """
    with reading(index, "an index of binarised text", f"delete {index.parent / 'manifest.json'} to binarise its text again"):
        with index.open("rb") as stream:
            stream.seek(HEADER_BYTES - 8)
            lines = int(np.fromfile(stream, dtype="<i8", count=1)[0])
            sizes = np.fromfile(stream, dtype="<i4", count=lines)
        if len(sizes) < lines:
            raise ValueError(f"{lines} lines announced, {len(sizes)} there")
    return sizes
