"""Which languages have enough words of each morphosyntactic category, beside the paper's list (paper 2: Table 3)."""

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from xlprobe.artifacts.categories import CATEGORIES
from xlprobe.artifacts.published_tables import published_rows
from xlprobe.metrics.signature_tables import SignatureTables
from xlprobe.metrics.training_outcomes import one_language
from xlprobe.tables.declaration import TableKind
from xlprobe.tables.rendering import MISSING

PUBLISHED = "published/paper2_table3.tsv"


@dataclass(frozen=True)
class _Category:
    """The languages of a category.

    Attributes:
        taken: whether the run takes signatures of it.
        papers: how many languages the paper lists.
        instances: words that have it, by language that is compared.
        both, only_here: languages of this run.
        too_few: of the paper's list, those that are compared here, and have too few words.
        not_compared: of the paper's list, those that are not compared here.
    """

    title: str
    taken: bool
    papers: int
    instances: dict[str, int]
    both: list[str]
    only_here: list[str]
    too_few: list[str]
    not_compared: list[str]


def _categories(tables: SignatureTables) -> Iterator[_Category]:
    printed = {row["category"]: row["languages"].split() for row in published_rows(PUBLISHED)}
    instances = tables.instances()
    compared = {one_language(code) for code in tables.facts.compared}
    for name, title in CATEGORIES.items():
        found = {code: instances.get(name, {}).get(code, 0) for code in tables.facts.compared}
        papers = printed[title]
        here = sorted(code for code, count in found.items() if count >= tables.facts.fewest)
        yield _Category(
            title,
            name in tables.facts.categories,
            len(papers),
            found,
            [code for code in here if one_language(code) in papers],
            [code for code in here if one_language(code) not in papers],
            sorted(code for code in found if one_language(code) in papers and code not in here),
            sorted(code for code in papers if code not in compared),
        )


def _table(tables: SignatureTables) -> pd.DataFrame:
    rows = []
    for of in _categories(tables):
        few = [f"{code} ({of.instances[code]:,})" for code in of.too_few]
        absent = [f"{len(of.not_compared)} not compared"] if of.not_compared else []
        here = [", ".join(of.both) or MISSING, ", ".join(of.only_here) or MISSING, ", ".join([*few, *absent]) or MISSING]
        rows.append(
            {
                "Category": of.title,
                "Here: n": str(len(of.both) + len(of.only_here)) if of.taken else MISSING,
                "Paper: n": str(of.papers),
                **dict(zip(("In both", "Only here", "Only in the paper"), here if of.taken else [MISSING] * 3, strict=True)),
            }
        )
    return pd.DataFrame(rows)


def _beside(tables: SignatureTables) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "Not compared here": " ".join(of.not_compared),
                "Instances": " ".join(f"{code}:{count}" for code, count in sorted(of.instances.items())) if of.taken else "",
            }
            for of in _categories(tables)
        ]
    )


def _notes(tables: SignatureTables) -> Iterator[str]:
    facts, every = tables.facts, [*_categories(tables)]
    yield (
        f"Of this run, comparison {facts.main}, n = {len(facts.compared)} languages: those with {facts.fewest:,} words or more of a"
        " category (signatures.min_instances). Only in the paper: in brackets, the words that a language has here, which are too few."
        " Part of Speech is all words."
    )
    if skipped := [of.title for of in every if not of.taken]:
        yield f"{MISSING} for {', '.join(skipped)}: this run takes no signatures of these (config key signatures.categories)."
    if empty := [of.title for of in every if of.taken and not of.both and not of.only_here]:
        yield f"No language has enough words of {', '.join(empty)}."
    if absent := sorted({code for of in every for code in of.not_compared}):
        yield f"Languages of the paper that are not compared here (n = {len(absent)}): {', '.join(absent)}."


TABLE = TableKind(reads=("signatures",), table=_table, notes=lambda tables: [*_notes(tables)], beside=_beside)
