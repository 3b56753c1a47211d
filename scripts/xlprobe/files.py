"""Reading text compressed or not, and writing files so that a killed job leaves no half file."""

import contextlib
import fcntl
import glob
import hashlib
import json
import os
import platform
import tempfile
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from backports import zstd

from xlprobe.compression import CHUNK_BYTES, FETCH_AGAIN, check_rest, decompressed
from xlprobe.errors import FormatError, XlprobeError, first_sentence
from xlprobe.library_errors import memory_is_full

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
GIT_LFS_POINTER = b"version https://git-lfs.github.com/spec"
# What to do about a damaged file: one that the workflow made, one of a user's, and one that may be either.
MAKE_AGAIN = "delete it, and it is made again"
CORRECT = "correct it, or fetch it again"
RESTORE = "restore it, or fetch or make it again"
# Temporary files are named .<target>.<machine>.<random>.part; the machine's name without its dots.
PART = ".part"
MACHINE = platform.node().replace(".", "-")[:32]
# So long after its last byte a file is left over that another machine wrote, or where there are no locks.
LEFT_OVER_SECONDS = 86_400
# Longer ones are no text; a line is held in memory whole.
LONGEST_LINE_BYTES = 64 * 2**20


def open_binary(path: Path, advice: str = FETCH_AGAIN) -> BinaryIO:
    """Open `path` for reading, decompressed where it is compressed (see `xlprobe.compression`).

    Args:
        advice: what a user can do about damaged data.

    Raises:
        XlprobeError: the file does not exist, is a git-LFS pointer in place of the data, or cannot be read.
    """
    with reading(path, "a file", advice):
        stream = path.open("rb", CHUNK_BYTES)
        is_pointer = stream.read(len(GIT_LFS_POINTER)) == GIT_LFS_POINTER
        stream.seek(0)
    if is_pointer:
        raise XlprobeError(f"{path}: a git-LFS pointer stands in place of the data; fetch it with `git lfs pull`")
    return decompressed(stream, path, path.suffix.lower(), advice)


def read_lines(path: Path, advice: str = FETCH_AGAIN) -> Iterator[tuple[int, str]]:
    """Yield `(line number from 1, text)`, streamed: UTF-8, split on `\\n` only, byte-order mark and `\\r\\n` removed.

    Args:
        advice: what a user can do about damaged data.

    Raises:
        FormatError: a line is not UTF-8, or is longer than 64 MiB.
        XlprobeError: the compressed data breaks off or is corrupt, or the file cannot be read.
    """
    with reading(path, "text", advice), open_binary(path, advice) as stream:
        yield from stream_lines(stream, path)


def stream_lines(stream: BinaryIO, name: Path | str) -> Iterator[tuple[int, str]]:
    """Yield the lines of an open file as `read_lines` does; `name` stands for it in messages, and so in what is raised."""
    for number, raw in enumerate(iter(partial(stream.readline, LONGEST_LINE_BYTES), b""), 1):
        if len(raw) == LONGEST_LINE_BYTES:
            raise FormatError(name, number, "a line of more than 64 MiB", "text in lines")
        # Files that were put together have one inside.
        raw = raw.removeprefix(BYTE_ORDER_MARK).removesuffix(b"\n").removesuffix(b"\r")
        try:
            line = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            check_rest(stream)
            raise FormatError(name, number, f"bytes that are not UTF-8 ({error.reason})", "UTF-8") from None
        yield number, line


@dataclass
class CurrentLine:
    """The line that a reader is at; 0 where it counts none."""

    line: int = 0


@contextlib.contextmanager
def reading(path: Path | str, kind: str, advice: str = CORRECT) -> Iterator[CurrentLine]:
    """What every reader of files stands in: whatever its own checks do not say ends in one sentence, too.

    Only what the file holds is called damage: where memory is full or a disk fails, nobody shall delete a file that may be whole.

    Args:
        kind: what the file is to be, for the message.
        advice: what a user can do about one that is not.

    Raises:
        XlprobeError: something inside the block failed; the message has the file and, where the reader sets it, the line.
        Exception: one that says that memory is full, as it comes.
    """
    place = CurrentLine()
    try:
        yield place
    except XlprobeError:
        raise
    except FileNotFoundError as error:
        way_out = "run again to make it" if advice == MAKE_AGAIN else advice
        raise XlprobeError(f"{error.filename or path}: no such file; {way_out}") from error
    except Exception as error:
        if memory_is_full(error):
            raise
        if isinstance(error, OSError) and error.errno:
            said = f"cannot be read ({os.strerror(error.errno)}); expected a file that you may read, on a disk that works"
            raise XlprobeError(f"{error.filename or path}: {said}") from error
        said = f"cannot be read as {kind} ({type(error).__name__}: {first_sentence(error)}); {advice}"
        raise XlprobeError(f"{path}:{place.line}: {said}" if place.line else f"{path}: {said}") from error


@contextlib.contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success flush it to disk and rename it to `path`, else remove it.

    What killed jobs left of `path` goes first. A temporary file is left over when nobody locks it: whoever writes one does,
    and the system unlocks it when the process ends, however. Where the machine that wrote it is another one, or the file
    system has no locks, nothing must have been written to it for a day, too.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    for left_over in path.parent.glob(f".{glob.escape(path.name)}.*{PART}"):
        _remove_left_over(left_over)
    descriptor, temporary = _locked_temporary(path)
    try:
        # mkstemp makes the file private; give it the mode that a plain open() would.
        umask = os.umask(0)
        os.umask(umask)
        os.fchmod(descriptor, 0o666 & ~umask)
        yield temporary
        land(temporary, path)
    finally:
        os.close(descriptor)
        temporary.unlink(missing_ok=True)


def land(written: Path, path: Path) -> None:
    """Flush a file to disk and rename it to `path`, in the same file system."""
    with written.open("rb") as stream:
        os.fsync(stream.fileno())
    written.replace(path)


def _locked_temporary(path: Path) -> tuple[int, Path]:
    """A new file beside `path` and its open descriptor, which locks it, where the file system can."""
    while True:
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.{MACHINE}.", suffix=PART, dir=path.parent)
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        # Another process may have taken it for left over before it was locked.
        if (temporary := Path(name)).exists():
            return descriptor, temporary
        os.close(descriptor)


def _remove_left_over(part: Path) -> None:
    """Remove a temporary file that no living process writes."""
    # It may go, or be another user's. NFS locks nothing that is open for reading alone.
    with contextlib.suppress(OSError), part.open("r+b") as stream:
        ours = part.name.split(".")[-3:-2] == [MACHINE]
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        except OSError:
            ours = False
        if ours or time.time() - part.stat().st_mtime > LEFT_OVER_SECONDS:
            part.unlink()


@contextlib.contextmanager
def atomic_zstd_writer(path: Path) -> Iterator[BinaryIO]:
    """Yield a binary stream whose content lands, zstd-compressed with a checksum, at `path` when the block ends without error."""
    options: dict[int, int] = {zstd.CompressionParameter.checksum_flag: 1}
    with atomic_path(path) as temporary, zstd.open(temporary, "wb", options=options) as stream:
        yield stream  # type: ignore[misc]


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write `value` to `path` atomically, indented and with sorted keys, so that equal values give equal bytes."""
    write_text(path, json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n")


def read_json(path: Path, advice: str = RESTORE) -> Any:
    """Read one JSON value.

    Args:
        advice: what a user can do about a damaged file.

    Raises:
        XlprobeError: the file is missing or is not JSON.
    """
    with reading(path, "JSON", advice):
        try:
            return json.loads(path.read_text(encoding="utf-8"))
        except json.JSONDecodeError as error:
            raise XlprobeError(f"{path}:{error.lineno}: not JSON ({error.msg}); {advice}") from None


def identity_digest(identity: Any) -> str:
    """The SHA-256 of what an identity says, in hexadecimal, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()


def sha256(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def check_zip(path: Path, kind: str, advice: str) -> None:
    """Read a zip archive to its end, and hold each of its files to its checksum.

    Args:
        kind, advice: as in `reading`.

    Raises:
        XlprobeError: it is damaged or cut short, or cannot be read.
    """
    with reading(path, kind, advice), zipfile.ZipFile(path) as archive:
        if damaged := archive.testzip():
            raise zipfile.BadZipFile(f"{damaged} has another CRC-32 than when it was written")


def check_state(path: Path) -> Path:
    """Read a training state that was saved here to its end, and give its path back; PyTorch does not look at the checksums in it.

    Raises:
        XlprobeError: it is damaged or cut short, or cannot be read.
    """
    check_zip(path, "a whole training state", "restore the file, or delete it and run again")
    return path


def link_file(source: Path, output: Path) -> None:
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
