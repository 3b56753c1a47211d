import numpy as np
import pandas as pd
import pytest
from scipy import stats

from xlprobe.datasets.conllu import Sentence, Word
from xlprobe.datasets.treebank import write_dataset
from xlprobe.statistics.bootstrap import Bootstrap, Intervals, score_rows, seed_rows
from xlprobe.statistics.bootstrap import bootstrap_of as bootstrap_of_examples


def bootstrap_of(sentences, resamples=500, level=0.95):
    places = np.unique(sentences, return_inverse=True)[1]
    return Bootstrap(Intervals(resamples, level), ("xx_own", "test"), max(places) + 1, places)


def test_a_resample_takes_whole_sentences():
    bootstrap = bootstrap_of([3, 3, 5, 8, 8, 8], resamples=50)
    counts = np.array([[2, 0], [1, 1], [3, 0]])
    assert (bootstrap.taken_RM.sum(axis=1) == 3).all() and len(np.unique(bootstrap.taken_RM, axis=0)) > 3
    assert (bootstrap.totals(counts) == bootstrap.taken_RM @ counts).all()
    right, mask = np.array([[1, 0, 1, 0, 0, 1]]), np.array([1, 1, 1, 1, 1, 0], dtype=bool)
    for taken, mean in zip(bootstrap.taken_RM, bootstrap.means(right, mask)[:, 0], strict=True):
        chosen = [value for sentence, times in enumerate(taken) for value in [[1, 0], [1], [0, 0]][sentence] * int(times)]
        assert mean == pytest.approx(np.mean(chosen))


def test_the_interval_is_that_of_scipy():
    """Of one word a sentence, the percentile bootstrap of a mean."""
    right = np.random.default_rng(2).random((1, 400)) < 0.7
    rows = score_rows(right.astype(np.int8), {"accuracy": np.ones(400, dtype=bool)}, bootstrap_of(range(400), 4000))
    expected = stats.bootstrap((right[0],), np.mean, n_resamples=4000, method="percentile", rng=1).confidence_interval
    assert (rows[0]["low"], rows[0]["high"]) == pytest.approx(tuple(expected), abs=0.006)


def test_an_interval_holds_the_truth_as_often_as_it_says():
    """Words of a sentence are right or wrong together, so that an interval over words would be far too narrow."""
    held = {"sentences": 0, "words": 0}
    for trial in range(200):
        generator = np.random.default_rng(trial)
        right = np.repeat(generator.random(60) < 0.6, 8)[None].astype(np.int8)
        for kind, of_word in (("sentences", np.repeat(np.arange(60), 8)), ("words", np.arange(480))):
            row = score_rows(right, {"accuracy": np.ones(480, dtype=bool)}, bootstrap_of(of_word, 200, 0.9))[0]
            held[kind] += row["low"] <= 0.6 <= row["high"]
    assert 0.83 * 200 < held["sentences"] < 0.95 * 200 and held["words"] < 0.6 * 200


def test_the_mean_over_seeds_varies_with_the_seeds_too():
    right = np.zeros((4, 300), dtype=np.int8)
    right[:2] = 1
    *of_seeds, mean = score_rows(right, {"accuracy": np.ones(300, dtype=bool)}, bootstrap_of(range(300)))
    assert [(row["seed"], row["value"], row["low"], row["high"]) for row in of_seeds] == [(seed, *[seed < 2] * 3) for seed in range(4)]
    assert mean == {"metric": "accuracy", "n": 300, "seed": None, "value": 0.5, "low": 0.0, "high": 1.0}


def test_everything_on_a_test_set_meets_the_same_resamples():
    """Tasks too: one with examples in each sentence, and one without any in three of them."""
    everywhere, somewhere = np.arange(30), np.setdiff1d(np.arange(30), [0, 7, 29])
    one, other = (Bootstrap(Intervals(50), ("xx_own", "test"), 30, places) for places in (everywhere, somewhere))
    assert (one.taken_RM[:, somewhere] == other.taken_RM).all() and (one.taken_RM.sum(axis=1) == 30).all()
    assert (one.taken_RM != Bootstrap(Intervals(50), ("xx_own", "dev"), 30, everywhere).taken_RM).any()


def test_sentences_without_an_example_are_drawn_as_well(tmp_path):
    word = Word("a", 0, 1, "X", "_", 0, "dep")
    splits = {"train": [Sentence("1", "a", [word])] * 3, "test": [Sentence(str(number), "a", [word]) for number in range(4)]}
    write_dataset(splits, tmp_path / "xx_own", "xx_own", "en")
    found = bootstrap_of_examples(tmp_path / "xx_own", "test", pd.DataFrame({"sentence": [4, 4, 6]}), Intervals(50))
    drawn = Bootstrap(Intervals(50), ("xx_own", "test"), 4, np.arange(4))
    assert (found.taken_RM == drawn.taken_RM[:, [1, 3]]).all() and found.starts_M.tolist() == [0, 2]


def test_an_interval_holds_its_value_to_the_last_digit():
    rows = score_rows(np.tile([[1, 0, 1]], 10), {"accuracy": np.ones(30, dtype=bool)}, bootstrap_of(np.repeat(range(10), 3)))
    assert rows[0]["low"] == rows[0]["value"] == rows[0]["high"] == 2 / 3


def test_few_seeds_are_made_good_for_as_far_as_said():
    """Of five normal numbers: about 88 % of the intervals hold the truth, where resampling alone would give 83 %."""
    bootstrap = bootstrap_of(range(5), 400)
    held = [seed_rows(np.random.default_rng(trial).standard_normal(5).tolist(), "bits", 1, bootstrap)[-1] for trial in range(1000)]
    assert 0.85 < np.mean([row["low"] <= 0 <= row["high"] for row in held]) < 0.92
    assert np.isnan(seed_rows([3.0], "bits", 1, bootstrap)[-1]["low"])


def test_without_resamples_there_are_no_intervals_and_without_examples_no_rows():
    masks = {"accuracy": np.array([True, True]), "rare": np.array([False, False])}
    rows = score_rows(np.array([[1, 0]]), masks, bootstrap_of([0, 1], 0))
    assert [(row["metric"], row["value"], np.isnan(row["low"]), np.isnan(row["high"])) for row in rows] == [
        ("accuracy", 0.5, True, True)
    ] * 2
    rows = score_rows(np.array([[1, 0]]), dict(reversed(masks.items())), bootstrap_of([0, 1], 0))
    assert [row["metric"] for row in rows] == ["accuracy"] * 2
    # A metric over so few sentences that a resample may have none of them has the interval of the others.
    rows = score_rows(np.array([[1, 0, 0]]), {"first": np.array([True, False, False])}, bootstrap_of([0, 1, 2], 50))
    assert rows[0]["low"] == rows[0]["high"] == 1


def test_what_is_no_mean_over_examples_has_an_interval_over_seeds():
    *of_seeds, mean = seed_rows([10.0, 20.0, 30.0], "code_length", 7, bootstrap_of(range(5), 2000))
    assert [(row["seed"], row["value"], row["n"]) for row in of_seeds] == [(0, 10, 7), (1, 20, 7), (2, 30, 7)]
    assert np.isnan([row["low"] for row in of_seeds]).all()
    two = seed_rows([10.0, 20.0], "code_length", 7, bootstrap_of(range(5), 2000))[-1]
    assert (two["low"], two["value"], two["high"]) == (10, 15, 20)
    assert (mean["value"], mean["seed"]) == (20, None) and 10 <= mean["low"] < 15 < 25 < mean["high"] <= 30
