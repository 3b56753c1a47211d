"""Opening HDF5 files, for reading and for writing: the one place that does.

Cluster file systems often refuse HDF5's locks (ENOLCK, EAGAIN). No file of ours needs them: one job writes it under another
name (`xlprobe.files.atomic_path`), and it is never written again.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# HDF5 lets this variable overrule `locking`, and reads it once, when it is imported.
os.environ["HDF5_USE_FILE_LOCKING"] = "FALSE"
import h5py

from xlprobe.errors import XlprobeError, first_sentence


def create(path: Path) -> h5py.File:
    """A new file, open for writing."""
    return h5py.File(path, "w", locking=False)


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
    """A file, open for reading.

    Raises:
        XlprobeError: it is damaged, cut short, or no HDF5 file.
    """
    with whole(path):
        return h5py.File(path, "r", locking=False)


@contextmanager
def whole(path: Path) -> Iterator[None]:
    """Say in one sentence that a file cannot be read; h5py raises many kinds of errors where bytes are missing or damaged.

    Raises:
        XlprobeError: something inside the block cannot be read.
    """
    try:
        yield
    except (OSError, RuntimeError, KeyError, ValueError, TypeError) as error:
        said = f"{type(error).__name__}: {first_sentence(error)}"
        raise XlprobeError(f"{path}: is no whole HDF5 file of features ({said}); delete it, and it is made again") from error
