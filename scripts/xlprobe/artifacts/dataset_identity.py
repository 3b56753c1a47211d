"""What identity.json says of every dataset, whatever its kind; what else it says stands where it is written."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from xlprobe.artifacts.formats import DATASET, check_format
from xlprobe.files import read_json, reading

ADVICE = "delete it to make the dataset again"


def declaration(dataset: str, kind: str, languages: Sequence[str], parallel: str | None = None) -> dict[str, Any]:
    """The part of an identity that every dataset has.

    Args:
        kind: one of `xlprobe.artifacts.dataset_kinds`.
        languages: CC100 codes; of a bitext the source's, then the target's.
        parallel: the name of the group of datasets that hold the same sentences in other languages; None where there is none.
    """
    return {"format": DATASET, "dataset": dataset, "kind": kind, "languages": list(languages), "parallel": parallel}


def read_identity(folder: Path) -> dict[str, Any]:
    """A dataset's identity.

    Raises:
        XlprobeError: it is gone, damaged, or of another version of the format.
    """
    path = folder / "identity.json"
    with reading(path, "a dataset's identity", ADVICE):
        identity = read_json(path, ADVICE)
        check_format(path, identity.get("format"), DATASET, ADVICE)
        if missing := {*declaration("", "", []), "sha256"} - identity.keys():
            raise ValueError(f"it does not say its {min(missing)}")
    return identity
