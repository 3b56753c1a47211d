"""How much better one language's probes do on another one than the other way round (paper 1: 4.1, Figure 5).

Pairs of languages are compared on the sentences that both test sets have, which are translations of each other: test sets are of one
parallel group.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from xlprobe.artifacts.checkpoint_names import run_name
from xlprobe.artifacts.outcome_file import OutcomePlace
from xlprobe.artifacts.tables import read_of_schema, write_rows
from xlprobe.metrics.learning import AS_PRINTED, FINAL, NO_INTERVAL, PERCENTILE
from xlprobe.metrics.scoring import BaselineFiles
from xlprobe.metrics.training_outcomes import CURVE, Measured, TrainingOutcomes
from xlprobe.statistics.bootstrap import Intervals
from xlprobe.statistics.paired import Comparison, compare

# What two directions of a pair have in common.
SAME = ("model", "training_seed", "task", "text_form", "protocol", "layer", "rule")


def write_asymmetry(
    outcomes: Path,
    checkpoints: Mapping[str, Sequence[int]],
    baselines: Sequence[Path],
    best: Path,
    asymmetry: Path,
    intervals: Intervals,
) -> None:
    """Write the table `asymmetry` (schemas/).

    Args:
        outcomes: folder of the joined outcomes.
        checkpoints: the steps of each training, by its name in paths.
        baselines: files that hold the totals of what probes are tested on.
        best: the table of best checkpoints.

    Raises:
        XlprobeError: a file is missing or damaged.
    """
    pairs, known = both_ways(read_of_schema(best, "best.schema.yaml")), BaselineFiles(baselines)
    rows: list[dict[str, Any]] = []
    for run, steps in checkpoints.items():
        own = pairs[[run_name(*names) == run for names in _named_runs(pairs)]]
        with TrainingOutcomes(outcomes, run, steps, known) as training:
            rows += _rows(training, own, intervals)
    write_rows(rows, "asymmetry.schema.yaml", asymmetry)


def both_ways(best: pd.DataFrame) -> pd.DataFrame:
    """Pairs of curves of transfer between two languages, one way and the other: what they differ in, by rule.

    Returns:
        CURVE and layer of the first, its step, those of the second with `reverse_` before them, and the difference as `value`.
    """
    chosen = best[best["rule"].isin([AS_PRINTED, FINAL]) & (best["source_language"] != best["target_language"])]
    chosen = chosen[(chosen["source"] != chosen["target"]) & ~chosen["task"].isin(["alignment", "bpc"])]
    others = chosen[[*SAME, "source", "target", "source_language", "target_language", "step", "value"]].rename(
        columns={"source_language": "target_language", "target_language": "source_language"}
        | {name: f"reverse_{name}" for name in ("source", "target", "step", "value")}
    )
    pairs = chosen.merge(others, on=[*SAME, "source_language", "target_language"])
    pairs = pairs.assign(value=pairs["value"] - pairs["reverse_value"], formula="both_ways")
    return pairs[[*CURVE, "layer", "n", "rule", "formula", "step", "reverse_source", "reverse_target", "reverse_step", "value"]]


def _named_runs(pairs: pd.DataFrame) -> Iterator[tuple[str, int | None]]:
    for model, seed in pairs[["model", "training_seed"]].itertuples(index=False):
        yield model, None if pd.isna(seed) else int(seed)


def _rows(training: TrainingOutcomes, pairs: pd.DataFrame, intervals: Intervals) -> Iterator[dict[str, Any]]:
    @cache
    def measured(place: OutcomePlace) -> Measured:
        return training.read(place, training.steps[-1:])

    def compared(one: OutcomePlace, other: OutcomePlace) -> Comparison:
        first, second = measured(one), measured(other)
        return compare(
            first.counts.row(0, 0),
            second.counts.row(0, 0),
            first.metric.value,
            resamples=intervals.resamples,
            level=intervals.level,
        )

    found: dict[tuple[OutcomePlace, OutcomePlace], Comparison] = {}
    for row in pairs.to_dict("records"):
        ends, p, interval = (np.nan, np.nan), np.nan, NO_INTERVAL
        one = OutcomePlace(row["task"], row["source"], row["target"], row["split"], row["protocol"])
        other = one._replace(source=row["reverse_source"], target=row["reverse_target"])
        group = training.facts(one)["parallel"]
        # Other test sets have other sentences.
        if group is None or group != training.facts(other)["parallel"]:
            continue
        # What is best as printed is chosen on the sentences that it is measured on.
        if row["rule"] != AS_PRINTED:
            if (other, one) in found:
                turned = found[other, one]
                difference = replace(turned, difference=-turned.difference, low=-turned.high, high=-turned.low)
            else:
                difference = found[one, other] = compared(one, other)
            row |= {"value": difference.difference, "n": difference.clusters}
            # How far one probe, or one sentence, lies off by chance is not known.
            if intervals.resamples and difference.clusters > 1 and not measured(one).has_one_seed:
                ends, p, interval = (difference.low, difference.high), difference.p, PERCENTILE
        yield {str(name): value for name, value in row.items()} | {"low": ends[0], "high": ends[1], "p": p, "interval": interval}
