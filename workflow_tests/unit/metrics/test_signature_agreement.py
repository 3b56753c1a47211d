"""Whether signatures and probes agree, on planted curves whose answers are known."""

import numpy as np
import pandas as pd
import pytest
from planted_trajectories import PER_STEP, STEPS, compared, forgetting, scores, signatures, table_of

from xlprobe.artifacts.tables import read_of_schema, write_table
from xlprobe.metrics.signature_agreement import agreement_rows, compare_with_probes, direction_of, read_curve
from xlprobe.statistics.correlation import rank_interval

# Learned at 300, where .96 of the best is reached, and at 500; the latter forgets a tenth in the end.
EARLY, LATE = (0.4, 0.6, 0.96, 0.98, 0.99, 1.0), (0.4, 0.5, 0.6, 0.7, 1.0, 0.9)
FLAT = (0.97, 0.98, 0.99, 1.0, 0.98, 0.97)


def of_language(table, language, **place):
    (row,) = chosen(table, compared="curves", language=language, **place).to_dict("records")
    return row


def chosen(table, **place):
    for name, value in place.items():
        table = table[table[name] == value]
    return table


def test_a_language_that_both_learn_at_once():
    """EARLY, and twice of it: both come to 95 % at the third step, lose nothing, and rise alike, as 1 of 6! orders does, and its mirror."""
    _, table = compared(signatures({"fi": [2 * value for value in EARLY]}), scores({"fi": EARLY}), forgetting({"fi": False}))
    row = of_language(table, "fi")
    assert row["n"] == 6 and (row["first_step"], row["last_step"]) == (100, 600) and row["sets"] == "fi_ud"
    assert row["rho"] == pytest.approx(1) and row["permutation_p"] == row["smallest_p"] == pytest.approx(2 / 720)
    assert np.isnan(row["low"]) and not row["n_too_small"]
    assert row["signature_direction"] == "rises" and row["signature_step"] == row["probe_step"] == 300
    assert row["step_difference"] == row["checkpoints_apart"] == 0 and row["agrees_on_learning"] is True
    assert row["signature_loss"] == row["probe_loss"] == 0 and row["agrees_on_forgetting"] is True
    assert pd.isna(row["reason"])


def test_a_language_on_which_they_disagree():
    """Joined at 500, learned at 300: two checkpoints apart. The signature loses a tenth, above .05; the probes forget nothing.

    Ranks 1 2 3 4 6 5 and 1 to 6: differences of 1 twice, rho = 1 - 6 * 2 / (6 * 35).
    """
    _, table = compared(signatures({"fi": LATE}), scores({"fi": EARLY}), forgetting({"fi": False}))
    row = of_language(table, "fi")
    assert row["rho"] == pytest.approx(1 - 12 / 210) and (row["low"], row["high"]) == pytest.approx(rank_interval(1 - 12 / 210, 6))
    assert (row["signature_step"], row["probe_step"]) == (500, 300)
    assert (row["step_difference"], row["checkpoints_apart"]) == (200, 2) and row["agrees_on_learning"] is False
    assert row["signature_loss"] == pytest.approx(0.1) and row["signature_forgets"] is True
    assert row["probe_forgets"] is False and row["agrees_on_forgetting"] is False


def test_neighbouring_checkpoints_agree():
    """At 400 and at 300."""
    later = (0.4, 0.6, 0.94, 0.98, 0.99, 1.0)
    row = of_language(compared(signatures({"fi": later}), scores({"fi": EARLY}))[1], "fi")
    assert (row["checkpoints_apart"], row["agrees_on_learning"]) == (1, True)


def test_a_signature_that_falls_is_read_as_bits_are():
    """From .5 to .2: best / value is .4, .5, .8, .96, 1 and .2 / .25 = .8, a loss of a fifth."""
    row = of_language(compared(signatures({"fi": (0.5, 0.4, 0.25, 0.2083, 0.2, 0.25)}), scores({"fi": EARLY}))[1], "fi")
    assert row["signature_direction"] == "falls" and row["signature_step"] == 400
    assert row["signature_loss"] == pytest.approx(0.2) and row["signature_forgets"] is True


def test_step_0_is_no_checkpoint():
    """It would be best."""
    steps = (0, *STEPS)
    trajectories, table = compared(signatures({"fi": (9.0, *EARLY)}, steps), scores({"fi": (9.0, *EARLY)}, steps=steps))
    assert 0 not in {*trajectories["step"]} and of_language(table, "fi")["signature_step"] == 300


def test_a_curve_that_hardly_moves_names_no_step():
    row = of_language(compared(signatures({"fi": EARLY}), scores({"fi": FLAT}))[1], "fi")
    assert pd.isna(row["probe_step"]) and row["signature_step"] == 300 and pd.isna(row["agrees_on_learning"])
    assert "the score stays within 95 % of its best: learned before the first step, or never" in row["reason"]
    assert row["probe_loss"] == pytest.approx(0.03)


def test_values_of_0_or_below_have_no_share():
    row = of_language(
        compared(signatures({"fi": (-0.1, 0.1, 0.2, 0.3, 0.4, 0.5)}), scores({"fi": EARLY}), forgetting({"fi": False}))[1], "fi"
    )
    assert pd.isna(row["signature_step"]) and pd.isna(row["signature_forgets"]) and pd.isna(row["agrees_on_forgetting"])
    assert row["rho"] == pytest.approx(1) and "the signature is 0 or below at a step" in row["reason"]


@pytest.mark.parametrize(
    ("lost", "said"),
    [
        (None, "whether probes forget is not measured here"),
        (forgetting({"en": True}), "whether probes forget is tested at their last layer"),
        (forgetting({"fi": None}), "whether probes forget is not known: fewer than six steps"),
        (
            pd.concat([forgetting({"fi": True}), forgetting({"fi": False}, source="fi_other", target="fi_other")]),
            "test sets differ in whether probes forget",
        ),
    ],
)
def test_why_it_is_not_known_whether_probes_forget(lost, said):
    row = of_language(compared(signatures({"fi": EARLY}), scores({"fi": EARLY}), lost)[1], "fi")
    assert pd.isna(row["probe_forgets"]) and pd.isna(row["agrees_on_forgetting"]) and said in row["reason"]


@pytest.mark.parametrize(
    "other", [{"protocol": "converged"}, {"model": "other"}, {"rule": "as printed"}, {"target": "fi_pud"}, {"task": "xnli"}]
)
def test_forgetting_of_other_probes_does_not_count(other):
    lost = pd.concat([forgetting({"fi": False}), forgetting({"fi": True}, **other)])
    row = of_language(compared(signatures({"fi": EARLY}), scores({"fi": EARLY}), lost)[1], "fi")
    assert row["probe_forgets"] is False and row["probe_loss_cross_fitted"] == 0


def test_so_few_steps_support_no_claim():
    """Of three steps 2 of 6 orders have an |rho| of 1; of two there is none."""
    for count, n_too_small in ((2, True), (3, True), (5, False)):
        steps = STEPS[:count]
        _, table = compared(signatures({"fi": EARLY[:count]}, steps), scores({"fi": EARLY[:count]}, steps=steps))
        row = of_language(table, "fi")
        assert row["n"] == count and row["n_too_small"] is n_too_small
        assert pd.isna(row["rho"]) == (count == 2)
    assert of_language(compared(signatures({"fi": EARLY[:2]}, STEPS[:2]), scores({"fi": EARLY[:2]}, steps=STEPS[:2]))[1], "fi")["n"] == 2


def test_one_step_is_no_curve():
    assert all(table.empty for table in compared(signatures({"fi": EARLY[:1]}, STEPS[:1]), scores({"fi": EARLY})))


def test_steps_that_one_method_lacks_do_not_count():
    """Scores at four of six steps, signatures at five."""
    trajectories, table = compared(signatures({"fi": (None, *EARLY[1:])}), scores({"fi": EARLY[:4]}, steps=STEPS[:4]))
    assert of_language(table, "fi")["n"] == 3
    reasons = trajectories.set_index("step")["reason"]
    assert reasons[100] == "23 instances, fewer than 100" and reasons[600] == "no probes are scored at this step" and pd.isna(reasons[200])


def test_a_language_without_signatures_says_why():
    row = of_language(compared(signatures({"fi": [None] * 6}), scores({"fi": EARLY}))[1], "fi")
    assert row["n"] == 0 and row["n_too_small"] and row["reason"].startswith("23 instances, fewer than 100; n = 0")


def test_who_is_not_probed_or_romanised_has_no_row():
    found = compared(signatures({"fi": EARLY, "en": EARLY, "ja": EARLY}), scores({"fi": EARLY, "ja": EARLY}), romanised={"main": ["ja"]})
    assert all({*table["language"].dropna()} == {"fi"} for table in found)


@pytest.mark.parametrize("other", [{"model": "xlmr_2"}, {"training_seed": 3}, {"protocol": "converged"}, {"seed": 1}, {"split": "dev"}])
def test_scores_of_another_model_training_protocol_or_split_are_not_taken(other):
    """Of these there would be other curves."""
    others = scores({"fi": LATE}, **other)
    assert compared(signatures({"fi": EARLY}), others)[1].empty
    assert of_language(compared(signatures({"fi": EARLY}), pd.concat([scores({"fi": EARLY}), others]))[1], "fi")["probe_step"] == 300


def test_several_trainings_are_held_against_their_own_probes():
    of_seeds = {1: EARLY, 2: LATE}
    found = pd.concat([scores({"fi": curve}, training_seed=seed) for seed, curve in of_seeds.items()])
    compared_with = pd.concat([signatures({"fi": EARLY}, training_seed=seed) for seed in of_seeds])
    _, table = compared(compared_with, found)
    steps = chosen(table, compared="curves").set_index("training_seed")["probe_step"].to_dict()
    assert steps == {1: 300, 2: 500}


def test_transfer_does_not_count_and_treebanks_of_a_language_are_one():
    transfer = scores({"fi": LATE}, target="fi_pud")
    second = scores({"fi": LATE}, source="fi_two", target="fi_two")
    trajectories, _ = compared(signatures({"fi": EARLY}), pd.concat([scores({"fi": EARLY}), transfer, second]))
    assert {*trajectories["sets"]} == {"fi_two fi_ud"}
    assert trajectories["score"].tolist() == pytest.approx([(one + other) / 2 for one, other in zip(EARLY, LATE, strict=True)])


def test_layers_are_the_last_that_both_have_and_the_middle_one():
    """Signatures at 0 to 4, probes of one language at 0 to 3, of another at 3 alone."""
    found = pd.concat([scores({"fi": EARLY}, layers=range(4)), scores({"en": EARLY}, layers=[3])])
    trajectories, table = compared(signatures({"fi": EARLY, "en": EARLY}, layers=range(5)), found, forgetting({"fi": False, "en": False}))
    places = {*trajectories[["depth", "layer", "language"]].itertuples(index=False, name=None)}
    assert places == {("last", 3, "fi"), ("last", 3, "en"), ("middle", 2, "fi")}
    assert "tested at their last layer" in of_language(table, "fi", depth="middle")["reason"]


def test_both_verdicts_stand_beside_each_other():
    both = pd.concat([signatures({"fi": EARLY}), signatures({"fi": LATE}, **PER_STEP), signatures({"fi": LATE}, scale="raw")])
    _, table = compared(both, scores({"fi": EARLY}))
    steps = chosen(table, compared="curves").set_index(["fit", "scale"])["signature_step"].to_dict()
    assert steps == {("over_steps", "standardised"): 300, ("per_layer", "raw"): 500}


AT = {step: [0.5] * place + [1.0] * (6 - place) for place, step in enumerate(STEPS)}


def test_over_languages():
    """Joined at 200 300 400 500, learned at 200 300 400 200: the last one alone disagrees.

    Ranks 1 2 3 4 and 1.5 3 4 1.5: centred -1.5 -.5 .5 1.5 and -1 .5 1.5 -1; products 1.5 - .25 + .75 - 1.5 = .5; squares 5 and 4.5.
    Of other languages' probes, each signature meets so many at a step or its neighbour: 2 (300, 200), 3, 1 (300), 1 (400): 7 of 12.
    """
    joined, learned = dict(zip("abcd", (200, 300, 400, 500), strict=True)), dict(zip("abcd", (200, 300, 400, 200), strict=True))
    of_probes = scores({code: AT[step] for code, step in learned.items()})
    lost = forgetting({"a": False, "b": True, "c": False, "d": None})
    _, table = compared(signatures({code: AT[step] for code, step in joined.items()}), of_probes, lost)
    (row,) = chosen(table, compared="learning steps").to_dict("records")
    assert pd.isna(row["language"]) and row["n"] == 4 and row["rho"] == pytest.approx(0.5 / (5 * 4.5) ** 0.5)
    assert (row["asked"], row["agreeing"], row["disagreeing"]) == (4, 3, "d")
    assert row["agreeing_by_chance"] == pytest.approx(4 * 7 / 12) and row["n_too_small"]
    (row,) = chosen(table, compared="losses").to_dict("records")
    # No signature forgets, and the probes of b. Of others' probes, those that do not are met 1, 2 and 1 times: 4 of 6.
    assert (row["asked"], row["agreeing"], row["disagreeing"]) == (3, 2, "b")
    assert row["agreeing_by_chance"] == pytest.approx(3 * 4 / 6)
    assert pd.isna(row["rho"]) and "the same at all 4 languages" in row["reason"]


def test_losses_over_languages():
    """Losses of 0, .1, .2, .3 and 0, .1, .3, .2: ranks 1 2 3 4 and 1 2 4 3, rho = 1 - 6 * 2 / (4 * 15)."""
    ends = {"a": (1.0, 1.0), "b": (0.9, 0.9), "c": (0.8, 0.7), "d": (0.7, 0.8)}
    of_signatures = signatures({code: [*AT[200][:5], end] for code, (end, _) in ends.items()})
    _, table = compared(of_signatures, scores({code: [*AT[200][:5], end] for code, (_, end) in ends.items()}))
    (row,) = chosen(table, compared="losses").to_dict("records")
    assert row["rho"] == pytest.approx(0.8) and row["n"] == 4


def test_one_language_has_no_chance_and_no_correlation():
    _, table = compared(signatures({"fi": EARLY}), scores({"fi": EARLY}))
    (row,) = chosen(table, compared="learning steps").to_dict("records")
    assert (
        row["agreeing"] == row["asked"] == 1
        and pd.isna(row["agreeing_by_chance"])
        and row["reason"] == "n = 1: a correlation needs 3 languages"
    )


def test_curves_by_hand():
    assert direction_of(np.array([0.2, 0.2])) == "higher"
    assert read_curve([1, 2], np.array([0.0, 1.0]), "higher", "it").loss is None
    assert read_curve([1, 2, 3], np.array([4.0, 2.0, 2.5]), "lower", "it").step == 2


def test_without_anything_there_are_no_rows():
    assert [*agreement_rows(pd.DataFrame([]), {}, None)] == []


def test_files(tmp_path):
    tables = {"signatures": signatures({"fi": EARLY}), "scores": scores({"fi": EARLY}), "forgetting": forgetting({"fi": False})}
    paths = {name: tmp_path / f"{name}.parquet" for name in (*tables, "trajectories", "agreement")}
    for name, table in tables.items():
        write_table(table, f"{name}.schema.yaml", paths[name])
    for asked in (paths, {name: path for name, path in paths.items() if name != "forgetting"}):
        compare_with_probes(**asked, tasks=["pos", "xnli"], protocol="paper", romanised={})
        agreement = read_of_schema(paths["agreement"], "signature_agreement.schema.yaml")
        assert agreement["compared"].tolist() == ["curves", "learning steps", "losses"]
        assert pd.isna(agreement["probe_forgets"].iloc[0]) == ("forgetting" not in asked)
    assert len(read_of_schema(paths["trajectories"], "signature_trajectories.schema.yaml")) == 6
    write_table(table_of([], "scores.schema.yaml"), "scores.schema.yaml", paths["scores"])
    compare_with_probes(**paths, tasks=["pos"], protocol="paper", romanised={})
    assert read_of_schema(paths["agreement"], "signature_agreement.schema.yaml").empty
