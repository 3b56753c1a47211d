"""PARAFAC2 against tensorly's call on 33 slices of 768 x 768: first the results are equal, then the times, A/B/A/B.

Times are processor time of one thread. Ours makes the same iterations, so that equal iterations are equal residuals: at ranks 10 and
100 the times are those to an equal true residual, starts and all; at rank 768, where tensorly takes minutes, those of an
iteration, the second one. Slices are products of bases, shared by all or not, and singular values that fall from 1 to 1e-5, as those
of covariances of language models do. What limits ours: products of matrices, and at full rank the singular value
decompositions of the projections; tensorly's, its Khatri-Rao products, which hold 3.6 GB at full rank, and the same decompositions.
"""

import os
import resource
import statistics
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
import speed_claims

from xlprobe.paths import PROJECT
from xlprobe.signatures.parafac2 import Parafac2Fit, Parafac2Settings, parafac2

SLICES, DIMENSIONS = 33, 768
# Names an interpreter of Python 3.12 or later that has meyer-lab's parafac2 and a GPU for its CuPy.
OTHER_PYTHON = "XLPROBE_PARAFAC2_PYTHON"


def covariances() -> list[np.ndarray]:
    random = np.random.default_rng(1)
    shared_DD = np.linalg.qr(random.standard_normal((DIMENSIONS, DIMENSIONS)))[0] * np.logspace(0, -5, DIMENSIONS)
    slices = []
    for _ in range(SLICES):
        own_DD = np.linalg.qr(random.standard_normal((DIMENSIONS, DIMENSIONS)))[0]
        turned_DD = shared_DD + 0.2 * random.standard_normal((DIMENSIONS, DIMENSIONS)) * np.logspace(0, -5, DIMENSIONS)
        slices.append((own_DD * random.uniform(0.5, 1.5, DIMENSIONS)) @ turned_DD.T)
    return slices


@pytest.fixture(scope="module")
def slices() -> list[np.ndarray]:
    return covariances()


def timed(slices: list[np.ndarray], settings: Parafac2Settings) -> tuple[float, Parafac2Fit]:
    start = time.process_time()
    fit = parafac2(slices, settings)
    return time.process_time() - start, fit


def assert_equal(ours: Parafac2Fit, theirs: Parafac2Fit) -> None:
    assert ours.residual == pytest.approx(theirs.residual, rel=1e-6)
    assert np.abs(ours.weights_LR - theirs.weights_LR).max() < 1e-5 * np.abs(theirs.weights_LR).max()


def test_time_to_equal_residual_at_low_ranks(slices):
    for rank, iterations in ((10, 20), (100, 12)):
        settings = Parafac2Settings(rank=rank, iterations=iterations, tolerance=1e-15)
        times: dict[str, list[float]] = {"xlprobe": [], "tensorly": []}
        fits = {}
        for solver in ("xlprobe", "tensorly") * 2:
            # What tensorly's result costs beyond its call (the true residual) is in both.
            seconds, fits[solver] = timed(slices, replace(settings, solver=solver))
            times[solver].append(seconds)
        assert_equal(fits["xlprobe"], fits["tensorly"])
        ours, theirs = (statistics.median(times[solver]) for solver in ("xlprobe", "tensorly"))
        print(f"\nPARAFAC2 at rank {rank} to a residual of {fits['xlprobe'].residual:.6f}, {iterations} iterations: ", end="")
        print(f"ours {ours:.1f} s, tensorly {theirs:.1f} s: {theirs / ours:.1f}x")
        speed_claims.hold(f"PARAFAC2 at rank {rank} against tensorly, to equal residual", theirs / ours)


def test_time_of_an_iteration_at_full_rank(slices):
    times: dict[str, list[float]] = {"xlprobe": [], "tensorly": []}
    fits = {}
    for solver in ("xlprobe", "tensorly") * 2:
        settings = Parafac2Settings(rank=DIMENSIONS, iterations=1, solver=solver)
        one, _ = timed(slices, settings)
        two, fits[solver] = timed(slices, replace(settings, iterations=2))
        times[solver].append(two - one)
    assert_equal(fits["xlprobe"], fits["tensorly"])
    ours, theirs = (statistics.median(times[solver]) for solver in ("xlprobe", "tensorly"))
    print(f"\nPARAFAC2 at rank {DIMENSIONS}, an iteration: ours {ours:.1f} s, tensorly {theirs:.1f} s: {theirs / ours:.1f}x")
    speed_claims.hold("PARAFAC2 at rank 768 against tensorly, an iteration", theirs / ours)


def test_memory_of_a_full_size_run():
    """Eight iterations, of which one ends in a step along the line; the slices alone take 149 MiB."""
    code = "import test_parafac2_speed; test_parafac2_speed.full_size_run()"
    paths = os.pathsep.join(str(PROJECT / folder) for folder in ("scripts", "workflow_tests", "workflow_tests/benchmarks"))
    environment = os.environ | {"PYTHONPATH": paths}
    said = subprocess.run([sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True).stdout
    residual, seconds, mebibytes = map(float, said.split())
    print(f"\n{SLICES} slices of 768 x 768 at rank 768, 8 iterations: {seconds:.0f} s, residual {residual:.4f}, peak {mebibytes:.0f} MiB")
    assert 0 < residual < 1
    assert mebibytes < 3000


def full_size_run() -> None:
    """Fit and print the residual, the processor time and the peak of memory."""
    seconds, fit = timed(covariances(), Parafac2Settings(rank=DIMENSIONS, iterations=8))
    print(fit.residual, seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


# Free of tensorly's non-negative A, and with a random start of its own, so that residuals alone can be compared.
OTHER_CODE = """
import sys, time
import anndata, numpy
from parafac2 import parafac2_nd
slices = numpy.load(sys.argv[1])
data = anndata.AnnData(slices.reshape(-1, slices.shape[2]))
data.obs["condition_unique_idxs"] = numpy.repeat(numpy.arange(len(slices)), slices.shape[1])
data.var["means"] = 0.0
start = time.process_time()
_, explained = parafac2_nd(data, rank=10, n_iter_max=20)
print((1 - explained) ** 0.5, time.process_time() - start)
"""


@pytest.mark.skipif(
    OTHER_PYTHON not in os.environ, reason=f"meyer-lab's parafac2 needs Python 3.12, CuPy and a GPU: {OTHER_PYTHON} names no interpreter"
)
def test_meyer_labs_parafac2_at_rank_10(slices, tmp_path):
    np.save(tmp_path / "slices.npy", np.stack(slices))
    command = [os.environ[OTHER_PYTHON], "-c", OTHER_CODE, str(tmp_path / "slices.npy")]
    theirs, seconds = map(float, subprocess.run(command, check=True, capture_output=True, text=True).stdout.split())
    ours, fit = timed(slices, Parafac2Settings(rank=10, iterations=100, nonnegative=False))
    print(f"\nPARAFAC2 at rank 10: ours {ours:.1f} s to {fit.residual:.6f}, meyer-lab's {seconds:.1f} s to {theirs:.6f}")
    assert fit.residual <= theirs * 1.01
