"""Cosine distances of signatures at known angles; the mean over categories; named reasons."""

import numpy as np
import pytest
from compared_languages import at, last_rows_of, row, write_comparison

from xlprobe.artifacts.signature_file import SignaturePlace, Signatures, write_signatures
from xlprobe.artifacts.tables import conform
from xlprobe.errors import XlprobeError
from xlprobe.metrics.language_distances import SCHEMA, distance_table, distances_of
from xlprobe.metrics.last_signatures import trainings

WORDS = "part_of_speech"
COS_30 = 3**0.5 / 2


def distances(folder, vectors, **options):
    table = last_rows_of(write_comparison(folder, vectors, **options), folder)
    ((names, part),) = trainings(table)
    return distances_of(names, part, folder)


def by_pair(found, category, layer=0):
    table = conform(distance_table(found), SCHEMA)
    chosen = table["category"].isna() if category is None else table["category"] == category
    return table[chosen & (table["layer"] == layer)].set_index(["language", "other"])


def test_two_languages_are_1_less_the_cosine_of_their_angle_apart(tmp_path):
    found = by_pair(distances(tmp_path, {WORDS: {0: {"cc": at(90), "aa": at(0), "bb": 5 * at(60)}}}), WORDS)
    # Each pair once, the first by its code before the other; the lengths of signatures play no part.
    assert found.index.to_list() == [("aa", "bb"), ("aa", "cc"), ("bb", "cc")]
    assert found["published"].to_list() == pytest.approx([0.5, 1, 1 - COS_30])
    # (2, 0), (1, 3 ** .5 / 2) and (0, 1).
    length = (1 + 3 / 4) ** 0.5
    assert found["gauged"].to_list() == pytest.approx([1 - 1 / length, 1, 1 - COS_30 / length])
    assert found["reason"].isna().all() and found["categories"].isna().all()
    assert found["variant"].unique().tolist() == ["main"] and found["step"].unique().tolist() == [20]


def test_a_language_without_a_signature_has_its_reason_in_each_of_its_pairs(tmp_path):
    found = by_pair(distances(tmp_path, {"case": {0: {"aa": at(0), "bb": "23 instances", "cc": at(60), "dd": 0 * at(0)}}}), "case")
    assert found["published"].notna().to_list() == [False, True, False, False, False, False]
    assert found.loc[("aa", "bb"), "reason"] == "bb: 23 instances"
    assert found.loc[("bb", "dd"), "reason"] == "bb: 23 instances; dd: its signature is 0 throughout, which has no direction"
    assert found["reason"].isna().to_list() == found["published"].notna().to_list()


def test_the_mean_over_categories_leaves_all_words_out_and_takes_1_for_what_is_missing(tmp_path):
    few = "few instances"
    vectors = {
        WORDS: {0: {"aa": at(0), "bb": at(0), "cc": at(0)}},
        "case": {0: {"aa": at(0), "bb": at(60), "cc": at(90)}},
        "mood": {0: {"aa": at(0), "bb": at(90), "cc": few}},
        # Of one language there is no fit; of none, no file has it.
        "voice": {0: {"aa": few, "bb": few, "cc": few}},
    }
    found = by_pair(distances(tmp_path, vectors), None)
    assert found["published"].to_list() == pytest.approx([(0.5 + 1) / 2, (1 + 1) / 2, (1 - COS_30 + 1) / 2])
    assert found["categories"].to_list() == [2, 1, 1] and found["reason"].isna().all()
    nothing = by_pair(distances(tmp_path, {WORDS: vectors[WORDS], "voice": vectors["voice"]}), None)
    assert nothing["published"].isna().all() and nothing["categories"].to_list() == [0, 0, 0]
    assert nothing.loc[("aa", "bb"), "reason"].startswith("aa: no category that another language has")
    assert by_pair(distances(tmp_path, {WORDS: vectors[WORDS]}), None).empty


def test_each_comparison_is_read_at_its_last_step_of_fits_by_layer(tmp_path):
    vectors = {WORDS: {0: {"aa": at(0), "bb": at(60)}}}
    rows = [
        *write_comparison(tmp_path, vectors, step=20),
        *write_comparison(tmp_path, vectors, step=10),
        *write_comparison(tmp_path, vectors, variant="other", step=10),
        *write_comparison(tmp_path, vectors, step=40, fit="over_steps"),
        row("main", 3, 30, "aa"),
    ]
    found = [(names["variant"], names["training_seed"], names["step"]) for names, _ in trainings(last_rows_of(rows, tmp_path))]
    assert found == [("main", None, 20), ("other", None, 10), ("main", 3, 30)]


def test_a_file_that_holds_other_languages_than_the_table_says_is_named(tmp_path):
    vectors = {WORDS: {0: {"aa": at(0), "bb": at(60)}}}
    rows = write_comparison(tmp_path, vectors)
    place = SignaturePlace("per_layer", "raw", 0, 20)
    other = Signatures(["aa", "cc"], np.eye(2), np.eye(2), {})
    write_signatures(tmp_path / rows[0]["vectors"], "main", WORDS, {place: other})
    ((names, part),) = trainings(last_rows_of(rows, tmp_path))
    with pytest.raises(XlprobeError, match=r"part_of_speech_per_layer\.h5: holds signatures of other languages than"):
        distances_of(names, part, tmp_path)
