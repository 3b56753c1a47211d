"""Tar archives, read from their first byte to their last: plain files and folders, and nothing else.

Python's `tarfile` takes a damaged header for the archive's end, follows links, and holds as much in memory as headers ask for. Of
it only the reading of a header's 512 bytes is used; how one leads to the next stands here (POSIX.1-2008, pax; GNU's long names).
"""

import io
import math
import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

from xlprobe.compression import CHUNK_BYTES
from xlprobe.errors import XlprobeError

BLOCK_BYTES = 512
# A name has 1,024 bytes at most where it is unpacked; what else such headers hold is times and attributes.
MOST_HEADER_BYTES = 2**16
FORBIDDEN = {
    tarfile.LNKTYPE: "a hard link",
    tarfile.SYMTYPE: "a symbolic link",
    tarfile.GNUTYPE_LONGLINK: "a link",
    tarfile.CHRTYPE: "a device",
    tarfile.BLKTYPE: "a device",
    tarfile.FIFOTYPE: "a pipe",
    tarfile.GNUTYPE_SPARSE: "a file with holes",
}


@dataclass(frozen=True)
class TarMember:
    """A file or folder of an archive.

    Attributes:
        name: as the archive has it; nothing says that it is harmless.
        size: bytes of its content.
        seconds: when it was changed, since 1970.
        content: to be read before the next member is asked for; of a folder, nothing.
    """

    name: str
    is_folder: bool
    size: int
    seconds: int
    content: BinaryIO


def tar_members(stream: BinaryIO, archive: Path | str, most: float = math.inf) -> Iterator[TarMember]:
    """Yield an archive's members; at the end all of it has been read, also the zeros behind its last member.

    Args:
        stream: the archive, not compressed.
        archive: stands for it in messages.
        most: bytes that it may have.

    Raises:
        tarfile.ReadError: it is damaged, breaks off, or is no tar archive.
        XlprobeError: it holds a link or whatever else is no plain file or folder, or is larger than `most`.
    """
    position = 0
    told: dict[str, str] = {}  # what headers say of the member after them
    while (block := stream.read(BLOCK_BYTES)) != bytes(BLOCK_BYTES):
        try:
            header = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
        except tarfile.HeaderError as error:
            raise tarfile.ReadError(f"damaged or cut short at byte {position}: {error}") from None
        is_folder = header.type == tarfile.DIRTYPE
        size = 0 if is_folder else header.size
        if header.type in tarfile.REGULAR_TYPES and "size" in told:
            size = int(told["size"]) if re.fullmatch("[0-9]{1,18}", told["size"]) else -1
        if kind := FORBIDDEN.get(header.type) or next(("a file with holes" for key in told if key.startswith("GNU.sparse")), None):
            raise forbidden(archive, header.name, kind)
        if size < 0:
            raise tarfile.ReadError(f"a size of {size} at byte {position}")
        padded = -(-size // BLOCK_BYTES) * BLOCK_BYTES
        position += BLOCK_BYTES + padded
        if position > most:
            raise too_large(archive, most)
        content = _Content(stream, size)
        if header.type in (tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE, tarfile.XGLTYPE):
            if size > MOST_HEADER_BYTES:
                raise tarfile.ReadError(f"a header of {size} bytes at byte {position - padded}")
            data = io.BufferedReader(content).read()
            if header.type == tarfile.GNUTYPE_LONGNAME:
                told["path"] = data.partition(b"\0")[0].decode("utf-8", "surrogateescape")
            # Of what is said of all members (by git: of which commit it is) nothing matters here.
            elif header.type == tarfile.XHDTYPE:
                told |= _records(data)
        elif is_folder or header.type in tarfile.REGULAR_TYPES:
            yield TarMember(
                told.get("path", header.name), is_folder, size, int(header.mtime), cast(BinaryIO, io.BufferedReader(content, CHUNK_BYTES))
            )
            told = {}
        else:
            raise forbidden(archive, header.name, f"of type {header.type!r}")
        _skip(stream, content.left + padded - size)
    while block := stream.read(CHUNK_BYTES):
        position += len(block)
        if block.strip(b"\0"):
            raise tarfile.ReadError(f"more data after the archive's end at byte {position - len(block)}")
        if position > most:
            raise too_large(archive, most)


def forbidden(archive: Path | str, name: str, kind: str) -> XlprobeError:
    """What is raised of a member that must not be unpacked.

    Args:
        kind: what it is: `a symbolic link`.
    """
    return XlprobeError(f"{archive}: holds what must not be unpacked ({name[:100]!r}, {kind}); get the archive from elsewhere")


def too_large(archive: Path | str, most: float) -> XlprobeError:
    """What is raised of an archive that is larger unpacked than `most` bytes."""
    return XlprobeError(
        f"{archive}: is larger than {most:,.0f} bytes when unpacked, far more than an archive of this size holds; get it from elsewhere"
    )


class _Content(io.RawIOBase):
    """The next `left` bytes of a stream."""

    def __init__(self, stream: IO[bytes], left: int) -> None:
        self._stream, self.left = stream, left

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer)
        data = self._stream.read(min(len(view), self.left))
        if self.left and not data:
            raise tarfile.ReadError("unexpected end of data")
        view[: len(data)] = data
        self.left -= len(data)
        return len(data)


def _records(data: bytes) -> dict[str, str]:
    """The records of a pax header, each `<its length> <key>=<value>` and a line's end."""
    found = {}
    while data.strip(b"\0"):
        length, space, _ = data[:20].partition(b" ")
        if not (space and length.isdigit() and len(length) < int(length) <= len(data)):
            raise tarfile.ReadError("a damaged pax header")
        key, equals, value = data[len(length) + 1 : int(length)].partition(b"=")
        if not equals or not value.endswith(b"\n"):
            raise tarfile.ReadError("a damaged pax header")
        found[key.decode("utf-8", "surrogateescape")] = value[:-1].decode("utf-8", "surrogateescape")
        data = data[int(length) :]
    return found


def _skip(stream: BinaryIO, size: int) -> None:
    """Go on by so many bytes; where the stream ends before, the next header is missing."""
    if stream.seekable():
        stream.seek(size, io.SEEK_CUR)
        return
    while size and (data := stream.read(min(size, CHUNK_BYTES))):
        size -= len(data)
