import importlib

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from legible import check_legible

from xlprobe.figures.drawing import STYLE
from xlprobe.figures.signature_declaration import FAMILY_COLOURS, GREY, _isotonic, family_colours, name_lines

KINDS = ("signatures_by_layer", "signatures_by_step")
FITS = ("per_layer", "over_layers", "over_steps")
SIZES = {"demo": (6, [0, 600, 1700, 2700], range(4)), "paper": (33, [5000, 20000, 50000, 500_000, 1_500_000], range(13))}


def rows(languages, steps, layers):
    """Signatures that fall over layers and rise over steps, and of which a later language has more; of a fit more by its place."""
    found = pd.MultiIndex.from_product([range(languages), steps, layers, FITS, ("raw", "standardised")])
    table = found.to_frame(index=False, name=["place", "step", "layer", "fit", "scale"])
    told = table["place"] / 50 + 0.5 * np.exp(-table["layer"] / 8) * (1 - np.exp(-(table["step"] + 100) / 800))
    return table.assign(
        language=[f"l{place:02d}" for place in table["place"]],
        name=[f"Language {place}" for place in table["place"]],
        family=[f"family {place % 3}" for place in table["place"]],
        mean_published=told + table["fit"].map(FITS.index) + 10 * table["scale"].eq("standardised"),
        norm=100 * (1 + told),
        norm_shuffled=50.0,
        instances=1000,
    )


def declared(kind):
    return importlib.import_module(f"xlprobe.figures.{kind}").SIGNATURE_FIGURE


def test_layers_are_those_of_the_last_step_in_both_verdicts():
    table = declared("signatures_by_layer").table(rows(*SIZES["demo"]))
    assert {*table["step"]} == {2700} and len(table) == 2 * 6 * 4
    # As planted: raw per layer below 1, the standardised joint fit at 11 and above.
    levels = table.groupby("panel")["mean_published"].agg(["min", "max"])
    assert levels.loc["as published: each layer by itself", "max"] < 1
    assert levels.loc["standardised, all layers together", "min"] > 11


def test_steps_are_shown_at_layers_over_the_whole_model():
    table = declared("signatures_by_step").table(rows(*SIZES["paper"]))
    assert sorted({*table["layer"]}) == [0, 3, 6, 9, 12] and {*table["step"]} == {*SIZES["paper"][1]}
    lowest = table.groupby("row")["value"].min().to_dict()
    # As planted: raw fits below 2, norms of twice those of shuffled words and more, joint standardised fits at 12 and above.
    assert [0 <= value < 2 for value in lowest.values()] == ["each step" in row for row in lowest]
    assert [value >= 12 for value in lowest.values()] == ["all steps" in row for row in lowest]


def test_one_step_alone_is_no_curve():
    assert declared("signatures_by_step").table(rows(3, [100], range(2))).empty


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", KINDS)
def test_legible(kind, size):
    figure_kind = declared(kind)
    with plt.rc_context(STYLE):
        figure = figure_kind.plot(figure_kind.table(rows(*SIZES[size])))
        check_legible(figure)
    plt.close(figure)


@pytest.mark.parametrize("kind", KINDS)
def test_lines_are_the_rows(kind):
    figure_kind = declared(kind)
    table = figure_kind.table(rows(*SIZES["demo"]))
    with plt.rc_context(STYLE):
        figure = figure_kind.plot(table)
    drawn = sorted(
        round(float(y), 9) for axes in figure.axes for line in axes.lines if line.get_label()[0] == "_" for y in line.get_ydata()
    )
    assert drawn == sorted(table["value" if "value" in table else "mean_published"].round(9))
    plt.close(figure)


def test_families_share_a_colour_and_the_largest_come_first():
    table = pd.DataFrame({"language": [*"abcdef"], "family": ["x", "y", "y", "z", "y", "x"]})
    colours = family_colours(table)
    assert {colours[code] for code in "bce"} == {FAMILY_COLOURS[0]} and colours["a"] == colours["f"] == FAMILY_COLOURS[1]
    many = pd.DataFrame({"language": [f"l{n}" for n in range(9)], "family": [f"f{n}" for n in range(9)]})
    assert [*family_colours(many).values()].count(GREY) == 2


def test_pooling_by_hand():
    """3 and 1 are out of order, and become their mean; so do 2, 2 and then 1.4 with them: (3 + 1 + 1.4) / 3."""
    assert _isotonic(np.array([0.0, 3.0, 1.0, 1.4, 5.0])).tolist() == pytest.approx([0, 1.8, 1.8, 1.8, 5])


def test_names_stay_in_order_apart_and_inside():
    figure, axes = plt.subplots(figsize=(3, 3))
    ends = {f"l{n}": 0.5 + n / 1000 for n in range(10)} | {"low": 0.0}
    axes.set_ylim(0, 1)
    figure.canvas.draw()
    name_lines(axes, ends, 0.5, dict.fromkeys(ends, "black"))
    check_legible(figure)
    shown = {text.get_text(): text.xyann[1] + text.xy[1] * axes.get_window_extent().height * 72 / figure.dpi for text in axes.texts}
    assert sorted(shown, key=lambda code: shown[code]) == ["low", *(f"l{n}" for n in range(10))] and min(shown.values()) > 0
    plt.close(figure)
