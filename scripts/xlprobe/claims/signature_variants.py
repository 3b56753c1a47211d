"""Claims on comparisons beside the main one: romanised, with less text, drawn otherwise, with a published model (paper 2: 5, D)."""

from collections.abc import Callable, Collection, Sequence
from functools import partial

import numpy as np
import pandas as pd
from scipy import stats

from xlprobe.artifacts.categories import ALL_WORDS
from xlprobe.claims.comparison import JudgedComparison
from xlprobe.claims.curve_values import each
from xlprobe.claims.finding import PERCENT, POINTS, SD, Finding, NotMeasured
from xlprobe.claims.signature_relations import FACTORS, correlation_of

# Of fewer languages nothing is said on what happens to languages.
FEWEST = 2
NONE_ROMANISED = "no comparison has romanised languages beside the main one (config key signatures.variants)"
NONE_CUT = "no comparison has a language with a share of its text (config key signatures.variants)"
NONE_RESAMPLED = "no comparison draws a language with a share of its text by another alpha (config key signatures.variants)"
NONE_ELSEWHERE = "no comparison has a multilingual model that is pretrained elsewhere (config key signatures.variants)"


def _differences(run: JudgedComparison, variant: str, languages: Collection[str] | None = None, least_layer: int = 1) -> pd.DataFrame:
    """Mean signatures of all words of some languages (all) in a comparison and in the main one, above the embeddings.

    Raises:
        NotMeasured: none has both.
    """
    rows = run.rows("variant_differences", variant, category=run.taken(ALL_WORDS))
    rows = rows[(rows["layer"] >= least_layer) & (True if languages is None else rows["language"].isin([*languages]))]
    known = rows.dropna(subset=["value", "main_value"])
    if known.empty:
        raise NotMeasured("; ".join(rows["reason"].dropna().unique()) or f"no such language is in comparison {variant}")
    return known.astype({"value": float, "main_value": float})


def _few(languages: int) -> str:
    """Why a number of so many languages decides nothing; empty where it does."""
    return f"n too small: {languages} language" if languages < FEWEST else ""


def _closer(run: JudgedComparison) -> Finding:
    facts = run.tables.facts
    variants = [name for name in facts.variants if name in facts.romanised and name != facts.main]
    if not variants:
        raise NotMeasured(NONE_ROMANISED)
    parts = pd.concat([_differences(run, name, facts.romanised[name]) for name in variants])
    rows = parts.dropna(subset=["z", "main_z"])
    if rows.empty:
        raise NotMeasured("; ".join(parts["reason"].dropna().unique()) or "no romanised language has a place among others")
    nearer = rows["main_z"].astype(float).abs() - rows["z"].astype(float).abs()
    formula, n = "variant_differences, main_z and z, without their signs, mean over layers above 0", rows["language"].nunique()
    return Finding(value=float(nearer.mean()), n=n, formula=formula, unit=SD, why=_few(n))


def closer_if_romanised(run: JudgedComparison) -> list[Finding]:
    """How much nearer to the other languages' mean romanised ones lie than in native script, in standard deviations of the others (5.1)."""
    return [_closer(run)]


def writing_system(run: JudgedComparison) -> list[Finding]:
    """Whether the writing system counts: romanised languages come closer, and many characters go with small signatures (1)."""
    found: dict[str, Callable[[JudgedComparison], Finding]]
    found = {"romanised": _closer, "unique characters": partial(correlation_of, factor="unique_characters")}
    return each(found, lambda name: found[name](run), str)


def _left(run: JudgedComparison, variants: Sequence[str]) -> dict[str, float]:
    """By language that has a share of its text: its mean signature less that in the main comparison, in per cent of the latter.

    Means are over layers above 0. Of a language that several comparisons have with a share, that of the first.

    Raises:
        NotMeasured: there is none.
    """
    found: dict[str, float] = {}
    reasons = []
    for name in variants:
        for code in run.tables.facts.cut[name]:
            try:
                own = _differences(run, name, [code])
            except NotMeasured as error:
                reasons.append(str(error))
                continue
            if of_main := own["main_value"].mean():
                found.setdefault(code, 100 * (own["value"].mean() / of_main - 1))
    if not found:
        raise NotMeasured("; ".join(dict.fromkeys(reasons)) or "mean signatures are 0 in the main comparison")
    return found


def _low_resource(run: JudgedComparison) -> list[str]:
    """The comparisons in which languages have a share of their text, and are drawn as in the main one."""
    facts = run.tables.facts
    if not (found := [name for name in facts.variants if name in facts.cut and name not in facts.resampled]):
        raise NotMeasured(NONE_CUT)
    return found


def low_resource_change(run: JudgedComparison, *, languages: Sequence[str], share: float) -> list[Finding]:
    """How a language's mean signature over layers above 0 changes if it has a share of its text alone, in per cent (5.2; D)."""
    facts, formula = run.tables.facts, "variant_differences, value and main_value, means over layers above 0"
    variants = [name for name in _low_resource(run) if any(np.isclose(kept, share) for kept in facts.cut[name].values())]

    def of(code: str) -> Finding:
        of_code = [name for name in variants if code in facts.cut[name]]
        if not of_code:
            raise NotMeasured(f"no comparison has the language {code} with {100 * share:g} % of its text")
        return Finding(value=_left(run, of_code)[code], n=1, formula=formula, unit=PERCENT)

    return each(languages, of, str)


def support_of_relatives(run: JudgedComparison) -> list[Finding]:
    """How much more of its mean signature a language with a share of its text keeps if it has relatives, in points (1; 5.2).

    Relatives are of its family, and compared. Each side has to have two languages.
    """
    left, facts = _left(run, _low_resource(run)), run.tables.facts

    def supported(code: str) -> bool:
        family = facts.languages[code]["family"]
        return any(facts.languages[other]["family"] == family for other in facts.compared if other != code and family)

    sides = {side: [value for code, value in left.items() if supported(code) == side] for side in (True, False)}
    if not all(sides.values()):
        raise NotMeasured("it takes languages with a share of their text both with and without another one of their family")
    formula = "variant_differences, value and main_value, means over layers above 0"
    value = float(np.mean(sides[True]) - np.mean(sides[False]))
    return [Finding(value=value, n=len(left), formula=formula, unit=POINTS, why=_few(min(map(len, sides.values()))))]


def gain_of_sampling(run: JudgedComparison) -> list[Finding]:
    """How much more of its mean signature a language with a share of its text keeps if it is drawn more often, in points (5.2; D)."""
    low, facts = _left(run, _low_resource(run)), run.tables.facts
    if not (resampled := [name for name in facts.resampled if name in facts.cut]):
        raise NotMeasured(NONE_RESAMPLED)
    drawn = _left(run, resampled)
    if not (both := sorted(low.keys() & drawn.keys())):
        raise NotMeasured("no language with a share of its text is drawn both ways")
    gains = [drawn[code] - low[code] for code in both]
    formula = "variant_differences, value and main_value, means over layers above 0"
    return [Finding(value=float(np.mean(gains)), n=len(gains), formula=formula, unit=POINTS, why=_few(len(gains)))]


def _published(run: JudgedComparison) -> str:
    if not run.tables.facts.elsewhere:
        raise NotMeasured(NONE_ELSEWHERE)
    return run.tables.facts.elsewhere[0]


def trend_of_published(run: JudgedComparison) -> list[Finding]:
    """Mean signatures with a published model in place of E: whether inner layers rank alike, and the first and last fall short (5.1).

    Of the first and last layer: the mean over languages, in per cent of the inner layers' median, less the same with E, in points.
    """
    rows = _differences(run, _published(run), least_layer=0)
    means = rows.groupby("layer")[["value", "main_value"]].mean().sort_index()
    inner = means.iloc[1:-1]
    if len(inner) < 3:
        raise NotMeasured(f"n too small: {len(inner)} layers between the first and the last")
    formula, n = "variant_differences, value and main_value, means over languages", rows["language"].nunique()
    rho = float(stats.spearmanr(inner["value"], inner["main_value"]).statistic)
    by_inner = 100 * means / inner.median()
    found = [Finding(part="inner layers", value=rho, n=len(inner), formula=f"{formula}; Spearman's rho over inner layers")]
    for name, layer in (("first layer", means.index[0]), ("last layer", means.index[-1])):
        less = float(by_inner.loc[layer, "value"] - by_inner.loc[layer, "main_value"])
        found.append(Finding(part=name, value=less, n=n, formula=formula, unit=POINTS))
    return found


def correlation_of_published(run: JudgedComparison, *, factors: Sequence[str]) -> list[Finding]:
    """Pearson's r of mean signatures with a published model in place of E and a factor, mean over layers (5.1)."""
    variant = _published(run)
    return each(factors, lambda factor: correlation_of(run, factor, variant=variant), FACTORS.__getitem__)


def alike_in_published(run: JudgedComparison, *, factors: Sequence[str]) -> list[Finding]:
    """How far the correlations with a published model in place of E are from those with E (5.1)."""
    variant = _published(run)

    def of(factor: str) -> Finding:
        one, other = correlation_of(run, factor, variant=variant), correlation_of(run, factor)
        if one.value is None or other.value is None:
            return Finding(formula=one.formula, why=one.why or other.why)
        formula = "signature_correlations, r, mean over layers, difference"
        return Finding(value=one.value - other.value, n=one.n, formula=formula, why=one.why or other.why)

    return each(factors, of, FACTORS.__getitem__)


def cut_languages(run: JudgedComparison) -> list[Finding]:
    """Which languages have a share of their text alone, how much of it, and in how many comparisons (5.2)."""
    variants = _low_resource(run)
    shares = {code: share for name in variants for code, share in run.tables.facts.cut[name].items()}
    said = ", ".join(f"{code} {100 * share:g} %" for code, share in sorted(shares.items()))
    many = f"in {len(variants)} comparison{'s' * (len(variants) > 1)}"
    return [Finding(text=f"{said}, {many}", n=len(shares), formula="the configuration")]
