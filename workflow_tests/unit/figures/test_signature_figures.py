import importlib

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from legible import check_legible
from planted_trajectories import PER_STEP, STEPS, compared, forgetting, scores, signatures

from xlprobe.artifacts.tables import write_rows, write_table
from xlprobe.errors import XlprobeError
from xlprobe.figures.drawing import STYLE
from xlprobe.figures.signature_declaration import FAMILY_COLOURS, GREY, _isotonic, draw_signatures, family_colours, name_lines
from xlprobe.study.figure_kinds import signature_figure_kinds

# Those of the table of signatures alone, and that of signatures and probes.
KINDS, WITH_PROBES = ("signatures_by_layer", "signatures_by_step"), "signatures_and_probes"
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
    # The black line is the mean of the others.
    drawn = sorted(
        round(float(y), 9) for axes in figure.axes for line in axes.lines if line.get_color() != "black" for y in line.get_ydata()
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


def test_every_kind_is_drawn_here():
    assert {*KINDS, WITH_PROBES} == signature_figure_kinds().keys()
    assert {kind for kind, declared in signature_figure_kinds().items() if declared.reads == ("signatures",)} == {*KINDS}


RISING, LATE = (0.4, 0.6, 0.96, 0.98, 0.99, 1.0), (0.4, 0.5, 0.6, 0.7, 1.0, 0.9)
TASKS = ("arc_prediction", "pos", "arc_classification", "xnli", "number")


def named_tables(of_signatures, of_scores, lost=None):
    """The tables that the figure reads, with names and families: two of each family, the later family first by code."""
    tables = compared(of_signatures, of_scores, lost)
    codes = sorted({*of_signatures["language"]})
    families = {code: f"family {(len(codes) - place) // 2:02d}" for place, code in enumerate(codes)}
    return [table.assign(name="Language " + table["language"].astype(object), family=table["language"].map(families)) for table in tables]


def planted_figure(languages, tasks, steps):
    """Curves that rise and fall again, later in later languages; every third one's probes learn late, and forget."""
    log = np.log(np.array(steps) / steps[0])

    def curve(middle, low, high):
        return (low + (high - low) / (1 + np.exp(-4 * (log - middle * log[-1]))) - 0.1 * (log / log[-1]) ** 6).tolist()

    codes = [f"l{number:02d}" for number in range(languages)]
    middles = {code: 0.2 + 0.5 * place / languages for place, code in enumerate(codes)}
    of_signatures = pd.concat(
        [
            signatures({code: curve(middle, 0.1, 0.4) for code, middle in middles.items()}, steps),
            signatures({code: [1 + place % 3 for place, _ in enumerate(steps)] for code in codes}, steps, **PER_STEP),
        ]
    )
    # Inference has few languages.
    probed = {task: codes[::3] if task == "xnli" else codes for task in tasks}
    of_scores = [
        scores({code: curve(middles[code] * (1 - number / 20), 0.3 + number / 10, 0.9) for code in probed[task]}, task, steps)
        for number, task in enumerate(tasks)
    ]
    lost = [forgetting({code: place % 3 == 0 for place, code in enumerate(codes)}, task) for task in tasks]
    return named_tables(of_signatures, pd.concat(of_scores), pd.concat(lost))


def test_curves_are_shares_of_their_best_with_what_they_are_held_against():
    tables = named_tables(
        pd.concat([signatures({"fi": LATE, "en": (4, 3.2, 2.04, 2, 2, 2.5)}), signatures({"fi": RISING, "en": RISING}, **PER_STEP)]),
        pd.concat([scores({"fi": RISING, "en": RISING}), scores({"fi": LATE}, "arc_prediction")]),
        forgetting({"fi": False, "en": True}),
    )
    table = declared(WITH_PROBES).table(*tables)
    curves = table.groupby(["language", "curve"], sort=False)
    standardised, printed = (name for name in table["curve"].unique() if "signature" in name)
    assert "standardised" in standardised and "as printed" in printed
    # By family, then language; signatures before tasks, these as paper 1 orders them.
    assert [*curves.groups] == [
        *(("fi", name) for name in (standardised, printed, "Arc Pred.", "POS")),
        *(("en", name) for name in (standardised, printed, "POS")),
    ]
    of_fi = curves.get_group(("fi", standardised))
    assert of_fi["share"].tolist() == pytest.approx(LATE) and {*of_fi["learned"]} == {500}
    assert curves.get_group(("en", standardised))["share"].tolist() == pytest.approx([0.5, 0.625, 2 / 2.04, 1, 1, 0.8])
    pos = curves.get_group(("fi", "POS"))
    assert {*pos["learned"]} == {300} and not pos["agrees_on_learning"].any() and pos["value"].tolist() == [*RISING]
    assert curves.get_group(("fi", "Arc Pred."))["agrees_on_learning"].all() and pos["rho"].iloc[0] == pytest.approx(1 - 12 / 210)
    # The signature of en, which falls, loses a fifth, and its probes forget, too.
    assert curves.get_group(("en", "POS"))["agrees_on_forgetting"].all() and of_fi["rho"].isna().all()


def test_where_no_fit_is_over_steps_signatures_as_printed_are_held_against_probes():
    table = declared(WITH_PROBES).table(*named_tables(signatures({"fi": LATE}, **PER_STEP), scores({"fi": RISING})))
    assert {*table["fit"]} == {"per_layer"} and {*table.loc[table["curve"] == "POS", "rho"].round(6)} == {round(1 - 12 / 210, 6)}


def test_the_middle_layer_is_in_the_table_alone():
    table = declared(WITH_PROBES).table(*named_tables(signatures({"fi": LATE}, layers=range(4)), scores({"fi": RISING}, layers=range(4))))
    assert {*table["layer"]} == {3} and len(table) == 2 * len(STEPS)


@pytest.mark.parametrize("tasks", [TASKS[:1], TASKS], ids=["one task", "five tasks"])
@pytest.mark.parametrize(("languages", "steps"), [(1, STEPS), (6, STEPS), (33, (5000, 10000, 20000, 50000, 200_000, 500_000, 1_500_000))])
def test_signatures_and_probes_are_legible(languages, steps, tasks):
    figure_kind = declared(WITH_PROBES)
    table = figure_kind.table(*planted_figure(languages, tasks, steps))
    with plt.rc_context(STYLE):
        figure = figure_kind.plot(table)
        check_legible(figure)
    drawn = sorted(
        round(float(y), 9) for axes in figure.axes for line in axes.lines if line.get_label() in {*table["curve"]} for y in line.get_ydata()
    )
    assert drawn == sorted(table["share"].round(9)) and len(figure.axes) == languages
    plt.close(figure)


def test_languages_that_disagree_are_marked():
    of_signatures = signatures({"aa": LATE, "bb": RISING, "cc": RISING})
    tables = named_tables(
        of_signatures, scores(dict.fromkeys(("aa", "bb", "cc"), RISING)), forgetting({"aa": False, "bb": False, "cc": True})
    )
    with plt.rc_context(STYLE):
        figure = declared(WITH_PROBES).plot(declared(WITH_PROBES).table(*tables))
    shown = {axes.get_title(): (axes.title.get_fontweight(), axes.texts[1].get_text()) for axes in figure.axes}
    assert shown == {
        "Language aa (aa)": ("bold", ".94≠†"),
        "Language bb (bb)": ("normal", "1.00"),
        "Language cc (cc)": ("bold", "1.00†"),
    }
    assert "Languages on which both agree: when it is learned, POS 2 of 3; forgetting, POS 1 of 3" in figure.get_suptitle().replace(
        "\n", " "
    )
    (of_first,) = (axes for axes in figure.axes if axes.get_title() == "Language aa (aa)")
    assert {line.get_marker(): [*line.get_xdata()] for line in of_first.lines if line.get_linestyle() == "None"} == {"s": [500], "o": [300]}
    plt.close(figure)


def test_what_has_no_share_or_no_curve_is_left_blank():
    """A signature of 0 and below; a language with probes at one step."""
    of_signatures = signatures({"aa": (-0.1, 0.1, 0.2, 0.3, 0.4, 0.5), "bb": RISING})
    tables = named_tables(of_signatures, pd.concat([scores({"aa": RISING}), scores({"bb": RISING[:1]}, steps=STEPS[:1])]))
    table = declared(WITH_PROBES).table(*tables)
    assert {*table["language"]} == {"aa"} and table.loc[table["curve"] != "POS", "share"].isna().all()
    with plt.rc_context(STYLE):
        figure = declared(WITH_PROBES).plot(table)
        check_legible(figure)
    plt.close(figure)
    assert declared(WITH_PROBES).table(*named_tables(signatures({"aa": [None] * 6}), scores({"aa": RISING}))).empty


def test_files_are_of_the_variant_that_is_asked_for(tmp_path):
    tables = compared(
        pd.concat([signatures({"fi": LATE}), signatures({"fi": RISING}, variant="other", training_seed=2)]),
        pd.concat([scores({"fi": RISING}), scores({"fi": RISING}, training_seed=2)]),
    )
    paths = [tmp_path / f"{name}.parquet" for name in signature_figure_kinds()[WITH_PROBES].reads]
    for path, table in zip(paths, tables, strict=True):
        write_table(table, f"{path.stem}.schema.yaml", path)
    facts, files = {"fi": {"name": "Finnish", "family": "Uralic"}}, [tmp_path / f"figure.{suffix}" for suffix in ("png", "pdf", "csv")]
    for variant, learned in (("main", {500}), ("other/seed_2", {300}), ("third", set())):
        draw_signatures(WITH_PROBES, paths, variant, facts, *files)
        drawn = pd.read_csv(files[2])
        assert {*drawn.loc[drawn["curve"].str.contains("signature"), "learned"]} == learned if learned else drawn.empty
        assert all(file.stat().st_size > 60 for file in files[:2])
    with pytest.raises(XlprobeError, match=r"reads signature_agreement\.parquet, which is not among them"):
        draw_signatures(WITH_PROBES, paths[:1], "main", facts, *files)


def test_a_run_without_a_row_has_a_figure_that_says_why(tmp_path):
    """A list of no answers had chosen columns."""
    paths = [tmp_path / f"{name}.parquet" for name in ("signature_trajectories", "signature_agreement")]
    for path in paths:
        write_rows([], f"{path.stem}.schema.yaml", path)
    outputs = [tmp_path / f"figure.{ending}" for ending in ("png", "pdf", "csv")]
    draw_signatures(WITH_PROBES, paths, "main", {}, *outputs)
    assert all(path.exists() for path in outputs)
