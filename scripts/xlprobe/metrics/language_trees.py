"""The trees that signatures make of languages, and how they agree with those that linguists draw (paper 2, 5.3 and E.1, Figure 8).

Paper 2 looks at two trees and finds that families and genera lie together. Here each tree has a score: of the quartets of languages
that families, genera and branches resolve, the share that it resolves the same way, against permuted leaves; and of each group, whether
it makes a clade (`xlprobe.statistics.language_trees`).
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from xlprobe.metrics.language_distances import SIGNATURES, LanguageDistances
from xlprobe.statistics.correlation import LEVEL
from xlprobe.statistics.language_trees import (
    Clade,
    LanguageTree,
    cophenetic_correlation,
    group_placement,
    reference_clades,
    tree_score,
    upgma,
)

TREES, GROUPS = "language_trees.schema.yaml", "language_groups.schema.yaml"
# Permutations behind a p-value, the tree's own beside them: a thousand.
SAMPLED = 999
LEVELS = ("family", "genus", "branch")
PAIR = "pair"
# "Arabic and Hebrew are now in the same branch, and Chinese and Japanese are in their own branch" (E.1); of Chinese either script.
PAIRS = (("ar", "he"), ("ja", "zh"))

Facts = Mapping[str, Mapping[str, str]]
Row = dict[str, Any]


@dataclass(frozen=True)
class LanguageGroup:
    """Languages that belong together: a family, a genus, a branch, or a pair that paper 2 names."""

    level: str
    name: str
    members: tuple[str, ...]


@dataclass(frozen=True)
class _Drawn:
    """What comes of some distances: a tree of those languages that have any, or a reason."""

    names: Mapping[str, Any]
    left_out: tuple[str, ...]
    languages: tuple[str, ...]
    distance_LL: np.ndarray
    tree: LanguageTree | None
    reason: str

    @property
    def kin(self) -> tuple[Any, ...]:
        """What trees of other layers share with it."""
        return tuple(self.names[name] for name in ("category", "fit", "scale", "signature"))


def groups_of(languages: Sequence[str], facts: Facts) -> list[LanguageGroup]:
    """The families, genera and branches that two or more of some languages share, and the pairs that are there.

    A genus that is called as its family (a world's) is none. The second of a pair may be of any script (zh-Hant, zh-Hans).
    """
    found: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for code in sorted(languages):
        lineage = tuple(facts[code].get(level, "") for level in LEVELS)
        for depth, name in enumerate(lineage):
            if name and (depth == 0 or name != lineage[depth - 1]):
                found[lineage[: depth + 1]].append(code)
    groups = [LanguageGroup(LEVELS[len(lineage) - 1], lineage[-1], tuple(codes)) for lineage, codes in found.items() if len(codes) > 1]
    groups.sort(key=lambda group: (LEVELS.index(group.level), group.name))
    for pair in PAIRS:
        of_pair = [[code for code in sorted(languages) if code.partition("-")[0] == wanted] for wanted in pair]
        if all(of_pair):
            groups.append(LanguageGroup(PAIR, " and ".join(pair), tuple(codes[0] for codes in of_pair)))
    return groups


def tree_rows(distances: Sequence[LanguageDistances], facts: Facts, sampled: int = SAMPLED) -> tuple[list[Row], list[Row]]:
    """The rows of `language_trees` and of `language_groups` of a comparison.

    Args:
        distances: all of the comparison, of which the middle layer is sought.
        facts: by language, its family, genus and branch; blank where it has none.
        sampled: permutations of leaves.
    """
    drawn = [_draw(found, signature) for found in distances for signature in SIGNATURES]
    middle = _middle_trees(drawn)
    trees: list[Row] = []
    groups: list[Row] = []
    for one in drawn:
        lineages = {code: [facts[code].get(level, "") for level in LEVELS] for code in one.languages}
        trees.append(_tree_row(one, reference_clades(lineages), *middle[one.kin], sampled))
        groups += _group_rows(one, groups_of([*one.languages, *one.left_out], facts))
    return trees, groups


def _draw(found: LanguageDistances, signature: str) -> _Drawn:
    distance_LL = found.by_signature[signature]
    off_LL = ~np.isnan(distance_LL) & ~np.eye(len(distance_LL), dtype=bool)
    places = np.flatnonzero(off_LL.any(axis=1))
    kept = tuple(found.languages[place] for place in places)
    left_out = tuple(code for code in found.languages if code not in kept)
    own_LL, names = distance_LL[np.ix_(places, places)], {**found.names, "signature": signature}
    if len(kept) < 2:
        reason = f"of {len(found.languages)} languages fewer than two have a signature here, which makes no tree"
        return _Drawn(names, left_out, kept, own_LL, None, reason)
    return _Drawn(names, left_out, kept, own_LL, upgma(kept, own_LL), "")


def _middle_trees(drawn: Sequence[_Drawn]) -> dict[tuple[Any, ...], tuple[int, LanguageTree | None]]:
    """Of each category, fit, scale and signature, the layer in the middle of those that are there (6 of paper 2's 13), and its tree."""
    by_kin: dict[tuple[Any, ...], dict[int, LanguageTree | None]] = defaultdict(dict)
    for one in drawn:
        by_kin[one.kin][one.names["layer"]] = one.tree
    middle = {kin: sorted(layers)[len(layers) // 2] for kin, layers in by_kin.items()}
    return {kin: (layer, by_kin[kin][layer]) for kin, layer in middle.items()}


def _tree_row(one: _Drawn, reference: Sequence[Clade], middle_layer: int, middle: LanguageTree | None, sampled: int) -> Row:
    row = {**one.names, "languages": len(one.languages), "left_out": _list(one.left_out), "middle_layer": middle_layer}
    if one.tree is None:
        return row | {"n_too_small": True, "reason": one.reason}
    score = tree_score(one.tree, reference, sampled)
    row |= {
        "newick": one.tree.newick(),
        "ties": one.tree.ties,
        "cophenetic_r": cophenetic_correlation(one.tree, one.distance_LL),
        "resolved": score.resolved,
        "agreed": None if score.reason else score.agreed,
        "share": score.share,
        "permuted_high": score.permuted_high,
        "permutation_p": score.permutation_p,
        "smallest_p": score.smallest_p,
        "enumerated": None if score.reason else score.enumerated,
        "n_too_small": score.n_too_small,
        "reason": score.reason or None,
    }
    if middle is not None and one.names["layer"] != middle_layer:
        # No p-value is asked for: neighbouring layers are alike.
        alike = tree_score(one.tree, middle.clades(), sampled=1)
        row |= {"middle_resolved": alike.resolved, "middle_share": alike.share}
    return row


def _group_rows(one: _Drawn, groups: Sequence[LanguageGroup]) -> Iterator[Row]:
    for group in groups:
        members = [code for code in group.members if code in one.languages]
        row = {
            **one.names,
            "level": group.level,
            "group": group.name,
            "members": _list(members),
            "left_out": _list([code for code in group.members if code not in members]),
            "leaves": len(one.languages),
            "n": len(members),
        }
        if one.tree is None:
            yield row | {"n_too_small": True, "reason": one.reason}
            continue
        found = group_placement(one.tree, members)
        if found.reason:
            yield row | {"n_too_small": True, "reason": found.reason}
            continue
        smallest = _smallest_p(one.tree, len(members))
        placed = {"monophyletic": found.monophyletic, "spanned": found.spanned, "purity": found.purity}
        placed |= {"largest_pure": found.largest_pure, "p": found.p, "smallest_p": smallest}
        yield row | placed | {"n_too_small": smallest > LEVEL}


def _smallest_p(tree: LanguageTree, n: int) -> float:
    """The lowest p that a group of n leaves can have in this tree: that of some in the smallest clade that holds so many."""
    tightest = min((clade for clade in tree.clades() if len(clade) >= n), key=len)
    return group_placement(tree, sorted(tightest)[:n]).p


def _list(codes: Sequence[str]) -> str:
    return " ".join(codes)
