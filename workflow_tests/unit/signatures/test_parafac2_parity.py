"""PARAFAC2 against tensorly's call, number by number, and its optima against tensorly's and matcouply's."""

import lzma
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matcouply.decomposition import parafac2_aoadmm
from tensorly.decomposition import parafac2 as tensorlys

from xlprobe.errors import XlprobeError
from xlprobe.signatures.parafac2 import Parafac2Settings, congruence, parafac2

TREEBANKS = {"en": "English", "de": "German", "fr": "French", "cs": "Czech", "fi": "Finnish", "ru": "Russian"}
# Of the vectors that stand for a shared model's and for each language's own, of letter triples seen at random.
SHARED, OWN = 24, 30


def random_slices(rows: list[int], columns: int) -> list[np.ndarray]:
    random = np.random.default_rng(columns)
    return [random.standard_normal((count, columns)) for count in rows]


def structured_slices(rows: list[int], columns: int, rank: int) -> list[np.ndarray]:
    """Slices of a model of positive weights, with noise."""
    random = np.random.default_rng(columns)
    core_RR, directions_DR = np.eye(rank) + 0.2 * random.standard_normal((rank, rank)), random.standard_normal((columns, rank))
    slices = []
    for count in rows:
        projection_QR = np.linalg.qr(random.standard_normal((count, rank)))[0]
        x_QD = projection_QR @ (core_RR * random.uniform(0.3, 2, rank)) @ directions_DR.T
        slices.append(x_QD + 0.3 * x_QD.std() * random.standard_normal(x_QD.shape))
    return slices


def words(data: Path, language: str) -> list[str]:
    """The first words of a language's parallel treebank, as often as they come."""
    name = data / "ud" / f"UD_{TREEBANKS[language]}-PUD" / f"{language}_pud-ud-test.conllu.xz"
    if not name.is_file():
        pytest.skip(f"XLPROBE_DATA has no ud/{name.parent.name}: no words to take covariances of")
    with lzma.open(name, "rt", encoding="utf-8") as file:
        rows = (line.split("\t") for line in file if line[:1].isdigit())
        return [row[1] for row, _ in zip(rows, range(4000), strict=False)]


def vectors(of: list[str], dimensions: int, seed: int) -> np.ndarray:
    """Random vectors of a word's letter triples and, half as long, of the word before's, summed: [words, dimensions]."""
    table = np.random.default_rng(seed).standard_normal((2048, dimensions))
    framed = [f"<{word}>" for word in of]
    buckets = [[zlib.crc32(word[place : place + 3].encode()) % 2048 for place in range(len(word) - 2)] for word in framed]
    own = np.stack([table[numbers].sum(0) for numbers in buckets])
    return own + 0.5 * np.roll(own, 1, axis=0)


def real_covariances(data: Path) -> list[np.ndarray]:
    """Of what stands for a language's own vectors with what stands for shared ones, on the words of real sentences."""
    slices = []
    for number, language in enumerate(TREEBANKS):
        of = words(data, language)
        own, shared = vectors(of, OWN, 1 + number), vectors(of, SHARED, 0)
        slices.append((own - own.mean(0)).T @ (shared - shared.mean(0)) / len(of))
    return slices


CASES: dict[str, tuple[Callable[[], list[np.ndarray]], int]] = {
    "random": (lambda: random_slices([15] * 6, 15), 5),
    "random, full rank": (lambda: random_slices([20] * 6, 20), 20),
    "structured": (lambda: structured_slices([12, 40, 30, 12, 90, 15, 31], 30, 6), 6),
    "structured, fewer components": (lambda: structured_slices([12, 40, 30, 12, 90, 15, 31], 30, 6), 3),
    "large": (lambda: structured_slices([80] * 10, 80, 10), 10),
}


@pytest.mark.parametrize("nonnegative", [True, False])
@pytest.mark.parametrize("case", CASES)
def test_raw_weights_are_those_of_tensorlys_call(case, nonnegative):
    """Up to the fifth step along the line; of numbers of iterations with steps before their end and at it."""
    build, rank = CASES[case]
    slices = build()
    for iterations in (1, 2, 7, 8, 15):
        settings = Parafac2Settings(rank=rank, iterations=iterations, nonnegative=nonnegative)
        ours, theirs = (
            parafac2(slices, settings, keep_projections=True),
            tensorlys(
                slices,
                rank=rank,
                init="svd",
                normalize_factors=False,
                n_iter_max=iterations,
                nn_modes=[0] if nonnegative else None,
                return_errors=True,
            ),
        )
        (_, (a_LR, b_RR, v_DR), projections), errors = theirs
        assert (a_LR > 0).all() or not nonnegative, "with zeros in A projections are not unique: another case is needed"
        for found, expected in ((ours.weights_LR, a_LR), (ours.core_RR, b_RR), (ours.directions_DR, v_DR)):
            assert np.abs(found - expected).max() < 1e-6 * np.abs(expected).max()
        for found, expected in zip(ours.projections, projections, strict=True):
            assert np.abs(found - expected).max() < 1e-6
        assert ours.errors == pytest.approx(errors, abs=1e-9)


def test_real_covariances_give_tensorlys_raw_weights(real_data):
    slices = real_covariances(real_data)
    for rank in (4, 12):
        settings = Parafac2Settings(rank=rank, iterations=12)
        ours, theirs = (parafac2(slices, replace(settings, solver=solver)) for solver in ("xlprobe", "tensorly"))
        assert (theirs.weights_LR > 0).all()
        assert ours.weights_LR == pytest.approx(theirs.weights_LR, rel=1e-6)


def test_the_solver_tensorly_tells_what_its_call_did():
    slices = CASES["structured"][0]()
    for settings in (
        Parafac2Settings(rank=6, iterations=3),
        Parafac2Settings(rank=6, iterations=9),
        Parafac2Settings(rank=6, iterations=500),
    ):
        ours, theirs = (parafac2(slices, replace(settings, solver=solver), keep_projections=True) for solver in ("xlprobe", "tensorly"))
        assert (ours.iterations, ours.converged) == (theirs.iterations, theirs.converged)
        assert len(ours.errors) == len(theirs.errors)
        assert ours.residual == pytest.approx(theirs.residual, rel=1e-6)
        assert theirs.weights_LR.shape == (7, 6) and theirs.projections[1].shape == (40, 6)
    assert ours.converged and ours.iterations < 500
    assert congruence(ours, theirs).min() > 1 - 1e-6
    started = parafac2(slices, Parafac2Settings(rank=3, iterations=4, solver="tensorly", start=1, line_search=False))
    assert started.iterations == 4 and not started.converged


def test_where_tensorly_ends_in_an_error_one_sentence_says_so():
    """All slices in a space of 2 dimensions: its start has directions in which there is nothing, and its systems are singular."""
    random = np.random.default_rng(3)
    plane_KD = np.eye(2, 5)
    slices = [random.standard_normal((6, 2)) @ plane_KD for _ in range(4)]
    with pytest.raises(XlprobeError, match="tensorly ended in an error"):
        parafac2(slices, Parafac2Settings(rank=4, iterations=10, solver="tensorly"))
    assert parafac2(slices, Parafac2Settings(rank=4, iterations=10)).residual < 1


@pytest.mark.parametrize("nonnegative", [True, False])
@pytest.mark.parametrize("case", ["random", "structured", "large", "real"])
def test_optima_are_at_or_below_those_of_others(case, nonnegative, request):
    """The best of the same number of starts, the residuals worked out from what each gives."""
    slices, rank = (real_covariances(request.getfixturevalue("real_data")), 4) if case == "real" else (CASES[case][0](), CASES[case][1])
    norm = sum((x_QD**2).sum() for x_QD in slices) ** 0.5
    settings = Parafac2Settings(rank=rank, iterations=500, tolerance=1e-8, nonnegative=nonnegative)
    ours = min(parafac2(slices, replace(settings, start=start)).residual for start in ("svd", 1))
    theirs = parafac2(slices, replace(settings, solver="tensorly")).residual
    assert ours <= theirs * (1 + 1e-6)
    limits = []
    for seed in (1, 2):
        # Its A, B_l and C meet their constraints only nearly, to 1e-4 or so.
        (_, (a_LR, b_LQR, c_DR)), diagnostics = parafac2_aoadmm(
            slices, rank, n_iter_max=200, non_negative={0: True} if nonnegative else None, random_state=seed, return_errors=True
        )
        assert max(float(gap) for of_mode in diagnostics.feasibility_gaps[-1] for gap in of_mode) < 1e-3
        left = sum(((x_QD - (b_QR * a_R) @ c_DR.T) ** 2).sum() for x_QD, b_QR, a_R in zip(slices, b_LQR, a_LR, strict=True))
        limits.append(left**0.5 / norm)
    assert ours <= min(limits) * (1 + 1e-4)
