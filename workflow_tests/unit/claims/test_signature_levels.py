"""Claims on mean signatures over layers and languages, each on a few rows whose answer is worked out by hand."""

import pytest
from claimed_comparisons import JOINT, comparison_of

from xlprobe.claims.finding import NotMeasured
from xlprobe.claims.signature_levels import (
    decreasing_languages,
    different_trends,
    languages_tested,
    languages_without_fall,
    rare_categories,
    standing,
    trend_of_mean,
    turn_of_spread,
)


def mean_trend(category="part_of_speech", slope=-0.1, low=-0.2, high=-0.05, relative=-0.05, **more):
    """Over a mean of 2: -0.1 a layer is 5 per cent."""
    more = {"languages": 9} | more
    return {
        "category": category,
        "language": None,
        "n": 7,
        "slope": slope,
        "low": low,
        "high": high,
        "relative_slope": relative,
        "p": 0.01,
    } | more


def trend(language, direction, **more):
    return {"language": language, "n": 7, "direction": direction, "tau": -1.0, "adjusted_prewhitened_p": 0.2} | more


def test_a_slope_is_said_in_per_cent_of_the_mean_with_its_interval():
    (found,) = trend_of_mean(comparison_of({"signature_trends": [mean_trend()]}), categories=["part_of_speech"])
    assert (found.value, found.low, found.high, found.n, found.p) == pytest.approx((-5, -10, -2.5, 7, 0.01))
    (up,) = trend_of_mean(
        comparison_of({"signature_trends": [mean_trend(slope=0.1, low=0.05, high=0.2, relative=0.05)]}), categories=["part_of_speech"]
    )
    assert (up.low, up.high) == pytest.approx((2.5, 10))


def test_too_few_layers_decide_nothing_but_are_shown():
    (found,) = trend_of_mean(comparison_of({"signature_trends": [mean_trend(n=4, n_too_small=True)]}), categories=["part_of_speech"])
    assert found.value == pytest.approx(-5) and found.why == "n too small: 4 layers"
    (found,) = trend_of_mean(comparison_of({"signature_trends": [mean_trend(languages=2)]}), categories=["part_of_speech"])
    assert found.why == "n too small: 2 languages"


def test_no_such_fit_and_no_such_category_are_told_apart():
    joint = comparison_of({"signature_trends": [mean_trend() | JOINT]})
    assert "no such fit" in trend_of_mean(joint, categories=["part_of_speech"])[0].why
    both = trend_of_mean(comparison_of({"signature_trends": [mean_trend("animacy")]}), categories=["animacy", "polarity"])
    assert [finding.part for finding in both] == ["Animacy", "Polarity"]
    assert both[0].value == pytest.approx(-5) and "signatures of Polarity are not taken" in both[1].why


def test_categories_go_apart_where_slopes_differ_over_languages():
    """Of six languages all fall faster by case than by animacy, and as fast by politeness as by animacy, but for rounding."""
    slopes = {"animacy": 0.0, "case": -0.1, "politeness": 1e-15}
    rows = [
        trend(code, "none", category=category, relative_slope=0.01 * place + beyond)
        for category, beyond in slopes.items()
        for place, code in enumerate(("de", "en", "es", "fi", "fr", "ja"))
    ]
    (found,) = different_trends(comparison_of({"signature_trends": [*rows, trend("de", "none", relative_slope=9.0)]}))
    # Case with each of the others; animacy with politeness differ in no language, which is no test.
    assert (found.value, found.n, found.why) == (100, 2, "")
    two = [row for row in rows if row["category"] != "politeness"]
    assert different_trends(comparison_of({"signature_trends": two}))[0].why == "n too small: 2 categories"
    with pytest.raises(NotMeasured, match="6 languages"):
        different_trends(comparison_of({"signature_trends": [row for row in rows if row["language"] != "ja"]}))


def test_a_flat_mean_keeps_its_interval():
    """A slope of 0 from -0.2 to 0.2, of a mean of 4 over layers: 5 per cent to both sides."""
    rows = {
        "signature_trends": [mean_trend(slope=0.0, low=-0.2, high=0.2, relative=0.0)],
        "signature_spreads": [{"layer": layer, "mean": mean} for layer, mean in enumerate((3.0, 5.0))],
    }
    (found,) = trend_of_mean(comparison_of(rows), categories=["part_of_speech"])
    assert (found.value, found.low, found.high) == (0, pytest.approx(-5), pytest.approx(5))


def test_falling_languages_are_counted_and_named():
    rows = [
        trend("de", "decreasing"),
        trend("fi", "none"),
        trend("ru", "increasing"),
        trend("en", "decreasing", adjusted_prewhitened_p=0.01),
    ]
    run = comparison_of({"signature_trends": [*rows, mean_trend()]}, compared=["de", "en", "fi", "ru"])
    assert decreasing_languages(comparison_of({"signature_trends": rows}))[0].why == "4 of 9 languages have a test"
    fall, of, prewhitened = decreasing_languages(run)
    assert (fall.value, of.value, prewhitened.value, prewhitened.beside) == (2, 4, 1, True)
    assert languages_tested(run)[0].value == 4
    # Of those printed, ar and id are not here; ru is here and not printed.
    differing, named = languages_without_fall(run, languages=["ar", "fi", "id"])
    assert (differing.value, named.text) == (3, "fi, ru")


def test_trends_over_few_layers_are_no_tests():
    with pytest.raises(NotMeasured, match="n too small: 4 layers"):
        decreasing_languages(comparison_of({"signature_trends": [trend("de", "none", n=4, n_too_small=True)]}))


def test_spread_falls_by_a_half_and_doubles_again():
    rows = [{"layer": layer, "variance": variance, "languages": 9} for layer, variance in enumerate((4.0, 1.0, 2.0, 3.0, 4.0))]
    down, up, least = turn_of_spread(comparison_of({"signature_spreads": rows, "signatures": rows}))
    assert (down.value, up.value, down.n) == (pytest.approx(-50), pytest.approx(100), 9)
    assert (least.value, least.beside) == (1, True)
    # Two layers have no middle.
    with pytest.raises(NotMeasured, match="n too small: 2 layers"):
        turn_of_spread(comparison_of({"signature_spreads": rows[:2], "signatures": rows[:2]}))


def test_a_language_stands_where_it_does_in_the_mean_over_layers():
    rows = [{"language": "ja", "layer": layer, "languages": 9, "z_of_others": z} for layer, z in enumerate((-1.0, -2.0, None))]
    rows += [{"language": "zh-Hant", "layer": 0, "languages": 9, "z_of_others": -3.0}]
    found = standing(comparison_of({"signature_standings": rows}), languages=["ja", "zh", "ko"])
    assert (found[0].value, found[0].n, found[1].value) == (-1.5, 9, -3) and found[2].why == "the language ko is not compared"


def test_a_category_is_as_rare_as_its_words():
    """12 of German's 1,000 words and 3 of Finnish's 500."""
    counts = {"de": {"part_of_speech": 1000, "animacy": 12}, "fi": {"part_of_speech": 500, "animacy": 3}}
    rows = [
        {"language": code, "category": category, "instances": count, "mean_published": 1.0}
        for code, of_code in counts.items()
        for category, count in of_code.items()
    ]
    animacy, mood = rare_categories(comparison_of({"signatures": rows}), categories=["animacy", "mood"])
    assert animacy.value == pytest.approx(1.0) and "Mood" in mood.why
    # A category that is taken, and that no word has.
    assert rare_categories(comparison_of({"signatures": rows}), categories=["politeness"])[0].value == 0
