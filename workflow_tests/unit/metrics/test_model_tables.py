"""What figures, tables and claims read of a run, on one whose true values are known."""

import argparse
from dataclasses import replace

import pandas as pd
import pytest
from planted_tables import planted_facts, planted_model_tables

from xlprobe.artifacts.tables import write_table
from xlprobe.metrics.correlations import IN_LANGUAGE, TRANSFER
from xlprobe.metrics.model_tables import ModelFacts, ModelTables


@pytest.fixture(scope="module")
def tables(planted_results):
    return planted_model_tables(planted_results)


def test_curves_in_language_are_of_the_runs_protocol_and_named_by_language(tables):
    best = tables.curves("best", "pos", IN_LANGUAGE)
    assert {*best["protocol"]} == {"paper"} and (best["source"] == best["target"]).all()
    # German has two treebanks, which are told apart.
    assert {*best["language"]} == {"en", "de (de_gsd)", "de (de_hdt)", "fi", "hi", "ug"}
    assert {*tables.curves("best", "pos", IN_LANGUAGE, "converged")["source"]} == {"en_ewt"}


def test_scores_are_means_over_seeds_on_test_after_step_0(tables):
    scores = tables.curves("scores", "pos", IN_LANGUAGE)
    assert (
        {*scores["split"]} == {"test"} and scores["seed"].isna().all() and {*scores["model"]} == {"base"} and scores["step"].min() == 5000
    )
    bits = tables.curves("scores", "bpc", IN_LANGUAGE)
    assert {*bits["split"]} == {"valid"} and {*bits["metric"]} == {"bits_per_character"}


def test_relative_performance_is_1_at_best_whatever_the_direction(tables):
    english = tables.relative("pos", IN_LANGUAGE).query("source == 'en_ewt'").set_index("step")["relative"]
    assert english.idxmax() == 40000 and english.max() == 1 and english[100000] == pytest.approx(0.80 / 0.92, abs=0.01)
    german = tables.relative("bpc", IN_LANGUAGE).query("source == 'de'").set_index("step")["relative"]
    assert german.max() == 1 and german[5000] == pytest.approx(1.1 / 3, abs=0.02) and german[100000] == pytest.approx(1.1 / 1.5, abs=0.02)


def test_the_grid_holds_languages_that_are_source_and_target(tables):
    final = tables.curves("best", "pos", TRANSFER).query("rule == 'final checkpoint'")
    grid = tables.grid(final)
    # Uyghur has no parallel set. Relatives stand beside each other: Finnish is no relative of the others.
    assert [*grid.index] == [*grid.columns] == ["de", "en", "hi", "fi"]
    assert grid.loc["en", "fi"] == pytest.approx(0.53, abs=0.03) and grid.loc["fi", "en"] == pytest.approx(0.49, abs=0.03)
    # Of German's two treebanks the mean.
    assert grid.loc["de", "en"] == pytest.approx((0.60 + 0.70) / 2, abs=0.03)
    assert "ug_udt" not in {*tables.in_grid(final)["source"]} and "ug_udt" in {*final["source"]}


def test_the_last_layer_is_that_of_each_curve(tables):
    arcs = tables.last_layer(tables.curves("scores", "arc_classification", IN_LANGUAGE))
    assert {*arcs["layer"]} == {12} and len(arcs) == 20
    assert len(tables.last_layer(tables.curves("scores", "bpc", IN_LANGUAGE))) == 30


def test_of_several_trainings_the_first_one_counts(planted_results):
    paths = sorted((planted_results / "metrics").glob("*.parquet"))
    best = ModelTables.of_files(planted_facts(model="seeded"), paths).curves("best", "pos", IN_LANGUAGE)
    assert {*best["training_seed"]} == {1}


def test_seeds_of_other_models_are_no_seeds_of_this_one(planted_results, tmp_path):
    """Scores are read with those of all models, of which another one may have begun with a lower seed."""
    paths = {path.stem: path for path in (planted_results / "metrics").glob("*.parquet")}
    scores = pd.read_parquet(paths["scores"])
    earlier = scores[scores["model"] == "seeded"].assign(model="earlier", training_seed=0)
    assert len(earlier)
    write_table(pd.concat([scores, earlier]), "scores.schema.yaml", tmp_path / "scores.parquet")
    curves = ModelTables(planted_facts(model="seeded"), {"scores": tmp_path / "scores.parquet"}).curves("scores", "pos", IN_LANGUAGE)
    assert {*curves["training_seed"]} == {1} and {*curves["model"]} == {"seeded"}


def test_both_ends_of_a_pair_in_the_grid_are_source_and_target(tables):
    """Uyghur is a source alone here, and Hindi a target alone."""
    pairs = tables.curves("best", "pos", TRANSFER).query("source_language != 'hi'")
    inside, between = tables.in_grid(pairs), tables.between_languages(pairs)
    assert {*inside["source_language"]} == {*inside["target_language"]} == {*tables.grid(pairs).index} == {"en", "de", "fi"}
    assert not (between["source_language"] == between["target_language"]).any() and 0 < len(between) < len(inside)


def test_a_table_that_the_run_lacks_holds_no_row():
    empty = ModelTables.of_files(planted_facts(), [])
    assert empty.curves("best", "pos", IN_LANGUAGE).empty and empty.curves("scores", "xnli", TRANSFER).empty
    assert empty.grid(empty.curves("best", "pos", TRANSFER)).empty and empty.relative("bpc", IN_LANGUAGE).empty
    assert empty.absent("arc_prediction", TRANSFER) == "no arcs are predicted" and empty.absent("pos", TRANSFER) is None


def test_both_scripts_of_chinese_are_one_language_but_of_bits(planted_results, tmp_path):
    best = pd.read_parquet(planted_results / "metrics" / "best.parquet")
    chinese = {"en": "zh-Hant", "hi": "zh-Hans"}
    renamed = best.replace({"source_language": chinese, "target_language": chinese})
    tables = ModelTables(planted_facts(), {}, {"best": renamed[renamed["model"] == "base"]})
    assert {*tables.curves("best", "pos", IN_LANGUAGE)["language"]} >= {"zh (en_ewt)", "zh (hi_hdtb)"}
    assert {*tables.curves("best", "bpc", IN_LANGUAGE)["language"]} == {"zh-Hant", "de", "zh-Hans"}
    assert {*tables.curves("best", "xnli", IN_LANGUAGE)["language"]} == {"zh", "de"}


def test_facts_come_as_json():
    facts = planted_facts()
    assert ModelFacts.of_json(pd.io.json.ujson_dumps(vars(facts))) == replace(facts, steps=[*facts.steps])
    with pytest.raises(argparse.ArgumentTypeError, match="missing 6 required keyword-only arguments: 'steps'"):
        ModelFacts.of_json('{"model": "base"}')
