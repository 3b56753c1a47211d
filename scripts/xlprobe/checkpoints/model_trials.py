"""Trying out what a model does with its input, because neither its name nor its settings say so for sure.

A subword may see the earlier ones alone, or all: settings turn a causal class into one that sees both ways, and a masked
one into a causal one. Some models mix over padding (convolutions, Fourier transforms, landmarks), so that a row's states
depend on the row beside it.

Float32 rounds: the same row has other states in another batch, by 2e-6 of their size in 12 trained layers, by more in deeper
ones. What a subword does to another is 1e-4 or more in 130 architectures of 32 dimensions with random weights.

Shape letters: B rows, T positions, D dimensions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from xlprobe.errors import XlprobeError
from xlprobe.library_errors import LEAVE_OUT
from xlprobe.models.language_models import Framing

# Subwords of the row that is tried; half of them are changed, or left out.
TRIED = 32
# And of the row that padding is tried with: some models choose among positions where there are more of them than so many.
TRIED_WITH_PADDING = 256
# Differences of states, as shares of their size. Rows of one batch are computed alike, so that less is seen among them.
SEEN = 1e-5
TOLERANCE = 3e-4
# And as multiples of how far two equal rows of one batch differ.
ABOVE_NOISE = 10


@dataclass(frozen=True)
class Trials:
    """What was seen.

    Attributes:
        direction: `both ways`, where earlier positions depend on later subwords; `causal`, where they do not; `neither way`,
            where no position depends on another's subword, as before training in models whose layers begin at zero.
        padding: `sees padding`, where a row's states depend on the padding after it; else `independent`.
    """

    direction: str
    padding: str

    def fit(self, objective: str) -> bool:
        """Whether the model sees what one of that objective sees: what it predicts would be another thing otherwise."""
        return self.direction in ({"masked": "both ways", "causal": "causal"}[objective], "neither way")


def try_model(body: Any, framing: Framing, subwords: Sequence[int], place: str) -> Trials:
    """Change subwords, rows and padding, and see which states change.

    Args:
        body: the model without its head.
        subwords: ids to take rows from, of at least two kinds.
        place: where the model lies, for messages.

    Raises:
        XlprobeError: layers differ in width or length, or a row's states depend on other rows of its length, or change each
            time that they are computed.
    """
    begin, length = len(framing.prefix), min(framing.window, TRIED)
    # An odd border lies inside of blocks of 2, 4, 8: some models see both ways there alone.
    border = (begin + length // 2) | 1
    half = border - begin
    kinds = sorted({*subwords})
    if len(kinds) < 2:
        raise XlprobeError(f"{place}: its tokenizer writes every text with one and the same subword; save the one that it was trained with")
    row = [subwords[index % len(subwords)] for index in range(length)]
    other = [kinds[(kinds.index(id_) + 1) % len(kinds)] for id_ in row]

    def states(*rows: list[int]) -> list[torch.Tensor]:
        return layer_states(body, framing, rows, place)

    together = states(row, row[:half] + other[half:], other[:half] + row[half:], row)
    noise = _difference(together, 0, together, 3, slice(None))
    seen = max(SEEN, ABOVE_NOISE * noise)
    back = _difference(together, 0, together, 1, slice(0, border)) > seen
    ahead = _difference(together, 0, together, 2, slice(border, begin + length)) > seen

    alone = states(row)
    beside = _difference(alone, 0, together, 0, slice(None))
    if not beside <= TOLERANCE:
        if not _difference(alone, 0, states(row), 0, slice(None)) <= TOLERANCE:
            raise XlprobeError(
                f"{place}: the model gives other vectors each time that it reads the same row, and cannot be measured; {LEAVE_OUT}"
            )
        raise XlprobeError(
            f"{place}: a row's vectors depend on what other rows of the same length are read with it (by {beside:.1e} of their size):"
            f" such a model cannot be measured; {LEAVE_OUT}"
        )
    most = min(framing.window, TRIED_WITH_PADDING)
    long = [subwords[index % len(subwords)] for index in range(most)]
    padding = 0.0
    for length in (most // 2, most - max(1, most // 16)):
        short, padded = states(long[:length]), states(long[:length], long)
        padding = max(padding, _difference(short, 0, padded, 0, slice(0, short[0].shape[1])))
    return Trials(
        direction="both ways" if back else "causal" if ahead else "neither way",
        padding="independent" if padding <= TOLERANCE else "sees padding",
    )


def layer_states(body: Any, framing: Framing, rows: Sequence[Sequence[int]], place: str) -> list[torch.Tensor]:
    """Hidden states of all layers, [B, T, D] each, special tokens included.

    Raises:
        XlprobeError: the layers are not the embeddings and one for each block, each with a vector of the model's width at
            each position, or a value is not finite.
    """
    batch = framing.rows(rows)
    found = getattr(body(**batch, output_hidden_states=True), "hidden_states", None)
    if not found:
        raise XlprobeError(f"{place}: {type(body).__name__} does not give its layers' states, and cannot be measured; {LEAVE_OUT}")
    # Decoders that once had an encoder beside them count both.
    counts = ("decoder_layers", "num_decoder_layers", "num_hidden_layers")
    told = next((count for key in counts if (count := getattr(body.config, key, None)) is not None), len(found) - 1)
    if len(found) != told + 1:
        raise XlprobeError(
            f"{place}: {type(body).__name__} gives the states of {len(found)} layers, but its {told} blocks and the embeddings make"
            f" {told + 1}: it is not known which layer is which, so that the model cannot be measured; {LEAVE_OUT}"
        )
    width = getattr(body.config, "hidden_size", found[0].shape[-1])
    expected = (*batch["input_ids"].shape, width)
    for layer, state in enumerate(found):
        if tuple(state.shape) != expected:
            raise XlprobeError(
                f"{place}: layer {layer} of {type(body).__name__} gives states of {_size(state.shape)}, not {_size(expected)}: only models"
                f" whose layers all have one width, and a vector at each position, are measured; {LEAVE_OUT}"
            )
        if not state.isfinite().all():
            raise XlprobeError(f"{place}: layer {layer} gives activations that are not finite; {LEAVE_OUT}")
    return list(found)


def _size(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape)) + " (rows, positions, dimensions)"


def _difference(a: Sequence[torch.Tensor], row_a: int, b: Sequence[torch.Tensor], row_b: int, positions: slice) -> float:
    """Largest difference of two rows' states at some positions of any layer, as a share of their size."""
    pairs = zip(a, b, strict=True)
    return max(
        _share((x_BTD[row_a, positions] - y_BTD[row_b, positions]).double(), x_BTD[row_a, positions].double()) for x_BTD, y_BTD in pairs
    )


def _share(difference_TD: torch.Tensor, state_TD: torch.Tensor) -> float:
    """Of a position's state as a whole, or of its dimensions by half, since a few that are a million times larger hide the others."""
    tiny = torch.finfo(torch.float32).tiny
    whole_T = difference_TD.norm(dim=1) / state_TD.norm(dim=1).clamp_min(tiny)
    dimensions_T = (difference_TD.abs() / state_TD.square().mean(dim=0).sqrt().clamp_min(tiny)).median(dim=1).values
    return float(torch.maximum(whole_T, dimensions_T).max())
