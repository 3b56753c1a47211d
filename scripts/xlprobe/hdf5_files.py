"""HDF5 files: opened, for reading and for writing, here alone, and so written that damage shows where they are read.

HDF5's own checksums are none of the numbers, and its library may crash on a damaged file. So before what HDF5 makes of a file
(in its user block, which HDF5 leaves alone) stands a seal: the file's size and the CRC-32 of all of it but the rows of large
datasets, which are read one at a time and have a CRC-32 each, in an attribute. CRC-32 takes 0.3 seconds a GB; it finds accidents,
and no forgery.

Cluster file systems often refuse HDF5's locks (ENOLCK, EAGAIN). No file of ours needs them: one job writes it under another
name (`xlprobe.files.atomic_path`), and it is never written again.
"""

import json
import os
import zlib
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np

# HDF5 lets this variable overrule `locking`, and reads it once, when it is imported.
os.environ["HDF5_USE_FILE_LOCKING"] = "FALSE"
import h5py

from xlprobe.compression import CHUNK_BYTES
from xlprobe.errors import XlprobeError, first_sentence
from xlprobe.files import MAKE_AGAIN, CurrentLine, reading

# The attribute of a large dataset that holds the CRC-32 of each of its rows.
CHECKSUMS = "crc32"
USER_BLOCK = 512
# The type of texts of any length.
TEXT = h5py.string_dtype()
# How an HDF5 file begins that has no user block.
SIGNATURE = b"\x89HDF\r\n\x1a\n"


class DamageError(ValueError):
    """What is read is not what was written."""


@contextmanager
def create(path: Path, version: str = "earliest") -> Iterator[h5py.File]:
    """A new file, open for writing; it gets its seal when the block ends.

    Args:
        version: the oldest HDF5 that can read it. Of many small datasets, v110 (2016) makes a file five times smaller.
    """
    # Through Python's file: HDF5's own way to write crashes the process at its end where the disk is full.
    with path.open("w+b") as stream:
        with h5py.File(stream, "w", libver=version, userblock_size=USER_BLOCK) as file:
            yield file
            parts = [part.id for part in file.values() if CHECKSUMS in part.attrs and part.id.get_storage_size()]
            apart = sorted((part.get_offset(), part.get_storage_size()) for part in parts)
        seal = {"bytes": stream.seek(0, os.SEEK_END), "apart": apart, "crc32": _checksum_but(stream, apart)}
        stream.seek(0)
        stream.write(json.dumps(seal).encode().ljust(USER_BLOCK))


def extended(checksums: Sequence[int], values: np.ndarray) -> list[int]:
    """The CRC-32 of each row after more of it is written.

    Args:
        checksums: of what is written of each row so far, 0 where that is nothing.
        values: what comes next, [rows, ...].
    """
    return [zlib.crc32(np.ascontiguousarray(row).data, checksum) for row, checksum in zip(values, checksums, strict=True)]


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Say in one sentence that a file cannot be written; h5py raises a RuntimeError where its last bytes find no room.

    Raises:
        XlprobeError: something inside the block cannot be written.
    """
    try:
        yield
    except (OSError, RuntimeError) as error:
        raise XlprobeError(f"{path}: cannot be written ({first_sentence(error)}); look at the disk's space, and run again") from error


def open_to_read(path: Path) -> h5py.File:
    """A file, open for reading, that is as it was written but for the rows of large datasets, which are not looked at yet.

    Raises:
        XlprobeError: it is damaged, cut short, no HDF5 file, or has no seal.
    """
    with whole(path):
        with path.open("rb") as stream:
            head = stream.read(USER_BLOCK)
            if head.startswith(SIGNATURE):
                raise DamageError("written by an older version, it has no checksum")
            seal = json.loads(head)
            size = stream.seek(0, os.SEEK_END)
            if size != seal["bytes"]:
                raise DamageError(f"{size} bytes, of {seal['bytes']}")
            if _checksum_but(stream, seal["apart"]) != seal["crc32"]:
                raise DamageError("another CRC-32 than when it was written")
        return h5py.File(path, "r", locking=False)


def dataset(file: h5py.File, name: str) -> h5py.Dataset:
    """A dataset all of whose numbers lie in the file, so that reading it takes no more memory than the file is large.

    Raises:
        DamageError: it is declared larger than what is stored of it, or lies in another file.
    """
    found = file[name]
    stored = found.id.get_storage_size()
    if not found.nbytes <= stored <= file.id.get_filesize() or found.is_virtual or found.external or found.file != file:
        raise DamageError(f"{name} is declared with {found.nbytes} bytes, of which {stored} are stored here")
    return found


def row(found: h5py.Dataset, number: int) -> np.ndarray:
    """A row of a large dataset, held to its CRC-32.

    Raises:
        DamageError: it is not what was written.
    """
    values = found[number]
    if zlib.crc32(values) != found.attrs[CHECKSUMS][number]:
        raise DamageError(f"row {number} of {found.name.strip('/')} has another CRC-32 than when it was written")
    return values


def whole(path: Path) -> AbstractContextManager[CurrentLine]:
    """Say in one sentence that a file cannot be read; h5py raises many kinds of errors where bytes are missing or damaged.

    Raises:
        XlprobeError: something inside the block cannot be read.
    """
    return reading(path, "a whole HDF5 file", MAKE_AGAIN)


def _checksum_but(stream: BinaryIO, apart: Sequence[Sequence[int]]) -> int:
    """The CRC-32 of what a file holds after its user block, but for some stretches of it, each (first byte, bytes), in order."""
    checksum, place = 0, USER_BLOCK
    for start, length in [*apart, (stream.seek(0, os.SEEK_END), 0)]:
        stream.seek(place)
        while place < start:
            read = stream.read(min(CHUNK_BYTES, start - place))
            if not read:
                raise DamageError(f"it ends at byte {place}")
            checksum = zlib.crc32(read, checksum)
            place += len(read)
        place = max(place, start + length)
    return checksum
