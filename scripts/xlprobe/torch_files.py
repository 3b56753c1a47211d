"""Reading files that `torch.save` wrote: only tensors and plain values are made from them, and no more than a file holds."""

import contextlib
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import torch

from xlprobe.errors import XlprobeError
from xlprobe.files import check_zip, reading

# Weights that are tied lie in a file once and are read as several tensors.
MOST_TIMES_SHARED = 4
# What a file is to be, and what to do about one that is not, in messages.
KIND, ADVICE = "a whole file of PyTorch's", "fetch it again, or save it again"


def load_torch(path: Path, *, mapped: bool = False, safe: Sequence[Any] = ()) -> Any:
    """Load a file on the CPU.

    Args:
        mapped: tensors stay in the file until they are used, where its format allows it.
        safe: classes and functions that it may name, besides tensors and plain values.

    Raises:
        XlprobeError: it is damaged, or compressed, which `torch.save` never does.
        pickle.UnpicklingError: it holds something else.
        Exception: what PyTorch says of a file that it cannot read.
    """
    _check_records(path)
    with torch.serialization.safe_globals(list(safe)):
        if mapped:
            # PyTorch's format before 1.6 cannot be mapped.
            with contextlib.suppress(RuntimeError):
                return torch.load(path, map_location="cpu", mmap=True, weights_only=True)
        return torch.load(path, map_location="cpu", weights_only=True)


def check_extent(tensors: Iterable[torch.Tensor], path: Path) -> None:
    """Refuse tensors that are larger than the file that they come from: of one number repeated, or of none.

    Raises:
        XlprobeError: says how large they are.
    """
    size, held = sum(tensor.numel() * tensor.element_size() for tensor in tensors), path.stat().st_size
    if size > MOST_TIMES_SHARED * held:
        raise XlprobeError(
            f"{path}: its tensors would take {size:,} bytes, but the file has {held:,}; save the model's weights as they are"
        )


def _check_records(path: Path) -> None:
    """Refuse records that are compressed or lie inside one another, since a small file could ask for any memory, and damaged ones.

    PyTorch does not look at their checksums. The format before 1.6 has none.
    """
    with reading(path, KIND, ADVICE), path.open("rb") as stream:
        if stream.read(4) != b"PK\x03\x04":
            return
        records = zipfile.ZipFile(stream).infolist()
    stored = all(record.compress_type == zipfile.ZIP_STORED and record.compress_size == record.file_size for record in records)
    if not stored or sum(record.file_size for record in records) > path.stat().st_size:
        raise XlprobeError(f"{path}: is compressed, which torch.save never does; save the model's weights again")
    # Where PyTorch is told to write no checksums, it writes zeros.
    if any(record.CRC for record in records):
        check_zip(path, KIND, ADVICE)
