"""Reading files of covariances; `xlprobe.signatures.covariances` writes them.

A file is of one language, of one checkpoint of the multilingual model E and one of the language's monolingual model C. It holds, as
attributes, the version of the `format`, the `language`, `min_instances`, and the identities of both checkpoints and of the dataset;
`categories` and `instances` [categories], how many units have each; `layers`; and a row a matrix of

    category, layer, kind, draw     what it is of
    units                           m, how many units it is measured on
    monolingual_std [rows, C], multilingual_std [rows, E]   in float64; 0 is of a constant dimension
    covariances [rows, C, E]        in float32, with a CRC-32 of each

Omega is rounded to float32 once it is summed in float64: by 6e-8 of itself at most, where vectors in float16 are off by 5e-4.
(Of six slices of 48 dimensions, conditioned as 1 to 1000, that moved mean signatures by 1e-5, and the features' rounding by 1e-3.)

Shape letters: C dimensions of the monolingual model, E dimensions of the multilingual one.
"""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from xlprobe import hdf5_files
from xlprobe.artifacts.formats import check_format
from xlprobe.errors import XlprobeError

FORMAT = 1
# What a matrix may be measured on: all units of a category; these with the pairs shuffled; one of two halves of them; or as many as
# are drawn of every language, a number that is given or that of the language with the fewest.
ALL, SHUFFLED, FIRST_HALF, SECOND_HALF, EQUAL_FIXED, EQUAL_SMALLEST = (
    "all",
    "shuffled",
    "first_half",
    "second_half",
    "equal_fixed",
    "equal_smallest",
)


class CovarianceKey(NamedTuple):
    """What a matrix is of: a category at a layer, and which units of it (one of the kinds above, and which draw of that kind)."""

    category: str
    layer: int
    kind: str = ALL
    draw: int = 0


@dataclass(frozen=True)
class Covariance:
    """Omega = Z^T Y / m of vectors centred over m units, and what standardising it needs.

    Attributes:
        omega_CE: in float64.
        units: m.
        monolingual_std_C, multilingual_std_E: standard deviations of Z and Y over the m units; 0 of a constant dimension.
    """

    omega_CE: np.ndarray
    units: int
    monolingual_std_C: np.ndarray
    multilingual_std_E: np.ndarray

    @property
    def norm(self) -> float:
        """The Frobenius norm of Omega."""
        return math.sqrt((self.omega_CE**2).sum())

    @property
    def norm_shuffled(self) -> float:
        """The root mean square of that norm over all ways to pair Z's rows with Y's; infinite of one unit.

        Over all permutations P the mean of ||Zc^T P Yc||^2 is ||Zc||^2 ||Yc||^2 / (m - 1) where both are centred; and ||Zc||^2 is m
        times the sum of the variances.
        """
        squares = float((self.monolingual_std_C**2).sum() * (self.multilingual_std_E**2).sum())
        return math.sqrt(squares / (self.units - 1)) if self.units > 1 else math.inf

    @property
    def constant_dimensions(self) -> tuple[int, int]:
        """How many dimensions of Z, and of Y, are constant: their rows and columns of Omega are zero."""
        return int((self.monolingual_std_C == 0).sum()), int((self.multilingual_std_E == 0).sum())

    def standardised(self) -> "Covariance":
        """Omega of vectors whose dimensions have unit variance, D_z^-1 Omega D_y^-1; constant dimensions stay zero."""
        stds = (self.monolingual_std_C, self.multilingual_std_E)
        first_C, second_E = (np.divide(1, std, out=np.zeros_like(std), where=std > 0) for std in stds)
        units_C, units_E = ((std > 0).astype(np.float64) for std in stds)
        return Covariance(self.omega_CE * first_C[:, None] * second_E, self.units, units_C, units_E)


class CovarianceFile:
    """A file of covariances; it is open only while it is read, since a fit over steps reads more files than a process may open.

    Attributes:
        language, dataset: what is measured on; `dataset` is its name.
        multilingual, monolingual: the identities of both checkpoints.
        instances: how many units have each category that was asked for, whether or not it is measured.
        min_instances: categories that fewer units have are not measured.
        layers: those that are measured.
        keys: the matrices that it holds.

    What is read is held to its checksum.

    Raises:
        XlprobeError: there is no such file, or it is damaged, holds no covariances or is of another version of the format.

    >>> CovarianceFile(path).read(CovarianceKey("case", 8)).omega_CE          # doctest: +SKIP
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with hdf5_files.open_to_read(path) as file, hdf5_files.whole(path):
            if "covariances" not in file:
                raise XlprobeError(f"{path}: holds no covariances; name a file that does")
            check_format(path, file.attrs.get("format"), FORMAT)
            self.language: str = file.attrs["language"]
            self.dataset: str = json.loads(file.attrs["dataset"])["dataset"]
            self.multilingual: dict[str, Any] = json.loads(file.attrs["multilingual"])
            self.monolingual: dict[str, Any] = json.loads(file.attrs["monolingual"])
            self.min_instances = int(file.attrs["min_instances"])
            values = {name: hdf5_files.dataset(file, name)[:] for name in file if name != "covariances"}
            self.layers: list[int] = values["layers"].tolist()
            self.instances: dict[str, int] = dict(zip(_texts(values["categories"]), values["instances"].tolist(), strict=True))
            columns = (_texts(values["category"]), values["layer"].tolist(), _texts(values["kind"]), values["draw"].tolist())
            self.keys = [CovarianceKey(*found) for found in zip(*columns, strict=True)]
            self._rows = {key: row for row, key in enumerate(self.keys)}
            self._units, self._stds = values["units"], (values["monolingual_std"], values["multilingual_std"])

    def __contains__(self, key: CovarianceKey) -> bool:
        return key in self._rows

    def draws(self, category: str, layer: int, kind: str) -> list[CovarianceKey]:
        """The draws of a kind that the file holds, in order."""
        return [key for key in self.keys if key[:3] == (category, layer, kind)]

    def absence(self, category: str, layer: int) -> str | None:
        """Why a category is not measured at a layer; None where it is.

        Raises:
            XlprobeError: the category was never asked for.
        """
        if category not in self.instances:
            raise XlprobeError(f"{self.path}: was not asked for {category}, but for {', '.join(self.instances)}; name one of these")
        if layer not in self.layers:
            return f"layer {layer} is not measured"
        found = self.instances[category]
        return f"{found} instances, fewer than {self.min_instances}" if CovarianceKey(category, layer) not in self else None

    def read(self, key: CovarianceKey) -> Covariance:
        """A matrix, and what belongs to it.

        Raises:
            XlprobeError: the file does not hold it, or it is damaged.
        """
        if key not in self:
            raise XlprobeError(f"{self.path}: holds no covariances of {' '.join(map(str, key))}; measure them, or name what it holds")
        row = self._rows[key]
        with hdf5_files.open_to_read(self.path) as file, hdf5_files.whole(self.path):
            omega_CE = hdf5_files.row(hdf5_files.dataset(file, "covariances"), row).astype(np.float64)
        return Covariance(omega_CE, int(self._units[row]), *(std[row] for std in self._stds))

    def units(self, key: CovarianceKey) -> int:
        """How many units a matrix is measured on."""
        return int(self._units[self._rows[key]])


def _texts(values: np.ndarray) -> list[str]:
    return [value.decode() for value in values]
