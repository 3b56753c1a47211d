"""What a reader must be able to read of a figure: nothing is cut, and no text lies on another one."""

from collections.abc import Iterator
from itertools import combinations

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text


def check_legible(figure: Figure) -> None:
    """Draw a figure, and hold the places of its texts against each other and against its edges."""
    figure.canvas.draw()
    edges = figure.bbox
    # Of an annotation without its line.
    boxes = [(text.get_text(), Text.get_window_extent(text)) for text in _texts(figure)]
    for name, box in [*boxes, *(("legend", legend.get_window_extent()) for legend in figure.legends)]:
        inside = box.x0 >= -1 and box.y0 >= -1 and box.x1 <= edges.x1 + 1 and box.y1 <= edges.y1 + 1
        assert inside, f"cut: {name}"
    for (one, box), (other, beside) in combinations(boxes, 2):
        across = min(box.x1, beside.x1) - max(box.x0, beside.x0)
        along = min(box.y1, beside.y1) - max(box.y0, beside.y0)
        # Boxes of letters are a bit larger than these.
        assert min(across, along) < 2, f"{one!r} lies on {other!r}"


def _texts(figure: Figure) -> Iterator[Text]:
    yield from (text for text in figure.texts if text.get_text())
    for axes in figure.axes:
        yield from (text for text in (axes.title, axes.xaxis.label, axes.yaxis.label, *axes.texts) if text.get_text())
        yield from _tick_labels(axes)


def _tick_labels(axes: Axes) -> Iterator[Text]:
    for axis, ends in ((axes.xaxis, sorted(axes.get_xlim())), (axes.yaxis, sorted(axes.get_ylim()))):
        for tick in axis.get_major_ticks():
            if ends[0] <= tick.get_loc() <= ends[1] and tick.label1.get_visible() and tick.label1.get_text():
                yield tick.label1
