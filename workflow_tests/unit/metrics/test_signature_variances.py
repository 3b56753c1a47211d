"""Diverse languages against related ones."""

import numpy as np
import pytest
from planted_means import TOO_FEW, only, signature_rows, signature_table
from scipy import stats

from xlprobe.metrics.signature_variances import NONE_RELATED, signature_variances

DIVERSE, GERMANIC, SLAVIC = ["aa", "bb", "cc", "ga"], ["ga", "gb", "gc"], ["sa", "sb", "sc"]
MEANS = {
    "aa": [1.0],
    "bb": [5.0],
    "cc": [9.0],
    "ga": [2.0],
    "gb": [3.0],
    "gc": [4.0],
    "sa": [7.0],
    "sb": [7.5],
    "sc": [np.nan],
}
SETS = {"Germanic": GERMANIC, "Slavic": SLAVIC}


def test_variances_by_hand():
    rows = [*signature_variances(signature_table(signature_rows(MEANS)), DIVERSE, SETS)]
    assert [row["related"] for row in rows] == ["Germanic", "Slavic"]
    row = rows[0]
    # 1 5 9 2 about 4.25: 10.5625 + 0.5625 + 22.5625 + 5.0625 = 38.75; 2 3 4 have a variance of 1, so that is the statistic.
    assert (row["diverse_n"], row["related_n"], row["shared_n"], row["related_variance"]) == (4, 3, 1, 1.0)
    assert row["diverse_variance"] == pytest.approx(38.75 / 3) and row["statistic"] == pytest.approx(38.75)
    assert row["p"] == pytest.approx(2 * stats.chi2.sf(38.75, 3)) and row["reason"] is None
    assert row["brown_forsythe_p"] == pytest.approx(stats.levene([1, 5, 9, 2], [2, 3, 4], center="median").pvalue)


def test_few_languages_are_said_to_be():
    row = only([*signature_variances(signature_table(signature_rows(MEANS)), DIVERSE, SETS)], related="Slavic")
    assert row["related_n"] == 2 and np.isnan(row["p"]) and np.isnan(row["brown_forsythe_p"])
    assert row["reason"] == "n too small: 4 diverse and 2 related languages have a value: a variance needs 3 of both"
    absent = {code: [np.nan] for code in MEANS}
    rows = [*signature_variances(signature_table(signature_rows(absent)), DIVERSE, SETS)]
    assert all(row["diverse_n"] == 0 and row["reason"] == f"n too small: no language has a value: {TOO_FEW}" for row in rows)


def test_related_languages_that_do_not_vary_are_no_measure():
    means = MEANS | {code: [3.0] for code in GERMANIC}
    row = only([*signature_variances(signature_table(signature_rows(means)), DIVERSE, SETS)], related="Germanic")
    assert row["reason"].startswith("the related languages do not vary") and np.isnan(row["p"])


def test_without_related_languages_a_row_says_so():
    (row,) = signature_variances(signature_table(signature_rows(MEANS)), DIVERSE, {})
    assert row["reason"] == NONE_RELATED and row["diverse_n"] == 4 and "related" not in row


def test_codes_that_are_not_compared_count_nowhere():
    rows = [*signature_variances(signature_table(signature_rows(MEANS)), [*DIVERSE, "zz"], {"Germanic": [*GERMANIC, "gz"]})]
    assert (rows[0]["diverse_n"], rows[0]["related_n"]) == (4, 3)
