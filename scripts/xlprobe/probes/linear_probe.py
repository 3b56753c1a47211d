"""Linear probes, many at once: softmax regression trained by Adam with early stopping.

All probes on the same vectors (those of a layer: seeds, control tasks, portions of the data) are one batched problem: their
weights are stacked, each goes through its examples in its own order, and one that has stopped leaves the batch. Each ends
where a plain loop over the same order would. Which optimizer, paper 1 does not say, and its count of parameters leaves out the
biases; both are after Liu, Gardner et al. 2019.

What a probe reads of a pair of words is made minibatch by minibatch: for a treebank's pairs together it would take many
times the memory of the word vectors.

Shape letters: P probes, W words, N examples, B examples in a minibatch, D dimensions of a word's vector, F of what a probe
reads (D for a word, 3D for a pair), C classes, O orders of the examples that are computed at once, Q probes that share one,
K classes of these probes.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import torch
from torch.nn.functional import cross_entropy

from xlprobe.device import problems_at_once


@dataclass(frozen=True)
class ProbeSettings:
    """How probes of `probes.protocol: paper` are trained; the defaults in the configuration's schema name their source.

    Attributes:
        batch_size: words, or pairs. Of what its 256 are, paper 1 does not say; our choice.
        epochs: at most. Which epoch's weights count, paper 1 does not say; the best one's on dev are our choice.
        patience: epochs without a better score on dev. Paper 1 does not say; after Liu, Gardner et al. 2019.
    """

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

    def __getitem__(self, examples: torch.Tensor | slice) -> "Inputs":
        """Some of the examples."""
        return Inputs(self.vectors_WD, [rows_N[examples] for rows_N in self.rows])

    @property
    def dimensions(self) -> int:
        """The length of what a probe reads."""
        return self.vectors_WD.shape[1] * (3 if len(self.rows) == 2 else 1)


class Reader:
    """Makes what probes read, in memory that it keeps: the system takes longer to find memory than a minibatch to fill it.

    Args:
        examples: the most that are read at once.
    """

    def __init__(self, inputs: Inputs, examples: int) -> None:
        self._vectors_WD = inputs.vectors_WD
        self._found_ND = inputs.vectors_WD.new_empty(examples, inputs.vectors_WD.shape[1])
        self._x_NF = torch.empty(examples, inputs.dimensions, device=inputs.vectors_WD.device)

    def read(self, rows: Sequence[torch.Tensor]) -> torch.Tensor:
        """What probes read of the examples of these rows, [orders, examples] each: [orders, examples, F] in float32.

        It lies in the reader's memory until the next call.
        """
        orders, batch = rows[0].shape
        x_NF, found_ND = self._x_NF[: orders * batch], self._found_ND[: orders * batch]
        blocks = x_NF.split(found_ND.shape[1], dim=1)
        for x_ND, rows_OB in zip(blocks, rows, strict=False):
            # Several times as fast as indexing with a matrix.
            torch.index_select(self._vectors_WD, 0, rows_OB.flatten(), out=found_ND)
            x_ND.copy_(found_ND)
        if len(blocks) == 3:
            torch.mul(blocks[0], blocks[1], out=blocks[2])
        return x_NF.view(orders, batch, -1)


@dataclass(frozen=True)
class Problem:
    """One probe to train.

    Attributes:
        seed: draws its initial weights and the orders in which it sees its examples. In what its five runs differ, paper 1 does
            not say; our choice.
        train_y_N, dev_y_N: class numbers; -1 is a dev label that train never has, which counts as an error.
        portion: the examples of train that it sees; None is all of them.
        stop_by_loss: whether the best epoch is that of the lowest cross-entropy on dev, not of the highest accuracy.
    """

    seed: int
    train_y_N: torch.Tensor
    dev_y_N: torch.Tensor
    portion: torch.Tensor | None = None
    stop_by_loss: bool = False


@dataclass(frozen=True)
class OnDev:
    """How well a probe does on dev.

    Attributes:
        accuracy: over all examples.
        summed_loss: the cross-entropy in nats, to which examples whose label train never has add nothing.
        examples, known: how many there are, and how many with a label that train has.
    """

    accuracy: float
    summed_loss: float
    examples: int
    known: int

    @property
    def loss(self) -> float:
        """The mean cross-entropy in nats over examples whose label train has; NaN where there are none."""
        return self.summed_loss / self.known if self.known else float("nan")

    def score(self, problem: Problem) -> float:
        """What decides which of a problem's probes is kept; higher is better."""
        return (-self.summed_loss / self.examples) if problem.stop_by_loss else self.accuracy


@dataclass(frozen=True)
class ProbeTraining:
    """How one probe's training went.

    Attributes:
        stopped_by: `patience`; `cap`, the most epochs or iterations allowed; `tolerance`, it has converged.
        best_epoch: the epoch after which it was as it is kept.
        kept, last: how it does on dev as it is kept, and as it was when training stopped.
        inverse_strength: of a converged probe, the C that was chosen on dev.
    """

    stopped_by: str
    best_epoch: int
    kept: OnDev
    last: OnDev
    inverse_strength: float | None = None


@dataclass(frozen=True)
class FittedProbes:
    """Probes in the order of their problems, each as it was after its best epoch.

    Attributes:
        weight_PCF, bias_PC: the linear layers.
        epochs: epochs that each trained for.
        dev_score: each one's best accuracy on dev, or its negative loss there.
        training: how each one's training went.
    """

    weight_PCF: torch.Tensor
    bias_PC: torch.Tensor
    epochs: list[int]
    dev_score: list[float]
    training: list[ProbeTraining] = field(default_factory=list)

    def __getitem__(self, probes: slice) -> "FittedProbes":
        """Some of the probes."""
        return FittedProbes(
            self.weight_PCF[probes], self.bias_PC[probes], self.epochs[probes], self.dev_score[probes], self.training[probes]
        )

    def predict(self, inputs: Inputs) -> torch.Tensor:
        """The class that each probe gives each example, [probes, examples]."""
        return torch.cat([logits_PCB.argmax(dim=1) for logits_PCB in _logits(self.weight_PCF, self.bias_PC, inputs)], dim=1)

    def losses(self, inputs: Inputs, y_N: torch.Tensor) -> torch.Tensor:
        """The cross-entropy in nats of each example's class under each probe, [probes, examples]."""
        parts = zip(_logits(self.weight_PCF, self.bias_PC, inputs), y_N.split(EXAMPLES_AT_ONCE), strict=True)
        losses = [cross_entropy(logits_PCB, y_B.expand(len(logits_PCB), -1), reduction="none") for logits_PCB, y_B in parts]
        return torch.cat(losses, dim=1)


# Of an evaluation; bounds its memory.
EXAMPLES_AT_ONCE = 1024


def epoch_order(generator: torch.Generator, examples: int) -> torch.Tensor:
    """The order in which one probe sees its examples in its next epoch."""
    return torch.randperm(examples, generator=generator)


def initial_weights(generator: torch.Generator, classes: int, dimensions: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Weights [classes, dim] and biases [classes] as `torch.nn.Linear` draws them: uniform within 1 / sqrt(dim)."""
    bound = dimensions**-0.5
    weight_CF = torch.empty(classes, dimensions).uniform_(-bound, bound, generator=generator)
    return weight_CF, torch.empty(classes).uniform_(-bound, bound, generator=generator)


@torch.no_grad()
def fit_probes(train: Inputs, dev: Inputs, problems: Sequence[Problem], classes: int, settings: ProbeSettings) -> FittedProbes:
    """Train one probe a problem, all on the same vectors.

    Minibatches are of equal size but for an epoch's last. After each epoch dev is scored; a probe stops once `patience`
    epochs in a row have not bettered its best, or after `epochs`, and keeps its best epoch's weights. With
    `settings.shared_order` all probes that see the whole of train go through the orders of the first of them.
    """
    fitting = _Fitting(train, problems, classes, settings)
    best_weight_PCF, best_bias_PC = torch.zeros_like(fitting.weight_PCF), torch.zeros_like(fitting.bias_PC)
    best_score, best_epoch, last_epoch = [float("-inf")] * len(problems), [0] * len(problems), [0] * len(problems)
    kept, last = {}, {}
    for epoch in range(1, settings.epochs + 1):
        fitting.train_epoch()
        active = fitting.active
        on_dev = measure_on_dev(fitting.weight_PCF, fitting.bias_PC, dev, [problems[problem] for problem in active])
        going_on = []
        for place, (problem, found) in enumerate(zip(active, on_dev, strict=True)):
            last_epoch[problem], last[problem] = epoch, found
            if (score := found.score(problems[problem])) > best_score[problem]:
                best_score[problem], best_epoch[problem], kept[problem] = score, epoch, found
                best_weight_PCF[problem], best_bias_PC[problem] = fitting.weight_PCF[place], fitting.bias_PC[place]
            if epoch - best_epoch[problem] < settings.patience:
                going_on.append(place)
        if not going_on:
            break
        fitting.keep(going_on)
    training = [
        ProbeTraining("patience" if last_epoch[n] - best_epoch[n] >= settings.patience else "cap", best_epoch[n], kept[n], last[n])
        for n in range(len(problems))
    ]
    return FittedProbes(best_weight_PCF, best_bias_PC, last_epoch, best_score, training)


@dataclass(frozen=True)
class _Stack:
    """Probes that are computed in one operation, in one epoch: Q probes on each of O orders.

    Attributes:
        minibatches: of each, the rows of its examples' words, [orders, examples], and their classes, [orders, Q, 1, examples].
        weight_OKF, bias_OK1, weight_gradient_OKF, bias_gradient_OK: these probes' part of all weights.
    """

    minibatches: Sequence[tuple[Sequence[torch.Tensor], torch.Tensor]]
    weight_OKF: torch.Tensor
    bias_OK1: torch.Tensor
    weight_gradient_OKF: torch.Tensor
    bias_gradient_OK: torch.Tensor

    def compute_gradients(self, minibatch: int, reader: Reader) -> None:
        """The gradients of each probe's mean cross-entropy on a minibatch, in place."""
        rows, y_OQ1B = self.minibatches[minibatch]
        x_OBF = reader.read(rows)
        orders, probes, _, batch = y_OQ1B.shape
        if self.weight_OKF.shape[1] == 2 * probes:
            self._compute_gradients_of_two_classes(x_OBF, y_OQ1B[:, :, 0])
            return
        # Products in this order are the fastest where classes are few.
        logits_OKB = torch.baddbmm(self.bias_OK1, self.weight_OKF, x_OBF.transpose(1, 2))
        gradient_OQCB = torch.softmax(logits_OKB.view(orders, probes, -1, batch), dim=2)
        gradient_OQCB.scatter_(2, y_OQ1B, -1.0, reduce="add")
        gradient_OKB = gradient_OQCB.div_(batch).view(logits_OKB.shape)
        torch.bmm(gradient_OKB, x_OBF, out=self.weight_gradient_OKF)
        torch.sum(gradient_OKB, dim=2, out=self.bias_gradient_OK)

    def _compute_gradients_of_two_classes(self, x_OBF: torch.Tensor, y_OQB: torch.Tensor) -> None:
        """The same with half the products: only the difference of two logits counts, and their gradients are opposite."""
        orders, probes, batch = y_OQB.shape
        weight_OQ2F, bias_OQ21 = (tensor.view(orders, probes, 2, -1) for tensor in (self.weight_OKF, self.bias_OK1))
        logit_OQB = torch.baddbmm(
            bias_OQ21[:, :, 1] - bias_OQ21[:, :, 0], weight_OQ2F[:, :, 1] - weight_OQ2F[:, :, 0], x_OBF.transpose(1, 2)
        )
        gradient_OQB = logit_OQB.sigmoid_().sub_(y_OQB).div_(batch)
        for gradient, of_second in (
            (self.weight_gradient_OKF, torch.bmm(gradient_OQB, x_OBF)),
            (self.bias_gradient_OK, gradient_OQB.sum(dim=2)),
        ):
            of_classes = gradient.view(orders, probes, 2, *gradient.shape[2:])
            of_classes[:, :, 1] = of_second
            torch.neg(of_second, out=of_classes[:, :, 0])


class _Fitting:
    """The state of a batched problem between epochs: which probes are still trained, their weights, optimizer and generators."""

    def __init__(self, train: Inputs, problems: Sequence[Problem], classes: int, settings: ProbeSettings) -> None:
        self.train, self.problems, self.classes, self.settings = train, problems, classes, settings
        self.device = train.vectors_WD.device
        self.sizes = [len(train) if problem.portion is None else len(problem.portion) for problem in problems]
        # The largest first, so that those with minibatches left in an epoch are the first of the stack.
        self.active = sorted(range(len(problems)), key=self._kind, reverse=True)
        # Draws the order that others share.
        self.first_whole = next((number for number, problem in enumerate(problems) if problem.portion is None), 0)
        self.generators = [torch.Generator().manual_seed(problem.seed) for problem in problems]
        initial = {problem: initial_weights(self.generators[problem], classes, train.dimensions) for problem in self.active}
        self.weight_PCF = torch.stack([weight_CF for weight_CF, _ in initial.values()]).to(self.device)
        self.bias_PC = torch.stack([bias_C for _, bias_C in initial.values()]).to(self.device)
        self.optimizer = Adam([self.weight_PCF, self.bias_PC], settings.learning_rate)
        self.reader = Reader(train, settings.batch_size * self._at_once(len(problems)))

    def keep(self, places: list[int]) -> None:
        """Go on with the probes at these places of the stack alone."""
        if len(places) < len(self.active):
            self.active = [self.active[place] for place in places]
            self.weight_PCF, self.bias_PC = self.optimizer.keep(places)

    def train_epoch(self) -> None:
        """Let every active probe see its examples once."""
        gradients = torch.empty_like(self.weight_PCF), torch.empty_like(self.bias_PC)
        stacks = list(self._stacks(gradients))
        sizes = [self.sizes[problem] for problem in self.active]
        for minibatch, start in enumerate(range(0, sizes[0], self.settings.batch_size)):
            for stack in stacks:
                if minibatch < len(stack.minibatches):
                    stack.compute_gradients(minibatch, self.reader)
            self.optimizer.step(gradients, sum(start < size for size in sizes))

    def _stacks(self, gradients: Sequence[torch.Tensor]) -> Iterator[_Stack]:
        """The active probes in their order, those together that are computed in one operation."""
        for (_, whole), members in itertools.groupby(enumerate(self.active), key=lambda member: self._kind(member[1])):
            equal = list(members)
            shared = whole and self.settings.shared_order
            at_once = len(equal) if shared else self._at_once(len(equal))
            for first in range(0, len(equal), at_once):
                places, probes = zip(*equal[first : first + at_once], strict=True)
                order_ON = torch.stack([self._order(problem) for problem in ([self.first_whole] if shared else probes)])
                y_OQN = torch.stack([self.problems[problem].train_y_N for problem in probes]).view(len(order_ON), -1, len(self.train))
                y_OQ1N = y_OQN.gather(2, order_ON[:, None].expand(-1, y_OQN.shape[1], -1))[:, :, None]
                rows = zip(*(rows_N[order_ON].split(self.settings.batch_size, dim=1) for rows_N in self.train.rows), strict=True)
                weight_OKF, bias_OK, weight_gradient_OKF, bias_gradient_OK = (
                    tensor[places[0] : places[-1] + 1].view(len(order_ON), -1, *tensor.shape[2:])
                    for tensor in (self.weight_PCF, self.bias_PC, *gradients)
                )
                yield _Stack(
                    list(zip(rows, y_OQ1N.split(self.settings.batch_size, dim=3), strict=True)),
                    weight_OKF,
                    bias_OK[:, :, None],
                    weight_gradient_OKF,
                    bias_gradient_OK,
                )

    def _at_once(self, problems: int) -> int:
        """How many problems' minibatches are computed in one operation, each in an order of its own."""
        return problems_at_once(self.device, problems, 4 * self.settings.batch_size * self.train.dimensions)

    def _kind(self, problem: int) -> tuple[int, bool]:
        """Problems of one kind can be computed in one operation: how many examples they see, and whether that is all of train."""
        return self.sizes[problem], self.problems[problem].portion is None

    def _order(self, problem: int) -> torch.Tensor:
        order_N = epoch_order(self.generators[problem], self.sizes[problem]).to(self.device)
        portion = self.problems[problem].portion
        return order_N if portion is None else portion[order_N]


class Adam:
    """Adam (Kingma & Ba 2015) for stacked problems, some of which can be dropped on the way; as `torch.optim.Adam`."""

    BETAS = (0.9, 0.999)
    EPSILON = 1e-8

    def __init__(self, parameters: list[torch.Tensor], learning_rate: float) -> None:
        self.parameters = parameters
        self.learning_rate = learning_rate
        self.mean = [torch.zeros_like(parameter) for parameter in parameters]
        self.square = [torch.zeros_like(parameter) for parameter in parameters]
        self.steps = [0] * len(parameters[0])

    def step(self, gradients: Sequence[torch.Tensor], problems: int) -> None:
        """Update the parameters of the first so many problems in place."""
        beta1, beta2 = self.BETAS
        self.steps[:problems] = [steps + 1 for steps in self.steps[:problems]]
        # Of each problem, since those with fewer examples have made fewer steps: what its update is divided by is
        # scale * sqrt(square) + offset.
        sizes = [self.learning_rate / (1 - beta1**steps) for steps in self.steps[:problems]]
        scales = [1 / (size * (1 - beta2**steps) ** 0.5) for size, steps in zip(sizes, self.steps, strict=False)]
        factors_2P = torch.tensor([scales, [self.EPSILON / size for size in sizes]]).to(gradients[0].device)
        for parameter, gradient, mean, square in zip(
            *([tensor[:problems] for tensor in tensors] for tensors in (self.parameters, gradients, self.mean, self.square)), strict=True
        ):
            scale, offset = factors_2P.view(2, problems, *[1] * (parameter.dim() - 1))
            mean.lerp_(gradient, 1 - beta1)
            square.mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
            parameter.addcdiv_(mean, square.sqrt().mul_(scale).add_(offset), value=-1)

    def keep(self, problems: list[int]) -> list[torch.Tensor]:
        """Drop all problems (the tensors' first dimension) but these; returns the parameters left."""
        self.steps = [self.steps[problem] for problem in problems]
        for tensors in (self.parameters, self.mean, self.square):
            tensors[:] = [tensor[problems] for tensor in tensors]
        return self.parameters


def _logits(weight_PCF: torch.Tensor, bias_PC: torch.Tensor, inputs: Inputs) -> Iterator[torch.Tensor]:
    """The probes' logits of EXAMPLES_AT_ONCE examples after the others, [probes, classes, examples]."""
    probes, classes, dimensions = weight_PCF.shape
    reader = Reader(inputs, EXAMPLES_AT_ONCE)
    for rows in zip(*(rows_N[None].split(EXAMPLES_AT_ONCE, dim=1) for rows_N in inputs.rows), strict=True):
        (x_BF,) = reader.read(rows)
        logits_KB = torch.addmm(bias_PC.view(-1, 1), weight_PCF.view(-1, dimensions), x_BF.T)
        yield logits_KB.view(probes, classes, -1)


def measure_on_dev(weight_PCF: torch.Tensor, bias_PC: torch.Tensor, dev: Inputs, problems: Sequence[Problem]) -> list[OnDev]:
    """How well each problem's probe does on dev."""
    right_P, loss_P = torch.zeros(2, len(problems), dtype=torch.float64, device=bias_PC.device)
    y_PN = torch.stack([problem.dev_y_N for problem in problems])
    start = 0
    for logits_PCB in _logits(weight_PCF, bias_PC, dev):
        y_PB = y_PN[:, start : start + logits_PCB.shape[2]]
        right_P += (logits_PCB.argmax(dim=1) == y_PB).sum(dim=1)
        loss_P += cross_entropy(logits_PCB, y_PB, ignore_index=-1, reduction="none").sum(dim=1, dtype=torch.float64)
        start += y_PB.shape[1]
    measured = zip((right_P / len(dev)).tolist(), loss_P.tolist(), problems, strict=True)
    return [OnDev(accuracy, loss, len(dev), int((problem.dev_y_N >= 0).sum())) for accuracy, loss, problem in measured]
