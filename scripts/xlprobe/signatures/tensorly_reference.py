"""The call that paper 2's authors made: PARAFAC2 by the package tensorly, on a processor, slice by slice."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xlprobe.errors import XlprobeError


@dataclass(frozen=True)
class TensorlyResult:
    """What tensorly's `parafac2` gives.

    Attributes:
        weights_LR: its factor A.
        core_RR: its factor B.
        directions_DR: its factor C.
        projections: for each slice [d_l, R].
        errors: the relative errors that it noted.
        iterations: how many it made.
    """

    weights_LR: NDArray[np.float64]
    core_RR: NDArray[np.float64]
    directions_DR: NDArray[np.float64]
    projections: list[NDArray[np.float64]]
    errors: list[float]
    iterations: int


def tensorly_parafac2(
    slices: Sequence[NDArray[np.float64]],
    rank: int,
    iterations: int,
    tolerance: float,
    nonnegative: bool,
    line_search: bool,
    start: str | int,
) -> TensorlyResult:
    """tensorly's `parafac2(rank=rank, init='svd', normalize_factors=False, n_iter_max=iterations, nn_modes=[0])`.

    Args:
        slices: [d_l, d] each.
        start: `svd`, or the seed of `init='random'`, whose systems are singular at the full rank.

    Raises:
        XlprobeError: its linear systems are singular, where it ends.
    """
    # Imported here, because it takes a second and few runs ask for it.
    import tensorly  # type: ignore[import-untyped]
    from tensorly.decomposition import parafac2  # type: ignore[import-untyped]
    from tensorly.tenalg.svd import truncated_svd  # type: ignore[import-untyped]

    decompositions = 0

    # tensorly does not say how many iterations it made. Its decompositions tell: one a slice for projections.
    def counted_svd(*args, **kwargs):  # type: ignore[no-untyped-def]
        nonlocal decompositions
        decompositions += 1
        return truncated_svd(*args, **kwargs)

    with tensorly.backend_context("numpy", local_threadsafe=True), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        try:
            (_, (weights_LR, core_RR, directions_DR), projections), errors = parafac2(
                list(slices),
                rank=rank,
                n_iter_max=iterations,
                init="svd" if start == "svd" else "random",
                svd=counted_svd,
                normalize_factors=False,
                tol=tolerance,
                nn_modes=[0] if nonnegative else None,
                random_state=None if start == "svd" else start,
                return_errors=True,
                linesearch=line_search,
            )
        except np.linalg.LinAlgError as error:
            raise XlprobeError(
                f"signatures.solver: tensorly ended in an error ({error}) at rank {rank}; ask for fewer components, or for solver: xlprobe"
            ) from error
    at_start = len(slices) + 1 if start == "svd" else 0
    rounds = (decompositions - at_start) // len(slices)
    made = 0
    while rounds > 0:
        rounds -= 2 if line_search and is_line_iteration(made) else 1
        made += 1
    return TensorlyResult(weights_LR, core_RR, directions_DR, list(projections), [float(error) for error in errors], made)


def is_line_iteration(iteration: int) -> bool:
    """Whether an iteration, counted from 0, ends in a step along the line of its change, if such steps are asked for."""
    return iteration > 5 and iteration % 2 == 0
