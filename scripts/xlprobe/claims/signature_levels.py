"""Claims on mean signatures over layers and languages: whether they fall, how they spread, who stands apart (paper 2: 5.1, Figure 2)."""

from collections.abc import Sequence
from functools import partial
from itertools import combinations
from math import nan

import numpy as np
import pandas as pd

from xlprobe.artifacts.categories import ALL_WORDS
from xlprobe.claims.comparison import FIRST, LAST, MIDDLE, JudgedComparison, category_title, number
from xlprobe.claims.curve_values import each
from xlprobe.claims.finding import COUNT, PERCENT, SD, Finding, NotMeasured
from xlprobe.metrics.learning import NO_INTERVAL
from xlprobe.metrics.training_outcomes import one_language

TREND = "signature_trends, relative_slope of the mean over languages"
THEIL_SEN = "of Theil and Sen's slope, layers taken as independent"


def _trend(run: JudgedComparison, category: str) -> "pd.Series[float]":
    """The trend of a category's mean over languages."""
    return run.rows("signature_trends", category=run.taken(category), language=None).iloc[0]


def _slope(row: "pd.Series[float]") -> tuple[float, float, float]:
    """A trend's slope and the ends of its interval, each in per cent of the mean over layers."""
    if pd.isna(row["slope"]) or pd.isna(row["relative_slope"]):
        return nan, nan, nan
    # A slope of exactly 0 has no mean to be divided by.
    scale = 100 * row["relative_slope"] / row["slope"] if row["slope"] else nan
    low, high = sorted((row["low"] * scale, row["high"] * scale))
    return 100 * row["relative_slope"], low, high


def trend_of_mean(run: JudgedComparison, *, categories: Sequence[str]) -> list[Finding]:
    """By how much the mean signature over languages rises from layer to layer, in per cent of its mean over layers (5.1; Figure 2a)."""

    def of(category: str) -> Finding:
        row = _trend(run, category)
        slope, low, high = _slope(row)
        found = partial(Finding, n=int(row["n"]), formula=TREND, unit=PERCENT)
        if np.isnan(slope):
            return found(why=str(row["reason"] or "the mean is 0, of which there is no share"))
        why = f"n too small: {int(row['n'])} layers" if row["n_too_small"] else ""
        interval = NO_INTERVAL if np.isnan(low) else THEIL_SEN
        return found(value=slope, p=number(row["p"]), why=why, low=number(low), high=number(high), interval=interval)

    return each(categories, of, category_title if len(categories) > 1 else lambda _: "")


def different_trends(run: JudgedComparison) -> list[Finding]:
    """The share of pairs of categories whose means surely rise or fall at another pace: their slopes' intervals have nothing in common."""
    rows = run.rows("signature_trends", language=None)
    slopes = [_slope(row) for _, row in rows.iterrows() if row["category"] != ALL_WORDS and not row["n_too_small"]]
    known = [(low, high) for slope, low, high in slopes if not np.isnan(low)]
    if len(known) < 2:
        raise NotMeasured("fewer than two categories have a trend over enough layers, all words aside")
    apart = [one[1] < other[0] or other[1] < one[0] for one, other in combinations(known, 2)]
    formula = "signature_trends, pairs of categories whose intervals of relative slopes are apart"
    return [Finding(value=100 * float(np.mean(apart)), n=len(apart), formula=formula, unit=PERCENT)]


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
    falling = int((tested["direction"] == "decreasing").sum())
    exact = int(((tested["tau"] < 0) & (tested["adjusted_prewhitened_p"] < 0.05)).sum())
    formula = "signature_trends, languages that are decreasing"
    return [
        Finding(part="fall", value=float(falling), n=len(tested), formula=formula, unit=COUNT),
        Finding(part="languages", value=float(len(tested)), n=len(tested), formula=formula, unit=COUNT),
        Finding(part="fall, prewhitened", value=float(exact), n=len(tested), formula=formula, unit=COUNT, beside=True),
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
        own = rows[rows["language"] == code]
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
        of_language = instances[run.taken(category)]
        share = 100 * sum(of_language.values()) / words
        return Finding(value=share, n=len(of_language), formula="signatures, instances of all languages", unit=PERCENT)

    return each(categories, of, category_title)
