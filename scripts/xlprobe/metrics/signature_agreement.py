"""Do signatures and probes agree on when a language is learned, and on whether it is forgotten?

Both are asked in the same way (`measures.step_to_share`, `measures.forgetting`; paper 1's Figures 6 and 7), of the steps that have both.
A curve whose steps are all within 95 % of its best names no step: what is learned before the first checkpoint looks like what never is.

How much two curves agree by chance is not known from their rank correlation: two that rise have a high one. So, over languages, stands
beside it how many would agree if each language's signature met the probes of another one.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from xlprobe.artifacts.tables import read_of_schema, write_rows
from xlprobe.metrics import measures, signature_trajectories
from xlprobe.metrics.last_signatures import PUBLISHED, Row, named
from xlprobe.metrics.measures import Direction
from xlprobe.metrics.signature_trajectories import PLACE, trajectory_rows
from xlprobe.metrics.text_forms import in_one_form
from xlprobe.statistics.correlation import FEWEST_VALUES, rank_correlation, rank_interval
from xlprobe.tasks.declaration import ProbeTask, load_probe_task

SCHEMA = "signature_agreement.schema.yaml"
# What is held against each other: of a language, and over languages.
CURVES, LEARNING_STEPS, LOSSES = "curves", "learning steps", "losses"
RISES, FALLS = "rises", "falls"
# Of the best: a language is learned where a curve first comes to it (paper 1 in Tables 4 and 5).
SHARE = 0.95
# A signature has no interval over steps that says what chance loses. So it forgets where it ends below what counts as learned.
FORGETS = 1 - SHARE
# Between two checkpoints nothing is known: so neighbours agree.
CHECKPOINTS_APART = 1
NO_CORRELATION: Row = {**dict.fromkeys(("rho", "p", "low", "high", "permutation_p", "smallest_p")), "n_too_small": True}


def compare_with_probes(
    signatures: Path,
    scores: Path,
    tasks: Sequence[str],
    protocol: str,
    romanised: Mapping[str, Sequence[str]],
    trajectories: Path,
    agreement: Path,
    forgetting: Path | None = None,
) -> None:
    """Write the tables `signature_trajectories` and `signature_agreement` (schemas/).

    Args:
        signatures: `metrics/signatures.parquet`.
        scores: `metrics/scores.parquet`.
        tasks: those that probes learn.
        protocol: how the run trains its probes.
        romanised: by variant, languages whose signatures are of words in Latin letters, and so of other words than probes.
        forgetting: `metrics/forgetting.parquet`; None where the run has none.

    Raises:
        XlprobeError: an input is missing or damaged, or a task is none of probes.
    """
    declared = [load_probe_task(name) for name in tasks]
    of_signatures = read_of_schema(signatures, "signatures.schema.yaml")
    rows = [*trajectory_rows(of_signatures, read_of_schema(scores, "scores.schema.yaml"), declared, protocol, romanised)]
    write_rows(rows, signature_trajectories.SCHEMA, trajectories)
    lost = None if forgetting is None else read_of_schema(forgetting, "forgetting.schema.yaml")
    write_rows(agreement_rows(pd.DataFrame(rows), {task.name: task for task in declared}, lost), SCHEMA, agreement)


@dataclass(frozen=True)
class Reading:
    """What a curve says of a language.

    Attributes:
        step: where it is learned; None where no step can be told.
        loss: of the best, relative; None where there is no share of it.
        reason: why there is no step; else empty.
    """

    step: int | None
    loss: float | None
    reason: str


def shares(values_C: np.ndarray, direction: Direction) -> np.ndarray | None:
    """What share of its best a curve has at each checkpoint, [C]; None where a value is 0 or below, of which there is no share."""
    if values_C.min() <= 0:
        return None
    return measures.relative_performance(values_C, measures.best(values_C, direction), direction)


def direction_of(values_C: np.ndarray) -> Direction:
    """Which way a signature goes: where the value lies that is farthest from the first one.

    >>> direction_of(np.array([0.3, 0.2, 0.35])), direction_of(np.array([0.3, 0.25, 0.4, 0.3]))
    ('lower', 'higher')
    """
    away_C = values_C - values_C[0]
    return "higher" if away_C[np.abs(away_C).argmax()] >= 0 else "lower"


def read_curve(steps: Sequence[int], values_C: np.ndarray, direction: Direction, what: str) -> Reading:
    """When a curve comes to 95 % of its best, and what its last step has lost of it.

    Args:
        steps: of its checkpoints, ascending, above 0.
        what: the curve, as a reason names it.

    >>> read_curve([1, 2, 3], np.array([0.5, 1.0, 0.75]), "higher", "it")
    Reading(step=2, loss=0.25, reason='')
    """
    share_C = shares(values_C, direction)
    if share_C is None:
        return Reading(None, None, f"{what} is 0 or below at a step, of which there is no share")
    loss = float(measures.forgetting(values_C, direction)[0])
    if share_C.min() >= SHARE:
        return Reading(None, loss, f"{what} stays within {100 * SHARE:.0f} % of its best: learned before the first step, or never")
    return Reading(int(measures.step_to_share(steps, values_C, SHARE, direction)), loss, "")


def agreement_rows(trajectories: pd.DataFrame, tasks: Mapping[str, ProbeTask], forgetting: pd.DataFrame | None) -> Iterator[Row]:
    """The rows of `signature_agreement`: of each place its languages, then what is compared over them.

    Args:
        trajectories: the table of that name, or one without rows or columns.
        tasks: the declaration of each task.
        forgetting: the table of that name; None where the run has none.
    """
    if trajectories.empty:
        return
    for key, part in trajectories.groupby([*PLACE], dropna=False, sort=False):
        place = named(PLACE, key) | {"signature": PUBLISHED}
        lost = _tested_losses(forgetting, place)
        task = tasks[place["task"]]
        rows = [
            _language_row(str(language), curves, task, lost if lost is None else lost[lost["source_language"] == language])
            for language, curves in part.groupby("language")
        ]
        yield from (place | row for row in rows)
        yield place | _over_languages(rows, LEARNING_STEPS, ("signature_step", "probe_step"), "agrees_on_learning", _are_near(part))
        yield place | _over_languages(
            rows, LOSSES, ("signature_loss", "probe_loss"), "agrees_on_forgetting", lambda one, other: one == other, of="forgets"
        )


def _language_row(language: str, curves: pd.DataFrame, task: ProbeTask, lost: pd.DataFrame | None) -> Row:
    both = curves.dropna(subset=["signature", "score"]).sort_values("step")
    steps = [int(step) for step in both["step"]]
    row: Row = {"compared": CURVES, "language": language, "sets": max(curves["sets"], key=len), "n": len(steps)}
    reasons = [*curves["reason"].dropna().unique()] if len(both) < len(curves) else []
    if len(steps) < 2:
        reasons.append(f"n = {len(steps)}: no curve without two steps that have both")
        return row | NO_CORRELATION | {"reason": _told(reasons)}
    signature_C, score_C = (both[name].to_numpy(dtype=float) for name in ("signature", "score"))
    correlation, why = _correlation(signature_C, score_C, "steps")
    direction = direction_of(signature_C)
    joined = read_curve(steps, signature_C, direction, "the signature")
    learned = read_curve(steps, score_C, task.direction, "the score")
    probe_forgets, cross_fitted, why_not = _forgets(lost)
    signature_forgets = None if joined.loss is None else joined.loss > FORGETS
    row |= {
        **correlation,
        "first_step": steps[0],
        "last_step": steps[-1],
        "signature_direction": RISES if direction == "higher" else FALLS,
        "signature_step": joined.step,
        "probe_step": learned.step,
        "signature_loss": joined.loss,
        "probe_loss": learned.loss,
        "probe_loss_cross_fitted": cross_fitted,
        "signature_forgets": signature_forgets,
        "probe_forgets": probe_forgets,
        "agrees_on_forgetting": None if signature_forgets is None or probe_forgets is None else signature_forgets == probe_forgets,
    }
    if joined.step is not None and learned.step is not None:
        apart = steps.index(joined.step) - steps.index(learned.step)
        row |= {
            "step_difference": joined.step - learned.step,
            "checkpoints_apart": apart,
            "agrees_on_learning": abs(apart) <= CHECKPOINTS_APART,
        }
    return row | {"reason": _told([*reasons, why, joined.reason, learned.reason, why_not])}


def _told(reasons: Sequence[str]) -> str | None:
    return "; ".join(dict.fromkeys(filter(None, reasons))) or None


def _correlation(one: np.ndarray, other: np.ndarray, what: str) -> tuple[Row, str]:
    """The columns of Spearman's rho, and why there is none."""
    n = int((~(np.isnan(one) | np.isnan(other))).sum())
    if n < FEWEST_VALUES:
        return NO_CORRELATION, f"n = {n}: a correlation needs {FEWEST_VALUES} {what}"
    found = rank_correlation(one, other)
    if np.isnan(found.rho):
        return NO_CORRELATION, f"one of both is the same at all {n} {what}, so that nothing correlates"
    low, high = rank_interval(found.rho, n)
    columns = {name: getattr(found, name) for name in ("rho", "p", "permutation_p", "smallest_p", "n_too_small")}
    return columns | {"low": low, "high": high}, ""


def _tested_losses(forgetting: pd.DataFrame | None, place: Row) -> pd.DataFrame | None:
    """The rows of cross-fitted forgetting that are of a place's probes, in language."""
    if forgetting is None:
        return None
    seed = place["training_seed"]
    chosen = forgetting[
        (forgetting["model"] == place["model"])
        & (forgetting["training_seed"].isna() if seed is None else forgetting["training_seed"] == seed)
        & (forgetting["task"] == place["task"])
        & (forgetting["protocol"] == place["protocol"])
        & (forgetting["layer"] == place["layer"])
        & (forgetting["rule"] == "cross-fitted")
        & (forgetting["measure"] == "relative")
        & (forgetting["split"] == "test")
        & (forgetting["source"] == forgetting["target"])
    ]
    return in_one_form(chosen, [])


def _forgets(lost: pd.DataFrame | None) -> tuple[bool | None, float | None, str]:
    """Whether a language's probes forget, what they lose by cross-fitting, and why the first is not known."""
    if lost is None or lost.empty:
        return (
            None,
            None,
            "whether probes forget is not measured here" if lost is None else "whether probes forget is tested at their last layer",
        )
    value = None if lost["value"].isna().any() else float(lost["value"].mean())
    answers = {None if pd.isna(answer) else bool(answer) for answer in lost["forgets"]}
    if None in answers:
        return None, value, "whether probes forget is not known: fewer than six steps after 95 % of the best"
    if len(answers) > 1:
        return None, value, "test sets differ in whether probes forget"
    return answers.pop(), value, ""


def _are_near(curves: pd.DataFrame) -> Callable[[Any, Any], bool]:
    """Whether two of a place's steps are neighbours, or one."""
    place_of = {int(step): place for place, step in enumerate(sorted(curves["step"].unique()))}
    return lambda one, other: abs(place_of[one] - place_of[other]) <= CHECKPOINTS_APART


def _over_languages(
    rows: Sequence[Row], compared: str, columns: tuple[str, str], answer: str, agree: Callable[[Any, Any], bool], of: str = ""
) -> Row:
    """What is compared over languages.

    Args:
        columns: the signature's and the probes' number that are correlated.
        answer: the column that says whether both agree.
        agree: whether a signature's and probes' answers agree.
        of: how the columns end that hold these answers, where they are other ones.
    """
    first, second = (np.array([np.nan if row.get(name) is None else row[name] for row in rows], dtype=float) for name in columns)
    correlation, why = _correlation(first, second, "languages")
    asked = [row for row in rows if row.get(answer) is not None]
    one, other = (f"{name}_{of}" for name in ("signature", "probe")) if of else columns
    met = [agree(row[one], beside[other]) for row, beside in permutations(asked, 2)]
    return {
        "compared": compared,
        "language": None,
        "n": int((~(np.isnan(first) | np.isnan(second))).sum()),
        **correlation,
        "asked": len(asked),
        "agreeing": sum(row[answer] for row in asked),
        "agreeing_by_chance": float(np.mean(met)) * len(asked) if met else None,
        "disagreeing": " ".join(row["language"] for row in asked if not row[answer]),
        "reason": why or None,
    }
