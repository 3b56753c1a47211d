from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from legible import check_legible
from planted_tables import planted_facts, planted_model_tables

from xlprobe.figures.drawing import STYLE
from xlprobe.figures.paper_declaration import Asked
from xlprobe.figures.transfer_pairs import PAPER_FIGURE

TASKS = ("arc_prediction", "pos", "arc_classification", "xnli")
STEPS, FORGETTING = (Asked(title="Transfer", tasks=TASKS, shown=shown) for shown in ("steps", "forgetting"))
SOURCES = ["de (de_gsd)", "de (de_hdt)", "en", "fi", "hi"]
# What pairs of parts of speech lose, in shares; nothing else does.
LOST = {("en_ewt", "de_pud"): 0.12, ("en_ewt", "fi_pud"): 0.03, ("fi_tdt", "en_pud"): 0.06}


@pytest.fixture(scope="module")
def tables(planted_results):
    return planted_model_tables(planted_results)


@pytest.fixture
def losing(tables):
    """The run, with known losses; those that are relative are others."""
    rows = tables.table("forgetting").copy()
    pairs = [*zip(rows["source"], rows["target"], strict=True)]
    lost = np.array([LOST.get(pair, 0.0) for pair in pairs])
    printed, absolute = rows["rule"] == "as printed", rows["measure"] == "absolute"
    ours = (rows["task"] == "pos") & (rows["source"] != rows["target"])
    rows.loc[ours, "value"] = np.where(absolute, np.where(printed, lost, lost - 0.01), 0.5)[ours]
    fitted = ours & ~printed & absolute
    rows.loc[fitted, ["low", "high"]] = np.stack([lost - 0.02, lost + 0.03], axis=1)[fitted]
    rows.loc[fitted, "forgets"] = lost[fitted] > 0.05
    return replace(tables, _read={"forgetting": rows})


def of(table, task):
    return table[table["task"] == task].set_index(["source", "target"])


def drawn(table, tables, asked):
    with plt.rc_context(STYLE):
        return PAPER_FIGURE.plot(table, tables, asked)


def panel(figure, title):
    return next(axes for axes in figure.axes if axes.get_title().replace("\n", " ") == title)


@pytest.mark.parametrize("asked", [STEPS, FORGETTING])
def test_pairs_are_of_different_languages_with_a_parallel_set(tables, asked):
    """Uyghur is a source alone, and learned best of all; the diagonal is no transfer."""
    pos, inference = (of(PAPER_FIGURE.table(tables, asked), task) for task in ("pos", "xnli"))
    assert {*pos.index} == {(source, target) for source in SOURCES for target in ("en", "de", "fi", "hi") if source[:2] != target}
    assert {*inference.index} == {("en", "de"), ("de", "en")} and "arc_prediction" not in {*PAPER_FIGURE.table(tables, asked)["task"]}


def test_steps_are_those_to_98_per_cent(tables):
    """Planted: of English's 0.8 on German 90 % are there at 50,000, 96 % at 60,000, all at 80,000."""
    table = PAPER_FIGURE.table(tables, STEPS)
    pos, inference = of(table, "pos"), of(table, "xnli")
    assert pos.loc[("en", "de"), "value"] == 80_000 and pos["value"].between(80_000, 100_000).all()
    # Planted: of German's 0.60 on English 0.59 is there at 10,000: 98.3 %; what is measured needs a little longer.
    assert inference.loc[("en", "de"), "value"] == 80_000 and inference.loc[("de", "en"), "value"] < 50_000
    assert inference.index[0] == ("de", "en")


def test_sources_stand_by_their_means(tables):
    table = PAPER_FIGURE.table(tables, STEPS)
    pos = table[table["task"] == "pos"]
    means = pos.groupby("source")["value"].mean()
    assert pos["source_mean"].tolist() == means.loc[pos["source"]].tolist() and pos["source_mean"].is_monotonic_increasing


def test_panels_of_steps_show_the_tables_numbers(tables):
    tables = replace(tables, facts=planted_facts(steps=[0, 5000, 637_500]))
    table = PAPER_FIGURE.table(tables, STEPS)
    figure = drawn(table, tables, STEPS)
    axes, pos = panel(figure, "Part of speech"), table[table["task"] == "pos"]
    sources = [*pos["source"].unique()]
    assert [tick.get_text() for tick in axes.get_xticklabels()] == sources
    dots, limit, *_ = (line for line in axes.lines if not line.get_label().startswith("_"))
    assert dots.get_ydata().tolist() == pos["value"].tolist()
    # A dot stands in the column of its source, and no two in one place.
    assert [sources[round(place)] for place in dots.get_xdata()] == pos["source"].tolist()
    assert len({*dots.get_xdata()}) == 15 and (np.abs(dots.get_xdata() - np.round(dots.get_xdata())) < 0.4).all()
    assert {*limit.get_ydata()} == {85_000} and limit.get_linestyle() == ":"
    means = [segment[0][1] for segment in axes.collections[0].get_segments()]
    assert means == pytest.approx(pos.groupby("source")["value"].mean().loc[sources].tolist())
    tops = {axes.get_ylim()[1] for axes in figure.axes}
    assert len(tops) == 1 and tops.pop() >= table["value"].max()
    check_legible(figure)
    plt.close(figure)


def test_no_line_is_drawn_where_there_is_no_early_checkpoint(tables):
    tables = replace(tables, facts=planted_facts(steps=[50_000, 100_000]))
    table = PAPER_FIGURE.table(tables, STEPS)
    figure = drawn(table, tables, STEPS)
    assert not any(line.get_linestyle() == ":" for axes in figure.axes for line in axes.lines)
    assert "No checkpoint lies so early" in PAPER_FIGURE.caption(table, tables, STEPS)
    plt.close(figure)


def test_what_is_lost_is_a_fall(losing):
    """English loses 12 and 3 points and none on Hindi: 5 on average; Finnish 6 of one of three."""
    table = PAPER_FIGURE.table(losing, FORGETTING)
    pos = of(table, "pos")
    assert pos.loc[("en", "de")][["value", "cross_fitted", "low", "high", "source_mean"]].tolist() == pytest.approx(
        [-0.12, -0.11, -0.15, -0.10, -0.05]
    )
    assert [*pos.index.get_level_values("source").unique()][:2] == ["en", "fi"]
    assert pos.loc["hi", "value"].tolist() == [0, 0, 0] and pos.loc["fi", "source_mean"].iloc[0] == pytest.approx(-0.02)
    figure = drawn(table, losing, FORGETTING)
    axes = panel(figure, "Part of speech")
    (dots,) = (line for line in axes.lines if line.get_label() == "a target")
    np.testing.assert_allclose(dots.get_ydata(), 100 * table.loc[table["task"] == "pos", "value"])
    printed, fitted = ([segment[0][1] for segment in lines.get_segments()] for lines in axes.collections)
    assert printed[:2] == pytest.approx([-5, -2]) and fitted[:2] == pytest.approx([-4, -1])
    assert axes.get_ylabel() == "change (points)"
    check_legible(figure)
    plt.close(figure)


def test_captions_say_means_and_extremes(losing):
    table = PAPER_FIGURE.table(losing, FORGETTING)
    said = PAPER_FIGURE.caption(table, losing, FORGETTING)
    assert (
        "Part of speech, 5 sources and 15 pairs: -1.40 points on average (-0.40 cross-fitted), -12.00 at most (en to de);"
        " 2 of 15 pairs fall further than checkpoints go up and down." in said
    )
    assert said.endswith("Not shown: arc prediction (no arcs are predicted).")
    steps = PAPER_FIGURE.table(losing, STEPS)
    said, pos = PAPER_FIGURE.caption(steps, losing, STEPS), steps[steps["task"] == "pos"]["value"]
    assert "The dotted line is at 13,333 updates" in said and f"98 % at {pos.mean():,.0f} updates on average, from 80,000 to" in said
    assert "; 15 after 13,333 (15 for sure, cross-fitted)." in said


def test_a_pair_without_a_step_is_left_out(tables):
    """Of a score that stays 0 there is none."""
    rows = tables.table("steps").copy()
    rows.loc[(rows["source"] == "en_ewt") & (rows["target"] == "de_pud"), "value"] = np.nan
    known = replace(tables, _read={"steps": rows})
    table = PAPER_FIGURE.table(known, STEPS)
    pos = of(table, "pos")
    assert len(pos) == 14 and ("en", "de") not in pos.index
    assert "Left out, since the score stays 0: en to de." in PAPER_FIGURE.caption(table, known, STEPS)
    assert "Left out" not in PAPER_FIGURE.caption(PAPER_FIGURE.table(tables, STEPS), tables, STEPS)


def test_a_pair_whose_set_begins_after_the_last_checkpoint_is_later_for_sure(tables):
    rows = tables.table("steps").copy()
    rows.loc[(rows["source"] == "en_ewt") & (rows["rule"] == "cross-fitted"), ["low", "high"]] = None
    known = replace(tables, _read={"steps": rows})
    assert "; 15 after 13,333 (15 for sure, cross-fitted)." in PAPER_FIGURE.caption(PAPER_FIGURE.table(known, STEPS), known, STEPS)


def test_pairs_of_a_paper_are_legible(tables):
    """18 languages and 306 pairs in three tasks, 15 and 210 in one."""
    rows = []
    for task, size in zip(TASKS, (18, 18, 18, 15), strict=True):
        pairs = [(one, other) for one in range(size) for other in range(size) if one != other]
        rows += [(task, f"l{one:02}", f"l{other:02}", 5000 * (one + other + 1), one) for one, other in pairs]
    table = pd.DataFrame(rows, columns=["task", "source", "target", "value", "source_mean"]).assign(cross_fitted=np.nan)
    figure = drawn(table, tables, STEPS)
    assert [len(axes.lines[0].get_ydata()) for axes in figure.axes] == [306, 306, 306, 210]
    check_legible(figure)
    plt.close(figure)
