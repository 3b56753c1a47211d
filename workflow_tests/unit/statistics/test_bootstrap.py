import numpy as np
import pytest
from scipy import stats

from xlprobe.statistics.bootstrap import Bootstrap, limits, limits_of_mean

NAME = ("xx_own", "test")


def named(*places: int) -> np.ndarray:
    return np.array(places).astype(str)


def accuracy(bootstrap: Bootstrap, right_MS: np.ndarray) -> np.ndarray:
    """The share of sentences that are right, [resamples, seeds]."""
    totals_RLS = bootstrap.totals(np.stack([right_MS, np.ones_like(right_MS)], axis=1))
    return totals_RLS[:, 0] / totals_RLS[:, 1]


def test_a_resample_takes_whole_clusters():
    """Of three, of which the first and the last have two sentences and more; their counts are added up before they are drawn."""
    bootstrap = Bootstrap(50, NAME, named(3, 3, 5, 8, 8, 8))
    assert (bootstrap.taken_RC.sum(axis=1) == 3).all() and len(np.unique(bootstrap.taken_RC, axis=0)) > 3
    counts = np.array([[1, 0], [1, 0], [1, 1], [1, 0], [0, 0], [2, 0]])
    expected = bootstrap.taken_RC @ np.array([[2, 0], [1, 1], [3, 0]])
    assert (bootstrap.totals(counts[:, None])[:, 0] == expected).all()
    # Of two layers, each has its own.
    both = bootstrap.totals(np.stack([counts, 2 * counts], axis=1))
    assert both.shape == (50, 2, 2) and (both[:, 0] == expected).all() and (both[:, 1] == 2 * expected).all()


def test_sentences_of_a_cluster_need_not_stand_side_by_side():
    apart = Bootstrap(20, NAME, named(3, 5, 3)).totals(np.array([1, 10, 100]))
    together = Bootstrap(20, NAME, named(3, 3, 5)).totals(np.array([1, 100, 10]))
    assert (apart == together).all()


def test_sets_of_a_parallel_group_share_draws_whatever_their_order():
    one = Bootstrap(30, ("pud", "test"), np.array(["n01", "n02", "w01"]), joined=True)
    other = Bootstrap(30, ("pud", "test"), np.array(["w01", "n01", "n02"]), joined=True)
    counts = np.array([1.0, 10.0, 100.0])
    assert (one.totals(counts) == other.totals(counts[[2, 0, 1]])).all()
    # Elsewhere clusters are drawn as they come.
    own = Bootstrap(30, ("pud", "test"), np.array(["w01", "n01", "n02"]))
    assert (own.totals(counts) == one.totals(counts)).all()


def test_another_split_has_other_draws():
    assert (Bootstrap(50, NAME, named(*range(30))).taken_RC != Bootstrap(50, ("xx_own", "dev"), named(*range(30))).taken_RC).any()


def test_the_interval_is_that_of_scipy():
    """Of one word a sentence, the percentile bootstrap of a mean."""
    right = (np.random.default_rng(2).random(400) < 0.7).astype(float)
    found = limits(accuracy(Bootstrap(4000, NAME, named(*range(400))), right[:, None]), 0.95)[:, 0]
    expected = stats.bootstrap((right,), np.mean, n_resamples=4000, method="percentile", rng=1).confidence_interval
    assert found == pytest.approx(tuple(expected), abs=0.006)


def test_an_interval_holds_the_truth_as_often_as_it_says():
    """Words of a sentence are right or wrong together, so that an interval over words would be far too narrow."""
    held = {"sentences": 0, "words": 0}
    for trial in range(200):
        generator = np.random.default_rng(trial)
        right = np.repeat(generator.random(60) < 0.6, 8)[:, None].astype(float)
        for kind, of_word in (("sentences", np.repeat(np.arange(60), 8)), ("words", np.arange(480))):
            low, high = limits(accuracy(Bootstrap(200, NAME, named(*of_word)), right), 0.9)[:, 0]
            held[kind] += low <= 0.6 <= high
    assert 0.83 * 200 < held["sentences"] < 0.95 * 200 and held["words"] < 0.6 * 200


def test_the_mean_over_seeds_varies_with_the_seeds_too():
    right = np.zeros((300, 4))
    right[:, :2] = 1
    resampled = accuracy(Bootstrap(500, NAME, named(*range(300))), right)
    assert limits(resampled, 0.95).tolist() == [[1, 1, 0, 0]] * 2
    assert limits_of_mean(resampled, 0.95).tolist() == [0, 1]


def test_few_seeds_are_made_good_for_as_far_as_said():
    """Of five normal numbers: about 88 % of the intervals hold the truth, where resampling alone would give 83 %."""
    held = [limits_of_mean(np.tile(np.random.default_rng(trial).standard_normal(5), (400, 1)), 0.95) for trial in range(1000)]
    assert 0.85 < np.mean([low <= 0 <= high for low, high in held]) < 0.92


def test_one_seed_has_the_interval_of_its_sentences():
    resampled = np.arange(101.0)[:, None]
    assert limits_of_mean(resampled, 0.9).tolist() == limits(resampled, 0.9)[:, 0].tolist() == pytest.approx([5, 95])


def test_without_resamples_there_are_no_intervals():
    assert np.isnan(limits(np.empty((0, 3)), 0.95)).all() and np.isnan(limits_of_mean(np.empty((0, 3)), 0.95)).all()


def test_resamples_without_an_example_do_not_count():
    """Of a metric over so few sentences that a resample may have none of them; where none has any, there is no interval."""
    found = limits(np.array([[np.nan, np.nan], [1, np.nan], [1, np.nan]]), 0.95)
    assert found[:, 0].tolist() == [1, 1] and np.isnan(found[:, 1]).all()
