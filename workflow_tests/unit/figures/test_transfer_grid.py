import numpy as np
import pytest
from paper_figures import cells, drawn, names, with_table
from planted_outcomes import DE_EN_ARC_TRUTH, EN_DE_ARC_TRUTH, FROM_HDT_TO_EN, TRANSFER
from planted_tables import planted_model_tables

from xlprobe.metrics.training_outcomes import one_language

# By family, then code: Finnish is Uralic; Uyghur has no parallel set.
LANGUAGES = ["de", "en", "hi", "fi"]
NOISE = 0.015


@pytest.fixture
def tables(planted_results):
    return planted_model_tables(planted_results)


def truth():
    """The best scores of part of speech, sources by targets; German has two treebanks, which differ on English."""
    best = np.array([[TRANSFER[source, target] for target in LANGUAGES] for source in LANGUAGES])
    best[0, 1] = (TRANSFER["de", "en"] + FROM_HDT_TO_EN) / 2
    return best


def test_sources_are_rows_and_targets_columns(tables):
    made = drawn(tables, "transfer_grid", ["pos", "xnli"], "best")
    pos = made.panels["Part of speech\nbaseline word type: 30 %"]
    assert names(pos, "y") == names(pos, "x") == LANGUAGES
    np.testing.assert_allclose(cells(pos), 100 * truth(), atol=100 * NOISE)
    assert pos.get_ylabel().startswith("source") and pos.get_xlabel().startswith("target")
    written = {(round(text.get_position()[1]), round(text.get_position()[0])): float(text.get_text()) for text in pos.texts}
    # Row English, column German.
    assert len(written) == 16 and written[1, 0] == pytest.approx(80, abs=100 * NOISE)
    nli = made.panels["Natural language inference\nbaseline majority: 33 %"]
    np.testing.assert_allclose(cells(nli), [[60, 60], [67, 67]], atol=3)


def test_the_table_holds_scores_and_baselines(tables):
    table = drawn(tables, "transfer_grid", ["pos"], "best").table.set_index(["source", "target"])
    assert len(table) == 16 and table.loc[("fi", "hi"), "value"] == pytest.approx(0.45, abs=NOISE)
    assert {*table["baseline"]} == {"word_type"}
    np.testing.assert_allclose(table["baseline_value"].astype(float), 0.3, atol=0.01)


def test_asymmetry_is_the_row_s_way_less_the_column_s(tables):
    made = drawn(tables, "transfer_grid", ["pos", "arc_classification"], "asymmetry")
    pos = made.panels["Part of speech"]
    differences = 100 * (truth() - truth().T)
    np.fill_diagonal(differences, np.nan)
    np.testing.assert_allclose(cells(pos), differences, atol=200 * NOISE)
    # From English to German 0.80, back 0.65.
    assert cells(pos)[1, 0] == pytest.approx(15, abs=200 * NOISE)
    arcs = made.panels["Arc classification"]
    assert names(arcs, "y") == ["de", "en"]
    last = 100 * (EN_DE_ARC_TRUTH[:, -1].max() - DE_EN_ARC_TRUTH[:, -1].max())
    assert cells(arcs)[1, 0] == pytest.approx(last, abs=100 * NOISE) and last > 1


@pytest.mark.parametrize("task", ["pos", "arc_classification", "xnli"])
def test_asymmetry_is_antisymmetric_with_an_empty_diagonal_and_0_in_the_middle(tables, task):
    (axes,) = drawn(tables, "transfer_grid", [task], "asymmetry").panels.values()
    drawn_cells = cells(axes)
    np.testing.assert_allclose(drawn_cells, -drawn_cells.T)
    assert np.isnan(drawn_cells.diagonal()).all() and not np.isnan(drawn_cells[~np.eye(len(drawn_cells), dtype=bool)]).any()
    low, high = axes.images[0].get_clim()
    assert low == -high and high == pytest.approx(np.nanmax(drawn_cells))


def test_captions_say_the_rule_and_the_ranges(tables):
    said = drawn(tables, "transfer_grid", ["pos", "arc_prediction"], "best").caption
    assert "chosen on these test sentences (as printed)" in said and "Part of speech: 4 languages; 70." in said
    assert "The best baseline, word type, reaches 30." in said and "1 of 16 cells are not above it" in said
    assert "Not shown: arc prediction (no arcs are predicted)." in said
    said = drawn(tables, "transfer_grid", ["pos"], "asymmetry").caption
    assert "Part of speech: 6 pairs of 4 languages;" in said and "(fi → hi is better)" in said
    # English with two treebanks of German, and so on.
    assert "of 9 of its pairs of datasets" in said


def test_one_cell_is_a_grid(tables):
    best = tables.table("best")
    german = best[best["source_language"].eq("de") & best["target_language"].eq("de")]
    made = drawn(with_table(tables, best=german), "transfer_grid", ["pos"], "best")
    (axes,) = made.panels.values()
    np.testing.assert_allclose(cells(axes), [[82]], atol=100 * NOISE)


def test_pairs_that_are_not_measured_are_empty_cells(tables):
    best = tables.table("best")
    lacking = best[~(best["source_language"].map(one_language).eq("fi") & best["target_language"].eq("hi"))]
    (axes,) = drawn(with_table(tables, best=lacking), "transfer_grid", ["pos"], "best").panels.values()
    assert np.argwhere(np.isnan(cells(axes))).tolist() == [[3, 2]] and len(axes.texts) == 15


@pytest.mark.parametrize(("name", "shown"), [("best", "best"), ("asymmetry", "asymmetry")])
def test_cells_are_as_printed(tables, name, shown):
    """By their rule alone: what final checkpoints and other rules say changes no cell."""
    rows = tables.table(name)
    others = with_table(tables, **{name: rows.assign(value=rows["value"].where(rows["rule"] == "as printed", 0.123))})
    expected, found = (cells(drawn(of, "transfer_grid", ["pos"], shown).figure.axes[0]) for of in (tables, others))
    np.testing.assert_array_equal(found, expected)
