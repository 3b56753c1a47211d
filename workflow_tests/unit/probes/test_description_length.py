import math
from dataclasses import replace

import pytest
import torch

from xlprobe.probes.description_length import block_ends, code_length, compression, portion_problems
from xlprobe.probes.linear_probe import FittedProbes, Inputs, ProbeSettings, fit_probes


def test_the_code_length_on_a_hand_worked_example():
    """Four labels of two classes: one block of 1 with the uniform code (1 bit), one of 1 and one of 2 with a probe each."""
    order = torch.tensor([2, 0, 3, 1])
    assert block_ends(4) == [1, 2, 4]
    train = Inputs(torch.tensor([[1.0], [1.0], [0.0], [-1.0]]), [torch.arange(4)])
    y = torch.tensor([1, 1, 0, 0])
    # The first probe gives class 1 of example 0 the odds 3 : 1; the second is certain of nothing.
    weight = torch.tensor([[[0.0], [math.log(3)]], [[0.0], [0.0]]])
    probes = FittedProbes(weight, torch.zeros(2, 2), [1, 1], [0.0, 0.0])
    bits = code_length(probes, order, train, y, classes=2)
    assert bits == pytest.approx(1 + -math.log2(3 / 4) + 2)
    assert compression(bits, 4, 2) == pytest.approx(4 / bits) and compression(0.0, 4, 1) == 1


def test_labels_that_vectors_show_take_fewer_bits_than_labels_that_they_do_not():
    generator = torch.Generator().manual_seed(1)
    vectors = torch.randn(3000, 8, generator=generator)
    shown, hidden = (vectors @ torch.randn(8, 4, generator=generator)).argmax(1), torch.randint(4, (3000,), generator=generator)
    order = torch.randperm(2000, generator=generator)
    train, dev = Inputs(vectors, [torch.arange(2000)]), Inputs(vectors, [torch.arange(2000, 3000)])
    bits = []
    for y in (shown, hidden):
        problems = portion_problems(order, 5, y[:2000], y[2000:])
        assert [len(problem.portion) for problem in problems] == block_ends(2000)[:-1] and len({problem.seed for problem in problems}) == 10
        probes = fit_probes(train, dev, problems, 4, ProbeSettings(1e-2, 32, 50, 3))
        bits.append(code_length(probes, order, train, y[:2000], 4))
    # Nothing can be said of the others: each takes its two bits, and what overfitting costs.
    assert compression(bits[0], 2000, 4) > 2.5 and 0.9 < compression(bits[1], 2000, 4) < 1.01


def test_a_code_is_that_of_the_probe_whose_loss_is_the_lowest():
    """Signs that one number tells are all right after the first epoch; what they cost goes on falling."""
    x = torch.linspace(-1, 1, 41)[:, None] * 3
    y = (x[:, 0] > 0).long()
    inputs, settings = Inputs(x, [torch.arange(41)]), ProbeSettings(0.1, 8, 30, 2)
    problems = portion_problems(torch.randperm(41, generator=torch.Generator().manual_seed(1)), 5, y, y)
    largest = fit_probes(inputs, inputs, problems, 2, settings)[len(problems) - 1 :]
    by_accuracy = fit_probes(inputs, inputs, [replace(problems[-1], stop_by_loss=False)], 2, settings)
    assert largest.training[0].best_epoch > by_accuracy.training[0].best_epoch + 5
    assert largest.training[0].kept.accuracy >= 0.95 and largest.losses(inputs, y).sum() < by_accuracy.losses(inputs, y).sum() / 2
