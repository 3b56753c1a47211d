"""Files of signatures; `xlprobe.signatures.fitting` and `xlprobe.signatures.checks` make them.

A file is of one variant and category. It has a group a place, `<fit>/<scale>/<layer>/<step>`, with `published` and `gauged`, a row a
language of the attribute `languages`, in the order of the fit; where the place was checked also `congruence`, of each component the
lowest over random starts. Attributes of the group say the rest.

Shape letters: L languages, R components.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import numpy as np

from xlprobe import hdf5_files
from xlprobe.artifacts.formats import check_format
from xlprobe.errors import XlprobeError
from xlprobe.files import atomic_path

FORMAT = 1


class SignaturePlace(NamedTuple):
    """Where signatures stand in a file: how they were fitted, at which scale, of which layer and which step of the multilingual model."""

    fit: str
    scale: str
    layer: int
    step: int

    def __str__(self) -> str:
        return "/".join(map(str, self))


@dataclass(frozen=True)
class Signatures:
    """The signatures of some languages.

    Attributes:
        languages: in the order of the rows, which is that of the fit.
        published_LR: the fit's raw weights (`xlprobe.signatures.parafac2.published_signatures`).
        gauged_LR: these of components of unit length (`gauged_signatures`).
        congruence_R: of each component the lowest over random starts; None where it was not checked.
        facts: of the fit: `residual`, `iterations`, `converged`, `solver`, `errors`, and how many `slices` it has.
    """

    languages: Sequence[str]
    published_LR: np.ndarray
    gauged_LR: np.ndarray
    facts: Mapping[str, Any]
    congruence_R: np.ndarray | None = None


class SignatureFile:
    """A file of signatures, open for reading; use it in a `with` block.

    Attributes:
        variant, category: what they are of.
        places: those that it holds.

    Raises:
        XlprobeError: there is no such file, or it is damaged, holds no signatures or is of another version of the format.

    >>> with SignatureFile(path) as signatures:      # doctest: +SKIP
    ...     found = signatures.read(SignaturePlace("per_layer", "raw", 8, 150_000))
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = hdf5_files.open_to_read(path)
        with hdf5_files.whole(path):
            if "places" not in self._file.attrs or "variant" not in self._file.attrs:
                raise XlprobeError(f"{path}: holds no signatures; name a file that does")
            check_format(path, self._file.attrs.get("format"), FORMAT)
            self.variant: str = self._file.attrs["variant"]
            self.category: str = self._file.attrs["category"]
            self.places = [SignaturePlace(*values) for values in json.loads(self._file.attrs["places"])]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._file.close()

    def read(self, place: SignaturePlace) -> Signatures:
        """The signatures at a place.

        Raises:
            XlprobeError: the file does not hold it.
        """
        if place not in self.places:
            raise XlprobeError(f"{self.path}: holds no signatures of {place}; name a place that it holds")
        with hdf5_files.whole(self.path):
            group = self._file[str(place)]
            facts = json.loads(group.attrs["facts"])
            arrays = {name: hdf5_files.dataset(self._file, f"{place}/{name}")[:] for name in group}
        return Signatures(facts.pop("languages"), arrays["published"], arrays["gauged"], facts, arrays.get("congruence"))


def write_signatures(path: Path, variant: str, category: str, signatures: Mapping[SignaturePlace, Signatures]) -> None:
    """Write a file of signatures; there may be none.

    Raises:
        XlprobeError: it cannot be written.
    """
    with hdf5_files.writing(path), atomic_path(path) as temporary, hdf5_files.create(temporary, "v110") as file:
        file.attrs.update({"format": FORMAT, "variant": variant, "category": category})
        file.attrs["places"] = json.dumps([*signatures])
        for place, found in signatures.items():
            group = file.create_group(str(place))
            group["published"], group["gauged"] = found.published_LR, found.gauged_LR
            if found.congruence_R is not None:
                group["congruence"] = found.congruence_R
            group.attrs["facts"] = json.dumps({**found.facts, "languages": [*found.languages]})
