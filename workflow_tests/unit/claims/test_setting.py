"""When a run is in the paper's own setting, so that the paper's numbers can be held against it."""

import csv

import pandas as pd
import pytest
from claimed_runs import rows, run_of

from xlprobe.claims.measures import arguments_of
from xlprobe.claims.published import read_claims
from xlprobe.claims.setting import other_setting
from xlprobe.paths import RESOURCES

CLAIMS = {claim.id: claim for claim in read_claims("paper1")}
PAPER_STEPS = [0, *range(5_000, 50_001, 5_000), *range(100_000, 1_500_001, 50_000)]
RANGE_OF_POS, FALL_OF_XNLI, BITS = CLAIMS["p1-022"], CLAIMS["p1-062"], CLAIMS["p1-079"]


def languages(column):
    with (RESOURCES / "published" / "paper1_table2.tsv").open(newline="") as stream:
        return [row["language"] for row in csv.DictReader(stream, delimiter="\t") if row[column] == "1"]


def best_of(codes, task="pos", table="best", **columns):
    return rows(table, task, {(f"{code}_a", f"{code}_a"): {"as printed": 0.9} for code in codes}, **columns)


def reason(claim, task="pos", codes=None, sizes=(12, 768), steps=PAPER_STEPS, table="best", **changed):
    tables = {table: best_of(languages("ud") if codes is None else codes, task, table)}
    tables["checkpoints"] = pd.DataFrame({"model": ["base"], "layers": [sizes[0]], "hidden_size": [sizes[1]]})
    arguments = {"task": task, "setting": "in language"}
    return other_setting(run_of(tables, steps=steps, **changed), claim, arguments)


def test_the_paper_itself_is_no_other_setting():
    assert len(PAPER_STEPS) == 40
    assert reason(RANGE_OF_POS) == ""
    # One Chinese, in either script.
    assert reason(RANGE_OF_POS, codes=["zh-Hant" if code == "zh" else code for code in languages("ud")]) == ""


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"world": True}, "the languages are invented"),
        ({"steps": [0, 5_000, 1_500_000]}, "2 checkpoints up to step 1,500k, not 39 up to step 1,500k"),
        ({"sizes": (6, 384)}, "a model of 6 layers of 384, not 12 of 768"),
        ({"codes": [code for code in languages("ud") if code != "af"]}, "POS in language lacks af of the paper's languages"),
        ({"codes": [*languages("ud"), "sw"]}, "POS in language has sw, which the paper has not"),
        ({"codes": ["en"]}, "POS in language lacks 43 of the paper's languages"),
    ],
)
def test_what_differs_is_said(changed, said):
    assert reason(RANGE_OF_POS, **changed) == said


def test_what_is_not_measured_is_no_reason():
    """That it is not measured says the claim's number."""
    assert reason(RANGE_OF_POS, codes=[]) == ""


def test_layers_are_asked_of_the_languages_that_are_swept():
    swept = ["bg", "en", "hi", "zh-Hans"]
    assert reason(FALL_OF_XNLI, "xnli", swept, table="layer_gains") == ""
    assert reason(FALL_OF_XNLI, "xnli", swept[:3], table="layer_gains") == "XNLI in language lacks zh of the paper's languages"


def test_bits_have_two_corpora_of_chinese():
    codes = [*dict.fromkeys(languages("bpc"))]
    both = [code for code in codes if code != "zh"] + ["zh-Hans", "zh-Hant"]
    assert reason(BITS, "bpc", both) == ""


def test_of_transfer_languages_count_that_are_source_and_target():
    pairs = [(f"{one}_a", f"{other}_b") for one in ["en", *languages("ud")] for other in languages("ud_transfer")]
    tables = {"best": rows("best", "pos", {pair: {"as printed": 0.5} for pair in pairs})}
    claim = CLAIMS["p1-042"]
    assert other_setting(run_of(tables, steps=PAPER_STEPS), claim, {"tasks": "pos"}) == ""
    few = {"best": tables["best"][tables["best"]["target_language"] != "ko"]}
    assert other_setting(run_of(few, steps=PAPER_STEPS), claim, {"tasks": "pos"}) == "POS in transfer lacks ko of the paper's languages"


@pytest.mark.parametrize(("claim", "transfer"), [("p1-028", False), ("p1-054", True)])
def test_the_order_of_tasks_is_asked_of_the_languages_of_all_its_tasks(claim, transfer):
    """It names no task, since it is of all of them."""

    def reason_with(treebanks, also=("xnli",)):
        codes = {task: languages(task) for task in also} | dict.fromkeys(("pos", "arc_prediction", "arc_classification"), treebanks)
        behind = "pud" if transfer else "a"
        best = []
        for task, own in codes.items():
            pairs = [(one, other) for one in own for other in own if transfer or one == other]
            best.append(rows("best", task, {(f"{one}_a", f"{other}_{behind}"): {"as printed": 0.5} for one, other in pairs}))
        return other_setting(run_of({"best": best}, steps=PAPER_STEPS), CLAIMS[claim], arguments_of(CLAIMS[claim].arguments))

    printed = languages("ud_transfer" if transfer else "ud")
    assert reason_with(printed) == ""
    assert reason_with(printed, also=()).startswith("XNLI ") and "is not measured, and the order" in reason_with(printed, also=())
    assert f"POS {'in transfer' if transfer else 'in language'} lacks {printed[-1]} of the paper's languages" in reason_with(printed[:-1])
