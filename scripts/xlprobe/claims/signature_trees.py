"""Claims on how far apart languages' signatures are, and the trees that they make (paper 2: 5.3 and E.1, Figures 5 and 8)."""

from collections.abc import Sequence
from functools import partial

import pandas as pd

from xlprobe.artifacts.categories import ALL_WORDS
from xlprobe.claims.comparison import DECIMALS, MIDDLE, JudgedComparison
from xlprobe.claims.curve_values import each
from xlprobe.claims.finding import PERCENT, POINTS, Finding, NotMeasured
from xlprobe.metrics.training_outcomes import one_language

# Fewer have but a few quartets: five have five.
FEWEST_LEAVES = 6
# The two trees of Figure 8, both of the middle layer: of all words, and of the mean over all other categories.
TREES = {"all words": ALL_WORDS, "mean of categories": None}


def _tree(run: JudgedComparison, tree: str) -> "pd.Series[float]":
    """The row of a tree of the middle layer.

    Raises:
        NotMeasured: it has no score.
    """
    category = TREES[tree]
    rows = run.rows("language_trees", category=category if category is None else run.taken(category), layer=run.layer(MIDDLE))
    if pd.isna((row := rows.iloc[0])["share"]):
        raise NotMeasured(str(row["reason"]))
    return row


def tree_agreement(run: JudgedComparison, *, trees: Sequence[str]) -> list[Finding]:
    """How many of the quartets of languages that families, genera and branches resolve a tree divides the same way, in per cent (Abstract).

    p: the share of permutations of its leaves that agree at least as much.
    """

    def of(name: str) -> Finding:
        row = _tree(run, _tree_name(name))
        why = f"n too small: {int(row['languages'])} leaves" if row["n_too_small"] else ""
        found = partial(Finding, n=int(row["languages"]), formula="language_trees, share of quartets", unit=PERCENT, why=why)
        return found(value=100 * float(row["share"]), p=float(row["permutation_p"]))

    return each(trees, of, _tree_name)


def _tree_name(argument: str) -> str:
    """`all_words` as it is read."""
    return argument.replace("_", " ")


def better_tree_of_categories(run: JudgedComparison) -> list[Finding]:
    """By how many points the tree of the mean over categories agrees better than that of all words (E.1).

    And whether two pairs of languages are sisters there: 100 or 0 per cent.
    """
    formula = "language_trees, share of quartets, difference"
    of_words, of_mean = tree_agreement(run, trees=[*TREES])
    known = of_words.value is not None and of_mean.value is not None
    better = of_mean.value - of_words.value if of_mean.value is not None and of_words.value is not None else None
    why = of_mean.why or of_words.why
    found = [Finding(part="agreement", value=better, n=of_mean.n if known else None, formula=formula, unit=POINTS, why=why)]
    pairs = {"ar and he": "Arabic and Hebrew", "ja and zh": "Chinese and Japanese"}
    return [*found, *each(pairs, lambda pair: _placed(run, "pair", pair, "monophyletic", None), pairs.__getitem__)]


def _placed(run: JudgedComparison, level: str, group: str, column: str, category: str | None = ALL_WORDS) -> Finding:
    """Where a group lies in a tree of the middle layer: `monophyletic`, in per cent 100 or 0; or the share in its largest pure clade."""
    rows = run.rows("language_groups", category=category, layer=run.layer(MIDDLE))
    rows = rows[(rows["level"] == level) & (rows["group"] == group)]
    if rows.empty:
        raise NotMeasured(f"fewer than two languages of {group} are compared")
    row = rows.iloc[0]
    if pd.isna(row["monophyletic"]):
        raise NotMeasured(str(row["reason"]))
    value = 100 * float(row["monophyletic"] if column == "monophyletic" else row["largest_pure"] / row["n"])
    return Finding(value=value, n=int(row["n"]), formula=f"language_groups, {column}", unit=PERCENT)


def groups_in_tree(run: JudgedComparison, *, level: str, groups: Sequence[str], counted: str) -> list[Finding]:
    """What share of a group's languages lies in one clade without others, in per cent; or whether all do, 100 or 0 (E.1; Figure 8a).

    Args:
        level: family, genus or branch.
        groups: with `_` for a blank.
        counted: share, or all.
    """
    column = "monophyletic" if counted == "all" else "largest_pure"
    return each(groups, lambda group: _placed(run, level, group.replace("_", " "), column), lambda group: group.replace("_", " "))


def trees_over_layers(run: JudgedComparison) -> list[Finding]:
    """What share of the middle layer's quartets other layers' trees divide the same way, in per cent, mean over layers (E.1)."""
    rows = run.rows("language_trees", category=run.taken(ALL_WORDS))
    shares = rows["middle_share"].astype(float).dropna()
    if shares.empty:
        raise NotMeasured("; ".join(rows["reason"].dropna().unique()) or "there is one layer alone")
    leaves = int(rows["languages"].min())
    few = f"{len(shares)} other layer" if len(shares) < 2 else f"{leaves} leaves" if leaves < FEWEST_LEAVES else ""
    why = f"n too small: {few}" if few else ""
    return [Finding(value=100 * float(shares.mean()), n=len(shares), formula="language_trees, middle_share", unit=PERCENT, why=why)]


def far_languages(run: JudgedComparison, *, languages: Sequence[str], layers: Sequence[str]) -> list[Finding]:
    """The share of the other languages that are nearer to all others in the mean: the least, over some layers, of each language (5.3)."""
    rows = run.rows("language_distances", category=run.taken(ALL_WORDS))
    means = []
    for layer in map(run.layer, layers):
        own = rows[(rows["layer"] == layer) & rows["published"].notna()]
        both = pd.concat([own[["language", "published"]], own[["other", "published"]].rename(columns={"other": "language"})])
        means.append(both.assign(published=both["published"].astype(float)).groupby("language")["published"].mean())

    # Chinese in either script is zh.
    named = [found.round(DECIMALS).groupby(found.index.map(one_language)).first() for found in means]

    def of(code: str) -> Finding:
        if not all(code in found and len(found) > 2 for found in named):
            raise NotMeasured(f"the language {code} has no distances")
        shares = [float((found.drop(code) < found[code]).mean()) for found in named]
        return Finding(value=100 * min(shares), n=len(named[0]), formula="language_distances, published, means", unit=PERCENT)

    return each(languages, of, str)
