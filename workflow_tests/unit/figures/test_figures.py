import re
from dataclasses import replace
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from score_tables import FACTS, PROTOCOLS, TASKS, example_scores, scores_of, with_intervals

from xlprobe.artifacts.tables import read_schema, write_table
from xlprobe.figures.declaration import draw, load_figure, without_signal
from xlprobe.figures.drawing import STYLE, name_columns, scale_steps, spread
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
    assert len(made) == 6 and row.tolist() == [2.0, 0.0, 9.0, 1.5, 2.5]
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


def drawn(table, folder, task, kind, monkeypatch, gates=None):
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
        gates,
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


def test_a_curve_without_a_signal_is_marked(table, tmp_path, monkeypatch):
    def gate(source, target, passes, task="pos", protocol="paper"):
        named = {"model": "m", "task": task, "protocol": protocol, "source": source, "target": target}
        return named | {"source_language": "xx", "passes": passes}

    rows = [gate("aa", "aa", False), gate("bb", "bb", True), gate("bb", "aa", False), gate("bb", "bb", False, protocol="converged")]
    rows += [gate("bb", "bb", False, "number"), gate("xx", "xx", False, "bpc", "lines"), gate("x", "x", False, "alignment", None)]
    gates = pd.DataFrame(rows)
    assert without_signal(gates, "m", "pos", "paper") == {"aa"} and without_signal(gates, "m", "bpc", "lines") == {"xx"}
    assert without_signal(gates, "m", "alignment", None) == {"x"} and not without_signal(gates, "other", "pos", "paper")
    others = {"target_language": "xx", "split": "test", "n": 1, "best": 0.5, "formula": "checks"}
    flagged = pd.DataFrame([gate("tr_imst", "tr_imst", False) | others]).reindex(columns=[*read_schema("gates.schema.yaml")["properties"]])
    write_table(flagged, "gates.schema.yaml", tmp_path / "gates.parquet")
    figure, _ = drawn(table, tmp_path, "pos", "learning_curve", monkeypatch, tmp_path / "gates.parquet")
    titles = [axes.get_title().split("\n")[0] for axes in figure.axes]
    assert "Turkish (tr_imst) †" in titles and "English (en_ewt)" in titles
    assert "† no clear signal over pretraining (metrics/gates.parquet)" in words_of(figure)
    assert "†" not in words_of(drawn(table, tmp_path, "pos", "learning_curve", monkeypatch)[0])


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


def names_of(axis):
    """The names on an axis by their places, once drawn; and whether they stand apart and inside the figure."""
    axis.figure.canvas.draw()
    labels = [label for label in axis.get_ticklabels() if label.get_text()]
    extents = [label.get_window_extent() for label in labels]
    apart = all(one.x1 < other.x0 for one, other in pairwise(extents))
    inside = all(extent.x0 >= 0 and extent.y0 >= 0 and extent.x1 <= axis.figure.bbox.x1 for extent in extents)
    return dict(zip(axis.get_ticklocs().tolist(), (label.get_text() for label in labels), strict=True)), apart and inside


EARLY = range(5_000, 50_001, 5_000)
PAPER = [*EARLY, *range(100_000, 1_500_001, 50_000)]


@pytest.mark.parametrize("columns", [1, 6])
@pytest.mark.parametrize(
    ("steps", "scale"),
    [
        ([7], "linear"),
        ([1, 2], "linear"),
        ([0, 1, 2, 3], "linear"),
        ([0, 600, 1700, 1950, 2100, 2250, 2400, 2550, 2700], "linear"),
        ([0, *EARLY], "linear"),
        (PAPER, "log"),
        ([0, *PAPER], "symlog"),
        ([0, 1, 1_000_000], "symlog"),
    ],
)
def test_ticks_name_steps_that_are_there_and_do_not_overlap(steps, scale, columns):
    with plt.rc_context(STYLE):
        figure, grid = plt.subplots(1, columns, figsize=(2.6 * columns + 0.6, 2.2), squeeze=False, layout="constrained")
        for axes in grid.ravel():
            axes.plot(steps, steps)
            scale_steps(axes, steps)
        for axes in grid.ravel():
            named, legible = names_of(axes.xaxis)
            assert legible and axes.get_xscale() == scale
            assert {*named} <= {*steps} >= {steps[0], steps[-1]} and {steps[0], steps[-1]} <= {*named}
            assert all(name == f"{step:,.0f}" for step, name in named.items())
            # What has room is named.
            assert len(named) == len(steps) or len(steps) > 4
            assert len(named) >= min(3, len(steps))
            low, high = axes.get_xlim()
            assert low < steps[0] and steps[-1] < high
    plt.close(figure)


@pytest.mark.parametrize(("count", "panels"), [(1, 1), (2, 6), (9, 2), (9, 6), (40, 1), (40, 6)])
def test_the_steps_of_a_heatmap_are_named_all_or_evenly(count, panels):
    steps = ([0, 600, 1700, 1950, 2100, 2250, 2400, 2550, 2700] if count < 10 else [0, *PAPER])[-count:]
    with plt.rc_context(STYLE):
        figure, grid = plt.subplots(1, panels, figsize=(2.6 * panels + 0.6, 2.2), squeeze=False, layout="constrained")
        for axes in grid.ravel():
            axes.imshow(np.zeros((2, count)), aspect="auto")
            name_columns(axes, steps)
        for axes in grid.ravel():
            named, legible = names_of(axes.xaxis)
            assert legible and all(name == f"{steps[int(place)]:,}" for place, name in named.items())
            assert {0, count - 1} <= {*named} and (len(named) == count or count == 40)
            gaps = np.diff([*named])
            assert len(named) == 1 or (max(gaps) - min(gaps) <= 1 and max(gaps) <= 5)
    plt.close(figure)


def test_every_step_of_a_heatmaps_figure_is_named(table):
    """Nine checkpoints, 150 updates apart."""
    several = [table[table["step"] == 10].assign(step=150 * number) for number in range(9)]
    scores = scores_of(pd.concat(several), "pos")
    kind = load_figure("layer_by_step")
    with plt.rc_context(STYLE):
        figure = kind.plot(kind.table(scores), scores)
        named, legible = names_of(figure.axes[0].xaxis)
    assert legible and [*named.values()] == ["0", "150", "300", "450", "600", "750", "900", "1,050", "1,200"]
    plt.close(figure)


def test_places_are_spread_evenly():
    assert spread(1, 4) == [0] and spread(2, 7) == [0, 1] and spread(40, 14) == [*range(0, 40, 3)] and spread(40, 15) == spread(40, 14)


def bands_of(axes):
    """What each band of a panel spans at its first and last step, and each bar of a single step, in per cent."""
    found = []
    for drawn in axes.collections:
        if not (paths := drawn.get_paths()):
            continue
        (path,) = paths
        ends = [path.vertices[path.vertices[:, 0] == step, 1] for step in (path.vertices[:, 0].min(), path.vertices[:, 0].max())]
        found.append([(round(values.min(), 6), round(values.max(), 6)) for values in ends])
    return found


@pytest.mark.parametrize(
    ("task", "kind", "intervals", "spans"),
    [
        # Layer 0, best at step 0, from 10 to 90 %; layer 1, which is the last, from 20 to 80 %.
        ("pos", "learning_curve", [[(10, 90), (20, 80)], [(20, 80), (20, 80)]], [[(40, 60), (75, 85)], [(90, 90), (75, 85)]]),
        ("pos", "word_groups", [[(10, 90), (20, 80)]] * 2, [[(30, 50), (65, 75)], [(20, 40), (55, 65)]]),
        (
            "pos",
            "transfer_curve",
            [[(10, 90), (20, 80)]] * 3,
            [[(20, 30), (37.5, 42.5)], [(10, 15), (18.75, 21.25)], [(15, 22.5), (28.125, 31.875)]],
        ),
        ("alignment", "layer_curves", [[(10, 90), (10, 90)], [(20, 80), (20, 80)]], None),
        ("bpc", "language_curves", [[(0.1, 0.9), (0.1, 0.9)]] * 2, None),
    ],
)
def test_bands_are_intervals_and_without_any_what_seeds_span(table, task, kind, intervals, spans):
    figure_kind = load_figure(kind)

    def drawn_of(rows):
        scores = scores_of(rows, task)
        figure = figure_kind.plot(figure_kind.table(scores), scores)
        plt.close(figure)
        return bands_of(figure.axes[0]), figure.get_suptitle().replace("\n", " ")

    told = "bands are the pairs' mean intervals" if kind == "transfer_curve" else "bands are intervals"
    bands, title = drawn_of(with_intervals(table))
    assert bands == intervals and title.endswith(told)
    bands, title = drawn_of(table)
    assert title.endswith("; bands span the seeds: this run has no intervals" if spans else "; this run has no intervals")
    assert bands == spans or not spans
    # At a single step a bar stands in the place of the band.
    bands, title = drawn_of(with_intervals(table[table["step"].isna() | (table["step"] == 10)]))
    assert [{*band} for band in bands] == [{band[-1]} for band in intervals] and title.endswith(told)
    assert "Bands are" in figure_kind.caption and " a run without intervals " in figure_kind.caption


def test_trainings_of_a_run_without_intervals_are_spanned(table):
    several = pd.concat([table.assign(training_seed=seed, value=table["value"] + seed) for seed in (0, 1)])
    scores = scores_of(several, "bpc")
    kind = load_figure("language_curves")
    figure = kind.plot(kind.table(scores), scores)
    assert figure.get_suptitle().replace("\n", " ").endswith("bands span the trainings: this run has no intervals")
    assert bands_of(figure.axes[0])[0] == [(3.5, 4.5), (1.5, 2.5)]
    plt.close(figure)


def test_transfer_stands_beside_its_baselines(scores):
    """Of other families: the mean of 0.3 and 0.15 by form, of 0.1 and 0.05 without."""
    kind = load_figure("transfer_curve")
    figure = kind.plot(kind.table(scores), scores)
    curves = [line for line in figure.axes[0].lines if line.get_label().endswith((" pair)", " pairs)"))]
    related = ["the same language (1 pair)", "another of the family (1 pair)", "another family (4 pairs)"]
    assert [line.get_label() for line in curves] == related
    beside = {(line.get_color(), line.get_linestyle(), *{*np.round(line.get_ydata(), 6)}) for line in figure.axes[0].lines}
    for line, form, every in zip(curves, (30, 15, 22.5), (10, 5, 7.5), strict=True):
        assert {(line.get_color(), "--", form), (line.get_color(), ":", every)} <= beside
    legend = [text.get_text() for text in figure.legends[0].texts]
    assert {"baseline, most frequent label by form", "baseline, most frequent label"} < {*legend} and len(legend) == 5
    plt.close(figure)


def test_a_line_of_a_baseline_that_a_task_lacks_is_not_in_the_legend(table):
    scores = scores_of(table, "xnli")
    kind = load_figure("transfer_curve")
    figure = kind.plot(kind.table(scores), scores)
    assert [text.get_text() for text in figure.legends[0].texts][-1:] == ["baseline, most frequent label"]
    assert sum(line.get_linestyle() == ":" and len(line.get_ydata()) for line in figure.axes[0].lines) == 6
    assert not any(line.get_linestyle() == "--" for line in figure.axes[0].lines)
    plt.close(figure)


def matrix_of(table, task="pos"):
    kind = load_figure("transfer_matrix")
    scores = scores_of(table, task)
    with plt.rc_context(STYLE):
        figure = kind.plot(kind.table(scores), scores)
        figure.canvas.draw()
    plt.close(figure)
    return figure, figure.axes[0]


def frames_of(axes):
    """The rows and columns of framed cells, by their names."""
    titles = [[label.get_text() for label in axis.get_ticklabels()] for axis in (axes.yaxis, axes.xaxis)]
    return {(titles[0][round(frame.get_y() + 0.42)], titles[1][round(frame.get_x() + 0.42)]) for frame in axes.patches}


def headline_of(figure):
    return figure.get_suptitle().replace("\n", " ")


def test_cells_of_the_matrix_that_are_not_above_their_baselines_are_framed(table):
    """Transfer to English reaches 40 %, to German 20 %."""
    figure, axes = matrix_of(table)
    assert headline_of(figure).endswith("step 10 mean baselines: most frequent label 7.5 %, by form 22.5 %") and not axes.patches
    to_english = table["step"].isna() & (table["source"] == "tr_imst") & (table["target"] == "en_pud")
    better = table.assign(value=table["value"].mask(to_english & (table["model"] == "majority"), 0.4))
    figure, axes = matrix_of(better)
    assert frames_of(axes) == {("Turkish (tr_imst)", "English (en_pud)")}
    assert headline_of(figure).endswith("by form 22.5 % framed: mean (this run has no intervals) not above the better baseline")
    # Intervals that begin at 20 % lie above the baselines of German, 15 %, and not above those of English.
    figure, axes = matrix_of(with_intervals(table))
    assert {target for _, target in frames_of(axes)} == {"English (en_pud)"} and len(axes.patches) == 3
    assert headline_of(figure).endswith("framed: interval not above the better baseline")
    figure, axes = matrix_of(table, "xnli")
    assert headline_of(figure).endswith("mean baselines: most frequent label 7.5 %")
    figure, axes = matrix_of(table[table["step"].notna()])
    assert headline_of(figure).endswith("step 10") and not axes.patches


@pytest.mark.parametrize(
    ("sources", "targets"), [(["en_ewt"], ["en_pud"]), (["en_ewt"], ["en_pud", "de_pud"]), (["en_ewt", "tr_imst", "zh_gsd"], ["de_pud"])]
)
def test_small_matrices_are_legible(table, sources, targets):
    own = with_intervals(table)
    figure, axes = matrix_of(own[own["source"].isin(sources) & ((own["target"] == own["source"]) | own["target"].isin(targets))])
    (image,) = axes.images
    assert image.get_array().shape == (len(sources), len(targets)) and len(axes.texts) == len(sources) * len(targets)
    cell = axes.get_window_extent()
    assert cell.width / len(targets) > 40 and cell.height / len(sources) > 20
    # Two points around a single value, named by whole or half points.
    low, high = image.get_clim()
    values = 100 * np.array([0.4 if target == "en_pud" else 0.2 for target in targets])
    assert (low, high) == (pytest.approx((values[0] - 1, values[0] + 1)) if len(targets) == 1 else (20, 40))
    (title,) = (text for text in figure.texts if text.get_text() == figure.get_suptitle())
    labels = [*axes.get_xticklabels(), *axes.get_yticklabels(), axes.xaxis.label, title, *axes.texts]
    for part in labels:
        extent = part.get_window_extent()
        assert extent.x0 >= 0 and extent.y0 >= 0 and extent.x1 <= figure.bbox.x1 and extent.y1 <= figure.bbox.y1, part
    for text, value in zip(axes.texts, image.get_array().ravel(), strict=True):
        red, green, blue, _ = image.to_rgba(value)
        bright = 0.299 * red + 0.587 * green + 0.114 * blue
        assert text.get_color() == ("black" if bright > 0.4 else "white")


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
    files = (PROJECT / "scripts" / "xlprobe" / "figures").glob("*.py")
    assert {*read} == {path.stem for path in files if "\nFIGURE = " in path.read_text()} == {*KINDS, "layer_curves", "language_curves"}
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
