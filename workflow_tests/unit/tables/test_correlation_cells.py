import numpy as np
import pytest

from xlprobe.tables.correlation_cells import honest_p, rho_text, stars


def cell(value, p=0.5, n_too_small=False):
    return {"value": value, "p": p, "n_too_small": n_too_small}


def test_stars_are_the_printed_p_values():
    assert [stars(p) for p in (0.0009, 0.001, 0.049, 0.05, np.nan)] == ["**", "*", "*", "", ""]


@pytest.mark.parametrize(
    ("row", "text"),
    [
        (cell(-0.5974, 0.0001), "-0.597**"),
        (cell(0.0004), "0.000"),
        (cell(-1.0, 0.0, True), "-1.000**°"),
        (cell(1.0, np.nan, True), "1.000°"),
        (cell(np.nan, np.nan, True), "–"),
    ],
)
def test_a_correlation_has_three_decimals_stars_and_a_mark_where_n_is_too_small(row, text):
    assert rho_text(row) == text


def test_permutation_comes_before_the_printed_p_value():
    assert honest_p({"p": 0.01, "permutation_p": 0.2}) == 0.2 and honest_p({"p": 0.01, "permutation_p": None}) == 0.01
