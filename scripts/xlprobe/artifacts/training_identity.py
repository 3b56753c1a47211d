"""The identity of a training: what was trained, where this is recorded, and where the weights lie.

An identity is training_version, architecture, training, dictionary_sha256, and text_sha256 by language. It stands in

    checkpoints/<run>/<step>/training.json    the record of a step: `identity`, and its digest `identity_sha256`
    pretrain/<run>/identity.json              the identity of the training state, from which later steps go on

Records of an older form hold the digest alone; theirs is the state's identity, if that has this digest.

Apart from xlprobe.pretraining.training_records, so that another version of the training code publishes no finished step again.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from xlprobe.errors import XlprobeError
from xlprobe.files import identity_digest, read_json, sha256

Identity = Mapping[str, Any]
# A step in names of files and folders, which have no other form of it.
NUMBER = "0|[1-9][0-9]*"
KEYS = {"training_version": int, "architecture": dict, "training": dict, "dictionary_sha256": str, "text_sha256": dict}


def text_identity(dictionary: Path, languages: Mapping[str, Path]) -> dict[str, Any]:
    """The part of an identity that stands for vocabulary and text.

    Args:
        dictionary: fairseq's `dict.txt`.
        languages: the folder with the binarised text of each language, by code.
    """
    return {
        "dictionary_sha256": sha256(dictionary),
        "text_sha256": {
            language: read_json(folder / "manifest.json")["splits"]["train"]["sha256"]["bin"]
            for language, folder in sorted(languages.items())
        },
    }


def weights_file(state: Path, step: int) -> Path | None:
    """The file of a training state with the weights of a step, with or without the optimizer's state; None where there is none.

    Of a model with early stopping, whose step is its last update, these are the weights that were kept, of whichever update.
    """
    return next((path for name in ("kept", "step", "weights") if (path := state / f"{name}_{step}.pt").exists()), None)


def identity_of(record: Path, state: Path) -> Identity:
    """What a step was trained with, as its record says.

    Args:
        state: the folder of the training state, for records of the older form.

    Raises:
        XlprobeError: the file is no record, or holds only the digest of an identity that is not there.
    """
    identity = identity_in_record(record, identity_of_state(state))
    if identity is None:
        raise XlprobeError(f"{record}: holds the digest alone of what {state}/identity.json said; restore that file")
    return identity


def identity_of_state(state: Path) -> Identity | None:
    """The identity of a training state; None before it has begun."""
    path = state / "identity.json"
    return _whole(path, _read(path)) if path.exists() else None


def identity_in_record(path: Path, state: Identity | None) -> Identity | None:
    """The identity in a record; of one of the older form the state's, or nothing where that is another."""
    record = _read(path)
    known = record.get("identity_sha256")
    if "identity" not in record and isinstance(known, str):
        return state if state is not None and identity_digest(state) == known else None
    identity = _whole(path, record.get("identity"))
    if identity_digest(identity) != known:
        raise _damaged(path)
    return identity


def _read(path: Path) -> dict[str, Any]:
    found = read_json(path, _advice(path))
    if not isinstance(found, dict):
        raise _damaged(path)
    return found


def _whole(path: Path, found: Any) -> Identity:
    """What a file says was trained, if it says all."""
    if isinstance(found, dict) and all(isinstance(found.get(key), kind) for key, kind in KEYS.items()):
        return found
    raise _damaged(path)


def _damaged(path: Path) -> XlprobeError:
    return XlprobeError(f"{path}: damaged: it does not say what was trained ({', '.join(KEYS)}); {_advice(path)}")


def _advice(path: Path) -> str:
    # Where nothing else says what it said, the next run tells what is lost with it.
    return f"restore the file, or delete it alone (`rm {path}`) and run again"
