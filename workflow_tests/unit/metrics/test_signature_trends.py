"""Signatures over layers."""

import numpy as np
import pytest
from planted_means import TOO_FEW, only, signature_rows, signature_table

from xlprobe.metrics.signature_trends import signature_trends

LAYERS = range(13)
FALLING = [6.0 - layer / 2 + (0.1 if layer % 3 else 0) for layer in LAYERS]
MIXED = [1.0, 3.0, 2.0, 1.5, 2.5, 1.0, 3.0, 2.0, 1.5, 2.5, 1.0, 2.0, 2.2]
MEANS = {"qaa": FALLING, "qab": [-value for value in FALLING], "qac": MIXED, "qad": [np.nan] * 13}


def trends(means, **said):
    return [*signature_trends(signature_table(signature_rows(means, **said)))]


def test_each_language_and_the_mean():
    rows = trends(MEANS)
    assert [row["language"] for row in rows] == [None, "qaa", "qab", "qac", "qad"]
    fell, rose, mixed = (only(rows, language=code) for code in ("qaa", "qab", "qac"))
    assert (fell["direction"], rose["direction"], mixed["direction"]) == ("decreasing", "increasing", "none")
    assert fell["tau"] == -1 and fell["slope"] == pytest.approx(-0.5) and fell["low"] <= fell["slope"] <= fell["high"]
    # 2 of 13! orders.
    assert fell["exact_p"] == pytest.approx(2 / 6227020800) and not fell["n_too_small"]
    # Of three tests the largest p is as it is, and the two smaller ones, which are equal, are times 3 / 2.
    assert mixed["adjusted_p"] == mixed["p"] and fell["adjusted_p"] == pytest.approx(1.5 * fell["p"])
    assert fell["relative_slope"] == pytest.approx(fell["slope"] / np.mean(FALLING))
    # Two of them cancel each other, so the mean is a third of the last.
    assert only(rows, language=None)["slope"] == pytest.approx(mixed["slope"] / 3)
    assert only(rows, language=None)["languages"] == 3 and np.isnan(only(rows, language=None)["adjusted_p"])
    absent = only(rows, language="qad")
    assert absent["n"] == 0 and absent["reason"] == TOO_FEW and absent["direction"] is None and absent["n_too_small"]


def test_false_discovery_rates_are_of_one_category_fit_and_scale():
    apart = trends({"qaa": FALLING})
    both = [*signature_trends(signature_table(*(signature_rows({"qaa": FALLING}, category=name) for name in ("case", "mood"))))]
    assert only(both, language="qaa", category="mood")["adjusted_p"] == only(apart, language="qaa")["p"]


def test_the_mean_is_of_the_same_languages_at_each_layer():
    means = {"qaa": [5.0, 4.0, 3.0, 2.0, 1.0], "qab": [np.nan, 90.0, 80.0, 90.0, 99.0]}
    rows = trends(means)
    mean = only(rows, language=None)
    assert (mean["languages"], mean["tau"], mean["slope"], mean["direction"]) == (1, -1, -1, "decreasing")
    # Four layers are too few, which the row says.
    assert only(rows, language="qab")["n"] == 4 and "4 values" in only(rows, language="qab")["reason"]
    none = only(trends({"qaa": [np.nan, 1.0], "qab": [1.0, np.nan]}), language=None)
    assert none["reason"] == "no language has a value at every layer" and none["n_too_small"] and none["languages"] == 0
    assert only(trends({"qaa": [np.nan]}), language=None)["reason"] == f"no language has a value: {TOO_FEW}"


def test_layers_have_places():
    falls = only(trends({"qaa": [8.0, 6.0, 4.0, 2.0, 0.0]}, layers=[0, 2, 4, 6, 8]), language="qaa")
    assert falls["slope"] == -1 and falls["relative_slope"] == -0.25


def test_constant_means_have_no_trend():
    row = only(trends({"qaa": [2.0] * 6}), language="qaa")
    assert row["reason"] == "all values are equal" and row["direction"] is None and np.isnan(row["p"])
