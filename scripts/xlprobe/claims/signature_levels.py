"""Claims on mean signatures over layers and languages: whether they fall, how they spread, who stands apart (paper 2: 5.1, Figure 2)."""

from collections.abc import Sequence
from functools import partial
from itertools import combinations
from math import nan

import numpy as np
import pandas as pd
from scipy import stats

from xlprobe.artifacts.categories import ALL_WORDS
from xlprobe.claims.comparison import DECIMALS, FIRST, LAST, MIDDLE, JudgedComparison, category_title, number, of_language
from xlprobe.claims.curve_values import each
from xlprobe.claims.finding import COUNT, PERCENT, SD, Finding, NotMeasured
from xlprobe.claims.signature_relations import FEWEST_CATEGORIES
from xlprobe.claims.verdicts import SIGNIFICANT
from xlprobe.metrics.learning import NO_INTERVAL
from xlprobe.metrics.training_outcomes import one_language

TREND = "signature_trends, relative_slope of the mean over languages"
# Fewer languages can have no p-value below 0.05 in Wilcoxon's signed-rank test.
FEWEST_SIGNED = 6
# A mean over fewer languages says nothing on languages.
FEWEST_LANGUAGES = 3
THEIL_SEN = "of Theil and Sen's slope, layers taken as independent"


def _trend(run: JudgedComparison, category: str) -> "pd.Series[float]":
    """The trend of a category's mean over languages."""
    return run.rows("signature_trends", category=run.taken(category), language=None).iloc[0]


def _slope(run: JudgedComparison, row: "pd.Series[float]") -> tuple[float, float, float]:
    """A trend's slope and the ends of its interval, each in per cent of the mean over layers."""
    if pd.isna(row["slope"]) or pd.isna(row["relative_slope"]):
        return nan, nan, nan
    if row["slope"]:
        scale = 100 * row["relative_slope"] / row["slope"]
    else:
        # What a slope of exactly 0 was divided by does not follow from it.
        scale = 100 / run.rows("signature_spreads", category=row["category"])["mean"].astype(float).mean()
    low, high = sorted((row["low"] * scale, row["high"] * scale))
    return 100 * row["relative_slope"], low, high


def trend_of_mean(run: JudgedComparison, *, categories: Sequence[str]) -> list[Finding]:
    """By how much the mean signature over languages rises from layer to layer, in per cent of its mean over layers (5.1; Figure 2a)."""

    def of(category: str) -> Finding:
        row = _trend(run, category)
        slope, low, high = _slope(run, row)
        found = partial(Finding, n=int(row["n"]), formula=TREND, unit=PERCENT)
        if np.isnan(slope):
            return found(why=str(row["reason"] or "the mean is 0, of which there is no share"))
        why = f"n too small: {int(row['n'])} layers" if row["n_too_small"] else ""
        why = why or (f"n too small: {int(row['languages'])} languages" if row["languages"] < FEWEST_LANGUAGES else "")
        interval = NO_INTERVAL if np.isnan(low) else THEIL_SEN
        return found(value=slope, p=number(row["p"]), why=why, low=number(low), high=number(high), interval=interval)

    return each(categories, of, category_title if len(categories) > 1 else lambda _: "")


def different_trends(run: JudgedComparison) -> list[Finding]:
    """The share of pairs of categories, all words aside, whose means rise or fall at another pace over layers (Abstract; 5.1).

    At another pace: of the languages that have both, slopes by the mean over layers differ by Wilcoxon's signed-rank test, p below 0.05.
    """
    rows = run.rows("signature_trends")
    rows = rows[rows["language"].notna() & (rows["category"] != ALL_WORDS) & rows["relative_slope"].notna()]
    slopes = rows.assign(slope=rows["relative_slope"].astype(float)).pivot(index="language", columns="category", values="slope")
    tested = []
    for one, other in combinations(slopes.columns, 2):
        differences = (slopes[one] - slopes[other]).dropna().round(DECIMALS)
        if len(differences) >= FEWEST_SIGNED and differences.any():
            tested.append(float(stats.wilcoxon(differences).pvalue))
    few = len(slopes.columns) < FEWEST_CATEGORIES
    if not tested:
        raise NotMeasured(f"n too small: no two categories, all words aside, have slopes of {FEWEST_SIGNED} languages that differ")
    formula = "signature_trends, pairs of categories whose relative slopes differ over languages"
    value, why = 100 * float(np.mean([p < SIGNIFICANT for p in tested])), f"n too small: {len(slopes.columns)} categories" if few else ""
    return [Finding(value=value, n=len(tested), formula=formula, unit=PERCENT, why=why)]


def _tested(run: JudgedComparison) -> pd.DataFrame:
    """The trends of the languages, all words, that have a test."""
    rows = run.rows("signature_trends", category=run.taken(ALL_WORDS))
    tested = rows[rows["language"].notna() & rows["direction"].notna()]
    if tested.empty:
        raise NotMeasured("no language has a trend over layers: " + "; ".join(rows["reason"].dropna().unique()))
    if tested["n_too_small"].any():
        raise NotMeasured(f"n too small: {int(tested['n'].min())} layers")
    return tested


def languages_tested(run: JudgedComparison) -> list[Finding]:
    """How many Mann-Kendall tests there are, a language each (5.1)."""
    tested = len(_tested(run))
    return [Finding(value=float(tested), n=tested, formula="signature_trends, count of languages; false discovery rate 0.05", unit=COUNT)]


def decreasing_languages(run: JudgedComparison) -> list[Finding]:
    """How many languages fall significantly over layers: Mann-Kendall, false discovery rate 0.05 (5.1)."""
    tested = _tested(run)
    falling, compared = int((tested["direction"] == "decreasing").sum()), len(run.tables.facts.compared)
    why = f"{len(tested)} of {compared} languages have a test" if len(tested) < compared else ""
    prewhitened = int(((tested["tau"] < 0) & (tested["adjusted_prewhitened_p"] < SIGNIFICANT)).sum())
    formula = "signature_trends, languages that are decreasing"
    return [
        Finding(part="fall", value=float(falling), n=len(tested), formula=formula, unit=COUNT, why=why),
        Finding(part="languages", value=float(len(tested)), n=len(tested), formula=formula, unit=COUNT, beside=True),
        Finding(part="fall, prewhitened", value=float(prewhitened), n=len(tested), formula=formula, unit=COUNT, beside=True),
    ]


def languages_without_fall(run: JudgedComparison, *, languages: Sequence[str]) -> list[Finding]:
    """On how many languages the run and the paper differ, as to which do not fall significantly (5.1)."""
    tested = _tested(run)
    found = {*tested.loc[tested["direction"] != "decreasing", "language"].map(one_language)}
    formula = "signature_trends, languages that are not decreasing"
    differing = len(found ^ {*languages})
    return [
        Finding(part="languages that differ", value=float(differing), n=len(tested), formula=formula, unit=COUNT),
        Finding(part="here", text=", ".join(sorted(found)) or "none", n=len(tested), formula=formula, beside=True),
    ]


def turn_of_spread(run: JudgedComparison) -> list[Finding]:
    """By how much the variance over languages changes, in per cent, to the middle layer and from it to the last one (5.1; Figure 2a)."""
    rows = run.rows("signature_spreads", category=run.taken(ALL_WORDS)).set_index("layer")
    variances = rows["variance"].astype(float).dropna()
    places = {place: run.layer(place) for place in (FIRST, MIDDLE, LAST)}
    if len({*places.values()}) < len(places):
        raise NotMeasured(f"n too small: {len(run.layers)} layers")
    if not {*places.values()} <= {*variances.index}:
        raise NotMeasured("; ".join(rows["reason"].dropna().unique()) or "a layer has no variance")
    first, middle, last = (float(variances[layer]) for layer in places.values())
    if not first or not middle:
        raise NotMeasured("languages do not vary at a layer")
    found = partial(Finding, n=int(rows["languages"].min()), formula="signature_spreads, variance")
    return [
        found(part="to the middle layer", value=100 * (middle / first - 1), unit=PERCENT),
        found(part="from the middle layer", value=100 * (last / middle - 1), unit=PERCENT),
        found(part="layer of least variance", value=float(min(variances.index, key=variances.__getitem__)), unit=COUNT, beside=True),
    ]


def standing(run: JudgedComparison, *, languages: Sequence[str]) -> list[Finding]:
    """How far a language lies from the mean of all others, in their standard deviations, mean over layers (5.1; Figure 2a)."""
    rows = run.rows("signature_standings", category=run.taken(ALL_WORDS))

    def of(code: str) -> Finding:
        own = of_language(rows, code)
        known = own["z_of_others"].astype(float).dropna()
        if known.empty:
            raise NotMeasured("; ".join(own["reason"].dropna().unique()) or f"the language {code} is not compared")
        return Finding(value=float(known.mean()), n=int(own["languages"].min()), formula="signature_standings, z_of_others", unit=SD)

    return each(languages, of, str)


def rare_categories(run: JudgedComparison, *, categories: Sequence[str]) -> list[Finding]:
    """How many of all words have a category, in per cent, all languages together (5.1)."""
    instances = run.tables.instances()
    words = sum(instances.get(ALL_WORDS, {}).values())
    if not words:
        raise NotMeasured("the run counts no words")

    def of(category: str) -> Finding:
        counts = instances.get(run.taken(category), {})
        share = 100 * sum(counts.values()) / words
        return Finding(value=share, n=len(counts), formula="signatures, instances of all languages", unit=PERCENT)

    return each(categories, of, category_title)
