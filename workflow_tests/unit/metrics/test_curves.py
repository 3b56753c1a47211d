from dataclasses import replace

import pandas as pd
import pytest
from score_tables import FACTS, example_scores, scores_of, with_intervals

from xlprobe.metrics.curves import (
    SUMMARY,
    Dataset,
    Scores,
    alignment_curves,
    best_layers,
    dev_means,
    last_transfer,
    layer_means,
    layer_sweeps,
    learning_curves,
    split_curves,
    transfer_curves,
    word_group_curves,
)
from xlprobe.tasks.declaration import load_task


@pytest.fixture
def table():
    return example_scores()


@pytest.fixture
def scores(table):
    return scores_of(table, "pos")


def test_the_best_layer_is_chosen_on_dev_and_reported_on_test(scores):
    table = learning_curves(scores)
    table = table[table["dataset"] == "en_ewt"].set_index(["curve", "step"])
    assert table.loc[("best layer", 0), ["layer", "mean", "least", "most"]].tolist() == [0, pytest.approx(0.5), 0.4, 0.6]
    assert table.loc[("best layer", 10), ["layer", "mean", "least", "most"]].tolist() == [1, pytest.approx(0.8), 0.75, 0.85]
    assert table.loc[("last layer", 0), "mean"] == pytest.approx(0.9)
    assert set(table["word_type"]) == {0.6} and set(table["majority"]) == {0.2}


def test_alignments_stand_beside_the_diagonal(table):
    curves = alignment_curves(scores_of(with_intervals(table), "alignment")).set_index(["dataset", "step", "layer"])
    row = curves.loc[("align_en_de", 10, 1), ["mean", "low", "high", "diagonal"]]
    assert row.to_list() == [*map(pytest.approx, (0.7, 0.2, 0.8)), 0.3] and len(curves) == 4


def test_the_heatmaps_table_is_the_mean_over_seeds_on_test(scores):
    table = layer_means(scores)
    assert len(table) == 3 * 4
    cell = table[(table["dataset"] == "tr_imst") & (table["layer"] == 1) & (table["step"] == 10)]
    assert cell["mean"].tolist() == [pytest.approx(0.8)]


def test_the_heatmap_leaves_out_what_is_measured_at_one_layer_unless_all_is(table):
    in_language = table["source"] == table["target"]
    swept = layer_sweeps(scores_of(table[~in_language | (table["source"] == "tr_imst") | (table["layer"] != 0)], "pos"))
    assert set(swept["dataset"]) == {"tr_imst"} and len(swept) == 4
    last = layer_sweeps(scores_of(table[~in_language | (table["layer"] != 0)], "pos"))
    assert len(set(last["dataset"])) == 3 and set(last["layer"]) == {1}


def test_groups_of_words_are_scored_at_the_best_layer_beside_their_own_baseline(scores):
    table = word_group_curves(scores).set_index(["dataset", "group", "step"])
    row = table.loc[("en_ewt", "unseen", 10)]
    assert row[["layer", "mean", "least", "most", "words", "word_type"]].tolist() == [1, *map(pytest.approx, (0.6, 0.55, 0.65, 10, 0.3))]


def test_transfer_is_grouped_by_relation_at_the_sources_best_layer(scores):
    table = transfer_curves(scores).set_index(["relation", "step"])
    # English to itself; English to German; Turkish and Chinese to both.
    columns = ["mean", "least", "most", "pairs"]
    assert table.loc[("the same language", 10), columns].tolist() == [*map(pytest.approx, (0.4, 0.375, 0.425)), 1]
    assert table.loc[("another of the family", 0), columns].tolist() == [*map(pytest.approx, (0.125, 0.1, 0.15)), 1]
    assert table.loc[("another family", 10), ["mean", "pairs"]].tolist() == [pytest.approx(0.8 * 0.375), 4]
    matrix = last_transfer(scores).set_index(["source", "target"])
    assert len(matrix) == 6 and matrix.loc[("tr_imst", "de_pud"), "mean"] == pytest.approx(0.2) and set(matrix["step"]) == {10}


def test_curves_have_the_interval_of_the_mean_over_seeds_and_what_the_seeds_span(table):
    """Of layer 0, which is best on dev at step 0, it is from 0.1 to 0.9; of layer 1, best at step 10, from 0.2 to 0.8."""
    table = with_intervals(table)
    # A single seed's own, which is another one.
    table.loc[table["seed"].notna(), ["low", "high"]] = 0.0, 1.0
    scores = scores_of(table, "pos")
    best = learning_curves(scores).set_index(["dataset", "curve", "step"])
    assert best.loc[("tr_imst", "best layer", 0), [*SUMMARY]].to_list() == [*map(pytest.approx, (0.5, 0.1, 0.9, 0.4, 0.6))]
    assert best.loc[("tr_imst", "best layer", 10), [*SUMMARY]].to_list() == [*map(pytest.approx, (0.8, 0.2, 0.8, 0.75, 0.85))]
    unseen = word_group_curves(scores).set_index(["dataset", "group", "step"]).loc[("en_ewt", "unseen", 10), [*SUMMARY]]
    assert unseen.to_list() == [*map(pytest.approx, (0.6, 0.2, 0.8, 0.55, 0.65))]
    swept = layer_means(scores).set_index(["dataset", "layer", "step"]).loc[("en_ewt", 1, 10), [*SUMMARY]]
    assert swept.to_list() == [*map(pytest.approx, (0.8, 0.2, 0.8, 0.75, 0.85))]


def test_of_several_trainings_a_curve_has_the_ends_of_all_their_intervals(table):
    first = with_intervals(table).assign(training_seed=1)
    second = first.assign(training_seed=2, value=first["value"] + 0.1, low=first["low"] + 0.1, high=first["high"] + 0.1)
    trained = pd.concat([first, second])
    made = learning_curves(scores_of(trained[trained["step"].notna()], "pos")).set_index(["dataset", "curve", "step"])
    assert made.loc[("en_ewt", "best layer", 10), [*SUMMARY]].to_list() == [*map(pytest.approx, (0.85, 0.2, 0.9, 0.75, 0.95))]


def test_a_run_without_intervals_has_curves_without_them(scores):
    for made in (learning_curves(scores), word_group_curves(scores), transfer_curves(scores), last_transfer(scores), layer_means(scores)):
        assert made[["low", "high"]].isna().all(axis=None) and made[["least", "most"]].notna().all(axis=None)


def test_transfers_interval_and_baselines_are_means_over_sources_and_then_targets(table):
    """To other families are Turkish and Chinese on English, and Chinese on German; Turkish on German is not measured."""
    measured = with_intervals(table[(table["source"] != "tr_imst") | (table["target"] != "de_pud")])

    def of(source, target, interval, baselines):
        pair = (measured["source"] == source) & (measured["target"] == target)
        measured.loc[pair & measured["step"].notna() & measured["seed"].isna(), ["low", "high"]] = interval
        for name, value in zip(("majority", "word_type"), baselines, strict=True):
            measured.loc[pair & (measured["model"] == name), "value"] = value

    of("tr_imst", "en_pud", (0.1, 0.5), (0.1, 0.2))
    of("zh_gsd", "en_pud", (0.3, 0.7), (0.3, 0.4))
    of("zh_gsd", "de_pud", (0.4, 0.6), (0.4, 0.5))
    row = transfer_curves(scores_of(measured, "pos")).set_index(["relation", "step"]).loc[("another family", 10)]
    # Pair by pair they would be 0.267, 0.6, 0.267, 0.367.
    columns = ["low", "high", "majority", "word_type", "pairs"]
    assert row[columns].to_list() == [*map(pytest.approx, (0.3, 0.6, 0.3, 0.4)), 3]
    matrix = last_transfer(scores_of(measured, "pos")).set_index(["source", "target"])
    assert matrix.loc[("tr_imst", "en_pud"), columns[:4]].to_list() == [0.1, 0.5, 0.1, 0.2]


def test_a_task_without_a_baseline_of_forms_has_none_in_transfer(table):
    made = transfer_curves(scores_of(table, "xnli"))
    assert made["word_type"].isna().all() and sorted(set(made["majority"])) == pytest.approx([0.05, 0.075, 0.1])
    of_models = table[table["step"].notna()]
    assert transfer_curves(scores_of(of_models, "pos"))[["majority", "word_type"]].isna().all(axis=None)


def test_transfer_is_shown_at_the_best_layer_of_those_that_both_are_measured_at(table):
    """Of English, layer 1 is the best at step 10; where German is measured at layer 0 alone, that is taken."""
    elsewhere = (table["target"] == "de_pud") & (table["layer"] == 1)
    matrix = last_transfer(scores_of(table[~elsewhere], "pos")).set_index(["source", "target"])["layer"]
    assert (matrix["en_ewt", "de_pud"], matrix["en_ewt", "en_pud"]) == (0, 1) and len(matrix) == 6


def test_baselines_are_those_in_language(table):
    """A model that bears a baseline's name is none."""
    own = table[table["model"] == "m"].assign(model="majority", value=0.7)
    made = learning_curves(scores_of(pd.concat([table, own]), "pos"))
    assert set(made["majority"]) == {0.2} and set(made["word_type"]) == {0.6}
    groups = word_group_curves(scores_of(pd.concat([table, own.assign(model="word_type")]), "pos"))
    assert set(groups["word_type"]) == {0.5, 0.3}


@pytest.mark.parametrize(
    ("task", "metric"), [("pos", "accuracy"), ("pos", "accuracy_unseen"), ("bpc", "bits_per_character"), ("alignment", "f1")]
)
def test_what_is_measured_by_another_protocol_beside_it_changes_nothing(table, task, metric):
    """Every curve and figure reads scores through `of_task`."""
    other = table[table["step"].notna()].assign(protocol="converged", value=0.99)
    mixed = scores_of(pd.concat([other, table]), task)
    pd.testing.assert_frame_equal(mixed.of_task(metric), scores_of(table, task).of_task(metric))
    assert 0.99 in set(replace(mixed, protocol="converged").of_task(metric)["value"])


def test_sets_as_published_stand_in_the_matrix_and_not_twice_in_means(table):
    """English and Turkish in one form, Turkish as published, too, transferred within their forms."""
    chosen = table[(table["task"] == "xnli") & table["seed"].notna()].assign(text_form="tokenized")
    own = chosen[chosen["source"] == chosen["target"]]
    first, second = sorted(own["source"].unique())[:2]
    across = [
        own[(own["source"] == source) & (own["split"] == "test")].assign(target=f"{target}_test", value=value)
        for source, target, value in ((first, first, 0.6), (first, second, 0.4), (second, first, 0.5), (second, second, 0.7))
    ]
    published = own[own["source"] == second].assign(source="p", target="p", text_form="published")
    across.append(published[published["split"] == "test"].assign(target="p_test", value=0.9))
    facts = {name: Dataset(**FACTS[name]) for name in (first, second)}
    facts |= {f"{name}_test": facts[name] for name in (first, second)} | {"p": facts[second], "p_test": facts[second]}
    scores = Scores(pd.concat([own, published, *across]), "m", load_task("xnli"), facts, "paper")
    curve = transfer_curves(scores).set_index("relation")
    assert curve.loc["the same language", "mean"].to_list() == pytest.approx([0.65, 0.65])
    assert set(curve.loc["the same language", "pairs"]) == {2}
    matrix = last_transfer(scores)
    assert matrix.set_index(["source", "target"])["mean"]["p", "p_test"] == 0.9 and len(matrix) == 5
    # Where there are no others, they count.
    alone = transfer_curves(replace(scores, table=scores.table[scores.table["text_form"] == "published"]))
    assert alone["mean"].to_list() == pytest.approx([0.9, 0.9]) and set(alone["pairs"]) == {1}


def test_scores_of_the_model_itself_are_means_over_its_trainings(table):
    several = pd.concat([table.assign(training_seed=seed, value=table["value"] + seed, low=seed, high=9.0) for seed in (0, 1)])
    made = split_curves(scores_of(pd.concat([several, several.assign(model="other", value=7.0)]), "bpc"))
    row = made.set_index(["dataset", "split", "step"]).loc[("en", "valid", 10), [*SUMMARY]]
    assert len(made) == 6 and row.to_list() == [2.0, 0.0, 9.0, 1.5, 2.5]


def test_layers_are_as_good_as_their_mean_on_dev_over_seeds(scores):
    means = dev_means(scores)
    assert means["en_ewt", 0, 0] == pytest.approx(0.6) and means["en_ewt", 10, 1] == pytest.approx(0.8) and len(means) == 3 * 4


def test_a_dataset_without_test_examples_has_no_curve_and_the_others_have(table):
    untested = (table["source"] == "en_ewt") & (table["split"] == "test")
    assert set(learning_curves(scores_of(table[~untested], "pos"))["dataset"]) == {"tr_imst", "zh_gsd"}


def test_alignment_is_shown_layer_by_layer(table):
    curves = layer_means(scores_of(table, "alignment")).set_index(["dataset", "layer", "step"])["mean"]
    assert len(curves) == 4 and curves["align_en_de", 1, 10] == pytest.approx(0.7)


def test_where_lower_is_better_the_best_layer_is_the_lowest(scores):
    lower = replace(scores, task=replace(scores.task, direction="lower"))
    assert (best_layers(scores)["en_ewt", 10], best_layers(lower)["en_ewt", 10]) == (1, 0)
