import numpy as np
import pytest

from xlprobe.metrics.gates import Thresholds, checks, noise, rank_stability, rise

STEPS = [10, 20, 40, 80, 160, 320, 640, 1280]
THRESHOLDS = Thresholds(above_baseline=0.02, rise=0.7, noise=0.1, ranks=0.7)


def curve(values, task="pos", **others):
    known = {"model": "m", "training_seed": None, "task": task, "split": "test", "protocol": "paper", "source": "a", "target": "a"}
    return known | {"steps": STEPS[: len(values)], "values": np.array(values), "best": max(values), "baseline": 0.5} | others


def test_a_curve_is_asked_to_rise_to_its_best_only():
    assert rise(np.array([1, 2, 4, 3, 5, 1, 0]), "higher") == pytest.approx(0.9)
    assert rise(np.array([5, 4, 3, 2, 9.0]), "lower") == 1
    assert np.isnan(rise(np.array([1, 2, 3, 0.0]), "higher"))


def test_noise_is_what_a_smooth_curve_leaves_early_and_late_apart():
    x = np.log(STEPS)
    smooth = 0.5 + 0.1 * x - 0.005 * x**2
    ups_and_downs = np.array([1, -1] * 4) * 0.01
    early, late = noise(STEPS, smooth, "higher")
    assert early == pytest.approx(0, abs=1e-9) and np.isnan(late)
    off = smooth + ups_and_downs
    left = off - np.polyval(np.polyfit(x[:7], off[:7], 2), x)
    early, _ = noise(STEPS, off, "higher")
    assert early == pytest.approx(np.sqrt((left[:7] ** 2).sum() / 4) / np.ptp(off)) and early > 0.02
    # A flat curve has no reach to compare with.
    assert np.isnan(noise(STEPS, np.full(8, 0.5), "higher")).all()


def test_ranks_of_languages_are_compared_between_neighbouring_checkpoints():
    values = np.array([[1, 2, 3, 4], [1, 2, 3, 4], [1, 2, 4, 3]]).T / 10
    curves = [curve(row, source=name, target=name) for row, name in zip(values, "abcd", strict=True)]
    found = rank_stability([*curves, curve([0.1, 0.2, 0.3], source="a", target="b")])
    assert found[:4] == pytest.approx([(1 + 0.8) / 2] * 4) and np.isnan(found[4])


def test_a_flag_is_null_where_nothing_can_be_measured():
    found = checks(curve([0.6, 0.7, 0.8]), np.nan, THRESHOLDS)
    assert found["above_baseline"] == pytest.approx(0.6) and found["above_baseline_passes"] is True
    assert [found[f"{name}_passes"] for name in ("rise", "early_noise", "late_noise", "ranks")] == [None] * 4
    assert found["passes"]
    assert not checks(curve([0.5, 0.505, 0.5]), np.nan, THRESHOLDS)["passes"]
    assert not checks(curve([0.6, 0.7, 0.8]), 0.2, THRESHOLDS)["passes"]


def test_bits_are_better_when_lower():
    found = checks(curve([4.0, 3.0, 2.0, 1.5, 1.6], "bpc", baseline=3.0, best=1.5), np.nan, THRESHOLDS)
    assert found["above_baseline"] == pytest.approx(1.0) and found["rise"] == 1 and found["passes"]
