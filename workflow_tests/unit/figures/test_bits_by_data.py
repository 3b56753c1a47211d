from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from legible import check_legible
from planted_outcomes import BITS_TRUTH, GIB, STEPS
from planted_tables import planted_facts, planted_model_tables

from xlprobe.artifacts.captions import read_caption
from xlprobe.figures.bits_by_data import COLOURS, FEW, PAPER_FIGURE
from xlprobe.figures.drawing import GREY, STYLE
from xlprobe.figures.paper_declaration import Asked, draw_paper_figure

ASKED = Asked(title="Bits", tasks=("bpc",))


@pytest.fixture(scope="module")
def tables(planted_results):
    return planted_model_tables(planted_results)


@pytest.fixture(scope="module")
def table(tables):
    return PAPER_FIGURE.table(tables, ASKED)


def drawn(table, tables):
    with plt.rc_context(STYLE):
        return PAPER_FIGURE.plot(table, tables, ASKED)


def lines_of(figure):
    """The lines by where they end."""
    return {round(float(line.get_ydata()[-1]), 1): line for line in figure.axes[0].lines}


def named(figure):
    return [text.get_text() for text in figure.axes[0].texts]


def copies(table, count, **changed):
    """So many languages, with bits a little apart."""
    one = table[table["language"] == "en"]
    return pd.concat([one.assign(language=f"l{number:02}", value=one["value"] + number / 50, **changed) for number in range(count)])


def test_curves_are_of_held_out_text_by_the_runs_protocol(table):
    """Step 0 has 0.01 bits; fairseq's way English has 0.85 of what it has line by line."""
    for language, truth in BITS_TRUTH.items():
        rows = table[table["language"] == language]
        assert rows["step"].tolist() == STEPS
        np.testing.assert_allclose(rows["value"], truth, atol=0.01)
    assert [*table["language"].unique()] == ["en", "de", "hi"]
    assert table.groupby("language")["gib"].first().to_dict() == {language: GIB[language] for language in BITS_TRUTH}


def test_parallel_text_alone_shows_nothing(tables):
    scores = tables.table("scores")
    parallel = scores.assign(split=scores["split"].where(scores["task"] != "bpc", "test"))
    assert not len(PAPER_FIGURE.table(replace(tables, _read={"scores": parallel}), ASKED))


def test_a_line_has_the_colour_of_its_languages_text(table, tables):
    figure = drawn(table, tables)
    lines = lines_of(figure)
    np.testing.assert_allclose(lines[1.0].get_ydata(), table[table["language"] == "en"]["value"])
    assert lines[1.0].get_xdata().tolist() == STEPS
    assert lines[1.0].get_color() == COLOURS(1.0) and lines[4.2].get_color() == COLOURS(0.0)
    # Of 60 GiB, on the way from 5 to 300 on a scale of logarithms.
    assert lines[1.5].get_color() == COLOURS(np.log(60 / 5) / np.log(300 / 5))
    bar = figure.axes[1]
    assert bar.get_ylabel() == "text in pretraining (GiB)" and bar.get_ylim() == pytest.approx((5, 300))
    assert named(figure) == ["en", "de", "hi"]
    assert "each line by itself; less is better" in figure.get_suptitle()
    check_legible(figure)
    plt.close(figure)


def test_small_texts_are_told_in_mib(table, tables):
    small = table.assign(gib=table["gib"] / 1024)
    figure = drawn(small, tables)
    assert figure.axes[1].get_ylabel() == "text in pretraining (MiB)" and figure.axes[1].get_ylim() == pytest.approx((5, 300))
    assert "5 (hi) to 300 (en) MiB" in PAPER_FIGURE.caption(small, tables, ASKED)
    plt.close(figure)


def test_languages_without_a_size_are_grey(table, tables):
    gib = table["gib"].where(table["language"] != "hi").where(table["language"] != "de", 0.0)
    partly = table.assign(gib=gib)
    figure = drawn(partly, tables)
    lines = lines_of(figure)
    assert [lines[end].get_color() == GREY for end in (1.0, 1.5, 4.2)] == [False, True, True]
    assert {text.get_text() for text in figure.legends[0].texts} == {"no size known", "not pretrained on"}
    said = PAPER_FIGURE.caption(partly, tables, ASKED)
    assert "300 (en) GiB" in said and "Of 1 language no size is known (grey). Of 1 language the model saw no text (grey)." in said
    check_legible(figure)
    plt.close(figure)


def test_a_run_without_any_size_has_no_colour_bar(tables):
    none = PAPER_FIGURE.table(replace(tables, _read={"factors": tables.table("factors")[:0]}), ASKED)
    figure = drawn(none, tables)
    assert len(figure.axes) == 1 and {line.get_color() for line in figure.axes[0].lines} == {GREY}
    assert "colour" not in PAPER_FIGURE.caption(none, tables, ASKED)
    plt.close(figure)


def test_other_readings_of_the_size_are_not_taken(tables):
    factors = tables.table("factors")
    own = factors[factors["factor"] == "pretraining_data"]
    others = own.assign(reading="this run", default=False, value=1.0)
    both = PAPER_FIGURE.table(replace(tables, _read={"factors": pd.concat([others, factors])}), ASKED)
    assert both.groupby("language")["gib"].first()["en"] == 300


@pytest.mark.parametrize(("count", "names"), [(FEW, 12), (FEW + 1, 8), (94, 8)])
def test_of_many_lines_the_extreme_ones_have_names(table, tables, count, names):
    many = copies(table, count)
    figure = drawn(many, tables)
    assert len(figure.axes[0].lines) == count and len(named(figure)) == names
    assert named(figure)[0] == "l00" and named(figure)[-1] == f"l{count - 1:02}"
    check_legible(figure)
    plt.close(figure)


@pytest.mark.parametrize("spread", [0.0, 0.001])
def test_names_of_lines_that_end_together_do_not_overlap(table, tables, spread):
    one = table[table["language"] == "en"]
    together = pd.concat([one.assign(language=f"zh-{number:02}", value=one["value"] + spread * number) for number in range(12)])
    figure = drawn(together, tables)
    check_legible(figure)
    plt.close(figure)


def test_bands_are_intervals(table, tables):
    with_intervals = table.assign(low=table["value"] - 0.1, high=table["value"] + 0.1)
    figure = drawn(with_intervals, tables)
    # The least text is drawn last.
    points = figure.axes[0].collections[-1].get_paths()[0].vertices
    assert points[:, 1].min() == pytest.approx(table[table["language"] == "hi"]["value"].min() - 0.1)
    assert "Bands are bootstrap intervals" in PAPER_FIGURE.caption(with_intervals, tables, ASKED)
    plt.close(figure)


@pytest.mark.parametrize("steps", [[5000], [5000, 10_000]])
def test_few_checkpoints_of_one_language(table, tables, steps):
    few = table[(table["language"] == "en") & table["step"].isin(steps)]
    figure = drawn(few, tables)
    assert figure.axes[0].lines[0].get_xdata().tolist() == steps
    check_legible(figure)
    plt.close(figure)


def test_the_caption_says_ranges(table, tables):
    said = PAPER_FIGURE.caption(table, tables, ASKED)
    assert "3 languages, with 1.00 (en) to 4.20 (hi) at the final checkpoint." in said and "over 10 checkpoints" in said
    assert "5 (hi) to 300 (en) GiB." in said and "the sizes are those of CC100" in said


def test_a_run_without_bits_says_why(tmp_path):
    paths = [tmp_path / f"figure.{suffix}" for suffix in ("png", "pdf", "csv", "txt")]
    facts = planted_facts(absent={"bpc, in language": "no bits per character are taken of the model"})
    draw_paper_figure("bits_by_data", ASKED, [], facts, *paths)
    assert read_caption(paths[3]) == "Nothing to show: no bits per character are taken of the model."
    assert not len(pd.read_csv(paths[2]))
