"""Early stopping: when training ends, and the weights of which update are kept.

A model with early stopping has one step, its last update. It is trained in intervals of `validate_every` updates. After each stands
`intervals/validation_<n>.json` in its training state: bits per masked subword on each language's held-out text. Their mean decides, in
which every language weighs the same. Zhao et al. 2023 (B.2) stop by the cross-entropy of a validation set with 1,000 sequences a
language (B.1); they do not say how languages weigh, nor how often they look, nor with how much patience.
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

from xlprobe.errors import ResumeError, XlprobeError
from xlprobe.files import read_json
from xlprobe.pretraining.trained_text import removal

# fairseq gives losses in thousandths: what means differ in beyond this is the rounding of sums.
DECIMALS = 9


class Standing(NamedTuple):
    """How far a training with early stopping has come.

    Attributes:
        validations: updates and mean bits per masked subword of all validations, in order.
        kept: the update with the lowest mean so far, the earliest of equals; None before the first validation.
        why: why training has ended; None where it goes on.
    """

    validations: list[tuple[int, float]]
    kept: int | None
    why: str | None

    @property
    def newest(self) -> int | None:
        """The update of the last validation; None before the first."""
        return self.validations[-1][0] if self.validations else None


def choose(validations: Sequence[tuple[int, float]], patience: int, updates: int) -> Standing:
    """Which update is kept, and whether training has ended: after `patience` validations in a row without a lower mean, or at `updates`.

    >>> choose([(10, 5.0), (20, 4.0), (30, 4.0)], patience=2, updates=100).kept
    20
    >>> choose([(10, 5.0), (20, 4.0), (30, 4.0), (40, 4.5)], patience=2, updates=100).why
    'no lower loss in 2 validations'

    Args:
        validations: updates and mean bits, in order; what follows the end is left out.
    """
    best = 0
    for place, (update, bits) in enumerate(validations):
        if bits < validations[best][1]:
            best = place
        seen, kept = list(validations[: place + 1]), validations[best][0]
        if place - best >= patience:
            return Standing(seen, kept, f"no lower loss in {patience} validation{'s' * (patience > 1)}")
        if update >= updates:
            return Standing(seen, kept, "the last update" if kept == update else "the lowest loss up to the last update")
    return Standing(list(validations), validations[best][0] if validations else None, None)


def next_end(newest: int | None, validate_every: int, updates: int) -> int:
    """The update up to which the interval after a validation goes: the next multiple of `validate_every`, at most `updates`.

    >>> next_end(None, 10, 25), next_end(10, 10, 25), next_end(20, 10, 25)
    (10, 20, 25)
    """
    return min((newest or 0) + validate_every, updates)


def validation_file(state: Path, update: int) -> Path:
    """Where the loss after an interval stands: apart from that of the step, which is there once training has ended."""
    return state / "intervals" / f"validation_{update}.json"


def kept_file(state: Path, step: int) -> Path:
    """The weights that are kept for a step, whichever update they are of."""
    return state / f"kept_{step}.pt"


def macro_mean(path: Path, update: int) -> float:
    """The mean over languages of the bits per masked subword in a validation's file.

    Raises:
        XlprobeError: the file is damaged, or a loss in it is no number.
    """
    advice = f"restore the file, or delete it alone (`rm {path}`) and run again"
    bits = read_json(path, advice)
    if not isinstance(bits, dict) or not bits or not all(type(value) in (int, float) for value in bits.values()):
        raise XlprobeError(f"{path}: damaged: it does not say the loss on each language's held-out text; {advice}")
    if broken := next((language for language, value in bits.items() if not math.isfinite(value)), None):
        raise ResumeError(
            f"{path}: training has diverged: the loss on the held-out text of {broken} is {bits[broken]} after {update} updates; lower"
            f" training.learning_rate and give the model another name, or train it anew after {removal([str(path.parent.parent)])}"
        )
    return round(fmean(bits.values()), DECIMALS)


def read_standing(state: Path, early_stopping: Mapping[str, Any], updates: int) -> Standing:
    """How far a training has come, by its validations: those that stand there without a gap, from the first on.

    Args:
        state: the folder of the training state.
        early_stopping: the model's section of the configuration: validate_every and patience.
        updates: the last update.

    Raises:
        XlprobeError: a validation's file is damaged, or a loss in it is no number.
    """
    validations: list[tuple[int, float]] = []
    while True:
        standing = choose(validations, early_stopping["patience"], updates)
        end = next_end(standing.newest, early_stopping["validate_every"], updates)
        path = validation_file(state, end)
        if standing.why is not None or not path.exists():
            return standing
        validations.append((end, macro_mean(path, end)))
