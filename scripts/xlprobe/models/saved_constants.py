"""Constants that older versions of libraries saved beside the weights: nothing in them was learned, and newer versions compute them again.

Which names they had differs between architectures and versions, so they are known by their values: masks of causal
attention, numbers that count, frequencies, sines and cosines. A learned weight has none of these values, also where it was
initialised with zeros, ones or an identity.
"""

import math

import torch

# What stood for minus infinity in masks is at least so large.
LEAST_MASK_VALUE = 1e3
# Of numbers that were rounded to bfloat16.
TOLERANCE = 1e-2


def is_constant(value: torch.Tensor) -> bool:
    """Whether a tensor is one of the constants that architectures compute with: nothing learned looks like it.

    >>> is_constant(torch.tril(torch.ones(1, 1, 8, 8))), is_constant(torch.arange(8)[None]), is_constant(torch.eye(8))
    (True, True, False)
    """
    if value.numel() == 0 or value.is_complex():
        return False
    if value.numel() == 1:
        return not value.isfinite().item() or abs(value.item()) >= LEAST_MASK_VALUE or not value.is_floating_point()
    return _counts(value) or _masks_later(value) or _frequencies(value) or _sinusoids(value)


def _counts(value: torch.Tensor) -> bool:
    """Position ids, or token types that are all zero."""
    if value.is_floating_point() or value.dtype == torch.bool:
        return False
    last = value.shape[-1]
    rows = value.reshape(-1, last).long()
    return not rows.any() or bool((rows == rows[0, 0] + torch.arange(last)).all())


def _masks_later(value: torch.Tensor) -> bool:
    """Which positions each sees: itself and earlier ones, all or the nearest; as 0 and 1, or 0 and minus infinity."""
    if value.ndim < 2 or value.shape[-1] != value.shape[-2] or value.shape[-1] < 2:
        return False
    square = value.reshape(-1, *value.shape[-2:])[0]
    # All heads have the same.
    if not bool((value == square).all()):
        return False
    size = len(square)
    later = torch.ones(size, size, dtype=torch.bool).triu(1)
    beside = torch.zeros(size, size, dtype=torch.bool)
    beside[range(1, size), range(size - 1)] = True
    seen = square != 0
    if bool(((square == 0) | (square == 1)).all()):
        # Either 1 stands for what is seen or 1 for what is not.
        return any(bool(kind.diagonal().all() and kind[beside].all() and not kind[later].any()) for kind in (seen, ~seen))
    masked = square <= -LEAST_MASK_VALUE
    return bool((masked | (square == 0)).all() and masked[later].all() and not masked.diagonal().any())


def _frequencies(value: torch.Tensor) -> bool:
    """Inverse frequencies of rotary positions: 1, then each smaller than the one before by the same factor."""
    if value.ndim != 1 or not value.is_floating_point() or not bool((value > 0).all()):
        return False
    logs = value.double().log()
    steps = logs.diff()
    return bool(abs(logs[0]) < TOLERANCE and (steps < 0).all() and (steps - steps.mean()).abs().max() <= TOLERANCE)


def _sinusoids(value: torch.Tensor) -> bool:
    """A table of sines and cosines by position: in each row but that of padding their squares add up to half its width."""
    if value.ndim < 2 or not value.is_floating_point() or value.shape[-1] < 2 or not bool((value.abs() <= 1 + TOLERANCE).all()):
        return False
    rows = value.reshape(-1, value.shape[-1]).double()
    empty = (rows == 0).all(dim=1)
    first = rows[0] if not empty[0] else rows[-1]
    plain = bool(empty[0]) or bool(((first == 0) | (first == 1)).all())
    if len(rows) < 3 or int(empty.sum()) > 1 or not plain:
        return False
    return bool(((rows[~empty] ** 2).mean(dim=1) - 0.5).abs().max() <= math.sqrt(TOLERANCE) / 10)
