"""PARAFAC2: exact models are found again, edge cases, and how results change with what is given."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch

from xlprobe.errors import ConfigError, XlprobeError
from xlprobe.signatures.nonnegative import nonnegative_least_squares
from xlprobe.signatures.parafac2 import (
    STABLE_CONGRUENCE,
    Parafac2Fit,
    Parafac2Settings,
    congruence,
    gauged_signatures,
    parafac2,
    published_signatures,
)

# Slices by rows, columns, components.
SIZES = {"small": ([9] * 5, 8, 2), "unequal": ([14, 30, 9, 55, 14, 21], 17, 4), "wide": ([12, 16, 20, 12, 25, 13, 14, 15], 40, 6)}
LONG = Parafac2Settings(iterations=2000, tolerance=1e-13)


@dataclass(frozen=True)
class Model:
    """A model that slices follow exactly."""

    slices: list[np.ndarray]
    fit: Parafac2Fit


def exact_model(rows: list[int], columns: int, rank: int, seed: int, nonnegative: bool = True) -> Model:
    random = np.random.default_rng(seed)
    weights_LR = random.uniform(0.3, 2, (len(rows), rank))
    if not nonnegative:
        # A slice turned as a whole. Where one holds components both ways round, fits often end in local optima, as tensorly's do.
        weights_LR[0] *= -1
    core_RR, directions_DR = np.eye(rank) + 0.4 * random.standard_normal((rank, rank)), random.standard_normal((columns, rank))
    projections = [np.linalg.qr(random.standard_normal((count, rank)))[0] for count in rows]
    slices = [p_QR @ (core_RR * a_R) @ directions_DR.T for p_QR, a_R in zip(projections, weights_LR, strict=True)]
    return Model(slices, Parafac2Fit(weights_LR, core_RR, directions_DR, projections, 0.0, 0, True, []))


def noisy(rows: list[int], columns: int, rank: int, seed: int, noise: float = 0.3) -> list[np.ndarray]:
    random = np.random.default_rng(seed + 100)
    slices = exact_model(rows, columns, rank, seed).slices
    return [x_QD + noise * x_QD.std() * random.standard_normal(x_QD.shape) for x_QD in slices]


def reconstructed(fit: Parafac2Fit) -> list[np.ndarray]:
    assert fit.projections is not None
    return [p_QR @ fit.core_RR @ np.diag(a_R) @ fit.directions_DR.T for p_QR, a_R in zip(fit.projections, fit.weights_LR, strict=True)]


def left_over(slices: list[np.ndarray], fit: Parafac2Fit) -> float:
    left = sum(((x_QD - y_QD) ** 2).sum() for x_QD, y_QD in zip(slices, reconstructed(fit), strict=True))
    return (left / sum((x_QD**2).sum() for x_QD in slices)) ** 0.5


@pytest.mark.parametrize("nonnegative", [True, False])
@pytest.mark.parametrize("size", SIZES)
def test_finds_exact_models_again(size, nonnegative):
    for seed in range(3):
        model = exact_model(*SIZES[size], seed, nonnegative)
        settings = replace(LONG, rank=SIZES[size][2], nonnegative=nonnegative)
        # Local optima: as users do, the best of some starts.
        fits = (parafac2(model.slices, replace(settings, start=start), keep_projections=True) for start in ("svd", 1, 2, 3, 4, 5))
        fit = next((fit for fit in fits if fit.residual < 1e-5), None)
        assert fit is not None, f"no start of seed {seed} reached the model"
        assert congruence(fit, model.fit).min() >= 1 - 1e-6
        assert fit.residual == pytest.approx(left_over(model.slices, fit), abs=1e-12)
        expected = gauged_signatures(model.fit)
        found = np.abs(gauged_signatures(fit))
        order = [int(np.abs(np.abs(expected) - column_L[:, None]).sum(0).argmin()) for column_L in found.T]
        assert sorted(order) == list(range(SIZES[size][2]))
        assert found == pytest.approx(np.abs(expected[:, order]), rel=1e-2)


def test_one_component_by_hand():
    """Slices a_l u_l v^T: the fit is exact, and the gauged signature is the slices' norms."""
    random = np.random.default_rng(0)
    u, v_D = [vector / np.linalg.norm(vector) for vector in random.standard_normal((3, 5))], random.standard_normal(7)
    v_D /= np.linalg.norm(v_D)
    slices = [a * np.outer(u_Q, v_D) for a, u_Q in zip([2.0, 0.5, 3.0], u, strict=True)]
    fit = parafac2(slices, Parafac2Settings(rank=1), keep_projections=True)
    assert gauged_signatures(fit)[:, 0] == pytest.approx([2, 0.5, 3])
    assert published_signatures(fit)[:, 0] == pytest.approx([2, 0.5, 3])
    assert fit.converged and fit.residual < 1e-7


def test_projections_are_orthonormal_and_weights_not_negative():
    for slices, rank in ((noisy(*SIZES["unequal"], 1), 7), (noisy(*SIZES["small"], 1), None)):
        fit = parafac2(slices, Parafac2Settings(rank=rank, iterations=30), keep_projections=True)
        assert fit.weights_LR.min() >= 0
        for p_QR in fit.projections:
            assert p_QR.T @ p_QR == pytest.approx(np.eye(p_QR.shape[1]), abs=1e-7)
        assert fit.residual == pytest.approx(left_over(slices, fit), rel=1e-10)
        assert fit.errors[-1] == pytest.approx(fit.residual, rel=1e-7)
        assert parafac2(slices, Parafac2Settings(rank=rank, iterations=2)).projections is None


def test_errors_fall_and_convergence_is_told():
    slices = noisy(*SIZES["unequal"], 2)
    fit = parafac2(slices, Parafac2Settings(rank=4, iterations=2000))
    assert fit.converged and fit.iterations < 2000
    assert all(after <= before + 1e-9 for before, after in zip(fit.errors, fit.errors[1:], strict=False))
    short = parafac2(slices, Parafac2Settings(rank=4, iterations=3))
    assert not short.converged and short.iterations == 3 and short.errors == fit.errors[:3]


def test_line_search_needs_fewer_iterations():
    slices = noisy(*SIZES["wide"], 3)
    with_steps, without = (parafac2(slices, Parafac2Settings(rank=6, iterations=3000, line_search=asked)) for asked in (True, False))
    assert with_steps.iterations < without.iterations
    assert with_steps.residual <= without.residual * (1 + 1e-5)


def test_slices_of_few_instances_and_of_a_shared_row_space():
    """Slices of rank 3 where 10 components are asked for, one of them with fewer columns in use than components altogether."""
    random = np.random.default_rng(5)
    few = [random.standard_normal((20, 3)) @ random.standard_normal((3, 15)) for _ in range(7)]
    shared_KD = random.standard_normal((6, 40))
    shared = [random.standard_normal((count, 6)) @ shared_KD for count in (8, 50, 9, 12, 41)]
    for slices, rank in ((few, 10), (shared, 4), (shared, 8)):
        settings = Parafac2Settings(rank=rank, iterations=60, nonnegative=False)
        fit = parafac2(slices, settings, keep_projections=True)
        for values in (fit.weights_LR, fit.core_RR, fit.directions_DR):
            assert np.isfinite(values).all()
        assert fit.residual == pytest.approx(left_over(slices, fit), rel=1e-6, abs=1e-7)
        for p_QR in fit.projections:
            assert p_QR.T @ p_QR == pytest.approx(np.eye(rank), abs=1e-7)
    # No direction lies outside the rows of the slices.
    fit = parafac2(shared, Parafac2Settings(rank=4, iterations=60))
    inside = np.linalg.pinv(shared_KD) @ shared_KD
    assert inside @ fit.directions_DR == pytest.approx(fit.directions_DR, abs=1e-9 * np.abs(fit.directions_DR).max())


def test_compressed_slices_give_the_fit_of_the_slices():
    """Rotating the rows of a slice, or adding rows of zeros, changes no factor."""
    random = np.random.default_rng(6)
    slices = noisy([10] * 5, 12, 4, 6)
    settings = Parafac2Settings(rank=5, iterations=20)
    tall = [np.linalg.qr(random.standard_normal((70, 10)))[0] @ x_QD for x_QD in slices]
    wide_DE = np.linalg.qr(random.standard_normal((50, 12)))[0].T
    one, other, third = parafac2(slices, settings), parafac2(tall, settings), parafac2([x_QD @ wide_DE for x_QD in slices], settings)
    assert other.weights_LR == pytest.approx(one.weights_LR, rel=1e-8)
    assert third.weights_LR == pytest.approx(one.weights_LR, rel=1e-8)
    assert congruence(replace(one, directions_DR=wide_DE.T @ one.directions_DR), third).min() > 1 - 1e-10
    assert one.residual == pytest.approx(other.residual, rel=1e-10) == pytest.approx(third.residual, rel=1e-10)


@pytest.mark.parametrize("size", SIZES)
def test_float32_agrees_with_float64(size):
    rows, columns, rank = SIZES[size]
    slices = noisy(rows, columns, rank, 4)
    single, double = (parafac2(slices, Parafac2Settings(rank=rank, iterations=8, dtype=name)) for name in ("float32", "float64"))
    assert single.weights_LR.dtype == np.float32 and double.weights_LR.dtype == np.float64
    assert single.weights_LR == pytest.approx(double.weights_LR, rel=2e-3)
    assert single.residual == pytest.approx(double.residual, rel=1e-4)
    full = parafac2(slices, Parafac2Settings(iterations=5, dtype="float32"), keep_projections=True)
    for p_QR in full.projections:
        assert p_QR.T @ p_QR == pytest.approx(np.eye(p_QR.shape[1]), abs=1e-5)


def test_order_of_slices_is_that_of_weights():
    slices = noisy(*SIZES["unequal"], 7)
    order = [3, 0, 5, 1, 4, 2]
    settings = Parafac2Settings(rank=5, iterations=15)
    one, other = parafac2(slices, settings), parafac2([slices[place] for place in order], settings)
    assert other.weights_LR == pytest.approx(one.weights_LR[order], rel=1e-7)
    assert congruence(replace(one, weights_LR=one.weights_LR[order]), other).min() > 1 - 1e-9


def test_weights_are_proportional_to_slices():
    """B and V do not see the slices' scale; a power of 2 changes no digit."""
    slices = noisy(*SIZES["wide"], 8)
    settings = Parafac2Settings(rank=6, iterations=20)
    one, four, tenth = (parafac2([scale * x_QD for x_QD in slices], settings) for scale in (1, 4, 0.1))
    assert np.array_equal(4 * one.weights_LR, four.weights_LR) and np.array_equal(one.directions_DR, four.directions_DR)
    assert tenth.weights_LR == pytest.approx(0.1 * one.weights_LR, rel=1e-8)
    assert gauged_signatures(tenth) == pytest.approx(0.1 * gauged_signatures(one), rel=1e-8)
    assert one.errors == four.errors


def test_starts_are_repeated_by_their_seed_and_differ():
    slices = noisy([12] * 6, 12, 4, 9)
    first, again, other = (parafac2(slices, Parafac2Settings(start=seed, iterations=10)) for seed in (1, 1, 2))
    assert np.array_equal(first.weights_LR, again.weights_LR)
    assert not np.allclose(first.weights_LR, other.weights_LR)
    # At full rank, where tensorly's random start is singular.
    assert first.residual < 0.5 and other.residual < 0.5


def test_components_are_stable_where_there_is_a_model_and_not_where_there_is_none():
    settings = Parafac2Settings(rank=4, iterations=400, tolerance=1e-9)
    random = np.random.default_rng(10)
    model, chance = noisy(*SIZES["unequal"], 10, noise=0.02), [random.standard_normal((20, 17)) for _ in range(6)]
    fits = [[parafac2(slices, replace(settings, start=start)) for start in ("svd", 1, 2, 3)] for slices in (model, chance)]
    best = [sorted(of_slices, key=lambda fit: fit.residual) for of_slices in fits]
    assert congruence(best[0][0], best[0][1]).min() > STABLE_CONGRUENCE
    assert congruence(best[1][0], best[1][-1]).min() < STABLE_CONGRUENCE


def test_gauge_by_hand():
    fit = Parafac2Fit(
        np.array([[1.0, -2.0], [3.0, 1.0]]), np.array([[3.0, 0.0], [4.0, 1.0]]), np.array([[2.0, 0.0], [0.0, 5.0]]), None, 0, 0, True, []
    )
    # Columns of B are 5 and 1 long, those of V 2 and 5; the second sums to -1 x 5.
    assert gauged_signatures(fit).tolist() == [[10, 10], [30, -5]]
    assert published_signatures(fit).tolist() == fit.weights_LR.tolist()


def test_congruence_by_hand():
    eye = np.eye(2)
    one = Parafac2Fit(eye, eye, eye, None, 0, 0, True, [])
    swapped = Parafac2Fit(eye[:, ::-1] * 3, eye, eye[:, ::-1] * -2, None, 0, 0, True, [])
    assert congruence(one, swapped).tolist() == [1, 1]
    # Cosines of 0.6 in V alone.
    tilted = Parafac2Fit(eye, eye, np.array([[0.6, 0.8], [-0.8, 0.6]]) * 7, None, 0, 0, True, [])
    assert congruence(one, tilted) == pytest.approx([0.6, 0.6])
    dead = Parafac2Fit(np.array([[1.0, 0.0], [0.0, 0.0]]), eye, eye, None, 0, 0, True, [])
    assert congruence(one, dead).tolist() == [1, 0]
    with pytest.raises(XlprobeError, match="cannot be compared"):
        congruence(one, Parafac2Fit(np.ones((3, 2)), eye, eye, None, 0, 0, True, []))


def test_congruence_takes_the_sign_of_a_row_for_none():
    fit = exact_model(*SIZES["wide"], 3, nonnegative=False).fit
    turned = replace(fit, weights_LR=fit.weights_LR * np.array([1, -1, -1, 1, -1, 1, 1, 1])[:, None])
    assert congruence(fit, turned) == pytest.approx(np.ones(6))


def test_nonnegative_least_squares_reaches_the_optimum_that_its_conditions_name():
    """At the optimum the slope is 0 where a weight is positive and not positive where it is 0; blocks are no part of the result."""
    generator = torch.Generator().manual_seed(1)
    design = torch.randn(200, 60, generator=generator, dtype=torch.float64)
    target = torch.randn(5, 200, generator=generator, dtype=torch.float64)
    gram, products = design.T @ design, target @ design
    found = torch.ones(5, 60, dtype=torch.float64)
    for _ in range(40):
        found = nonnegative_least_squares(products, gram, found)
    slope = products - found @ gram
    assert (found == 0).any() and (found > 0).any()
    assert slope[found > 0].abs().max() < 1e-8 and slope[found == 0].max() < 1e-8
    # A component that nothing depends on stays as it was.
    gram[3], gram[:, 3] = 0, 0
    assert (nonnegative_least_squares(products, gram, torch.full((5, 60), 2.0, dtype=torch.float64))[:, 3] == 2).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda slices: slices[1].fill(0), "slice 1 of 3 is all zeros"),
        (lambda slices: slices[2].__setitem__((0, 0), np.nan), "slice 2 of 3 holds values that are not finite"),
        (lambda slices: slices[0].__setitem__((0, 0), -np.inf), "slice 0 of 3 holds values that are not finite"),
        (lambda slices: slices.append(np.ones((4, 7))), "slice 3 of 4 has 7 columns, but the first has 5"),
        (lambda slices: slices.append(np.ones(5)), "slice 3 of 4 has 1 dimensions"),
        (lambda slices: slices.append(np.ones((0, 5))), "without rows or columns"),
        (lambda slices: slices.clear(), "there is none"),
    ],
)
def test_slices_that_cannot_be_fitted_are_named(change, message):
    slices = list(np.random.default_rng(0).standard_normal((3, 6, 5)))
    change(slices)
    with pytest.raises(XlprobeError, match=message):
        parafac2(slices, Parafac2Settings())


@pytest.mark.parametrize(
    ("key", "value"),
    [("rank", 0), ("iterations", 0), ("tolerance", -1.0), ("start", "random"), ("start", -1), ("solver", "matlab"), ("dtype", "float16")],
)
def test_settings_that_cannot_be_used_are_named(key, value):
    with pytest.raises(ConfigError, match=f"signatures: {key} is {value!r}"):
        Parafac2Settings(**{key: value})


def test_more_components_than_dimensions_are_refused():
    slices = [np.ones((6, 5)), np.ones((4, 5))]
    with pytest.raises(ConfigError, match="rank is 5, but the smallest dimension of the slices is 4"):
        parafac2(slices, Parafac2Settings(rank=5))
    assert parafac2([x_QD + np.eye(*x_QD.shape) for x_QD in slices], Parafac2Settings(iterations=1)).weights_LR.shape == (2, 4)


def test_tensors_and_arrays_are_the_same():
    slices = noisy(*SIZES["small"], 11)
    settings = Parafac2Settings(rank=3, iterations=5)
    one, other = parafac2(slices, settings), parafac2([torch.from_numpy(x_QD) for x_QD in slices], settings)
    assert np.array_equal(one.weights_LR, other.weights_LR)
