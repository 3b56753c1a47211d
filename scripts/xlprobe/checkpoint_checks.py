"""The table of checkpoints, and checks that look at a model's checkpoints together."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from statistics import fmean
from typing import Any

import pandas as pd

from xlprobe.checkpoint_comparison import WEIGHTS_FILE, faults, out_of_line_checkpoints
from xlprobe.checkpoint_names import columns, run_of, title
from xlprobe.errors import XlprobeError
from xlprobe.files import read_json
from xlprobe.tables import write_table


def collect_checkpoints(identities: Iterable[Path], output: Path) -> None:
    """Gather the checkpoints' identities, and flag those whose loss jumps out of line with their neighbours'.

    Raises:
        XlprobeError: two checkpoints of a model hold the same weights, or have different tokenizers.
    """
    checkpoints = sorted(map(read_json, identities), key=lambda identity: (run_of(identity), identity["step"]))
    by_weights: dict[tuple[str, str], dict[str, Any]] = {}
    firsts: dict[str, dict[str, Any]] = {}
    flagged = dict(out_of_line_checkpoints(checkpoints))
    rows: list[dict[str, Any]] = []
    for identity in checkpoints:
        other = by_weights.setdefault((identity["model"], identity["files"][WEIGHTS_FILE]), identity)
        first = firsts.setdefault(run_of(identity), identity)
        if fault := next((fault for pair in (other, first) if pair is not identity and (fault := faults(identity, pair))), None):
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
        "text": identity["loss_text"],
        "mean_bits_per_token": fmean(losses.values()) if losses else None,
        "out_of_line": flagged,
        "objective": identity["objective"],
        "head": checks["head"],
        "largest_activation": checks["largest_activation"],
        "parity": max(differences.values()) if differences else None,
        "layers": identity["layers"],
        "hidden_size": identity["hidden_size"],
        "parameters": identity["parameters"],
        "weights_sha256": identity["files"][WEIGHTS_FILE],
    }
    for language, loss in losses.items() or [(None, None)]:
        yield shared | {"language": language, "bits_per_token": loss}
