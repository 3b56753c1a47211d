"""PARAFAC2 of a list of matrices: X_l ~ U_l S_l V^T with V shared, U_l = P_l B and P_l^T P_l = I, so that U_l^T U_l is the same for all l.

The algorithm is the direct fitting by alternating least squares of Kiers, ten Berge & Bro (1999), and it follows, step for step,
the call by which paper 2 made its signatures, as tensorly 0.10.0 runs it (which version the authors had is not known; the sweeps of
the non-negative update and the line search by default are this one's):

    parafac2(slices, rank=768, init='svd', normalize_factors=False, n_iter_max=100, nn_modes=[0])

- Start: A = 1, B = I, V the leading eigenvectors of the sum of X_l^T X_l.
- An iteration: P_l is the orthonormal polar factor of X_l V S_l B^T; then five rounds of least squares for A (non-negative: five
  sweeps of HALS), B and V on the projected slices P_l^T X_l.
- Every second iteration from the seventh on ends in Bro's (1998) line search: a step of n^(1/p) times the iteration's change, taken
  if it lowers the error of the iteration before; after four steps refused on end p grows by 1.
- It ends when the relative error changes by less than the tolerance between iterations.

Nothing fixes the scale of A against those of B and V: it follows from the start (V of unit columns, B = I) and from every update,
so that the raw A depends on the version and on the number of iterations, and is proportional to the slices. `gauged_signatures`
moves all scale into A.

It is faster than the call in what it leaves out, not in what it computes: products with V serve projections, A and B alike and
are linear along the line; a step along the line that is taken gives the next projections; errors follow from the products of the
least squares; no Khatri-Rao product is formed. Slices of more rows than columns are replaced by the triangle of their QR
decomposition, all slices by their coordinates in the space of their rows where that is smaller; neither changes A, B or the error.
Projections come from an SVD, but where the condition allows, in float64, from an eigendecomposition, which loses orthogonality
otherwise. Where X_l V S_l B^T is singular, part of P_l is any orthonormal completion, ours as tensorly's. If the slice has
directions left over (A has zeros), the iterations that follow depend on which: two builds of LAPACK then give raw weights that
differ by 1e-3 and more, at full rank above all.

Shape letters: L slices, R components, D columns of the slices, K columns after compression, Q rows after compression (padded with
zeros to the most that a slice has).
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from xlprobe.errors import ConfigError, XlprobeError
from xlprobe.signatures.nonnegative import nonnegative_least_squares
from xlprobe.signatures.tensorly_reference import is_line_iteration, tensorly_parafac2

SOLVERS = ("xlprobe", "tensorly")
DTYPES = {"float64": torch.float64, "float32": torch.float32}
# Rounds of least squares on the projected slices in an iteration: tensorly's `n_iter_parafac`.
INNER_ITERATIONS = 5
# Up to this condition of X_l V S_l B^T its polar factor may come, in float64, from the eigenvectors of its products: to some 1e-8.
SOUND_CONDITION = 1e4
# Steps along the line refused on end after which they get shorter.
MOST_REFUSED = 4
# A component is called stable if its congruence over starts reaches this (Lorenzo-Seva & ten Berge 2006: "equal").
STABLE_CONGRUENCE = 0.95
# Coordinates in a smaller space stand for the slices where they lose no more than this share of their norm, which is rounding.
LOST_TO_ROUNDING = 1e-13


@dataclass(frozen=True)
class Parafac2Settings:
    """How a PARAFAC2 model is fitted.

    Attributes:
        rank: components; None: as many as the smallest dimension of the slices.
        iterations: the most that are made.
        nonnegative: whether A is kept at or above 0.
        tolerance: the change of the relative error between iterations below which the fit has converged; tensorly's default.
        line_search: whether every second iteration tries a longer step; tensorly's default.
        start: `svd`, or a seed: V with random orthonormal columns, which is singular at no rank.
        solver: `xlprobe`, or `tensorly`: the authors' call itself, on the processor in float64; its random start is its own.
        dtype: `float64` or `float32`, of which the second can follow errors to about 1e-4 alone, so that it seldom converges.
    """

    rank: int | None = None
    iterations: int = 100
    nonnegative: bool = True
    tolerance: float = 1e-8
    line_search: bool = True
    start: str | int = "svd"
    solver: str = "xlprobe"
    dtype: str = "float64"

    def __post_init__(self) -> None:
        is_seed = isinstance(self.start, int) and not isinstance(self.start, bool) and self.start >= 0
        wrong = {
            "rank": self.rank is not None and self.rank < 1,
            "iterations": self.iterations < 1,
            "tolerance": not self.tolerance >= 0,
            "start": self.start != "svd" and not is_seed,
            "solver": self.solver not in SOLVERS,
            "dtype": self.dtype not in DTYPES,
        }
        expected = {
            "rank": "a number of components from 1, or null",
            "iterations": "a number from 1",
            "tolerance": "a number from 0",
            "start": "svd or a seed from 0",
            "solver": " or ".join(SOLVERS),
            "dtype": " or ".join(DTYPES),
        }
        for key in (key for key, is_wrong in wrong.items() if is_wrong):
            raise ConfigError(f"signatures: {key} is {getattr(self, key)!r}, but it has to be {expected[key]}")


@dataclass(frozen=True)
class Parafac2Fit:
    """A fitted model: slice l is about P_l B diag(A[l]) V^T.

    Attributes:
        weights_LR: A as the fit leaves it, one row a slice.
        core_RR: B.
        directions_DR: V.
        projections: P_l, [d_l, R] each, with orthonormal columns, if they were asked for. As in tensorly they are those that the last
            update of A, B and V started from.
        residual: sqrt(sum ||X_l - P_l B S_l V^T||^2 / sum ||X_l||^2), worked out from the slices as given.
        iterations: how many were made.
        converged: whether the error changed by less than the tolerance, before or at the last iteration.
        errors: the relative error that the solver noted; one an iteration, but none for those that end in a step along the line: such a
            step, if taken, replaces the last one.
    """

    weights_LR: NDArray[np.floating]
    core_RR: NDArray[np.floating]
    directions_DR: NDArray[np.floating]
    projections: list[NDArray[np.floating]] | None
    residual: float
    iterations: int
    converged: bool
    errors: list[float]


@torch.no_grad()
def parafac2(
    slices: Sequence[NDArray[np.floating] | torch.Tensor],
    settings: Parafac2Settings,
    device: torch.device | str = "cpu",
    keep_projections: bool = False,
) -> Parafac2Fit:
    """Fit PARAFAC2 to slices of equal width.

    Args:
        slices: X_l, [d_l, D] each; of any rank.
        settings: how.
        device: where to compute; the solver `tensorly` computes on the processor alone.
        keep_projections: whether the fit holds P_l, as large as the slices at full rank.

    Raises:
        ConfigError: more components are asked for than a slice has rows or columns.
        XlprobeError: there are no slices, or one is no matrix, of another width, all zeros or not finite.
    """
    rank = _checked_rank(slices, settings.rank)
    dtype = torch.float64 if settings.solver == "tensorly" else DTYPES[settings.dtype]
    place = torch.device("cpu" if settings.solver == "tensorly" else device)
    given = [torch.as_tensor(x).to(place, dtype) for x in slices]
    _check_values(given)
    if settings.solver == "tensorly":
        asked = settings.iterations, settings.tolerance, settings.nonnegative, settings.line_search, settings.start
        found = tensorly_parafac2([x_QD.numpy() for x_QD in given], rank, *asked)
        factors = _Factors(*map(torch.from_numpy, (found.weights_LR, found.core_RR, found.directions_DR)))
        projections, errors, iterations = [torch.from_numpy(p_QR) for p_QR in found.projections], found.errors, found.iterations
    else:
        compressed = _compress(given, rank)
        fitted = _Fitting(compressed, rank, settings)
        iterations = fitted.run()
        factors = _Factors(fitted.factors.a_LR, fitted.factors.b_RR, compressed.directions(fitted.factors.v_KR))
        projections, errors = list(compressed.projections(fitted.p_LQR)), fitted.errors
    arrays = [factor.cpu().numpy() for factor in (factors.a_LR, factors.b_RR, factors.v_KR)]
    return Parafac2Fit(
        weights_LR=arrays[0],
        core_RR=arrays[1],
        directions_DR=arrays[2],
        projections=[p_QR.cpu().numpy() for p_QR in projections] if keep_projections else None,
        residual=_residual(given, projections, factors),
        iterations=iterations,
        converged=_has_converged(errors, settings.tolerance),
        errors=errors,
    )


def published_signatures(fit: Parafac2Fit) -> NDArray[np.floating]:
    """The signatures of paper 2, [L, R]: A as the fit leaves it. Their scale depends on the solver's version and iterations."""
    return fit.weights_LR


def gauged_signatures(fit: Parafac2Fit) -> NDArray[np.floating]:
    """Signatures whose scale is that of the slices, [L, R]: A where the columns of V and of all U_l have length 1.

    The columns of U_l are as long as those of B, for P_l is orthonormal. The sign of a component is that with which its sum over
    slices is at or above 0. Components stand in the order of the fit. An entry is the norm of what its component adds to its slice.
    """
    scales_R = np.linalg.norm(fit.core_RR, axis=0) * np.linalg.norm(fit.directions_DR, axis=0)
    signatures_LR = fit.weights_LR * scales_R
    return signatures_LR * np.where(signatures_LR.sum(axis=0) < 0, -1, 1)


def congruence(one: Parafac2Fit, other: Parafac2Fit) -> NDArray[np.floating]:
    """How well each component of a fit is found again in another, [R] in the order of the first, 1 at best.

    The product of the absolute cosines of a component's columns in A and in V, of the matching of components whose sum is highest
    (Tucker's congruence, Lorenzo-Seva & ten Berge 2006, over the modes that slices share). Neither depends on the scale or the sign of
    a component. A row of A may change its sign as a whole (P_l and S_l do, their product does not), unless A is non-negative: rows
    are given the signs with which the components best matched by V agree.

    Raises:
        XlprobeError: the fits have other numbers of slices, components or columns.
    """
    shapes = [(fit.weights_LR.shape, fit.directions_DR.shape) for fit in (one, other)]
    if shapes[0] != shapes[1]:
        raise XlprobeError(f"two fits cannot be compared: A and V have the shapes {shapes[0]} in one, {shapes[1]} in the other")
    on_directions_RR = np.abs(_cosines(one.directions_DR, other.directions_DR))
    weights_LR = other.weights_LR
    if min(one.weights_LR.min(), weights_LR.min()) < 0:
        alike = linear_sum_assignment(on_directions_RR, maximize=True)[1]
        leading_L = np.linalg.svd(one.weights_LR * weights_LR[:, alike])[0][:, 0]
        weights_LR = weights_LR * np.where(leading_L < 0, -1, 1)[:, None]
    products_RR = np.abs(_cosines(one.weights_LR, weights_LR)) * on_directions_RR
    return products_RR[linear_sum_assignment(products_RR, maximize=True)]


def _cosines(one_NR: NDArray[np.floating], other_NR: NDArray[np.floating]) -> NDArray[np.floating]:
    """The cosines of all pairs of columns; 0 with a column of zeros."""
    tiny = np.finfo(np.float64).tiny
    return (one_NR / np.maximum(np.linalg.norm(one_NR, axis=0), tiny)).T @ (other_NR / np.maximum(np.linalg.norm(other_NR, axis=0), tiny))


def _checked_rank(slices: Sequence[NDArray[np.floating] | torch.Tensor], rank: int | None) -> int:
    if not len(slices):
        raise XlprobeError("PARAFAC2 needs at least one slice, but there is none")
    for number, x in enumerate(slices):
        if x.ndim != 2:
            raise XlprobeError(f"slice {number} of {len(slices)} has {x.ndim} dimensions, but a slice is a matrix")
        if x.shape[1] != slices[0].shape[1]:
            raise XlprobeError(f"slice {number} of {len(slices)} has {x.shape[1]} columns, but the first has {slices[0].shape[1]}")
    most = min(min(x.shape) for x in slices)
    if not most:
        raise XlprobeError("a slice without rows or columns cannot be fitted; leave its language out of the fit")
    if rank is not None and rank > most:
        raise ConfigError(f"signatures: rank is {rank}, but the smallest dimension of the slices is {most}; ask for {most} at most")
    return most if rank is None else rank


def _check_values(slices: Sequence[torch.Tensor]) -> None:
    for number, x_QD in enumerate(slices):
        # The largest value is not finite where any is not.
        largest = float(torch.linalg.vector_norm(x_QD, torch.inf))
        if not math.isfinite(largest):
            raise XlprobeError(f"slice {number} of {len(slices)} holds values that are not finite; look at the features behind it")
        if not largest:
            raise XlprobeError(f"slice {number} of {len(slices)} is all zeros: there is nothing to fit; leave its language out of the fit")


def _has_converged(errors: Sequence[float], tolerance: float) -> bool:
    return len(errors) > 1 and tolerance > 0 and abs(errors[-2] - errors[-1]) < tolerance


def _squared(x: torch.Tensor) -> float:
    """The sum of squares, added up in float64."""
    return float(torch.linalg.vector_norm(x, dtype=torch.float64)) ** 2


@dataclass(frozen=True)
class _Factors:
    """A [L, R], B [R, R] and V [K, R]."""

    a_LR: torch.Tensor
    b_RR: torch.Tensor
    v_KR: torch.Tensor

    def __iter__(self) -> Iterator[torch.Tensor]:
        return iter((self.a_LR, self.b_RR, self.v_KR))

    def squared_norm(self) -> float:
        """Sum over slices of ||P_l B S_l V^T||^2."""
        a_RR, b_RR, v_RR = (factor.double().T @ factor.double() for factor in self)
        return float((a_RR * b_RR * v_RR).sum())


@dataclass(frozen=True)
class _Compressed:
    """Slices in smaller coordinates: X_l = rotation_l Y_l basis^T.

    Attributes:
        y_LQK: Y_l, rows of zeros below those that a slice has.
        rows: how many each has.
        rotations: of each slice, [d_l, rows], or None where its rows are its own.
        basis_DK: an orthonormal basis of the rows of all slices, or None where their columns are their own.
        start_KR: the leading right singular vectors of all slices.
        squared_norm: of all slices.
    """

    y_LQK: torch.Tensor
    rows: list[int]
    rotations: list[torch.Tensor | None]
    basis_DK: torch.Tensor | None
    start_KR: torch.Tensor
    squared_norm: float

    def directions(self, v_KR: torch.Tensor) -> torch.Tensor:
        """V in the slices' own columns, [D, R]."""
        return v_KR if self.basis_DK is None else self.basis_DK @ v_KR

    def projections(self, p_LQR: torch.Tensor) -> Iterator[torch.Tensor]:
        """P_l in the slices' own rows, [d_l, R] each."""
        for p_QR, rows, rotation in zip(p_LQR, self.rows, self.rotations, strict=True):
            yield p_QR[:rows] if rotation is None else rotation @ p_QR[:rows]


def _compress(slices: Sequence[torch.Tensor], rank: int) -> _Compressed:
    """The slices in as few columns and rows as hold them; and the start that they give."""
    squared_norm = sum(map(_squared, slices))
    # In float64 in either precision, as its values are squares.
    columns = slices[0].shape[1]
    gram_DD = torch.zeros(columns, columns, dtype=torch.float64, device=slices[0].device)
    for x_QD in map(torch.Tensor.double, slices):
        gram_DD.addmm_(x_QD.T, x_QD)
    start_DD, squares_D, _ = torch.linalg.svd(gram_DD)
    start_DR = _signed_as_tensorly(start_DD[:, :rank]).to(slices[0].dtype)
    needed = int((squares_D > columns * torch.finfo(torch.float64).eps * squares_D[0]).sum())
    basis_DK = _row_space(slices, max(needed, rank), squared_norm) if max(needed, rank) < columns else None
    narrow = list(slices) if basis_DK is None else [x_QD @ basis_DK for x_QD in slices]
    columns = narrow[0].shape[1]
    rotations: list[torch.Tensor | None] = []
    for number, x_QK in enumerate(narrow):
        rotation = None
        if len(x_QK) > columns:
            rotation, narrow[number] = torch.linalg.qr(x_QK)
        rotations.append(rotation)
    rows = [len(x_QK) for x_QK in narrow]
    y_LQK = narrow[0].new_zeros(len(narrow), max(rows), columns)
    for y_QK, x_QK in zip(y_LQK, narrow, strict=True):
        y_QK[: len(x_QK)] = x_QK
    start_KR = start_DR if basis_DK is None else basis_DK.T @ start_DR
    return _Compressed(y_LQK, rows, rotations, basis_DK, start_KR, squared_norm)


def _signed_as_tensorly(vectors_DR: torch.Tensor) -> torch.Tensor:
    """Columns with the sign with which their largest entry is positive."""
    largest_R = vectors_DR.gather(0, vectors_DR.abs().argmax(0, keepdim=True))
    return vectors_DR * largest_R.sign()


def _row_space(slices: Sequence[torch.Tensor], columns: int, squared_norm: float) -> torch.Tensor | None:
    """An orthonormal basis, [D, columns], of the rows of all slices; None where they need more than so many."""
    _, triangle = torch.linalg.qr(torch.cat(list(slices)), mode="r")
    basis_DK = torch.linalg.svd(triangle)[2][:columns].T.contiguous()
    lost = sum(_squared(x_QD - (x_QD @ basis_DK) @ basis_DK.T) for x_QD in slices)
    is_double = slices[0].dtype == torch.float64
    return basis_DK if lost <= (LOST_TO_ROUNDING if is_double else 1e-6) ** 2 * squared_norm else None


def _residual(slices: Sequence[torch.Tensor], projections: Sequence[torch.Tensor], factors: _Factors) -> float:
    """The relative norm of what a model leaves of the slices, worked out entry by entry."""
    a_LR, b_RR, v_DR = factors
    left = sum(_squared(x_QD - (p_QR @ (b_RR * a_R)) @ v_DR.T) for x_QD, p_QR, a_R in zip(slices, projections, a_LR, strict=True))
    return (left / sum(map(_squared, slices))) ** 0.5


class _Fitting:
    """The alternating least squares on compressed slices.

    Attributes:
        factors: A, B and V.
        p_LQR: the projections from which the last update of the factors started, or those of the last step along the line.
        errors: noted so far.
    """

    def __init__(self, compressed: _Compressed, rank: int, settings: Parafac2Settings) -> None:
        self._x = compressed
        self._settings = settings
        # Of each slice, whether an eigendecomposition would not do for its projections, as it was found last.
        self._needs_svd = [settings.dtype != "float64"] * len(compressed.rows)
        y_LQK = compressed.y_LQK
        v_KR = compressed.start_KR
        if isinstance(settings.start, int):
            # Drawn on the processor, so that a seed is the same start on every device.
            drawn_KR = np.random.default_rng(settings.start).standard_normal((y_LQK.shape[2], rank))
            v_KR = torch.from_numpy(np.linalg.qr(drawn_KR)[0]).to(y_LQK)
        self.factors = _Factors(y_LQK.new_ones(len(y_LQK), rank), torch.eye(rank).to(y_LQK), v_KR)
        self.errors: list[float] = []
        self._power, self._refused = 2.0, 0

    def run(self) -> int:
        """Iterate until convergence or the most iterations; how many were made."""
        along_LQR = self._along(self.factors.v_KR)
        self.p_LQR, _ = self._project(along_LQR, self.factors)
        is_new = False
        for iteration in range(self._settings.iterations):
            before = self.factors
            if is_new:
                self.p_LQR, _ = self._project(along_LQR, before)
            z_LRK = _products(self.p_LQR.mT, self._x.y_LQK)
            self.factors, explained = self._update(z_LRK, _products(self.p_LQR.mT, along_LQR), before)
            is_last = iteration + 1 == self._settings.iterations
            is_line = self._settings.line_search and is_line_iteration(iteration)
            is_new = True
            if not is_line:
                self.errors.append(self._error(self.factors, explained))
                if _has_converged(self.errors, self._settings.tolerance):
                    return iteration + 1
                along_LQR = along_LQR if is_last else self._along(self.factors.v_KR)
                continue
            new_LQR = self._along(self.factors.v_KR)
            jump = iteration ** (1 / self._power)
            a_LR, b_RR, v_KR = (old + (new - old) * jump for old, new in zip(before, self.factors, strict=True))
            tried = _Factors(a_LR.clamp(min=0) if self._settings.nonnegative else a_LR, b_RR, v_KR)
            tried_LQR = torch.lerp(along_LQR, new_LQR, jump)
            p_LQR, explained = self._project(tried_LQR, tried)
            error = self._error(tried, explained)
            along_LQR = new_LQR
            if error < self.errors[-1]:
                self.errors[-1] = error
                self.factors, self.p_LQR, along_LQR = tried, p_LQR, tried_LQR
                is_new, self._refused = False, 0
            else:
                self._refused += 1
                if self._refused == MOST_REFUSED:
                    self._power, self._refused = self._power + 1, 0
            if _has_converged(self.errors, self._settings.tolerance):
                return iteration + 1
        return self._settings.iterations

    def _along(self, v_KR: torch.Tensor) -> torch.Tensor:
        """Y_l V, [L, Q, R]."""
        return _products(self._x.y_LQK, v_KR)

    def _project(self, along_LQR: torch.Tensor, factors: _Factors) -> tuple[torch.Tensor, float]:
        """P_l, [L, Q, R], and the sum over slices of <X_l, P_l B S_l V^T>, from Y_l V."""
        a_LR, b_RR, _ = factors
        p_LQR = torch.zeros_like(along_LQR)
        explained = 0.0
        for place, rows in enumerate(self._x.rows):
            f_QR = along_LQR[place, :rows] @ (b_RR * a_LR[place]).T
            values_R = None if self._needs_svd[place] else _polar_of_sound(f_QR, p_LQR[place, :rows])
            if values_R is None:
                left_QR, values_R, right_RR = torch.linalg.svd(f_QR, full_matrices=False)
                torch.mm(left_QR, right_RR, out=p_LQR[place, :rows])
            self._needs_svd[place] = f_QR.dtype != torch.float64 or float(values_R.min()) * SOUND_CONDITION <= float(values_R.max())
            explained += float(values_R.sum(dtype=torch.float64))
        return p_LQR, explained

    def _update(self, z_LRK: torch.Tensor, along_LRR: torch.Tensor, factors: _Factors) -> tuple[_Factors, float]:
        """Rounds of least squares on the projected slices Z_l = P_l^T Y_l; and the sum over slices of <Z_l, B S_l V^T> at their end.

        Args:
            along_LRR: Z_l V of the factors before.
        """
        a_LR, b_RR, v_KR = factors
        products_KR = v_KR
        for round_ in range(INNER_ITERATIONS):
            if round_:
                along_LRR = _products(z_LRK, v_KR)
            v_RR = v_KR.T @ v_KR
            products_LR = torch.stack([(along_RR * b_RR).sum(0) for along_RR in along_LRR])
            gram_RR = (b_RR.T @ b_RR) * v_RR
            a_LR = nonnegative_least_squares(products_LR, gram_RR, a_LR) if self._settings.nonnegative else _solved(gram_RR, products_LR)
            products_RR = torch.zeros_like(b_RR)
            for along_RR, a_R in zip(along_LRR, a_LR, strict=True):
                products_RR.addcmul_(along_RR, a_R)
            a_RR = a_LR.T @ a_LR
            b_RR = _solved(a_RR * v_RR, products_RR)
            products_KR = torch.zeros_like(v_KR)
            for z_RK, a_R in zip(z_LRK, a_LR, strict=True):
                products_KR.addmm_(z_RK.T, b_RR * a_R)
            v_KR = _solved(a_RR * (b_RR.T @ b_RR), products_KR)
        return _Factors(a_LR, b_RR, v_KR), float((products_KR.double() * v_KR.double()).sum())

    def _error(self, factors: _Factors, explained: float) -> float:
        """The relative error of a model; at an exact fit, whose square is lost to rounding, 0."""
        square = self._x.squared_norm - 2 * explained + factors.squared_norm()
        return (max(square, 0.0) / self._x.squared_norm) ** 0.5


def _products(left_LMN: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    """Each matrix times its own, [L, N, R], or the same, [N, R]; one at a time, which a processor's cache likes better."""
    product_LMR = left_LMN.new_empty(*left_LMN.shape[:2], right.shape[-1])
    for place, left_MN in enumerate(left_LMN):
        torch.mm(left_MN, right if right.ndim == 2 else right[place], out=product_LMR[place])
    return product_LMR


def _polar_of_sound(f_QR: torch.Tensor, out_QR: torch.Tensor) -> torch.Tensor | None:
    """Put the orthonormal polar factor of a matrix in `out_QR`, and give its singular values; None if its condition is too bad.

    F (F^T F)^(-1/2) by eigendecomposition, which loses the square of the condition of all digits.
    """
    squares_R, vectors_RR = torch.linalg.eigh(f_QR.T @ f_QR)
    if float(squares_R[0]) * SOUND_CONDITION**2 <= float(squares_R[-1]):
        return None
    values_R = squares_R.sqrt()
    torch.mm(f_QR, (vectors_RR / values_R) @ vectors_RR.T, out=out_QR)
    return values_R


def _solved(gram_RR: torch.Tensor, products_NR: torch.Tensor) -> torch.Tensor:
    """The N x R matrix M with M gram = products; the shortest one where a component has died, which leaves gram singular."""
    solution_RN, info = torch.linalg.solve_ex(gram_RR, products_NR.T)
    if int(info) or not solution_RN.isfinite().all():
        return products_NR @ torch.linalg.pinv(gram_RR, hermitian=True)
    return solution_RN.T.contiguous()
