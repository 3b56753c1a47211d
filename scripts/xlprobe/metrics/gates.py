"""Which curves over training have a signal to speak of: flags that drop nothing.

Four checks, each with a threshold of the configuration (`measures.gate`); one that has too few checkpoints or languages is neither
passed nor failed. A curve that forgets may pass: it has to rise up to its best checkpoint only. Noise is what is left of it beside
a smooth curve, early and late apart, since a learning rate that decays calms the late one.

Shape letters: C checkpoints.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from xlprobe.artifacts.tables import read_of_schema, write_rows
from xlprobe.metrics import measures
from xlprobe.metrics.learning import CROSS_FITTED
from xlprobe.metrics.measures import Direction
from xlprobe.metrics.training_outcomes import CURVE
from xlprobe.statistics.cross_fitting import FEWEST_STEPS
from xlprobe.tasks.declaration import load_task

# Rank correlations of fewer values say nothing.
FEWEST_RANKED = 4
# Ends the name of the metric that says what a model without context would take.
UNIGRAM = "_unigram"
CHECKS = ("above_baseline", "rise", "early_noise", "late_noise", "ranks")


@dataclass(frozen=True)
class Thresholds:
    """What a curve has to reach (`measures.gate`)."""

    above_baseline: float
    rise: float
    noise: float
    ranks: float


def write_gates(scores: Path, best: Path, gates: Path, thresholds: Thresholds) -> None:
    """Write the table `gates` (schemas/) from scores and best checkpoints.

    Raises:
        XlprobeError: a table is missing or damaged.
    """
    curves = read_curves(read_of_schema(scores, "scores.schema.yaml"), read_of_schema(best, "best.schema.yaml"))
    ranks = rank_stability(curves)
    rows = [of_curve | checks(of_curve, of_ranks, thresholds) for of_curve, of_ranks in zip(curves, ranks, strict=True)]
    shown = ({name: value for name, value in row.items() if name not in ("steps", "values")} for row in rows)
    write_rows(shown, "gates.schema.yaml", gates)


def read_curves(scores: pd.DataFrame, best: pd.DataFrame) -> list[dict[str, Any]]:
    """Of each curve of the table of best checkpoints: CURVE and layer, its steps and values, its cross-fitted best, its baseline.

    The baseline is the best of those that the test set has, of bits what a unigram model would take with the same subwords; NaN where
    there is none.
    """
    keys, place = [*CURVE, "layer"], ["task", "source", "target", "split"]
    metrics = scores["task"].map({task: load_task(task).metric for task in best["task"].unique()})
    own = scores[scores["metric"] == metrics]
    of_test_sets = own[own["step"].isna()].groupby(place)["value"]
    named = {"higher": of_test_sets.max(), "lower": of_test_sets.min()}

    def by_curve(rows: pd.DataFrame) -> dict[tuple[Any, ...], pd.DataFrame]:
        chosen = rows[rows["step"].gt(0) & rows["seed"].isna()].sort_values("step")
        return {tuple(_plain(key)): part for key, part in chosen.groupby(keys, dropna=False)}

    curves, unigrams = by_curve(own), by_curve(scores[scores["metric"] == metrics + UNIGRAM])
    found = []
    for row in best[best["rule"] == CROSS_FITTED].to_dict("records"):
        curve = tuple(_plain(row[name] for name in keys))
        steps, values = (curves[curve][name] for name in ("step", "value"))
        unigram = unigrams[curve]["value"].iloc[-1] if curve in unigrams else np.nan
        baseline = named[load_task(row["task"]).direction].get(tuple(row[name] for name in place), unigram)
        told = {"steps": steps.tolist(), "values": values.to_numpy(), "best": row["value"], "baseline": baseline}
        found.append({name: row[name] for name in [*keys, "n"]} | told)
    return found


def _plain(key: Any) -> list[Any]:
    return [None if pd.isna(value) else value for value in key]


def checks(curve: Mapping[str, Any], ranks: float, thresholds: Thresholds) -> dict[str, Any]:
    """What is checked of a curve, as it is measured and whether it passes; null where it cannot be measured."""
    direction = load_task(curve["task"]).direction
    early, late = noise(curve["steps"], curve["values"], direction)
    measured = {
        "above_baseline": gain(curve["best"], curve["baseline"], direction),
        "rise": rise(curve["values"], direction),
        "early_noise": early,
        "late_noise": late,
        "ranks": ranks,
    }
    asked = {name: getattr(thresholds, name.removeprefix("early_").removeprefix("late_")) for name in CHECKS}
    passed = {
        f"{name}_passes": None if np.isnan(value) else bool(value <= asked[name] if "noise" in name else value >= asked[name])
        for name, value in measured.items()
    }
    made = [value for value in passed.values() if value is not None]
    return {"formula": "checks"} | measured | passed | {"passes": all(made) if made else None}


def gain(value: float, baseline: float, direction: Direction) -> float:
    """How much better a value is than a baseline, as a share of it: value / baseline - 1; of what is better when lower, turned round.

    >>> gain(0.9, 0.6, "higher"), gain(2.0, 3.0, "lower")
    (0.5, 0.5)
    """
    worse = baseline if direction == "higher" else value
    return float(measures.relative_performance(np.array(value), baseline, direction) - 1) if worse else np.nan


def rise(values_C: np.ndarray, direction: Direction) -> float:
    """How steadily a curve gets better up to its best checkpoint: Spearman's rank correlation with the step; NaN of few checkpoints.

    >>> rise(np.array([1.0, 2.0, 3.0, 5.0, 4.0]), "higher")
    1.0
    """
    sign = 1 if direction == "higher" else -1
    rising_C = sign * values_C[: int((sign * values_C).argmax()) + 1]
    return float(stats.spearmanr(np.arange(len(rising_C)), rising_C).statistic) if len(rising_C) >= FEWEST_RANKED else np.nan


def noise(steps: Sequence[int], values_C: np.ndarray, direction: Direction) -> tuple[float, float]:
    """How far checkpoints lie off a smooth curve, before and after 95 % of the best; NaN of few checkpoints.

    The standard deviation of what a quadratic curve in log(step) leaves, as a share of how far the whole curve reaches.
    """
    reach = float(np.ptp(values_C))
    with np.errstate(invalid="ignore"):
        reached_C = measures.relative_performance(values_C, measures.best(values_C, direction), direction) >= 0.95
    start = int(reached_C.argmax())

    def off(part: slice) -> float:
        x_C, y_C = np.log(steps[part]), values_C[part]
        if len(x_C) < FEWEST_STEPS or not reach:
            return np.nan
        residual_C = y_C - np.polyval(np.polyfit(x_C, y_C, 2), x_C)
        return float(np.sqrt((residual_C**2).sum() / (len(x_C) - 3)) / reach)

    return off(slice(0, start + 1)), off(slice(start, None))


def rank_stability(curves: Sequence[Mapping[str, Any]]) -> list[float]:
    """Of each curve, how much alike neighbouring checkpoints rank the languages: Spearman's, mean over checkpoints.

    Among the curves of its model, training, task, split and protocol, in language apart from transfer, of transfer by source;
    NaN where there are fewer than four.
    """
    found = np.full(len(curves), np.nan)
    if not curves:
        return []
    keys = pd.DataFrame(
        [
            {name: curve[name] for name in ("model", "training_seed", "task", "text_form", "split", "protocol")}
            | {"source": curve["source"] if curve["source"] != curve["target"] else None, "steps": tuple(curve["steps"])}
            for curve in curves
        ]
    )
    for places in keys.groupby([*keys.columns], dropna=False).indices.values():
        values = np.stack([curves[place]["values"] for place in places])
        if len(values) >= FEWEST_RANKED and values.shape[1] > 1:
            ranks = stats.rankdata(values, axis=0)
            alike = [np.corrcoef(one, other)[0, 1] for one, other in zip(ranks.T, ranks.T[1:], strict=False)]
            found[places] = np.mean(alike)
    return found.tolist()
