"""What a run of signatures is by its configuration and its text: how many languages, categories, sequences (paper 2: 1, 3, 4, A, B)."""

from collections import Counter
from collections.abc import Sequence

import pandas as pd

from xlprobe.artifacts.categories import ALL_WORDS, CATEGORIES
from xlprobe.artifacts.published_tables import published_rows
from xlprobe.claims.comparison import JudgedComparison
from xlprobe.claims.finding import COUNT, PERCENT, Finding, NotMeasured
from xlprobe.metrics.signature_tables import SIGNATURES
from xlprobe.metrics.training_outcomes import one_language
from xlprobe.statistics.variances import FEWEST_LANGUAGES

LANGUAGES = "resources/languages.tsv"
# What groups of languages are called, and the fact of a language that names its own.
FAMILIES = {"families": "family", "genera": "genus"}


def compared(run: JudgedComparison) -> list[Finding]:
    """How many languages are compared, in how many categories (Abstract)."""
    facts = run.tables.facts
    counts = {"languages": len(facts.compared), "categories": len(facts.categories)}
    return [Finding(part=part, value=float(count), n=count, formula="count", unit=COUNT) for part, count in counts.items()]


def compared_layers(run: JudgedComparison) -> list[Finding]:
    """How many layers are compared, the embeddings among them (5.3)."""
    layers = len(run.layers)
    return [Finding(value=float(layers), n=layers, formula="count of layers", unit=COUNT)]


def left_by_fit(run: JudgedComparison) -> list[Finding]:
    """What fits leave of the covariances, in per cent of their norm, the most of all (2): the rest is as the model has it."""
    left = run.rows(SIGNATURES)["residual"].astype(float).dropna()
    if left.empty:
        raise NotMeasured("no fit is made")
    return [Finding(value=100 * float(left.max()), n=len(left), formula="signatures, residual, largest", unit=PERCENT)]


def of_method(run: JudgedComparison, *, said: str) -> list[Finding]:
    """What holds of every run, since the program computes it so."""
    return [Finding(text=said, formula="xlprobe.signatures")]


def text_amounts(run: JudgedComparison, *, factors: Sequence[str]) -> list[Finding]:
    """The smallest and the largest amount of text that a language has in pretraining: bytes, tokens or sequences (4; B.1)."""
    table = run.tables.table("signature_factors")

    def of(factor: str) -> Finding:
        values = table.loc[table["factor"] == factor, "value"].astype(float).dropna()
        if values.empty:
            return Finding(part=factor, text="not known", formula="signature_factors")
        text = f"{values.min():,.0f} to {values.max():,.0f}"
        return Finding(part=factor, text=text, n=len(values), formula="signature_factors, least and most")

    return [of(factor) for factor in factors]


def related_sets(run: JudgedComparison) -> list[Finding]:
    """How many of the compared languages each genus has, where it has three or more (5.2)."""
    facts = run.tables.facts
    genera = Counter(facts.languages[code]["genus"] for code in facts.compared)
    sets = [(genus, count) for genus, count in sorted(genera.items()) if genus and count >= FEWEST_LANGUAGES]
    if not sets:
        return [Finding(text=f"no genus has {FEWEST_LANGUAGES}", formula=LANGUAGES)]
    return [Finding(part=genus, value=float(count), n=count, formula=LANGUAGES, unit=COUNT) for genus, count in sets]


def diverse_set(run: JudgedComparison) -> list[Finding]:
    """How many languages the diverse set has (5.2)."""
    sizes = run.tables.table("signature_variances")["diverse_n"].dropna()
    if sizes.empty:
        raise NotMeasured("variances are not compared")
    largest = int(sizes.max())
    return [Finding(value=float(largest), n=largest, formula="signature_variances, diverse_n, largest", unit=COUNT)]


def families(run: JudgedComparison) -> list[Finding]:
    """Of how many families and genera the languages are (Table 2)."""
    facts = run.tables.facts
    known = {name: {facts.languages[code][key] for code in facts.compared} - {""} for name, key in FAMILIES.items()}
    return [Finding(part=part, value=float(len(names)), n=len(names), formula=LANGUAGES, unit=COUNT) for part, names in known.items()]


def category_sets(run: JudgedComparison) -> list[Finding]:
    """The share of the paper's pairs of a language and a category on which the run agrees that there are enough words, in per cent (A).

    Of languages that both compare, and categories that the run takes; all words are left out.
    """
    printed = {row["category"]: {*row["languages"].split()} for row in published_rows("published/paper2_table3.tsv")}
    facts, instances = run.tables.facts, run.tables.instances()
    papers = {row["code"] for row in published_rows("published/paper2_table2.tsv")}
    same = [
        (instances.get(name, {}).get(code, 0) >= facts.fewest) == (one_language(code) in printed[title])
        for name, title in CATEGORIES.items()
        if name in facts.categories and name != ALL_WORDS and instances
        for code in facts.compared
        if one_language(code) in papers
    ]
    if not same:
        raise NotMeasured("none of the paper's languages is compared, or no category but all words")
    value = 100 * float(pd.Series(same).mean())
    return [Finding(value=value, n=len(same), formula="signatures, instances, against paper2_table3.tsv", unit=PERCENT)]
