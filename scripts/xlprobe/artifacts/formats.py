"""The versions of the formats that artefacts are written in; a file of another version is refused."""

from pathlib import Path

from xlprobe.errors import XlprobeError
from xlprobe.files import MAKE_AGAIN

FEATURES = PROBES = 1
DATASET = OUTCOMES = 2


def check_format(path: Path, found: object, expected: int, advice: str = MAKE_AGAIN) -> None:
    """Refuse a file whose format has another version.

    Args:
        found: the version that it says; None where it says none.
        advice: what a user can do about it.

    Raises:
        XlprobeError: it is another.
    """
    if found != expected:
        said = "says no format version" if found is None else f"is of format version {found}"
        raise XlprobeError(f"{path}: {said}, expected {expected}: another version of xlprobe wrote it; {advice}")
