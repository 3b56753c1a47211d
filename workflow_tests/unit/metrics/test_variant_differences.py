"""What a variant changes of mean signatures, worked out by hand; where a language lies among the others; named reasons."""

import numpy as np
import pandas as pd
import pytest
from compared_languages import last_rows_of, row

from xlprobe.artifacts.tables import conform
from xlprobe.metrics.variant_differences import SCHEMA, difference_rows, with_places_among_others

MAIN = {"aa": 1.0, "bb": 2.0, "cc": 3.0, "dd": 6.0}
TENTH = {"aa": 2.0, "bb": 4.0, "cc": 6.0, "dd": 0.5}
TEXTS = {
    "main": {code: f"equal/{code}" for code in MAIN},
    "tenth_dd": {code: f"tenth_dd/{code}" if code == "dd" else f"equal/{code}" for code in MAIN},
    "published": dict.fromkeys(MAIN),
}


def rows_of(variant, values, seed=None, step=20, **changed):
    return [
        row(variant, seed, step, code, **changed) | ({"reason": value} if isinstance(value, str) else {"mean_published": value})
        for code, value in values.items()
    ]


def differences(folder, rows, main="main", texts=TEXTS):
    table = pd.DataFrame(difference_rows(last_rows_of(rows, folder), main, texts))
    return conform(table, SCHEMA)


def test_differences_and_where_a_language_lies_among_the_others(tmp_path):
    found = differences(tmp_path, [*rows_of("main", MAIN), *rows_of("tenth_dd", TENTH, step=40)]).set_index("language")
    assert found["variant"].unique().tolist() == ["tenth_dd"] and found["main_step"].unique().tolist() == [20]
    assert found["difference"].to_list() == [1, 2, 3, -5.5]
    # 2, 4, 6: mean 4, sd 2; 1, 2, 3: mean 2, sd 1.
    assert found.loc["dd", ["z", "main_z", "others", "main_others"]].to_list() == pytest.approx([-1.75, 4, 3, 3])
    # 1, 2, 6: mean 3, sd 7 ** .5.
    assert found.loc["cc", "main_z"] == pytest.approx(0, abs=1e-12) and found.loc["aa", "z"] == pytest.approx(
        (2 - np.mean([4, 6, 0.5])) / np.std([4, 6, 0.5], ddof=1)
    )
    assert found["own_text_differs"].to_list() == [False, False, False, True] and found["reason"].isna().all()
    assert found.loc["dd", ["text", "main_text"]].to_list() == ["tenth_dd/dd", "equal/dd"]


def test_of_a_model_that_is_trained_elsewhere_no_text_is_known(tmp_path):
    found = differences(tmp_path, [*rows_of("main", MAIN), *rows_of("published", TENTH)])
    assert found["own_text_differs"].isna().all() and found["text"].isna().all() and found["difference"].notna().all()


def test_what_is_missing_or_too_small_has_a_reason(tmp_path):
    rows = [
        *rows_of("main", {"aa": 1.0, "bb": "23 instances", "cc": 3.0}),
        *rows_of("tenth_dd", {"aa": "no instances", "bb": 1.0, "cc": 2.0, "dd": 5.0, "ee": 3.5}),
        *rows_of("tenth_dd", {"aa": 1.0}, layer=1),
    ]
    texts = {name: {**of, "ee": "equal/ee"} for name, of in TEXTS.items()}
    found = differences(tmp_path, rows, texts=texts)
    reasons = found[found["layer"] == 0].set_index("language")["reason"]
    assert reasons["aa"] == "no instances" and reasons["bb"] == "in main: 23 instances"
    assert reasons["cc"] == "in main: n too small: 1 other languages, of which a z needs 3"
    assert reasons["dd"] == "main has no such language, category, layer, fit or scale"
    of_cc = found[found["language"] == "cc"].iloc[0]
    assert of_cc["difference"] == -1 and pd.notna(of_cc["z"]) and pd.isna(of_cc["main_z"])
    assert found[found["layer"] == 1]["reason"].to_list() == ["main has no such language, category, layer, fit or scale"]


def test_others_that_are_alike_give_no_z():
    values = dict.fromkeys(("aa", "bb", "cc"), 0.3) | {"dd": 1.0}
    found = with_places_among_others(pd.DataFrame(rows_of("main", values)))
    assert found["others"].to_list() == [3, 3, 3, 3] and found["z"].isna().to_list() == [False, False, False, True]


@pytest.mark.parametrize(("main_seeds", "seed", "held"), [((None,), 3, 1.0), ((1, 2), 2, 2.0), ((1, 2), 3, None)])
def test_a_training_is_held_against_that_of_its_seed_or_the_only_one(tmp_path, main_seeds, seed, held):
    mains = [found for number, one in enumerate(main_seeds, start=1) for found in rows_of("main", {"aa": float(number)}, one)]
    (found,) = differences(tmp_path, [*mains, *rows_of("tenth_dd", {"aa": 5.0}, seed)]).to_dict("records")
    if held is None:
        assert found["reason"] == "main has no training of this seed, and several others" and pd.isna(found["difference"])
    else:
        assert found["main_value"] == held and found["difference"] == 5 - held
