"""What a run of signatures is by its configuration and its text."""

import pytest
from claimed_comparisons import comparison_of

from xlprobe.claims.counts import configured
from xlprobe.claims.finding import NotMeasured
from xlprobe.claims.signature_counts import (
    category_sets,
    compared,
    compared_layers,
    diverse_set,
    families,
    left_by_fit,
    related_sets,
    text_amounts,
)


def test_languages_categories_families_and_sets_are_counted():
    """Nine languages of five families; Germanic has two of them, Romance two, so that no genus has three."""
    run = comparison_of({"signature_variances": [{"diverse_n": 7}, {"diverse_n": 8}], "signatures": [{"layer": 0}, {"layer": 1}]})
    assert [found.value for found in compared(run)] == [9, 4]
    assert [(found.part, found.value) for found in families(run)] == [("families", 5), ("genera", 7)]
    assert related_sets(run)[0].text == "no genus has 3"
    assert diverse_set(run)[0].value == 8 and compared_layers(run)[0].value == 2


def test_amounts_of_text_are_the_least_and_the_most():
    rows = [{"language": code, "factor": "tokens", "value": value} for code, value in (("de", 1234.0), ("fi", 99.0))]
    tokens, unknown = text_amounts(comparison_of({"signature_factors": rows}), factors=["tokens", "bytes"])
    assert (tokens.text, tokens.n, unknown.text) == ("99 to 1,234", 2, "not known")


def test_the_worst_fit_is_said():
    rows = [{"language": code, "residual": left, "mean_published": 1.0} for code, left in (("de", 0.1), ("fi", 0.3))]
    assert left_by_fit(comparison_of({"signatures": rows}))[0].value == pytest.approx(30)
    with pytest.raises(NotMeasured, match="no fit"):
        left_by_fit(comparison_of({"signatures": [{"language": "de"}]}))


def test_sets_of_categories_are_held_against_table_3():
    """Of animacy Table 3 lists, of the nine languages here, Russian alone; German has as many words. All words do not count."""
    rows = [
        {"language": code, "category": "animacy", "instances": 500 if code in ("ru", "de") else 3, "mean_published": 1.0}
        for code in ("de", "en", "es", "fi", "fr", "ja", "ko", "ru", "zh-Hant")
    ]
    rows += [row | {"category": "part_of_speech", "instances": 500} for row in rows]
    (found,) = category_sets(comparison_of({"signatures": rows}, categories=["animacy", "part_of_speech"]))
    # German alone differs: eight of nine agree.
    assert (found.value, found.n) == (pytest.approx(800 / 9), 9)


def test_settings_are_said_of_each_model():
    models = {"xlmr_main": {"pretrain": {"training": {"alpha": 1.0}}}, "monolingual_de": {"pretrain": {"training": {"alpha": 0.5}}}}
    run = comparison_of({}, configuration={"models": models, "data": {"ud": "2.1"}})
    keys = ["data.ud", "model.pretrain.training.alpha", "control.pretrain.training.alpha"]
    assert configured(run, keys=keys)[0].text == "ud: 2.1; alpha: 1.0; alpha (control): 0.5"
    assert configured(run, keys=["data.other"])[0].text == "the configuration does not say"
    assert configured(run, keys=["model.pretrain.training.other"])[0].text.endswith("trained elsewhere")
    assert configured(run, keys=["resampled.pretrain.training.alpha"])[0].text == "the run has no resampled model"
