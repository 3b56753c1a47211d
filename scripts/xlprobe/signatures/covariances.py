"""Covariances of a language's vectors in its own monolingual model C and in the multilingual model E, by category and layer.

Omega = Z^T Y / m (paper 2, section 3, with the 1/m that the authors' code has and the text omits), where Z are C's vectors and Y E's
of the m units that have a value of the category, both centred over these units.

Vectors are read a layer at a time, as they are stored, and multiplied in blocks of rows in float64. Means are taken first and
subtracted before anything is squared: where a dimension lies far from zero, a sum of products less the product of sums would lose
the digits that matter.

Seeds of what is drawn follow from the dataset, the category, the kind and the number of the draw alone: it is drawn alike at all layers
and checkpoints.

Shape letters: U units, N chosen units, C dimensions of the monolingual model, E dimensions of the multilingual one.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from xlprobe import hdf5_files
from xlprobe.artifacts import covariance_file
from xlprobe.artifacts.categories import ALL_WORDS
from xlprobe.artifacts.checkpoint_names import title
from xlprobe.artifacts.covariance_file import Covariance, CovarianceKey
from xlprobe.artifacts.dataset_folder import read_table
from xlprobe.artifacts.dataset_identity import read_identity
from xlprobe.artifacts.dataset_kinds import MORPHOLOGY
from xlprobe.artifacts.feature_file import FeatureFile, vectors_of
from xlprobe.errors import XlprobeError
from xlprobe.files import atomic_path
from xlprobe.progress import progress
from xlprobe.seeds import derive_seed

ROWS_AT_ONCE = 4096
# Of a dimension that is constant the deviations from its mean are rounding errors, at most about 1e-13 of it; of one that is not,
# in float32 or float16, at least one unit is off by 6e-8.
CONSTANT = 1e-12


@dataclass(frozen=True)
class CovarianceChecks:
    """What else is measured, at some layers and categories, for `xlprobe.signatures.checks`.

    Attributes:
        layers, categories: where.
        nulls: draws of shuffled pairs.
        halves: draws of two halves of the units.
        equal_draws: draws of as many units of each language.
        equal_fixed: so many; None draws none.
        smallest_of: datasets of all languages; the second number is that of the one with the fewest units (of those with `min_instances`
            or more), a category at a time; none named draws none.
        seed: what all draws start from.
    """

    layers: Sequence[int] = ()
    categories: Sequence[str] = ()
    nulls: int = 0
    halves: int = 0
    equal_draws: int = 0
    equal_fixed: int | None = None
    smallest_of: Sequence[Path] = ()
    seed: int = 1


class _Part(NamedTuple):
    """A matrix that is to be measured at some layers: which rows of Z, and the rows of Y that they are paired with."""

    category: str
    kind: str
    draw: int
    rows_N: np.ndarray
    partners_N: np.ndarray


def cross_covariance(
    monolingual_UC: np.ndarray,
    multilingual_UE: np.ndarray,
    rows_N: np.ndarray,
    partners_N: np.ndarray | None = None,
    rows_at_once: int = ROWS_AT_ONCE,
    device: str = "cpu",
) -> Covariance:
    """Omega of some units, centred over them, summed in float64 in blocks of rows.

    Args:
        monolingual_UC, multilingual_UE: Z and Y of all units, in the numbers that they are stored in.
        rows_N: the units that count.
        partners_N: the rows of Y that these are paired with; None takes the same.
        device: auto, cpu or cuda; torch is imported for the others than cpu alone.
    """
    partners_N = rows_N if partners_N is None else partners_N
    load, units = _loader(device), len(rows_N)
    sides = ((monolingual_UC, rows_N), (multilingual_UE, partners_N))
    blocks = [slice(start, start + rows_at_once) for start in range(0, units, rows_at_once)]
    means = [sum((load(vectors, rows[block]).sum(0) for block in blocks), start=0) / max(units, 1) for vectors, rows in sides]
    product: Any = 0
    squares: list[Any] = [0, 0]
    for block in blocks:
        first, second = (load(vectors, rows[block]) - mean for (vectors, rows), mean in zip(sides, means, strict=True))
        product = product + first.T @ second
        squares = [one + (values**2).sum(0) for one, values in zip(squares, (first, second), strict=True)]
    if not blocks:
        return Covariance(np.zeros((monolingual_UC.shape[1], multilingual_UE.shape[1])), 0, *(np.zeros(v.shape[1]) for v, _ in sides))
    stds = [np.sqrt(_host(one) / units) for one in squares]
    for std, mean in zip(stds, means, strict=True):
        std[std <= CONSTANT * np.abs(_host(mean))] = 0
    omega_CE = _host(product) / units
    omega_CE[stds[0] == 0], omega_CE[:, stds[1] == 0] = 0, 0
    return Covariance(omega_CE, units, *stds)


def measure_covariances(
    multilingual: Path,
    monolingual: Path,
    dataset: Path,
    categories: Sequence[str],
    output: Path,
    layers: Sequence[int] | None = None,
    min_instances: int = 100,
    all_words_output: Path | None = None,
    checks: CovarianceChecks | None = None,
    device: str = "cpu",
) -> None:
    """Write the covariances of one language, checkpoint of E and monolingual model (see `xlprobe.artifacts.covariance_file`).

    Args:
        multilingual, monolingual: features files of E and of C on the dataset, or folders with one of each dataset.
        dataset: the folder of a morphology dataset of one language.
        layers: those to measure; None takes all that both files hold.
        min_instances: a category that fewer units have is counted and not measured.
        all_words_output: a second file to write, with the matrices of all words alone.
        device: as in `cross_covariance`.

    Raises:
        XlprobeError: the vectors are of another dataset, or of no words, the files share no layer or not one of those named, the dataset
            has no such category or several languages, covariances are not finite, or an output cannot be written.
    """
    checks = checks or CovarianceChecks()
    if all_words_output and ALL_WORDS not in categories:
        raise XlprobeError(f"--all-words-output: needs {ALL_WORDS} among the categories, found {', '.join(categories)}")
    with FeatureFile(vectors_of(multilingual, dataset)) as of_many, FeatureFile(vectors_of(monolingual, dataset)) as of_one:
        layers = _shared_layers(of_many, of_one, layers)
        instances = _instances(of_many, of_one, dataset, categories)
        language = _language(dataset)
        parts = list(_parts(instances, language, dataset.name, min_instances, checks))
        keys = [CovarianceKey(part.category, layer, part.kind, part.draw) for layer in layers for part in _at(layer, parts, checks)]
        attributes = {
            "format": covariance_file.FORMAT,
            "language": language,
            "min_instances": min_instances,
            "seed": checks.seed,
            "dataset": json.dumps(of_many.dataset, sort_keys=True),
            "multilingual": json.dumps(of_many.checkpoint, sort_keys=True),
            "monolingual": json.dumps(of_one.checkpoint, sort_keys=True),
        }
        counts = {category: len(rows) for category, rows in instances.items()}
        with ExitStack() as stack:
            write = stack.enter_context(_writer(output, attributes, counts, layers, keys))
            if all_words_output:
                some = [key for key in keys if (key.category, key.kind) == (ALL_WORDS, covariance_file.ALL)]
                counted = {category: count for category, count in counts.items() if category == ALL_WORDS}
                write_words = stack.enter_context(_writer(all_words_output, attributes, counted, layers, some))
            for layer in progress(layers, f"{title(of_many.checkpoint)} {dataset.name}", "layers"):
                monolingual_UC, multilingual_UE = of_one.layer(layer), of_many.layer(layer)
                for part in _at(layer, parts, checks):
                    measured = cross_covariance(monolingual_UC, multilingual_UE, part.rows_N, part.partners_N, device=device)
                    # As it is written: NaN is not at most that.
                    if not np.abs(measured.omega_CE).max(initial=0) <= np.finfo(np.float32).max:
                        raise XlprobeError(
                            f"{of_many.path}: with {of_one.path}, layer {layer} has covariances of {part.category} that are not finite;"
                            " look for vectors that are not, or far too long, and extract both again"
                        )
                    write(measured)
                    if all_words_output and (part.category, part.kind) == (ALL_WORDS, covariance_file.ALL):
                        write_words(measured)


def _loader(device: str) -> Callable[[np.ndarray, np.ndarray], Any]:
    """A function that gives some rows of vectors in float64, as an array or, on a GPU, as a tensor."""
    if device != "cpu":
        # Here, since importing torch takes longer than many a job.
        from xlprobe.device import choose_device

        if (chosen := choose_device(device)).type != "cpu":
            return _tensors(chosen)
    return lambda vectors, rows: vectors[rows].astype(np.float64)


def _tensors(device: Any) -> Callable[[np.ndarray, np.ndarray], Any]:
    import torch

    return lambda vectors, rows: torch.from_numpy(vectors[rows]).to(device).double()


def _host(values: Any) -> np.ndarray:
    return values if isinstance(values, np.ndarray) else values.cpu().numpy()


def _shared_layers(of_many: FeatureFile, of_one: FeatureFile, layers: Sequence[int] | None) -> list[int]:
    if layers is not None:
        return [of_many.chosen(layers), of_one.chosen(layers)][0]
    if not (shared := [layer for layer in of_many.layers if layer in of_one.layers]):
        raise XlprobeError(f"{of_one.path}: holds layers {of_one.layers}, {of_many.path} {of_many.layers}; extract one of both")
    return shared


def _language(dataset: Path) -> str:
    languages = read_identity(dataset)["languages"]
    if len(languages) != 1:
        raise XlprobeError(f"{dataset}: is of {len(languages)} languages ({' '.join(languages)}), expected a dataset of one")
    return str(languages[0])


def _instances(of_many: FeatureFile, of_one: FeatureFile, dataset: Path, categories: Sequence[str]) -> dict[str, np.ndarray]:
    """The units that have a value of each category."""
    for file in (of_many, of_one):
        file.check_dataset(dataset)
        if file.units != "words":
            raise XlprobeError(f"{file.path}: holds vectors of {file.units}, expected words; extract these")
    instances = _units_with(dataset, categories)
    units = int(of_many.offsets[-1])
    if units != int(of_one.offsets[-1]):
        raise XlprobeError(f"{of_one.path}: holds vectors of {of_one.offsets[-1]} units, {of_many.path} of {units}; extract both again")
    return instances


def _units_with(dataset: Path, categories: Sequence[str]) -> dict[str, np.ndarray]:
    """The rows of words.parquet that have a value of each category."""
    _morphology(dataset)
    words = read_table(dataset, "words", [*categories])
    return {category: np.flatnonzero(words[category].notna().to_numpy()) for category in categories}


def _morphology(dataset: Path) -> dict[str, Any]:
    """The identity of a morphology dataset."""
    identity = read_identity(dataset)
    if identity["kind"] != MORPHOLOGY:
        raise XlprobeError(f"{dataset}: is a dataset of kind {identity['kind']}, expected {MORPHOLOGY}; name one of that kind")
    return identity


def _parts(instances: dict[str, np.ndarray], language: str, dataset: str, min_instances: int, checks: CovarianceChecks) -> Iterator[_Part]:
    """What is measured of each category that enough units have; first all of it, then its draws."""
    smallest = _smallest(checks, min_instances)
    for category, rows_N in instances.items():
        if len(rows_N) < min_instances or len(rows_N) < 1:
            continue
        yield _Part(category, covariance_file.ALL, 0, rows_N, rows_N)
        if category not in checks.categories:
            continue
        equal = ((covariance_file.EQUAL_FIXED, checks.equal_fixed), (covariance_file.EQUAL_SMALLEST, smallest.get(category)))
        for kind, draws in ((covariance_file.SHUFFLED, checks.nulls), (covariance_file.FIRST_HALF, checks.halves)):
            for draw in range(draws):
                shuffled_N = _generator(checks, language, dataset, category, kind, draw).permutation(rows_N)
                if kind == covariance_file.SHUFFLED:
                    yield _Part(category, kind, draw, rows_N, shuffled_N)
                else:
                    first, second = (np.sort(half) for half in np.array_split(shuffled_N, 2))
                    yield _Part(category, kind, draw, first, first)
                    yield _Part(category, covariance_file.SECOND_HALF, draw, second, second)
        for kind, size in equal:
            for draw in range(checks.equal_draws if size and size <= len(rows_N) else 0):
                drawn = np.sort(_generator(checks, language, dataset, category, kind, draw).choice(rows_N, size, replace=False))
                yield _Part(category, kind, draw, drawn, drawn)


def _generator(checks: CovarianceChecks, *identity: str | int) -> np.random.Generator:
    return np.random.default_rng(derive_seed("covariances", checks.seed, *identity))


def _smallest(checks: CovarianceChecks, min_instances: int) -> dict[str, int]:
    """How many units the dataset with the fewest has of each checked category, of those with `min_instances` or more."""
    if not checks.smallest_of or not checks.categories:
        return {}
    counts = [_morphology(dataset)["instances"] for dataset in checks.smallest_of]
    enough = {category: [one[category] for one in counts if one[category] >= min_instances] for category in checks.categories}
    return {category: min(found) for category, found in enough.items() if found}


def _at(layer: int, parts: Sequence[_Part], checks: CovarianceChecks) -> list[_Part]:
    """What is measured at a layer: draws only where checks are wanted."""
    return [part for part in parts if part.kind == covariance_file.ALL or layer in checks.layers]


@contextmanager
def _writer(
    path: Path, attributes: dict[str, Any], instances: dict[str, int], layers: Sequence[int], keys: Sequence[CovarianceKey]
) -> Iterator[Callable[[Covariance], None]]:
    """Yield a function that writes the next matrix of those announced; the file lands at `path` when the block ends."""
    with hdf5_files.writing(path), atomic_path(path) as temporary, hdf5_files.create(temporary) as file:
        file.attrs.update(attributes)
        file["categories"], file["instances"] = np.array([*instances], dtype=np.bytes_), np.array([*instances.values()], dtype=np.int64)
        file["layers"] = np.array(layers, dtype=np.int64)
        file["category"], file["kind"] = (np.array([key[place] for key in keys], dtype=np.bytes_) for place in (0, 2))
        file["layer"], file["draw"] = (np.array([key[place] for key in keys], dtype=np.int64) for place in (1, 3))
        written = _Written(file, len(keys))
        yield written.add
        written.end()


class _Written:
    """The matrices of a file that is being written."""

    def __init__(self, file: Any, expected: int) -> None:
        self._file, self._expected = file, expected
        self._checksums: list[int] = []
        self._small: list[Covariance] = []

    def add(self, measured: Covariance) -> None:
        """Write the next matrix."""
        row = len(self._checksums)
        if not row:
            self._file.create_dataset("covariances", (self._expected, *measured.omega_CE.shape), dtype=np.float32)
        omega_CE = measured.omega_CE.astype(np.float32)
        self._file["covariances"][row] = omega_CE
        self._checksums += hdf5_files.extended([0], omega_CE[None])
        # All but the matrix itself, of which even an empty part would keep the whole in memory.
        self._small.append(Covariance(np.empty((0, 0)), measured.units, measured.monolingual_std_C, measured.multilingual_std_E))

    def end(self) -> None:
        """Write what belongs to the matrices."""
        if not self._small:
            self._file.create_dataset("covariances", (0, 0, 0), dtype=np.float32)
        self._file["covariances"].attrs[hdf5_files.CHECKSUMS] = np.array(self._checksums, dtype=np.uint32)
        self._file["units"] = np.array([one.units for one in self._small], dtype=np.int64)
        self._file["monolingual_std"] = np.array([one.monolingual_std_C for one in self._small])
        self._file["multilingual_std"] = np.array([one.multilingual_std_E for one in self._small])
