"""Converged probes against scikit-learn's logistic regression on standardised features, and on data that are hard for them."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from xlprobe.probes import converged_probe
from xlprobe.probes.converged_probe import ConvergedSettings, fit_converged_probes
from xlprobe.probes.linear_probe import Inputs, ProbeSettings, Problem, fit_probes

SETTINGS = ConvergedSettings((0.01, 0.1, 1.0), tolerance=1e-6, iterations=500)
TRAIN = 1003


class Data:
    """Noisy clusters of words whose features differ in scale and offset by orders of magnitude, or pairs of them."""

    def __init__(self, pairs: bool, classes: int, scale: float = 1.0) -> None:
        generator = torch.Generator().manual_seed(5)
        y = torch.randint(classes, (1603,), generator=generator)
        vectors = torch.randn(classes, 12, generator=generator)[y] + 2 * torch.randn(1603, 12, generator=generator)
        vectors = vectors * torch.logspace(-1, 1, 12) + torch.linspace(-3, 3, 12)
        self.vectors, self.y = (scale * vectors).half(), y
        self.rows = [torch.arange(1603), torch.randperm(1603, generator=generator)][: 1 + pairs]

    def inputs(self, part: slice) -> Inputs:
        return Inputs(self.vectors, [rows[part] for rows in self.rows])

    def read(self, part: slice) -> np.ndarray:
        """What probes read of each example, side by side."""
        read = [self.vectors.float()[rows[part]] for rows in self.rows]
        return torch.cat([*read, read[0] * read[1]] if len(read) == 2 else read, dim=1).numpy()

    def problem(self, **changes) -> Problem:
        return replace(Problem(1, self.y[:TRAIN], self.y[TRAIN:]), **changes)

    def fit(self, settings=SETTINGS, problems=None, classes=None):
        problems = problems or [self.problem()]
        return fit_converged_probes(self.inputs(slice(TRAIN)), self.inputs(slice(TRAIN, None)), problems, classes or 7, settings)


def tuned(train_x, train_y, dev_x, dev_y, strengths=SETTINGS.inverse_strengths):
    """scikit-learn's best on dev, the smallest C among equals: C, and weights and biases for features as they are."""
    scaler = StandardScaler().fit(train_x.astype(np.float64))
    fitted = [LogisticRegression(C=c, tol=1e-7, max_iter=2000).fit(scaler.transform(train_x), train_y) for c in strengths]
    scores = [model.score(scaler.transform(dev_x), dev_y) for model in fitted]
    best = fitted[int(np.argmax(scores))]
    weight = best.coef_ / scaler.scale_
    return best.C, weight, best.intercept_ - weight @ scaler.mean_, max(scores)


@pytest.mark.parametrize("classes", [7, 2])
@pytest.mark.parametrize("pairs", [False, True])
@pytest.mark.parametrize("streamed", [False, True])
def test_probes_are_scikit_learns(pairs, classes, streamed, monkeypatch):
    """Whether standardised examples are kept, or read anew chunk by chunk in every pass."""
    monkeypatch.setattr(converged_probe, "examples_at_once", lambda device, bytes_each: 100)
    monkeypatch.setattr(converged_probe, "KEPT_EXAMPLES", 0 if streamed else 2**28)
    data = Data(pairs, classes)
    probes = data.fit(classes=classes)
    strength, weight, bias, score = tuned(*(part for s in (slice(TRAIN), slice(TRAIN, None)) for part in (data.read(s), data.y[s].numpy())))
    assert (probes.training[0].inverse_strength, probes.training[0].stopped_by) == (strength, "tolerance")
    ours_weight, ours_bias = probes.weight_PCF[0].double().numpy(), probes.bias_PC[0].double().numpy()
    if classes == 2:
        ours_weight, ours_bias = ours_weight[1:] - ours_weight[:1], ours_bias[1:] - ours_bias[:1]
    else:
        # What is added to all classes changes nothing.
        bias, ours_bias = bias - bias.mean(), ours_bias - ours_bias.mean()
    assert np.abs(ours_weight - weight).max() < 5e-3 * np.abs(weight).max() and np.abs(ours_bias - bias).max() < 5e-3 * np.abs(bias).max()
    assert probes.dev_score[0] == pytest.approx(score, abs=2 / 600)
    assert (probes.predict(data.inputs(slice(None))).numpy()[0] == data.y.numpy()).mean() > 1.3 / classes


@pytest.mark.parametrize("pairs", [False, True])
def test_a_feature_scale_changes_no_prediction(pairs):
    """The same features at scale 0.25 and 4 scored 62 and 56 under the paper's protocol."""
    small, large = Data(pairs, 7, 0.25), Data(pairs, 7, 4)
    converged = [data.fit(replace(SETTINGS, tolerance=1e-4)) for data in (small, large)]
    assert torch.equal(*(probes.predict(data.inputs(slice(None))) for probes, data in zip(converged, (small, large), strict=True)))
    assert converged[0].training == converged[1].training and converged[0].epochs == converged[1].epochs
    settings, parts = ProbeSettings(1e-2, 64, 20, 3), (slice(TRAIN), slice(TRAIN, None))
    by_paper = [fit_probes(*map(data.inputs, parts), [data.problem()], 7, settings).dev_score[0] for data in (small, large)]
    assert abs(by_paper[0] - by_paper[1]) > 0.02


def test_other_labels_and_portions_train_beside_each_other_each_as_if_alone(monkeypatch):
    data = Data(False, 7)
    other_y, other_dev_y = data.y[:TRAIN].flip(0), (data.y[TRAIN:] + 2) % 7
    portions = [torch.randperm(TRAIN, generator=torch.Generator().manual_seed(8))[:count] for count in (300, 5)]
    problems = [
        data.problem(portion=portions[0], stop_by_loss=True),
        data.problem(),
        data.problem(train_y_N=other_y, dev_y_N=other_dev_y),
        data.problem(portion=portions[1], stop_by_loss=True),
    ]
    together, alone = data.fit(problems=problems), [data.fit(problems=[problem]) for problem in problems]
    # As many as the optimizer's state leaves room for: one.
    monkeypatch.setattr(converged_probe, "STATE", 1)
    one_by_one = data.fit(problems=problems)
    for place, expected in enumerate(alone):
        for found in (together, one_by_one):
            torch.testing.assert_close(found.weight_PCF[place], expected.weight_PCF[0], atol=1e-4, rtol=1e-3)
            assert found.dev_score[place] == pytest.approx(expected.dev_score[0], abs=2e-3)
            assert found.training[place].inverse_strength == expected.training[0].inverse_strength
    # Labels that the vectors say nothing of are not learned, and a portion's strength is that of the lowest loss on dev.
    assert together.dev_score[2] < 0.3 < together.dev_score[1] and together.dev_score[0] == -together.training[0].kept.loss


def test_what_does_not_converge_in_time_says_so():
    probes = Data(False, 7).fit(replace(SETTINGS, iterations=4))
    assert probes.epochs == [4] and probes.training[0].stopped_by == "cap"


def test_of_equal_strengths_the_smallest_is_kept_in_any_order():
    x = torch.cat([torch.full((40, 3), -2.0), torch.full((40, 3), 2.0)]) + torch.linspace(0, 1, 240).view(80, 3)
    y = torch.arange(80) // 40
    inputs = Inputs(x, [torch.arange(80)])
    for strengths in ((0.1, 1.0, 10.0), (10.0, 0.1, 1.0)):
        probes = fit_converged_probes(inputs, inputs, [Problem(0, y, y)], 2, replace(SETTINGS, inverse_strengths=strengths))
        # Classes that a plane parts: without the penalty there would be no optimum.
        assert probes.dev_score == [1.0] and (probes.training[0].stopped_by, probes.training[0].inverse_strength) == ("tolerance", 0.1)


@pytest.mark.parametrize("classes", [1, 2, 5])
def test_features_that_never_vary_and_classes_that_dev_or_train_lack(classes):
    """Also a feature that varies in dev alone, one that varies less than float32 tells, and train sets with one label only."""
    generator = torch.Generator().manual_seed(6)
    x = torch.randn(300, 6, generator=generator)
    x[:, 0], x[:, 1], x[:200, 2] = 0, 1e4, 3
    x[:, 3] = 1000 + 1e-5 * x[:, 3]
    y = (x[:, 4] > 0).long() + 2 * (x[:, 5] > 0.5).long()
    y = y.clamp(max=classes - 1)
    dev_y = torch.where(y[200:] == 0, -1, y[200:])
    train, dev = Inputs(x, [torch.arange(200)]), Inputs(x, [torch.arange(200, 300)])
    one_label = torch.full_like(y[:200], classes - 1)
    problems = [Problem(0, y[:200], dev_y), Problem(0, one_label, dev_y), Problem(0, y[:200], torch.full((100,), -1))]
    probes = fit_converged_probes(train, dev, problems, classes, replace(SETTINGS, tolerance=1e-5))
    assert probes.weight_PCF.isfinite().all() and probes.bias_PC.isfinite().all()
    assert {training.stopped_by for training in probes.training} == {"tolerance"}
    known = (dev_y >= 0).double().mean().item()
    # Of one label, another is never said; where dev has no label of train's, nothing can be chosen, and nothing fails.
    assert (probes.predict(dev)[1] == classes - 1).all() and probes.dev_score[2] == 0
    assert np.isnan(probes.training[2].kept.loss) and probes.training[2].inverse_strength == 0.01
    assert probes.weight_PCF.shape == (3, classes, 6)
    if classes == 1:
        # Certain of its only label.
        assert probes.training[0].kept.accuracy == 0 and (probes.losses(train, y[:200]) == 0).all()
    if classes > 1:
        assert 0.8 * known < probes.dev_score[0] <= known
        # What never varies in train says nothing, and has no weight.
        assert (probes.weight_PCF[0][:, :4].abs() < 1e-4).all()


def dense_inverse(curvature: converged_probe._Curvature, probes: int, dimensions: int) -> torch.Tensor:
    """What `solve` multiplies gradients by, a matrix for each probe."""
    basis_DD = torch.eye(dimensions)
    return torch.stack([curvature.solve(basis_D.expand(probes, -1).contiguous()) for basis_D in basis_DD], dim=2)


@pytest.mark.parametrize(("pairs", "classes", "free_bias"), [(False, 5, True), (True, 2, True), (False, 2, False)])
def test_the_objective_and_its_gradient_are_those_of_the_formula(pairs, classes, free_bias):
    """In float64 and by automatic differentiation, over chunks, for two targets and strengths."""
    data = Data(pairs, classes)
    inputs = data.inputs(slice(300))
    y_TN = torch.stack([data.y[:300], data.y[:300].flip(0)])
    asked, rows = [(0, 0.1), (1, 0.1), (1, 2.0)], 1 if classes == 2 else classes
    examples = converged_probe._Standardised(inputs, rows * 3)
    objective = converged_probe._Objective(examples, y_TN, asked, free_bias, classes)
    theta_PD = torch.randn(3, rows * (inputs.dimensions + 1), generator=torch.Generator().manual_seed(1)) / 3
    losses, gradients = objective(theta_PD, *objective.probes)
    read = torch.from_numpy(data.read(slice(300))).double()
    read = torch.cat([(read - read.mean(0)) / read.std(0, correction=0), torch.ones(300, 1)], dim=1)
    for place, (target, strength) in enumerate(asked):
        theta = theta_PD[place].double().view(rows, -1).requires_grad_()
        logits = read @ theta.T
        logits = torch.cat([torch.zeros(300, 1), logits], dim=1) if classes == 2 else logits
        weights = theta[:, :-1] if free_bias else theta
        loss = torch.nn.functional.cross_entropy(logits, y_TN[target]) + weights.square().sum() / (2 * strength * 300)
        loss.backward()
        assert losses[place].item() == pytest.approx(loss.item(), rel=1e-5)
        torch.testing.assert_close(gradients[place].view(rows, -1), theta.grad.float(), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("pairs", [False, True])
@pytest.mark.parametrize(("classes", "every"), [(2, 1), (4, 1), (4, 3)])
def test_the_first_curvature_is_that_of_the_second_derivatives_where_parts_and_rows_are_taken_apart(pairs, classes, every, monkeypatch):
    """From each third example, too."""
    monkeypatch.setattr(converged_probe, "EXAMPLES_A_DIMENSION", 400 // (12 * every))
    data = Data(pairs, classes)
    inputs, rows, parts = data.inputs(slice(400)), 1 if classes == 2 else classes, 3 if pairs else 1
    examples = converged_probe._Standardised(inputs, rows)
    objective = converged_probe._Objective(examples, data.y[None, :400], [(0, 0.1), (0, 1.0)], True, classes)
    found = dense_inverse(objective.curvature(), 2, rows * (inputs.dimensions + 1))
    read = torch.from_numpy(data.read(slice(400))).double()
    read = (read - read.mean(0)) / read.std(0, correction=0)
    covariance = torch.block_diag(*(every * (part.T @ part) / 400 for part in read[::every].split(inputs.dimensions // parts, dim=1)))
    # Shares as if each class had one example more.
    shares = ((data.y[:400].bincount(minlength=classes) + 1) / (400 + classes))[-rows:].double()
    for place, strength in enumerate((0.1, 1.0)):
        of_rows = []
        for spread in shares * (1 - shares):
            penalty = torch.eye(len(covariance)) / (strength * 400)
            of_rows.append(torch.block_diag(torch.linalg.inv(spread * covariance + penalty), 1 / spread[None, None]))
        torch.testing.assert_close(found[place].double(), torch.block_diag(*of_rows), atol=1e-3, rtol=1e-3)


def test_axes_that_cost_more_than_they_save_are_not_sought(monkeypatch):
    monkeypatch.setattr(converged_probe, "PASSES_SAVED", 0)
    axes, variances = converged_probe._Standardised(Data(True, 2).inputs(slice(200)), 1).principal_axes(1)
    assert axes is None and variances.tolist() == [[1.0] * 12] * 3


@pytest.mark.parametrize("axes", [True, False])
def test_directions_are_those_of_the_matrix_that_l_bfgs_stands_for(axes):
    """Of the last pairs in their order, those left out that were not accepted or show no curvature; also after probes are dropped."""
    generator = torch.Generator().manual_seed(3)
    axes_JWW = torch.linalg.qr(torch.randn(1, 4, 4, generator=generator))[0] if axes else None
    spread, penalty = torch.rand(3, 2, generator=generator) + 0.5, torch.rand(3, generator=generator)
    curvature = converged_probe._Curvature(axes_JWW, torch.rand(1, 4, generator=generator) + 0.5, spread, penalty)
    history = converged_probe._History(torch.zeros(3, 10), curvature)
    inverse, pairs, scales, kept = dense_inverse(curvature, 3, 10), [[], [], []], [1.0] * 3, [0, 1, 2]
    hessian = torch.randn(10, 10, generator=generator)
    hessian = hessian @ hessian.T / 10 + torch.eye(10)
    for number in range(converged_probe.HISTORY + 4):
        steps = torch.randn(len(kept), 10, generator=generator)
        changes = steps @ hessian
        accepted = torch.rand(len(kept), generator=generator) < 0.7
        if number == 2:
            changes[0] = -changes[0]
        history.add(steps, changes, accepted)
        for place, probe in enumerate(kept):
            used = accepted[place] and steps[place] @ changes[place] > 0
            if accepted.any():
                # Probes share their places: one that adds nothing loses its oldest pair all the same.
                pairs[probe].append((steps[place], changes[place]) if used else None)
            if used:
                scales[probe] = float(steps[place] @ changes[place] / (changes[place] @ inverse[probe] @ changes[place]))
        if number == 5:
            history.keep(torch.tensor([0, 2]))
            kept = [0, 2]
        gradients = torch.randn(len(kept), 10, generator=generator)
        found = history.direction(gradients)
        for place, probe in enumerate(kept):
            matrix = scales[probe] * inverse[probe].double()
            for step, change in (pair for pair in pairs[probe][-converged_probe.HISTORY :] if pair):
                step, change = step.double(), change.double()
                aside = torch.eye(10) - torch.outer(change, step) / (step @ change)
                matrix = aside.T @ matrix @ aside + torch.outer(step, step) / (step @ change)
            torch.testing.assert_close(found[place].double(), -matrix @ gradients[place].double(), atol=1e-3, rtol=1e-3)


def test_steps_that_do_not_lower_the_loss_are_shortened_by_hand():
    """Slope and curvature are 5 (x - 1)^2's, then 20 x^2's with its least at 1/4, and 0.6 (x - 1)^2's, from x = 0."""
    tried = []

    class Parabolas:
        probes = torch.tensor([0, 1, 2]), torch.tensor([5.0, 20.0, 0.6])
        least = torch.tensor([1.0, 0.25, 1.0])

        def curvature(self):
            return converged_probe._Curvature(None, torch.zeros(1, 0), torch.ones(3, 1), torch.ones(3))

        def __call__(self, theta_PD, target_P, factor_P):
            away_P = theta_PD[:, 0] - self.least[target_P]
            tried.append(dict(zip(target_P.tolist(), theta_PD[:, 0].tolist(), strict=True)))
            return (factor_P * away_P**2).double(), (2 * factor_P * away_P)[:, None]

    found, passes, converged = converged_probe._minimise(Parabolas(), 1, torch.device("cpu"), ConvergedSettings((1.0,), 1e-4, 20))
    # 10 is too far: the parabola's least is a tenth of it. For the second it is a fortieth, and a tenth is tried, then a quarter of
    # that. 1.2 is near enough.
    assert tried[0] == {0: 0.0, 1: 0.0, 2: 0.0}
    assert tried[1] == pytest.approx({0: 10.0, 1: 10.0, 2: 1.2})
    assert tried[2] == pytest.approx({0: 1.0, 1: 1.0, 2: 1.0})
    assert found[:, 0].tolist() == pytest.approx([1.0, 0.25, 1.0], abs=1e-5) and converged == [True] * 3
    # The pass in which a probe is found to be there counts.
    assert passes[0] == passes[2] == 3 and tried[3].keys() == {1} and tried[3][1] == pytest.approx(0.25)
