import re
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from score_tables import FACTS, PROTOCOLS, TASKS, example_scores, scores_of

from xlprobe.artifacts.tables import write_table
from xlprobe.figures.declaration import draw, load_figure
from xlprobe.figures.drawing import STYLE
from xlprobe.figures.learning_curve import plot_learning_curves
from xlprobe.metrics.curves import learning_curves, word_group_curves
from xlprobe.paths import PROJECT
from xlprobe.study.figure_kinds import PARTS, figure_kinds
from xlprobe.tasks.declaration import load_probe_task

KINDS = ["learning_curve", "layer_by_step", "word_groups", "transfer_curve", "transfer_matrix"]

SHOWN = [(task, kind) for task in TASKS for kind in KINDS if kind != "word_groups" or load_probe_task(task).data == "words"]
SHOWN += [("alignment", "layer_curves"), ("bpc", "language_curves")]


@pytest.fixture
def table():
    return example_scores()


@pytest.fixture
def scores(table):
    return scores_of(table, "pos")


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
        draw(kind, tmp_path / "scores.parquet", "m", task, PROTOCOLS.get(task, "paper"), FACTS, *paths)
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
    figure = load_figure("word_groups").plot(word_group_curves(scores), scores)
    assert {text.get_text() for text in figure.legends[0].texts} >= {"ambiguous words", "unseen words"}
    plt.close(figure)


def drawn(table, folder, task, kind, monkeypatch):
    """The figure that is saved, and the table beside it."""
    write_table(table, "scores.schema.yaml", folder / "scores.parquet")
    saved = []
    monkeypatch.setattr("xlprobe.figures.declaration.save_figure", lambda figure, made, *paths: saved.append((figure, made)))
    draw(
        kind,
        folder / "scores.parquet",
        "m",
        task,
        PROTOCOLS.get(task, "paper"),
        FACTS,
        *(folder / name for name in ("a.png", "a.pdf", "a.csv")),
    )
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


def test_parallel_text_is_shown_with_its_language(table, tmp_path, monkeypatch):
    figure, _ = drawn(table, tmp_path, "bpc", "language_curves", monkeypatch)
    assert "not shown" not in words_of(figure) and "en_pud" in {*table.loc[table["task"] == "bpc", "source"]}


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
    figure = plot_learning_curves(learning_curves(scores), scores)
    figure.canvas.draw()
    assert [label.get_text() for label in figure.axes[0].get_xticklabels()] == ["10"]
    plt.close(figure)


def test_a_source_that_was_not_tested_on_a_target_leaves_a_blank_cell(table):
    kind = load_figure("transfer_matrix")
    scores = scores_of(table[(table["source"] != "en_ewt") | (table["target"] != "de_pud")], "pos")
    figure = kind.plot(kind.table(scores), scores)
    assert sorted(text.get_text() for text in figure.axes[0].texts) == ["20", "20", "40", "40", "40"]
    plt.close(figure)


def test_a_plan_reads_what_figures_declare():
    read = figure_kinds()
    files = {path.stem for path in (PROJECT / "scripts" / "xlprobe" / "figures").glob("*.py")}
    assert {*read} == files - {"__init__", "declaration", "drawing"} == {*KINDS, "layer_curves", "language_curves"}
    for kind, told in read.items():
        declared = load_figure(kind)
        assert (declared.shows, declared.caption) == (told.shows, told.caption)
        assert told.shows in PARTS and told.caption.endswith(".") and len(told.caption) > 50


def test_a_figure_is_drawn_from_the_metrics_that_it_declares(table, tmp_path, monkeypatch):
    """Of what else stands in the table it sees nothing."""
    seen = []

    def unmade(scores):
        seen.append(scores.table)
        return pd.DataFrame()

    for kind in ("layer_by_step", "word_groups"):
        monkeypatch.setattr(f"xlprobe.figures.{kind}.FIGURE", replace(load_figure(kind), table=unmade))
        drawn(table, tmp_path, "pos", kind, monkeypatch)
    assert [set(rows["metric"]) for rows in seen] == [{"accuracy"}, {"accuracy", "accuracy_ambiguous", "accuracy_unseen"}]


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
    made = learning_curves(scores)
    assert made["word_type"].isna().all() and (made["majority"] == 0.2).all() and (made["hypothesis_only"] == 0.45).all()
    figure = plot_learning_curves(made, scores)
    beside = {line.get_label(): set(line.get_ydata()) for line in figure.axes[0].lines if line.get_label().startswith("baseline")}
    assert beside == {"baseline, hypothesis alone": {45.0}, "baseline, word overlap": {35.0}}
    assert figure.axes[0].get_title().endswith("most frequent label: 20.0 %")
    plt.close(figure)


def test_a_panel_shows_the_tables_numbers(scores):
    figure = plot_learning_curves(learning_curves(scores), scores)
    panels = [axes for axes in figure.axes if axes.get_title()]
    titles = [axes.get_title().split("\n") for axes in panels]
    assert [title for title, _ in titles] == ["English (en_ewt)", "Turkish (tr_imst)", "Chinese (zh_gsd)"]
    assert {baseline for _, baseline in titles} == {"most frequent label: 20.0 %"}
    best = next(line for line in panels[0].lines if line.get_label() == "best layer")
    np.testing.assert_allclose(best.get_ydata(), [50, 80])
    plt.close(figure)
