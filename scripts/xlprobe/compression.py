"""Compressed data, read as `gzip`, `xz`, `zstd` and `bzip2 -dc` read it: every byte, or refused in one sentence.

What a file is, its first bytes say, not its name. It may hold several parts one after the other, all of one format: gzip's
members, xz's and bzip2's streams, zstd's frames with skippable ones among them. Of zeros between parts,

gzip    takes any number at the end of the file (tapes are padded so), none before another member
xz      takes a multiple of four after a stream, at the end or before another one (the .xz file format 1.2.0, section 2.2)
others  take none

Checksums and lengths are verified. What is refused here, and read by the tools: what follows the last part and is none (`bzip2 -dc`
leaves it out), data of another format after the first (`zstd -dc` goes on with it), and .lzma (`xz -dc` reads it; it has no checksum).
"""

import bz2
import io
import lzma
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, BinaryIO, Protocol, cast

from backports import zstd

from xlprobe.errors import XlprobeError

# What is read from a file, and what is decompressed, at a time.
CHUNK_BYTES = 2**17
# More than any file takes that `xz` writes (1.5 GiB of dictionary); zstd has a limit of its own, a window of 128 MiB.
XZ_MEMORY_BYTES = 2**31
FETCH_AGAIN = "fetch it again"


class _Decompressor(Protocol):
    """Of one part, with the attributes that those of `lzma`, `bz2` and `zstd` have."""

    @property
    def eof(self) -> bool: ...

    @property
    def needs_input(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class _GzipDecompressor:
    """zlib's, of one member."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(16 + zlib.MAX_WBITS)

    @property
    def eof(self) -> bool:
        return self._member.eof

    @property
    def needs_input(self) -> bool:
        return not self._member.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._member.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._member.decompress(self._member.unconsumed_tail + data, max_length)


@dataclass(frozen=True)
class _Format:
    """A format of compressed data.

    Attributes:
        part: what its parts are called.
        starts: what the first of them may start with.
        zeros: zeros after a part come in this unit; 0 where none may come.
        zeros_within: whether another part may come after zeros.
    """

    name: str
    part: str
    starts: tuple[bytes, ...]
    decompressor: Callable[[], _Decompressor]
    zeros: int = 0
    zeros_within: bool = False


_SKIPPABLE = tuple(bytes([0x50 + number]) + b"\x2a\x4d\x18" for number in range(16))
FORMATS = {
    ".gz": _Format("gzip", "member", (b"\x1f\x8b",), _GzipDecompressor, zeros=1),
    ".xz": _Format(
        "xz", "stream", (b"\xfd7zXZ\0",), lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, XZ_MEMORY_BYTES), zeros=4, zeros_within=True
    ),
    ".zst": _Format("zstd", "frame", (b"\x28\xb5\x2f\xfd", *_SKIPPABLE), zstd.ZstdDecompressor),
    ".bz2": _Format("bzip2", "stream", tuple(b"BZh%d" % level for level in range(1, 10)), bz2.BZ2Decompressor),
}
# What else text is packed in; nothing here reads it.
FOREIGN = {
    b"]\0\0": "lzma",
    b"LZIP\1": "lzip",
    b"\x04\x22\x4d\x18": "lz4",
    b"\x1f\x9d": "compress",
    b"PK\x03\x04": "zip",
    b"7z\xbc\xaf\x27\x1c": "7-Zip",
    b"\xff\x06\0\0sNaPpY": "snappy",
}


def decompressed(source: IO[bytes], name: Path | str, suffix: str = "", advice: str = FETCH_AGAIN) -> BinaryIO:
    """What `source` (buffered) holds, decompressed while it is read; it is closed with what is returned.

    A plain file is given back as it is. Reading raises XlprobeError where the compressed data breaks off or is corrupt.

    Args:
        name: stands for the data in messages.
        suffix: of the file's name; under that of a format only compressed data is taken, as the tools do.
        advice: what a user can do about damage.

    Raises:
        XlprobeError: the data has a format that is not read here, or none where its name says one.
    """
    head = cast(io.BufferedReader, source).peek(16)[:16]
    for found in FORMATS.values():
        if head.startswith(found.starts):
            return cast(BinaryIO, io.BufferedReader(_Reader(source, found, name, advice), CHUNK_BYTES))
    for start, foreign in FOREIGN.items():
        if head.startswith(start):
            raise XlprobeError(f"{name}: {foreign} data, which is not read here; decompress it, or compress it with gzip, xz or zstd")
    if expected := FORMATS.get(suffix):
        begins = "does not begin as such data does" if head else "is empty"
        raise XlprobeError(f"{name}: named as {expected.name} data, but {begins}; {advice}, or take {suffix} off the name of plain text")
    return cast(BinaryIO, source)


def check_rest(stream: BinaryIO) -> bool:
    """Read what is left of compressed data: only behind it is the checksum that tells damage from text that is wrong.

    Returns:
        Whether it is compressed, and so was read.

    Raises:
        XlprobeError: the compressed data breaks off or is corrupt.
    """
    if not isinstance(getattr(stream, "raw", None), _Reader):
        return False
    while stream.read(CHUNK_BYTES):
        pass
    return True


class _Reader(io.RawIOBase):
    """Data of one format, decompressed a chunk at a time."""

    def __init__(self, source: IO[bytes], found: _Format, name: Path | str, advice: str) -> None:
        self._source, self._format, self._name, self._advice = source, found, name, advice
        self._taken = 0
        self._chunks = self._decompress()
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._rest:
            self._rest = memoryview(next(self._chunks, b""))
        view = memoryview(buffer)
        size = min(len(view), len(self._rest))
        view[:size], self._rest = self._rest[:size], self._rest[size:]
        return size

    def close(self) -> None:
        self._source.close()
        super().close()

    def _decompress(self) -> Iterator[bytes]:
        """Yield the data in chunks of at most CHUNK_BYTES."""
        try:
            pending = self._take()
            while pending:
                part = self._format.decompressor()
                while not part.eof:
                    given = b""
                    if part.needs_input:
                        given, pending = pending or self._take(), b""
                        if not given:
                            raise EOFError(f"the end of the file is inside a {self._format.part}")
                    if chunk := part.decompress(given, CHUNK_BYTES):
                        yield chunk
                if not lzma.is_check_supported(getattr(part, "check", lzma.CHECK_NONE)):
                    raise ValueError("a check of an unknown type")
                pending = self._after_zeros(part.unused_data)
        except MemoryError:
            raise self._too_large() from None
        except (EOFError, ValueError, OSError, zlib.error, lzma.LZMAError, zstd.ZstdError) as error:
            # A disk that fails is no damage.
            if isinstance(error, OSError) and error.errno:
                raise
            if re.search("too much memory|[Mm]emory usage limit", str(error)):
                raise self._too_large() from None
            raise XlprobeError(
                f"{self._name}: the compressed data breaks off or is corrupt before byte {self._taken} of the file"
                f" ({self._format.name}: {error}); {self._advice}"
            ) from None

    def _take(self) -> bytes:
        taken = self._source.read(CHUNK_BYTES)
        self._taken += len(taken)
        return taken

    def _after_zeros(self, pending: bytes) -> bytes:
        """What follows the zeros after a part; nothing at the end of the file."""
        pending = pending or self._take()
        if not self._format.zeros:
            return pending
        zeros = 0
        while pending:
            rest = pending.lstrip(b"\0")
            zeros += len(pending) - len(rest)
            if rest:
                break
            pending = self._take()
        else:
            rest = b""
        if zeros % self._format.zeros or (zeros and rest and not self._format.zeros_within):
            raise ValueError(f"{zeros} zeros after a {self._format.part}")
        return rest

    def _too_large(self) -> XlprobeError:
        return XlprobeError(
            f"{self._name}: takes too much memory to be decompressed, because its {self._format.name} data has a large window (zstd's"
            " may have 128 MiB, xz's 1.5 GiB); compress it again with a smaller one"
        )
