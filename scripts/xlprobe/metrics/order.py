"""Whether tasks are acquired in the order of paper 1 (3.2 and 4.2): part of speech and arcs, then relations, then inference."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from xlprobe.artifacts.tables import read_of_schema, write_rows
from xlprobe.metrics.learning import AS_PRINTED, BEFORE, CROSS_FITTED, FITTED, SET_OF_STEPS
from xlprobe.metrics.measures import acquired_in_order
from xlprobe.metrics.training_outcomes import one_language

# Groups of tasks, earlier ones first; within a group, and at one checkpoint, any order holds.
ORDER = (("pos", "arc_prediction"), ("arc_classification",), ("xnli",))
SHARE = 0.98
PAIR = ["model", "training_seed", "protocol", "rule", "source_language", "target_language"]


def write_order(steps: Path, order: Path) -> None:
    """Write the table `order` (schemas/) from that of steps.

    Raises:
        XlprobeError: the table is missing or damaged.
    """
    write_rows(order_rows(read_of_schema(steps, "steps.schema.yaml")), "order.schema.yaml", order)


def order_rows(steps: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Of each language, and pair of languages, that has all the run's tasks of ORDER, whether they are acquired in it."""
    measured = {*steps["task"]}
    groups = [kept for group in ORDER if (kept := tuple(task for task in group if task in measured))]
    tasks = [task for group in groups for task in group]
    chosen = steps[steps["task"].isin(tasks) & np.isclose(steps["share"], SHARE)]
    chosen = chosen.assign(**{name: chosen[name].map(one_language) for name in ("source_language", "target_language")})
    if len(groups) < 2:
        return
    # In language, and in transfer, also to a language's own parallel set, which is another curve.
    chosen = chosen.assign(transfer=chosen["source"] != chosen["target"])
    for key, of_pair in chosen.groupby([*PAIR, "transfer"], dropna=False):
        shared = dict(zip(PAIR, key, strict=False))
        if key[-1] and shared["source_language"] == shared["target_language"]:
            continue
        for curves in _curves_of_all_tasks(of_pair, tasks):
            treebanks = [_dataset(row) for task, row in curves.items() if task != "xnli"]
            yield shared | {
                "n_tasks": len(tasks),
                "tasks": " < ".join(" = ".join(group) for group in groups),
                "treebank": treebanks[0],
                "nli": _dataset(curves["xnli"]) if "xnli" in curves else None,
                "formula": "acquired_in_order",
                "holds": _holds(str(shared["rule"]), curves, groups),
            }


def _dataset(row: Mapping[str, Any]) -> str:
    return str(row["source"]) if row["source"] == row["target"] else f"{row['source']} {row['target']}"


def _curves_of_all_tasks(curves: pd.DataFrame, tasks: Sequence[str]) -> Iterator[dict[str, dict[str, Any]]]:
    """The curve of each task: tasks of treebanks share one; several treebanks of a language, or forms of its pairs, count each."""
    of_nli = curves[curves["task"] == "xnli"].to_dict("records") if "xnli" in tasks else [{}]
    for _, of_treebank in curves[curves["task"] != "xnli"].groupby(["source", "target"]):
        found: dict[str, Any] = {row["task"]: row for row in of_treebank.to_dict("records")}
        for nli in of_nli:
            every = found | ({"xnli": nli} if nli else {})
            if {*every} == {*tasks}:
                yield every


def _holds(rule: str, curves: Mapping[str, Mapping[str, Any]], groups: Sequence[Sequence[str]]) -> str | None:
    """`yes`, `no`, or of sets of steps `undecided`; None where a step is missing."""
    if rule in (AS_PRINTED, FITTED):
        reached = {task: row["value"] for task, row in curves.items()}
        if np.isnan([*reached.values()]).any():
            return None
        # Of what comes before the first checkpoint nobody knows which comes first.
        if any(curves[task]["censored"] == BEFORE for group in groups[1:] for task in group):
            return "undecided"
        return "yes" if acquired_in_order(reached, groups) else "no"
    if rule != CROSS_FITTED or any(row["interval"] != SET_OF_STEPS for row in curves.values()):
        return None
    # A set may begin before the first checkpoint, and go on, or begin, after the last one.
    first = {task: -np.inf if BEFORE in str(row["censored"]) else np.nan_to_num(row["low"], nan=np.inf) for task, row in curves.items()}
    last = {task: np.nan_to_num(row["high"], nan=np.inf) for task, row in curves.items()}
    tried = [pair for earlier, later in pairwise(groups) for pair in product(earlier, later)]
    if all(last[one] <= first[other] for one, other in tried):
        return "yes"
    return "no" if any(first[one] > last[other] for one, other in tried) else "undecided"
