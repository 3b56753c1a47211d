"""The table of checkpoints, and checks that look at a model's checkpoints together."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from statistics import fmean
from typing import Any

import pandas as pd

from xlprobe.artifacts.checkpoint_names import columns, run_of, title
from xlprobe.artifacts.tables import write_table
from xlprobe.checkpoints.comparison import WEIGHTS_FILE, faults
from xlprobe.errors import XlprobeError
from xlprobe.files import read_json


def out_of_line(losses: Sequence[float], tolerance: float = 0.05, deviations: float = 6.0) -> list[bool]:
    """Flag the values that jump out of line with their neighbours.

    A value's excess is how far it lies outside the range of its two unflagged neighbours, so that a loss which falls,
    however fast, has none; the last value's is how far it lies above the one before, the first's how far below the one
    after. The largest excess is flagged if it is more than `tolerance` of the nearer neighbour and more than `deviations`
    times the median excess; then the rest is looked at again without it.

    Args:
        losses: one value a step, in order of steps.
    """
    flagged = [False] * len(losses)
    while True:
        kept = [index for index, flag in enumerate(flagged) if not flag]
        if len(kept) < 4:
            return flagged
        values = [losses[index] for index in kept]
        excesses = [max(0.0, values[1] - values[0])]
        for before, value, after in zip(values, values[1:], values[2:], strict=False):
            excesses.append(max(0.0, value - max(before, after), min(before, after) - value))
        excesses.append(max(0.0, values[-1] - values[-2]))
        usual = sorted(excesses)[len(excesses) // 2]
        worst = max(range(len(kept)), key=lambda place: excesses[place])
        nearer = min(abs(values[place]) for place in (max(worst - 1, 0), min(worst + 1, len(kept) - 1)))
        if excesses[worst] <= max(tolerance * nearer, deviations * usual):
            return flagged
        flagged[kept[worst]] = True


def out_of_line_checkpoints(identities: Iterable[dict[str, Any]]) -> Iterator[tuple[str, float]]:
    """The checkpoints whose loss jumps out of line with their neighbours' in the same training: title and mean loss.

    Trainings with a checkpoint that has no loss, since its head is missing or it does not see what its objective says, are left out.
    """
    ordered = sorted(identities, key=lambda identity: (run_of(identity), identity["step"]))
    for _, group in groupby(ordered, key=run_of):
        checkpoints = list(group)
        if all(identity["loss"] for identity in checkpoints):
            means = [fmean(identity["loss"].values()) for identity in checkpoints]
            flags = out_of_line(means)
            yield from ((title(identity), mean) for identity, mean, flag in zip(checkpoints, means, flags, strict=True) if flag)


def collect_checkpoints(identities: Iterable[Path], output: Path) -> None:
    """Gather the checkpoints' identities, and flag those whose loss jumps out of line with their neighbours'.

    Raises:
        XlprobeError: two checkpoints of a model hold the same weights, or are of one training and have different tokenizers, or are of
            two trainings under one name.
    """
    read = ((path.parent, read_json(path)) for path in identities)
    checkpoints = sorted(read, key=lambda pair: (run_of(pair[1]), pair[1]["step"]))
    by_weights: dict[tuple[str, str], tuple[Path, dict[str, Any]]] = {}
    firsts: dict[str, tuple[Path, dict[str, Any]]] = {}
    flagged = dict(out_of_line_checkpoints(identity for _, identity in checkpoints))
    rows: list[dict[str, Any]] = []
    for folder, identity in checkpoints:
        twin = by_weights.setdefault((identity["model"], identity["files"][WEIGHTS_FILE]), (folder, identity))
        first = firsts.setdefault(run_of(identity), (folder, identity))
        for place, other in (twin, first):
            if other is not identity and (fault := faults(identity, other, folder, place)):
                raise XlprobeError(f"{identity['model']}: {fault}")
        rows += _rows(identity, title(identity) in flagged)
    for name, mean in flagged.items():
        print(f"warning: {name}: loss {mean:.3f} is out of line with its neighbours'; look at it")
    write_table(pd.DataFrame(rows), "checkpoints.schema.yaml", output)


def _rows(identity: dict[str, Any], flagged: bool) -> Iterator[dict[str, Any]]:
    """A checkpoint's rows: one a language of its losses; where it has none, one."""
    losses, checks = identity["loss"], identity["checks"]
    differences = checks["max_difference_to_fairseq"]
    shared = columns(identity) | {
        "training_version": identity["source"].get("training_version"),
        "kept_update": identity["source"].get("kept_update"),
        "why_kept": identity["source"].get("why"),
        "text": identity["loss_text"],
        "mean_bits_per_subword": fmean(losses.values()) if losses else None,
        "out_of_line": flagged,
        "objective": identity["objective"],
        "head": checks["head"],
        "direction": checks["direction"],
        "padding": checks["padding"],
        "unknown_subwords": fmean(checks["unknown_subwords"].values()),
        "model_class": checks["model_class"],
        "attention": checks["attention"],
        "own_code": checks["own_code"],
        "largest_activation": checks["largest_activation"],
        "parity": max(differences.values()) if differences else None,
        "layers": identity["layers"],
        "hidden_size": identity["hidden_size"],
        "parameters": identity["parameters"],
        "weights_sha256": identity["files"][WEIGHTS_FILE],
    }
    for language, loss in losses.items() or [(None, None)]:
        yield shared | {"language": language, "bits_per_subword": loss}
