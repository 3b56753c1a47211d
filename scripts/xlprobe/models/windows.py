"""Sentences of any length in rows that a model takes: windows of the long ones, and batches of rows of similar length."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from xlprobe.device import padding_worth_a_batch


@dataclass(frozen=True)
class Window:
    """Subwords `start` to `end` of a sentence in one pass, of which `keep_from` to `keep_to` are taken from it."""

    sentence: int
    start: int
    end: int
    keep_from: int
    keep_to: int


def windows(sentence: int, length: int, size: int) -> list[Window]:
    """Windows of at most `size` subwords that cover `length`, overlapping by half; the last ends with the sentence.

    >>> [(w.start, w.end, w.keep_from, w.keep_to) for w in windows(0, 10, 4)]
    [(0, 4, 0, 3), (2, 6, 3, 5), (4, 8, 5, 7), (6, 10, 7, 10)]
    """
    if length <= size:
        return [Window(sentence, 0, length, 0, length)]
    starts = [*range(0, length - size, max(1, size // 2)), length - size]
    # Halfway through an overlap, a subword is as far from the one window's edge as from the other's.
    borders = [0, *((before + size + after + 1) // 2 for before, after in itertools.pairwise(starts)), length]
    return [
        Window(sentence, start, start + size, keep_from, keep_to)
        for start, keep_from, keep_to in zip(starts, borders[:-1], borders[1:], strict=True)
    ]


def batches(costs: Sequence[tuple[int, int]], tokens_per_batch: int, padding_per_batch: int) -> Iterator[list[int]]:
    """Group sentences of similar length, the longest first.

    Args:
        costs: for each sentence, its number of windows and the length of the longest; a sentence is never split.
        tokens_per_batch: how many subwords a batch holds at most, padding included.
        padding_per_batch: how many of them may be padding.
    """
    batch: list[int] = []
    rows = width = padding = 0
    for index in sorted(range(len(costs)), key=lambda index: -costs[index][1]):
        windows_here, longest = costs[index]
        added = windows_here * (width - longest)
        if batch and ((rows + windows_here) * width > tokens_per_batch or padding + added > padding_per_batch):
            yield batch
            batch = []
        if not batch:
            rows, width, padding, added = 0, longest, 0, 0
        batch.append(index)
        rows, padding = rows + windows_here, padding + added
    if batch:
        yield batch


def padding_per_batch(identity: Mapping[str, Any], device: torch.device) -> int:
    """How much padding a batch of a checkpoint may hold: none where padding changes what the model gives for the row before it.

    Args:
        identity: the checkpoint's; what its model does beside padding was tried when it was published (`xlprobe.checkpoints.canary`).
    """
    return 0 if identity.get("checks", {}).get("padding") == "sees padding" else padding_worth_a_batch(device)
