"""Counting and writing what test sentences earned, from which all scores, intervals and comparisons follow.

`xlprobe.artifacts.outcome_file` says what stands in a file, and reads it.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from xlprobe import hdf5_files
from xlprobe.artifacts.checkpoint_names import title
from xlprobe.artifacts.formats import OUTCOMES
from xlprobe.artifacts.outcome_file import CLUSTERS, Outcome, OutcomeFile, OutcomePlace
from xlprobe.errors import XlprobeError
from xlprobe.files import atomic_path, identity_digest
from xlprobe.statistics.resampling import ClusteredCounts, sums_by

# The higher byte of a small count is zero.
COMPRESSION = {"compression": "gzip", "compression_opts": 6, "shuffle": True}

# Of two files that do not go together, nobody can tell which is the wrong one.
DELETE_WRONG = "delete the one that is not what its name says, and it is made again"


def facts_of_datasets(source_languages: Sequence[str], target: Mapping[str, Any]) -> dict[str, Any]:
    """What an outcome says of the datasets that it is of.

    Args:
        target: the identity of the dataset that is tested on.
    """
    return {
        "source_language": "-".join(source_languages),
        "target_language": "-".join(target["languages"]),
        "parallel": target["parallel"],
        "text_form": target.get("text_form"),
        "dataset": identity_digest(target),
    }


def group_of(outcome: Outcome) -> tuple[str, str]:
    """What the resamples of an outcome's sentences are named after: its parallel group, or its dataset or language; and the split."""
    return outcome.facts["parallel"] or outcome.place.target, outcome.place.split


def clustered_counts(outcome: Outcome) -> ClusteredCounts:
    """An outcome's counts by cluster, [layers, seeds, clusters], as comparisons and cross-fitting take them.

    Raises:
        ValueError: its clusters stand in another file.
    """
    if outcome.clusters is None:
        raise ValueError(f"{outcome.place}: clusters are missing")
    keys_C, place_M = np.unique(outcome.clusters, return_inverse=True)
    summed = {
        name: sums_by(place_M, len(keys_C), values.reshape(*values.shape, *[1] * (3 - values.ndim)))
        for name, values in outcome.counts.items()
    }
    return ClusteredCounts(
        {name: np.moveaxis(values_CLS, 0, -1) for name, values_CLS in summed.items()}, keys_C.tolist(), group_of(outcome)
    )


def write_outcomes(path: Path, outcomes: Iterable[Outcome], checkpoint: Mapping[str, Any] | None) -> None:
    """Write outcomes into one file.

    Args:
        checkpoint: the identity of the checkpoint that earned them; None for baselines.

    Raises:
        XlprobeError: two are of one measurement.
    """
    with atomic_path(path) as temporary, hdf5_files.writing(path), hdf5_files.create(temporary, "v110") as file:
        places = []
        for outcome in outcomes:
            place = str(outcome.place)
            if place in places:
                raise XlprobeError(f"{path}: outcomes of {place} come twice; name each file once")
            group = file.create_group(place)
            group.attrs["described"] = json.dumps({**outcome.facts, "layers": outcome.layers})
            for name, values in outcome.counts.items():
                # In one chunk: what a sentence earns at one layer and seed tells what it earns at the next.
                group.create_dataset(name, data=_small(values), chunks=values.shape if values.size else None, **COMPRESSION)
            if outcome.clusters is not None:
                group.create_dataset(CLUSTERS, data=np.char.encode(outcome.clusters, "utf-8"), **COMPRESSION)
            places.append(place)
        file.attrs["format"] = OUTCOMES
        file.attrs["checkpoint"] = json.dumps(checkpoint, sort_keys=True)
        file.create_dataset("places", data=places, dtype=hdf5_files.TEXT)


def join_outcomes(paths: Sequence[Path], output: Path, dropped_datasets: Collection[str] = ()) -> dict[OutcomePlace, Path]:
    """Join a checkpoint's files of outcomes into one.

    Args:
        dropped_datasets: those that the run has no more; what was measured with them is left out.

    Returns:
        The file that each measurement came from.

    Raises:
        XlprobeError: the files are not of one checkpoint, are of none, or two hold one measurement.
    """
    came_from: dict[OutcomePlace, Path] = {}
    with OutcomeFile(paths[0]) as first:
        checkpoint = first.checkpoint

    def kept() -> Iterator[Outcome]:
        for path in paths:
            with OutcomeFile(path) as file:
                if file.checkpoint is None or checkpoint is None:
                    raise XlprobeError(f"{paths[0] if checkpoint is None else path}: holds outcomes of baselines; name a checkpoint's")
                if file.checkpoint != checkpoint:
                    raise XlprobeError(
                        f"{path}: holds outcomes of {title(file.checkpoint)}, and {paths[0]} of {title(checkpoint)}, with other weights or"
                        f" checks; {DELETE_WRONG}"
                    )
                for outcome in file:
                    if _names_one(outcome.place, dropped_datasets):
                        continue
                    if other := came_from.get(outcome.place):
                        raise XlprobeError(f"{path}: holds {outcome.place}, which {other} holds, too; {DELETE_WRONG}")
                    came_from[outcome.place] = path
                    yield outcome

    write_outcomes(output, kept(), checkpoint)
    return came_from


def _names_one(place: OutcomePlace, datasets: Collection[str]) -> bool:
    """Whether a measurement is of one of some datasets; held-out text is of a language, whose code may be a dataset's name."""
    return (place.task, place.split) != ("bpc", "valid") and bool({place.source, place.target} & {*datasets})


def _small(values: np.ndarray) -> np.ndarray:
    """Counts in 16 bits where these hold them; other numbers as they are."""
    if values.dtype.kind not in "iu":
        return values
    return values.astype(np.uint16 if values.size == 0 or values.max() < 2**16 else np.uint32)
