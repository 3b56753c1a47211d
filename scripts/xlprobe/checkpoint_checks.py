"""Checks that look at a model's checkpoints together."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from xlprobe.files import read_json
from xlprobe.tables import write_table


def out_of_line(losses: Sequence[float], tolerance: float = 0.05, deviations: float = 6.0) -> list[bool]:
    """Flag the values that jump out of line with their neighbours.

    A value's excess is how far it lies outside the range of its two unflagged neighbours, so that a loss which falls,
    however fast, has none; the last value's is how far it lies above the one before, the first has none. The largest
    excess is flagged if it is more than `tolerance` of the nearer neighbour and more than `deviations` times the median
    excess; then the rest is looked at again without it.

    Args:
        losses: one value a step, in order of steps.
    """
    flagged = [False] * len(losses)
    while True:
        kept = [index for index, flag in enumerate(flagged) if not flag]
        if len(kept) < 4:
            return flagged
        values = [losses[index] for index in kept]
        excesses = [0.0]
        for before, value, after in zip(values, values[1:], values[2:], strict=False):
            excesses.append(max(0.0, value - max(before, after), min(before, after) - value))
        excesses.append(max(0.0, values[-1] - values[-2]))
        usual = sorted(excesses)[len(excesses) // 2]
        worst = max(range(len(kept)), key=lambda place: excesses[place])
        nearer = min(abs(values[place]) for place in (worst - 1, min(worst + 1, len(kept) - 1)))
        if excesses[worst] <= max(tolerance * nearer, deviations * usual):
            return flagged
        flagged[kept[worst]] = True


def collect_checkpoints(identities: Iterable[Path], output: Path) -> None:
    """Gather the checkpoints' identities and flag those whose loss jumps out of line with their neighbours'."""
    by_model: dict[str, list[dict]] = {}
    for path in identities:
        identity = read_json(path)
        by_model.setdefault(identity["model"], []).append(identity)
    rows = []
    for model, checkpoints in by_model.items():
        checkpoints.sort(key=lambda identity: identity["step"])
        means = [sum(identity["loss"].values()) / len(identity["loss"]) for identity in checkpoints]
        for identity, mean, flagged in zip(checkpoints, means, out_of_line(means), strict=True):
            for language, loss in identity["loss"].items():
                rows.append(
                    {
                        "model": model,
                        "step": identity["step"],
                        "language": language,
                        "bits_per_masked_token": loss,
                        "mean_bits_per_masked_token": mean,
                        "out_of_line": flagged,
                        "parity": max(identity["checks"]["max_difference_to_fairseq"].values()),
                        "parameters": identity["parameters"],
                        "weights_sha256": identity["files"]["model.safetensors"],
                    }
                )
            if flagged:
                print(f"warning: model {model} step {identity['step']}: loss {mean:.3f} is out of line with its neighbours'; look at it")
    write_table(pd.DataFrame(rows), "checkpoints.schema.yaml", output)
