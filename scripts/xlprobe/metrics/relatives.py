"""Whether signatures tell relatives from strangers: a test with a known answer, over runs of several worlds.

A world's languages are of families. If signatures (paper 2) show how a model represents a language, those of two languages of a family
have to be closer than those of two families, over pairs of the same script and over pairs of different scripts apart: a script
is no relationship. Closeness is the cosine. What is decided on is declared here (`PRIMARY`), before any run; all else stands beside it.

Shape letters: L languages, R components, N runs.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, permutations, product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from xlprobe.artifacts.categories import ALL_WORDS
from xlprobe.artifacts.signature_file import SignatureFile, SignaturePlace
from xlprobe.artifacts.tables import read_of_schema
from xlprobe.errors import FormatError, XlprobeError
from xlprobe.files import MAKE_AGAIN, read_lines, write_text

SAME, DIFFERENT = "same", "different"
PUBLISHED, GAUGED = "published", "gauged"
HEADER = ["code", "name", "family", "script", "corpus_bytes"]
# What a row of the signatures' table is of, beside the language.
PLACE = ["variant", "training_seed", "step", "category", "layer", "fit", "scale"]
# What is compared over runs.
KEYS = [*PLACE, "signature", "scripts"]
# What it is decided on: signatures as paper 2 shows them, at the middle layer and the last step; of several comparisons, or trainings of
# the multilingual model, the first.
PRIMARY = {"category": ALL_WORDS, "fit": "per_layer", "scale": "raw", "signature": PUBLISHED}
# All ways to turn the signs of so many differences are still few.
MOST_RUNS = 20
TOLERANCE = 1e-12


class Relation(NamedTuple):
    """The family and the script of a language."""

    family: str
    script: str


@dataclass(frozen=True)
class RelativesReport:
    """What runs say together.

    Attributes:
        runs: a row a run, KEYS: `related` and `strangers`, the mean cosine over `related_pairs` and `stranger_pairs`; `difference`; `p`,
            of a difference as high by chance, over `arrangements` of families among languages.
        over_runs: a row KEYS: means over `runs`; `above`, in how many of them the difference is above 0; `p`, one-sided, over all
            ways to turn the signs of the runs' differences; `primary`, in both tables, whether it is decided on.
    """

    runs: pd.DataFrame
    over_runs: pd.DataFrame

    @property
    def holds(self) -> bool:
        """Whether relatives are closer, on average over runs, in both kinds of pairs."""
        return bool((self.over_runs.loc[self.over_runs["primary"], "difference"] > 0).all())

    def lines(self) -> list[str]:
        """For the terminal: what it is decided on by run, what that comes to, and all else."""
        primary, of_runs = (table[table["primary"]] for table in (self.over_runs, self.runs))
        beside, where = self.over_runs[~self.over_runs["primary"]], primary.iloc[0]
        varied = [name for name in KEYS[:-1] if beside[name].nunique(dropna=False) > 1]
        shown = [
            f"Cosine of signatures ({where['signature']}, {where['fit']}, {where['scale']}, layer {where['layer']}, step {where['step']},"
            " all words), mean over pairs of relatives and of strangers:",
            *_by_scripts(of_runs, ["run"], ["related", "strangers", "p"]),
            f"p of a run: over the {where['arrangements']} ways to give its families to the languages of each script; never below"
            f" {1 / where['arrangements']:.3f}.",
            "",
        ]
        for row in primary.to_dict("records"):
            shown.append(
                f"Relatives of {'the same script' if row['scripts'] == SAME else 'different scripts'} are closer than strangers in"
                f" {row['above']} of {row['runs']} runs, by {row['difference']:.3f} on average (one-sided p = {row['p']:.3g})."
            )
        shown.append(
            f"p over runs: over all ways to turn the signs of {where['runs']} differences; never below {0.5 ** where['runs']:.3g}."
        )
        if beside.empty:
            return shown
        return [*shown, "", "Beside it, on which nothing is decided:", *_by_scripts(beside, varied, ["difference", "above", "p"])]


def write_relatives(results: Sequence[Path], runs: Path, over_runs: Path) -> RelativesReport:
    """Compare relatives with strangers in some runs, and write what they say as CSV (`RelativesReport`).

    Args:
        results: folders of finished runs, each of another world.

    Raises:
        XlprobeError: there is no run, or there are more than MOST_RUNS; two are of one world; one is of none, lacks its signatures or
            its files are damaged; it has no relatives or no strangers of the same or of different scripts.
    """
    if not 0 < len(results) <= MOST_RUNS:
        raise XlprobeError(f"found {len(results)} runs, expected 1 to {MOST_RUNS}; name as many")
    seen: dict[str, Path] = {}
    for folder in results:
        if (other := seen.setdefault(_world_of(folder), folder)) is not folder:
            raise XlprobeError(f"{folder}: is of the same world as {other}, and counts for nothing beside it; give it another world.seed")
    table = pd.DataFrame([row for folder in results for row in compare_run(folder)])
    table["primary"] = _is_primary(table)
    report = RelativesReport(table, _over_runs(table))
    write_text(runs, report.runs.to_csv(index=False))
    write_text(over_runs, report.over_runs.to_csv(index=False))
    return report


def compare_run(results: Path) -> Iterator[dict[str, Any]]:
    """The rows of a run; `write_relatives` says what they hold, and what is raised."""
    relations = read_relations(results / "sources" / "factors" / "languages.tsv")
    path = results / "metrics" / "signatures.parquet"
    table = read_of_schema(path, "signatures.schema.yaml")
    table = table[table["vectors"].notna()]
    if table.empty:
        raise XlprobeError(f"{path}: holds no signatures; give the run languages with enough words")
    for vectors, of_file in table[[*PLACE, "vectors"]].drop_duplicates().groupby("vectors", sort=False):
        with SignatureFile(results / str(vectors)) as file:
            for place in of_file[PLACE].to_dict("records"):
                row = {str(name): value for name, value in place.items()}
                found = file.read(SignaturePlace(row["fit"], row["scale"], int(row["layer"]), int(row["step"])))
                if unknown := [code for code in found.languages if code not in relations]:
                    raise XlprobeError(f"{file.path}: {unknown[0]} is no language of the run's world; make the run again")
                of_languages = [relations[code] for code in found.languages]
                if missing := _missing_pairs(of_languages):
                    raise XlprobeError(f"{file.path}: there are no {missing}; compare more languages of this world, or others")
                for signature, vectors_LR in ((PUBLISHED, found.published_LR), (GAUGED, found.gauged_LR)):
                    for compared in compare_relatives(vectors_LR, of_languages):
                        yield {"run": results.name, **row, "signature": signature, **compared}


def read_relations(path: Path) -> dict[str, Relation]:
    """The family and script of each language of a world.

    Raises:
        XlprobeError: there is no such file, or a line is of another form.
    """
    if not path.exists():
        raise XlprobeError(f"{path}: no such file; relatives are known of invented worlds, so name results of a run of one")
    found = {}
    for number, line in read_lines(path, MAKE_AGAIN):
        values = line.split("\t")
        if len(values) != len(HEADER) or (number == 1 and values != HEADER):
            raise FormatError(path, number, repr(line), f"{', '.join(HEADER)}, with tabs between them")
        if number > 1:
            found[values[0]] = Relation(values[2], values[3])
    return found


def compare_relatives(vectors_LR: np.ndarray, relations: Sequence[Relation]) -> list[dict[str, Any]]:
    """Mean cosine over pairs of relatives and of strangers, of pairs of the same and of different scripts.

    `p` is exact: the share of all ways to deal the families out anew among the languages of each script whose difference is as high. NaN
    stands where a vector is 0. There have to be pairs of all four kinds.

    >>> nouns, verbs = Relation("a", "latin"), Relation("b", "latin")
    >>> written = [nouns, nouns, verbs, Relation("a", "greek"), Relation("b", "greek")]
    >>> found = compare_relatives(np.array([[1.0, 0], [1, 0], [0, 1], [1, 0], [0, 1]]), written)
    >>> [(row["scripts"], row["related"], row["strangers"], row["arrangements"], row["p"]) for row in found]
    [('same', 1.0, 0.0, 6, 0.3333333333333333), ('different', 1.0, 0.0, 6, 0.16666666666666666)]
    """
    cosines_LL = cosines(vectors_LR)
    rows = []
    for scripts in (SAME, DIFFERENT):
        related, strangers = _means(cosines_LL, relations, scripts)
        chance = [one - other for one, other in (_means(cosines_LL, dealt, scripts) for dealt in arrangements(relations))]
        kinds = _kinds(relations)
        rows.append(
            {
                "scripts": scripts,
                "related": related,
                "strangers": strangers,
                "difference": related - strangers,
                "related_pairs": kinds[True, scripts],
                "stranger_pairs": kinds[False, scripts],
                "arrangements": len(chance),
                "p": _share_as_high(np.array(chance), related - strangers),
            }
        )
    return rows


def cosines(vectors_LR: np.ndarray) -> np.ndarray:
    """The cosine of each two rows, [L, L]; NaN where one is 0."""
    with np.errstate(invalid="ignore", divide="ignore"):
        units_LR = vectors_LR / np.linalg.norm(vectors_LR, axis=1, keepdims=True)
    found_LL: np.ndarray = units_LR @ units_LR.T
    return found_LL


def arrangements(relations: Sequence[Relation]) -> list[list[Relation]]:
    """All ways to give the families of each script's languages to these languages, each once; pairs of each kind stay as many."""
    of_script: dict[str, list[int]] = {}
    for place, relation in enumerate(relations):
        of_script.setdefault(relation.script, []).append(place)
    dealt = [sorted({*permutations(relations[place].family for place in places)}) for places in of_script.values()]
    order = np.argsort([place for places in of_script.values() for place in places])
    found = []
    for families in product(*dealt):
        dealt_out = [family for of_one_script in families for family in of_one_script]
        found.append([Relation(dealt_out[at], relation.script) for at, relation in zip(order, relations, strict=True)])
    return found


def sign_flip_p(differences_N: np.ndarray) -> float:
    """The one-sided p-value of a mean above 0, exact: the share of all 2^N ways to turn signs whose mean is as high; NaN of a NaN.

    >>> sign_flip_p(np.array([0.1, 0.2, 0.3, 0.4, 0.5])), sign_flip_p(np.array([1.0, -1.0]))
    (0.03125, 0.75)
    """
    signs = np.array([*product((1, -1), repeat=len(differences_N))])
    return _share_as_high(signs @ differences_N / len(differences_N), float(differences_N.mean()))


def _share_as_high(values: np.ndarray, found: float) -> float:
    return float(np.mean(values >= found - TOLERANCE)) if np.isfinite(found) else np.nan


def _means(cosines_LL: np.ndarray, relations: Sequence[Relation], scripts: str) -> tuple[float, float]:
    """The mean cosine of relatives, and that of strangers."""
    of_kind: dict[bool, list[float]] = {True: [], False: []}
    for one, other in combinations(range(len(relations)), 2):
        related, kind = _kind(relations[one], relations[other])
        if kind == scripts:
            of_kind[related].append(cosines_LL[one, other])
    return float(np.mean(of_kind[True])), float(np.mean(of_kind[False]))


def _kind(one: Relation, other: Relation) -> tuple[bool, str]:
    return one.family == other.family, SAME if one.script == other.script else DIFFERENT


def _kinds(relations: Sequence[Relation]) -> Mapping[tuple[bool, str], int]:
    """How many pairs there are of each kind."""
    return Counter(_kind(one, other) for one, other in combinations(relations, 2))


def _missing_pairs(relations: Sequence[Relation]) -> str:
    """Which pairs there are none of, in words; nothing where there are all."""
    kinds = _kinds(relations)
    for related, scripts in product((True, False), (SAME, DIFFERENT)):
        if not kinds[related, scripts]:
            return f"{'relatives' if related else 'strangers'} of {'the same script' if scripts == SAME else 'different scripts'}"
    return ""


def _world_of(results: Path) -> str:
    """A name that runs of one world share: the record of a world is named after its settings."""
    record = next(iter(sorted((results / "sources").glob("world.*.json"))), None)
    if record is None:
        raise XlprobeError(f"{results}: holds no run of an invented world; name the folder of one that is finished")
    return record.name


def _over_runs(table: pd.DataFrame) -> pd.DataFrame:
    """What the rows of runs come to (`RelativesReport`)."""
    rows = []
    for key, of_runs in table.groupby(KEYS, dropna=False, sort=False):
        differences_N = of_runs["difference"].to_numpy()
        means = {name: of_runs[name].mean(skipna=False) for name in ("related", "strangers", "difference")}
        counts = {"above": int((differences_N > 0).sum()), "runs": len(of_runs), "arrangements": int(of_runs["arrangements"].min())}
        rows.append(dict(zip(KEYS, key, strict=True)) | means | counts | {"p": sign_flip_p(differences_N)})
    found = pd.DataFrame(rows)
    return found.assign(primary=_is_primary(found))


def _is_primary(table: pd.DataFrame) -> pd.Series:
    """Which rows it is decided on (`PRIMARY`).

    Raises:
        XlprobeError: a run of a table by run has none.
    """
    layers = sorted({*table["layer"]})
    first = {"variant": table["variant"].iloc[0], "training_seed": table["training_seed"].iloc[0]}
    chosen = PRIMARY | {"layer": layers[len(layers) // 2], "step": table["step"].max()}
    equal = [table[name].isna() if pd.isna(value) else table[name] == value for name, value in (first | chosen).items()]
    found = pd.Series(np.logical_and.reduce(equal), table.index)
    if "run" in table and {*table["run"]} != {*table[found]["run"]}:
        said = ", ".join(f"{name} {value}" for name, value in chosen.items())
        raise XlprobeError(f"not all runs have what is decided on ({said}); make them with one configuration, which takes these signatures")
    return found


def _by_scripts(table: pd.DataFrame, index: Sequence[str], values: Sequence[str]) -> list[str]:
    """A table in lines, with pairs of the same and of different scripts side by side."""
    wide = table[[*index]].drop_duplicates().set_index([*index])
    for scripts in (SAME, DIFFERENT):
        of_kind = table[table["scripts"] == scripts].set_index([*index])
        for value in values:
            form = {"difference": "{:+.3f}", "above": "{}"}.get(value, "{:.3f}")
            wide[f"{value} ({scripts})"] = of_kind[value].map(form.format)
    return wide.reset_index().to_string(index=False).splitlines()
