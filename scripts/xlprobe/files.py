"""Reading text compressed or not, and writing files so that a killed job leaves no half file."""

import contextlib
import gzip
import hashlib
import json
import lzma
import os
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from backports import zstd

from xlprobe.errors import FormatError, XlprobeError

BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def open_binary(path: Path) -> BinaryIO:
    """Open `path` for reading, decompressing .gz, .xz and .zst content (known by its first bytes, not its name).

    Raises:
        XlprobeError: the file does not exist, or is a git-LFS pointer in place of the data.
    """
    try:
        with path.open("rb") as stream:
            head = stream.read(64)
    except FileNotFoundError:
        raise XlprobeError(f"{path}: no such file") from None
    if head.startswith(b"version https://git-lfs.github.com/spec"):
        raise XlprobeError(f"{path}: a git-LFS pointer stands in place of the data; fetch it with `git lfs pull`")
    if head.startswith(b"\x1f\x8b"):
        return gzip.open(path, "rb")  # type: ignore[return-value]
    if head.startswith(b"\xfd7zXZ\x00"):
        return lzma.open(path, "rb")  # type: ignore[return-value]
    if head.startswith(b"\x28\xb5\x2f\xfd"):
        return zstd.open(path, "rb")  # type: ignore[return-value]
    return path.open("rb")


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield `(line number from 1, text)`, streamed: UTF-8, split on `\\n` only, byte-order mark and `\\r\\n` removed.

    Raises:
        FormatError: a line is not UTF-8.
        XlprobeError: the compressed stream is truncated or corrupt.
    """
    with open_binary(path) as stream:
        yield from stream_lines(stream, path)


def stream_lines(stream: BinaryIO, name: Path | str) -> Iterator[tuple[int, str]]:
    """Yield the lines of an open file as `read_lines` does; `name` stands for it in messages, and so in what is raised."""
    number = 0
    try:
        for number, raw in enumerate(stream, 1):
            if number == 1:
                raw = raw.removeprefix(BYTE_ORDER_MARK)
            raw = raw.removesuffix(b"\n").removesuffix(b"\r")
            try:
                line = raw.decode("utf-8")
            except UnicodeDecodeError as error:
                raise FormatError(name, number, f"bytes that are not UTF-8 ({error.reason})", "UTF-8") from None
            yield number, line
    except (EOFError, lzma.LZMAError, gzip.BadGzipFile, zstd.ZstdError) as error:
        raise XlprobeError(f"{name}: the compressed data breaks off or is corrupt after line {number} ({error}); fetch it again") from None


@contextlib.contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success flush it to disk and rename it to `path`, else remove it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # mkstemp makes the file private; give it the mode that a plain open() would.
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    umask = os.umask(0)
    os.umask(umask)
    os.fchmod(descriptor, 0o666 & ~umask)
    os.close(descriptor)
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_zstd_writer(path: Path, level: int = 3) -> Iterator[BinaryIO]:
    """Yield a binary stream whose content lands, zstd-compressed, at `path` when the block ends without error."""
    with atomic_path(path) as temporary, zstd.open(temporary, "wb", level=level) as stream:
        yield stream  # type: ignore[misc]


def check_archive_end(archive: tarfile.TarFile, name: Path) -> None:
    """Refuse an archive that was read to a block that is no header: `tarfile` takes a damaged one for the end.

    Raises:
        XlprobeError: no block of zeros stands where the last member ended.
    """
    stream = archive.fileobj
    assert stream is not None
    stream.seek(archive.offset)
    block = stream.read(tarfile.BLOCKSIZE)
    if len(block) < tarfile.BLOCKSIZE or any(block):
        raise XlprobeError(f"{name}: not a whole tar archive (damaged or cut short at byte {archive.offset}); fetch it again")


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write `value` to `path` atomically, indented and with sorted keys, so that equal values give equal bytes."""
    write_text(path, json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n")


def read_json(path: Path) -> Any:
    """Read one JSON value.

    Raises:
        XlprobeError: the file is missing or is not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise XlprobeError(f"{path}: no such file") from None
    except json.JSONDecodeError as error:
        raise XlprobeError(f"{path}:{error.lineno}: not JSON ({error.msg})") from None


def sha256(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


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
