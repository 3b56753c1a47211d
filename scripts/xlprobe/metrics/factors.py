"""What learning may depend on (paper 1: B): text for pretraining, data of tasks, and how far apart languages are in syntax.

Paper 1 takes "the amount of text in the CC100 corpus", "the amount of in-task data used to train each probe", and "the syntactic
distances calculated in Malaviya et al. (2017)", which are smaller for more similar languages.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import pandas as pd

from xlprobe.artifacts.corpus_text import read_counts
from xlprobe.artifacts.tables import read_of_schema, write_table
from xlprobe.errors import FormatError
from xlprobe.files import read_lines

PRETRAINING_DATA, TASK_DATA, SYNTACTIC_DISTANCE = "pretraining_data", "task_data", "syntactic_distance"
AS_PRINTED, CORRECTED, THIS_RUN, LANG2VEC, WORLD = "as printed", "corrected", "this run", "lang2vec", "world"
NONE_PUBLISHED, NOT_TRAINED, MISPRINT = "no size published", "not pretrained on", "misprint"
# What a model is trained on elsewhere is not known here; the sizes of CC100 stand for it.
ASSUMED = "assumed"
DEGENERATE, NONE_STATED, ONE_LANGUAGE = "degenerate", "none stated", "one language"
PRINTED_SOURCE = "Conneau et al. 2020, Table 6"
URIEL = "URIEL (Littell et al. 2017), distances of lang2vec (Malaviya et al. 2017)"
ENGLISH = "en"
# Cleaned text of all of CC100 has at least this share of the printed sizes; samples of it are far smaller.
WHOLE = 0.5
DISTANCE = re.compile(r"([\w-]+)\t([\w-]+)\t(0\.\d+|1\.0+)(?:\t([\w -]*))?")
COLUMNS = ["factor", "reading", "default", "model", "language", "other", "task", "dataset", "value", "unit", "flag", "source", "pivot"]

# Of one language, in GiB, by reading.
Sizes = Mapping[str, float]
# By two languages: their distance, and whether it is degenerate.
Distances = Mapping[tuple[str, str], tuple[float, bool]]
Row = dict[str, Any]


class Factors:
    """The factors of a run, looked up; what is missing is NaN.

    Args:
        table: `metrics/factors.parquet`.
    """

    def __init__(self, table: pd.DataFrame) -> None:
        self._sizes: dict[tuple[str, str, str | None], float] = {}
        self._pivots: dict[str, str] = {}
        self._examples: dict[tuple[str, str], float] = {}
        self._distances: dict[tuple[str, str], tuple[float, bool]] = {}
        for row in table.to_dict("records"):
            language, value = row["language"], row["value"]
            if row["factor"] == TASK_DATA:
                self._examples[row["task"], row["dataset"]] = value
            elif row["factor"] == SYNTACTIC_DISTANCE:
                self._distances[language, row["other"]] = value, row["flag"] == DEGENERATE
            else:
                for reading in (row["reading"], None) if row["default"] else (row["reading"],):
                    self._sizes[row["model"], language, reading] = value
                if row["pivot"]:
                    self._pivots[row["model"]] = language

    @classmethod
    def read(cls, path: Path) -> "Factors":
        """The factors of a run, from their table."""
        return cls(read_of_schema(path, "factors.schema.yaml"))

    def pretraining_data(self, model: str, language: str, reading: str | None = None) -> float:
        """The text of a language that a model was pretrained on, in GiB.

        Args:
            reading: which of its sizes, where the language has it; None, and for all other languages: the model's default.
        """
        return self._sizes.get((model, language, reading), self._sizes[model, language, None])

    def readings(self, model: str) -> list[str]:
        """The readings of pretraining data that a model has for some language, sorted."""
        return sorted({reading for name, _, reading in self._sizes if name == model and reading is not None})

    def task_data(self, task: str, dataset: str) -> float:
        """The number of examples that a task's probes are trained on, of a dataset with a train split."""
        return self._examples[task, dataset]

    def distance(self, one: str, other: str) -> float:
        """The syntactic distance of two languages, from 0 to 1; of a language to itself 0."""
        return 0.0 if one == other else self._distances[min(one, other), max(one, other)][0]

    def is_degenerate(self, one: str, other: str) -> bool:
        """Whether a distance says nothing of these two languages (`flag` in the schema)."""
        return one != other and self._distances[min(one, other), max(one, other)][1]

    def pivot(self, model: str) -> str | None:
        """The language to which similarity is measured for a model (`pivot_of`); None where no size is known."""
        return self._pivots.get(model)


def measure_factors(
    models: Mapping[str, Mapping[str, Any]],
    published: Mapping[str, Sizes],
    counts: Sequence[Path],
    tasks: Sequence[str],
    datasets: Path | None,
    distances: Path,
    is_world: bool,
    output: Path,
    texts: Sequence[str] = (),
) -> None:
    """Write the factors of a run; columns in `schemas/factors.schema.yaml`.

    Args:
        models: by name, the languages that each is `measured` in, and `pretrained` on here (None: elsewhere); and the `texts` that it
            has of these, in their order, where they are not the cleaned ones.
        published: the sizes in GiB of published corpora, by language and reading.
        counts: `counts.json` of each text that a model is pretrained on here.
        texts: what these are called, in their order; none where they are the cleaned ones, which languages name.
        tasks: those that probes learn.
        datasets: the table that counts their examples; None where there are no datasets.
        distances: between languages: a world's own, or `resources/syntactic_distances.tsv`.

    Raises:
        XlprobeError: an input is damaged, or a line of the distances is not as it has to be.
    """
    found = [*map(read_counts, counts)]
    of_text = dict(zip(texts or [corpus["language"] for corpus in found], found, strict=True))
    rows: list[Row] = []
    languages: set[str] = set()
    for model, of_model in models.items():
        # English is the pivot of what is trained elsewhere in any case, also where it is not measured.
        english = [ENGLISH] if of_model["pretrained"] is None and ENGLISH in published else []
        trained = of_model["pretrained"] or []
        # Of what is trained elsewhere in a world, the cleaned texts: there are no others.
        own = {code: code for code in of_text} | dict(zip(trained, of_model.get("texts") or trained, strict=True))
        sizes = [*_sizes(model, [*of_model["measured"], *english], of_model["pretrained"], published, of_text, own)]
        pivot = pivot_of({row["language"]: row["value"] for row in sizes if row["default"]})
        rows += [row | {"pivot": row["default"] and row["language"] == pivot} for row in sizes]
        languages.update(of_model["measured"], [pivot] if pivot else [])
    rows += _examples(read_of_schema(datasets, "datasets.schema.yaml"), tasks) if datasets else []
    rows += _distances(languages, read_distances(distances), (WORLD, WORLD) if is_world else (LANG2VEC, URIEL))
    table = pd.DataFrame(rows, columns=COLUMNS)
    write_table(table.assign(pivot=table["pivot"].eq(True)), "factors.schema.yaml", output)


def pivot_of(sizes: Mapping[str, float | None]) -> str | None:
    """The language to which similarity is measured: English where there is text in it, else that with most text (of equals, the first).

    Paper 1: "similarity to English, which is the highest-resource language in the pretraining data" (B.1).

    Args:
        sizes: of a model's text by language.

    >>> pivot_of({"fi": 2.0, "en": 1.0}), pivot_of({"hi": 2.0, "fi": 2.0, "en": 0.0}), pivot_of({"fi": None})
    ('en', 'fi', None)
    """
    known = {code: size for code, size in sorted(sizes.items()) if size}
    return ENGLISH if ENGLISH in known else max(known, key=known.__getitem__, default=None)


def default_reading(trained: Collection[str] | None, published: Mapping[str, Sizes], corpora: Mapping[str, Mapping[str, Any]]) -> str:
    """Which reading is a model's own: the printed sizes, where it was trained elsewhere or on CC100 as a whole; else what it read here.

    Args:
        trained: the languages that it is pretrained on here; None: elsewhere.
        published: as in `measure_factors`; none of a world, whose text alone is known.
        corpora: the counts of cleaning by language.
    """
    if trained is None:
        return AS_PRINTED if published else THIS_RUN
    if any(code not in published or corpora[code]["capped"] for code in trained):
        return THIS_RUN
    printed = sum(published[code].get(CORRECTED, published[code][AS_PRINTED]) for code in trained)
    return AS_PRINTED if sum(_gib(corpora[code]) for code in trained) >= WHOLE * printed else THIS_RUN


def read_distances(path: Path) -> Distances:
    """The distances of a table with a header and three columns (two languages, a distance), or a fourth that names degenerate codes.

    Raises:
        FormatError: a line is something else, or names two languages that a line before it named in this order.
    """
    found: dict[tuple[str, str], tuple[float, bool]] = {}
    for number, line in read_lines(path):
        if number > 1:
            match = DISTANCE.fullmatch(line)
            if not match or (match[1], match[2]) in found:
                raise FormatError(path, number, repr(line), "two languages, once, and their distance from 0 to 1, with tabs between them")
            found[match[1], match[2]] = float(match[3]), bool(match[4])
    return found


def _gib(counts: Mapping[str, Any]) -> float:
    return counts["train"]["bytes"] / 2**30


def _sizes(
    model: str,
    measured: Iterable[str],
    trained: Collection[str] | None,
    published: Mapping[str, Sizes],
    counts: Mapping[str, Mapping[str, Any]],
    texts: Mapping[str, str],
) -> Iterator[Row]:
    """The rows of a model's pretraining data: of each language all readings that fit the model; `texts` are its own, by language."""
    corpora = {code: counts[text] for code, text in texts.items()}
    default = default_reading(trained, published, corpora)
    for code in sorted({*measured, *(trained or [])}):
        found: dict[str, tuple[float | None, str | None, str]] = {}
        if trained is not None and code not in trained:
            found[default] = 0.0, NOT_TRAINED, "configuration"
        else:
            of_code = published.get(code, {})
            readings = of_code if default == AS_PRINTED else of_code.keys() & {AS_PRINTED}
            for reading in readings:
                misprint = MISPRINT if reading == AS_PRINTED and CORRECTED in of_code else None
                assumed = ASSUMED if trained is None else None
                found[reading] = (
                    of_code[reading],
                    misprint or assumed,
                    PRINTED_SOURCE if reading == AS_PRINTED else "resources/languages.tsv",
                )
            if code in corpora and (trained is not None or default == THIS_RUN):
                found[THIS_RUN] = _gib(corpora[code]), None, f"corpus/{texts[code]}/counts.json"
            found.setdefault(default, (None, NONE_PUBLISHED, PRINTED_SOURCE))
        for reading, (value, flag, source) in found.items():
            row = {"factor": PRETRAINING_DATA, "reading": reading, "default": reading == default, "model": model, "language": code}
            yield row | {"value": value, "unit": "GiB", "flag": flag, "source": source}


def _examples(counts: pd.DataFrame, tasks: Sequence[str]) -> Iterator[Row]:
    """The rows of task data: the examples in the train split of each dataset."""
    counted = counts[(counts["split"] == "train") & counts["label"].isna() & counts["what"].isin(tasks)]
    for row in counted.to_dict("records"):
        named = {"language": row["language"], "task": row["what"], "dataset": row["dataset"]}
        known = {"factor": TASK_DATA, "reading": THIS_RUN, "default": True, "unit": "examples", "source": "metrics/datasets.parquet"}
        yield named | known | {"value": row["count"]}


def _distances(languages: Iterable[str], known: Distances, named: tuple[str, str]) -> Iterator[Row]:
    """The rows of distances: of every two languages one, the first code first.

    Args:
        named: the reading, and the source.
    """
    reading, source = named
    for one, other in combinations(sorted(languages), 2):
        # URIEL knows languages, not their scripts (`zh-Hans`).
        first, second = (code.partition("-")[0] for code in (one, other))
        found = known.get((first, second)) or known.get((second, first))
        flag = (DEGENERATE if found[1] else None) if found else NONE_STATED
        value = found[0] if found else None
        if first == second:
            value, flag = 0.0, ONE_LANGUAGE
        row = {"factor": SYNTACTIC_DISTANCE, "reading": reading, "default": True, "language": one, "other": other}
        yield row | {"value": value, "unit": "distance", "flag": flag, "source": source}
