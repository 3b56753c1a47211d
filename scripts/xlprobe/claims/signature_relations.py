"""Claims on what mean signatures go together with: sizes, scripts, variety of words, and how related languages are (paper 2: 5.1, 5.2)."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy import stats

from xlprobe.artifacts.categories import ALL_WORDS, CATEGORIES
from xlprobe.claims.comparison import DECIMALS, JudgedComparison, category_title, correlation_finding
from xlprobe.claims.curve_values import each
from xlprobe.claims.finding import COUNT, PERCENT, Finding, NotMeasured
from xlprobe.claims.verdicts import SIGNIFICANT

# Of fewer, a share says nothing on categories.
FEWEST_CATEGORIES = 3
# What factors are called; data size is words of the treebank that have the category.
FACTORS = {"data_size": "data size", "unique_characters": "unique characters", "type_token_ratio": "type-token ratio"}


def correlation_of(run: JudgedComparison, factor: str, category: str = ALL_WORDS, variant: str | None = None) -> Finding:
    """Pearson's r of mean signatures and a factor over languages, mean over layers (Figures 3 and 4)."""
    rows = run.rows("signature_correlations", variant, category=run.taken(category), factor=factor, sizes="all")
    of_layers, of_means = rows[rows["layer"].notna()], rows[rows["layer"].isna()]
    if of_means.empty:
        raise NotMeasured("the run has no mean of correlations over layers")
    of_mean = of_means.iloc[0]
    shown = f"{(of_layers['p'].astype(float) < SIGNIFICANT).sum()} of {len(of_layers)} layers have p below {SIGNIFICANT:g}"
    return correlation_finding(of_mean, f"signature_correlations, r, mean over layers ({shown})")


def correlation_with(run: JudgedComparison, *, factors: Sequence[str]) -> list[Finding]:
    """Pearson's r of the mean signatures of all words and a factor, over languages, mean over layers (5.1; Figure 4)."""
    return each(factors, lambda factor: correlation_of(run, factor), lambda factor: FACTORS[factor] if len(factors) > 1 else "")


def _of_categories(rows: pd.DataFrame) -> pd.DataFrame:
    """The correlations of single categories that have enough languages.

    Raises:
        NotMeasured: there is none.
    """
    known = rows[rows["r"].notna() & (rows["category"] != ALL_WORDS) & ~rows["n_too_small"].astype(bool)]
    if known.empty:
        raise NotMeasured("no category but all words is correlated in enough languages")
    return known


def _few(categories: int) -> str:
    """Why a share of so few categories decides nothing; empty where it does."""
    return f"n too small: {categories} categor{'y' if categories == 1 else 'ies'}" if categories < FEWEST_CATEGORIES else ""


def _slopes(run: JudgedComparison, factor: str) -> dict[str, float]:
    """By category, all words aside, how r rises from layer to layer: Theil and Sen's slope, the median of all pairs of layers."""
    rows = run.rows("signature_correlations", factor=factor, sizes="all")
    slopes = {}
    for category, own in _of_categories(rows[rows["layer"].notna()]).groupby("category"):
        if len(own) > 1:
            found = stats.theilslopes(own["r"].astype(float), own["layer"].astype(float))
            slopes[str(category)] = round(float(found.slope), DECIMALS)
    if not slopes:
        raise NotMeasured("no category is correlated at two layers or more")
    return slopes


def falling_correlations(run: JudgedComparison, *, factor: str) -> list[Finding]:
    """The share of categories, all words aside, whose correlation with a factor falls from layer to layer (5.1; Figure 3)."""
    falls = [slope < 0 for slope in _slopes(run, factor).values()]
    formula = "signature_correlations, Theil-Sen slope of r over layers"
    return [Finding(value=100 * float(np.mean(falls)), n=len(falls), formula=formula, unit=PERCENT, why=_few(len(falls)))]


def rising_correlations(run: JudgedComparison, *, factor: str, categories: Sequence[str]) -> list[Finding]:
    """On how many categories the run and the paper differ, as to whose correlation with a factor rises (5.1; Figure 3)."""
    slopes = _slopes(run, factor)
    found = {name for name, slope in slopes.items() if slope > 0}
    formula = "signature_correlations, Theil-Sen slope of r over layers"
    here = ", ".join(title for name, title in CATEGORIES.items() if name in found) or "none"
    return [
        Finding(part="categories that differ", value=float(len(found ^ {*categories})), n=len(slopes), formula=formula, unit=COUNT),
        Finding(part="rise here", text=here, n=len(slopes), formula=formula, beside=True),
    ]


def negative_categories(run: JudgedComparison, *, factors: Sequence[str]) -> list[Finding]:
    """The share of categories, all words aside, whose mean correlation with a factor is below 0 (5.1; Figure 4)."""

    def of(factor: str) -> Finding:
        rows = run.rows("signature_correlations", factor=factor, sizes="all", layer=None)
        known = _of_categories(rows)
        value = 100 * float((known["r"].astype(float) < 0).mean())
        formula = "signature_correlations, categories with r below 0"
        return Finding(value=value, n=len(known), formula=formula, unit=PERCENT, why=_few(len(known)))

    return each(factors, of, FACTORS.__getitem__)


def variance_tests(run: JudgedComparison, *, categories: Sequence[str], layers: Sequence[str]) -> list[Finding]:
    """The share of tests, of a related set at a layer, that find another variance than that of diverse languages: p below 0.05 (5.2).

    The printed test takes the related variance to be known, and finds too much; that of Brown and Forsythe stands beside it.

    Args:
        layers: first, middle, last.
    """
    places = [run.layer(place) for place in layers]

    def of(category: str, column: str) -> Finding:
        rows = run.rows("signature_variances", category=run.taken(category))
        tested = rows[rows["layer"].isin(places) & rows[column].notna()]
        if tested.empty:
            raise NotMeasured("; ".join(rows["reason"].dropna().unique()) or "no genus is tested at these layers")
        share = 100 * float((tested[column].astype(float) < SIGNIFICANT).mean())
        return Finding(value=share, n=len(tested), formula=f"signature_variances, {column} below 0.05", unit=PERCENT)

    titles = category_title if len(categories) > 1 else lambda _: ""
    printed = each(categories, lambda category: of(category, "p"), titles)
    other = each(categories, lambda category: of(category, "brown_forsythe_p"), titles)
    beside = [replace(one, part=f"{one.part} Brown and Forsythe".strip(), beside=True) for one in other if one.value is not None]
    return [*printed, *beside]
