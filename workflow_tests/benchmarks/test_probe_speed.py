"""Probes against a loop over a DataLoader: first weights and stopping epochs are equal, then the times, A/B/A/B.

A DataLoader with `shuffle=True` draws its orders from its generator in its own way, so the loop is given ours by a sampler;
the rest is PyTorch as a user writes it. Times are processor time of one thread.
"""

import re
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import speed_claims
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from torch.utils.data import DataLoader, TensorDataset

from xlprobe.probes.converged_probe import KEPT_EXAMPLES, ConvergedSettings, fit_converged_probes
from xlprobe.probes.linear_probe import Inputs, ProbeSettings, Problem, epoch_order, fit_probes, initial_weights

DIMENSIONS = 768
ROUNDS = 2
SETTINGS = ProbeSettings(learning_rate=1e-3, batch_size=256, epochs=4, patience=2)


@dataclass(frozen=True)
class Data:
    """Vectors of words as a features file holds them, and examples of one or two words with noisy classes."""

    vectors: torch.Tensor
    rows: list[torch.Tensor]
    y: torch.Tensor
    classes: int
    train: int

    @staticmethod
    def draw(words: int, examples: int, words_an_example: int, classes: int) -> "Data":
        generator = torch.Generator().manual_seed(classes)
        y = torch.randint(classes, (words,), generator=generator)
        # In half precision from the start: the peak of memory is to be that of the probes.
        vectors = torch.empty(words, DIMENSIONS, dtype=torch.half).normal_(generator=generator)
        vectors += torch.empty(classes, DIMENSIONS, dtype=torch.half).normal_(std=0.15, generator=generator)[y]
        rows = list(torch.randint(words, (words_an_example, examples), generator=generator))
        return Data(vectors, rows, y[rows[0]], classes, train=round(0.9 * examples))

    def fit(self, seeds: list[int], settings: ProbeSettings | ConvergedSettings, fitting=fit_probes):
        train, dev = (Inputs(self.vectors, [rows[part] for rows in self.rows]) for part in self.parts())
        problems = [Problem(seed, self.y[: self.train], self.y[self.train :]) for seed in seeds]
        return fitting(train, dev, problems, self.classes, settings)

    def parts(self) -> tuple[slice, slice]:
        return slice(self.train), slice(self.train, None)

    def dataset(self, part: slice) -> TensorDataset:
        """What a probe reads of each example, built beforehand."""
        read = [self.vectors[rows[part]].float() for rows in self.rows]
        x = torch.cat([*read, read[0] * read[1]], dim=1) if len(read) == 2 else read[0]
        return TensorDataset(x, self.y[part])


class Orders:
    """A sampler that goes through the epochs' orders of a seed."""

    def __init__(self, generator: torch.Generator, examples: int) -> None:
        self.generator, self.examples = generator, examples

    def __iter__(self):
        return iter(epoch_order(self.generator, self.examples).tolist())

    def __len__(self) -> int:
        return self.examples


def user_loop(train: TensorDataset, dev: TensorDataset, classes: int, seed: int, settings: ProbeSettings, orders_of: int):
    """One probe, one seed."""
    generator = torch.Generator().manual_seed(seed)
    dimensions = train.tensors[0].shape[1]
    probe = torch.nn.Linear(dimensions, classes)
    weight, bias = initial_weights(generator, classes, dimensions)
    probe.load_state_dict({"weight": weight, "bias": bias})
    if orders_of != seed:
        generator = torch.Generator().manual_seed(orders_of)
        initial_weights(generator, classes, dimensions)
    loader = DataLoader(train, settings.batch_size, sampler=Orders(generator, len(train)))
    dev_loader = DataLoader(dev, settings.batch_size)
    optimizer = torch.optim.Adam(probe.parameters(), lr=settings.learning_rate)
    best, best_epoch, kept = -1.0, 0, None
    for epoch in range(1, settings.epochs + 1):
        for x, y in loader:
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(probe(x), y).backward()
            optimizer.step()
        with torch.no_grad():
            accuracy = sum((probe(x).argmax(1) == y).sum().item() for x, y in dev_loader) / len(dev)
        if accuracy > best:
            best, best_epoch, kept = accuracy, epoch, probe.weight.detach().clone()
        if epoch - best_epoch >= settings.patience:
            break
    return kept, epoch


def user_loops(problem: Data, seeds: list[int], settings: ProbeSettings):
    train, dev = (problem.dataset(part) for part in problem.parts())
    orders = [seeds[0]] * len(seeds) if settings.shared_order else seeds
    return [user_loop(train, dev, problem.classes, seed, settings, order) for seed, order in zip(seeds, orders, strict=True)]


def ratio(what: str, layers: list[Data], settings: ProbeSettings) -> float:
    """How many times as fast ours is, over all layers and five seeds, after the two have been found to be equal."""
    seeds = [[10 * layer + seed for seed in range(5)] for layer in range(len(layers))]
    ours, theirs = [], []
    for _ in range(ROUNDS):
        start = time.process_time()
        fitted = [problem.fit(*given, settings) for problem, *given in zip(layers, seeds, strict=True)]
        middle = time.process_time()
        looped = [user_loops(problem, *given, settings) for problem, *given in zip(layers, seeds, strict=True)]
        ours.append(middle - start)
        theirs.append(time.process_time() - middle)
    for probes, loops in zip(fitted, looped, strict=True):
        assert probes.epochs == [epochs for _, epochs in loops]
        for weight, (expected, _) in zip(probes.weight_PCF, loops, strict=True):
            # Where a gradient is next to nothing, Adam makes steps of its rounding: of 90,000 weights one differs by 2e-5.
            difference = (weight - expected).abs()
            assert (difference > 1e-5).double().mean() < 1e-4 and difference.max() < 1e-4
    fast, slow = statistics.median(ours), statistics.median(theirs)
    print(f"\n{what}, {len(layers)} layers x 5 seeds, one thread: ours {fast:.1f} s, a DataLoader loop {slow:.1f} s: {slow / fast:.1f}x")
    return slow / fast


def test_part_of_speech_probes_are_faster_than_a_loop():
    """What limits ours: products (two thirds of the time) and the reading of minibatches; the loop's, its collating of examples."""
    speed_claims.hold("probes of 17 tags against a DataLoader loop", ratio("17 tags", [Data.draw(4000, 4000, 1, 17)] * 13, SETTINGS))


def test_probes_of_pairs_with_two_classes_are_faster():
    """What limits ours: memory. Reading vectors, converting and multiplying them takes half the time, and two classes make
    products that a processor waits for its cache in."""
    speed_claims.hold("probes of pairs, 2 classes", ratio("pairs, 2 classes", [Data.draw(10_000, 20_000, 2, 2)] * 2, SETTINGS))


def test_probes_of_pairs_with_40_classes_are_faster():
    """What limits both: products."""
    speed_claims.hold("probes of pairs, 40 classes", ratio("pairs, 40 classes", [Data.draw(10_000, 10_000, 2, 40)] * 2, SETTINGS))


def test_with_a_shared_order_probes_are_faster_still():
    """What limits ours: products; a minibatch is read once for all seeds."""
    shared = replace(SETTINGS, shared_order=True)
    speed_claims.hold("probes of 17 tags, shared order", ratio("17 tags, shared order", [Data.draw(4000, 4000, 1, 17)] * 13, shared))


CONVERGED = ConvergedSettings((0.001, 0.01, 0.1, 1.0, 10.0), tolerance=1e-5, iterations=1000)


def correlated(data: Data) -> Data:
    """The same with features of which a few axes hold most, as in vectors of language models (variances fall from 1 to 1e-4),
    and a fifth of the classes drawn anew, so that no plane parts them."""
    generator = torch.Generator().manual_seed(1)
    mixing, _ = torch.linalg.qr(torch.randn(DIMENSIONS, DIMENSIONS, generator=generator))
    vectors = data.vectors.float() @ (mixing * torch.logspace(0, -2, DIMENSIONS)) @ mixing.T
    drawn = torch.randint(data.classes, data.y.shape, generator=generator)
    y = torch.where(torch.rand(data.y.shape, generator=generator) < 0.2, drawn, data.y)
    return replace(data, vectors=vectors.half(), y=y)


def converged_ratio(what: str, data: Data) -> float:
    """How many times as fast ours is as scikit-learn over the same grid, features standardised once, where both find the same."""
    dev = Inputs(data.vectors, [rows[data.parts()[1]] for rows in data.rows])
    ours, theirs = [], []
    for _ in range(ROUNDS):
        start = time.process_time()
        probes = data.fit([0], CONVERGED, fit_converged_probes)
        middle = time.process_time()
        (x, y), (dev_x, dev_y) = ((part.numpy() for part in data.dataset(part).tensors) for part in data.parts())
        scaler = StandardScaler().fit(x)
        x, dev_x = scaler.transform(x), scaler.transform(dev_x)
        fitted = [LogisticRegression(C=c, tol=CONVERGED.tolerance, max_iter=1000).fit(x, y) for c in CONVERGED.inverse_strengths]
        best = max(model.score(dev_x, dev_y) for model in fitted)
        ours.append(middle - start)
        theirs.append(time.process_time() - middle)
    passes = [model.n_iter_.max() for model in fitted]
    assert probes.training[0].stopped_by == "tolerance" and max(passes) < 1000
    assert abs(probes.dev_score[0] - best) < 0.01, (probes.dev_score, best)
    same = fitted[CONVERGED.inverse_strengths.index(probes.training[0].inverse_strength)].predict(dev_x)
    assert np.mean(probes.predict(dev)[0].numpy() == same) > 0.97
    fast, slow = statistics.median(ours), statistics.median(theirs)
    print(f"\n{what}, converged, 5 strengths, one thread: ours {fast:.1f} s, scikit-learn {slow:.1f} s: {slow / fast:.1f}x", end="")
    print(f" (its iterations: {', '.join(map(str, passes))}; ours for the strength kept: {probes.epochs[0]})")
    return slow / fast


def test_converged_probes_of_words_are_faster_than_scikit_learns():
    """What limits both: products. Ours needs fewer passes, and reads examples once for all strengths."""
    ratio_here = converged_ratio("17 tags", correlated(Data.draw(12_000, 12_000, 1, 17)))
    speed_claims.hold("converged probes of 17 tags against scikit-learn", ratio_here)


def test_converged_probes_of_pairs_are_faster_than_scikit_learns():
    ratio_here = converged_ratio("pairs, 2 classes", correlated(Data.draw(10_000, 20_000, 2, 2)))
    speed_claims.hold("converged probes of pairs, 2 classes", ratio_here)


PEAK = """
from test_probe_speed import CONVERGED, SETTINGS, Data, fit_converged_probes, memory_of, replace, user_loops
problem = Data.draw(500, 1000, 2, 2)
{work}
before = memory_of()
problem = Data.draw(15_000, 30_000, 2, 2)
{work}
print(memory_of() - before)
"""


def memory_of() -> int:
    """The most memory that this process has held, in bytes; getrusage's figure is the parent's where that held more."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024


def test_probes_of_pairs_take_an_eighth_of_the_memory():
    peaks = []
    converged = "problem.fit([0], replace(CONVERGED, iterations=5), fit_converged_probes)"
    for work in ("problem.fit([0], SETTINGS)", converged, "user_loops(problem, [0], SETTINGS)"):
        done = subprocess.run(
            [sys.executable, "-c", PEAK.format(work=work)], check=True, capture_output=True, env={"PYTHONPATH": ":".join(sys.path)}
        )
        peaks.append(int(done.stdout))
    ours, converged, theirs = peaks
    print(
        f"\n30,000 pairs of words of {DIMENSIONS} dimensions: ours {ours / 2**20:.0f} MiB, converged {converged / 2**20:.0f} MiB,", end=""
    )
    print(f" built beforehand {theirs / 2**20:.0f} MiB")
    # Converged probes keep what they read up to a bound, and beyond it no more.
    assert 15_000 * DIMENSIONS * 2 < ours < theirs / 8 and converged < KEPT_EXAMPLES + 2**27
