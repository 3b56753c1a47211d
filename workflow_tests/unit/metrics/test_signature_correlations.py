"""Signatures and factors of languages."""

import itertools

import numpy as np
import pandas as pd
import pytest
from planted_means import TOO_FEW, only, signature_rows, signature_table
from scipy import stats

from xlprobe.metrics.signature_correlations import CANCELLED, mean_correlation, signature_correlations
from xlprobe.statistics.correlation import pearson_correlation

CODES = [f"q{letter}" for letter in "abcdefgh"]
FACTOR = np.array([3.0, 1.0, 4.0, 1.5, 5.0, 9.0, 2.0, 6.0])


def factors(values=FACTOR, codes=CODES, name="unique_characters", **said):
    shared = {"variant": "main", "training_seed": None} | said
    rows = [shared | {"language": code, "factor": name, "value": value} for code, value in zip(codes, values, strict=True)]
    return pd.DataFrame(rows).astype({"training_seed": "Int64", "value": "float64"})


def table(values_LN, codes=CODES, **said):
    return signature_table(signature_rows({code: [*row] for code, row in zip(codes, np.asarray(values_LN, float), strict=True)}, **said))


def values(seed=1, languages=8, layers=3):
    return np.random.default_rng(seed).standard_normal((languages, layers)) + 4


def correlations(signatures, known=None):
    return [*signature_correlations(signatures, factors() if known is None else known)]


def test_each_layer_and_their_mean():
    found = values()
    rows = [row for row in correlations(table(found)) if row["factor"] == "unique_characters"]
    assert [row["layer"] for row in rows] == [None, 0, 1, 2]
    expected = [stats.pearsonr(found[:, layer], FACTOR).statistic for layer in range(3)]
    assert [row["r"] for row in rows] == pytest.approx([np.mean(expected), *expected])
    assert only(rows, layer=1)["p"] == pytest.approx(stats.pearsonr(found[:, 1], FACTOR).pvalue)
    assert all((row["n"], row["reason"], row["sizes"]) == (8, None, "all") for row in rows)
    assert [row["layers"] for row in rows] == [3, 1, 1, 1]
    assert all(row["low"] < row["r"] < row["high"] and not row["n_too_small"] for row in rows)
    assert all(row["without_one_low"] <= row["r"] <= row["without_one_high"] and row["influential"] in CODES for row in rows)


def test_the_data_size_is_that_of_the_category():
    sizes = dict(zip(CODES, (200, 100, 900, 400, 300, 800, 700, 600), strict=True))
    means = np.array([[2.0 * size, 500.0 - size] for size in sizes.values()])
    rows = [row for row in correlations(table(means, instances=sizes)) if row["factor"] == "data_size"]
    assert [row["r"] for row in rows] == pytest.approx([np.nan, 1, -1], nan_ok=True)
    assert only(rows, layer=None)["reason"] == CANCELLED and only(rows, layer=None)["n"] == 8


def test_all_factors_have_rows_also_those_that_are_not_known():
    rows = correlations(table(values(layers=1)))
    assert {row["factor"] for row in rows} == {
        *("data_size", "unique_characters", "type_token_ratio", "type_token_ratio_equal", "type_token_ratio_forms")
    }
    for row in rows:
        if row["factor"].startswith("type"):
            assert row["n"] == 0 and np.isnan(row["r"]) and row["reason"] == "0 values have both: a correlation needs 3"
            assert row["n_too_small"] and row["note"] is None
    # Of all languages as many.
    assert {row["reason"] for row in rows if row["factor"] == "data_size"} == {"the factor does not vary"}


def test_factors_of_another_comparison_are_none_of_this():
    known = pd.concat([factors(), factors(FACTOR[::-1], variant="other"), factors(-FACTOR, training_seed=2)])
    both = signature_table(
        signature_rows({code: [value] for code, value in zip(CODES, FACTOR, strict=True)}),
        signature_rows({code: [value] for code, value in zip(CODES, FACTOR, strict=True)}, training_seed=2),
    )
    rows = [row for row in correlations(both, known) if row["factor"] == "unique_characters" and row["layer"] == 0]
    assert [(row["training_seed"], round(row["r"], 9)) for row in rows] == [(None, 1), (2, -1)]


def test_equal_sizes_stand_beside_where_they_are_drawn():
    means = dict(zip(CODES, values().tolist(), strict=True))
    rows = signature_rows(means)
    for row, drawn in zip(rows, FACTOR.repeat(3), strict=True):
        if row["layer"] != 1:
            row |= {"equal_smallest_mean": drawn + row["layer"]}
    found = [row for row in correlations(signature_table(rows)) if row["factor"] == "unique_characters"]
    assert {row["sizes"] for row in found} == {"all", "equal_smallest"}
    drawn = [row for row in found if row["sizes"] == "equal_smallest"]
    assert [(row["layer"], row["layers"], round(row["r"], 9)) for row in drawn] == [(None, 2, 1), (0, 1, 1), (2, 1, 1)]


def test_few_languages_are_said_to_be():
    rows = correlations(table(values(languages=3), CODES[:3]), factors(FACTOR[:3], CODES[:3]))
    # Of three any order has a p-value of a third at least.
    row = only(rows, factor="unique_characters", layer=0)
    assert row["n_too_small"] and row["note"] == "n too small: 3 languages can have no p-value below 0.05" and np.isnan(row["low"])
    mean = only(rows, factor="unique_characters", layer=None)
    assert mean["note"] == row["note"] and np.isnan(mean["low"]) and mean["influential"] is None
    five = correlations(table(values(languages=5), CODES[:5]), factors(FACTOR[:5], CODES[:5]))
    assert "n = 5: the interval is 1." in only(five, factor="unique_characters", layer=0)["note"]
    absent = correlations(table(np.full((8, 2), np.nan)))
    assert {row["reason"] for row in absent} == {f"no language has a value: {TOO_FEW}"}


def test_what_r_does_over_layers():
    # r falls from layer to layer.
    noise = values(languages=8, layers=1)[:, 0]
    found = np.stack([FACTOR * (6 - layer) + 3 * layer * noise for layer in range(6)], axis=1)
    mean = only(correlations(table(found)), factor="unique_characters", layer=None)
    assert mean["tau"] == -1 and mean["slope"] < 0 and mean["trend_p"] < 0.05
    assert "tau" not in only(correlations(table(found)), factor="unique_characters", layer=0)


def test_the_mean_over_layers_is_that_of_each():
    found = values(seed=3, layers=5)
    mean = mean_correlation(found, FACTOR)

    def by_layer(kept):
        return np.mean([np.corrcoef(column[kept], FACTOR[kept])[0, 1] for column in found.T])

    every = np.ones(8, dtype=bool)
    assert mean.r == pytest.approx(by_layer(every))
    without = [by_layer(every & (np.arange(8) != place)) for place in range(8)]
    assert (mean.without_one_low, mean.without_one_high) == pytest.approx((min(without), max(without)))
    assert mean.influential == np.argmax(np.abs(np.array(without) - mean.r))
    # Of all 8! orders of languages, those whose mean of r is as large.
    unit = (found - found.mean(0)) / np.linalg.norm(found - found.mean(0), axis=0)
    centred = (FACTOR - FACTOR.mean()) / np.linalg.norm(FACTOR - FACTOR.mean())
    orders = centred[np.array([*itertools.permutations(range(8))])]
    shares = np.abs((orders @ unit).mean(axis=1)) >= abs(mean.r) - 1e-12
    assert mean.permutation_p == pytest.approx(shares.mean())


def test_the_mean_of_one_layer_is_that_layer():
    found = values(layers=1)
    mean, one = mean_correlation(found, FACTOR), pearson_correlation(found[:, 0], FACTOR)
    for name in ("r", "p", "low", "high", "permutation_p", "without_one_low", "without_one_high", "influential", "n", "smallest_p"):
        assert getattr(mean, name) == pytest.approx(getattr(one, name)), name


def test_the_mean_is_of_languages_that_are_at_every_layer():
    found = values()
    found[2, 1] = np.nan
    known = FACTOR.copy()
    known[0] = np.nan
    kept = [1, 3, 4, 5, 6, 7]
    mean = mean_correlation(found, known)
    assert mean.n == 6 and mean.r == pytest.approx(mean_correlation(found[kept], FACTOR[kept]).r)
    # Places are those of all.
    assert mean.influential == kept[mean_correlation(found[kept], FACTOR[kept]).influential]


def test_no_mean_where_there_is_nothing_to_correlate():
    found = values()
    found[:, 1] = 3.0
    assert mean_correlation(found, FACTOR).reason == "the outcome does not vary at 1 of 3 layers" and mean_correlation(found, FACTOR).n == 8
    assert mean_correlation(values(), np.full(8, 2.0)).reason == "the factor does not vary"
    assert mean_correlation(values(languages=2), FACTOR[:2]).reason == "2 values have both: a correlation needs 3"
    with pytest.raises(ValueError, match="infinite values"):
        mean_correlation(np.full((8, 1), np.inf), FACTOR)
    with pytest.raises(ValueError, match=r"values of shape \(8, 3\) have no factor of shape \(7,\)"):
        mean_correlation(values(), FACTOR[:7])
