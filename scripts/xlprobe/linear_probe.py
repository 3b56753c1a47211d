"""Linear probes, many seeds at once: softmax regression trained by Adam with early stopping.

All seeds of a layer are one batched problem: their weights are stacked, each seed goes through the data in its own
order, and a seed that has stopped leaves the batch. Every seed ends where a plain loop over the same order would.

What a probe reads of a pair of words is made minibatch by minibatch: for a treebank's pairs together it would take many
times the memory of the word vectors.

Shape letters: S seeds, W words, N examples, B examples in a minibatch, D dimensions of a word's vector, F of what a probe
reads (D for a word, 3D for a pair), C classes, O orders of the examples, G of them computed at once, K classes of all seeds
that share an order.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from xlprobe.device import problems_at_once


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

    def buffer(self, orders: int, batch: int) -> torch.Tensor:
        """Room for what probes read of a minibatch; made once, since the system takes as long to find memory as to fill it."""
        return torch.empty(orders, batch, self.dimensions, device=self.vectors_WD.device)

    def read(self, rows: Sequence[torch.Tensor], buffer: torch.Tensor) -> torch.Tensor:
        """What probes read of the examples of these rows, [orders, examples] each: [orders, examples, F] in float32.

        It lies in the buffer until the next call.
        """
        orders, batch = rows[0].shape
        x_OBF = buffer[:orders, :batch]
        blocks = x_OBF.split(self.vectors_WD.shape[1], dim=2)
        for x_OBD, rows_OB in zip(blocks, rows, strict=False):
            # Several times as fast as indexing with a matrix.
            x_OBD.copy_(self.vectors_WD.index_select(0, rows_OB.flatten()).view(x_OBD.shape))
        if len(blocks) == 3:
            torch.mul(blocks[0], blocks[1], out=blocks[2])
        return x_OBF


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
    at_once = problems_at_once(device, len(seeds))
    buffer = train.buffer(at_once, settings.batch_size)
    for epoch in range(1, settings.epochs + 1):
        drawing = [generators[seed] for seed in ([0] if settings.shared_order else active)]
        order_ON = torch.stack([epoch_order(generator, len(train)) for generator in drawing]).to(device)
        rows = [rows_N[order_ON] for rows_N in train.rows]
        y_ON = train_y_N[order_ON]
        gradients = torch.empty_like(weight_SCF), torch.empty_like(bias_SC)
        by_order = [tensor.view(len(drawing), -1, *tensor.shape[2:]) for tensor in (weight_SCF, bias_SC, *gradients)]
        groups = list(zip(*(tensor.split(at_once) for tensor in (y_ON, *by_order, *rows)), strict=True))
        for start in range(0, len(train), settings.batch_size):
            batch = slice(start, start + settings.batch_size)
            for y_GN, weight_GKF, bias_GK, weight_gradient_GKF, bias_gradient_GK, *rows_here in groups:
                x_GBF = train.read([rows_GN[:, batch] for rows_GN in rows_here], buffer)
                # Products in this order are the fastest where classes are few.
                logits_GKB = torch.baddbmm(bias_GK[:, :, None], weight_GKF, x_GBF.transpose(1, 2))
                gradient_GKB = _loss_gradient(logits_GKB, y_GN[:, batch], classes)
                torch.bmm(gradient_GKB, x_GBF, out=weight_gradient_GKF)
                torch.sum(gradient_GKB, dim=2, out=bias_gradient_GK)
            optimizer.step(gradients)
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

    def step(self, gradients: Sequence[torch.Tensor]) -> None:
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


def _loss_gradient(logits_OKB: torch.Tensor, y_OB: torch.Tensor, classes: int) -> torch.Tensor:
    """The gradient of each seed's mean cross-entropy with respect to its logits, [orders, K, examples]."""
    orders, batch = y_OB.shape
    gradient_OSCB = torch.softmax(logits_OKB.view(orders, -1, classes, batch), dim=2)
    places = y_OB[:, None, None].expand(-1, gradient_OSCB.shape[1], -1, -1)
    gradient_OSCB.scatter_add_(2, places, gradient_OSCB.new_full((1,), -1.0).expand(places.shape))
    return gradient_OSCB.div_(batch).view(logits_OKB.shape)


def _predict(weight_SCF: torch.Tensor, bias_SC: torch.Tensor, inputs: Inputs, rows: int = 1024) -> torch.Tensor:
    seeds, classes, dimensions = weight_SCF.shape
    buffer = inputs.buffer(1, rows)
    parts = []
    for rows_here in zip(*(rows_N[None].split(rows, dim=1) for rows_N in inputs.rows), strict=True):
        (x_BF,) = inputs.read(rows_here, buffer)
        logits_KB = torch.addmm(bias_SC.view(-1, 1), weight_SCF.view(-1, dimensions), x_BF.T)
        parts.append(logits_KB.view(seeds, classes, -1).argmax(dim=1))
    return torch.cat(parts, dim=1)
