"""Online-code minimum description length of a task's labels (Voita & Titov 2020, section 3.2).

The labels are sent block by block: the first with a uniform code, each of the others with the code of a probe that was
trained on all blocks before it. What a representation makes easy to learn takes few bits, from the start on.

Shape letters: N examples.
"""

import itertools
import math

import torch

from xlprobe.probes.linear_probe import FittedProbes, Inputs, Problem
from xlprobe.seeds import derive_seed

# Of the training set, after Voita & Titov; the blocks are what lies between.
SHARES = (0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.0625, 0.125, 0.25, 0.5, 1.0)


def block_ends(examples: int) -> list[int]:
    """Where the blocks of so many examples end; small sets have fewer blocks.

    >>> block_ends(2000)
    [2, 4, 8, 16, 32, 64, 125, 250, 500, 1000, 2000]
    >>> block_ends(20)
    [1, 2, 5, 10, 20]
    """
    return sorted({max(1, round(share * examples)) for share in SHARES})


def portion_problems(order_N: torch.Tensor, seed: int, train_y_N: torch.Tensor, dev_y_N: torch.Tensor) -> list[Problem]:
    """The probes that give the code of all blocks but the first.

    Args:
        order_N: the order in which the labels are sent.
        seed: draws each probe's seed.
    """
    return [
        Problem(derive_seed("portion", seed, end), train_y_N, dev_y_N, portion=order_N[:end], stop_by_loss=True)
        for end in block_ends(len(order_N))[:-1]
    ]


def code_length(probes: FittedProbes, order_N: torch.Tensor, train: Inputs, train_y_N: torch.Tensor, classes: int) -> float:
    """The bits that the labels take in that order, with the probes of `portion_problems`."""
    ends = block_ends(len(order_N))
    bits = uniform_code_length(ends[0], classes)
    for place, (start, end) in enumerate(itertools.pairwise(ends)):
        block = order_N[start:end]
        bits += probes[place : place + 1].losses(train[block], train_y_N[block]).double().sum().item() / math.log(2)
    return bits


def uniform_code_length(examples: int, classes: int) -> float:
    """The bits that labels take without any knowledge of them."""
    return examples * math.log2(classes)


def compression(bits: float, examples: int, classes: int) -> float:
    """How many times shorter than the uniform code; 1 where there is but one label, which takes no bits."""
    return uniform_code_length(examples, classes) / bits if bits else 1.0
