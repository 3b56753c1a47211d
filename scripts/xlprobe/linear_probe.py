"""Linear probes, many seeds at once: softmax regression trained by Adam with early stopping.

All seeds of a layer are one batched problem: their weights are stacked, each seed goes through the data in its own
order, and a seed that has stopped leaves the batch. Every seed ends where a plain loop over the same order would.

What a probe reads of a pair of words is made minibatch by minibatch: for a treebank's pairs together it would take many
times the memory of the word vectors.

Shape letters: S seeds, W words, N examples, B examples in a minibatch, D dimensions of a word's vector, F of what a probe
reads (D for a word, 3D for a pair), C classes, O orders of the examples, K classes of all seeds that share an order.
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
    shared_order: bool = False


@dataclass(frozen=True)
class Inputs:
    """What probes read: the vectors of words, or of pairs of words [r1; r2; r1 * r2] (paper 1, section 2.2).

    Attributes:
        vectors_WD: word vectors in any precision, held once however many examples a word is part of.
        rows: the row of each example's word, [examples]; for pairs, one such tensor for each of the two.
    """

    vectors_WD: torch.Tensor
    rows: Sequence[torch.Tensor]

    def __len__(self) -> int:
        return len(self.rows[0])

    @property
    def dimensions(self) -> int:
        """The length of what a probe reads."""
        return self.vectors_WD.shape[1] * (3 if len(self.rows) == 2 else 1)

    def blocks(self, chosen_OB: torch.Tensor) -> list[torch.Tensor]:
        """What a probe reads of some examples, in float32: blocks [orders, examples, D], to be thought side by side."""
        shape = (*chosen_OB.shape, self.vectors_WD.shape[1])
        # Several times as fast as indexing with a matrix.
        vectors = [self.vectors_WD.index_select(0, rows[chosen_OB.flatten()]).float().view(shape) for rows in self.rows]
        return vectors if len(vectors) == 1 else [*vectors, vectors[0] * vectors[1]]


@dataclass(frozen=True)
class FittedProbes:
    """Probes of all seeds, each as it was after its best epoch.

    Attributes:
        weight_SCF, bias_SC: the linear layers.
        epochs: epochs that each seed trained for.
        dev_accuracy: each seed's best accuracy on dev.
    """

    weight_SCF: torch.Tensor
    bias_SC: torch.Tensor
    epochs: list[int]
    dev_accuracy: list[float]

    def predict(self, inputs: Inputs) -> torch.Tensor:
        """The class that each seed's probe gives each example, [seeds, examples]."""
        return _predict(self.weight_SCF, self.bias_SC, inputs)


def epoch_order(generator: torch.Generator, examples: int) -> torch.Tensor:
    """The order in which one seed sees the examples in its next epoch."""
    return torch.randperm(examples, generator=generator)


def initial_weights(generator: torch.Generator, classes: int, dimensions: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Weights [classes, dim] and biases [classes] as `torch.nn.Linear` draws them: uniform within 1 / sqrt(dim)."""
    bound = dimensions**-0.5
    weight_CF = torch.empty(classes, dimensions).uniform_(-bound, bound, generator=generator)
    return weight_CF, torch.empty(classes).uniform_(-bound, bound, generator=generator)


@torch.no_grad()
def fit_probes(
    train: Inputs,
    train_y_N: torch.Tensor,
    dev: Inputs,
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
        seeds: one for each probe; it draws the probe's initial weights and orders. With `settings.shared_order` all
            probes go through the first one's orders.
    """
    device = train_y_N.device
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    initial = [initial_weights(generator, classes, train.dimensions) for generator in generators]
    weight_SCF = torch.stack([weight_CF for weight_CF, _ in initial]).to(device)
    bias_SC = torch.stack([bias_C for _, bias_C in initial]).to(device)
    best_weight_SCF, best_bias_SC = weight_SCF.clone(), bias_SC.clone()
    best_accuracy, best_epoch, last_epoch = [-1.0] * len(seeds), [0] * len(seeds), [0] * len(seeds)

    active = list(range(len(seeds)))
    optimizer = Adam([weight_SCF, bias_SC], settings.learning_rate)
    for epoch in range(1, settings.epochs + 1):
        drawing = [generators[seed] for seed in ([0] if settings.shared_order else active)]
        order_ON = torch.stack([epoch_order(generator, len(train)) for generator in drawing]).to(device)
        for start in range(0, len(train), settings.batch_size):
            chosen_OB = order_ON[:, start : start + settings.batch_size]
            optimizer.step(_gradients(weight_SCF, bias_SC, train.blocks(chosen_OB), train_y_N[chosen_OB]))
        accuracy = (_predict(weight_SCF, bias_SC, dev) == dev_y_N).double().mean(dim=1).tolist()
        going_on = []
        for place, seed in enumerate(active):
            last_epoch[seed] = epoch
            if accuracy[place] > best_accuracy[seed]:
                best_accuracy[seed], best_epoch[seed] = accuracy[place], epoch
                best_weight_SCF[seed], best_bias_SC[seed] = weight_SCF[place], bias_SC[place]
            if epoch - best_epoch[seed] < settings.patience:
                going_on.append(place)
        if not going_on:
            break
        if len(going_on) < len(active):
            active = [active[place] for place in going_on]
            weight_SCF, bias_SC = optimizer.keep(going_on)
    return FittedProbes(best_weight_SCF, best_bias_SC, last_epoch, best_accuracy)


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


def _gradients(weight_SCF: torch.Tensor, bias_SC: torch.Tensor, blocks: Sequence[torch.Tensor], y_OB: torch.Tensor) -> list[torch.Tensor]:
    """The gradients of each seed's mean cross-entropy, in the shapes of weights and biases."""
    orders, batch = y_OB.shape
    logits_OBK = _logits(weight_SCF, bias_SC, blocks)
    gradient_OBSC = torch.softmax(logits_OBK.view(orders, batch, -1, weight_SCF.shape[1]), dim=3)
    seeds_an_order = gradient_OBSC.shape[2]
    places = y_OB[:, :, None, None].expand(-1, -1, seeds_an_order, 1)
    gradient_OBSC.scatter_add_(3, places, gradient_OBSC.new_full((1,), -1.0).expand(places.shape))
    gradient_OBK = gradient_OBSC.div_(batch).view(orders, batch, -1)
    weight_gradient_OKF = torch.cat([gradient_OBK.transpose(1, 2) @ x_OBD for x_OBD in blocks], dim=2)
    return [weight_gradient_OKF.view(weight_SCF.shape), gradient_OBK.sum(dim=1).view(bias_SC.shape)]


def _logits(weight_SCF: torch.Tensor, bias_SC: torch.Tensor, blocks: Sequence[torch.Tensor]) -> torch.Tensor:
    """Each seed's logits, [orders, examples, K], seed by seed: those that share an order are one product."""
    orders, _, dimensions = blocks[0].shape
    weight_OKF = weight_SCF.view(orders, -1, weight_SCF.shape[2])
    logits_OBK = bias_SC.view(orders, 1, -1)
    for weight_OKD, x_OBD in zip(weight_OKF.split(dimensions, dim=2), blocks, strict=True):
        logits_OBK = torch.baddbmm(logits_OBK, x_OBD, weight_OKD.transpose(1, 2))
    return logits_OBK


def _predict(weight_SCF: torch.Tensor, bias_SC: torch.Tensor, inputs: Inputs, rows: int = 4096) -> torch.Tensor:
    seeds, classes, _ = weight_SCF.shape
    parts = []
    for chosen_B in torch.arange(len(inputs), device=weight_SCF.device).split(rows):
        logits_BK = _logits(weight_SCF, bias_SC, inputs.blocks(chosen_B[None]))[0]
        parts.append(logits_BK.view(-1, seeds, classes).argmax(dim=2).T)
    return torch.cat(parts, dim=1)
