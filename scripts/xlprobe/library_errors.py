"""Any error of a library on a user's checkpoint, told in one sentence: models are more various than any list of errors."""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from xlprobe.errors import XlprobeError, first_sentence

# What PyTorch says in place of a kind of its own where a processor's memory is full; Arrow and Python, where a thread gets none.
MEMORY = ("out of memory", "can't allocate memory", "not enough memory", "launch worker thread", "can't start new thread")
OURS = Path(__file__).parent
LEAVE_OUT = "take the model, or this step of it, out of `models` in the configuration"


@contextmanager
def library_errors(checkpoint: Path | str, batch_key: str | None = None) -> Iterator[None]:
    """Say in one sentence what ended the work on a checkpoint; where it came from stands in it, for who wants to look.

    Args:
        checkpoint: what it is called, or where it lies.
        batch_key: the key of the configuration that says how much is computed at once, where there is one.

    Raises:
        XlprobeError: something inside the block failed.
    """
    try:
        yield
    except XlprobeError:
        raise
    except BaseException as error:
        if not is_fault(error):
            raise
        said = first_sentence(error)
        if memory_is_full(error):
            advice = f"lower {batch_key} in the configuration" if batch_key else "the checkpoint asks for more than there is"
            raise XlprobeError(f"{checkpoint}: memory is full ({said}); {advice}") from error
        if isinstance(error, OSError):
            raise XlprobeError(
                f"{checkpoint}: a file could not be read or written on the way ({said}); look at it, and at the disk's space"
            ) from error
        frames = traceback.extract_tb(error.__traceback__)
        # What it was asked for may fail in our own next line.
        where = next((frame for frame in reversed(frames) if OURS not in Path(frame.filename).parents), frames[-1])
        raise XlprobeError(
            f"{checkpoint}: {type(error).__name__} in {Path(where.filename).name}, line {where.lineno}: {said}; if the"
            f" checkpoint's files are whole, the library cannot run this model: {LEAVE_OUT}"
        ) from error


def is_fault(error: BaseException) -> bool:
    """Whether an error says that something failed; the tokenizers library is written in Rust, whose panics are no Exception."""
    return isinstance(error, Exception) or type(error).__name__ == "PanicException"


def memory_is_full(error: BaseException) -> bool:
    """Whether an error says that there was no memory left."""
    return isinstance(error, MemoryError) or any(words in str(error) for words in MEMORY)
