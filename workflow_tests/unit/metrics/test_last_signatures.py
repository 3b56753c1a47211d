"""Which signatures analyses are of."""

import numpy as np
from planted_means import TOO_FEW, signature_rows, signature_table

from xlprobe.metrics.last_signatures import fitted_signatures


def test_the_last_step_of_each_comparison_and_training():
    one = {"qaa": [1.0], "qab": [2.0]}
    table = signature_table(
        signature_rows(one, step=10),
        signature_rows(one, step=20),
        signature_rows(one, step=30, fit="over_steps"),
        signature_rows(one, step=15, variant="other", training_seed=2),
        signature_rows(one, step=25, variant="other", training_seed=1),
        signature_rows(one, step=20, scale="standardised", fit="over_layers"),
    )
    keys = [fitted.key for fitted in fitted_signatures(table)]
    # In the order of the table; a missing seed is none, not a missing row.
    assert [(key["variant"], key["training_seed"], key["step"], key["fit"]) for key in keys] == [
        ("main", None, 20, "per_layer"),
        ("other", 2, 15, "per_layer"),
        ("other", 1, 25, "per_layer"),
        ("main", None, 20, "over_layers"),
    ]
    assert [*fitted_signatures(signature_table(signature_rows(one, fit="over_steps")))] == []


def test_languages_by_layers():
    (fitted,) = fitted_signatures(signature_table(signature_rows({"qab": [3.0, 4.0], "qaa": [1.0, np.nan]}, layers=[6, 2])))
    assert fitted.languages == ["qaa", "qab"] and fitted.layers == [2, 6]
    assert np.array_equal(fitted.values(), [[np.nan, 1], [4, 3]], equal_nan=True)
    assert (fitted.values("instances") == 500).all() and np.isnan(fitted.values("equal_fixed_mean")).all()
    assert fitted.reasons == {"qaa": TOO_FEW}


def test_why_no_language_has_a_value():
    none = {"qaa": [np.nan], "qab": [np.nan]}
    (fitted,) = fitted_signatures(signature_table(signature_rows(none)))
    assert fitted.why_none == f"no language has a value: {TOO_FEW}"
    (fitted,) = fitted_signatures(signature_table(signature_rows(none, reason={"qaa": "no instances", "qab": TOO_FEW})))
    assert fitted.why_none == "no language has a value"
