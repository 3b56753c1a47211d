import re

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from paper_figures import drawn, with_table
from planted_outcomes import DE_ARC_TRUTH, EN_ARC_TRUTH, STEPS
from planted_tables import planted_model_tables

from xlprobe.artifacts.tables import read_table

ARCS = "arc_classification"
# Layers: noise chooses the worst one.
NOISE = 0.6


@pytest.fixture
def tables(planted_results):
    return planted_model_tables(planted_results)


def expected(truth_CL, layers):
    """The mean layer, weighted by what each is above the worst one."""
    above_CL = truth_CL - truth_CL.min(axis=1, keepdims=True)
    return above_CL @ np.array(layers) / above_CL.sum(axis=1)


def test_lines_are_expected_layers_by_min_max_over_checkpoints(tables):
    made = drawn(tables, "expected_layer", [ARCS])
    (axes,) = made.panels.values()
    lines = {line.get_label(): line for line in axes.lines}
    assert [*lines] == ["de", "en"]
    for language, truth_CL in (("en", EN_ARC_TRUTH), ("de", DE_ARC_TRUTH)):
        assert lines[language].get_xdata().tolist() == STEPS
        np.testing.assert_allclose(lines[language].get_ydata(), expected(truth_CL, range(13)), atol=NOISE)
    # By raw scores English's would stay in the middle.
    assert lines["en"].get_ydata()[0] < 4.5 < 7.5 < lines["en"].get_ydata()[-1]
    assert {line.get_marker() for line in axes.lines} == {"o", "s"} and len({to_hex(line.get_color()) for line in axes.lines}) == 2


def test_the_values_are_as_printed_and_the_bands_cross_fitted(tables, planted_results):
    table = drawn(tables, "expected_layer", [ARCS]).table
    written = read_table(planted_results / "metrics" / "expected_layers.parquet")
    written = written[(written["task"] == ARCS) & (written["source"] == "en_ewt") & (written["target"] == "en_ewt")]
    written = written[(written["measure"] == "level") & (written["weights"] == "min-max") & (written["grid"] == "own")]
    of_rule = {rule: rows.sort_values("step") for rule, rows in written.groupby("rule")}
    english = table[table["language"] == "en"]
    np.testing.assert_array_equal(english["value"], of_rule["as printed"]["value"])
    np.testing.assert_array_equal(english["low"], of_rule["cross-fitted"]["low"])
    np.testing.assert_array_equal(english["high"], of_rule["cross-fitted"]["high"])
    assert english["low"].notna().all() and {*english["layers"]} == {"0 1 2 3 4 5 6 7 8 9 10 11 12"}


def test_the_caption_says_the_fall_with_its_interval_and_the_layers(tables):
    said = drawn(tables, "expected_layer", [ARCS, "xnli"]).caption
    moved, low, high = map(float, re.search(r"en (-\d\.\d\d) \((-\d\.\d\d) to (-\d\.\d\d)\)", said).groups())
    truth = expected(EN_ARC_TRUTH, range(13))
    assert moved == pytest.approx(truth[0] - truth[-1], abs=NOISE) and low < high < 0
    assert "from step 5,000 to 100,000" in said and "gives no formula" in said and "Layers 0 1 2" in said
    assert "Not shown: natural language inference (nothing is measured at several layers)." in said


def test_bitexts_are_lines_of_their_own(tables):
    made = drawn(tables, "expected_layer", ["alignment"])
    assert [line.get_label() for line in made.panels["Word alignment"].lines] == ["en-de"]
    assert "Layers 0 2 4 6 8 10 12; lines of other layers are not to be compared with these." in made.caption


def test_lines_of_different_layers_are_named(tables):
    rows = tables.table("expected_layers")
    cut = rows.assign(layers=rows["layers"].where(rows["source_language"] != "de", "0 6 12"))
    said = drawn(with_table(tables, expected_layers=cut), "expected_layer", [ARCS]).caption
    assert "Lines of different layers are not to be compared (en: layers 0 1 2 3 4 5 6 7 8 9 10 11 12; de: layers 0 6 12)." in said


def test_twelve_lines_are_told_apart(tables):
    rows = tables.table("expected_layers")
    english = rows[(rows["task"] == ARCS) & (rows["source_language"] == "en") & (rows["source"] == rows["target"])]
    names = [f"l{number:02}" for number in range(12)]
    many = pd.concat([english.assign(source=name, target=name, source_language=name, target_language=name) for name in names])
    (axes,) = drawn(with_table(tables, expected_layers=many), "expected_layer", [ARCS]).panels.values()
    assert len({(to_hex(line.get_color()), line.get_marker()) for line in axes.lines}) == 12


def test_a_curve_without_interval_has_no_band(tables):
    rows = tables.table("expected_layers")
    made = drawn(with_table(tables, expected_layers=rows[rows["rule"] == "as printed"]), "expected_layer", [ARCS])
    assert made.table["low"].isna().all() and re.search(r"de -?\d\.\d\d, en -\d\.\d\d \(below 0", made.caption)
    (axes,) = made.panels.values()
    assert all(not len(band.get_paths()) or not len(band.get_paths()[0].vertices) for band in axes.collections)
