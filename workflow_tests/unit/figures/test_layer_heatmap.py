import numpy as np
import pytest
from paper_figures import cells, drawn, names, with_table
from planted_outcomes import ALIGNMENT_BY_LAYER, DE_EN_ARC_TRUTH, EN_ARC_TRUTH, EN_DE_ARC_TRUTH, STEPS
from planted_tables import planted_model_tables

from xlprobe.figures.layer_heatmap import chosen_curves
from xlprobe.study.paper1 import paper_figures

ARCS, ALIGNMENT = "arc_classification", "alignment"
NOISE = 0.5  # points


@pytest.fixture
def tables(planted_results):
    return planted_model_tables(planted_results)


def upside_down(truth_CL):
    """As a heatmap is seen: the last layer in the top row."""
    return 100 * truth_CL.T[::-1]


def test_layers_go_upwards_and_steps_to_the_right_without_step_0(tables):
    made = drawn(tables, "layer_heatmap", [ARCS], "en")
    axes = made.panels["Arc classification\nen"]
    assert names(axes, "y") == [str(layer) for layer in range(12, -1, -1)]
    assert cells(axes).shape == (13, len(STEPS))
    np.testing.assert_allclose(cells(axes), upside_down(EN_ARC_TRUTH), atol=NOISE)
    assert dict(zip(axes.get_xticks(), names(axes, "x"), strict=True)) == {9: "100k", 6: "50k", 3: "20k", 0: "5k"}
    # The best layer, 3 up to 30k and 9 from then on.
    assert axes.lines[0].get_xydata().tolist() == [[step, 3 if step < 5 else 9] for step in range(10)]
    assert "the best layer is 3 at step 5,000 and 9 at step 100,000" in made.caption


def test_pairs_are_of_source_and_target(tables):
    made = drawn(tables, "layer_heatmap", [ARCS, ALIGNMENT], "de-en de-en")
    assert [*made.panels] == ["Arc classification\nde → en", "Word alignment\nen-de"]
    np.testing.assert_allclose(cells(made.panels["Arc classification\nde → en"]), upside_down(DE_EN_ARC_TRUTH), atol=NOISE)
    alignment = made.panels["Word alignment\nen-de"]
    np.testing.assert_allclose(cells(alignment), upside_down(ALIGNMENT_BY_LAYER), atol=NOISE)
    assert names(alignment, "y") == ["12", "10", "8", "6", "4", "2", "0"]
    other = drawn(tables, "layer_heatmap", [ARCS], "en-de").panels["Arc classification\nen → de"]
    np.testing.assert_allclose(cells(other), upside_down(EN_DE_ARC_TRUTH), atol=NOISE)
    assert "The paper shows" not in made.caption


@pytest.mark.parametrize(
    ("named", "elsewhere", "rest", "shown"),
    [
        ("ja", None, False, ["ja"]),
        ("bg", None, False, ["cs"]),
        (None, None, False, ["cs"]),
        ("cs", "ja", True, ["cs"]),
        ("zh", "ja", True, ["cs", "hi"]),
        (None, "ja", True, ["cs", "hi"]),
        # The other figure shows cs in place of bg.
        ("cs", "bg", True, ["hi", "ja"]),
        (None, None, True, ["cs", "hi", "ja"]),
    ],
)
def test_a_figure_shows_what_the_paper_names_or_what_stands_for_it(named, elsewhere, rest, shown):
    assert chosen_curves(["cs", "hi", "ja"], named, elsewhere, rest) == shown
    assert chosen_curves([], named, elsewhere, rest) == []


def test_figures_of_one_run_show_each_curve_once(tables):
    """Figures 8 and 10, and 9 and 12, as the paper's table of figures asks for them."""
    shown = {}
    for number in ("08", "10", "09", "12"):
        figure = paper_figures()[number]
        table = drawn(tables, figure.kind, figure.tasks, figure.shown).table
        shown[number] = [*table[["task", "curve"]].drop_duplicates().itertuples(index=False, name=None)]
    assert shown["08"] == [(ARCS, "de")] and shown["10"] == [(ARCS, "en")]
    # German on its own parallel set is no transfer.
    assert shown["09"] == [(ARCS, "de → en"), (ALIGNMENT, "en-de")] and shown["12"] == [(ARCS, "en → de")]


def test_the_paper_s_own_curves_are_shown_where_the_run_has_them(tables):
    scores = tables.table("scores")
    renamed = scores.assign(source_language=scores["source_language"].replace({"en": "ja"}))
    made = drawn(with_table(tables, scores=renamed), "layer_heatmap", [ARCS, "xnli"], "ja bg")
    assert [*made.panels] == ["Arc classification\nja"] and "The paper shows" not in made.caption


def test_the_caption_says_what_stands_for_what_and_what_is_missing(tables):
    said = drawn(tables, "layer_heatmap", [ARCS, "xnli"], "ja bg").caption
    assert "Arc classification: 1 panel (de), layers 0, 1, 2," in said
    assert "The paper shows ja here, which this run does not measure at several layers." in said
    assert "Not shown: natural language inference (no such curve is measured at several layers)." in said
    said = drawn(tables, "layer_heatmap", [ARCS, ALIGNMENT], "not ja-en en-cs").caption
    assert "Not shown: word alignment (no such curve is measured at several layers)." in said


def test_two_checkpoints_and_two_layers_are_enough(tables):
    scores = tables.table("scores")
    few = scores[scores["step"].isin(STEPS[-2:]) & scores["layer"].isin([3, 9])]
    made = drawn(with_table(tables, scores=few), "layer_heatmap", [ARCS], "en")
    np.testing.assert_allclose(cells(made.panels["Arc classification\nen"]), upside_down(EN_ARC_TRUTH[-2:, [3, 9]]), atol=NOISE)
