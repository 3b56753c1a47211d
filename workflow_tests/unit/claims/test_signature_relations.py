"""Claims on what mean signatures go together with, on rows whose answer is worked out by hand."""

import pytest
from claimed_comparisons import comparison_of

from xlprobe.claims.signature_relations import (
    correlation_with,
    falling_correlations,
    negative_categories,
    rising_correlations,
    variance_tests,
)


def correlation(category, layer, r, factor="data_size", **more):
    found = {
        "category": category,
        "layer": layer,
        "factor": factor,
        "sizes": "all",
        "n": 9,
        "r": r,
        "p": 0.5,
        "low": r - 0.2,
        "high": r + 0.2,
    }
    return found | more


def test_a_correlation_has_the_permutation_p_where_there_is_one():
    rows = [correlation("part_of_speech", None, -0.6, permutation_p=0.04), correlation("part_of_speech", 0, -0.6, p=0.01)]
    (found,) = correlation_with(comparison_of({"signature_correlations": rows}), factors=["data_size"])
    assert (found.value, found.low, found.high, found.p, found.part) == (-0.6, pytest.approx(-0.8), pytest.approx(-0.4), 0.04, "")
    assert "1 of 1 layers have p below 0.05" in found.formula
    both = correlation_with(comparison_of({"signature_correlations": rows}), factors=["data_size", "unique_characters"])
    assert [one.part for one in both] == ["data size", "unique characters"] and both[1].why


def test_other_sizes_are_not_asked():
    rows = [correlation("part_of_speech", None, 0.9, sizes="equal_fixed")]
    (found,) = correlation_with(comparison_of({"signature_correlations": rows}), factors=["data_size"])
    assert (found.value, found.why) == (None, "the run has no row with the sizes all")


def test_categories_whose_correlation_rises_are_counted_and_named():
    """Animacy rises, case falls in the median of its pairs of layers, politeness has too few languages; all words do not count."""
    values = {"animacy": (0.1, 0.2, 0.3), "case": (0.5, 0.6, 0.1), "politeness": (0.1, 0.2, 0.3), "part_of_speech": (0.1, 0.2, 0.3)}
    rows = [
        correlation(category, layer, r, n_too_small=category == "politeness")
        for category, of_layers in values.items()
        for layer, r in enumerate(of_layers)
    ]
    run = comparison_of({"signature_correlations": rows})
    (falling,) = falling_correlations(run, factor="data_size")
    assert (falling.value, falling.n, falling.why) == (50, 2, "n too small: 2 categories")
    differing, named = rising_correlations(run, factor="data_size", categories=["animacy", "mood"])
    assert (differing.value, named.text) == (1, "Animacy")


def test_negative_categories_are_a_share_of_those_with_enough_languages():
    rows = [correlation(name, None, r, "type_token_ratio") for name, r in (("animacy", -0.1), ("case", 0.1), ("part_of_speech", -0.9))]
    found = negative_categories(comparison_of({"signature_correlations": rows}), factors=["type_token_ratio"])
    assert [(one.part, one.value, one.n) for one in found] == [("type-token ratio", 50, 2)]


def test_tests_of_variances_are_of_three_layers_and_two_kinds():
    rows = [
        {"related": genus, "layer": layer, "p": p, "brown_forsythe_p": 0.5, "diverse_n": 9}
        for genus, by_layer in {"Germanic": (0.01, 0.01, 0.2, 0.01, 0.2), "Romance": (0.01, 0.01, 0.01, 0.01, 0.2)}.items()
        for layer, p in enumerate(by_layer)
    ]
    run = comparison_of({"signature_variances": rows, "signatures": [{"layer": layer} for layer in range(5)]})
    printed, other = variance_tests(run, categories=["part_of_speech"], layers=["first", "middle", "last"])
    # Of layers 0, 2 and 4: three of six.
    assert (printed.value, printed.n) == (50, 6) and (other.value, other.part, other.beside) == (0, "Brown and Forsythe", True)
    missing = variance_tests(run, categories=["gender"], layers=["first"])
    assert len(missing) == 1 and "Gender" in missing[0].why
