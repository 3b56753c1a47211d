"""What measures say of outcomes whose true values are known (`planted_outcomes`)."""

import numpy as np
import pandas as pd
import pytest
from planted_outcomes import (
    ALIGNMENT_BY_LAYER,
    AT_STEP_0,
    DE_ARC_TRUTH,
    DE_EN_ARC_TRUTH,
    EN_ARC_TRUTH,
    EN_DE_ARC_TRUTH,
    EVEN_LAYERS,
    EVERY_LAYER,
    FAIRSEQ_SHARE,
    FINAL_OF_SEED,
    GIB,
    STEPS,
    TRANSFER,
    small_set,
)

from xlprobe.artifacts.tables import read_table
from xlprobe.metrics.learning import DEV_OF_TARGET
from xlprobe.metrics.measures import expected_layer
from xlprobe.metrics.scoring import score_checkpoint
from xlprobe.statistics.bootstrap import Intervals
from xlprobe.tasks.declaration import load_task

TRAININGS = small_set()
BASE = TRAININGS[0]
AS_PRINTED, CROSS_FITTED, DEV, FINAL = "as printed", "cross-fitted", "dev", "final checkpoint"
INTERVALS = Intervals(200)


def baselines_of(results):
    return sorted((results / "baselines").rglob("*.h5"))


@pytest.fixture(scope="module")
def results(planted_results):
    return planted_results


@pytest.fixture(scope="module")
def tables(results):
    """The tables of measures, by name."""
    return {path.stem: read_table(path) for path in sorted((results / "metrics").glob("*.parquet"))}


def rows(table, /, **values):
    """The rows that have these values; of tests in language the target is the source."""
    table = table[(table["model"] == values.pop("model", "base"))]
    for name, value in values.items():
        table = table[table[name].isna() if value is None else table[name] == value]
    return table


def completed(values):
    """Of what names a source, the target and the protocol that most have."""
    usual = {"target": values.get("source"), "protocol": {"bpc": "lines", "alignment": None}.get(values.get("task"), "paper")}
    return (usual if "source" in values else {}) | values


def row(table, /, **values):
    """The row that has these values, of which there is one."""
    (found,) = rows(table, **completed(values)).to_dict("records")
    return found


@pytest.mark.parametrize("step", [0, STEPS[5]])
def test_scores_of_what_is_planted_are_true(results, tmp_path, step):
    path = results / "outcomes" / BASE.name / f"{step}.h5"
    score_checkpoint([path], baselines_of(results), tmp_path / "joined.h5", tmp_path / "scores.parquet")
    scores = read_table(tmp_path / "scores.parquet")
    means = scores[scores["seed"].isna()].fillna({"protocol": "none", "layer": -1})
    found = means.set_index(["task", "source", "target", "split", "protocol", "layer", "metric"])["value"].to_dict()
    errors = []
    for planted in BASE.planted:
        task = load_task(planted.place.task)
        for number, layer in enumerate(planted.layers or [-1]):
            truth = planted.truth[STEPS.index(step), number] if step else AT_STEP_0[task.direction]
            errors.append(found[*planted.place[:4], planted.place.protocol or "none", layer, task.metric] - truth)
    assert np.abs(errors).max() < 0.05 and np.abs(errors).mean() < 0.01 and abs(np.mean(errors)) < 0.002


def test_each_curve_is_that_of_its_last_layer_and_has_no_step_0(tables):
    curves = {(planted.place, (planted.layers or [None])[-1]) for planted in BASE.planted if planted.place.split != "dev"}
    for name in ("best", "steps", "forgetting"):
        table = rows(tables[name])
        places = table[["task", "source", "target", "split", "protocol", "layer"]].drop_duplicates()
        found = [tuple(None if pd.isna(part) else part for part in place) for place in places.itertuples(index=False)]
        assert {(place[:4] if place[4] is None else place[:5], place[5]) for place in found} == {
            (tuple(filter(None, place)), layer) for place, layer in curves
        }
    assert {*tables["best"]["step"].dropna()} <= {*STEPS} and {*tables["steps"]["value"].dropna()} >= {STEPS[0]}
    # Those of step 0 are 0.999 and 0.01.
    assert tables["best"].loc[tables["best"]["task"] != "bpc", "value"].max() < 0.97
    assert tables["best"].loc[tables["best"]["task"] == "bpc", "value"].min() > 0.8


@pytest.mark.parametrize(
    ("curve", "rule", "steps", "value"),
    [
        ({"task": "pos", "source": "en_ewt"}, AS_PRINTED, [40], 0.92),
        # On dev the best is another one.
        ({"task": "pos", "source": "en_ewt"}, DEV, [30], 0.89),
        ({"task": "pos", "source": "en_ewt"}, FINAL, [100], 0.80),
        ({"task": "pos", "source": "en_ewt", "protocol": "converged"}, AS_PRINTED, [40, 50, 60, 80, 100], 0.95),
        ({"task": "pos", "source": "de_gsd"}, AS_PRINTED, [40, 50, 60, 80, 100], 0.90),
        ({"task": "pos", "source": "de_hdt"}, AS_PRINTED, [60, 80, 100], 0.80),
        ({"task": "pos", "source": "en_ewt", "target": "de_pud"}, AS_PRINTED, [80, 100], 0.80),
        # By English dev sentences, whichever the source.
        ({"task": "pos", "source": "de_gsd", "target": "en_pud"}, DEV_OF_TARGET, [30], 0.60 * 0.8),
        ({"task": "arc_classification", "source": "de_gsd"}, AS_PRINTED, [50, 60], DE_ARC_TRUTH[:, -1].max()),
        ({"task": "bpc", "source": "en"}, AS_PRINTED, [80, 100], 1.0),
        ({"task": "bpc", "source": "en", "protocol": "fairseq"}, AS_PRINTED, [80, 100], FAIRSEQ_SHARE),
        ({"task": "bpc", "source": "de"}, AS_PRINTED, [30, 40], 1.1),
        ({"task": "bpc", "source": "de"}, FINAL, [100], 1.5),
        ({"task": "alignment", "source": "align_en_de"}, AS_PRINTED, [80, 100], 0.67),
    ],
)
def test_the_best_checkpoint_is_the_planted_one(tables, curve, rule, steps, value):
    found = row(tables["best"], **curve, rule=rule)
    assert found["step"] // 1000 in steps and found["value"] == pytest.approx(value, abs=0.015)
    if rule == AS_PRINTED:
        fitted = row(tables["best"], **curve, rule=CROSS_FITTED)
        assert pd.isna(fitted["step"]) and fitted["value"] == pytest.approx(value, abs=0.015)
        assert {found["interval"], fitted["interval"]} == {"no interval"}
    else:
        # On dev, the same probes have chosen the step.
        chosen = rule == DEV and found["protocol"] == "paper"
        assert found["interval"] == ("no interval" if chosen else "percentile") and (chosen or found["low"] < value < found["high"])


@pytest.mark.parametrize(
    ("curve", "absolute", "relative", "forgets"),
    [
        ({"task": "pos", "source": "en_ewt"}, 0.12, 0.12 / 0.92, True),
        ({"task": "pos", "source": "de_gsd"}, 0, 0, False),
        ({"task": "pos", "source": "fi_tdt"}, 0, 0, False),
        ({"task": "pos", "source": "en_ewt", "protocol": "converged"}, 0, 0, False),
        # Bits are better when lower.
        ({"task": "bpc", "source": "de"}, 0.4, 1 - 1.1 / 1.5, True),
        ({"task": "bpc", "source": "hi"}, 0, 0, False),
        # Few checkpoints after 95 %: the second null cannot be told.
        ({"task": "bpc", "source": "en"}, 0, 0, None),
        ({"task": "arc_classification", "source": "de_gsd"}, 0.1, 0.1 / DE_ARC_TRUTH[:, -1].max(), None),
    ],
)
def test_forgetting_is_what_is_planted(tables, curve, absolute, relative, forgets):
    for measure, truth in (("absolute", absolute), ("relative", relative)):
        printed = row(tables["forgetting"], **curve, rule=AS_PRINTED, measure=measure)
        fitted = row(tables["forgetting"], **curve, rule=CROSS_FITTED, measure=measure)
        # Of a flat curve the best of ten is above the last one.
        assert truth - 0.02 < printed["value"] < truth + 0.02 + (0.02 if not truth else 0)
        assert fitted["value"] == pytest.approx(truth, abs=0.02) and fitted["low"] <= truth <= fitted["high"]
        assert fitted["value"] < printed["value"]
        assert (fitted["p_sampling"] < 0.05) == (truth > 0) and fitted["interval"] == CROSS_FITTED
        assert pd.isna(fitted["forgets"]) if forgets is None else fitted["forgets"] == forgets


@pytest.mark.parametrize(
    ("curve", "to_95", "to_98"),
    [
        ({"task": "pos", "source": "en_ewt"}, 30, 40),
        ({"task": "pos", "source": "de_gsd"}, 30, 40),
        ({"task": "pos", "source": "de_hdt"}, 60, 60),
        ({"task": "pos", "source": "fi_tdt"}, 5, 5),
        ({"task": "pos", "source": "en_ewt", "target": "fi_pud"}, 60, 80),
        ({"task": "arc_classification", "source": "en_ewt"}, 40, 40),
        # By what is better when higher, both would be at the first checkpoint.
        ({"task": "bpc", "source": "en"}, 80, 80),
        ({"task": "bpc", "source": "de"}, 30, 30),
        ({"task": "alignment", "source": "align_en_de"}, 80, 80),
    ],
)
def test_shares_of_the_best_are_reached_when_planted(tables, curve, to_95, to_98):
    for share, step in ((0.95, to_95), (0.98, to_98)):
        printed, fitted = (row(tables["steps"], **curve, rule=rule, share=share) for rule in (AS_PRINTED, CROSS_FITTED))
        assert printed["value"] == 1000 * step
        assert fitted["low"] <= 1000 * step <= (np.inf if pd.isna(fitted["high"]) else fitted["high"])
        assert fitted["interval"] == "set of steps" and (fitted["censored"] == "before") == (step == 5)


def test_tasks_are_acquired_in_the_planted_order(tables):
    """In German, inference comes before relations between words."""
    found = {pair: row(tables["order"], rule=AS_PRINTED, source_language=pair[0], target_language=pair[1]) for pair in ORDER}
    assert {pair: of_pair["holds"] for pair, of_pair in found.items()} == ORDER
    assert found["en", "de"]["treebank"] == "en_ewt de_pud" and {of_pair["n_tasks"] for of_pair in found.values()} == {3}
    assert row(tables["order"], rule=CROSS_FITTED, source_language="en", target_language="en")["holds"] == "yes"
    assert row(tables["order"], rule=CROSS_FITTED, source_language="de", target_language="de")["holds"] != "yes"


ORDER = {("en", "en"): "yes", ("de", "de"): "no", ("de", "en"): "no", ("en", "de"): "no"}


def test_asymmetry_is_where_it_is_planted(tables):
    for rule in (AS_PRINTED, FINAL):
        found = rows(tables["asymmetry"], task="pos", rule=rule)
        by_pair = {(one["source"], one["reverse_source"]): one["value"] for one in found.to_dict("records")}
        assert by_pair["en_ewt", "de_gsd"] == pytest.approx(0.2, abs=0.02)
        assert by_pair["en_ewt", "de_hdt"] == pytest.approx(0.1, abs=0.02)
        assert by_pair["fi_tdt", "hi_hdtb"] == pytest.approx(0.2, abs=0.02)
        others = [value for pair, value in by_pair.items() if {name[:2] for name in pair} not in ({"en", "de"}, {"fi", "hi"})]
        assert others and np.abs(others).max() < 0.07
        # A pair either way; of Uyghur there is no test set, and German's two treebanks are no pair.
        assert all(by_pair[other, one] == pytest.approx(-value) for (one, other), value in by_pair.items())
        assert {name for pair in by_pair for name in pair} == {"en_ewt", "de_gsd", "de_hdt", "fi_tdt", "hi_hdtb"} and len(by_pair) == 18
    both = [("en_ewt", "de_pud", "de_gsd", 0.2), ("de_gsd", "en_pud", "en_ewt", -0.2)]
    for source, target, reverse, truth in both:
        certain = row(tables["asymmetry"], task="pos", rule=FINAL, source=source, target=target, reverse_source=reverse)
        assert certain["low"] < truth < certain["high"] and certain["p"] < 0.05 and certain["step"] == STEPS[-1]


def correlation(tables, **values):
    return row(tables["correlations"], **{"protocol": "paper", "rule": AS_PRINTED, **values})


def test_correlations_in_language_have_their_signs(tables):
    of_words = {"task": "pos", "setting": "in language", "outcome": "performance"}
    data, examples = (correlation(tables, **of_words, factor=factor) for factor in ("pretraining data", "task data"))
    assert data["n"] == examples["n"] == 6 and data["languages"] == 5 and data["value"] > 0.8
    assert examples["value"] == pytest.approx(-1) and not examples["n_too_small"]
    assert correlation(tables, **of_words, factor="syntactic distance")["value"] < -0.8
    # Without English, its own pivot, without Hindi, and without both.
    others = rows(tables["alternatives"], **of_words, protocol="paper", rule=AS_PRINTED, factor="syntactic distance")
    assert others.set_index("alternative")["n"].to_dict() == {
        "without the pivot": 5,
        "without degenerate distances": 5,
        "without both": 4,
    }
    # Bits stand raw: more text, fewer bits; three languages can have no small p-value.
    bits = correlation(tables, task="bpc", protocol="lines", setting="in language", outcome="performance", factor="pretraining data")
    assert bits["value"] == pytest.approx(-1) and bits["n"] == 3 and bits["n_too_small"]


def test_correlations_of_transfer_are_of_the_square_grid(tables):
    """Uyghur, the source of the best transfer, is no target; of German's two treebanks the mean counts."""
    truth = pd.Series({pair: TRANSFER[pair] for pair in TRANSFER if pair[0] != pair[1]} | {("de", "en"): 0.65})
    for place, factor in enumerate(("source pretraining data", "target pretraining data")):
        found = correlation(tables, task="pos", setting="transfer", outcome="performance", factor=factor)
        text = pd.Series([GIB[pair[place]] for pair in truth.index], truth.index)
        assert found["n"] == 12 and found["languages"] == 4
        assert found["value"] == pytest.approx(truth.corr(text, method="spearman"), abs=0.05)
        asymmetry = correlation(tables, task="pos", setting="transfer", outcome="asymmetry", factor=factor)
        assert asymmetry["n"] == 12 and asymmetry["languages"] == 4 and np.sign(asymmetry["value"]) == (1, -1)[place]


def test_the_gate_flags_what_has_no_signal(tables):
    gates = tables["gates"]
    assert len(gates) == (tables["best"]["rule"] == CROSS_FITTED).sum()
    flat = row(gates, task="pos", source="hi_hdtb")
    assert flat["above_baseline"] < 0.02 and not flat["above_baseline_passes"] and not flat["passes"]
    # Forgetting is what is looked for: it rises up to its best.
    english = row(gates, task="pos", source="en_ewt")
    assert english["above_baseline"] == pytest.approx(0.92 / 0.3 - 1, abs=0.05) and english["rise"] > 0.95 and english["rise_passes"]
    bits = row(gates, task="bpc", source="de")
    assert bits["rise"] > 0.85 and bits["rise_passes"]
    assert bits["above_baseline"] == pytest.approx(4 / 1.1 - 1, abs=0.05)
    assert row(gates, task="bpc", source="en", protocol="fairseq")["above_baseline"] == pytest.approx(3, abs=0.05)
    assert not row(gates, task="bpc", source="hi")["above_baseline_passes"]
    assert row(gates, task="alignment", source="align_en_de")["above_baseline"] == pytest.approx(0.67 / 0.25 - 1, abs=0.1)
    # Of inference, hypotheses alone tell most.
    assert row(gates, task="xnli", source="xnli_en")["above_baseline"] == pytest.approx(0.72 / 0.4 - 1, abs=0.1)
    assert row(gates, task="xnli", source="xnli_en", target="xnli_de_test")["above_baseline"] == pytest.approx(0.67 * 3 - 1, abs=0.1)


def test_trainings_vary_as_planted(tables):
    values = [*FINAL_OF_SEED.values()]
    final = row(tables["training_seeds"], model="seeded", task="pos", source="de_gsd", rule=FINAL, table="best")
    assert final["n"] == 3 and final["mean"] == pytest.approx(np.mean(values), abs=0.01)
    assert final["variance"] ** 0.5 == pytest.approx(np.std(values, ddof=1), abs=0.004)
    assert (final["lowest"], final["highest"]) == pytest.approx((min(values), max(values)), abs=0.01)
    assert {*tables["training_seeds"]["model"]} == {"seeded"}


@pytest.mark.parametrize(
    ("curve", "truth_CL", "layers"),
    [
        ({"task": "arc_classification", "source": "en_ewt"}, EN_ARC_TRUTH, EVERY_LAYER),
        ({"task": "arc_classification", "source": "de_gsd"}, DE_ARC_TRUTH, EVERY_LAYER),
        ({"task": "arc_classification", "source": "en_ewt", "target": "de_pud"}, EN_DE_ARC_TRUTH, EVEN_LAYERS),
        ({"task": "alignment", "source": "align_en_de"}, ALIGNMENT_BY_LAYER, EVEN_LAYERS),
    ],
)
def test_expected_layers_move_where_planted(tables, curve, truth_CL, layers):
    own = {"grid": "own", "layers": " ".join(map(str, layers)), "measure": "level"}
    for weights, within in (("raw", 0.1), ("min-max", 0.6)):
        of_steps = rows(tables["expected_layers"], **completed(curve), **own, rule=AS_PRINTED, weights=weights)
        assert of_steps["step"].tolist() == STEPS
        assert of_steps["value"].to_numpy() == pytest.approx(expected_layer(truth_CL, layers, weights), abs=within)
    change = {"grid": "own", "measure": "change", "rule": AS_PRINTED, "weights": "raw"}
    first, final = expected_layer(truth_CL[[0, -1]], layers, "raw")
    moved = row(tables["expected_layers"], **curve, **change)
    # It is positive where it moves down.
    assert moved["value"] == pytest.approx(first - final, abs=0.15) and moved["low"] < first - final < moved["high"]
    assert (moved["first_step"], moved["step"]) == (STEPS[0], STEPS[-1])


def test_expected_layers_are_cut_to_the_same(tables):
    """In language there are 13, in transfer seven."""
    table = rows(tables["expected_layers"], task="arc_classification", rule=AS_PRINTED, weights="min-max", measure="level")
    assert {*table[table["grid"] == "shared"]["layers"]} == {"0 2 4 6 8 10 12"} and table["layers"].nunique() == 2
    final = row(table, task="arc_classification", source="en_ewt", grid="shared", step=STEPS[-1])
    assert final["value"] == pytest.approx(expected_layer(EN_ARC_TRUTH[-1, ::2], EVEN_LAYERS, "min-max"), abs=0.4)


@pytest.mark.parametrize(
    ("curve", "truth_CL"),
    [
        ({"task": "arc_classification", "source": "en_ewt"}, EN_ARC_TRUTH),
        ({"task": "arc_classification", "source": "de_gsd"}, DE_ARC_TRUTH),
        ({"task": "arc_classification", "source": "en_ewt", "target": "de_pud"}, EN_DE_ARC_TRUTH),
        ({"task": "arc_classification", "source": "de_gsd", "target": "en_pud"}, DE_EN_ARC_TRUTH),
    ],
)
def test_internal_layers_gain_what_is_planted(tables, curve, truth_CL):
    best = truth_CL[:, :-1].max()
    for against, last in (("final checkpoint", truth_CL[-1, -1]), ("any checkpoint", truth_CL[:, -1].max())):
        printed, fitted = (row(tables["layer_gains"], **curve, rule=rule, against=against) for rule in (AS_PRINTED, CROSS_FITTED))
        assert printed["value"] == pytest.approx(best - last, abs=0.025) and fitted["value"] == pytest.approx(best - last, abs=0.025)
        assert fitted["low"] < best - last < fitted["high"]
