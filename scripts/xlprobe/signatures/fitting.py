"""Signatures of languages: PARAFAC2 fits of their covariances, layer by layer, over layers, and over the steps of a training.

A fit takes slices, one a language and layer (and step), in the order in which the languages are named; a language that has no slice
is left out and has its row in the table all the same, with the reason. Fits differ in what shares the directions V:

    per_layer     the languages at one layer of one checkpoint, as in paper 2
    over_layers   the languages at all layers of one checkpoint
    over_steps    the languages at one layer of all checkpoints of a training

Scales are `raw`, Omega as it is, which at all ranks and 100 iterations is the input of paper 2's call; and `standardised`: vectors of
unit variance in each dimension, and each slice divided by its norm, since a mean of raw signatures grows with the activations.

Shape letters: L slices, R components, C and E dimensions of the monolingual and the multilingual model.
"""

import logging
import os
from argparse import ArgumentParser, ArgumentTypeError, BooleanOptionalAction, Namespace
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from xlprobe.artifacts.categories import ALL_WORDS
from xlprobe.artifacts.checkpoint_lists import checkpoint_files
from xlprobe.artifacts.checkpoint_names import columns, run_of, title
from xlprobe.artifacts.covariance_file import Covariance, CovarianceFile, CovarianceKey
from xlprobe.artifacts.signature_file import SignaturePlace, Signatures, write_signatures
from xlprobe.artifacts.tables import write_rows
from xlprobe.device import choose_device
from xlprobe.errors import XlprobeError
from xlprobe.progress import progress
from xlprobe.signatures.parafac2 import (
    DTYPES,
    SOLVERS,
    Parafac2Fit,
    Parafac2Settings,
    gauged_signatures,
    parafac2,
    published_signatures,
)

SCHEMA = "signatures.schema.yaml"
PER_LAYER, OVER_LAYERS, OVER_STEPS = "per_layer", "over_layers", "over_steps"
FITS = (PER_LAYER, OVER_LAYERS)
RAW, STANDARDISED = "raw", "standardised"
SCALES = (RAW, STANDARDISED)


@dataclass(frozen=True)
class FitSettings:
    """What is fitted of each category, and how.

    Attributes:
        parafac2: how PARAFAC2 is fitted.
        fits: some of FITS.
        scales: some of SCALES.
        device: auto, cpu or cuda.
    """

    parafac2: Parafac2Settings = field(default_factory=Parafac2Settings)
    fits: Sequence[str] = FITS
    scales: Sequence[str] = SCALES
    device: str = "auto"


@dataclass(frozen=True)
class Slice:
    """One matrix of a fit, still in its file.

    Attributes:
        norm_of: at the standardised scale it is divided by the norm of this matrix; None takes its own.
    """

    file: CovarianceFile
    key: CovarianceKey
    norm_of: CovarianceKey | None = None

    def absence(self) -> str | None:
        """Why the language has no such matrix; None where it has."""
        return self.file.absence(self.key.category, self.key.layer)

    def facts(self) -> dict[str, Any]:
        """The columns that say what it is of."""
        instances = self.file.instances.get(self.key.category, 0)
        of_one = {"monolingual": run_of(self.file.monolingual), "monolingual_step": self.file.monolingual["step"]}
        named = columns(self.file.multilingual) | of_one | {"language": self.file.language, "dataset": self.file.dataset}
        return named | {"category": self.key.category, "layer": self.key.layer, "instances": instances}


@dataclass(frozen=True)
class JointFit:
    """A fit of some slices.

    Attributes:
        rows: of each slice given what the table says of it, but for variant and fit.
        fitted: the places of the slices that are in the fit.
        fit: None where there is none.
    """

    slices: Sequence[Slice]
    rows: list[dict[str, Any]]
    fitted: list[int]
    fit: Parafac2Fit | None

    def means(self) -> dict[str, float]:
        """The mean of the published signature of each language that is in it."""
        return {self.rows[place]["language"]: self.rows[place]["mean_published"] for place in self.fitted} if self.fit else {}

    def signatures(self, settings: FitSettings, places: Sequence[int]) -> Signatures:
        """The signatures of some of the fit's slices, by their places among those that are in it."""
        fit = self.fit
        if fit is None:
            raise ValueError("nothing was fitted")
        languages = [self.slices[self.fitted[place]].file.language for place in places]
        published_LR, gauged_LR = (values[list(places)] for values in (published_signatures(fit), gauged_signatures(fit)))
        facts: dict[str, Any] = {"residual": fit.residual, "iterations": fit.iterations, "converged": bool(fit.converged)}
        facts |= {"solver": settings.parafac2.solver, "errors": [*map(float, fit.errors)], "slices": len(self.fitted)}
        return Signatures(languages, published_LR, gauged_LR, facts)


def fit_together(slices: Sequence[Slice], scale: str, settings: FitSettings, solver: Parafac2Settings | None = None) -> JointFit:
    """One PARAFAC2 fit of the slices that are there.

    Args:
        solver: in place of that of the settings.
    """
    solver = solver or settings.parafac2
    rows, fitted, matrices = [], [], []
    for place, one in enumerate(slices):
        reason = one.absence()
        row = one.facts() | {"scale": scale, "solver": solver.solver, "reason": reason}
        rows.append(row)
        if reason:
            continue
        covariance = _at_scale(one.file.read(one.key), scale)
        constant = dict(zip(("constant_monolingual", "constant_multilingual"), covariance.constant_dimensions, strict=True))
        row |= {"norm": covariance.norm, "norm_shuffled": covariance.norm_shuffled} | constant
        norm = _at_scale(one.file.read(one.norm_of), scale).norm if one.norm_of and scale == STANDARDISED else covariance.norm
        if not covariance.norm or not norm:
            row["reason"] = "its covariances are all zero"
            continue
        fitted.append(place)
        matrices.append(covariance.omega_CE / norm if scale == STANDARDISED else covariance.omega_CE)
    languages = {slices[place].file.language for place in fitted}
    if len(languages) < 2:
        for place in fitted:
            rows[place]["reason"] = "no other language has it, so that there is nothing to compare"
        return JointFit(slices, rows, fitted, None)
    fit = parafac2(matrices, solver, choose_device(settings.device))
    published_LR, gauged_LR = published_signatures(fit), gauged_signatures(fit)
    for number, place in enumerate(fitted):
        of_fit = {"languages": len(languages), "slices": len(fitted), "rank": published_LR.shape[1], "place": number}
        of_fit |= {"residual": fit.residual, "iterations": fit.iterations, "converged": bool(fit.converged)}
        for name, signature_R in (("published", published_LR[number]), ("gauged", gauged_LR[number])):
            of_fit |= {f"mean_{name}": float(signature_R.mean()), f"mean_absolute_{name}": float(np.abs(signature_R).mean())}
        rows[place] |= of_fit | {"zeros": float((published_LR[number] == 0).mean())}
    return JointFit(slices, rows, fitted, fit)


def fit_signatures(
    covariances: Sequence[Path],
    languages: Sequence[str],
    variant: str,
    categories: Sequence[str],
    outputs: Sequence[Path],
    parts: Sequence[Path],
    settings: FitSettings,
    root: Path = Path(),
) -> None:
    """Fit the signatures of languages at one checkpoint, and write vectors and rows of each category.

    Args:
        covariances: a file of each language, in the order of the fit.
        languages: what these are of.
        variant: its name in the configuration.
        outputs: HDF5 files to write, one a category.
        parts: Parquet files to write, one a category, columns in schemas/signatures.schema.yaml.
        root: the folder from which the table's paths to `outputs` start.

    Raises:
        XlprobeError: a file is of another language, or they are of several checkpoints of E, or PARAFAC2 cannot be fitted so.
    """
    files = read_covariances(covariances, languages)
    for category, output, part in zip(categories, outputs, parts, strict=True):
        layers = sorted({layer for file in files for layer in file.layers})
        of_layers = [[Slice(file, CovarianceKey(category, layer)) for file in files] for layer in layers]
        groups = {PER_LAYER: of_layers, OVER_LAYERS: [[one for slices in of_layers for one in slices]] if layers else []}
        wanted = {fit: groups[fit] for fit in settings.fits}
        _fit_groups(wanted, f"{variant} {category}", variant, category, output, part, settings, root)


def fit_signatures_over_steps(
    folder: Path,
    checkpoints: Mapping[str, Sequence[int]],
    languages: Sequence[str],
    variant: str,
    output: Path,
    part: Path,
    settings: FitSettings,
    root: Path = Path(),
    category: str = ALL_WORDS,
) -> None:
    """Fit the signatures of languages at each layer over all steps of a training, and write vectors and rows.

    Args:
        folder: of files of covariances, `<run>/<step>/<language>.h5`.
        checkpoints: the steps of the run.
        output, part, root: as in `fit_signatures`, which raises the same.
    """
    if len(checkpoints) != 1:
        raise XlprobeError(f"--checkpoints: names {len(checkpoints)} trainings, expected one; signatures are fitted over the steps of one")
    of_language = [checkpoint_files(folder, checkpoints, f"/{language}.h5") for language in languages]
    by_step = [read_covariances(paths, languages) for paths in zip(*of_language, strict=True)]
    layers = sorted({layer for files in by_step for file in files for layer in file.layers})
    groups = [[Slice(file, CovarianceKey(category, layer)) for files in by_step for file in files] for layer in layers]
    _fit_groups({OVER_STEPS: groups}, f"{variant} over steps", variant, category, output, part, settings, root)


def read_covariances(paths: Sequence[Path], languages: Sequence[str]) -> list[CovarianceFile]:
    """The files of covariances of some languages at one checkpoint, in their order.

    Raises:
        XlprobeError: one is of another language, a language is named twice, or they are of several checkpoints of E.
    """
    if len(paths) != len(languages) or len({*languages}) < len(languages):
        raise XlprobeError(f"--languages: found {' '.join(languages)}, expected one for each of {len(paths)} files, each once")
    files = [CovarianceFile(path) for path in paths]
    for file, language in zip(files, languages, strict=True):
        if file.language != language:
            raise XlprobeError(f"{file.path}: is of {file.language}, expected {language}; name files and languages in one order")
        if file.multilingual != files[0].multilingual:
            others = f"{files[0].path} of {title(files[0].multilingual)}"
            raise XlprobeError(f"{file.path}: is of {title(file.multilingual)}, {others}, or of one made anew since; measure both again")
    return files


def add_fit_arguments(arguments: ArgumentParser) -> None:
    """Arguments of the scripts that fit signatures: how (`settings_of` reads them)."""
    default = Parafac2Settings()
    arguments.add_argument("--rank", type=_rank, help="components; full (the default) takes as many as the smallest dimension")
    arguments.add_argument("--iterations", type=int, default=default.iterations, help="the most that are made")
    arguments.add_argument("--tolerance", type=float, default=default.tolerance, help="change of the error that ends them")
    arguments.add_argument("--nonnegative", action=BooleanOptionalAction, default=default.nonnegative, help="signatures of 0 and above")
    arguments.add_argument("--line-search", action=BooleanOptionalAction, default=default.line_search)
    arguments.add_argument("--solver", choices=SOLVERS, default=default.solver)
    arguments.add_argument("--dtype", choices=[*DTYPES], default=default.dtype)
    arguments.add_argument("--scales", nargs="+", choices=SCALES, default=[*SCALES])
    arguments.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto")


def settings_of(given: Namespace) -> FitSettings:
    """The settings that the arguments of `add_fit_arguments` give; these leave the namespace."""
    read = vars(given)
    names = ("rank", "iterations", "tolerance", "nonnegative", "line_search", "solver", "dtype")
    solver = Parafac2Settings(**{name: read.pop(name) for name in names})
    return FitSettings(solver, read.pop("fits", FITS), read.pop("scales"), read.pop("device"))


def _rank(text: str) -> int | None:
    if text != "full" and not text.isdecimal():
        raise ArgumentTypeError(f"found {text}, expected full or a number of components")
    return None if text == "full" else int(text)


def _at_scale(covariance: Covariance, scale: str) -> Covariance:
    return covariance.standardised() if scale == STANDARDISED else covariance


def _fit_groups(
    groups: Mapping[str, Sequence[Sequence[Slice]]],
    name: str,
    variant: str,
    category: str,
    output: Path,
    part: Path,
    settings: FitSettings,
    root: Path,
) -> None:
    """Fit each group of slices at each scale, and write what they give; groups come by the name of the fit."""
    vectors = os.path.relpath(output, root)
    found: dict[SignaturePlace, Signatures] = {}
    rows: list[dict[str, Any]] = []
    jobs = [(fit, slices, scale) for fit, several in groups.items() for slices in several for scale in settings.scales]
    for fit, slices, scale in progress(jobs, name, "fits"):
        joint = fit_together(slices, scale, settings)
        if joint.fit and not joint.fit.converged:
            logging.info("%s: %s %s did not converge in %s iterations", name, fit, scale, joint.fit.iterations)
        rows += [{"variant": variant, "fit": fit, "vectors": vectors if "place" in row else None} | row for row in joint.rows]
        if joint.fit:
            found |= _by_place(fit, scale, joint, settings)
    write_signatures(output, variant, category, found)
    write_rows(rows, SCHEMA, part)


def _by_place(fit: str, scale: str, joint: JointFit, settings: FitSettings) -> dict[SignaturePlace, Signatures]:
    """A fit's signatures by layer and step."""
    places: dict[SignaturePlace, list[int]] = {}
    for number, place in enumerate(joint.fitted):
        one = joint.slices[place]
        places.setdefault(SignaturePlace(fit, scale, one.key.layer, int(one.file.multilingual["step"])), []).append(number)
    return {place: joint.signatures(settings, numbers) for place, numbers in places.items()}
