import re
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from xlprobe.artifacts.tables import conform, seal, write_table
from xlprobe.figures.declaration import draw, load_figure
from xlprobe.figures.drawing import STYLE
from xlprobe.figures.layer_by_step import layer_by_step_table
from xlprobe.figures.learning_curve import learning_curve_table, plot_learning_curves
from xlprobe.figures.scores import Dataset, Scores
from xlprobe.figures.transfer_curve import transfer_curve_table
from xlprobe.figures.transfer_matrix import plot_transfer_matrix, transfer_matrix_table
from xlprobe.figures.word_groups import word_groups_table
from xlprobe.metrics.joining import join_tables
from xlprobe.paths import PROJECT
from xlprobe.tasks.declaration import load_probe_task, load_task

DATASETS = ["en_ewt", "tr_imst", "zh_gsd"]
FACTS = {
    "en_ewt": {"title": "English (en_ewt)", "language": "en", "family": "Indo-European"},
    "tr_imst": {"title": "Turkish (tr_imst)", "language": "tr", "family": "Turkic"},
    "zh_gsd": {"title": "Chinese (zh_gsd)", "language": "zh", "family": "Sino-Tibetan"},
    "en_pud": {"title": "English (en_pud)", "language": "en", "family": "Indo-European"},
    "de_pud": {"title": "German (de_pud)", "language": "de", "family": "Indo-European"},
    "en": {"title": "English", "language": "en", "family": "Indo-European"},
    "tr": {"title": "Turkish", "language": "tr", "family": "Turkic"},
    "align_en_de": {"title": "English - German", "language": "en-de", "family": "Indo-European"},
}
TASKS = ["pos", "arc_prediction", "arc_classification", "number", "xnli"]
LEARNED = {"hypothesis_only": 0.45, "word_overlap": 0.35}
KINDS = ["learning_curve", "layer_by_step", "word_groups", "transfer_curve", "transfer_matrix"]

SHOWN = [(task, kind) for task in TASKS for kind in KINDS if kind != "word_groups" or load_probe_task(task).data == "words"]
SHOWN += [("alignment", "layer_curves"), ("bpc", "language_curves")]


@pytest.fixture
def table():
    """Two steps, two layers, two seeds; on dev layer 0 is best at step 0, layer 1 at step 10."""
    rows = []
    for dataset in DATASETS:
        for step, layer, split, values in (
            (0, 0, "dev", (0.5, 0.7)),
            (0, 1, "dev", (0.5, 0.5)),
            (0, 0, "test", (0.4, 0.6)),
            (0, 1, "test", (0.9, 0.9)),
            (10, 0, "dev", (0.6, 0.6)),
            (10, 1, "dev", (0.8, 0.8)),
            (10, 0, "test", (0.7, 0.7)),
            (10, 1, "test", (0.75, 0.85)),
        ):
            for seed, value in enumerate(values):
                rows.append(("m", step, layer, "pos", dataset, dataset, split, seed, "accuracy", value, 100))
                rows += [
                    ("m", step, layer, "pos", dataset, dataset, split, seed, f"accuracy_{group}", value - less, n)
                    for group, less, n in (("ambiguous", 0.1, 40), ("unseen", 0.2, 10))
                ]
                # Transfer: half the score to English's parallel set, less to German's.
                rows += [
                    ("m", step, layer, "pos", dataset, target, "test", seed, "accuracy", value * share, 100)
                    for target, share in (("en_pud", 0.5), ("de_pud", 0.25))
                    if split == "test"
                ]
        for metric, value in (("accuracy", 0.6), ("accuracy_ambiguous", 0.5), ("accuracy_unseen", 0.3)):
            rows.append(("majority", None, None, "pos", dataset, dataset, "test", None, metric, 0.2, 100))
            rows.append(("word_type", None, None, "pos", dataset, dataset, "test", None, metric, value, 100))
    rows += [
        ("m", step, layer, "alignment", "align_en_de", "align_en_de", "test", None, metric, value + layer / 10, 50)
        for step, value in ((0, 0.2), (10, 0.6))
        for layer in (0, 1)
        for metric in ("f1", "aer")
    ]
    rows += [
        ("m", step, None, "bpc", language, language, split, None, "bits_per_character", value + (split == "test"), 50)
        for step, value in ((0, 3.5), (10, 1.5))
        for language, split in (("en", "valid"), ("en", "test"), ("tr", "valid"))
    ]
    columns = ["model", "step", "layer", "task", "source", "target", "split", "seed", "metric", "value", "n"]
    table = pd.DataFrame(rows, columns=columns)
    of_words = table[table["task"] == "pos"]
    of_pairs = of_words[of_words["metric"] == "accuracy"]
    others = [of_words.assign(task="number"), *(of_pairs.assign(task=task) for task in ("arc_prediction", "arc_classification"))]
    # Where sentences are labelled, no form tells, but two baselines of their own.
    of_sentences = of_pairs[of_pairs["model"] != "word_type"]
    learned = [of_pairs[of_pairs["model"] == "word_type"].assign(model=name, value=value) for name, value in LEARNED.items()]
    others += [part.assign(task="xnli") for part in (of_sentences, *learned)]
    # Means stand beside the seeds' rows; a figure that took one for a seed's would be far off.
    means = [part[part["seed"].notna()].assign(seed=None, value=9.0) for part in (table, *others)]
    same = {"training_seed": None, "protocol": None, "text_form": None, "low": None, "high": None}
    return conform(pd.concat([table, *others, *means]).assign(**same), "scores.schema.yaml")


@pytest.fixture
def scores(table):
    return scores_of(table, "pos")


def scores_of(table, task):
    return Scores(table, "m", load_task(task), {name: Dataset(**facts) for name, facts in FACTS.items()})


def test_the_best_layer_is_chosen_on_dev_and_reported_on_test(scores):
    table = learning_curve_table(scores)
    table = table[table["dataset"] == "en_ewt"].set_index(["curve", "step"])
    assert table.loc[("best layer", 0), ["layer", "mean", "low", "high"]].tolist() == [0, pytest.approx(0.5), 0.4, 0.6]
    assert table.loc[("best layer", 10), ["layer", "mean", "low", "high"]].tolist() == [1, pytest.approx(0.8), 0.75, 0.85]
    assert table.loc[("last layer", 0), "mean"] == pytest.approx(0.9)
    assert set(table["word_type"]) == {0.6} and set(table["majority"]) == {0.2}


def test_the_heatmaps_table_is_the_mean_over_seeds_on_test(scores):
    table = scores.by_layer()
    assert len(table) == 3 * 4
    cell = table[(table["dataset"] == "tr_imst") & (table["layer"] == 1) & (table["step"] == 10)]
    assert cell["mean"].tolist() == [pytest.approx(0.8)]


def test_the_heatmap_leaves_out_what_is_measured_at_one_layer_unless_all_is(table):
    in_language = table["source"] == table["target"]
    swept = layer_by_step_table(scores_of(table[~in_language | (table["source"] == "tr_imst") | (table["layer"] != 0)], "pos"))
    assert set(swept["dataset"]) == {"tr_imst"} and len(swept) == 4
    last = layer_by_step_table(scores_of(table[~in_language | (table["layer"] != 0)], "pos"))
    assert len(set(last["dataset"])) == 3 and set(last["layer"]) == {1}


def test_groups_of_words_are_scored_at_the_best_layer_beside_their_own_baseline(scores):
    table = word_groups_table(scores).set_index(["dataset", "group", "step"])
    row = table.loc[("en_ewt", "unseen", 10)]
    assert row[["layer", "mean", "low", "high", "words", "word_type"]].tolist() == [1, *map(pytest.approx, (0.6, 0.55, 0.65, 10, 0.3))]


def test_transfer_is_grouped_by_relation_at_the_sources_best_layer(scores):
    table = transfer_curve_table(scores).set_index(["relation", "step"])
    # English to itself; English to German; Turkish and Chinese to both.
    assert table.loc[("the same language", 10), ["mean", "low", "high", "pairs"]].tolist() == [*map(pytest.approx, (0.4, 0.375, 0.425)), 1]
    assert table.loc[("another of the family", 0), ["mean", "low", "high", "pairs"]].tolist() == [
        *map(pytest.approx, (0.125, 0.1, 0.15)),
        1,
    ]
    assert table.loc[("another family", 10), ["mean", "pairs"]].tolist() == [pytest.approx(0.8 * 0.375), 4]
    matrix = transfer_matrix_table(scores).set_index(["source", "target"])
    assert len(matrix) == 6 and matrix.loc[("tr_imst", "de_pud"), "mean"] == pytest.approx(0.2) and set(matrix["step"]) == {10}


def test_transfer_is_shown_at_the_best_layer_of_those_that_both_are_measured_at(table):
    """Of English, layer 1 is the best at step 10; where German is measured at layer 0 alone, that is taken."""
    elsewhere = (table["target"] == "de_pud") & (table["layer"] == 1)
    matrix = transfer_matrix_table(scores_of(table[~elsewhere], "pos")).set_index(["source", "target"])["layer"]
    assert (matrix["en_ewt", "de_pud"], matrix["en_ewt", "en_pud"]) == (0, 1) and len(matrix) == 6


def test_alignment_is_shown_layer_by_layer(table):
    curves = scores_of(table, "alignment").by_layer().set_index(["dataset", "layer", "step"])["mean"]
    assert len(curves) == 4 and curves["align_en_de", 1, 10] == pytest.approx(0.7)


def test_bits_are_shown_language_by_language_as_they_are(table):
    several = pd.concat([table.assign(training_seed=seed, value=table["value"] + seed, low=seed, high=9.0) for seed in (0, 1)])
    scores = scores_of(several, "bpc")
    made = load_figure("language_curves").table(scores)
    row = made.set_index(["dataset", "split", "step"]).loc[("en", "valid", 10)]
    assert len(made) == 6 and row.tolist() == [2.0, 0.0, 9.0]
    figure = load_figure("language_curves").plot(made, scores)
    assert [axes.get_title() for axes in figure.axes] == ["English", "Turkish"]
    np.testing.assert_allclose(figure.axes[0].lines[0].get_ydata(), [4.0, 2.0])
    plt.close(figure)


# Each kind, of one task: what tasks differ in is drawn below, and inference's own baselines here.
@pytest.mark.parametrize(("task", "kind"), [*(("pos", kind) for kind in KINDS), ("xnli", "learning_curve"), *SHOWN[-2:]])
def test_figures_are_drawn_with_the_table_behind_them_and_twice_the_same(table, tmp_path, task, kind):
    write_table(table, "scores.schema.yaml", tmp_path / "scores.parquet")
    bytes_of = []
    for name in ("a", "b"):
        paths = [tmp_path / f"{name}.{suffix}" for suffix in ("png", "pdf", "csv")]
        draw(kind, tmp_path / "scores.parquet", "m", task, FACTS, *paths)
        bytes_of.append([path.read_bytes() for path in paths])
    assert bytes_of[0] == bytes_of[1]
    assert bytes_of[0][0].startswith(b"\x89PNG") and bytes_of[0][1].startswith(b"%PDF")
    image = plt.imread(tmp_path / "a.png")
    assert image.std() > 0.02 and min(image.shape[:2]) > 300
    made = load_figure(kind).table(scores_of(table, task))
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "a.csv"), made.reset_index(drop=True), check_dtype=False, atol=1e-6)


def test_a_group_that_one_dataset_lacks_stays_in_the_legend(table):
    lacking = table[(table["metric"] != "accuracy_unseen") | (table["source"] != "zh_gsd")]
    scores = scores_of(lacking, "pos")
    figure = load_figure("word_groups").plot(word_groups_table(scores), scores)
    assert {text.get_text() for text in figure.legends[0].texts} >= {"ambiguous words", "unseen words"}
    plt.close(figure)


def drawn(table, folder, task, kind, monkeypatch):
    """The figure that is saved, and the table beside it."""
    write_table(table, "scores.schema.yaml", folder / "scores.parquet")
    saved = []
    monkeypatch.setattr("xlprobe.figures.declaration.save_figure", lambda figure, made, *paths: saved.append((figure, made)))
    draw(kind, folder / "scores.parquet", "m", task, FACTS, *(folder / name for name in ("a.png", "a.pdf", "a.csv")))
    plt.close("all")
    return saved[0]


def words_of(figure):
    return " ".join([figure.get_suptitle(), *(text.get_text() for text in figure.texts)]).replace("\n", " ")


IN_LANGUAGE = {
    "learning_curve": "no test example",
    "layer_by_step": "no test example, or a single layer",
    "word_groups": "no test word that",
}


@pytest.mark.parametrize(("kind", "lacking"), IN_LANGUAGE.items())
def test_a_dataset_without_test_examples_is_left_out_and_said(table, tmp_path, monkeypatch, kind, lacking):
    untested = (table["source"] == "en_ewt") & (table["split"] == "test")
    figure, made = drawn(table[~untested], tmp_path, "pos", kind, monkeypatch)
    assert set(made["dataset"]) == {"tr_imst", "zh_gsd"} and "English" not in " ".join(axes.get_title() for axes in figure.axes)
    assert f"not shown, having {lacking}" in words_of(figure) and figure.get_suptitle().endswith(": en_ewt")
    figure, _ = drawn(table, tmp_path, "pos", kind, monkeypatch)
    assert "not shown" not in words_of(figure)


@pytest.mark.parametrize(
    ("kind", "change"),
    [(kind, lambda table: table[table["split"] != "test"]) for kind in KINDS]
    + [("word_groups", lambda table: table[table["metric"] == "accuracy"])]
    + [(kind, lambda table: table[table["source"] == table["target"]]) for kind in ("transfer_curve", "transfer_matrix")],
)
def test_a_figure_without_anything_to_show_says_so(table, tmp_path, monkeypatch, kind, change):
    """A run is not to end because of one: its other results are whole."""
    figure, made = drawn(change(table), tmp_path, "pos", kind, monkeypatch)
    assert not len(made) and len(made.columns) > 3
    assert re.search("^Part of speech: .* nothing to show: no test", words_of(figure)) and not figure.axes


def test_equal_values_have_equal_colours_in_all_panels(table):
    scores = scores_of(table[(table["step"] != 0) & (table["layer"] != 0)], "pos")
    kind = load_figure("layer_by_step")
    figure = kind.plot(kind.table(scores), scores)
    figure.canvas.draw()
    colours = {tuple(axes.images[0].to_rgba([80.0])[0]) for axes in figure.axes if axes.get_title()}
    assert len(colours) == 1
    plt.close(figure)


def test_one_checkpoint_is_one_mark_on_the_axis(table):
    scores = scores_of(table[table["step"].isna() | (table["step"] == 10)], "pos")
    figure = plot_learning_curves(learning_curve_table(scores), scores)
    figure.canvas.draw()
    assert [label.get_text() for label in figure.axes[0].get_xticklabels()] == ["10"]
    plt.close(figure)


def test_a_source_that_was_not_tested_on_a_target_leaves_a_blank_cell(table):
    kind = load_figure("transfer_matrix")
    scores = scores_of(table[(table["source"] != "en_ewt") | (table["target"] != "de_pud")], "pos")
    figure = kind.plot(kind.table(scores), scores)
    assert sorted(text.get_text() for text in figure.axes[0].texts) == ["20", "20", "40", "40", "40"]
    plt.close(figure)


def test_every_kind_of_figure_has_a_caption():
    kinds = {path.stem for path in (PROJECT / "scripts" / "xlprobe" / "figures").glob("*.py")} - {
        "__init__",
        "declaration",
        "drawing",
        "scores",
    }
    named = set(re.findall(r'^  "(\w+)": "', (PROJECT / "report" / "figure.rst").read_text(), flags=re.M))
    assert named == kinds == {*KINDS, "layer_curves", "language_curves"}


def test_where_lower_is_better_the_best_layer_is_the_lowest(scores):
    lower = replace(scores, task=replace(scores.task, direction="lower"))
    assert (scores.best_layers()["en_ewt", 10], lower.best_layers()["en_ewt", 10]) == (1, 0)


@pytest.mark.parametrize(("task", "kind"), SHOWN)
def test_figures_name_the_task_in_words(table, task, kind):
    scores = scores_of(table, task)
    figure = load_figure(kind)
    with plt.rc_context(STYLE):
        drawn = figure.plot(figure.table(scores), scores)
        drawn.canvas.draw()
    assert drawn.get_suptitle().startswith(scores.task.title) and "_" not in drawn.get_suptitle()
    # It is not cut at the edges, and no legend is.
    (title,) = (text for text in drawn.texts if text.get_text() == drawn.get_suptitle())
    for part in (title, *drawn.legends):
        extent = part.get_window_extent()
        assert extent.x0 >= 0 and extent.x1 <= drawn.bbox.x1, part
    plt.close(drawn)


def test_nli_stands_beside_what_hypotheses_and_overlap_tell(table):
    scores = scores_of(table, "xnli")
    made = learning_curve_table(scores)
    assert made["word_type"].isna().all() and (made["majority"] == 0.2).all() and (made["hypothesis_only"] == 0.45).all()
    figure = plot_learning_curves(made, scores)
    beside = {line.get_label(): set(line.get_ydata()) for line in figure.axes[0].lines if line.get_label().startswith("baseline")}
    assert beside == {"baseline, hypothesis alone": {45.0}, "baseline, word overlap": {35.0}}
    assert figure.axes[0].get_title().endswith("most frequent label: 20.0 %")
    plt.close(figure)


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
    scores = Scores(pd.concat([own, published, *across]), "m", load_task("xnli"), facts)
    curve = transfer_curve_table(scores).set_index("relation")
    assert curve.loc["the same language", "mean"].to_list() == pytest.approx([0.65, 0.65])
    assert set(curve.loc["the same language", "pairs"]) == {2}
    matrix = transfer_matrix_table(scores)
    assert matrix.set_index(["source", "target"])["mean"]["p", "p_test"] == 0.9 and len(matrix) == 5
    figure = plot_transfer_matrix(matrix, scores)
    assert sorted(text.get_text() for text in figure.axes[0].texts) == ["40", "50", "60", "70", "90"]
    plt.close(figure)


def test_a_panel_shows_the_tables_numbers(scores):
    figure = plot_learning_curves(learning_curve_table(scores), scores)
    panels = [axes for axes in figure.axes if axes.get_title()]
    titles = [axes.get_title().split("\n") for axes in panels]
    assert [title for title, _ in titles] == ["English (en_ewt)", "Turkish (tr_imst)", "Chinese (zh_gsd)"]
    assert {baseline for _, baseline in titles} == {"most frequent label: 20.0 %"}
    best = next(line for line in panels[0].lines if line.get_label() == "best layer")
    np.testing.assert_allclose(best.get_ydata(), [50, 80])
    plt.close(figure)


def test_tables_are_held_to_their_schema(table, tmp_path):
    with pytest.raises(ValueError, match="columns differ"):
        conform(table.drop(columns="n"), "scores.schema.yaml")
    with pytest.raises(ValueError, match="column value holds missing values"):
        conform(table.assign(value=np.nan), "scores.schema.yaml")
    for name in ("a", "b"):
        write_table(table, "scores.schema.yaml", tmp_path / name)
    join_tables([tmp_path / "a", tmp_path / "b"], "scores.schema.yaml", tmp_path / "joined")
    joined = pd.read_parquet(tmp_path / "joined")
    assert len(joined) == 2 * len(table) and str(joined["step"].dtype) == "Int64"
    # A column more than the schema has, as the probes' files have their epochs, is left out.
    table.assign(epochs=3).to_parquet(tmp_path / "more")
    seal(tmp_path / "more")
    join_tables([tmp_path / "more"], "scores.schema.yaml", tmp_path / "less")
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "less"), pd.read_parquet(tmp_path / "a"))


def test_rows_of_datasets_that_a_run_has_dropped_are_not_joined(table, tmp_path):
    """Of transfer, a table holds all sources. Of bits per character, a source is a language."""
    rows = [table.iloc[:1].assign(task="pos", source="en", target=target) for target in ("en", "en_pud")]
    rows += [table.iloc[:1].assign(task=task, source=source, target="en") for task, source in (("pos", "fr_gsd"), ("bpc", "en"))]
    write_table(pd.concat(rows), "scores.schema.yaml", tmp_path / "a")
    for dropped, kept in ((["en"], ["bpc"]), (["en_pud"], ["pos", "pos", "bpc"]), ([], ["pos", "pos", "pos", "bpc"])):
        join_tables([tmp_path / "a"], "scores.schema.yaml", tmp_path / "joined", dropped_datasets=dropped)
        assert pd.read_parquet(tmp_path / "joined")["task"].to_list() == kept
