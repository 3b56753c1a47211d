import numpy as np
import pandas as pd
import pytest

from xlprobe.metrics.order import order_rows

TASKS = ("pos", "arc_prediction", "arc_classification", "xnli")


def steps(values, rule="as printed", source="en_ewt", nli="xnli_en", languages=("en", "en"), targets=(None, None), **ends):
    """The rows of a language; each task's step, and of sets their ends."""
    rows = []
    for task, value in zip(TASKS, values, strict=True):
        own, target = (nli, targets[1]) if task == "xnli" else (source, targets[0])
        row = {"model": "m", "training_seed": None, "protocol": "paper", "rule": rule, "task": task, "share": 0.98, "value": value}
        row |= {"source": own, "target": target or own, "source_language": languages[0], "target_language": languages[1]}
        low, high, *censored = ends.get(task, (np.nan, np.nan))
        interval = "set of steps" if ends else "no interval"
        rows.append(row | {"low": low, "high": high, "interval": interval, "censored": (*censored, None)[0]})
    return rows


def holds(*rows):
    return [row["holds"] for row in order_rows(pd.DataFrame([row for part in rows for row in part]))]


def test_tasks_at_one_checkpoint_and_of_one_group_are_in_any_order():
    assert holds(steps([10, 5, 10, 100])) == ["yes"] and holds(steps([15, 5, 10, 100])) == ["no"]
    assert holds(steps([10, 5, 20, 15])) == ["no"] and holds(steps([10, 10, 10, 10])) == ["yes"]
    assert holds(steps([10, 5, np.nan, 100], "fitted curve")) == [None]


@pytest.mark.parametrize(
    "of_relations, expected", [((20, 40), "yes"), ((10, 40), "undecided"), ((2, 3), "no"), ((20, np.nan), "undecided")]
)
def test_sets_of_steps_may_leave_it_open(of_relations, expected):
    ends = {"pos": (5, 20), "arc_prediction": (5, 10), "arc_classification": of_relations, "xnli": (40, 80)}
    assert holds(steps([10, 5, 20, 40], "cross-fitted", **ends)) == [expected]


def test_what_comes_before_the_first_checkpoint_may_come_before_anything():
    """But it can be in order before what comes later."""
    first = (5, 5, "before")
    ends = {"pos": first, "arc_prediction": first, "arc_classification": (20, 20), "xnli": (40, 80)}
    assert holds(steps([5, 5, 20, 40], "cross-fitted", **ends)) == ["yes"]
    ends |= {"arc_classification": first}
    assert holds(steps([5, 5, 5, 40], "cross-fitted", **ends)) == ["undecided"]
    fitted = steps([5, 5, 5, 40], "fitted curve")
    fitted[2]["censored"] = "before"
    assert holds(fitted) == ["undecided"]


def test_chinese_is_one_language_in_either_script():
    rows = steps([1, 1, 2, 3], source="zh_gsd", nli="xnli_zh", languages=("zh-Hant", "zh-Hant"))
    rows[-1] |= {"source_language": "zh-Hans", "target_language": "zh-Hans"}
    assert holds(rows) == ["yes"]


def test_a_languages_own_parallel_set_and_other_shares_are_left_out():
    own_set = steps([9, 9, 2, 1], targets=("en_pud", "xnli_en_test"))
    others = [row | {"share": 0.95, "value": 1} for row in steps([9, 9, 9, 1])]
    pairs = steps([1, 1, 2, 3], languages=("en", "fr"), targets=("fr_pud", "xnli_fr_test"))
    found = [*order_rows(pd.DataFrame([*own_set, *others, *pairs]))]
    assert [(row["source_language"], row["target_language"], row["holds"]) for row in found] == [("en", "fr", "yes")]
    assert found[0]["treebank"] == "en_ewt fr_pud" and found[0]["nli"] == "xnli_en xnli_fr_test"


def test_a_language_without_one_of_the_tasks_says_nothing():
    assert holds(
        steps([1, 1, 2, 3]), [row for row in steps([1, 1, 2, 3], source="fr_gsd", languages=("fr", "fr")) if row["task"] != "xnli"]
    ) == ["yes"]
