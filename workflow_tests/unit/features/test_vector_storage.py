import numpy as np
import pytest
import torch

from xlprobe.artifacts.feature_file import vectors_of
from xlprobe.features.vector_storage import SAFE_SIZE, STORAGES, fits_float16

STATES = torch.randn(3, 200, 64, generator=torch.Generator().manual_seed(1))


def changed(change) -> torch.Tensor:
    vectors_LUD = STATES.clone()
    change(vectors_LUD[1])
    return vectors_LUD


def lost(vectors_UD: torch.Tensor) -> float:
    """The largest share of its norm that a unit's vector is off by in float16."""
    exact_UD = vectors_UD.double().numpy()
    off_U = np.linalg.norm(vectors_UD.half().double().numpy() - exact_UD, axis=1)
    return float((off_U / np.linalg.norm(exact_UD, axis=1)).max())


@pytest.mark.parametrize("scale", [1e-8, 1e-6, 1e-5, 1.5e-5, 2.7e-5, 1e-4, 1e-3, 1.0, 1e3, 1e4, 3e4, 1e6])
def test_vectors_fit_where_rounding_moves_them_by_little(scale):
    vectors_UD = STATES[0] * scale
    assert fits_float16(vectors_UD[None]) == (lost(vectors_UD) < 1e-3)


def test_what_is_looked_at_is_all_that_may_be_lost():
    """Of numbers of that root mean square or more, rounding takes no more than the tolerance: 2^-25 of each, or 2^-11 of itself."""
    assert pytest.approx(1e-3**2) == (2.0**-11) ** 2 + (2.0**-25 / SAFE_SIZE) ** 2


def test_the_scales_come_near_the_bound_from_both_sides():
    assert 1e-3 < lost(STATES[0] * 1.5e-5) < 2e-3 and 5e-4 < lost(STATES[0] * 2.7e-5) < 1e-3


def test_storages_are_tried_from_the_smallest():
    tried = {"auto": (torch.float16, torch.float32), "float16": (torch.float16,), "float32": (torch.float32,)}
    assert tried == STORAGES


@pytest.mark.parametrize(
    ("change", "fits"),
    [
        pytest.param(lambda vectors_UD: vectors_UD[3, 5].fill_(65_504.0), True, id="largest"),
        pytest.param(lambda vectors_UD: vectors_UD[3, 5].fill_(-65_600.0), False, id="too large"),
        pytest.param(lambda vectors_UD: vectors_UD[3].mul_(1e-6), False, id="one vector tiny"),
        pytest.param(lambda vectors_UD: vectors_UD[3].mul_(1e-30), False, id="one vector tinier than float32's squares"),
        pytest.param(lambda vectors_UD: vectors_UD[3].fill_(0), True, id="a unit without a subword"),
        # As in all-MiniLM-L6-v2: three coordinates of 384.
        pytest.param(lambda vectors_UD: vectors_UD[:, 5].mul_(1e-9), True, id="a dead coordinate"),
        pytest.param(lambda vectors_UD: vectors_UD[:, 5:8].mul_(1e-9), True, id="three of 64 coordinates"),
        pytest.param(lambda vectors_UD: vectors_UD[:, 5:9].mul_(1e-9), False, id="four of 64 coordinates"),
        pytest.param(lambda vectors_UD: vectors_UD[:, 1:].mul_(1e-8), False, id="one coordinate a hundred million times the others"),
    ],
)
def test_a_vector_or_many_coordinates_that_are_lost_do_not_fit(change, fits):
    assert fits_float16(changed(change)) == fits


def test_no_unit_fits():
    assert fits_float16(torch.zeros(3, 0, 64))


def test_vectors_are_named_by_their_file_or_its_folder(tmp_path):
    (tmp_path / "vectors").mkdir()
    dataset = tmp_path / "datasets" / "en_ewt"
    assert vectors_of(tmp_path / "vectors", dataset) == tmp_path / "vectors" / "en_ewt.h5"
    assert vectors_of(tmp_path / "other.h5", dataset) == tmp_path / "other.h5"
