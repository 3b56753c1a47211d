"""What signatures of a run cost, before anything is made: its trainings, extractions and fits, and about how long the fits take."""

from collections.abc import Iterator
from dataclasses import dataclass

from xlprobe.study.plan import Study

# Seconds of one core that an iteration takes for a matrix, by its size and the rank: 13.1 for 33 of 768 x 768 at rank 768, on an AMD
# EPYC (`make bench`); at lower ranks it is less.
SECONDS_A_PRODUCT = 9e-10


@dataclass(frozen=True)
class Fits:
    """Fits of one kind: how many there are, of how many square matrices each, how wide these are, and their rank."""

    fit: str
    count: int
    matrices: int
    width: int
    rank: int


def planned_fits(study: Study) -> Iterator[Fits]:
    """The fits of a run, of categories that all languages have, at both ends of every iteration that they may take."""
    settings = study.settings.signatures
    if settings is None:
        return
    scales = len(settings.scales)
    for name, comparison in study.comparisons.items():
        layers, width = _layers_and_width(study, name)
        rank, languages, steps = settings.rank or width, len(comparison.languages), len(study.compared_steps(name))
        once = steps * len(study.categories)
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
    hours = (
        sum(found.count * found.matrices * found.width**2 * found.rank for found in fits) * settings.iterations * SECONDS_A_PRODUCT / 3600
    )
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
