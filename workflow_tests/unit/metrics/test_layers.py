"""Expected layers and gains of internal layers."""

import numpy as np
import pandas as pd
import pytest
from simulated_outcomes import LAYER_CURVES, LAYERS, STEPS, accuracy, expected_layers_hold, layer_curve, simulated

from xlprobe.artifacts.outcome_file import LINK_COUNTS, Outcome, OutcomePlace
from xlprobe.artifacts.tables import read_table
from xlprobe.metrics.layers import LayerCurve, layer_above, write_layers
from xlprobe.metrics.measures import expected_layer
from xlprobe.metrics.metric_definitions import ratio
from xlprobe.metrics.training_outcomes import Measured
from xlprobe.statistics.bootstrap import Intervals, limits
from xlprobe.statistics.cross_fitting import CrossFitting
from xlprobe.statistics.outcomes import write_outcomes
from xlprobe.statistics.resampling import ClusteredCounts
from xlprobe.tasks.declaration import load_task

CLUSTERS = [f"{number:02}" for number in range(20)]


def clustered(correct, total=100):
    """Counts [..., clusters] of clusters that all earn the same, or [..., 1, clusters] as they are."""
    correct = np.asarray(correct)
    counts = {"correct": correct, "total": np.full((1,) * (correct.ndim - 1) + (len(CLUSTERS),), total)}
    return ClusteredCounts(counts, CLUSTERS, ("pud", "test"))


def steady(values):
    """Of each row, the same in all clusters and of one seed."""
    return clustered(np.tile(np.asarray(values)[..., None, None], len(CLUSTERS)))


def curve(counts, layers, baselines=(), task="pos", protocol="converged", resamples=50):
    found = Measured(load_task(task), ratio("correct", "total"), STEPS[: counts.shape[0]], layers, counts, {"protocol": protocol})
    return LayerCurve(found, baselines, [], Intervals(resamples))


def values(rows, **which):
    """Values by rule and weights, of levels in the order of steps."""
    found: dict[tuple[str, str], list[float]] = {}
    for row in rows:
        if which.items() <= row.items():
            found.setdefault((row["rule"], row["weights"]), []).append(row["value"])
    return found


def test_expected_layers_by_hand():
    """Of 0.5, 0.9 and 0.7, and of 0.6, 0.5 and 0.9; by chance, 0.4."""
    found = curve(steady([[50, 90, 70], [60, 50, 90]]), [0, 6, 12], [steady([30]), steady([40])])
    rows = [*found.expected_rows("own", [0, 6, 12])]
    levels = values(rows, measure="level")
    assert levels["as printed", "raw"] == pytest.approx([(6 * 0.9 + 12 * 0.7) / 2.1, (6 * 0.5 + 12 * 0.9) / 2.0])
    minimum = [(6 * 0.4 + 12 * 0.2) / 0.6, 12 * 0.4 / 0.5]
    assert levels["as printed", "min-max"] == pytest.approx(minimum) == levels["cross-fitted", "min-max"]
    corrected = [(6 * 0.5 + 12 * 0.3) / 0.9, (6 * 0.1 + 12 * 0.5) / 0.8]
    assert levels["as printed", "chance-corrected"] == pytest.approx(corrected)
    assert levels["as printed", "differential"] == pytest.approx([6, 12])
    changes = values(rows, measure="change", step=STEPS[1], first_step=STEPS[0])
    assert {name: value for name, (value,) in changes.items()} == pytest.approx(
        {name: first - final for name, (first, final) in levels.items()}
    )
    assert {row["chance"] for row in rows if "chance" in row} == {0.4}
    assert {(row["grid"], row["layers"], row["n"]) for row in rows} == {("own", "0 6 12", 20)}
    # Without noise an interval is a point; weights that choose have none.
    for row in rows:
        none = row["rule"] == "as printed" and row["weights"] in ("min-max", "differential")
        assert row["interval"] == ("no interval" if none else "cross-fitted" if row["rule"] == "cross-fitted" else "percentile")
        assert np.isnan([row["low"], row["high"]]).all() if none else (row["low"], row["high"]) == pytest.approx((row["value"],) * 2)


def test_a_grid_that_is_cut_has_a_worst_layer_of_its_own():
    found = curve(steady([[10, 50, 90, 60, 70], [10, 50, 60, 70, 90]]), [0, 3, 6, 9, 12])
    levels = values(found.expected_rows("shared", [3, 6, 12]), measure="level", grid="shared", layers="3 6 12")
    minimum = [(6 * 0.4 + 12 * 0.2) / 0.6, (6 * 0.1 + 12 * 0.4) / 0.5]
    assert levels["as printed", "min-max"] == pytest.approx(minimum) == levels["cross-fitted", "min-max"]


def test_where_lower_is_better_relative_performance_is_best_by_value():
    """4, 2 and 1 bits: 1/4, 1/2 and all of the best; by chance 5, 1/5."""
    rows = [
        *curve(steady([[400, 200, 100], [100, 100, 200]]), [0, 1, 2], [steady([600]), steady([500])], "bpc").expected_rows("own", [0, 1, 2])
    ]
    levels = values(rows, measure="level", step=STEPS[0])
    assert {name: value for name, (value,) in levels.items()} == pytest.approx(
        {
            ("as printed", "raw"): 2.5 / 1.75,
            ("as printed", "min-max"): (0.25 + 2 * 0.75) / 1,
            ("cross-fitted", "min-max"): (0.25 + 2 * 0.75) / 1,
            ("as printed", "chance-corrected"): (0.3 + 2 * 0.8) / 1.15,
            ("as printed", "differential"): (0.25 + 2 * 0.5) / 0.75,
        }
    )
    assert {row["chance"] for row in rows if "chance" in row} == {5}


def test_gains_by_hand():
    """The best internal layer has 0.95, at the first checkpoint; the last layer ends at 0.6, and has 0.8 at best."""
    rows = [*curve(steady([[50, 95, 70], [60, 50, 80], [90, 85, 60]]), [0, 6, 12]).gain_rows()]
    assert {(row["against"], row["rule"]): row["value"] for row in rows} == pytest.approx(
        {
            (against, rule): value
            for against, value in (("final checkpoint", 0.35), ("any checkpoint", 0.15))
            for rule in ("as printed", "cross-fitted")
        }
    )
    assert {row["interval"] for row in rows if row["rule"] == "as printed"} == {"no interval"}
    for row in rows:
        assert row["layers"] == "0 6 12" and row["n"] == 20
        if row["rule"] == "cross-fitted":
            assert (row["low"], row["high"], row["interval"]) == pytest.approx((row["value"], row["value"], "cross-fitted"))
    (bits, *_) = curve(steady([[400, 200], [300, 250]]), [0, 1], task="bpc").gain_rows()
    assert bits["value"] == pytest.approx(-0.5)


def test_the_interval_of_chance_corrected_weights():
    """Layers may be above chance for certain though both vary far more, by the same sentences; none may be as good as chance."""
    chance = np.random.default_rng(3).integers(0, 60, (1, 1, len(CLUSTERS)))
    above = chance[None] + np.array([[10, 20, 30], [10, 10, 40]])[..., None, None]
    level, other, change = corrected(curve(clustered(above), [0, 1, 2], [clustered(chance)]))
    assert (level["low"], level["value"], level["high"]) == pytest.approx((4 / 3,) * 3) and level["interval"] == "percentile"
    assert (change["low"], change["value"], change["high"]) == pytest.approx((4 / 3 - 3 / 2,) * 3)
    # At the last checkpoint a layer is as good as chance, but on other sentences.
    above[1, 0] = np.flip(chance, axis=-1)
    level, other, change = corrected(curve(clustered(above), [0, 1, 2], [clustered(chance)]))
    assert level["interval"] == "percentile" and {other["interval"], change["interval"]} == {"no interval"}
    assert other["value"] == pytest.approx(9 / 5) and np.isnan([change["low"], other["high"]]).all()
    # Nor may one say what the baseline says of each sentence.
    above[1, 0] = chance[0]
    assert [row["interval"] for row in corrected(curve(clustered(above), [0, 1, 2], [clustered(chance)]))[1:]] == ["no interval"] * 2
    above[1, 0] = np.flip(chance, axis=-1)
    # Where no layer is above chance, none weighs anything.
    (nothing, *_) = corrected(curve(clustered(above - 45), [0, 1, 2], [clustered(chance)]))
    assert np.isnan(nothing["value"]) and nothing["interval"] == "no interval"


def corrected(found):
    return [row for row in found.expected_rows("own", [0, 1, 2]) if row["weights"] == "chance-corrected"]


@pytest.mark.parametrize(
    ("seeds", "protocol", "resamples", "known"),
    [(1, "converged", 50, True), (1, "paper", 50, False), (2, "paper", 50, True), (2, "paper", 0, False)],
)
def test_intervals_need_resamples_and_of_probes_seeds(seeds, protocol, resamples, known):
    correct = np.random.default_rng(1).integers(0, 100, (2, 3, seeds, len(CLUSTERS)))
    found = curve(clustered(correct), [0, 1, 2], protocol=protocol, resamples=resamples)
    raw = [row for row in found.expected_rows("own", [0, 1, 2]) if row["weights"] == "raw"]
    assert all((row["interval"] == "percentile") == known == (row["low"] < row["value"] < row["high"]) for row in raw)
    assert {row["interval"] == "cross-fitted" for row in found.gain_rows() if row["rule"] == "cross-fitted"} == {known}


def test_seeds_of_each_layer_are_drawn_for_themselves():
    """Where only they differ: the standard error of the expected layer, that of a sum of independent layers."""
    by_seed = np.array([[40, 50, 60, 55], [60, 70, 50, 60], [80, 60, 70, 75]])
    counts = clustered(np.tile(by_seed[None, ..., None], len(CLUSTERS)))
    (level, _) = [
        row for row in curve(counts, [0, 1, 2], protocol="paper", resamples=200).expected_rows("own", [0, 1, 2]) if row["weights"] == "raw"
    ]
    mean_L, error_L = by_seed.mean(axis=1), by_seed.std(axis=1, ddof=1) / 2
    derivative_L = (np.arange(3) - level["value"]) / mean_L.sum()
    assert level["value"] == pytest.approx(mean_L @ np.arange(3) / mean_L.sum())
    assert (level["high"] - level["low"]) / 3.92 == pytest.approx(np.linalg.norm(derivative_L * error_L), rel=0.15)


def test_layers_above_a_floor():
    assert layer_above(np.array([[0.5, 0.9], [0.3, 0.2]]), [2, 4], np.array([0.3, 0.1])) == pytest.approx([3.5, 2 + 2 / 3])
    # Together above it, one below: outside, which is taken as the end; together below: nothing.
    assert layer_above(np.array([[0.2, 0.9], [0.2, 0.3]]), [2, 4], 0.3) == pytest.approx([4, np.nan], nan_ok=True)


IN_LANGUAGE = OutcomePlace("arc_classification", "qaa_own", "qaa_own", "test", "paper")
CONVERGED = IN_LANGUAGE._replace(protocol="converged")
TRANSFER = IN_LANGUAGE._replace(target="qba_pud")
LINKS = OutcomePlace("alignment", "align_a_b", "align_a_b", "test")
FACTS = {"metric": "accuracy", "source_language": "qaa", "target_language": "qaa", "parallel": None, "dataset": "d1", "text_form": None}
TOTAL = np.full(100, 20)
KEYS = np.array([f"s{number:02}" for number in range(100)])
# What is planted: knowledge in the highest layer at first, in layer 1 in the end.
SCORES = {10: [0.3, 0.4, 0.5, 0.6, 0.8], 20: [0.3, 0.6, 0.6, 0.7, 0.75], 30: [0.3, 0.9, 0.7, 0.6, 0.55]}


@pytest.fixture
def run(tmp_path):
    """Outcomes of a training, those of the model before it too, and of baselines."""
    (tmp_path / "m").mkdir()
    generator = np.random.default_rng(7)

    def probed(place, score_L, layers, seeds):
        return Outcome(
            place,
            {"correct": generator.binomial(TOTAL[:, None, None], np.array(score_L)[:, None], (100, len(layers), seeds))},
            layers=layers,
            facts=FACTS,
        )

    for step, score_L in {0: [0.1, 0.1, 0.9, 0.1, 0.1], **SCORES}.items():
        linked = generator.binomial(TOTAL[:, None], score_L[:3])
        known = {name: np.tile(TOTAL[:, None], 3) if name in ("found", "sure") else linked for name in LINK_COUNTS}
        found = [
            probed(IN_LANGUAGE, score_L, [0, 1, 2, 3, 4], 2),
            probed(IN_LANGUAGE._replace(split="dev"), score_L, [0, 1, 2, 3, 4], 2),
            probed(CONVERGED, score_L, [0, 1, 2, 3, 4], 1),
            # The same at all steps, if it is not the model before training.
            probed(TRANSFER, SCORES[10 if step else 30][::2], [0, 2, 4], 2),
            probed(TRANSFER._replace(source="qbb_own"), score_L[4:], [4], 2),
            Outcome(LINKS, known, KEYS, [0, 2, 4], FACTS),
        ]
        write_outcomes(tmp_path / f"m/{step}.h5", found, {"model": "m", "training_seed": None, "step": step})
    tested = {(place.source, place.target, place.split): place for place in (IN_LANGUAGE, IN_LANGUAGE._replace(split="dev"), TRANSFER)}
    tested |= {"other": TRANSFER._replace(source="qbb_own")}
    counts = {"total": TOTAL, "majority.correct": TOTAL // 10, "word_type.correct": TOTAL // 5}
    bare = [Outcome(place._replace(protocol=None), counts, KEYS, facts=FACTS) for place in tested.values()]
    write_outcomes(tmp_path / "baselines.h5", bare, None)
    return tmp_path


def written(run, *baselines):
    paths = run / "expected.parquet", run / "gains.parquet"
    write_layers(run, {"m": [10, 20, 30]}, [run / "baselines.h5", *baselines], *paths, Intervals(200))
    return [read_table(path) for path in paths]


def test_a_late_shift_to_a_lower_layer_is_found(run):
    expected, gains = written(run)
    assert {*expected["step"]} == {10, 20, 30}
    changes = expected[(expected["measure"] == "change") & (expected["grid"] == "own")]
    assert {*changes["step"]} == {30} and {*changes["first_step"]} == {10}
    levels = [expected_layer(np.array(SCORES[step]), range(5), "min-max") for step in (10, 30)]
    in_language = changes[(changes["target"] == "qaa_own") & (changes["protocol"] == "paper")]
    (shift,) = in_language[in_language["rule"] == "cross-fitted"].to_dict("records")
    assert shift["value"] == pytest.approx(levels[0] - levels[1], abs=0.1) and shift["low"] < levels[0] - levels[1] < shift["high"]
    assert shift["low"] > 0.5 and (in_language["value"] > 0).all()
    (still,) = changes[(changes["rule"] == "cross-fitted") & (changes["target"] == "qba_pud")].to_dict("records")
    assert still["low"] < 0 < still["high"] and abs(still["value"]) < 0.2
    assert {*in_language["chance"].dropna()} == {0.2} and changes[changes["task"] == "alignment"]["chance"].isna().all()
    of_final = gains[(gains["against"] == "final checkpoint") & (gains["source"] == "qaa_own") & (gains["target"] == "qaa_own")]
    assert len(of_final) == 4 and {*of_final["protocol"]} == {"paper", "converged"}
    assert of_final["value"].to_numpy() == pytest.approx(np.full(4, 0.9 - 0.55), abs=0.03)
    of_any = gains[(gains["against"] == "any checkpoint") & (gains["source"] == "qaa_own") & (gains["target"] == "qaa_own")]
    assert of_any["value"].to_numpy() == pytest.approx(np.full(4, 0.9 - 0.8), abs=0.03)
    assert (of_final["low"].dropna() > 0.25).all() and of_final["low"].count() == 2


def test_curves_are_compared_on_the_layers_that_all_have(run):
    expected, gains = written(run)
    names = ["task", "target", "protocol", "layers"]
    own, shared = (expected[expected["grid"] == grid] for grid in ("own", "shared"))
    curves = {("arc_classification", "qaa_own", protocol, "0 1 2 3 4") for protocol in ("paper", "converged")}
    curves |= {("arc_classification", "qba_pud", "paper", "0 2 4"), ("alignment", "align_a_b", None, "0 2 4")}
    assert {tuple(row) for row in own[names].astype(object).where(own[names].notna(), None).to_numpy()} == curves
    assert {*shared["layers"]} == {"0 2 4"} and len(shared) == len(own)
    # What is cut to the layers that it has is what it was.
    same = ["measure", "step", "weights", "rule", "value", "low", "high", "interval"]
    of_target = [part[part["target"] == "qba_pud"][same].reset_index(drop=True) for part in (own, shared)]
    pd.testing.assert_frame_equal(*of_target)
    minimum = expected_layer(np.array(SCORES[10])[::2], [0, 2, 4], "min-max")
    (cut,) = shared[(shared["protocol"] == "paper") & (shared["target"] == "qaa_own") & (shared["step"] == 10)].query(
        "weights == 'min-max' and rule == 'as printed'"
    )["value"]
    assert cut == pytest.approx(minimum, abs=0.1)
    assert {*gains["layers"]} == {"0 1 2 3 4", "0 2 4"} and len(gains) == 4 * 4


def test_links_along_the_diagonal_are_chance(run):
    counts = {"sure": TOTAL, "diagonal.found": TOTAL, "diagonal.found_sure": TOTAL // 4, "diagonal.found_possible": TOTAL // 4}
    write_outcomes(run / "diagonal.h5", [Outcome(LINKS, counts, KEYS, facts=FACTS)], None)
    expected, _ = written(run, run / "diagonal.h5")
    links = expected[(expected["task"] == "alignment") & (expected["step"] == 10) & (expected["grid"] == "own")]
    by_weights = links[links["rule"] == "as printed"].set_index("weights")
    assert by_weights.loc["chance-corrected", "chance"] == 0.25
    assert by_weights.loc["chance-corrected", "value"] == pytest.approx((2 * 0.15 + 4 * 0.25) / 0.45, abs=0.2)
    assert by_weights.loc["raw", "value"] == pytest.approx((2 * 0.4 + 4 * 0.5) / 1.2, abs=0.1)


def test_a_training_without_sweeps_has_no_rows(run):
    for step, score in SCORES.items():
        (run / "n").mkdir(exist_ok=True)
        correct = np.random.default_rng(step).binomial(TOTAL[:, None, None], score[-1], (100, 1, 2))
        outcome = Outcome(IN_LANGUAGE, {"correct": correct}, layers=[4], facts=FACTS)
        write_outcomes(run / f"n/{step}.h5", [outcome], {"model": "n", "training_seed": None, "step": step})
    paths = run / "expected.parquet", run / "gains.parquet"
    write_layers(run, {"n": [10, 20]}, [run / "baselines.h5"], *paths, Intervals(0))
    assert [len(read_table(path)) for path in paths] == [0, 0]


def test_intervals_hold_the_truth_where_layers_are_equally_bad():
    """A percentile interval of min-max weights would not (`test_coverage.py`: 300 test sets of each of ten kinds)."""
    truth_CL, held, plain = np.stack([LAYER_CURVES["hill"], LAYER_CURVES["five worst"]]), {}, []
    for trial in range(30):
        generator = np.random.default_rng(trial)
        for name, holds in expected_layers_hold(layer_curve(generator, truth_CL, clusters=100, resamples=100), truth_CL):
            held.setdefault(name, []).append(holds)
        fitted = CrossFitting(simulated(np.random.default_rng(trial), truth_CL[1], clusters=100), accuracy, resamples=100)
        low, high = limits(expected_layer(fitted.resampled_CR.T, LAYERS, "min-max")[:, None], 0.95)[:, 0]
        plain.append(low <= expected_layer(truth_CL[1], LAYERS, "min-max") <= high)
    known = {name: [holds for holds in of_name if holds is not None] for name, of_name in held.items()}
    assert {name for name, of_name in known.items() if not of_name} == {
        f"{weights}, as printed, {measure}" for weights in ("min-max", "differential") for measure in ("level", "change")
    }
    assert min(np.mean(of_name) for of_name in known.values() if of_name) >= 0.83 and np.mean(plain) < 0.5
