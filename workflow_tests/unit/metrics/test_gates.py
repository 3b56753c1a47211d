import numpy as np
import pandas as pd
import pytest

from xlprobe.metrics.gates import Thresholds, checks, noise, rank_stability, read_curves, rise

STEPS = [10, 20, 40, 80, 160, 320, 640, 1280]
THRESHOLDS = Thresholds(above_baseline=0.02, rise=0.7, noise=0.1, ranks=0.7)


def curve(values, task="pos", **others):
    known = {"model": "m", "training_seed": None, "task": task, "split": "test", "protocol": "paper", "source": "a", "target": "a"} | {
        "text_form": None
    }
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


def test_a_curves_baseline_is_the_best_of_its_test_set_or_the_unigrams_of_its_own_subwords():
    curve = {"training_seed": None, "source": "a", "target": "a", "source_language": "aa", "target_language": "aa", "text_form": None}
    curve |= {"layer": None, "seed": None, "n": 9}
    words = {"task": "pos", "split": "test", "protocol": "paper", "metric": "accuracy", "layer": 2}
    bits = {"task": "bpc", "split": "valid", "metric": "bits_per_character"}
    rows = [curve | words | {"model": "m", "step": step, "value": value} for step, value in ((0, 0.9), (20, 0.7), (10, 0.6))]
    rows += [curve | words | {"model": "m", "step": 20, "value": 0.1, "seed": 0}]
    rows += [curve | words | {"model": name, "step": None, "layer": None, "protocol": None, "value": value} for name, value in BASELINES]
    for model, protocol, value in (("m", "lines", 3.0), ("m", "fairseq", 4.0), ("other", "lines", 5.0)):
        own = curve | bits | {"model": model, "protocol": protocol, "step": 10}
        rows += [own | {"value": 2.0}, own | {"value": value, "metric": "bits_per_character_unigram"}]
    scores = pd.DataFrame(rows).astype({"step": "Int64", "seed": "Int64", "layer": "Int64"})
    measured = [words | {"model": "m"}, *(bits | {"model": model, "protocol": protocol} for model, protocol in (*BITS, ("other", "lines")))]
    best = pd.DataFrame([curve | row | {"rule": rule, "value": 0.5} for row in measured for rule in ("as printed", "cross-fitted")])
    found = read_curves(scores, best)
    assert [(row["model"], row["protocol"], row["baseline"]) for row in found] == [
        ("m", "paper", 0.4),
        ("m", "lines", 3),
        ("m", "fairseq", 4),
        ("other", "lines", 5),
    ]
    assert found[0]["steps"] == [10, 20] and found[0]["values"].tolist() == [0.6, 0.7]


BASELINES, BITS = (("majority", 0.3), ("word_type", 0.4)), (("m", "lines"), ("m", "fairseq"))
