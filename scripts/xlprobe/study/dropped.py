"""What the record of a job says about datasets and tasks that the run no longer has.

A job that makes one table of many datasets, or many files at once, would be made again if a dataset is dropped. So what its
record says about dropped ones still counts: as its inputs, which its command reads, too, and as what it was asked for.
"""

import ast
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any


def with_dropped(files: Sequence[str], recorded: Iterable[str], dropped: Collection[str]) -> list[str]:
    """A job's inputs, and with them those that it had of dropped datasets; none of these where it must be made again anyway.

    Args:
        files: its inputs as the run is now.
        recorded: those that it had when it was made.
        dropped: names of datasets.
    """
    had = {*recorded}
    more = sorted(path for path in had.difference(files) if _dataset_of(Path(path)) in dropped)
    stands = had.issuperset(files) and all(Path(path).exists() for path in more)
    return [*files, *more] if stands else [*files]


def _dataset_of(path: Path) -> str | None:
    """The dataset that an identity, or probes' weights, are of."""
    if path.name == "identity.json":
        return path.parent.name
    return path.stem if path.suffix == ".safetensors" else None


def with_dropped_parts(parts: Mapping[str, Any], recorded: Iterable[str]) -> tuple[dict[str, Any], list[str]]:
    """What is to be recorded of a job that makes many parts together.

    Args:
        parts: by its name, what is made of each part.
        recorded: the parameters that are recorded of the job as they are written, the parts among them the only dictionary.

    Returns:
        The parts, and with them those recorded that the run has dropped; these alone where one is new, which makes all again.
        And the names of those that are new, where any were recorded.
    """
    had: dict[str, Any] = next((ast.literal_eval(value) for value in recorded if value.startswith("{")), {})
    new = sorted(parts.keys() - had.keys())
    return dict(sorted((parts if new else had | {**parts}).items())), new if had else []
