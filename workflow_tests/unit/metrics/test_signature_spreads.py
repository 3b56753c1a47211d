"""How signatures are spread over languages, and who stands apart."""

import numpy as np
import pytest
from planted_means import TOO_FEW, only, signature_rows, signature_table

from xlprobe.metrics.signature_spreads import signature_spreads, signature_standings

# At the first layer 1 2 3 6, at the second three of them, at the third two, at the last none.
MEANS = {
    "qaa": [1.0, 2.0, 5.0, np.nan],
    "qab": [2.0, 2.0, 7.0, np.nan],
    "qac": [3.0, np.nan, np.nan, np.nan],
    "qad": [6.0, 2.0, np.nan, np.nan],
}
TABLE = signature_table(signature_rows(MEANS))


def test_spread_by_hand():
    rows = [*signature_spreads(TABLE)]
    assert [row["layer"] for row in rows] == [0, 1, 2, 3]
    first = only(rows, layer=0)
    # Deviations from 3 are -2 -1 0 3: 14 / 3.
    assert (first["languages"], first["without_value"], first["mean"], first["median"]) == (4, 0, 3.0, 2.5)
    assert first["variance"] == pytest.approx(14 / 3) and first["sd"] == pytest.approx((14 / 3) ** 0.5)
    assert [first[name] for name in ("least", "least_language", "most", "most_language")] == [1.0, "qaa", 6.0, "qad"]
    assert first["signature"] == "published" and first["fit"] == "per_layer" and "reason" not in first
    assert only(rows, layer=1)["variance"] == 0 and only(rows, layer=1)["without_value"] == 1


def test_the_least_is_of_a_language_that_has_a_value():
    (row,) = signature_spreads(signature_table(signature_rows({"qaa": [np.nan], "qab": [4.0], "qac": [3.0], "qad": [5.0]})))
    assert (row["least_language"], row["most_language"]) == ("qac", "qad")


def test_two_languages_have_no_variance_and_none_no_mean():
    rows = [*signature_spreads(TABLE)]
    two, none = only(rows, layer=2), only(rows, layer=3)
    assert two["mean"] == 6 and "variance" not in two
    assert two["reason"] == "n too small: 2 languages have a value, and a variance needs 3"
    assert none["languages"] == 0 and none["without_value"] == 4 and "mean" not in none
    # What the table of signatures says.
    assert none["reason"] == f"no language has a value: {TOO_FEW}"


def test_standing_by_hand():
    rows = [*signature_standings(TABLE)]
    assert len(rows) == 16
    last = only(rows, layer=0, language="qad")
    # The others are 1 2 3, mean 2 and deviation 1; of all four mean 3.
    assert (last["value"], last["rank"], last["languages"], last["z_of_others"]) == (6.0, 4, 4, 4.0)
    assert last["z"] == pytest.approx(3 / (14 / 3) ** 0.5)
    assert only(rows, layer=0, language="qaa")["rank"] == 1


def test_standings_without_number_say_why():
    rows = [*signature_standings(TABLE)]
    absent = only(rows, layer=1, language="qac")
    assert absent["reason"] == TOO_FEW and not {"value", "z"} & absent.keys() and absent["languages"] == 3
    # Equal values share the first rank; with two others there is no deviation worth the name.
    assert only(rows, layer=1, language="qad")["rank"] == 1
    assert only(rows, layer=1, language="qad")["reason"] == "n too small: 2 other languages have a value, and a variance needs 3"
    equal = {"qaa": [1.0], "qab": [1.0], "qac": [1.0], "qad": [9.0]}
    rows = [*signature_standings(signature_table(signature_rows(equal)))]
    assert only(rows, language="qad")["reason"] == "the other languages do not vary" and "z" not in only(rows, language="qad")
    assert only(rows, language="qaa")["z_of_others"] == pytest.approx((1 - 11 / 3) / (64 / 3) ** 0.5)
