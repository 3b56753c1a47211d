"""What can be relied on in the signatures of a layer: against random starts, halves of the words, shuffled pairs and equal numbers.

Each fit is one per layer, as `xlprobe.signatures.fitting` makes it, on the matrices that `xlprobe.signatures.covariances` has drawn.

    starts      random starts in place of the singular vectors: a component is stable if all of them find it again
    halves      each language's words split in two, fitted apart
    nulls       each language's pairs of vectors shuffled: what a signature is of no relation at all
    equal       as many words of each language: a number that is given, and that of the language with the fewest

At the standardised scale a shuffled matrix is divided by the norm of the true one: divided by its own, noise would look as strong as
what it is held against.

Shape letters: L languages, R components.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from xlprobe.artifacts import covariance_file
from xlprobe.artifacts.covariance_file import CovarianceFile, CovarianceKey
from xlprobe.artifacts.signature_file import SignaturePlace, Signatures, write_signatures
from xlprobe.artifacts.tables import write_rows
from xlprobe.progress import progress
from xlprobe.seeds import derive_seed
from xlprobe.signatures.fitting import PER_LAYER, SCHEMA, FitSettings, JointFit, Slice, fit_together, read_covariances
from xlprobe.signatures.parafac2 import STABLE_CONGRUENCE, congruence

logger = logging.getLogger(__name__)

# A correlation of two languages is 1 or -1 whatever they are.
FEWEST_TO_CORRELATE = 3
# tensorly's seeds have 32 bits.
MOST_SEED = 2**31


def check_signatures(
    covariances: Sequence[Path],
    languages: Sequence[str],
    variant: str,
    categories: Sequence[str],
    layers: Sequence[int],
    outputs: Sequence[Path],
    parts: Sequence[Path],
    settings: FitSettings,
    starts: int = 5,
    start_iterations: int | None = None,
    seed: int = 1,
) -> None:
    """Check the fits of some layers, and write what was found of each category: signatures with their congruence, and rows.

    Args:
        covariances, languages, variant, categories, settings: as in `xlprobe.signatures.fitting.fit_signatures`, which raises the same.
        layers: those to check; where a file holds no draws of one, the columns that need them are null. One that no file holds is not
            checked: models may have fewer layers than were asked for.
        outputs: HDF5 files to write, one a category (`xlprobe.artifacts.signature_file`).
        parts: Parquet files to write, one a category: rows of schemas/signatures.schema.yaml that `xlprobe.metrics.signatures` joins to
            those of the fits.
        starts: random starts.
        start_iterations: the most that a fit from one of them makes; None takes as many as the fit that is checked, though from a random
            start it takes several times as many to come as far.
        seed: what they start from.
    """
    files = read_covariances(covariances, languages)
    measured = {layer for file in files for layer in file.layers}
    if missing := [layer for layer in layers if layer not in measured]:
        logger.warning("%s: the models that are compared share no layer %s, which is not checked", variant, " or ".join(map(str, missing)))
    for category, output, part in zip(categories, outputs, parts, strict=True):
        found: dict[SignaturePlace, Signatures] = {}
        rows: list[dict[str, Any]] = []
        places = [(layer, scale) for layer in layers if layer in measured for scale in settings.scales]
        for layer, scale in progress(places, f"{variant} {category}: checks", "layers and scales"):
            at_layer = _Checks(files, category, layer, scale, settings)
            rows += [{"variant": variant, "fit": PER_LAYER} | row for row in at_layer.rows(starts, start_iterations, seed)]
            found |= at_layer.signatures
        write_signatures(output, variant, category, found)
        write_rows(rows, SCHEMA, part)


class _Checks:
    """The checks of one category, layer and scale.

    Attributes:
        signatures: those of the fit that is checked, once it is.
    """

    def __init__(self, files: Sequence[CovarianceFile], category: str, layer: int, scale: str, settings: FitSettings) -> None:
        self._files, self._category, self._layer = files, category, layer
        self._scale, self._settings = scale, settings
        self.signatures: dict[SignaturePlace, Signatures] = {}

    def rows(self, starts: int, start_iterations: int | None, seed: int) -> list[dict[str, Any]]:
        """What is found, a row a language."""
        whole = CovarianceKey(self._category, self._layer)
        fitted = fit_together([Slice(file, whole) for file in self._files], self._scale, self._settings)
        if not fitted.fit:
            return fitted.rows
        shared, of_language = self._starts(fitted, starts, start_iterations, seed)
        halves, differences = self._halves()
        shared |= halves
        columns = [of_language, differences, self._draws(covariance_file.SHUFFLED, "null")]
        for kind in (covariance_file.EQUAL_FIXED, covariance_file.EQUAL_SMALLEST):
            columns.append(self._draws(kind, kind))
        rows = []
        for place, row in enumerate(fitted.rows):
            found = shared if place in fitted.fitted else {}
            rows.append(row | found | {name: value for part in columns for name, value in part.get(row["language"], {}).items()})
        return rows

    def _starts(self, fitted: JointFit, starts: int, iterations: int | None, seed: int) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
        """How the fit stands against random starts: of the fit, and of each language in it."""
        if not starts:
            return {}, {}
        fits, given = [fitted], self._settings.parafac2
        for number in range(starts):
            start = derive_seed("signature start", seed, self._category, self._layer, number) % MOST_SEED
            solver = replace(given, start=start, iterations=iterations or given.iterations)
            fits.append(fit_together(fitted.slices, self._scale, self._settings, solver))
        congruences = [congruence(fitted.fit, other.fit) for other in fits[1:] if fitted.fit and other.fit]
        lowest_R = np.min(congruences, axis=0)
        stable_share = float((lowest_R >= STABLE_CONGRUENCE).mean())
        signatures = fitted.signatures(self._settings, range(len(fitted.fitted)))
        step = int(self._files[0].multilingual["step"])
        self.signatures[SignaturePlace(PER_LAYER, self._scale, self._layer, step)] = replace(signatures, congruence_R=lowest_R)
        of_language: dict[str, dict[str, Any]] = {}
        for place in fitted.fitted:
            found = {}
            for column, name in (("starts_sd", "mean_published"), ("starts_sd_gauged", "mean_gauged")):
                found[column] = _deviation([fit.rows[place][name] for fit in fits])
            of_language[fitted.rows[place]["language"]] = found
        residual = max(other.fit.residual for other in fits[1:] if other.fit)
        return {"starts": starts, "starts_residual": residual, "stable_share": stable_share, "trusted": stable_share == 1}, of_language

    def _drawn(self, kind: str, draw: int) -> JointFit | None:
        """The fit of one draw of those languages that have it; None where fewer than two have."""
        key = CovarianceKey(self._category, self._layer, kind, draw)
        norm_of = CovarianceKey(self._category, self._layer) if kind == covariance_file.SHUFFLED else None
        slices = [Slice(file, key, norm_of) for file in self._files if key in file]
        joint = fit_together(slices, self._scale, self._settings) if len(slices) > 1 else None
        return joint if joint and joint.fit else None

    def _numbers(self, kind: str) -> list[int]:
        """The draws that any language has."""
        return sorted({key.draw for file in self._files for key in file.draws(self._category, self._layer, kind)})

    def _halves(self) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
        """How alike two halves of the words are: of the fit, and of each language."""
        correlations, congruences, differences = [], [], dict[str, list[float]]()
        for draw in self._numbers(covariance_file.FIRST_HALF):
            first, second = (self._drawn(kind, draw) for kind in (covariance_file.FIRST_HALF, covariance_file.SECOND_HALF))
            if not (first and second and first.fit and second.fit):
                continue
            pairs = [(language, mean, second.means()[language]) for language, mean in first.means().items() if language in second.means()]
            for language, one, other in pairs:
                differences.setdefault(language, []).append(abs(one - other))
            means = np.array([pair[1:] for pair in pairs])
            if len(means) >= FEWEST_TO_CORRELATE and (np.ptp(means, axis=0) > 0).all():
                correlations.append(float(np.corrcoef(means.T)[0, 1]))
            if first.means().keys() == second.means().keys():
                congruences.append(congruence(first.fit, second.fit).mean())
        found = {"halves_r": _mean(correlations), "halves_congruence": _mean(congruences)}
        return found, {language: {"halves_difference": _mean(values)} for language, values in differences.items()}

    def _draws(self, kind: str, name: str) -> dict[str, dict[str, Any]]:
        """Mean and standard deviation over draws of each language's mean signature."""
        means: dict[str, list[float]] = {}
        units: dict[str, int] = {}
        for draw in self._numbers(kind):
            joint = self._drawn(kind, draw)
            for language, mean in (joint.means() if joint else {}).items():
                means.setdefault(language, []).append(mean)
        if name != "null":
            for file in self._files:
                for key in file.draws(self._category, self._layer, kind)[:1]:
                    units[file.language] = file.units(key)
        return {
            language: {f"{name}_mean": _mean(values), f"{name}_sd": _deviation(values)} | _instances(name, units, language)
            for language, values in means.items()
        }


def _instances(name: str, units: Mapping[str, int], language: str) -> dict[str, int]:
    return {f"{name}_instances": units[language]} if language in units else {}


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None


def _deviation(values: Sequence[float]) -> float | None:
    """The standard deviation of a sample; None of one value."""
    return float(np.std(values, ddof=1)) if len(values) > 1 else None
