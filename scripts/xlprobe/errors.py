"""Faults that a user can mend. Each message is one sentence: what was found where, and what to do."""

import re
from pathlib import Path


class XlprobeError(Exception):
    """A fault in a user's input, configuration or files; scripts print its message alone, without a traceback."""


class ConfigError(XlprobeError):
    """A key of the configuration is unknown, missing or has a value that cannot be used."""


class FormatError(XlprobeError):
    """A line of an input file does not follow its format."""

    def __init__(self, path: Path | str, line: int, found: str, expected: str) -> None:
        super().__init__(f"{path}:{line}: found {found}, expected {expected}")


class ResumeError(XlprobeError):
    """A pretraining step cannot be made from the training state at hand."""


def first_sentence(error: BaseException) -> str:
    """The first sentence of what a library says, on one line.

    >>> first_sentence(ValueError("No such layer. See the manual."))
    'No such layer'
    """
    # PyTorch's may go on with the calls inside of it.
    return re.split(r"\. | Exception raised from ", " ".join(str(error).split()))[0] or "without a message"
