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
from xlprobe.metrics.signature_tables import SIGNATURES

# Of fewer languages nothing is said on what happens to languages.
FEWEST = 2
NONE_ROMANISED = "no comparison has romanised languages beside the main one (config key signatures.variants)"
NONE_CUT = "no comparison has a language with a share of its text alone (config keys corpus.variants.*.share, signatures.variants)"
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
        raise NotMeasured("; ".join(rows["reason"].dropna().unique()) or f"comparison {variant} has no such language at these layers")
    return known.astype({"value": float, "main_value": float})


def _few(languages: int) -> str:
    """Why a number of so many languages decides nothing; empty where it does."""
    return f"n too small: {languages} language" if languages < FEWEST else ""


def _closer(run: JudgedComparison) -> Finding:
    facts = run.tables.facts
    others = {facts.main, *facts.cut, *facts.resampled, *facts.elsewhere}
    added = {name: {*facts.romanised.get(name, ())} - {*facts.romanised.get(facts.main, ())} for name in facts.variants}
    variants = [name for name, codes in added.items() if codes and name not in others]
    if not variants:
        raise NotMeasured(NONE_ROMANISED)
    parts = pd.concat([_differences(run, name, added[name]) for name in variants])
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


def _change(run: JudgedComparison, variant: str, code: str) -> float:
    """A language's mean signature over layers above 0 in a comparison, less that in the main one, in per cent of the latter.

    Raises:
        NotMeasured: there is none.
    """
    own = _differences(run, variant, [code])
    if not (of_main := own["main_value"].mean()):
        raise NotMeasured(f"the mean signature of {code} is 0 in the main comparison, of which there is no share")
    return float(100 * (own["value"].mean() / of_main - 1))


def _low_resource(run: JudgedComparison) -> list[str]:
    """The comparisons in which languages have a share of their text, and are drawn as in the main one."""
    facts = run.tables.facts
    if not (found := [name for name in facts.variants if name in facts.cut and name not in facts.resampled]):
        raise NotMeasured(NONE_CUT)
    return found


def _changes(run: JudgedComparison) -> dict[str, tuple[float, float]]:
    """By language that has a share of its text: the share, and how its mean signature changes; of several comparisons in the first."""
    found: dict[str, tuple[float, float]] = {}
    reasons = []
    for name in _low_resource(run):
        for code, share in run.tables.facts.cut[name].items():
            try:
                found.setdefault(code, (share, _change(run, name, code)))
            except NotMeasured as error:
                reasons.append(str(error))
    if not found:
        raise NotMeasured("; ".join(dict.fromkeys(reasons)))
    return found


def low_resource_change(run: JudgedComparison, *, languages: Sequence[str], share: float) -> list[Finding]:
    """How a language's mean signature over layers above 0 changes if it has a share of its text alone, in per cent (5.2; D)."""
    variants, cut = _low_resource(run), run.tables.facts.cut

    def of(code: str) -> Finding:
        found = [name for name in variants if np.isclose(cut[name].get(code, np.nan), share)]
        if not found:
            raise NotMeasured(f"no comparison has the language {code} with {100 * share:g} % of its text")
        formula = "variant_differences, value and main_value, means over layers above 0"
        return Finding(value=_change(run, found[0], code), n=1, formula=formula, unit=PERCENT)

    return each(languages, of, str)


def support_of_relatives(run: JudgedComparison) -> list[Finding]:
    """How much more of its mean signature a language with a share of its text keeps if it has relatives, in points (1; 5.2).

    Relatives are of its family, and compared. Each side has to have two languages.
    """
    changes, facts = _changes(run), run.tables.facts

    def supported(code: str) -> bool:
        family = facts.languages[code]["family"]
        return any(facts.languages[other]["family"] == family for other in facts.compared if other != code and family)

    sides = {side: [change for code, (_, change) in changes.items() if supported(code) == side] for side in (True, False)}
    if not all(sides.values()):
        raise NotMeasured("it takes languages with a share of their text both with and without another one of their family")
    formula = "variant_differences, value and main_value, means over layers above 0"
    value = float(np.mean(sides[True]) - np.mean(sides[False]))
    return [Finding(value=value, n=len(changes), formula=formula, unit=POINTS, why=_few(min(map(len, sides.values()))))]


def gain_of_sampling(run: JudgedComparison) -> list[Finding]:
    """How much more of its mean signature a language with a share of its text keeps if it is drawn more often, in points (5.2; D).

    Of languages that have the same share both ways.
    """
    changes, facts = _changes(run), run.tables.facts
    drawn = [(name, code, share) for name in facts.resampled for code, share in facts.cut.get(name, {}).items()]
    if not drawn:
        raise NotMeasured(NONE_RESAMPLED)
    gains: dict[str, float] = {}
    for name, code, share in drawn:
        if code in changes and np.isclose(changes[code][0], share):
            gains.setdefault(code, _change(run, name, code) - changes[code][1])
    if not gains:
        raise NotMeasured("no language with the same share of its text is drawn both ways")
    formula = "variant_differences, value and main_value, means over layers above 0"
    return [Finding(value=float(np.mean([*gains.values()])), n=len(gains), formula=formula, unit=POINTS, why=_few(len(gains)))]


def _published(run: JudgedComparison) -> str:
    """The first comparison with a published model.

    Raises:
        NotMeasured: there is none, or it has other layers or languages than the main one.
    """
    if not run.tables.facts.elsewhere:
        raise NotMeasured(NONE_ELSEWHERE)
    variant = run.tables.facts.elsewhere[0]
    for column in ("layer", "language"):
        own, of_main = ({*run.rows(SIGNATURES, name)[column]} for name in (variant, run.tables.facts.main))
        if own != of_main:
            raise NotMeasured(f"comparison {variant} has other {column}s than {run.tables.facts.main}, so that means over them say nothing")
    return variant


def trend_of_published(run: JudgedComparison) -> list[Finding]:
    """Mean signatures with a published model in place of E: whether inner layers rank alike, and the first and last fall short (5.1).

    Of the first and last layer: the mean over languages, in per cent of the inner layers' median, less the same with E, in points.
    """
    rows = _differences(run, _published(run), least_layer=0)
    means = rows.groupby("layer")[["value", "main_value"]].mean().sort_index()
    inner = means.iloc[1:-1]
    if len(inner) < 3:
        raise NotMeasured(f"n too small: {len(inner)} layers between the first and the last")
    if (inner.nunique() < 2).any() or not inner.median().all():
        raise NotMeasured("mean signatures of the inner layers do not vary, or their median is 0")
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
    shares = sorted({(code, share) for name in variants for code, share in run.tables.facts.cut[name].items()})
    said = ", ".join(f"{code} {100 * share:g} %" for code, share in shares)
    many = f"in {len(variants)} comparison{'s' * (len(variants) > 1)}"
    return [Finding(text=f"{said}, {many}", n=len(shares), formula="the configuration")]
