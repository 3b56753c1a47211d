"""How often intervals and sets of steps hold the truth, and how often p-values are small where nothing differs.

Of outcomes with known answers (`simulated_outcomes`): 300 test sets each. A nominal 95 % has to hold at 90 %.
"""

import time
from functools import partial

import numpy as np
import pytest
from scipy import stats
from simulated_outcomes import (
    CURVES,
    LAYER_CURVES,
    LAYERS,
    STEPS,
    accuracy,
    expected_layers_hold,
    jitter,
    layer_curve,
    mean_over_languages_holds_the_truth,
    simulated,
    unrelated_table,
)

from xlprobe.metrics.measures import expected_layer
from xlprobe.statistics.bootstrap import limits
from xlprobe.statistics.correlation import asymmetry_regression, label_permutation, mantel, rank_regression
from xlprobe.statistics.cross_fitting import CrossFitting
from xlprobe.statistics.paired import compare

TRIALS = 300
FINAL = len(STEPS) - 1


def reaches(truth, share):
    return int((truth >= share * truth.max()).argmax())


def holds(found, first_step):
    return found.first <= first_step and (found.last is None or first_step <= found.last)


@pytest.mark.parametrize("seeds", [{"seeds": 5}, {"seeds": 5, "seed_noise": 0.01}, {"seeds": 1, "seed_noise": 0}])
@pytest.mark.parametrize("curve", CURVES)
def test_cross_fitted_curves(curve, seeds):
    truth = CURVES[curve]
    lost = truth.max() - truth[-1]
    rows = []
    start = time.process_time()
    for trial in range(TRIALS):
        fitted = CrossFitting(simulated(np.random.default_rng(trial), truth, clusters=300, **seeds), accuracy, has_seeds=seeds["seeds"] > 1)
        found = fitted.forgetting(STEPS)
        rows.append(
            {
                "best - final": found.absolute.low <= lost <= found.absolute.high,
                "relative": found.relative.low <= lost / truth.max() <= found.relative.high,
                "step to 95 %": holds(fitted.reached(0.95), reaches(truth, 0.95)),
                "step to 98 %": holds(fitted.reached(0.98), reaches(truth, 0.98)),
                "p (sampling) < .05": found.p_sampling < 0.05,
                "p (jitter) < .05": found.p_jitter < 0.05,
            }
        )
    *held, by_sampling, by_jitter = told(f"{curve}, {seeds}", rows, start)
    assert min(held) >= 0.9 - 2 * (0.9 * 0.1 / TRIALS) ** 0.5
    if not lost > 0.001:
        assert by_sampling < 0.08 and by_jitter < 0.08


@pytest.mark.parametrize("lasting", [0, 0.5])
@pytest.mark.parametrize("size", [0.003, 0.01])
def test_restless_curves(size, lasting):
    """The checkpoints' own ups and downs are true, and best - final with them; but they are no forgetting."""
    rows = []
    start = time.process_time()
    for trial in range(TRIALS):
        generator = np.random.default_rng(trial)
        truth = CURVES["plateau"] + jitter(generator, size, lasting)
        found = CrossFitting(simulated(generator, truth, clusters=300), accuracy).forgetting(STEPS)
        rows.append(
            {
                "best - final": found.absolute.low <= truth.max() - truth[-1] <= found.absolute.high,
                "p (sampling) < .05": found.p_sampling < 0.05,
                "p (jitter) < .05": found.p_jitter < 0.05,
            }
        )
    held, _, by_jitter = told(f"plateau, checkpoints +- {size}, lasting {lasting}", rows, start)
    assert held >= 0.9 and by_jitter < 0.08


@pytest.mark.parametrize("internal", [np.full(12, 0.85), 0.85 + 0.02 * np.sin(np.arange(12) / 4)], ids=["equal layers", "a best layer"])
def test_gain_of_the_best_layer(internal):
    truth = np.append(internal, 0.85)
    rows = []
    start = time.process_time()
    for trial in range(TRIALS):
        found = CrossFitting(simulated(np.random.default_rng(trial), truth, clusters=300), accuracy).gain(range(12), [12]).absolute
        rows.append({"gain over the last layer": found.low <= internal.max() - 0.85 <= found.high})
    assert min(told("12 layers", rows, start)) >= 0.9


@pytest.mark.parametrize("seed_noise", [0.003, 0.01])
@pytest.mark.parametrize("shape", LAYER_CURVES)
def test_expected_layers(shape, seed_noise):
    """Of a checkpoint of this shape; and of the change from one whose layers are a hill."""
    truth_CL = np.stack([LAYER_CURVES["hill"], LAYER_CURVES[shape]])
    held: dict[str, list[bool | None]] = {}
    start = time.process_time()
    for trial in range(TRIALS):
        curve = layer_curve(np.random.default_rng(trial), truth_CL, clusters=300, seed_noise=seed_noise)
        for name, holds_truth in expected_layers_hold(curve, truth_CL):
            held.setdefault(name, []).append(holds_truth)
    print(f"\n{shape}, seeds +- {seed_noise}; {(time.process_time() - start) / TRIALS:.3f} s each")
    for name, of_name in held.items():
        known = [holds_truth for holds_truth in of_name if holds_truth is not None]
        share = float(np.mean(known)) if known else np.nan
        print(f"  {name}: intervals {len(known) / len(of_name):.2f}, of which {share:.3f} hold the truth")
        # Where there is hardly ever an interval, too few are left to say.
        assert len(known) < 20 or share >= 0.9 - 2 * (0.9 * 0.1 / len(known)) ** 0.5


def test_why_weights_that_choose_have_no_percentile_interval():
    """The worst of five equal layers is too bad by chance, and of ten equal ones that come later some is better by chance."""
    held = []
    for shape, weights in (("five worst", "min-max"), ("equally good", "differential")):
        truth = float(expected_layer(LAYER_CURVES[shape], LAYERS, weights))
        for trial in range(TRIALS):
            fitted = CrossFitting(simulated(np.random.default_rng(trial), LAYER_CURVES[shape], clusters=300), accuracy)
            low, high = limits(expected_layer(fitted.resampled_CR.T, LAYERS, weights)[:, None], 0.95)[:, 0]
            held.append(low <= truth <= high)
    shares = np.mean(np.reshape(held, (2, TRIALS)), axis=1)
    print(f"\npercentile intervals: min-max, five worst layers, {shares[0]:.3f}; differential, ten best ones, {shares[1]:.3f}")
    assert (shares < 0.9).all()


@pytest.mark.parametrize(
    "options",
    [{"seeds": 1, "seed_noise": 0}, {"seeds": 5}, {"seeds": 5, "seed_noise": 0.01}, {"seeds": 5, "seed_noise": 0.03}, {"seeds": 2}],
)
def test_two_equal_rows(options):
    rows = []
    start = time.process_time()
    for trial in range(2 * TRIALS):
        outcome = simulated(np.random.default_rng(trial), np.array([0.8, 0.8]), clusters=300, lasting=0.3, **options)
        found = compare(outcome.row(0), outcome.row(1), accuracy)
        rows.append({"difference": found.low <= 0 <= found.high, "p < .05": found.p < 0.05, "p < .5": found.p < 0.5})
    held, below_05, below_5 = told(f"two rows, {options}", rows, start)
    assert held >= 0.9 and below_05 < 0.1 and below_5 < 0.6


def test_means_over_languages_of_one_group():
    held = {joined: partial(mean_over_languages_holds_the_truth, range(TRIALS), 300, 200)(joined=joined) for joined in (True, False)}
    print(f"\nmean of six languages: sentences drawn together {held[True]:.3f}, apart {held[False]:.3f}")
    assert held[True] >= 0.9 > held[False]


def test_unrelated_factors_of_pairs():
    """What takes pairs as independent finds far too much, dyadic-robust errors too much, permutations of languages not."""
    pairs, start = ~np.eye(18, dtype=bool), time.process_time()
    rows: dict[str, list[dict[str, bool]]] = {"sources": [], "distance": [], "asymmetry": []}
    for trial in range(1000, 1000 + TRIALS):
        table, distance, factor = unrelated_table(np.random.default_rng(trial), 18)
        of_sources, difference = np.tile(factor[:, None], (1, 18)), np.subtract.outer(factor, factor)
        asymmetry = table - table.T
        for name, used, outcome, of_pairs, dyadic, permuted in [
            ("sources", pairs, table, of_sources, rank_regression(table, of_sources), label_permutation(table, factor)),
            ("distance", pairs, table, distance, rank_regression(table, distance), mantel(table, distance)),
            ("asymmetry", np.triu(pairs), asymmetry, difference, asymmetry_regression(table, factor), mantel(asymmetry, difference)),
        ]:
            p_values = {"independent": stats.spearmanr(outcome[used], of_pairs[used]).pvalue, "dyadic": dyadic.p}
            p_values["permuted"] = permuted.permutation_p
            rows[name].append({f"p ({kind}) < .05": p < 0.05 for kind, p in p_values.items()})
    for name, found in rows.items():
        independent, dyadic, permuted = told(name, found, start)
        assert independent > dyadic > 0.05 and permuted < 0.09


def told(name, rows, start):
    """Print the shares, and return them."""
    shares = {column: float(np.mean([row[column] for row in rows])) for column in rows[0]}
    seconds = (time.process_time() - start) / len(rows)
    print(f"\n{name}: " + ", ".join(f"{column} {share:.3f}" for column, share in shares.items()) + f"; {seconds:.3f} s each")
    return shares.values()
