"""Reading what test sentences earned; `xlprobe.statistics.outcomes` writes it.

A file holds a group for each measurement, `<task>/<source>/<target>/<split>` and how it was measured, with its counts: of each
sentence (or line, or pair of sentences), of each sentence and layer, or of each sentence, layer and seed. `clusters` names what
each sentence belongs to: itself, the premise that it shares, or its document. What is measured on all of train is kept as if it
were of one sentence.

Of probes the totals and the clusters do not change with the checkpoint. They stand beside the baselines' counts, once a dataset.
"""

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import numpy as np

from xlprobe import hdf5_files
from xlprobe.artifacts.formats import OUTCOMES, check_format
from xlprobe.errors import XlprobeError

CLUSTERS = "clusters"
# Of an alignment: the links found (A), those of them that are sure (A and S) and possible (A and P), and the gold's sure links (S).
LINK_COUNTS = ("found", "found_sure", "found_possible", "sure")


class OutcomePlace(NamedTuple):
    """Where the outcomes of a measurement stand in a file.

    Attributes:
        source: the dataset that probes learned from; of what has no probes, the target.
        target: the dataset, or the language, that they are tested on.
        protocol: how it was measured, where there are several ways: of probes paper or converged, of bits lines or fairseq; else None.
    """

    task: str
    source: str
    target: str
    split: str
    protocol: str | None = None

    def __str__(self) -> str:
        return "/".join(filter(None, self))


@dataclass(frozen=True)
class Outcome:
    """What the sentences of a test set earned.

    Attributes:
        counts: by name [sentences], [sentences, layers] or [sentences, layers, seeds].
        clusters: [sentences], the same for sentences that are drawn together; None where they stand in another file.
        layers: those that it holds; None where there are none.
        facts: what else is known: `text_form`, `source_language`, `target_language`, `parallel` (the group of test sets with
            the same sentences), `dataset` (the digest of the target's identity), and of probes `metric` (the name of the task's) and
            `examples` (of train).
    """

    place: OutcomePlace
    counts: Mapping[str, np.ndarray]
    clusters: np.ndarray | None = None
    layers: list[int] | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


class OutcomeFile:
    """A file of outcomes, open for reading; use it in a `with` block.

    Attributes:
        checkpoint: the identity of the checkpoint that earned them; None for baselines.
        places: the measurements that it holds.

    Raises:
        XlprobeError: there is no such file, it is damaged, or of another version.

    >>> with OutcomeFile(path) as outcomes:          # doctest: +SKIP
    ...     correct_MLS = outcomes.read(OutcomePlace("pos", "en_ewt", "en_ewt", "test"), layer=8).counts["correct"]
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = hdf5_files.open_to_read(path)
        with hdf5_files.whole(path):
            if "places" not in self._file:
                raise XlprobeError(f"{path}: holds no outcomes; name a file that does")
            check_format(path, self._file.attrs.get("format"), OUTCOMES)
            self.checkpoint: dict[str, Any] | None = json.loads(self._file.attrs["checkpoint"])
            self.places = [OutcomePlace(*name.split("/")) for name in self._file["places"].asstr()[:]]
            self._known = {*self.places}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._file.close()

    def __iter__(self) -> Iterator[Outcome]:
        """All outcomes, one after the other."""
        return map(self.read, self.places)

    def described(self, place: OutcomePlace) -> dict[str, Any]:
        """What is known of a measurement without its counts: `layers`, and the facts of `Outcome`.

        Raises:
            XlprobeError: the file does not hold that measurement.
        """
        if place not in self._known:
            raise XlprobeError(f"{self.path}: holds no outcomes of {place}; name one that it holds")
        with hdf5_files.whole(self.path):
            described: dict[str, Any] = json.loads(self._file[str(place)].attrs["described"])
        return described

    def read(self, place: OutcomePlace, layer: int | None = None, counts: Collection[str] = ()) -> Outcome:
        """The outcomes of a measurement, at all layers or at one.

        Args:
            counts: the names of some, where not all are to be read.

        Raises:
            XlprobeError: the file does not hold that measurement, or not at that layer.
        """
        described = self.described(place)
        layers = described.pop("layers")
        with hdf5_files.whole(self.path):
            group = self._file[str(place)]
            if layer is not None and layer not in (layers or []):
                raise XlprobeError(f"{self.path}: {place} has layers {layers}, not {layer}; name one of these")
            found = {name: values[:] for name, values in group.items() if not counts or name in {*counts, CLUSTERS}}
        if layer is not None:
            number = layers.index(layer)
            found = {name: values[:, number : number + 1] if values.ndim > 1 else values for name, values in found.items()}
        names = found.pop(CLUSTERS, None)
        clusters = None if names is None else np.char.decode(names, "utf-8")
        return Outcome(place, found, clusters, layers if layer is None else [layer], described)
