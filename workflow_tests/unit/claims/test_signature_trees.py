"""Claims on trees and distances of languages, on rows whose answer is worked out by hand."""

import pytest
from claimed_comparisons import comparison_of

from xlprobe.claims.signature_trees import (
    better_tree_of_categories,
    far_languages,
    groups_in_tree,
    tree_agreement,
    trees_over_layers,
)

# Three layers, of which 1 is the middle one.
SIGNATURES = [{"layer": layer} for layer in range(3)]


def tree(category, layer, share, **more):
    return {"category": category, "layer": layer, "share": share, "permutation_p": 0.01, "languages": 9} | more


def group(level, name, n, monophyletic, largest, category="part_of_speech"):
    found = {"level": level, "group": name, "n": n, "monophyletic": monophyletic, "largest_pure": largest, "layer": 1}
    return found | {"category": category}


TREES = [
    tree("part_of_speech", 0, 0.1, middle_share=0.5),
    tree("part_of_speech", 1, 0.6),
    tree("part_of_speech", 2, 0.2, middle_share=0.7),
    tree(None, 1, 0.8, permutation_p=0.2),
]


def run_of(groups=(), distances=()):
    tables = {"signatures": SIGNATURES, "language_trees": TREES, "language_groups": [*groups], "language_distances": [*distances]}
    return comparison_of({name: rows for name, rows in tables.items() if rows})


def test_agreement_is_of_the_two_trees_of_the_middle_layer():
    words, mean = tree_agreement(run_of(), trees=["all_words", "mean_of_categories"])
    assert (words.part, words.value, words.p, words.n) == ("all words", 60, 0.01, 9)
    assert (mean.part, mean.value, mean.p) == ("mean of categories", 80, 0.2)


def test_the_tree_of_categories_is_better_by_the_difference_and_pairs_are_sisters_or_not():
    groups = [
        group("pair", "ar and he", 2, True, 2, None),
        group("pair", "ja and zh", 2, False, 1, None),
        group("pair", "ar and he", 2, False, 1),
    ]
    agreement, semitic, han = better_tree_of_categories(run_of(groups))
    assert (agreement.value, semitic.value, han.value) == (pytest.approx(20), 100, 0)
    small = [dict(row, n_too_small=row["category"] is None) for row in TREES]
    unsure = better_tree_of_categories(comparison_of({"signatures": SIGNATURES, "language_trees": small}))[0]
    assert (unsure.value, unsure.why) == (pytest.approx(20), "n too small: 9 leaves")
    alone = better_tree_of_categories(run_of([group("genus", "Slavic", 2, True, 2, None)]))
    assert alone[1].why == "fewer than two languages of ar and he are compared"


def test_groups_are_in_one_clade_by_share_or_altogether():
    """Three of four Slavic languages in a clade of their own."""
    run = run_of([group("genus", "Slavic", 4, False, 3), group("branch", "West Slavic", 2, True, 2)])
    share, none = groups_in_tree(run, level="genus", groups=["Slavic", "Romance"], counted="share")
    assert (share.value, share.part) == (75, "Slavic") and none.why == "fewer than two languages of Romance are compared"
    assert groups_in_tree(run, level="genus", groups=["Slavic"], counted="all")[0].value == 0
    (west,) = groups_in_tree(run, level="branch", groups=["West_Slavic"], counted="all")
    assert (west.value, west.part) == (100, "West Slavic")


def test_trees_are_as_alike_as_in_the_mean_over_the_other_layers():
    (found,) = trees_over_layers(run_of())
    assert (found.value, found.n, found.why) == (pytest.approx(60), 2, "")
    one = [row | {"languages": 5} for row in TREES if row["layer"] > 0]
    assert trees_over_layers(comparison_of({"language_trees": one}))[0].why == "n too small: 1 other layer"
    five = [row | {"languages": 5} for row in TREES]
    assert trees_over_layers(comparison_of({"language_trees": five}))[0].why == "n too small: 5 leaves"


def test_a_far_language_is_the_farthest_at_each_layer():
    """Of four languages Korean is farther than all three others at layer 0, and than two of three at layer 2."""
    far = {0: {"de": 0.1, "en": 0.2, "fi": 0.3, "ko": 0.9}, 2: {"de": 0.1, "en": 0.2, "fi": 0.9, "ko": 0.3}}
    distances = [
        {"language": one, "other": other, "layer": layer, "published": places[one] + places[other]}
        for layer, places in far.items()
        for one in places
        for other in places
        if one < other
    ]
    korean, german = far_languages(run_of(distances=distances), languages=["ko", "de"], layers=["first", "last"])
    assert (korean.value, german.value, korean.n) == (pytest.approx(200 / 3), 0, 4)
    assert far_languages(run_of(distances=distances), languages=["hi"], layers=["first"])[0].why == "the language hi has no distances"
