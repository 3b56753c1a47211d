"""Converged linear probes: softmax regression on standardised features, trained until its gradient vanishes.

The objective is that of scikit-learn's `LogisticRegression`: summed cross-entropy plus |weights|^2 / (2 C), the bias free; two
classes have one row of weights between them, as there. C is chosen on dev. On portions of train the bias is penalised, too: a
class that a portion lacks would cost infinitely many bits where it comes (`xlprobe.probes.description_length`). The objective is
convex, so that neither the scale of a feature nor the way to the optimum is in the result: no initial weights, no order of the
examples, no seed.

All probes on the same examples (every C, task and control task) are one batched problem of L-BFGS (Nocedal & Wright 2006,
algorithm 7.5), each with its own history and step; one that has converged leaves the batch. A pass over the examples, chunk
by chunk, advances all of them; what is read is never held for all examples unless it is small. Vectors of language models
are all but confined to a few directions, in which L-BFGS alone is slow: it starts from the curvature that the features'
correlations give.

Shape letters: P probes, T targets, N examples, B examples in a chunk, F of what a probe reads, in J parts of W (the words' vectors
and their product), H = F + 1 with a one for the bias, C classes, K rows of a probe's weights (C; 1 of two classes), D = K * H,
M pairs in a probe's history.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch.nn.functional import softplus

from xlprobe.device import examples_at_once
from xlprobe.probes.linear_probe import FittedProbes, Inputs, ProbeTraining, Problem, Reader, measure_on_dev

# Pairs of steps and changes of gradient that L-BFGS remembers, as SciPy's.
HISTORY = 10
# A step must lower the loss by this share of what its slope promises, but for the rounding of losses in float32, in nats.
SUFFICIENT_DECREASE, ROUNDING = 1e-4, 1e-7
# The principal axes of so many examples a dimension are taken, where that costs no more than so many passes over train.
EXAMPLES_A_DIMENSION, PASSES_SAVED = 4, 20
# Bytes: up to which standardised examples are kept, and the optimizer's state of the probes that are trained at once.
KEPT_EXAMPLES, STATE = 2**28, 2**29


@dataclass(frozen=True)
class ConvergedSettings:
    """How probes of `probes.protocol: converged` are trained.

    Attributes:
        inverse_strengths: the C that are tried.
        tolerance: converged is a probe whose mean loss has no partial derivative above it, penalty and all.
        iterations: the most passes over train.
    """

    inverse_strengths: Sequence[float]
    tolerance: float
    iterations: int


@torch.no_grad()
def fit_converged_probes(
    train: Inputs, dev: Inputs, problems: Sequence[Problem], classes: int, settings: ConvergedSettings
) -> FittedProbes:
    """Train one probe a problem to convergence, all on the same vectors; their seeds decide nothing.

    Of several C the one that does best on dev is kept, the smallest among equals. The weights are those for vectors as they
    are: the standardisation is folded into them.
    """
    strengths = sorted(settings.inverse_strengths)
    kept: dict[int, tuple[torch.Tensor, torch.Tensor, int, ProbeTraining]] = {}
    for portion, numbers in _by_portion(problems):
        examples = train if portion is None else train[portion]
        targets = [problems[number].train_y_N if portion is None else problems[number].train_y_N[portion] for number in numbers]
        asked = [(place, strength) for place in range(len(numbers)) for strength in strengths]
        weight_PCF, bias_PC, passes, converged = _optima(examples, torch.stack(targets), asked, portion is None, classes, settings)
        on_dev = measure_on_dev(weight_PCF, bias_PC, dev, [problems[numbers[place]] for place, _ in asked])
        for place, number in enumerate(numbers):
            tried = range(place * len(strengths), (place + 1) * len(strengths))
            best = max(tried, key=lambda probe: on_dev[probe].score(problems[number]))
            ended = "tolerance" if converged[best] else "cap"
            training = ProbeTraining(ended, passes[best], on_dev[best], on_dev[best], asked[best][1])
            kept[number] = weight_PCF[best], bias_PC[best], passes[best], training
    weights, biases, epochs, trainings = zip(*(kept[number] for number in range(len(problems))), strict=True)
    scores = [training.kept.score(problem) for training, problem in zip(trainings, problems, strict=True)]
    return FittedProbes(torch.stack(weights), torch.stack(biases), list(epochs), scores, list(trainings))


def _by_portion(problems: Sequence[Problem]) -> Iterator[tuple[torch.Tensor | None, list[int]]]:
    """The problems on all of train, which read the same examples, then each of those on a portion."""
    if whole := [number for number, problem in enumerate(problems) if problem.portion is None]:
        yield None, whole
    yield from ((problem.portion, [number]) for number, problem in enumerate(problems) if problem.portion is not None)


def _optima(
    train: Inputs, y_TN: torch.Tensor, asked: Sequence[tuple[int, float]], free_bias: bool, classes: int, settings: ConvergedSettings
) -> tuple[torch.Tensor, torch.Tensor, list[int], list[bool]]:
    """The optimum for each target and C asked for: weights [P, C, F], biases [P, C], passes over train, and whether it was reached."""
    rows = 1 if classes == 2 else classes
    dimensions = rows * (train.dimensions + 1)
    at_once = max(1, STATE // (4 * dimensions * (2 * HISTORY + 6)))
    examples = _Standardised(train, rows * min(at_once, len(asked)))
    found: list[torch.Tensor] = []
    passes: list[int] = []
    converged: list[bool] = []
    for first in range(0, len(asked), at_once):
        objective = _Objective(examples, y_TN, asked[first : first + at_once], free_bias, classes)
        theta_PD, of_each, reached = _minimise(objective, dimensions, y_TN.device, settings)
        found.append(theta_PD)
        passes += of_each
        converged += reached
    weight_PCF, bias_PC = examples.unfold(torch.cat(found).view(len(asked), rows, -1), classes)
    return weight_PCF, bias_PC, passes, converged


class _Standardised:
    """What probes read of train, each feature with mean 0 and variance 1, chunk by chunk; a feature that never varies is 0.

    Args:
        rows: of weights, that each chunk is multiplied with.
    """

    def __init__(self, inputs: Inputs, rows: int) -> None:
        device = inputs.vectors_WD.device
        self._inputs = inputs
        self._chunk = min(len(inputs), examples_at_once(device, 4 * (inputs.dimensions + 3 * rows)))
        self._reader = Reader(inputs, self._chunk)
        self._x_BH = torch.ones(self._chunk, inputs.dimensions + 1, device=device)
        self.mean_F, self.scale_F = self._moments()
        fits = 4 * len(inputs) * (inputs.dimensions + 1) <= KEPT_EXAMPLES
        self._kept = [x_BH.clone() for x_BH in self._read()] if fits else None

    def __len__(self) -> int:
        return len(self._inputs)

    def chunks(self) -> Iterator[tuple[slice, torch.Tensor]]:
        """The examples of a chunk, and what is read of them: [B, H], to be used before the next one is asked for."""
        start = 0
        for x_BH in self._kept or self._read():
            yield slice(start, start + len(x_BH)), x_BH
            start += len(x_BH)

    def principal_axes(self, rows: int) -> tuple[torch.Tensor | None, torch.Tensor]:
        """The principal axes of each part of what is read, [J, W, W], a column each, and the variances along them, [J, W].

        Of examples throughout train. None stands for the features themselves where the axes cost more than they save the
        training of so many rows of weights.
        """
        parts = 3 if len(self._inputs.rows) == 2 else 1
        width = self._inputs.dimensions // parts
        every = max(1, len(self) // (EXAMPLES_A_DIMENSION * width))
        if len(self) // every * width > PASSES_SAVED * 2 * len(self) * rows:
            return None, torch.ones(parts, width, device=self._x_BH.device)
        covariance_JWW = torch.zeros(parts, width, width, dtype=torch.float64, device=self._x_BH.device)
        for _, x_BH in self.chunks():
            x_JBW = x_BH[::every, :-1].reshape(-1, parts, width).transpose(0, 1)
            covariance_JWW += every * (x_JBW.transpose(1, 2) @ x_JBW) / len(self)
        variance_JW, axes_JWW = torch.linalg.eigh(covariance_JWW)
        return axes_JWW.float(), variance_JW.clamp(min=0).float()

    def unfold(self, theta_PKH: torch.Tensor, classes: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Weights [P, C, F] and biases [P, C] that say of vectors as they are what these say of standardised ones."""
        weight_PKF = theta_PKH[..., :-1].double() / self.scale_F
        bias_PK = theta_PKH[..., -1].double() - weight_PKF @ self.mean_F
        if classes == 2:
            weight_PKF, bias_PK = torch.cat([-weight_PKF, weight_PKF], dim=1) / 2, torch.cat([-bias_PK, bias_PK], dim=1) / 2
        return weight_PKF.float(), bias_PK.float()

    def _raw(self) -> Iterator[torch.Tensor]:
        for rows in zip(*(rows_N[None].split(self._chunk, dim=1) for rows_N in self._inputs.rows), strict=True):
            yield self._reader.read(rows)[0]

    def _moments(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Each feature's mean, and its standard deviation or 1 where it varies no more than float32 rounds; in float64."""
        mean_F, variance_F = torch.zeros(2, self._inputs.dimensions, dtype=torch.float64, device=self._x_BH.device)
        for x_BF in self._raw():
            mean_F += x_BF.sum(dim=0, dtype=torch.float64) / len(self._inputs)
        for x_BF in self._raw():
            variance_F += (x_BF - mean_F).square_().sum(dim=0) / len(self._inputs)
        deviation_F = variance_F.sqrt()
        varies_F = deviation_F > torch.finfo(torch.float32).eps * mean_F.abs()
        return mean_F, torch.where(varies_F, deviation_F, 1.0)

    def _read(self) -> Iterator[torch.Tensor]:
        mean_F, factor_F = self.mean_F.float(), (1 / self.scale_F).float()
        for x_BF in self._raw():
            x_BH = self._x_BH[: len(x_BF)]
            torch.sub(x_BF, mean_F, out=x_BH[:, :-1]).mul_(factor_F)
            yield x_BH


class _Objective:
    """The mean loss of probes, penalty and all, and its gradient; `probes` says of each its target and 1 / (C N)."""

    def __init__(
        self, examples: _Standardised, y_TN: torch.Tensor, asked: Sequence[tuple[int, float]], free_bias: bool, classes: int
    ) -> None:
        self._examples, self._y_TN, self._classes = examples, y_TN, classes
        self._rows = 1 if classes == 2 else classes
        # The bias is a row's last weight.
        self._penalised = slice(-1) if free_bias else slice(None)
        targets, strengths = zip(*asked, strict=True)
        strength_P = torch.tensor(strengths, dtype=torch.float64, device=y_TN.device)
        self.probes = torch.tensor(targets, device=y_TN.device), 1 / (strength_P * len(examples))

    def curvature(self) -> "_Curvature":
        """What the second derivatives are about, before anything is known of the examples but how frequent classes are."""
        target_P, penalty_P = self.probes
        count_TC = torch.stack([y_N.bincount(minlength=self._classes) for y_N in self._y_TN])[:, -self._rows :]
        share_PK = ((count_TC + 1) / (len(self._examples) + self._classes))[target_P]
        return _Curvature(*self._examples.principal_axes(share_PK.numel()), share_PK * (1 - share_PK), penalty_P.float())

    def __call__(self, theta_PD: torch.Tensor, target_P: torch.Tensor, penalty_P: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Losses [P] in float64 and gradients [P, D]."""
        probes = len(theta_PD)
        theta_LH = theta_PD.view(probes * self._rows, -1)
        loss_P, gradient_LH = torch.zeros_like(penalty_P), torch.zeros_like(theta_LH)
        for examples, x_BH in self._examples.chunks():
            y_PB = self._y_TN[:, examples][target_P]
            logits_PKB = (theta_LH @ x_BH.T).view(probes, self._rows, -1)
            if self._classes == 2:
                logit_PB = logits_PKB[:, 0]
                loss_P += softplus(logit_PB * (1 - 2 * y_PB)).sum(dim=1, dtype=torch.float64)
                error_PKB = logits_PKB.sigmoid_().sub_(y_PB[:, None])
            else:
                log_share_PKB = torch.log_softmax(logits_PKB, dim=1)
                loss_P -= log_share_PKB.gather(1, y_PB[:, None]).sum(dim=(1, 2), dtype=torch.float64)
                error_PKB = log_share_PKB.exp_().scatter_(1, y_PB[:, None], -1.0, reduce="add")
            gradient_LH.addmm_(error_PKB.view(len(theta_LH), -1), x_BH)
        weight_PKF = theta_PD.view(probes, self._rows, -1)[..., self._penalised]
        loss_P = loss_P / len(self._examples) + penalty_P * weight_PKF.double().square().sum(dim=(1, 2)) / 2
        gradient_PKH = gradient_LH.div_(len(self._examples)).view(probes, self._rows, -1)
        gradient_PKH[..., self._penalised] += penalty_P[:, None, None].float() * weight_PKF
        return loss_P, gradient_PKH.view(probes, -1)


class _Curvature:
    """The curvature that L-BFGS starts from: of each row of weights, along each part's principal axes, its classes' p (1 - p) times
    the variance there, and the penalty."""

    def __init__(self, axes_JWW: torch.Tensor | None, variance_JW: torch.Tensor, spread_PK: torch.Tensor, penalty_P: torch.Tensor) -> None:
        self._axes_JWW = axes_JWW
        self._inverse_PKJW = 1 / (spread_PK[:, :, None, None] * variance_JW + penalty_P[:, None, None, None])
        self._inverse_of_bias_PK = 1 / spread_PK

    def keep(self, places: torch.Tensor) -> None:
        """Drop all probes but these."""
        self._inverse_PKJW, self._inverse_of_bias_PK = self._inverse_PKJW[places], self._inverse_of_bias_PK[places]

    def solve(self, gradient_PD: torch.Tensor) -> torch.Tensor:
        """The inverse of the curvature times these, [P, D]."""
        gradient_PKH = gradient_PD.view(*self._inverse_of_bias_PK.shape, -1)
        solved_PKJW = gradient_PKH[..., :-1].reshape(self._inverse_PKJW.shape)
        if self._axes_JWW is None:
            solved_PKJW = solved_PKJW * self._inverse_PKJW
        else:
            along_PKJW = torch.einsum("pkjw,jwv->pkjv", solved_PKJW, self._axes_JWW) * self._inverse_PKJW
            solved_PKJW = torch.einsum("pkjv,jwv->pkjw", along_PKJW, self._axes_JWW)
        solved_PK1 = (gradient_PKH[..., -1] * self._inverse_of_bias_PK)[..., None]
        return torch.cat([solved_PKJW.flatten(2), solved_PK1], dim=2).view(gradient_PD.shape)


def _minimise(
    objective: _Objective, dimensions: int, device: torch.device, settings: ConvergedSettings
) -> tuple[torch.Tensor, list[int], list[bool]]:
    """Where each probe's objective is least, [P, D]; its passes over train, and whether its gradient came within the tolerance.

    A step that does not lower a probe's loss enough is shortened in the next pass, while the other probes go on.
    """
    target_P, penalty_P = objective.probes
    count = len(target_P)
    found_PD = torch.zeros(count, dimensions, device=device)
    passes, converged = [settings.iterations] * count, [False] * count
    active = torch.arange(count)
    theta_PD = torch.zeros_like(found_PD)
    loss_P, gradient_PD = objective(theta_PD, target_P, penalty_P)
    history = _History(theta_PD, objective.curvature())
    direction_PD = history.direction(gradient_PD)
    step_P = torch.ones_like(loss_P, dtype=torch.float32)
    for number in range(1, settings.iterations + 1):
        done_P = (gradient_PD.abs().amax(dim=1) <= settings.tolerance).cpu()
        if done_P.any() or number == settings.iterations:
            found_PD[active.to(device)] = theta_PD
            for probe in active[done_P].tolist():
                passes[probe], converged[probe] = number, True
            if done_P.all() or number == settings.iterations:
                break
            going_on = (~done_P).nonzero()[:, 0]
            active, places = active[going_on], going_on.to(device)
            history.keep(places)
            target_P, penalty_P, theta_PD, loss_P, gradient_PD, direction_PD, step_P = (
                tensor[places] for tensor in (target_P, penalty_P, theta_PD, loss_P, gradient_PD, direction_PD, step_P)
            )
        slope_P = torch.linalg.vecdot(gradient_PD, direction_PD)
        moved_PD = step_P[:, None] * direction_PD
        new_loss_P, new_gradient_PD = objective(theta_PD + moved_PD, target_P, penalty_P)
        promised_P = step_P.double() * slope_P
        accepted_P = new_loss_P <= loss_P + SUFFICIENT_DECREASE * promised_P + ROUNDING * (1 + loss_P)
        history.add(moved_PD, new_gradient_PD - gradient_PD, accepted_P)
        theta_PD = torch.where(accepted_P[:, None], theta_PD + moved_PD, theta_PD)
        gradient_PD = torch.where(accepted_P[:, None], new_gradient_PD, gradient_PD)
        # Where the parabola through both losses with the slope at the first is least.
        shorter_P = (-promised_P / (2 * (new_loss_P - loss_P - promised_P))).nan_to_num(0.1).clamp(0.1, 0.5).float()
        step_P = torch.where(accepted_P, 1.0, step_P * shorter_P)
        loss_P = torch.where(accepted_P, new_loss_P, loss_P)
        direction_PD = torch.where(accepted_P[:, None], history.direction(gradient_PD), direction_PD)
    return found_PD, passes, converged


class _History:
    """The last steps of each probe and how they changed its gradient, from which L-BFGS estimates curvature."""

    def __init__(self, theta_PD: torch.Tensor, curvature: _Curvature) -> None:
        self._curvature = curvature
        self._step_MPD, self._change_MPD = torch.zeros(2, HISTORY, *theta_PD.shape, device=theta_PD.device)
        # 1 / (step * change); 0 where a place holds no pair.
        self._weight_MP = self._step_MPD.new_zeros(self._step_MPD.shape[:2])
        self._scale_P = self._step_MPD.new_ones(len(theta_PD))
        self._next = 0

    def keep(self, places: torch.Tensor) -> None:
        """Drop all probes but these."""
        self._step_MPD, self._change_MPD, self._weight_MP = (
            tensor[:, places] for tensor in (self._step_MPD, self._change_MPD, self._weight_MP)
        )
        self._scale_P = self._scale_P[places]
        self._curvature.keep(places)

    def add(self, step_PD: torch.Tensor, change_PD: torch.Tensor, accepted_P: torch.Tensor) -> None:
        """Remember a pair of each probe whose step was accepted, in place of the oldest."""
        curvature_P = torch.linalg.vecdot(step_PD, change_PD)
        expected_P = torch.linalg.vecdot(change_PD, self._curvature.solve(change_PD))
        # Rounding may hide the curvature of a very small step.
        use_P = accepted_P & (curvature_P > torch.finfo(torch.float32).eps * expected_P)
        if not use_P.any():
            return
        place = self._next % HISTORY
        self._step_MPD[place] = step_PD
        self._change_MPD[place] = torch.where(use_P[:, None], change_PD, 0.0)
        self._weight_MP[place] = torch.where(use_P, 1 / curvature_P, 0.0)
        self._scale_P = torch.where(use_P, curvature_P / expected_P, self._scale_P)
        self._next += 1

    def direction(self, gradient_PD: torch.Tensor) -> torch.Tensor:
        """Where to go from here, by the two-loop recursion."""
        order = [place % HISTORY for place in range(max(0, self._next - HISTORY), self._next)]
        direction_PD, shares = -gradient_PD, {}
        for place in reversed(order):
            shares[place] = self._weight_MP[place] * torch.linalg.vecdot(self._step_MPD[place], direction_PD)
            direction_PD -= shares[place][:, None] * self._change_MPD[place]
        direction_PD = self._scale_P[:, None] * self._curvature.solve(direction_PD)
        for place in order:
            back_P = self._weight_MP[place] * torch.linalg.vecdot(self._change_MPD[place], direction_PD)
            direction_PD += (shares[place] - back_P)[:, None] * self._step_MPD[place]
        return direction_PD
