"""What the scripts share: one way to describe arguments and one way to fail."""

import argparse
import logging
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

from xlprobe.errors import XlprobeError, first_sentence, one_line
from xlprobe.library_errors import is_fault, memory_is_full

# The environment variable that asks for tracebacks.
DEBUG = "XLPROBE_DEBUG"
# Begins the arguments of one of several calls; those before the first hold for all.
AND = "--and"


def parser(description: str | None) -> argparse.ArgumentParser:
    """An argument parser whose help shows the script's docstring."""
    arguments = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    said = f"show the traceback of what fails, too; so does {DEBUG}=1 in the environment"
    arguments.add_argument("--debug", action=_Debug, nargs=0, dest=argparse.SUPPRESS, default=argparse.SUPPRESS, help=said)
    return arguments


def layers(text: str) -> list[int] | None:
    """Layers as an argument names them: `0,6,12`, or `all`."""
    return None if text == "all" else [int(layer) for layer in text.split(",")]


def add_intervals(arguments: argparse.ArgumentParser) -> None:
    """Arguments of the scripts that score: how intervals are taken (`xlprobe.statistics.bootstrap.Intervals`)."""
    arguments.add_argument("--resamples", type=_resamples, default=0, help="bootstrap resamples behind an interval; 0 takes none")
    arguments.add_argument("--level", type=share, default=0.95, help="share of the resamples that an interval holds")


def _resamples(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"found {text}, expected a whole number, 0 or more")
    return int(text)


def share(text: str) -> float:
    """A share between 0 and 1 (a `type` of argparse)."""
    try:
        found = float(text)
    except ValueError:
        found = 0
    if not 0 < found < 1:
        raise argparse.ArgumentTypeError(f"found {text}, expected a share between 0 and 1")
    return found


def run(main: Callable[[], None]) -> None:
    """Run a script's `main`; whatever ends it is said in one sentence on stderr, with exit status 1 (130 where it was interrupted).

    With XLPROBE_DEBUG=1 in the environment, or `--debug`, the traceback stands before the sentence. With `--and`, `main` runs several
    times: with what stands before the first, and what follows each of them. To start Python takes longer than many a small job.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_OneLine())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    try:
        for arguments in _calls(sys.argv[1:]):
            sys.argv[1:] = arguments
            main()
        sys.stdout.flush()
    except BaseException as error:
        if not (is_fault(error) or isinstance(error, KeyboardInterrupt)):
            raise
        if os.environ.get(DEBUG, "0") != "0":
            traceback.print_exc()
        if isinstance(error, BrokenPipeError):
            # Else Python tries to write again when it ends, and says that it cannot.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        print(f"error: {_sentence_of(error)}", file=sys.stderr)
        sys.exit(130 if isinstance(error, KeyboardInterrupt) else 1)


def _calls(arguments: Sequence[str]) -> list[list[str]]:
    """The arguments of each call."""
    parts: list[list[str]] = [[]]
    for argument in arguments:
        if argument == AND:
            parts.append([])
        else:
            parts[-1].append(argument)
    shared, *own = parts
    return [shared + part for part in own or [[]]]


def _sentence_of(error: BaseException) -> str:
    """What ended a script, in one sentence."""
    if isinstance(error, XlprobeError):
        return str(error)
    if isinstance(error, KeyboardInterrupt):
        return "interrupted before the end; run the same command again"
    said = f"{type(error).__name__}: {first_sentence(error)}"
    if memory_is_full(error):
        said, advice = f"memory is full ({said})", "run fewer jobs at once, or give the job more (mem_mb)"
    elif isinstance(error, BrokenPipeError):
        advice = "what read the output has ended before"
    elif isinstance(error, OSError):
        advice = "a file could not be read or written; look at it, and at the disk's space"
    else:
        frame = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{Path(frame.filename).name}, line {frame.lineno}"
        advice = f"a fault of xlprobe ({where}); please report it, with the traceback that {DEBUG}=1 in the environment adds to the log"
    return str(XlprobeError(f"{said}; {advice}"))


class _Debug(argparse.Action):
    """Sets the environment variable, which processes that a script starts inherit."""

    def __call__(self, *arguments: object) -> None:
        os.environ[DEBUG] = "1"


class _OneLine(logging.Formatter):
    """Messages with what is not visible escaped, but line breaks, which libraries' have: a file's content writes no colours."""

    def format(self, record: logging.LogRecord) -> str:
        return "\n".join(map(one_line, super().format(record).split("\n")))
