"""What RESULTS.md says of signatures (paper 2), in sentences: each is made of the numbers in its tables, with how many they are of."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pandas as pd

from xlprobe.artifacts.categories import ALL_WORDS, CATEGORIES
from xlprobe.metrics.last_signatures import AS_PRINTED, PUBLISHED, SECOND_VERDICT
from xlprobe.metrics.model_tables import TASKS
from xlprobe.metrics.signature_agreement import CURVES, LEARNING_STEPS, LOSSES
from xlprobe.metrics.signature_tables import SIGNATURES, SignatureTables
from xlprobe.metrics.signature_trajectories import LAST, OVER_STEPS, PER_STEP
from xlprobe.report.headlines import counted

# As printed, and the second verdict (STATISTICS of metrics/signature_trends.parquet): a raw mean grows with the model's vectors.
VERDICTS = {
    "per layer, raw, as printed": AS_PRINTED,
    "joint, standardised, the second verdict": SECOND_VERDICT,
}
# The same of signatures over steps.
FOLLOWED_VERDICTS = {"one standardised fit of all steps": OVER_STEPS, "per step, raw, as printed": PER_STEP}
# Reasons that are shown for languages without a value.
MOST_REASONS = 3

Row = dict[Any, Any]


def signature_findings(tables: SignatureTables) -> Iterator[str]:
    """Sentences on the main comparison: what is compared, means by layer, trees, strength, probes, and what is absent."""
    yield _compared(tables)
    for name, (fit, scale) in VERDICTS.items():
        yield from _means(tables, name, fit, scale)
        yield from _trees(tables, name, fit, scale)
    yield from _strength(tables)
    for name, way in FOLLOWED_VERDICTS.items():
        yield from _agreement(tables, name, way)
    yield from _absent(tables)


def _compared(tables: SignatureTables) -> str:
    facts = tables.facts
    several = f", {len(facts.variants)} variants ({', '.join(facts.variants)})" if len(facts.variants) > 1 else ""
    of = f"{counted(len(facts.compared), 'language')}, {len(facts.categories)} of {len(CATEGORIES)} categories{several}"
    return f"Compared: {of}. Below, {tables.model()}."


def _of_all_words(tables: SignatureTables, name: str, fit: str, scale: str) -> pd.DataFrame:
    table = tables.table(name)
    return table[(table["category"] == ALL_WORDS) & (table["fit"] == fit) & (table["scale"] == scale) & (table["signature"] == PUBLISHED)]


def _means(tables: SignatureTables, name: str, fit: str, scale: str) -> Iterator[str]:
    spreads = _of_all_words(tables, "signature_spreads", fit, scale).sort_values("layer")
    known = spreads[spreads["mean"].notna()]
    if known.empty:
        why = "; ".join(dict.fromkeys(spreads["reason"].dropna())) or "the run makes no such fit"
        yield f"Mean signature of all words ({name}): none, {why}."
        return
    (first, *_), (*_, last) = (known.to_dict("records"),) * 2
    least = min(known.to_dict("records"), key=lambda row: row["mean"])
    ends = " → ".join(f"{row['mean']:.4g} at layer {row['layer']} (n = {row['languages']})" for row in (first, last))
    yield (
        f"Mean signature of all words ({name}): {ends}, over n languages; lowest {least['mean']:.4g} at layer {least['layer']}."
        f" {_trend(tables, fit, scale)}"
    )


def _trend(tables: SignatureTables, fit: str, scale: str) -> str:
    """Whether it falls over layers: the mean, and how many languages."""
    trends = _of_all_words(tables, "signature_trends", fit, scale)
    of_mean, of_each = trends[trends["language"].isna()], trends[trends["language"].notna()]
    if of_mean.empty or pd.isna(of_mean.iloc[0]["tau"]):
        why = None if of_mean.empty else of_mean.iloc[0]["reason"]
        return f"No trend over layers: {why or 'none is taken'}."
    mean = of_mean.iloc[0]
    tested = of_each[of_each["direction"].notna()]
    directions = Counter(tested["direction"])
    too_small = f" {int(mean['n'])} layers are too few for any claim." if mean["n_too_small"] else ""
    return (
        f"Over layers the mean has Kendall's tau {mean['tau']:.2f} ({_p(mean['p'])}; n = {int(mean['n'])} layers);"
        f" {directions['decreasing']} of {counted(len(tested), 'language')} fall and {directions['increasing']} rise (Mann-Kendall, false"
        f" discovery rate 0.05).{too_small}"
    )


def _trees(tables: SignatureTables, name: str, fit: str, scale: str) -> Iterator[str]:
    trees = _of_all_words(tables, "language_trees", fit, scale)
    middle = trees[trees["layer"] == trees["middle_layer"]]
    if middle.empty:
        return
    tree = middle.iloc[0]
    where = f"Tree of the languages at layer {tree['layer']}, all words ({name})"
    if pd.isna(tree["share"]):
        yield f"{where}: no score, {tree['reason'] or 'families resolve no quartet'} (n = {tree['languages']} languages)."
        return
    claim = " So few leaves support no claim." if tree["n_too_small"] else ""
    yield (
        f"{where}: it divides {int(tree['agreed'])} of {int(tree['resolved'])} quartets of languages as families, genera and branches do"
        f" ({100 * tree['share']:.0f} %, a third by chance); of permuted leaves 5 % exceed {100 * tree['permuted_high']:.0f} %"
        f" ({_p(tree['permutation_p'])}, n = {tree['languages']} languages).{claim}"
    )


def _strength(tables: SignatureTables) -> Iterator[str]:
    """How far covariances stand above those of words paired at random."""
    table = tables.table(SIGNATURES)
    table = table[(table["category"] == ALL_WORDS) & table["norm"].notna() & (table["norm_shuffled"] > 0)]
    if table.empty:
        return
    scale = "standardised" if "standardised" in {*table["scale"]} else "raw"
    # Of each language and layer all fits have the same.
    of_scale = table[table["scale"] == scale].drop_duplicates(["language", "layer"])
    ratios = (of_scale["norm"] / of_scale["norm_shuffled"]).groupby(of_scale["layer"])
    parts = [
        f"layer {layer}: median {found.median():.1f}, {found.min():.1f} to {found.max():.1f} (n = {len(found)} languages)"
        for layer, found in (group for place, group in enumerate(ratios) if place in (0, ratios.ngroups - 1))
    ]
    yield (
        f"Strength of the covariances at the last step, their norm by that of words paired at random ({scale}): {'; '.join(parts)}. Near 1,"
        " a signature is noise."
    )


def _agreement(tables: SignatureTables, name: str, way: tuple[str, str]) -> Iterator[str]:
    """Whether signatures and probes agree on when languages are learned, and on forgetting."""
    table = tables.table("signature_agreement")
    table = table[(table["depth"] == LAST) & (table["fit"] == way[0]) & (table["scale"] == way[1])]
    curves = table[table["compared"] == CURVES]
    if curves.empty:
        return
    layers, steps = (" and ".join(f"{value:,}" for value in sorted({*curves[column]})) for column in ("layer", "n"))
    where = f"signatures and probes ({name}; layer {layers}, {steps} steps)"
    for compared, what in ((LEARNING_STEPS, "When a language is learned, to a checkpoint"), (LOSSES, "Whether a language is forgotten")):
        rows = table[table["compared"] == compared].to_dict("records")
        # Tasks in the order of paper 1.
        order = {task: place for place, task in enumerate(TASKS)}
        rows.sort(key=lambda row: (order.get(row["task"], len(order)), row["task"]))
        yield f"{what}, {where} agree: {'; '.join(_agreed(row, compared) for row in rows)}."
    rhos = curves["rho"].dropna()
    of_curves = f": median {rhos.median():.2f}, {rhos.min():.2f} to {rhos.max():.2f}" if len(rhos) else ": none"
    claim = " So few steps support no claim." if curves["n_too_small"].all() else ""
    yield (
        f"Spearman's rho over steps of {where}{of_curves} (n = {counted(len(rhos), 'curve')}). Two curves that rise have a high one,"
        f" whatever they have in common.{claim}"
    )


def _agreed(row: Row, compared: str) -> str:
    """On how many languages of a task, by chance, on which not, and whether both order the languages alike."""
    task = f"in {TASKS.get(row['task'], row['task'].replace('_', ' '))}"
    if not row["asked"]:
        return f"{task} not known of any language"
    by_chance: str = "" if pd.isna(row["agreeing_by_chance"]) else f" ({row['agreeing_by_chance']:.1f} by chance)"
    but = f", not on {', '.join(row['disagreeing'].split())}" if row["disagreeing"] else ""
    said = f"{task} on {int(row['agreeing'])} of {counted(int(row['asked']), 'language')}{by_chance}{but}"
    if pd.isna(row["rho"]):
        return said
    of = {LEARNING_STEPS: "the order in which languages are learned", LOSSES: "losses"}[compared]
    interval = "" if pd.isna(row["low"]) else f", {row['low']:.2f} to {row['high']:.2f}"
    p = row["p"] if pd.isna(row["permutation_p"]) else row["permutation_p"]
    claim = ", too few for a claim" if row["n_too_small"] else ""
    return f"{said}, rho of {of} {row['rho']:.2f}{interval} ({_p(p)}, n = {counted(int(row['n']), 'language')}{claim})"


def _absent(tables: SignatureTables) -> Iterator[str]:
    facts, table = tables.facts, tables.table(SIGNATURES)
    if skipped := [title for name, title in CATEGORIES.items() if name not in facts.categories]:
        yield f"Absent: {counted(len(skipped), 'category').replace('categorys', 'categories')} not taken ({', '.join(skipped)})."
    pairs = table.drop_duplicates(["language", "category"])
    lacking = pairs[pairs["instances"] < facts.fewest]
    if len(lacking):
        none = sorted({*pairs["category"]} - {*pairs.loc[pairs["instances"] >= facts.fewest, "category"]})
        empty = f"; of {', '.join(CATEGORIES[name] for name in none)} no language has so many" if none else ""
        yield (f"Absent: {len(lacking)} of {len(pairs)} pairs of a language and a category, with fewer than {facts.fewest:,} words{empty}.")
    others = table[table["mean_published"].isna() & (table["instances"] >= facts.fewest)]
    reasons = Counter(others["reason"].fillna("no reason is given"))
    if reasons:
        named = "; ".join(f"{why} ({count:,})" for why, count in reasons.most_common(MOST_REASONS))
        yield f"Absent for other reasons: {len(others):,} of {len(table):,} rows of `metrics/signatures.parquet`: {named}."


def _p(value: float) -> str:
    return "p –" if pd.isna(value) else "p < 0.001" if value < 0.001 else f"p = {value:.3f}"
