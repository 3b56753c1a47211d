"""Faults that a user can mend. Each message is one sentence: what was found where, and what to do."""

import re
from pathlib import Path

# Of a file or a configuration, a message repeats no more characters in one piece.
MOST_REPEATED = 200
# No message of ours is as long; what is longer holds a file's content.
LONGEST_MESSAGE = 10_000
# A command, which is whole or of no use; a quote (an apostrophe inside a word opens none); or what is written without a blank: paths
# are longer in all, in no part.
_PIECE = re.compile(r"""(?P<command>`[^`]*`)|(?<![\w'"])(?P<mark>['"])(?:\\.|(?!(?P=mark)).)*(?P=mark)|[^\s/`]+""")


class XlprobeError(Exception):
    """A fault in a user's input, configuration or files; scripts print its message alone, without a traceback.

    The message is one line whatever it repeats: control characters are escaped, and long pieces are cut, but commands (in backticks).
    """

    def __init__(self, message: str) -> None:
        whole = one_line(shortened(message, LONGEST_MESSAGE))
        super().__init__(_PIECE.sub(lambda piece: piece["command"] or shortened(piece[0]), whole))


class ConfigError(XlprobeError):
    """A key of the configuration is unknown, missing or has a value that cannot be used."""


class FormatError(XlprobeError):
    """A line of an input file does not follow its format."""

    def __init__(self, path: Path | str, line: int, found: str, expected: str) -> None:
        super().__init__(f"{path}:{line}: found {shortened(found)}, expected {expected}")


class ResumeError(XlprobeError):
    """A pretraining step cannot be made from the training state at hand."""


def shortened(text: str, most: int = MOST_REPEATED) -> str:
    """A text for messages; of a long one the middle is left out.

    >>> shortened("abcdefghijkl", 7)
    'abc…jkl'
    """
    kept = (most - 1) // 2
    return text if len(text) <= most else f"{text[:kept]}…{text[-kept:]}"


def one_line(text: str) -> str:
    """A text for the terminal: what is no visible character, and could move its cursor or its colours, is escaped.

    >>> one_line("a\\n\\x1b[31mé")
    'a\\\\n\\\\x1b[31mé'
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def first_sentence(error: BaseException) -> str:
    """The first sentence of what a library says, on one line.

    >>> first_sentence(ValueError("No such layer. See the manual."))
    'No such layer'
    """
    # PyTorch's may go on with the calls inside of it.
    return re.split(r"\. | Exception raised from ", " ".join(str(error).split()))[0] or "without a message"
