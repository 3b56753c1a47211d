"""Files outside a run (in the data folder, of published suites, a given tokenizer), identified by their content.

A file's time does not tell: `cp -p` and `tar x` put other content under an old time, a copy has the same content under a new
one. A digest does. It is taken once, and again only when a file's size, times or place on the disk have changed.
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from xlprobe.errors import XlprobeError
from xlprobe.files import read_json, sha256, write_json

# Reading more than this, of one file or of many, takes so long that it is said.
SAID_BYTES = 2 * 10**9


class OutsideFiles:
    """The digests of files outside a run.

    Args:
        record: where they are remembered, as JSON: of each name, the digest and what the file was like when it was taken.
    """

    def __init__(self, record: Path) -> None:
        self._record = record
        # Bytes that are read since it was last said.
        self._unsaid = 0
        # Damaged or not there: each file is read once more.
        self._known = _known(record)

    def digests(self, files: Mapping[str, Path], read_new: bool = True) -> list[str]:
        """The SHA-256 of each file; of one that is gone, what it was when last seen.

        Args:
            files: by a name that stays when a file is moved.
            read_new: whether files are read that never have been; else their digest is empty.

        Raises:
            XlprobeError: a file cannot be read.
        """
        before = dict(self._known)
        found = [self._digest(name, path, read_new) for name, path in files.items()]
        if self._known != before:
            try:
                write_json(self._record, self._known)
            except OSError as error:
                print(f"warning: {self._record}: cannot be written ({error.strerror}); files are read again next time", file=sys.stderr)
        return found

    def _digest(self, name: str, path: Path, read_new: bool) -> str:
        known = self._known.get(name)
        try:
            status = path.stat()
            # The time of change cannot be set, as the other can.
            like = [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]
            if (known and known["like"] == like) or not (known or read_new):
                return known["sha256"] if known else ""
            self._say_before(path, status.st_size)
            self._known[name] = {"like": like, "sha256": sha256(path)}
        except FileNotFoundError:
            return known["sha256"] if known else ""
        except OSError as error:
            raise XlprobeError(f"{path}: cannot be read ({error.strerror}); expected a file that you may read") from None
        return self._known[name]["sha256"]

    def _say_before(self, path: Path, size: int) -> None:
        self._unsaid += size
        if self._unsaid > SAID_BYTES:
            print(f"reading files once, to know them by what they hold: {self._unsaid / 1e9:.0f} GB with {path}", file=sys.stderr)
            self._unsaid = 0


def _known(record: Path) -> dict[str, dict[str, Any]]:
    """What a record says of files; what says nothing is left out."""
    try:
        found = read_json(record)
    except XlprobeError:
        return {}
    files = found.items() if isinstance(found, dict) else []
    return {name: said for name, said in files if isinstance(said, dict) and isinstance(said.get("sha256"), str) and "like" in said}
