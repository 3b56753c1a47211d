import numpy as np
import pytest
from simulated_outcomes import mean_over_languages_holds_the_truth

from xlprobe.seeds import derive_seed
from xlprobe.statistics.resampling import ClusteredCounts, drawn_seeds, draws, joined_draws, joined_halves, means_over_drawn_seeds


def test_draws_are_of_as_many_clusters_with_repetition():
    generator = np.random.default_rng(derive_seed("bootstrap", "xx_own", "test"))
    expected = [np.bincount(generator.integers(30, size=30), minlength=30) for _ in range(50)]
    found = draws(("xx_own", "test"), 30, 50)
    assert (found == expected).all() and found.dtype == np.float32
    assert (found != draws(("xx_own", "dev"), 30, 50)).any() and draws(("xx_own", "test"), 30, 0).shape == (0, 30)


def test_what_has_one_key_is_drawn_together():
    """A row in another order, and one that lacks a sentence."""
    one, other, less = joined_draws(("pud", "test"), [["a", "b", "c", "d"], ["d", "a", "c", "b"], ["d", "b", "a"]], 40)
    assert (one == draws(("pud", "test"), 4, 40)).all()
    assert (other == one[:, [3, 0, 2, 1]]).all() and (less == one[:, [3, 1, 0]]).all()
    assert (joined_draws(("pud", "test"), [["d", "a", "c", "b"]], 40)[0] == other).all()


def test_halves_are_joined_as_draws_are():
    keys = [f"{number:03}" for number in range(101)]
    one, less = joined_halves(("pud", "test"), [keys, keys[:0:-2]], 30)
    assert one.dtype == bool and one.shape == (30, 101) and (one.sum(axis=1) == 50).all()
    assert (less == one[:, :0:-2]).all()
    assert len(np.unique(one, axis=0)) == 30 and one.mean(axis=0).min() > 0.1 and one.mean(axis=0).max() < 0.9


def test_seeds_that_are_drawn_vary_as_the_mean_over_seeds_does():
    values_P = np.array([0.1, 0.4, 0.6])
    means_R = means_over_drawn_seeds(np.tile(values_P, (20_000, 1)), drawn_seeds(3, 20_000))
    # Of the 27 draws, the three of one seed alone would lie outside.
    drawn = np.array(np.meshgrid(*[values_P] * 3)).reshape(3, -1).mean(axis=0)
    expected = np.clip(values_P.mean() + (drawn - values_P.mean()) * 1.5**0.5, 0.1, 0.6)
    assert means_R.std() == pytest.approx(expected.std(), rel=0.03)
    assert (means_over_drawn_seeds(np.array([[0.2], [0.3]]), drawn_seeds(1, 2)) == [0.2, 0.3]).all()
    assert (drawn_seeds(5, 20) != drawn_seeds(5, 20, "second")).any()


def test_a_metric_is_taken_of_sums():
    """Whole numbers, and sums of bits; of clusters once each, and of a resample."""
    outcome = ClusteredCounts(
        {"bits": np.array([[[0.5, 1.5, 3.0]], [[1.0, 1.0, 1.0]]]), "characters": np.array([[[1, 2, 4]]])}, "abc", ("x",)
    )
    values = outcome.values(lambda sums: sums["bits"] / sums["characters"], np.array([[1, 0], [1, 2], [1, 1]]))
    assert outcome.shape == (2, 1, 3) and values.shape == (2, 1, 2)
    assert values.ravel().tolist() == [5 / 7, 6 / 8, 3 / 7, 3 / 8]


@pytest.mark.parametrize("keys", ["ab", "abcd", "aab"])
def test_each_cluster_has_a_key_of_its_own(keys):
    with pytest.raises(ValueError, match=r"\d keys, \d of them different, for 3 clusters"):
        ClusteredCounts({"correct": np.zeros((1, 3))}, keys, ("x",))


def test_means_over_languages_of_one_group_vary_with_the_sentences_that_they_share():
    """A short form of what `make bench` runs: drawn apart, the same sentences would count as different ones."""
    held = {share: mean_over_languages_holds_the_truth(range(100), 80, 60, joined=share) for share in (True, False)}
    assert held[True] > 0.88 and held[False] < 0.8
