import matplotlib.pyplot as plt
import pytest
from legible import check_legible

from xlprobe.figures.drawing import STYLE
from xlprobe.figures.language_panels import SLIM, WIDE, WIDTH, language_panels

# Languages of a task in paper 1, with codes of five letters and a dataset where there are few.
OF_PAPER = {"bpc": 94, "arc_prediction": 44, "pos": 44, "arc_classification": 44, "xnli": 15}


def made(sizes, inches, code="zh-{:02}"):
    languages = {task: [code.format(number) for number in range(size)] for task, size in sizes.items()}
    with plt.rc_context(STYLE):
        figure, panels = language_panels(dict.fromkeys(sizes, "Natural language inference\nmajority: 19.3–23.9 %"), languages, inches)
        for axes in panels.values():
            axes.plot([0], [1_000_000])
            axes.set_ylabel("accuracy (%)")
    return figure, panels


def rows_of(panels):
    """Which panels stand beside each other."""
    return [
        [task for task, axes in panels.items() if axes.get_subplotspec().get_topmost_subplotspec().rowspan.start == row] for row in range(9)
    ]


@pytest.mark.parametrize(
    ("sizes", "inches", "rows"),
    [
        (OF_PAPER, SLIM, [["bpc"], ["arc_prediction", "pos"], ["arc_classification", "xnli"]]),
        (
            {"arc_prediction": 18, "pos": 18, "arc_classification": 18, "xnli": 15},
            WIDE,
            [["arc_prediction", "pos"], ["arc_classification", "xnli"]],
        ),
        ({"pos": 44}, SLIM, [["pos"]]),
        ({"pos": 1}, SLIM, [["pos"]]),
        (dict.fromkeys(OF_PAPER, 6), SLIM, [[*OF_PAPER]]),
        (dict.fromkeys(OF_PAPER, 30), SLIM, [["bpc", "arc_prediction"], ["pos", "arc_classification"], ["xnli"]]),
    ],
)
def test_as_many_panels_stand_beside_each_other_as_fit(sizes, inches, rows):
    figure, panels = made(sizes, inches)
    assert [row for row in rows_of(panels) if row] == rows
    assert 5.5 <= figure.get_figwidth() <= WIDTH
    check_legible(figure)
    plt.close(figure)


def test_a_language_is_as_wide_in_all_rows():
    figure, panels = made(OF_PAPER, SLIM)
    figure.canvas.draw()
    widths = [axes.get_window_extent().width / (size + 0.4) for axes, size in zip(panels.values(), OF_PAPER.values(), strict=True)]
    assert max(widths) < 1.4 * min(widths)
    plt.close(figure)


def test_names_of_datasets_are_whole():
    figure, panels = made({"pos": 6, "xnli": 2}, SLIM, code="de (de_hdt_{})")
    assert [label.get_text() for label in panels["xnli"].get_xticklabels()] == ["de (de_hdt_0)", "de (de_hdt_1)"]
    check_legible(figure)
    plt.close(figure)
