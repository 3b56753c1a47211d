"""The tensors in a checkpoint's files, looked at one by one and without the library that makes a model of them."""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError

from xlprobe.errors import XlprobeError, first_sentence
from xlprobe.safetensors_files import open_tensors
from xlprobe.torch_files import check_extent, load_torch

# As safetensors names the floating-point numbers that weights are published in.
FLOATING = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}


@dataclass(frozen=True)
class StoredTensor:
    """A tensor in a file.

    Attributes:
        shape: its sizes.
        dtype: its floating-point type; None where it holds other numbers, or floats of fewer than 16 bits.
        read: gives the tensor itself.
    """

    shape: tuple[int, ...]
    dtype: torch.dtype | None
    read: Callable[[], torch.Tensor]


def stored_tensors(files: Iterable[Path]) -> dict[str, StoredTensor]:
    """The tensors of some files (.safetensors or .bin), by name; what a .bin holds beside tensors is left out.

    Raises:
        XlprobeError: a file holds no weights by their names, is cut short, or asks for more than it has.
    """
    return {name: tensor for file in files for name, tensor in (_safe(file) if file.suffix == ".safetensors" else _unpickled(file))}


def _safe(file: Path) -> Iterator[tuple[str, StoredTensor]]:
    def reader(name: str) -> Callable[[], torch.Tensor]:
        def read() -> torch.Tensor:
            with open_tensors(file, "pt") as tensors:
                return tensors.get_tensor(name)

        return read

    try:
        with open_tensors(file, "pt") as tensors:
            for name in tensors.keys():  # noqa: SIM118
                part = tensors.get_slice(name)
                yield name, StoredTensor(tuple(part.get_shape()), FLOATING.get(part.get_dtype()), reader(name))
    except SafetensorError as error:
        raise XlprobeError(f"{file}: no safetensors file, or one that is cut short ({first_sentence(error)})") from None


def _unpickled(file: Path) -> Iterator[tuple[str, StoredTensor]]:
    content = load_torch(file, mapped=True)
    if not isinstance(content, Mapping) or not all(isinstance(name, str) for name in content):
        raise XlprobeError(f"{file}: holds a {type(content).__name__}, not weights by their names; save the model's state_dict() there")
    tensors = [value for value in content.values() if isinstance(value, torch.Tensor)]
    if not tensors:
        found = ", ".join(list(content)[:5])[:100] or "nothing"
        raise XlprobeError(f"{file}: holds no weights by their names (but {found}); save the model's state_dict() there")
    check_extent(tensors, file)
    for name, value in content.items():
        if isinstance(value, torch.Tensor):
            dtype = value.dtype if value.dtype in FLOATING.values() else None
            yield name, StoredTensor(tuple(value.shape), dtype, lambda value=value: value)  # type: ignore[misc]


def lost_in_float16(tensor: StoredTensor) -> bool:
    """Whether a tensor of wider numbers is off by more than 0.1 % of its norm in float16, as it holds numbers too small for it."""
    if tensor.dtype in (None, torch.float16):
        return False
    exact = tensor.read().double()
    return bool((exact.half().double() - exact).norm() > 1e-3 * exact.norm())


def stored_precision(files: Sequence[Path]) -> torch.dtype:
    """The floating-point type that all of a checkpoint's weights are stored in; float32 where there are several.

    config.json may say another one, which the library would believe.
    """
    found: set[torch.dtype] = set()
    for file in files:
        # A file that cannot be read is reported where the model is loaded.
        with contextlib.suppress(Exception):
            found |= {tensor.dtype for tensor in stored_tensors([file]).values() if tensor.dtype is not None}
    return found.pop() if len(found) == 1 else torch.float32
