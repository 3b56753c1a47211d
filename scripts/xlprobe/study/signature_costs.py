"""What signatures of a run cost, before anything is made: its trainings, extractions and fits, how long these take, and their memory."""

import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from xlprobe.study.plan import Study

# Seconds of one core that an iteration takes for a matrix, by its size and the rank: 13.1 for 33 of 768 x 768 at rank 768, on an AMD
# EPYC (`make bench`); at lower ranks it is less.
SECONDS_A_PRODUCT = 9e-10
# How many times its matrices a fit holds in memory at its peak, at full rank: measured 10.3 of 200 and of 600 matrices; at lower ranks
# it is less. Of tensorly's call 7.8 GB for 33 matrices of 768 x 768 (`make bench`).
COPIES = {"xlprobe": 11, "tensorly": 50}
# Of which a job makes those of one step, and of one category where these are not fitted together; of others all.
FITS_BY_LAYER = ("per_layer", "over_layers")
# Threads of a job with fits. Of narrow matrices two take twice the time of the processors, and no less on the clock (96 wide, AMD EPYC).
MOST_THREADS, NARROW = 4, 256
# What a process takes before it holds anything.
EMPTY_MEBIBYTES = 1500


@dataclass(frozen=True)
class Fits:
    """Fits of one kind: how many there are, of how many square matrices each, how wide these are, and their rank."""

    fit: str
    count: int
    matrices: int
    width: int
    rank: int

    @property
    def products(self) -> int:
        """What an iteration of all of them takes, in multiplications of two numbers, but for a constant."""
        return self.count * self.matrices * self.width**2 * self.rank


def planned_fits(study: Study) -> Iterator[Fits]:
    """The fits of a run, of categories that all languages have."""
    for name in study.comparisons:
        yield from _fits_of(study, name)


def fit_mebibytes(study: Study, name: str, fits: Collection[str]) -> int:
    """The memory that a job with some of a comparison's fits (`Fits.fit`) asks for: that of the one with most matrices."""
    settings = study.settings.signatures
    assert settings is not None
    largest = max((found.matrices * found.width**2 for found in _fits_of(study, name) if found.fit in fits), default=0)
    return EMPTY_MEBIBYTES + math.ceil(largest * 8 * COPIES[settings.solver] / 2**20)


def fit_minutes(study: Study, name: str, fits: Collection[str]) -> int:
    """The time that such a job asks for: that which a core takes for as many iterations as there may be, from one hour to two days."""
    settings = study.settings.signatures
    assert settings is not None
    seconds = sum(found.products for found in _fits_of(study, name) if found.fit in fits) * settings.iterations * SECONDS_A_PRODUCT
    by_layer = len(study.compared_steps(name)) * (1 if settings.together else len(study.categories))
    return min(max(60, math.ceil(seconds / 60 / (by_layer if {*fits} <= {*FITS_BY_LAYER} else 1))), 2880)


def fit_threads(study: Study, name: str) -> int:
    """The threads that pay in a job with a comparison's fits."""
    return MOST_THREADS if _layers_and_width(study, name)[1] >= NARROW else 1


def covariance_mebibytes(study: Study, name: str, vectors: float) -> int:
    """The memory that a job takes which reads so many mebibytes of vectors, of all layers of both models: it holds one of them."""
    return EMPTY_MEBIBYTES + math.ceil(1.5 * vectors / _layers_and_width(study, name)[0])


def _fits_of(study: Study, name: str) -> Iterator[Fits]:
    settings = study.settings.signatures
    assert settings is not None
    layers, width = _layers_and_width(study, name)
    scales, steps, languages = len(settings.scales), len(study.compared_steps(name)), len(study.comparisons[name].languages)
    rank, once = settings.rank or width, steps * len(study.categories)
    if "per_layer" in settings.fits:
        yield Fits("per_layer", once * layers * scales, languages, width, rank)
    if "over_layers" in settings.fits:
        yield Fits("over_layers", once * scales, languages * layers, width, rank)
    if name in study.compared_over_steps:
        yield Fits("over_steps", layers * scales, languages * steps, width, rank)
    if name in study.checked_comparisons:
        checks = settings.checks
        # The fit that is checked is made once more.
        again = 1 + checks["starts"] + 2 * checks["halves"] + checks["nulls"] + 2 * checks["draws"]
        checked = len(study.checked_layers(name)) * len(study.checked_categories) * scales
        yield Fits("checks", again * checked, languages, width, rank)


def announcement(study: Study) -> str:
    """What a plan says of signatures, in one sentence."""
    settings, fits = study.settings.signatures, [*planned_fits(study)]
    if settings is None:
        return ""
    compared = study.comparisons.values()
    named = {run for found in compared for run in (found.multilingual, *found.monolingual.values())}
    trained = [run for run in named if study.runs[run].kind == "pretrain"]
    extractions = sum(len(steps) for steps in _extracted_steps(study).values())
    published = sum(found.count for found in fits if found.fit == "per_layer") // len(settings.scales)
    parts = [_counted(len(compared), "variant"), _counted(len(trained), "training"), _counted(extractions, "extraction")]
    hours = sum(found.products for found in fits) * settings.iterations * SECONDS_A_PRODUCT / 3600
    return (
        f"signatures: {', '.join(parts)}, {published:,} fits as published and"
        f" {sum(found.count for found in fits) - published:,} others; at most about {hours:,.1f} hours of one core for the fits"
    )


def _counted(count: int, name: str) -> str:
    return f"{count:,} {name}{'s' * (count != 1)}"


def _extracted_steps(study: Study) -> dict[tuple[str, str], set[int]]:
    """The steps at which words are extracted, by training run and dataset."""
    found: dict[tuple[str, str], set[int]] = {}
    for name, comparison in study.comparisons.items():
        for code, words in comparison.datasets.items():
            found.setdefault((comparison.multilingual, words.name), set()).update(study.compared_steps(name))
            control = comparison.monolingual[code]
            found.setdefault((control, words.name), set()).add(max(study.runs[control].steps))
    return found


def _layers_and_width(study: Study, name: str) -> tuple[int, int]:
    """The layers that a comparison is made at, and the dimensions of its monolingual models, of one that is published alike."""
    control = next(iter(study.comparisons[name].monolingual.values()))
    architecture = study.runs[control].settings["architecture"]
    chosen = study.config["features"]["layers"]
    return architecture["layers"] + 1 if chosen is None else len(chosen), architecture["hidden_size"]
