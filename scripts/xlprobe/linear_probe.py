"""Linear probes, many seeds at once: softmax regression trained by Adam with early stopping.

All seeds of a layer are one batched problem: their weights are stacked, each seed goes through the data in its own
order, and a seed that has stopped leaves the batch. Every seed ends where a plain loop over the same order would.

Shape letters: S seeds, N examples, B examples in a minibatch, D dimensions, C classes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class ProbeSettings:
    """How probes are trained; the defaults in the configuration's schema name their source."""

    learning_rate: float
    batch_size: int
    epochs: int
    patience: int


@dataclass(frozen=True)
class FittedProbes:
    """Probes of all seeds, each as it was after its best epoch.

    Attributes:
        weight_SCD, bias_SC: the linear layers.
        epochs: epochs that each seed trained for.
        dev_accuracy: each seed's best accuracy on dev.
    """

    weight_SCD: torch.Tensor
    bias_SC: torch.Tensor
    epochs: list[int]
    dev_accuracy: list[float]

    def predict(self, x_ND: torch.Tensor) -> torch.Tensor:
        """The class that each seed's probe gives each example, [seeds, examples]."""
        return _predict(self.weight_SCD, self.bias_SC, x_ND)


def epoch_order(generator: torch.Generator, examples: int) -> torch.Tensor:
    """The order in which one seed sees the examples in its next epoch."""
    return torch.randperm(examples, generator=generator)


def initial_weights(generator: torch.Generator, classes: int, dimensions: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Weights [classes, dim] and biases [classes] as `torch.nn.Linear` draws them: uniform within 1 / sqrt(dim)."""
    bound = dimensions**-0.5
    weight_CD = torch.empty(classes, dimensions).uniform_(-bound, bound, generator=generator)
    return weight_CD, torch.empty(classes).uniform_(-bound, bound, generator=generator)


@torch.no_grad()
def fit_probes(
    train_x_ND: torch.Tensor,
    train_y_N: torch.Tensor,
    dev_x_ND: torch.Tensor,
    dev_y_N: torch.Tensor,
    classes: int,
    seeds: Sequence[int],
    settings: ProbeSettings,
) -> FittedProbes:
    """Train one probe a seed on the same examples.

    Minibatches are of equal size but for an epoch's last. After each epoch the dev accuracy is taken; a seed stops
    once `patience` epochs in a row have not bettered its best, or after `epochs`, and keeps its best epoch's weights.

    Args:
        train_y_N, dev_y_N: class numbers; a dev label that train never has counts as an error (-1, say).
        seeds: one for each probe; it draws the probe's initial weights and orders.
    """
    device, examples = train_x_ND.device, len(train_x_ND)
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    initial = [initial_weights(generator, classes, train_x_ND.shape[1]) for generator in generators]
    weight_SCD = torch.stack([weight_CD for weight_CD, _ in initial]).to(device)
    bias_SC = torch.stack([bias_C for _, bias_C in initial]).to(device)
    best_weight_SCD, best_bias_SC = weight_SCD.clone(), bias_SC.clone()
    best_accuracy, best_epoch, last_epoch = [-1.0] * len(seeds), [0] * len(seeds), [0] * len(seeds)

    active = list(range(len(seeds)))
    optimizer = Adam([weight_SCD, bias_SC], settings.learning_rate)
    for epoch in range(1, settings.epochs + 1):
        order_SN = torch.stack([epoch_order(generators[seed], examples) for seed in active]).to(device)
        for start in range(0, examples, settings.batch_size):
            chosen_SB = order_SN[:, start : start + settings.batch_size]
            x_SBD = train_x_ND[chosen_SB]
            # The mean cross-entropy's gradient with respect to the logits.
            gradient_SBC = torch.softmax(torch.baddbmm(bias_SC[:, None], x_SBD, weight_SCD.transpose(1, 2)), dim=2)
            gradient_SBC.scatter_add_(2, train_y_N[chosen_SB][:, :, None], gradient_SBC.new_full((1,), -1.0).expand(*chosen_SB.shape, 1))
            gradient_SBC /= chosen_SB.shape[1]
            optimizer.step([gradient_SBC.transpose(1, 2) @ x_SBD, gradient_SBC.sum(dim=1)])
        accuracy = (_predict(weight_SCD, bias_SC, dev_x_ND) == dev_y_N).double().mean(dim=1).tolist()
        going_on = []
        for place, seed in enumerate(active):
            last_epoch[seed] = epoch
            if accuracy[place] > best_accuracy[seed]:
                best_accuracy[seed], best_epoch[seed] = accuracy[place], epoch
                best_weight_SCD[seed], best_bias_SC[seed] = weight_SCD[place], bias_SC[place]
            if epoch - best_epoch[seed] < settings.patience:
                going_on.append(place)
        if not going_on:
            break
        if len(going_on) < len(active):
            active = [active[place] for place in going_on]
            weight_SCD, bias_SC = optimizer.keep(going_on)
    return FittedProbes(best_weight_SCD, best_bias_SC, last_epoch, best_accuracy)


class Adam:
    """Adam (Kingma & Ba 2015) for stacked problems, some of which can be dropped on the way; as `torch.optim.Adam`."""

    BETAS = (0.9, 0.999)
    EPSILON = 1e-8

    def __init__(self, parameters: list[torch.Tensor], learning_rate: float) -> None:
        self.parameters = parameters
        self.learning_rate = learning_rate
        self.mean = [torch.zeros_like(parameter) for parameter in parameters]
        self.square = [torch.zeros_like(parameter) for parameter in parameters]
        self.steps = 0

    def step(self, gradients: list[torch.Tensor]) -> None:
        """Update the parameters in place."""
        self.steps += 1
        beta1, beta2 = self.BETAS
        size = self.learning_rate / (1 - beta1**self.steps)
        correction = (1 - beta2**self.steps) ** 0.5
        for parameter, gradient, mean, square in zip(self.parameters, gradients, self.mean, self.square, strict=True):
            mean.lerp_(gradient, 1 - beta1)
            square.mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
            parameter.addcdiv_(mean, (square.sqrt() / correction).add_(self.EPSILON), value=-size)

    def keep(self, problems: list[int]) -> list[torch.Tensor]:
        """Drop all problems (the tensors' first dimension) but these; returns the parameters left."""
        for tensors in (self.parameters, self.mean, self.square):
            tensors[:] = [tensor[problems] for tensor in tensors]
        return self.parameters


def _predict(weight_SCD: torch.Tensor, bias_SC: torch.Tensor, x_ND: torch.Tensor, rows: int = 65_536) -> torch.Tensor:
    parts = [
        torch.baddbmm(bias_SC[:, None], x_BD.expand(len(weight_SCD), -1, -1), weight_SCD.transpose(1, 2)).argmax(dim=2)
        for x_BD in x_ND.split(rows)
    ]
    return torch.cat(parts, dim=1)
