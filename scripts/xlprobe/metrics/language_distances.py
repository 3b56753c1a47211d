"""How far apart the signatures of two languages are: cosine distances, the cells of paper 2's Figure 5, from which its trees are drawn.

Of each category, and their mean: "the average distance matrices from all morphosyntactic categories except for PoS. If a language is
missing in a category, we assign a distance of 1 to all other languages" (E.1, Figure 8b). A category that no two languages of the
comparison have says nothing, and counts for nothing in the mean.

Shape letters: L languages of a comparison, sorted; P unordered pairs of these; R components of a fit; C categories.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from xlprobe.artifacts.categories import ALL_WORDS
from xlprobe.artifacts.signature_file import SignatureFile, SignaturePlace
from xlprobe.artifacts.tables import conform, read_schema
from xlprobe.errors import XlprobeError
from xlprobe.metrics.last_signatures import PLACE, PUBLISHED
from xlprobe.statistics.language_trees import cosine_distances, mean_distances

SCHEMA = "language_distances.schema.yaml"
GAUGED = "gauged"
SIGNATURES = (PUBLISHED, GAUGED)

Row = dict[str, Any]


@dataclass(frozen=True)
class LanguageDistances:
    """The distances of a comparison's languages at one place.

    Attributes:
        names: the columns TRAINING and PLACE; of the mean over categories, no category.
        languages: those of the comparison, sorted.
        by_signature: of `published` and `gauged` signatures, [L, L]; NaN to all others where a language has none.
        reasons: by language, why it has none.
        categories_LL: behind each mean, the categories in which both have a signature; None of a single category.
    """

    names: Mapping[str, Any]
    languages: tuple[str, ...]
    by_signature: Mapping[str, np.ndarray]
    reasons: Mapping[str, str]
    categories_LL: np.ndarray | None = None

    def table(self) -> pd.DataFrame:
        """A row a pair of languages, the first by its code before the other."""
        pairs = np.triu_indices(len(self.languages), 1)
        language_P, other_P = (np.array(self.languages, dtype=object)[places] for places in pairs)
        said = {code: f"{code}: {reason}" for code, reason in self.reasons.items()}
        reason_P = ["; ".join(said[code] for code in pair if code in said) or None for pair in zip(language_P, other_P, strict=True)]
        columns = {"language": language_P, "other": other_P}
        columns |= {signature: distance_LL[pairs] for signature, distance_LL in self.by_signature.items()}
        columns["categories"] = np.full(len(language_P), None) if self.categories_LL is None else self.categories_LL[pairs]
        return pd.DataFrame({**columns, "reason": reason_P}).assign(**self.names)


def distances_of(names: Mapping[str, Any], rows: pd.DataFrame, root: Path) -> list[LanguageDistances]:
    """The distances of a comparison: category by category in the order of its rows, then the mean over all but all words.

    Args:
        names: the columns TRAINING.
        rows: of the comparison, as from `trainings`.
        root: the folder of the run's results, in which rows name their files.

    Raises:
        XlprobeError: a file of signatures is gone or damaged, or holds others than the rows say.
    """
    languages = tuple(sorted(set(rows["language"])))
    with ExitStack() as stack:
        files = {name: stack.enter_context(SignatureFile(root / name)) for name in rows["vectors"].dropna().unique()}
        singles = [
            _of_place({**names, **dict(zip(PLACE, place, strict=True))}, part, languages, files)
            for place, part in rows.groupby([*PLACE], sort=False)
        ]
    return [*singles, *_means(singles)]


def _of_place(
    names: Mapping[str, Any], rows: pd.DataFrame, languages: tuple[str, ...], files: Mapping[str, SignatureFile]
) -> LanguageDistances:
    reasons = dict.fromkeys(languages, "no row in the table of signatures")
    reasons |= {row["language"]: row["reason"] for row in rows[["language", "reason"]].to_dict("records")}
    fitted = rows[rows["mean_published"].notna()]
    none_LL = np.where(np.eye(len(languages), dtype=bool), 0.0, np.nan)
    if fitted.empty:
        return LanguageDistances(names, languages, dict.fromkeys(SIGNATURES, none_LL), reasons)
    file = files[fitted["vectors"].iloc[0]]
    found = file.read(SignaturePlace(names["fit"], names["scale"], names["layer"], names["step"]))
    if sorted(set(found.languages)) != sorted(fitted["language"]):
        raise XlprobeError(f"{file.path}: holds signatures of other languages than metrics/signatures.parquet says; make both again")
    rows_L = [list(found.languages).index(code) if code in found.languages else None for code in languages]
    by_signature = {}
    for signature, signatures_R in ((PUBLISHED, found.published_LR), (GAUGED, found.gauged_LR)):
        nothing_R = np.full(signatures_R.shape[1], np.nan)
        by_signature[signature] = cosine_distances(np.stack([nothing_R if row is None else signatures_R[row] for row in rows_L]))
    lengths_L = {code: np.abs(found.published_LR[row]).sum() for code, row in zip(languages, rows_L, strict=True) if row is not None}
    reasons = {code: reason for code, reason in reasons.items() if code not in lengths_L}
    reasons |= {code: "its signature is 0 throughout, which has no direction" for code, length in lengths_L.items() if not length}
    return LanguageDistances(names, languages, by_signature, reasons)


def _means(singles: list[LanguageDistances]) -> Iterator[LanguageDistances]:
    by_place: dict[tuple[Any, ...], list[LanguageDistances]] = defaultdict(list)
    for single in singles:
        if single.names["category"] != ALL_WORDS:
            by_place[tuple(single.names[name] for name in PLACE[1:])].append(single)
    for found in by_place.values():
        names, languages = {**found[0].names, "category": None}, found[0].languages
        there_CLL = [~np.isnan(single.by_signature[PUBLISHED]) for single in found]
        counted = [place for place, there_LL in enumerate(there_CLL) if there_LL.sum() > len(languages)]
        categories_LL = np.sum(there_CLL, axis=0)
        if not counted:
            reasons = dict.fromkeys(languages, "no category that another language has, too")
            yield LanguageDistances(names, languages, found[0].by_signature, reasons, categories_LL)
            continue
        by_category = {signature: [found[place].by_signature[signature] for place in counted] for signature in SIGNATURES}
        means = {signature: mean_distances(np.stack(tables)) for signature, tables in by_category.items()}
        yield LanguageDistances(names, languages, means, {}, categories_LL)


def distance_table(distances: list[LanguageDistances]) -> pd.DataFrame:
    """The rows of some distances, in the schema's columns; there may be none."""
    tables = [found.table() for found in distances]
    return conform(pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=[*read_schema(SCHEMA)["properties"]]), SCHEMA)
