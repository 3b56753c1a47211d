"""Which form each of XNLI's files has its text in, and which one a run takes (`datasets.nli_text`).

A file's form is declared: of a source's files by its row (`text_form` in resources/sources.tsv), of files in XTREME's layout by
`datasets.nli_files`, raw where that says nothing; a world's pairs are raw. It is never guessed from what the text looks like.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from xlprobe.artifacts.splits import SPLITS
from xlprobe.datasets.nli import PUBLISHED, RAW, TOKENIZED, split_of_file
from xlprobe.errors import ConfigError, XlprobeError
from xlprobe.sources.origins import Origin
from xlprobe.study.catalogue import Source, nli_name

# The forms of each file, by its path inside `sources/`; of two, the first is what stands there as published.
Forms = Mapping[str, tuple[str, ...]]


def declared_forms(paths: Iterable[str], found: Iterable[Origin], stated: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """The forms that each file has its text in, by its path.

    Args:
        paths: of all files, inside `sources/`.
        found: where those come from that a source publishes.
        stated: `datasets.nli_files`.

    Raises:
        XlprobeError: the row of a file's source does not say it.
        ConfigError: something is stated of files that the run does not read.
    """
    sources = {origin.path: origin.need.place.source for origin in found}
    forms: dict[str, tuple[str, ...]] = {}
    unused = {*stated}
    for path in paths:
        if _is_stated(path):
            name, split = _name(path), split_of_file(PurePosixPath(path))
            forms[path] = (stated.get(name, stated.get(split, RAW)),)
            unused -= {name, split}
        else:
            forms[path] = _of_row(path, sources.get(path))
    if unused:
        raise ConfigError(
            f"config key datasets.nli_files.{min(unused)}: the run reads no such file in XTREME's layout, and the form of others is"
            " known; take it out"
        )
    return forms


def chosen_form(files: Mapping[str, Sequence[str]], forms: Forms, settings: Mapping[str, Any]) -> str:
    """The form that a run takes of all files: RAW, TOKENIZED or PUBLISHED.

    Args:
        files: paths inside `sources/`, by XNLI's name of the language.
        settings: `datasets` of the completed configuration.

    Raises:
        ConfigError: a file is not in the form asked for, or no form is shared by all; or what `datasets.nli_published` asks for
            is the same again.
    """
    asked = settings["nli_text"]
    if asked == PUBLISHED:
        return PUBLISHED
    shared = [form for form in (RAW, TOKENIZED) if all(form in of_file for of_file in forms.values())]
    chosen = asked or next(iter(shared), None)
    if chosen not in shared:
        raise ConfigError(f"config key datasets.nli_text: {_lacking(asked, shared, forms)}")
    for n, code in enumerate(settings["nli_published"]):
        if all(forms[path][0] == chosen for path in files[nli_name(code)]):
            raise ConfigError(
                f"config key datasets.nli_published.{n}: as published, all files of {code!r} are {chosen}, the form that is measured"
                " anyway; take it out"
            )
    return chosen


def read_forms(paths: Iterable[str], forms: Forms, chosen: str) -> list[str]:
    """The form that each file is read in."""
    return [forms[path][0] if chosen == PUBLISHED else chosen for path in paths]


def _lacking(asked: str | None, shared: Sequence[str], forms: Forms) -> str:
    """What is wrong with the form asked for, or with none, and what can be set."""
    named = [next(path for path, of_file in forms.items() if form not in of_file) for form in ([asked] if asked else [RAW, TOKENIZED])]
    said = " and ".join(f"{path} is {forms[path][0]}" for path in named)
    found = f"found {asked!r}, but {said}" if asked else f"is null, but no form is shared by all files: {said}"
    advice = f"set it to {' or '.join([*shared, PUBLISHED])}"
    if own := [path for path in named if _is_stated(path)]:
        form, *_ = forms[own[0]]
        alike = [path for path, of_file in forms.items() if _is_stated(path) and of_file == (form,)] if asked else own[:1]
        keys = map(_name, alike) if len(alike) <= len(SPLITS) else SPLITS
        declared = ", ".join(f"{key}: {TOKENIZED if form == RAW else RAW}" for key in keys)
        advice += f", or, if that is wrong, say so under datasets.nli_files: {{{declared}}}"
    return f"{found}; {advice}"


def _is_stated(path: str) -> bool:
    """Whether a file is in XTREME's layout, so that its form is stated by the configuration."""
    return _name(path).startswith(f"{split_of_file(PurePosixPath(path))}-")


def _of_row(path: str, source: Source | None) -> tuple[str, ...]:
    """What the row of a file's source declares."""
    if not source or not source.text_form:
        raise XlprobeError(
            f"resources/sources.tsv: has no row that says what the text of {path} is; write it under text_form, in the row of its source"
        )
    return tuple(source.text_form.split())


def _name(path: str) -> str:
    """A file's name without its endings: `train-zh`."""
    return PurePosixPath(path).name.partition(".")[0]
