"""Reading what a published checkpoint is, from its folder."""

from pathlib import Path
from typing import Any

from xlprobe.errors import XlprobeError
from xlprobe.files import read_json, sha256


def read_identity(checkpoint: Path) -> dict[str, Any]:
    """What a published checkpoint is (`xlprobe.checkpoints.publishing`), once each of its files proves to be the one that was published.

    Raises:
        XlprobeError: it has no identity, one of its files is gone or another one, or a folder named after a step holds another step.
    """
    path = checkpoint / "identity.json"
    advice = f"delete {path} to make the checkpoint again"
    identity = read_json(path, advice)
    try:
        step, files = identity["step"], identity["files"].items()
    except (KeyError, TypeError, AttributeError):
        raise XlprobeError(f"{path}: does not say step and files of a checkpoint; {advice}") from None
    if checkpoint.name.isdecimal() and checkpoint.name != str(step):
        raise XlprobeError(f"{checkpoint}: holds step {step}, by its {path.name}; {advice}")
    for name, digest in files:
        if not (checkpoint / name).exists():
            raise XlprobeError(f"{checkpoint / name}: is gone; {advice}")
        if sha256(checkpoint / name) != digest:
            raise XlprobeError(
                f"{checkpoint / name}: is damaged, or of another checkpoint (its sha256 is not the one in identity.json); {advice}"
            )
    return identity
