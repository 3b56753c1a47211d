"""What the scripts share: one way to describe arguments and one way to fail."""

import argparse
import logging
import sys
from collections.abc import Callable

from xlprobe.errors import XlprobeError


def parser(description: str | None) -> argparse.ArgumentParser:
    """An argument parser whose help shows the script's docstring."""
    return argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)


def layers(text: str) -> list[int] | None:
    """Layers as an argument names them: `0,6,12`, or `all`."""
    return None if text == "all" else [int(layer) for layer in text.split(",")]


def add_intervals(arguments: argparse.ArgumentParser) -> None:
    """Arguments of the scripts that score: how intervals are taken (`xlprobe.scoring.Intervals`)."""
    arguments.add_argument("--resamples", type=int, default=0, help="bootstrap resamples behind an interval; 0 takes none")
    arguments.add_argument("--level", type=_level, default=0.95, help="share of the resamples that an interval holds")


def _level(text: str) -> float:
    if not 0 < float(text) < 1:
        raise argparse.ArgumentTypeError(f"found {text}, expected a share between 0 and 1")
    return float(text)


def run(main: Callable[[], None]) -> None:
    """Run a script's `main`; a fault that the user can mend ends in one sentence on stderr and exit status 1."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    try:
        main()
    except XlprobeError as error:
        sys.exit(f"error: {error}")
