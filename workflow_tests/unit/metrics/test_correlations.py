import numpy as np
import pandas as pd
import pytest
from scipy import stats

from xlprobe.metrics import order
from xlprobe.metrics.correlations import (
    FORGETTING,
    PERFORMANCE,
    SHARE,
    STEPS,
    WITHOUT_DEGENERATE,
    WITHOUT_PIVOT,
    _between_tasks,
    adjusted,
    alternatives_of,
    correlate,
    join_measures,
)
from xlprobe.metrics.factors import Factors
from xlprobe.study.settings import MeasuresSection

LANGUAGES = ["aa", "bb", "cc", "dd"]
TEXT = {"aa": 40.0, "bb": 30.0, "cc": 20.0, "dd": 10.0}
EXAMPLES = {"aa": 5, "bb": 50, "cc": 500, "dd": 5000}
DISTANCES = {"bb": 0.1, "cc": 0.5, "dd": 0.6}
MODEL = {"model": "m", "training_seed": None, "text_form": None, "layer": 2}


def test_shares_that_tables_need_are_looked_for_whatever_the_configuration_names():
    assert MeasuresSection.NEEDED == (SHARE, order.SHARE)


def factors(**other_readings):
    rows = []
    for code, size in TEXT.items():
        own = {"factor": "pretraining_data", "reading": "as printed", "default": True, "model": "m", "language": code, "value": size}
        rows.append(own | {"pivot": code == "aa"})
        if code in other_readings:
            rows.append(own | {"reading": "corrected", "default": False, "value": other_readings[code], "pivot": False})
        rows += [{"factor": "task_data", "task": "pos", "dataset": f"{code}_own", "value": EXAMPLES[code]}]
        for other in LANGUAGES:
            if code < other:
                value = DISTANCES[other] if code == "aa" else 0.5
                flag = "degenerate" if "dd" in (code, other) else None
                rows.append({"factor": "syntactic_distance", "language": code, "other": other, "value": value, "flag": flag})
    return Factors(pd.DataFrame(rows))


def measures(task="pos", transfer=False):
    """Performance falls from aa to dd, of bits too; steps rise; forgetting goes up and down."""
    rows = []
    for source, one in enumerate(LANGUAGES):
        for target, other in enumerate(LANGUAGES):
            if (one == other) is not transfer:
                names = {"source": f"{one}_own", "target": f"{other}_pud" if transfer else f"{one}_own"}
                codes = {"source_language": one, "target_language": other, "task": task, "protocol": "paper"}
                split = {"split": "valid" if task == "bpc" else "test"}
                numbers = {PERFORMANCE: 0.9 - source / 10 - target / 100, STEPS: 10 + source, FORGETTING: [0.2, 0.1, 0.4, 0.3][source]}
                rows += [MODEL | names | codes | split | {"rule": rule} | numbers for rule in ("as printed", "cross-fitted")]
    return pd.DataFrame(rows)


def found(curves, known, alternative=None, asymmetries=None, rule="as printed"):
    rows = [row for row in correlate(curves, asymmetries, known, alternative) if row["rule"] == rule]
    return {(row["setting"], row["outcome"], row["factor"]): row for row in rows}


def test_in_language_signs_are_as_printed():
    rows = found(measures(), factors())
    values = {name[1:]: round(row["value"], 6) for name, row in rows.items()}
    assert values == {
        (PERFORMANCE, "pretraining data"): 1,
        (PERFORMANCE, "task data"): -1,
        (PERFORMANCE, "syntactic distance"): -1,
        (STEPS, "pretraining data"): -1,
        (STEPS, "task data"): 1,
        (STEPS, "syntactic distance"): 1,
        (FORGETTING, "pretraining data"): -0.6,
        (FORGETTING, "task data"): 0.6,
        (FORGETTING, "syntactic distance"): 0.6,
        (PERFORMANCE, STEPS): -1,
        (PERFORMANCE, FORGETTING): -0.6,
        (STEPS, FORGETTING): 0.6,
    }
    best = rows["in language", PERFORMANCE, "pretraining data"]
    # Two of 24 orders are as extreme: no p-value of four languages can be below 0.05, whatever scipy says.
    assert (
        best["p"] == 0
        and best["permutation_p"] == pytest.approx(2 / 24)
        and best["n_too_small"]
        and (best["n"], best["languages"]) == (4, 4)
    )


def test_bits_are_raw_have_no_forgetting_and_their_text_is_their_task_data():
    rows = found(measures("bpc").assign(protocol="lines"), factors())
    assert {name[1:] for name in rows} == {
        *((outcome, factor) for outcome in (PERFORMANCE, STEPS) for factor in ("pretraining data", "task data", "syntactic distance")),
        (PERFORMANCE, STEPS),
    }
    table = adjusted(rows.values())
    assert table["q"].to_numpy() == pytest.approx(table["permutation_p"] * 1.0)
    twice = table[table["factor"].isin(["pretraining data", "task data"])].groupby("outcome")["q"].nunique()
    assert (twice == 1).all()


def test_inference_has_no_task_data():
    assert not any("task data" in name for name in found(measures("xnli"), factors()))


def test_transfer_takes_pairs_of_languages_that_are_both():
    further = measures(transfer=True).query("source_language == 'aa'").assign(source="ee_own", source_language="ee", performance=0.0)
    rows = found(pd.concat([measures(transfer=True), further]), factors())
    row = rows["transfer", PERFORMANCE, "source pretraining data"]
    curves = measures(transfer=True).query("rule == 'as printed'")
    printed = stats.spearmanr(curves[PERFORMANCE], curves["source_language"].map(TEXT))
    assert row["n"] == 12 and row["languages"] == 4 and row["value"] == pytest.approx(printed.statistic)
    assert row["p"] == pytest.approx(printed.pvalue) and row["permutation_p"] == pytest.approx(2 / 24)
    assert rows["transfer", PERFORMANCE, "task data"]["value"] == pytest.approx(-printed.statistic)
    assert {name[2] for name in rows} >= {"target pretraining data", "syntactic distance", STEPS}


def test_asymmetry_as_printed_and_over_unordered_pairs():
    curves = measures(transfer=True)
    turned = curves.rename(columns={"source_language": "target_language", "target_language": "source_language"})
    pairs = curves.merge(
        turned[["rule", "source_language", "target_language", PERFORMANCE]], on=["rule", "source_language", "target_language"]
    )
    asymmetries = pairs.assign(value=(pairs[f"{PERFORMANCE}_x"] - pairs[f"{PERFORMANCE}_y"]).round(6)).replace(
        {"rule": {"cross-fitted": "final checkpoint"}}
    )
    printed = found(curves, factors(), asymmetries=asymmetries)
    source, target = (printed["transfer", "asymmetry", f"{side} pretraining data"] for side in ("source", "target"))
    assert source["value"] == pytest.approx(-target["value"]) and source["value"] > 0 and source["n"] == 12
    assert source["p"] == target["p"] < 0.05
    honest = found(curves, factors(), asymmetries=asymmetries, rule="cross-fitted")
    source, target = (honest["transfer", "asymmetry", f"{side} pretraining data"] for side in ("source", "target"))
    # What differs by language alone goes with the difference of factors.
    assert (source["value"], target["value"]) == pytest.approx((1, -1)) and source["n"] == 6
    # No p-value is printed of pairs either way round.
    assert np.isnan(source["p"]) and source["permutation_p"] == pytest.approx(2 / 24)
    table = adjusted(honest.values()).query("outcome == 'asymmetry'")
    assert table.set_index("factor")["q"]["source pretraining data"] == table.set_index("factor")["q"]["target pretraining data"]


def test_an_alternative_shows_what_it_changes_alone():
    curves, known = measures(), factors(bb=5.0)
    assert alternatives_of(known, curves) == ["as printed", "corrected", WITHOUT_PIVOT, WITHOUT_DEGENERATE, "without both"]
    assert not found(curves, known, "as printed")
    corrected = found(curves, known, "corrected")
    assert {name[2] for name in corrected} == {"pretraining data"}
    assert corrected["in language", PERFORMANCE, "pretraining data"]["value"] == pytest.approx(0.4)
    without = {
        name: found(curves, known, name)["in language", PERFORMANCE, "syntactic distance"]["n"]
        for name in (WITHOUT_PIVOT, WITHOUT_DEGENERATE)
    }
    assert (
        without == {WITHOUT_PIVOT: 3, WITHOUT_DEGENERATE: 3}
        and found(curves, known, "without both")["in language", STEPS, "syntactic distance"]["n"] == 2
    )


def test_between_pairs_of_languages_no_pivot_can_be_left_out():
    curves, known = measures(transfer=True), factors()
    assert not found(curves, known, WITHOUT_PIVOT) and not found(curves, known, "without both")
    assert found(curves, known, WITHOUT_DEGENERATE)["transfer", PERFORMANCE, "syntactic distance"]["n"] == 6


def test_without_two_languages_that_are_source_and_target_there_is_no_grid():
    curves = measures(transfer=True)
    assert not found(curves[(curves["source_language"] == "aa") & (curves["target_language"] == "bb")], factors())


def test_chinese_is_one_language_in_both_tasks():
    nli = measures("xnli").replace({"source_language": {"aa": "zh-Hans"}, "target_language": {"aa": "zh-Hans"}})
    words = measures().replace({"source_language": {"aa": "zh-Hant"}, "target_language": {"aa": "zh-Hant"}})
    rows = [*_between_tasks(pd.concat([nli, words]))]
    assert {row["n"] for row in rows} == {4}


def test_forgetting_is_compared_between_tasks_by_language():
    rows = found(pd.concat([measures(), measures("xnli")]), factors())
    row = rows["in language", FORGETTING, "forgetting in xnli"]
    assert row["value"] == 1 and row["n"] == 4 and row["task"] == "pos"


def test_measures_are_joined_without_alignments_parallel_text_and_second_forms():
    def table(**columns):
        rows = [
            {"task": "pos", "source": "a", "target": "a", "split": "test", "protocol": "paper", "text_form": None},
            {"task": "alignment", "source": "a", "target": "a", "split": "test", "protocol": None, "text_form": None},
            {"task": "bpc", "source": "a", "target": "a", "split": "valid", "protocol": "lines", "text_form": None},
            {"task": "bpc", "source": "a_pud", "target": "a_pud", "split": "test", "protocol": "lines", "text_form": None},
            *(
                {"task": "xnli", "source": name, "target": name, "split": "test", "protocol": "paper", "text_form": form}
                for name, form in FORMS
            ),
        ]
        same = MODEL | {"source_language": "aa", "target_language": "aa", "rule": "as printed", "value": 1.0} | columns
        return pd.DataFrame([same | row for row in rows])

    FORMS = [("xnli_a", "tokenized"), ("xnli_a_published", "published")]
    steps = pd.concat([table(share=0.95), table(share=0.98, value=9.0)])
    joined = join_measures(table(), steps, pd.concat([table(measure="relative"), table(measure="absolute", value=9.0)]))
    assert joined[["task", "source"]].to_numpy().tolist() == [["pos", "a"], ["bpc", "a"], ["xnli", "xnli_a"]]
    assert (joined[[PERFORMANCE, STEPS, FORGETTING]] == 1).all(axis=None)


def test_a_constant_measure_correlates_with_nothing():
    row = found(measures().assign(**{STEPS: 10}), factors())["in language", STEPS, "pretraining data"]
    assert np.isnan(row["value"]) and np.isnan(row["permutation_p"]) and row["n_too_small"]
