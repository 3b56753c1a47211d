"""The numbers that vectors are stored in: float16 if it can hold them, else float32.

float16 ends at 65,504, and gets coarse under 2^-14. Some models' states lie outside: those of large decoders have a few
coordinates far above, those of models without a normalisation may be tiny altogether.

Shape letters: L layers, U units, D dimensions.
"""

import math

import torch

from xlprobe.errors import XlprobeError

# What `features.storage` may say, and the numbers that are tried for it in turn.
STORAGES = {"auto": (torch.float16, torch.float32), "float16": (torch.float16,), "float32": (torch.float32,)}
# The largest share of its norm that a vector may be off by when it is stored.
TOLERANCE = 1e-3
# The share of a layer's coordinates that may be lost: trained models have a few that are zero but for noise (all-MiniLM-L6-v2,
# layer 6: three of 384, two at 1e-32, one at 1e-9).
DEAD_COORDINATES = 0.05
# Rounding moves a number by 2^-11 of itself at most, or by 2^-25, whichever is more.
RELATIVE_STEP, SMALLEST_STEP = 2.0**-11, 2.0**-25
# Numbers of this root mean square are off by less than TOLERANCE together, whatever each of them is.
SAFE_SIZE = SMALLEST_STEP / math.sqrt(TOLERANCE**2 - RELATIVE_STEP**2)


class StorageError(XlprobeError):
    """The numbers chosen cannot hold the vectors."""


def fits_float16(vectors_LUD: torch.Tensor) -> bool:
    """Whether float16 holds vectors: no number is too large, and none is lost for being small.

    At each layer, each unit's vector may be off by TOLERANCE of its norm, and so may each coordinate over all units, but for
    DEAD_COORDINATES. (Where one coordinate is a hundred million times as large as the others, a vector's norm does not show
    that these are lost.)
    """
    return all(_in_range(vectors_UD) and not _lost(vectors_UD, 1).any() and _few_dead(vectors_UD) for vectors_UD in vectors_LUD)


def _in_range(vectors_UD: torch.Tensor) -> bool:
    if not vectors_UD.numel():
        return True
    least, most = vectors_UD.aminmax()
    return bool(max(-least, most) <= torch.finfo(torch.float16).max)


def _few_dead(vectors_UD: torch.Tensor) -> bool:
    return int(_lost(vectors_UD, 0).sum()) <= DEAD_COORDINATES * vectors_UD.shape[1]


def _lost(vectors_UD: torch.Tensor, axis: int) -> torch.Tensor:
    """Which vectors along an axis are off by more than TOLERANCE of their norm: booleans, of those that are small alone."""
    norms = torch.linalg.vector_norm(vectors_UD, dim=axis)
    small = torch.nonzero(norms < SAFE_SIZE * math.sqrt(vectors_UD.shape[axis])).flatten()
    exact = vectors_UD.index_select(1 - axis, small)
    # In float64, which does not take the square of 1e-25 for zero.
    off = torch.linalg.vector_norm((exact.half().float() - exact).double(), dim=axis)
    return off > TOLERANCE * torch.linalg.vector_norm(exact.double(), dim=axis)
