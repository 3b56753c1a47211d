"""Binarised text, held to its manifest."""

from pathlib import Path

from xlprobe.errors import XlprobeError
from xlprobe.files import read_json, sha256

MAGIC = b"MMIDIDX\x00\x00"
# By the code of their type in the index.
TOKEN_BYTES = {8: 2, 9: 4}


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
