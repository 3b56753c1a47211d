"""Paper 2's figures of planted tables, whose answers are known."""

import json
from dataclasses import asdict, replace
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from planted_comparisons import (
    FACTORS,
    FAR,
    MIDDLE,
    NEAR,
    correlation,
    distance,
    drawn_comparison,
    mean_signature,
    planted_tables,
    sizes,
)

from xlprobe.artifacts.captions import read_caption
from xlprobe.artifacts.categories import ALL_WORDS
from xlprobe.artifacts.tables import write_table
from xlprobe.figures.language_trees import ALL, MEAN, parse_newick
from xlprobe.figures.paper_declaration import Asked, draw_paper_figure
from xlprobe.figures.signature_panels import FIRST_VERDICT, SECOND_VERDICT, VERDICTS, of_verdict
from xlprobe.figures.signature_violins import named_languages
from xlprobe.metrics.signature_tables import SignatureFacts
from xlprobe.study.paper2 import paper2_figures

SIZES = sizes()
TABLES = {name: planted_tables(size) for name, size in SIZES.items()}
FIGURES = paper2_figures()


def drawn(number, size="demo", tables=None):
    row = FIGURES[number]
    return drawn_comparison(tables or TABLES[size], row.kind, row.shown, row.title)


def changed(size="demo", **tables):
    return replace(TABLES[size], tables=TABLES[size].tables | tables)


def without_second_verdict(name):
    return changed(**{name: of_verdict(TABLES["demo"].tables[name], FIRST_VERDICT)})


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("number", FIGURES)
def test_each_is_legible_at_both_sizes(number, size):
    found = drawn(number, size)
    assert len(found.table) and found.caption.startswith("Comparison main: multilingual at step 600") and found.caption.endswith(".")


@pytest.mark.parametrize("number", FIGURES)
def test_each_without_tables_says_why(number, tmp_path):
    paths = [tmp_path / f"figure.{ending}" for ending in ("png", "pdf", "csv", "rst")]
    row = FIGURES[number]
    facts = SignatureFacts.of_json(json.dumps(asdict(SIZES["demo"].facts) | {"romanised": {}}))
    draw_paper_figure(row.kind, Asked(title=row.title, shown=row.shown), [], facts, *paths)
    assert paths[0].read_bytes().startswith(b"\x89PNG") and paths[1].read_bytes().startswith(b"%PDF")
    assert read_caption(paths[3]).startswith("Nothing to show: ") and len(pd.read_csv(paths[2]).columns) > 8


def test_the_reason_of_a_table_without_values_is_told(tmp_path):
    none = TABLES["demo"].tables["signature_correlations"].assign(r=None, reason="no language has a value: 23 instances, fewer than 100")
    write_table(none, "signature_correlations.schema.yaml", tmp_path / "signature_correlations.parquet")
    paths = [tmp_path / f"figure.{ending}" for ending in ("png", "pdf", "csv", "rst")]
    asked = Asked(title="Title", shown="data_size")
    draw_paper_figure("category_heatmap", asked, [tmp_path / "signature_correlations.parquet"], SIZES["demo"].facts, *paths)
    assert read_caption(paths[3]) == (
        "Nothing to show: no category has a correlation at any layer (no language has a value: 23 instances, fewer than 100)."
    )


def test_violins_show_the_last_step_of_all_words_on_original_and_romanised_text():
    table = drawn("02").table
    # 6 languages, 4 layers, 2 verdicts and 2 texts; earlier steps and other categories are planted 70 above.
    assert len(table) == 96 and table["mean_published"].max() < 13
    for row in table.to_dict("records"):
        place = sorted(SIZES["demo"].facts.languages).index(row["language"])
        assert row["mean_published"] == pytest.approx(mean_signature(place, row["layer"], row["verdict"], row["variant"]))
    assert {*zip(table["panel"], table["variant"], strict=True)} == {("original", "main"), ("romanised", "latin")}


def test_violins_are_drawn_of_each_layer_and_their_line_is_the_mean():
    panel = drawn("02").panels[f"(a) original text {FIRST_VERDICT}"]
    line = next(line for line in panel.lines if line.get_color() == "black")
    assert line.get_ydata() == pytest.approx([1.5 - 0.05 * layer + 0.025 for layer in range(4)])
    assert sum(type(drawn).__name__ in ("PolyCollection", "FillBetweenPolyCollection") for drawn in panel.collections) == 4


def test_without_romanised_text_the_left_panel_stands_alone():
    tables = replace(TABLES["demo"], facts=replace(SIZES["demo"].facts, romanised={}))
    found = drawn("02", tables=tables)
    assert {title[:3] for title in found.panels} == {"(a)"}
    assert "2b is not shown: the run compares no romanised text (config key signatures.variants)." in found.caption


def test_a_verdict_that_romanised_text_lacks_leaves_its_place_empty():
    rows = TABLES["demo"].tables["signatures"]
    found = drawn("02", tables=changed(signatures=rows[(rows["variant"] == "main") | (rows["fit"] == "per_layer")]))
    assert len(found.panels) == 3


def test_of_many_languages_those_at_the_ends_and_the_romanised_are_named():
    table = drawn("02", "paper").table
    assert named_languages(table, ["ja", "zh-Hant"]) == ["ar", "bg", "ja", "vi", "zh-Hant"]


@pytest.mark.parametrize("number", ["03", "06", "07"])
def test_cells_are_the_correlations_and_all_words_are_last(number):
    found = drawn(number, "paper")
    axes = next(axes for title, axes in found.panels.items() if title.startswith(FIRST_VERDICT))
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert len(labels) == 17 and labels[-1] == "All words (n = 33)" and labels[2] == "Case (n = 4)" and labels[8] == "Number (n = 0)"
    shown = np.ma.filled(np.ma.asarray(axes.images[0].get_array(), dtype=float), np.nan)
    factor = FIGURES[number].shown
    assert shown[-1] == pytest.approx([correlation(ALL_WORDS, layer, factor) for layer in range(13)])
    assert np.isnan(shown[8]).all() and len(axes.patches) == 13  # number is blank, case is hatched
    assert {*found.table["factor"]} == {factor}
    said = "Hatched, since so few languages can reach no p-value below .05: case. Blank: number (no language has a value)."
    assert said in found.caption


def test_equal_sizes_stand_beside_the_data_size_alone():
    assert {*drawn("03").table["sizes"]} == {"all", "equal_fixed"}
    assert {*drawn("06").table["sizes"]} == {*drawn("07").table["sizes"]} == {"all"}
    beside = drawn("03").table.query("sizes == 'equal_fixed'")
    assert {*beside["layer"]} == {0, 2}
    rows = TABLES["demo"].tables["signature_correlations"]
    alone = drawn("03", tables=changed(signature_correlations=rows[rows["sizes"] == "all"]))
    assert len(alone.panels) == 2 and "Signatures of equally many words are not taken in this run" in alone.caption


def test_a_category_without_equal_draws_is_not_checked():
    """Number has no correlation at all: of all words no language has a value, of equal draws nothing is made."""
    panels = drawn("03").panels
    names = {title: [label.get_text() for label in axes.get_yticklabels()] for title, axes in panels.items()}
    whole, equal = (next(found for title, found in names.items() if said in title) for said in ("all words of each", "fixed number"))
    assert "Number (n = 0)" in whole and "Number (not checked)" in equal
    bars = drawn("04").panels
    said = {title: [text.get_text() for text in axes.texts] for title, axes in bars.items()}
    assert [title for title, texts in said.items() if texts == ["not checked"]] == [f"{FIRST_VERDICT}; a fixed number of words of each"]


def test_a_rounded_zero_has_no_sign():
    rows = TABLES["demo"].tables["signature_correlations"]
    nothing = drawn("06", tables=changed(signature_correlations=rows.assign(r=rows["r"].where(rows["r"].isna(), -0.001))))
    assert {text.get_text() for axes in nothing.panels.values() for text in axes.texts} == {".00"}


@pytest.mark.parametrize("number", ["02", "03", "06", "07"])
def test_the_second_verdict_is_a_second_row_and_its_absence_is_said(number):
    assert {*drawn(number).table["verdict"]} == {*VERDICTS}
    name = FIGURES[number].reads[0]
    found = drawn(number, tables=without_second_verdict(name))
    assert SECOND_VERDICT not in {*found.table["verdict"]} and "The second verdict" in found.caption


def test_a_language_without_a_ratio_is_named():
    assert "Without a type-token ratio: qaa." in drawn("07").caption and "No type-token ratio of qaa." in drawn("04").caption


def test_bars_are_means_over_layers():
    found = drawn("04")
    panel = found.panels[FIRST_VERDICT]
    widths = sorted(round(bar.get_width(), 9) for bar in panel.patches)
    expected = [np.mean([correlation(category, layer, f) for layer in range(4)]) for category in ("case", ALL_WORDS) for f in FACTORS]
    assert widths == pytest.approx(sorted(expected))
    # Of case, which has too few languages, they are pale; number has none.
    assert sorted(bar.get_alpha() for bar in panel.patches) == [0.35] * 3 + [1.0] * 3
    assert "averaged over 4 layers" in found.caption and "over 2 layers that are checked" in found.caption


def test_bars_of_few_languages_still_have_a_legend():
    rows = TABLES["demo"].tables["signature_correlations"]
    found = drawn("04", tables=changed(signature_correlations=rows.assign(n_too_small=True)))
    (legend,) = found.figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["unique characters", "type-token ratio", "data size"]


@pytest.mark.parametrize("size", SIZES)
def test_matrices_are_symmetric_and_languages_stand_by_family(size):
    found = drawn("05", size)
    last = SIZES[size].layers[-1]
    axes = found.panels[f"layer {last}"]
    codes = [label.get_text() for label in axes.get_yticklabels()]
    shown = np.asarray(axes.images[0].get_array(), dtype=float)
    assert len(codes) == len(SIZES[size].facts.languages) and (shown == shown.T).all() and not shown.diagonal().any()
    expected = [distance(SIZES[size], codes[0], other) + 0.01 * last for other in codes[1:]]
    assert shown[0, 1:] == pytest.approx(expected) and {NEAR, MIDDLE, FAR} >= {round(value - 0.01 * last, 9) for value in expected}
    families = [SIZES[size].facts.languages[code]["family"] for code in codes]
    assert families == sorted(families)


def test_layers_that_stand_for_the_papers_are_told():
    said = "Here layer 2 of 0 to 3 stands for the paper's layer 6, layer 3 of 0 to 3 stands for the paper's layer 12."
    assert said in drawn("05").caption and "stands for" not in drawn("05", "paper").caption
    assert "Here layer 2 of 0 to 3 stands for the paper's layer 6." in drawn("08").caption


def test_a_language_without_distances_is_left_out_and_named():
    rows = TABLES["demo"].tables["language_distances"]
    lacking = (rows["language"] == "qca") | (rows["other"] == "qca")
    found = drawn("05", tables=changed(language_distances=rows.assign(published=rows["published"].mask(lacking))))
    assert len(found.panels["layer 3"].get_yticklabels()) == 5
    assert found.caption.endswith("Without a signature at these layers: qca.")


def test_trees_are_those_of_the_table_and_keep_families_together():
    found = drawn("08", "paper")
    assert [*found.table["panel"]] == [ALL, MEAN] and {*found.table["layer"]} == {6}
    for panel in (ALL, MEAN):
        axes = found.panels[f"{panel}, layer 6"]
        codes = [label.get_text().split()[0] for label in axes.get_yticklabels()]
        assert codes == parse_newick(found.table.set_index("panel")["newick"][panel]).leaves()
        families = [SIZES["paper"].facts.languages[code]["family"] for code in codes]
        # Each family is one run of neighbours.
        assert sum(one != other for one, other in pairwise(families)) + 1 == len({*families})
    assert "80% of 15 quartets" in found.caption and "p = 0.002" in found.caption


def test_a_run_of_one_category_has_one_tree():
    rows = TABLES["demo"].tables["language_trees"]
    found = drawn("08", tables=changed(language_trees=rows[rows["category"].notna()]))
    assert [*found.panels] == [f"{ALL}, layer 2"]
    assert found.caption.endswith(f"Not shown: {MEAN} (the run takes no category but all words).")


def test_a_tree_in_newick_by_hand():
    tree = parse_newick("((a:0.1,'b ''c':0.1):0.2,d-e:0.3);")
    assert tree.leaves() == ["a", "b 'c", "d-e"] and tree.height() == pytest.approx(0.3)
    pair, alone = tree.children
    assert pair.height() == pytest.approx(0.1) and (pair.length, alone.length) == (0.2, 0.3)


@pytest.mark.parametrize("text", ["", "(a:1,b:1)", "(a:1,b:1;", "(,);"])
def test_what_is_no_tree_is_refused(text):
    with pytest.raises(ValueError, match="no tree in Newick"):
        parse_newick(text)


def test_of_several_training_seeds_the_first_is_shown_and_named():
    tables = {name: pd.concat([rows.assign(training_seed=seed) for seed in (5, 3)]) for name, rows in TABLES["demo"].tables.items()}
    found = drawn("05", tables=changed(**tables))
    assert len(found.table) == 45 and "training seed 3 (the first)" in found.caption
    plt.close("all")
