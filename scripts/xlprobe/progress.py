"""Progress of long work: a bar on a terminal, one line a minute in a log."""

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

from tqdm import tqdm

Item = TypeVar("Item")

SECONDS_BETWEEN_LOG_LINES = 60.0


def progress(items: Iterable[Item], what: str, unit: str, total: int | None = None) -> Iterator[Item]:
    """Yield `items` while showing how many of `total` are done and how long the rest will take.

    Args:
        what: what is being done, shown before the bar.
        unit: what one item is called.
        total: the number of items where `items` has no length.
    """
    terminal = sys.stderr.isatty()
    bar = tqdm(
        items,
        desc=what,
        unit=f" {unit}",
        total=total,
        mininterval=0.1 if terminal else SECONDS_BETWEEN_LOG_LINES,
        maxinterval=10 if terminal else SECONDS_BETWEEN_LOG_LINES,
        delay=0 if terminal else 5,
        ascii=not terminal,
        file=sys.stderr if terminal else LineWriter(),
        dynamic_ncols=terminal,
    )
    yield from bar


class LineWriter:
    """A stream for tqdm that ends a line where tqdm would overwrite it."""

    def write(self, text: str) -> None:
        """Print `text` as a line of its own."""
        if text.strip():
            print(text.strip(), file=sys.stderr, flush=True)

    def flush(self) -> None:
        """Nothing is held back."""
