"""Trees of languages whose families are known by their signatures' angles, their scores, and where groups lie in them."""

import numpy as np
import pandas as pd
import pytest
from compared_languages import at, last_rows_of, write_comparison

from xlprobe.artifacts.tables import conform, read_schema
from xlprobe.metrics.language_distances import distances_of
from xlprobe.metrics.language_trees import GROUPS, TREES, LanguageGroup, groups_of, tree_rows
from xlprobe.metrics.last_signatures import trainings

WORDS = "part_of_speech"
FACTS = {
    "ar": {"family": "Afro-Asiatic", "genus": "Semitic", "branch": ""},
    "he": {"family": "Afro-Asiatic", "genus": "Semitic", "branch": ""},
    "cs": {"family": "Indo-European", "genus": "Slavic", "branch": "West Slavic"},
    "pl": {"family": "Indo-European", "genus": "Slavic", "branch": "West Slavic"},
    "ru": {"family": "Indo-European", "genus": "Slavic", "branch": "East Slavic"},
    "de": {"family": "Indo-European", "genus": "Germanic", "branch": ""},
    "ja": {"family": "Japanese", "genus": "Japanese", "branch": ""},
    "zh-Hant": {"family": "Sino-Tibetan", "genus": "Chinese", "branch": ""},
}
# As linguists would have it, but for Russian.
ANGLES = {"ar": 0, "he": 1, "cs": 40, "pl": 42, "de": 45, "ru": 80}


def rows_of(folder, vectors, facts=FACTS, sampled=999):
    table = last_rows_of(write_comparison(folder, vectors), folder)
    ((names, part),) = trainings(table)
    trees, groups = tree_rows(distances_of(names, part, folder), facts, sampled)
    return [
        conform(pd.DataFrame(rows).reindex(columns=[*read_schema(schema)["properties"]]), schema)
        for rows, schema in ((trees, TREES), (groups, GROUPS))
    ]


def distance(degrees):
    return 1 - np.cos(np.radians(degrees))


def vectors_at(angles):
    return {code: at(degrees) for code, degrees in angles.items()}


def test_the_tree_of_known_angles_its_newick_and_its_score(tmp_path):
    trees, _ = rows_of(tmp_path, {WORDS: {6: vectors_at(ANGLES)}})
    assert trees["signature"].to_list() == ["published", "gauged"]
    tree = trees.iloc[0]
    assert tree["languages"] == 6 and tree["left_out"] == "" and tree["ties"] == 0
    # (ar, he), (((cs, pl), de), ru).
    bare = pd.Series([tree["newick"]]).str.replace(r":[0-9.e-]+", "", regex=True)[0]
    assert bare == "((ar,he),(((cs,pl),de),ru));"
    # Semitic against the others: {ar, he} and two of four others, 6. Slavic, {cs, pl, ru}: two of these and two of ar, he, de, which are
    # 3 x 3, of which 3 are in the 6 already; {cs, pl}: and two of the other four, 6, of which {ar, he}, {ar, de} and {he, de} stand there.
    # Indo-European divides as Semitic does.
    assert tree["resolved"] == 6 + 6 + 3
    # Lost are {cs, ru} and {pl, ru} against de and one of ar and he: 4.
    assert tree["agreed"] == 11 and tree["share"] == pytest.approx(11 / 15)
    assert tree["enumerated"] and not tree["n_too_small"] and tree["permutation_p"] >= tree["smallest_p"] > 0
    assert pd.isna(tree["reason"])


def test_groups_are_placed_with_the_lowest_p_that_is_possible(tmp_path):
    _, groups = rows_of(tmp_path, {WORDS: {6: vectors_at(ANGLES)}})
    found = groups[groups["signature"] == "published"].set_index(["level", "group"])
    assert found.index.to_list() == [
        ("family", "Afro-Asiatic"),
        ("family", "Indo-European"),
        ("genus", "Semitic"),
        ("genus", "Slavic"),
        ("branch", "West Slavic"),
        ("pair", "ar and he"),
    ]
    assert found["monophyletic"].to_list() == [True, True, True, False, True, True]
    slavic = found.loc[("genus", "Slavic")]
    assert slavic["members"] == "cs pl ru" and slavic["spanned"] == 4 and slavic["purity"] == 0.75 and slavic["largest_pure"] == 2
    # Groups of three within a clade of four leaves: 4 of 20; the lowest is that of the one clade of three.
    assert slavic["p"] == pytest.approx(4 / 20) and slavic["smallest_p"] == pytest.approx(1 / 20) and not slavic["n_too_small"]
    # Pairs in clades of two: 2 of 15.
    assert found.loc[("pair", "ar and he"), "p"] == pytest.approx(2 / 15) and found.loc[("pair", "ar and he"), "n_too_small"]


def test_what_has_no_signature_is_left_out_of_tree_and_groups(tmp_path):
    vectors = vectors_at(ANGLES) | {"ru": "few", "he": "few"}
    trees, groups = rows_of(tmp_path, {"case": {6: vectors}})
    tree = trees[(trees["category"] == "case") & (trees["signature"] == "published")].iloc[0]
    assert tree["languages"] == 4 and tree["left_out"] == "he ru"
    found = groups[(groups["category"] == "case") & (groups["signature"] == "published")].set_index(["level", "group"])
    assert found.loc[("genus", "Slavic"), ["members", "left_out"]].to_list() == ["cs pl", "ru"]
    assert found.loc[("genus", "Semitic"), "reason"] == "the tree has 1 of the group's languages, which makes no clade"
    assert found.loc[("genus", "Semitic"), "n_too_small"] and pd.isna(found.loc[("genus", "Semitic"), "p"])
    # In the mean over categories it is 1 from all others.
    mean = trees[trees["category"].isna() & (trees["signature"] == "published")].iloc[0]
    assert mean["languages"] == 6 and mean["ties"] > 0


def test_too_few_languages_have_a_reason_for_a_tree_or_a_share(tmp_path):
    one, three = {"ar": at(0), "he": "few", "de": "few"}, {"ar": at(0), "he": at(10), "de": at(50)}
    trees, groups = rows_of(tmp_path, {WORDS: {0: one}, "case": {0: three}})
    of_one, of_three = (trees[(trees["category"] == name) & (trees["signature"] == "published")].iloc[0] for name in (WORDS, "case"))
    assert pd.isna(of_one["newick"]) and "fewer than two have a signature" in of_one["reason"] and of_one["n_too_small"]
    assert of_three["newick"].startswith("((ar:") and "of which no four can be compared" in of_three["reason"]
    # he and de, and ar and de, are merged at their mean distance.
    near, mean = distance(10), (distance(50) + distance(40)) / 2
    r = np.corrcoef([near, distance(50), distance(40)], [near, mean, mean])[0, 1]
    assert of_three["cophenetic_r"] == pytest.approx(r)
    assert pd.isna(of_three["share"]) and pd.isna(of_three["agreed"]) and of_three["n_too_small"]
    assert groups[groups["category"] == WORDS]["reason"].str.contains("fewer than two").all()


def test_trees_are_held_against_that_of_the_layer_in_the_middle(tmp_path):
    swapped = ANGLES | {"he": 80, "ru": 1}
    layers = {0: vectors_at(swapped), 6: vectors_at(ANGLES), 12: vectors_at({code: degrees / 2 for code, degrees in ANGLES.items()})}
    trees, _ = rows_of(tmp_path, {WORDS: layers})
    found = trees[trees["signature"] == "published"].set_index("layer")
    assert found["middle_layer"].to_list() == [6, 6, 6]
    assert found.loc[12, ["middle_resolved", "middle_share"]].to_list() == [15, 1] and pd.isna(found.loc[6, "middle_share"])
    # With he and ru in each other's place, the three quartets of ar, he, ru and one other are divided otherwise.
    assert found.loc[0, ["middle_resolved", "middle_share"]].to_list() == [15, 12 / 15]


def test_groups_of_two_or_more_and_pairs_of_the_paper():
    assert groups_of(["de", "ja", "zh-Hant", "ru"], FACTS) == [
        LanguageGroup("family", "Indo-European", ("de", "ru")),
        LanguageGroup("pair", "ja and zh", ("ja", "zh-Hant")),
    ]
    # Of a world, whose genera are its families.
    world = {code: {"family": code[:2], "genus": code[:2], "branch": ""} for code in ("qaa", "qab", "qba")}
    assert groups_of([*world], world) == [LanguageGroup("family", "qa", ("qaa", "qab"))]
