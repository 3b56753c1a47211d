"""Claims on comparisons beside the main one, on rows whose answer is worked out by hand."""

from functools import partial

import pytest
from claimed_comparisons import comparison_of

from xlprobe.claims.finding import NotMeasured
from xlprobe.claims.signature_variants import (
    alike_in_published,
    closer_if_romanised,
    correlation_of_published,
    cut_languages,
    gain_of_sampling,
    low_resource_change,
    support_of_relatives,
    trend_of_published,
    writing_system,
)

VARIANTS = ["main", "latin", "low_fr", "low_ko", "often_fr", "often_ko", "public"]
FACTS = {
    "variants": VARIANTS,
    "romanised": {"latin": ["ja"]},
    "cut": {"low_fr": {"fr": 0.1}, "low_ko": {"ko": 0.1}, "often_fr": {"fr": 0.1}, "often_ko": {"ko": 0.1}},
    "resampled": ["often_fr", "often_ko"],
    "elsewhere": ["public"],
}


def difference(variant, language, layer, value, of_main=1.0, **more):
    return {"variant": variant, "language": language, "layer": layer, "value": value, "main_value": of_main} | more


def run_of(rows, **more):
    """A run whose variants have these rows; what the main comparison and the published model's have in common is one language."""
    layers = sorted({row["layer"] for row in rows})
    compared = [{"variant": variant, "layer": layer, "language": "de"} for variant in ("main", "public") for layer in layers]
    return comparison_of({"variant_differences": rows, "signatures": compared}, **(FACTS | more))


def test_romanised_languages_come_closer_without_their_sign_and_without_the_embeddings():
    """From -3 to 1, and from -2 to -2: by 2 and by 0."""
    rows = [
        difference("latin", "ja", layer, 1.0, z=z, main_z=before) for layer, z, before in ((0, 9.0, 0.0), (1, 1.0, -3.0), (2, -2.0, -2.0))
    ]
    rows.append(difference("latin", "de", 1, 1.0, z=0.0, main_z=50.0))
    (found,) = closer_if_romanised(run_of(rows))
    # One language is shown, and decides nothing.
    assert (found.value, found.n, found.why) == (1.0, 1, "n too small: 1 language")
    with pytest.raises(NotMeasured, match="no comparison has romanised languages"):
        closer_if_romanised(run_of(rows, romanised={}))


def test_the_writing_system_is_both():
    rows = [difference("latin", "ja", 1, 1.0, z=1.0, main_z=-3.0)]
    tables = {
        "variant_differences": rows,
        "signature_correlations": [{"layer": None, "factor": "unique_characters", "sizes": "all", "n": 9, "r": -0.7, "p": 0.01}],
    }
    romanised, characters = writing_system(comparison_of(tables, **FACTS))
    assert (romanised.part, romanised.value) == ("romanised", 2.0) and (characters.part, characters.value) == ("unique characters", -0.7)


LOW = [
    # French keeps 0.9 and 0.7 of 1 and 1: a fifth less. Korean keeps 0.1 of 1.
    *(difference("low_fr", "fr", layer, value) for layer, value in ((0, 0.0), (1, 0.9), (2, 0.7))),
    difference("low_fr", "de", 1, 5.0),
    difference("low_ko", "ko", 1, 0.1),
    difference("often_fr", "fr", 1, 1.0),
    difference("often_ko", "ko", 1, 0.2),
]


def test_a_language_with_a_part_of_its_text_loses_what_it_loses():
    french, korean, turkish = low_resource_change(run_of(LOW), languages=["fr", "ko", "tr"], share=0.1)
    assert (french.value, korean.value) == (pytest.approx(-20), pytest.approx(-90))
    assert turkish.why == "no comparison has the language tr with 10 % of its text"
    half = low_resource_change(run_of(LOW, cut={"low_fr": {"fr": 0.5}}), languages=["fr"], share=0.1)
    assert half[0].why == "no comparison has the language fr with 10 % of its text"
    # French is compared with German and others of its family, Korean is alone: -20 less -90.
    (support,) = support_of_relatives(run_of(LOW))
    assert (support.value, support.why) == (pytest.approx(70), "n too small: 1 language")
    with pytest.raises(NotMeasured, match="both with and without"):
        support_of_relatives(run_of(LOW, cut={"low_fr": {"fr": 0.1}}))
    assert cut_languages(run_of(LOW))[0].text == "fr 10 %, ko 10 %, in 2 comparisons"


def test_drawing_a_language_more_often_gains_what_it_gains():
    """French from -20 to 0, Korean from -90 to -80: 15 in the mean."""
    assert gain_of_sampling(run_of(LOW))[0].value == pytest.approx(15)
    with pytest.raises(NotMeasured, match="by another alpha"):
        gain_of_sampling(run_of(LOW, resampled=[]))


def test_a_published_model_ranks_inner_layers_alike_and_falls_short_at_the_ends():
    """Inner layers 4, 3, 2 with both; the first is 1 of 3 and with E 6 of 3, the last 0.3 of 3 and with E 3 of 3."""
    values = {0: (1.0, 6.0), 1: (4.0, 4.0), 2: (3.0, 3.0), 3: (2.0, 2.0), 4: (0.3, 3.0)}
    inner, first, last = trend_of_published(run_of([difference("public", "de", layer, *both) for layer, both in values.items()]))
    assert inner.value == pytest.approx(1.0)
    assert (first.value, last.value) == (pytest.approx(100 / 3 - 200), pytest.approx(10 - 100))
    with pytest.raises(NotMeasured, match="between the first and the last"):
        trend_of_published(run_of([difference("public", "de", layer, *both) for layer, both in [*values.items()][:3]]))
    with pytest.raises(NotMeasured, match="pretrained elsewhere"):
        trend_of_published(run_of([], elsewhere=[]))


def test_correlations_with_a_published_model_are_held_against_those_with_e():
    rows = [
        {"variant": variant, "layer": None, "factor": "data_size", "sizes": "all", "n": 9, "r": r, "p": 0.5}
        for variant, r in (("main", -0.6), ("public", -0.65))
    ]
    compared = [{"variant": variant, "layer": layer, "language": "de"} for variant in ("main", "public") for layer in range(2)]
    run = comparison_of({"signature_correlations": rows, "signatures": compared}, **FACTS)
    assert correlation_of_published(run, factors=["data_size"])[0].value == -0.65
    assert alike_in_published(run, factors=["data_size"])[0].value == pytest.approx(-0.05)


def test_where_nothing_differs_the_tables_reason_is_told():
    why = "main has no training of this seed, and several others"
    rows = [difference("public", "de", 1, 1.0, of_main=None, reason=why), difference("low_fr", "fr", 1, 0.9, of_main=None, reason=why)]
    with pytest.raises(NotMeasured, match="no training of this seed"):
        trend_of_published(run_of(rows))
    assert low_resource_change(run_of(rows), languages=["fr"], share=0.1)[0].why == why


def test_a_published_model_with_other_layers_is_not_held_against_e():
    """Its mean over two layers and E's over three are of other layers."""
    compared = [
        {"variant": name, "layer": layer, "language": "de"} for name, layers in (("main", 3), ("public", 2)) for layer in range(layers)
    ]
    run = comparison_of({"signatures": compared, "variant_differences": [difference("public", "de", 1, 1.0)]}, **FACTS)
    for measure in (trend_of_published, partial(alike_in_published, factors=["data_size"])):
        with pytest.raises(NotMeasured, match="other layers"):
            measure(run)


def test_shares_are_those_of_each_language():
    """A comparison with two languages, of which one has another share; a sampled one with another share is not held against it."""
    rows = [difference("low_fr", code, 1, value) for code, value in (("fr", 0.9), ("ko", 0.1))] + [difference("often_fr", "fr", 1, 1.0)]
    cut = {"low_fr": {"fr": 0.5, "ko": 0.1}, "often_fr": {"fr": 0.1}}
    french, korean = low_resource_change(run_of(rows, cut=cut), languages=["fr", "ko"], share=0.1)
    assert french.why == "no comparison has the language fr with 10 % of its text" and korean.value == pytest.approx(-90)
    with pytest.raises(NotMeasured, match="the same share"):
        gain_of_sampling(run_of(rows, cut=cut))
    # One that lacks a value says so, and does not stop the other.
    gone = run_of(rows, cut={"low_fr": {"de": 0.1, "ko": 0.1}})
    german, again = low_resource_change(gone, languages=["de", "ko"], share=0.1)
    assert "no such language" in german.why and again.value == pytest.approx(-90)


def test_romanised_is_what_the_main_comparison_has_not():
    rows = [difference("latin", "ja", 1, 1.0, z=1.0, main_z=-3.0)]
    for facts in ({"romanised": {"main": ["ja"], "latin": ["ja"]}}, {"cut": {"latin": {"ja": 0.1}}}):
        with pytest.raises(NotMeasured, match="no comparison has romanised"):
            closer_if_romanised(run_of(rows, **facts))


def test_flat_inner_layers_rank_nothing():
    rows = [difference("public", "de", layer, 1.0, float(layer + 1)) for layer in range(5)]
    with pytest.raises(NotMeasured, match="do not vary"):
        trend_of_published(run_of(rows))


def test_too_few_languages_decide_nothing_on_a_published_model():
    rows = [
        {"variant": variant, "layer": None, "factor": "data_size", "sizes": "all", "n": 3, "r": -0.9, "p": 0.5, "n_too_small": True}
        for variant in ("main", "public")
    ]
    compared = [{"variant": variant, "layer": 0, "language": "de"} for variant in ("main", "public")]
    (found,) = alike_in_published(comparison_of({"signature_correlations": rows, "signatures": compared}, **FACTS), factors=["data_size"])
    assert (found.value, found.why) == (0, "n too small: 3 languages")
