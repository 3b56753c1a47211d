from dataclasses import replace

import matplotlib.pyplot as plt
import pandas as pd
import paper_figures
import pytest
from legible import check_legible
from planted_outcomes import STEPS
from planted_tables import planted_facts, planted_model_tables

from xlprobe.artifacts.captions import read_caption
from xlprobe.figures.drawing import STYLE
from xlprobe.figures.learning_progress import PAPER_FIGURE
from xlprobe.figures.paper_declaration import Asked, draw_paper_figure

# So that the part of training that is shown ends at 50,000, at 60,000, and nowhere before the first checkpoint.
TO_50, TO_60, WHOLE = [0, *STEPS, 375_000], [0, *STEPS, 450_000], [0, 50_000, 100_000]
POS = Asked(title="Progress", tasks=("pos",))
OTHERS = Asked(title="Progress", tasks=("arc_prediction", "arc_classification", "xnli"))


@pytest.fixture(scope="module")
def to_50(planted_results):
    return replace(planted_model_tables(planted_results), facts=planted_facts(steps=TO_50))


def steps(table, language):
    return table[table["language"] == language].set_index("share")["step"].to_dict()


def drawn(table, tables, asked=POS):
    with plt.rc_context(STYLE):
        return PAPER_FIGURE.plot(table, tables, asked)


def line_of(axes, label):
    """What is drawn of a share, by language."""
    names = [tick.get_text() for tick in axes.get_xticklabels()]
    (line,) = (line for line in axes.lines if line.get_label() == label)
    return {names[int(place)]: step for place, step in zip(*line.get_data(), strict=True)}


@pytest.mark.parametrize(
    ("steps", "limit"),
    [
        ([0, 5000, 1_500_000], 200_000),
        ([5000, 2_000_000], 200_000),
        ([0, 5000, 750_000], 100_000),
        (TO_50, 50_000),
        ([0, 600, 2700], None),
        ([0], None),
        ([1000], None),
    ],
)
def test_what_is_early_is_a_share_of_shorter_trainings(steps, limit):
    assert planted_facts(steps=steps).early == limit


def test_languages_come_to_shares_of_their_best_when_they_do(to_50):
    """Planted: de_gsd has 95 % at 30,000 and 98 % at 40,000; de_hdt 98 % at 60,000; Finnish all of it at once."""
    table = PAPER_FIGURE.table(to_50, POS)
    assert [*steps(table, "fi").values()] == [5000] * 4
    german, english, uyghur = (steps(table, language) for language in ("de (de_gsd)", "en", "ug"))
    assert (german[0.95], german[0.98]) == (30_000, 40_000) and (english[0.95], english[0.98]) == (30_000, 40_000)
    assert [uyghur[share] for share in (0.8, 0.9, 0.98)] == [5000, 10_000, 15_000]
    assert steps(table, "de (de_hdt)")[0.98] == 60_000
    assert table["step"].min() == 5000


def test_the_first_to_learn_stand_first(to_50):
    table = PAPER_FIGURE.table(to_50, POS)
    order = [language for language in table["language"].unique() if language != "hi"]
    assert order[:2] == ["fi", "ug"] and {*order[2:4]} == {"en", "de (de_gsd)"} and order[4:] == ["de (de_hdt)"]
    last = table[table["share"] == 0.98]
    assert last["step"].is_monotonic_increasing


def test_an_arrow_is_a_language_that_comes_later(to_50):
    table = PAPER_FIGURE.table(to_50, POS)
    figure = drawn(table, to_50)
    (axes,) = figure.axes
    arrows = line_of(axes, "98 % after 50,000")
    assert "de (de_hdt)" in arrows and not {"en", "de (de_gsd)", "fi", "ug"} & {*arrows} and {*arrows.values()} == {51_500}
    dots = line_of(axes, "98 % of the best")
    assert "de (de_hdt)" not in dots and dots["de (de_gsd)"] == 40_000 and dots["fi"] == 5000
    assert line_of(axes, "95 % of the best")["de (de_gsd)"] == 30_000
    assert axes.get_ylim()[1] > 51_500
    check_legible(figure)
    plt.close(figure)


def test_who_comes_at_the_limit_comes_in_time(to_50):
    to_60 = replace(to_50, facts=planted_facts(steps=TO_60))
    table = PAPER_FIGURE.table(to_60, POS)
    assert not table[table["language"] == "de (de_hdt)"]["later"].any()


def test_all_is_shown_of_a_training_without_an_early_checkpoint(to_50):
    whole = replace(to_50, facts=planted_facts(steps=WHOLE))
    table = PAPER_FIGURE.table(whole, POS)
    figure = drawn(table, whole)
    assert not table["later"].any() and "98 % after" not in " ".join(line.get_label() for line in figure.axes[0].lines)
    assert not any(line.get_linestyle() == ":" for line in figure.axes[0].lines)
    said = PAPER_FIGURE.caption(table, whole, POS)
    assert "All 100,000 updates are shown" in said and " after " not in said
    plt.close(figure)


def test_where_few_checkpoints_are_early_a_line_says_where_that_ends(to_50):
    """Of 100,000 updates the first 13,333 would be shown, with two checkpoints."""
    own = replace(to_50, facts=planted_facts())
    table = PAPER_FIGURE.table(own, POS)
    figure = drawn(table, own)
    (limit,) = (line for line in figure.axes[0].lines if line.get_linestyle() == ":")
    assert {*limit.get_ydata()} == {13_333} and not table["later"].any() and figure.axes[0].get_ylim()[1] > 100_000
    assert line_of(figure.axes[0], "98 % of the best")["de (de_hdt)"] == 60_000
    said, last = PAPER_FIGURE.caption(table, own, POS), table[table["share"] == 0.98]
    assert (
        "since fewer than 3 checkpoints lie in the share" in said
        and f"; {(last['step'] > 13_333).sum()} after 13,333 (dotted line)" in said
    )
    check_legible(figure)
    plt.close(figure)


def test_colours_are_those_of_shares(to_50):
    figure = drawn(PAPER_FIGURE.table(to_50, POS), to_50)
    dots = {line.get_label(): line for line in figure.axes[0].lines}
    assert [*dots][:4] == [f"{share} % of the best" for share in (98, 95, 90, 80)]
    lightness = [sum(plt.matplotlib.colors.to_rgb(line.get_color())) for line in dots.values()][:4]
    assert lightness == sorted(lightness)
    plt.close(figure)


def test_the_steps_that_it_may_be_are_cut_at_the_limit(to_50):
    """A set that goes on after the last checkpoint goes to the limit; one that begins after the last checkpoint is not drawn."""
    table = PAPER_FIGURE.table(to_50, POS)
    ends = {
        "fi": (5000, 10_000),
        "ug": (15_000, None),
        "en": (30_000, 60_000),
        "de (de_gsd)": (None, None),
        "de (de_hdt)": (60_000, 80_000),
    }
    last = table["share"] == 0.98
    known = table[last & table["language"].isin([*ends])].copy()
    known[["low", "high"]] = [ends[language] for language in known["language"]]
    figure = drawn(known, to_50)
    drawn_ends = {segment[0][0]: (segment[0][1], segment[1][1]) for segment in figure.axes[0].collections[0].get_segments()}
    names = [*known["language"]]
    assert {names[int(place)]: found for place, found in drawn_ends.items()} == {
        **{"fi": (5000, 10_000), "ug": (15_000, 50_000), "en": (30_000, 50_000)}
    }
    plt.close(figure)


def test_sets_are_those_of_cross_fitting(to_50):
    table = PAPER_FIGURE.table(to_50, POS)
    fitted = to_50.table("steps").query("task == 'pos' and source == target and rule == 'cross-fitted' and protocol == 'paper'")
    of_german = fitted[(fitted["source"] == "de_gsd") & (fitted["share"] == 0.98)].iloc[0]
    row = table[(table["language"] == "de (de_gsd)") & (table["share"] == 0.98)].iloc[0]
    assert (row["low"], row["high"]) == (of_german["low"], of_german["high"]) and row["low"] <= 40_000 <= row["high"]


def test_the_caption_counts(to_50):
    table = PAPER_FIGURE.table(to_50, POS)
    said, last = PAPER_FIGURE.caption(table, to_50, POS), table[table["share"] == 0.98]
    assert "80 / 90 / 95 / 98 % of the best" in said and "The first 50,000 of 375,000 updates are shown" in said
    assert f"6 languages, 98 % at {last['step'].mean():,.0f} updates on average, the last one at {last['step'].max():,.0f}" in said
    assert f"; {(last['step'] > 50_000).sum()} after 50,000 (arrows), {(last['low'] > 50_000).sum()} for sure (cross-fitted)." in said


def test_a_set_that_begins_after_the_last_checkpoint_is_later_for_sure(to_50):
    rows = to_50.table("steps").copy()
    fitted = (rows["source"] == "fi_tdt") & (rows["rule"] == "cross-fitted")
    rows.loc[fitted, ["low", "high", "interval"]] = [None, None, "set of steps"]
    rows.loc[(rows["source"] == "ug_udt") & (rows["rule"] == "cross-fitted"), ["low", "high", "interval"]] = [None, None, "no interval"]
    changed = replace(to_50, _read={"steps": rows})
    before, after = (PAPER_FIGURE.caption(PAPER_FIGURE.table(known, POS), known, POS) for known in (to_50, changed))
    surely = [int(said.partition(" (arrows), ")[2].partition(" for sure")[0]) for said in (before, after)]
    assert surely[1] == surely[0] + 1


def test_who_has_no_step_is_named(to_50):
    """Of a score that stays 0 there is none."""
    rows = to_50.table("steps").copy()
    rows.loc[rows["source"].isin(["fi_tdt", "hi_hdtb"]) & (rows["rule"] == "as printed"), "value"] = None
    known = replace(to_50, _read={"steps": rows})
    table = PAPER_FIGURE.table(known, POS)
    said = PAPER_FIGURE.caption(table, known, POS)
    assert not {"fi", "hi"} & {*table["language"]} and "4 languages, 98 %" in said and "Left out, since the score stays 0: fi, hi." in said
    assert "Left out" not in PAPER_FIGURE.caption(PAPER_FIGURE.table(to_50, POS), to_50, POS)


def test_a_panel_a_task_and_what_is_missing_is_said(to_50):
    table = PAPER_FIGURE.table(to_50, OTHERS)
    figure = drawn(table, to_50, OTHERS)
    assert [axes.get_title().replace("\n", " ") for axes in figure.axes] == ["Arc classification", "Natural language inference"]
    inference = table[table["task"] == "xnli"]
    # Planted: German has 0.64 of 0.65 at 10,000; English 0.72 at 80,000.
    assert steps(inference, "de")[0.95] == 10_000 and steps(inference, "en")[0.98] == 80_000 and inference["language"].iloc[0] == "de"
    assert PAPER_FIGURE.caption(table, to_50, OTHERS).endswith("Not shown: arc prediction (no arcs are predicted).")
    check_legible(figure)
    plt.close(figure)


def test_only_shares_that_a_run_has_are_shown(to_50):
    fewer = replace(to_50, _read={"steps": to_50.table("steps").query("share > 0.92")})
    table = PAPER_FIGURE.table(fewer, POS)
    figure = drawn(table, fewer)
    assert {*table["share"]} == {0.95, 0.98} and "90 % of the best" not in [line.get_label() for line in figure.axes[0].lines]
    assert "95 / 98 % of the best" in PAPER_FIGURE.caption(table, fewer, POS)
    plt.close(figure)


def test_a_run_without_inference_says_why(tmp_path):
    paths = [tmp_path / f"figure.{suffix}" for suffix in ("png", "pdf", "csv", "txt")]
    facts = planted_facts(absent={"xnli, in language": "the run measures no inference"})
    draw_paper_figure("learning_progress", Asked(title="Progress", tasks=("xnli",)), [], facts, *paths)
    assert read_caption(paths[3]) == "Nothing to show: the run measures no inference."
    assert not len(pd.read_csv(paths[2]))


@pytest.mark.parametrize(("kind", "shown"), [("learning_progress", ""), ("transfer_pairs", "steps")])
def test_the_steps_of_a_very_short_training_have_ticks_of_their_own(planted_results, kind, shown):
    """Half a step is none: no two ticks have one name."""
    tables = planted_model_tables(planted_results)
    place_of = {float(step): place for place, step in enumerate(STEPS, start=1)}
    short = tables.table("steps").assign(
        **{name: tables.table("steps")[name].map(place_of).clip(upper=2) for name in ("value", "low", "high")}
    )
    found = paper_figures.drawn(replace(tables, facts=planted_facts(steps=[0, 1, 2]), _read={"steps": short}), kind, ["pos"], shown)
    axes = found.panels["Part of speech"]
    ticks = [axes.yaxis.get_major_formatter()(tick, None) for tick in axes.get_yticks()]
    assert len(ticks) == len({*ticks}) >= 3
