"""Trees of languages from the cosine distances of their signatures, and how far they are like the trees that linguists draw.

Paper 2 (5.3 and E.1; Figs. 5 and 8) draws such trees by UPGMA and says that families and genera lie together. A tree score says how much:
of each four languages whose reference tree puts two and two together (a quartet), whether the drawn tree puts the same two together.
A tree of two branches everywhere does so for a third of them by chance, whatever its shape; permuted leaves tell how far chance goes.
A large group weighs most: of the 29,610 quartets that families, genera and branches of paper 2's 33 languages resolve, 12,705 hold two
of the 22 Indo-European languages and two others. Genera alone are another reference, for `reference_clades` to make.

Shape letters: L languages, D dimensions of a signature, C categories, P unordered pairs of languages, M = L - 1 merges, R permutations.
"""

import math
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.cluster import hierarchy
from scipy.spatial.distance import squareform

from xlprobe.statistics.correlation import ENUMERATED_LANGUAGES, LEVEL, SAMPLED, permutations, share_as_large

# Distances that differ by less are ties: what is left is rounding, which differs from processor to processor.
DECIMALS = 10
# A quartet has four.
FEWEST_LEAVES = 4
_PLAIN_LABEL = re.compile(r"[A-Za-z0-9.-]+")

Clade = frozenset[str]


@dataclass(frozen=True)
class LanguageTree:
    """A rooted tree with two branches at each node.

    Nodes are numbered as by scipy: leaves from 0 to L - 1, then nodes by their height; the last is the root.
    """

    leaves: tuple[str, ...]  # by name
    merges: tuple[tuple[int, int], ...]  # [M], the two nodes under node L, L + 1 ...
    distances: tuple[float, ...]  # [M], the mean distance between the leaves of the two
    ties: int  # merges at which one of the two could as well have met another: then the tree is one of several

    @cached_property
    def _members(self) -> tuple[Clade, ...]:
        """The leaves under each node."""
        members = [frozenset({leaf}) for leaf in self.leaves]
        for one, other in self.merges:
            members.append(members[one] | members[other])
        return tuple(members)

    def clades(self) -> tuple[Clade, ...]:
        """The sets of leaves under the nodes, from the lowest up; the root, which holds all, is the last; single leaves are none."""
        return self._members[len(self.leaves) :]

    def linkage(self) -> np.ndarray:
        """As scipy's, [M, 4], e.g. for its `dendrogram`."""
        sizes = [len(clade) for clade in self.clades()]
        return np.column_stack([np.array(self.merges, dtype=float), self.distances, np.array(sizes, dtype=float)])

    def newick(self) -> str:
        """The tree with the lengths of its branches, to six digits; of two nodes, that with the first name comes first.

        A node stands at half the distance that it was merged at, so that the path between two leaves is as long as that distance.
        """
        first_leaf = len(self.leaves)
        texts = [leaf if _PLAIN_LABEL.fullmatch(leaf) else "'" + leaf.replace("'", "''") + "'" for leaf in self.leaves]
        heights = [0.0] * first_leaf + [distance / 2 for distance in self.distances]
        for node, pair in enumerate(self.merges, start=first_leaf):
            ordered = sorted(pair, key=lambda child: min(self._members[child]))
            inner = ",".join(f"{texts[child]}:{max(heights[node] - heights[child], 0):.6g}" for child in ordered)
            texts.append(f"({inner})")
        return texts[-1] + ";"


@dataclass(frozen=True)
class TreeScore:
    """How many quartets of a reference a tree agrees with; NaN where there is a reason."""

    leaves: int
    resolved: int  # quartets of which the reference says which two are together
    agreed: int = 0  # of these, those of which the tree says the same
    share: float = np.nan  # agreed / resolved; 1 / 3 by chance
    permuted_high: float = np.nan  # the share that 5 % of permutations exceed, at most
    permutation_p: float = np.nan  # one-sided: the share of permutations, the tree's own among them, that agree at least as much
    smallest_p: float = np.nan  # the lowest that could be found with these leaves
    enumerated: bool = False  # all permutations; else a seeded sample
    reason: str = ""  # why there is no score; else empty

    @property
    def n_too_small(self) -> bool:
        """Whether no p-value can be reached that supports a claim; so, too, where there is no score."""
        return not self.smallest_p <= LEVEL


@dataclass(frozen=True)
class GroupPlacement:
    """Where the languages of a group lie in a tree."""

    n: int  # members that the tree has
    monophyletic: bool = False  # they, and no others, make a clade
    spanned: int = 0  # leaves of the smallest clade that holds all of them
    purity: float = np.nan  # n / spanned
    largest_pure: int = 0  # members in the largest clade that has no others, a single leaf among these
    p: float = np.nan  # the share of all groups of n leaves of this tree that span as few
    reason: str = ""  # why there is nothing to say; else empty


def cosine_distances(signatures_LD: np.ndarray) -> np.ndarray:
    """1 - cosine of the signatures of two languages, [L, L]; from 0 to 2, and to 1 where no signature has a negative value.

    NaN to all others where a language has a NaN (it was not measured) or a signature of length 0 (it has no direction); 0 to itself.

    Raises:
        ValueError: no table, or infinite values.
    """
    signatures_LD = np.asarray(signatures_LD, dtype=float)
    if signatures_LD.ndim != 2 or np.isinf(signatures_LD).any():
        raise ValueError(f"signatures of shape {signatures_LD.shape} must be a table of languages by dimensions without infinite values")
    # Large and small values are brought into reach first, as their squares may not be.
    largest_L1 = np.abs(signatures_LD).max(axis=1, keepdims=True, initial=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        scaled_LD = signatures_LD / largest_L1
        unit_LD = scaled_LD / np.sqrt((scaled_LD**2).sum(axis=1, keepdims=True))
    distance_LL = np.clip(1 - unit_LD @ unit_LD.T, 0, 2)
    np.fill_diagonal(distance_LL, 0)
    return (distance_LL + distance_LL.T) / 2


def mean_distances(distances_CLL: np.ndarray, missing: float = 1.0) -> np.ndarray:
    """The mean of distances over categories, [L, L], of which Fig. 8b is drawn (paper 2, E.1).

    Where a language is missing in a category, its distance to all others, NaN, counts as 1.

    Raises:
        ValueError: no categories, or no tables of languages by languages.
    """
    distances_CLL = np.asarray(distances_CLL, dtype=float)
    if distances_CLL.ndim != 3 or not len(distances_CLL) or distances_CLL.shape[1] != distances_CLL.shape[2]:
        raise ValueError(f"distances of shape {distances_CLL.shape} must be at least one table of languages by languages")
    mean_LL = np.where(np.isnan(distances_CLL), missing, distances_CLL).mean(axis=0)
    np.fill_diagonal(mean_LL, 0)
    return mean_LL


def upgma(languages: Sequence[str], distance_LL: np.ndarray) -> LanguageTree:
    """The tree of the unweighted pair group method with arithmetic mean (Sokal & Michener 1958); without ties, scipy's average linkage.

    The order in which languages come plays no part: they are taken by name, and distances rounded to ten decimals, those between nodes,
    too. Where several pairs are as near, which of them is merged first may change the tree: that with the first name is (scipy leaves it
    to the last digit of a mean), and such merges are counted.

    Raises:
        ValueError: fewer than two languages, a name given twice, or a table that is not symmetric, has no 0 on its diagonal, negative
            distances, or none between two languages (NaN: leave such languages out).
    """
    distance_LL = np.asarray(distance_LL, dtype=float)
    if len(languages) < 2 or len(set(languages)) < len(languages):
        raise ValueError(f"a tree needs two languages or more, each once, not {', '.join(languages) or 'none'}")
    if distance_LL.shape != (len(languages), len(languages)):
        raise ValueError(f"{len(languages)} languages have no distances of shape {distance_LL.shape}")
    without = [f"{languages[i]} and {languages[j]}" for i, j in np.argwhere(~np.isfinite(distance_LL))]
    if without:
        raise ValueError(f"there is no distance between {without[0]}, one of {len(without)}: such languages have no place in a tree")
    if not np.allclose(distance_LL, distance_LL.T, rtol=0, atol=1e-9) or np.diag(distance_LL).any() or (distance_LL < 0).any():
        raise ValueError("distances must be the same both ways, 0 from a language to itself, and not negative")
    order = sorted(range(len(languages)), key=lambda place: languages[place])
    sorted_LL = (distance_LL + distance_LL.T)[np.ix_(order, order)].round(DECIMALS) / 2
    return LanguageTree(tuple(languages[place] for place in order), *_merged(sorted_LL))


def _merged(distance_LL: np.ndarray) -> tuple[tuple[tuple[int, int], ...], tuple[float, ...], int]:
    """The merges, their distances, and how many were ties: at which one of the two nodes was as near to a third."""
    merges, distances, ties = [], [], 0
    # Nodes lie in the order of their first leaves.
    nodes, size_N, sum_NN = [*range(len(distance_LL))], np.ones(len(distance_LL)), distance_LL.copy()
    for new in range(len(distance_LL), 2 * len(distance_LL) - 1):
        mean_NN = (sum_NN / np.outer(size_N, size_N)).round(DECIMALS)
        np.fill_diagonal(mean_NN, np.inf)
        one, other = (int(place) for place in np.unravel_index(mean_NN.argmin(), mean_NN.shape))
        nearest = float(mean_NN[one, other])
        merges.append((min(nodes[one], nodes[other]), max(nodes[one], nodes[other])))
        distances.append(nearest)
        # The two to each other, both ways; and more?
        ties += int((mean_NN[[one, other]] == nearest).sum() > 2)
        sum_NN[one] += sum_NN[other]
        sum_NN[:, one] += sum_NN[:, other]
        size_N[one] += size_N[other]
        nodes[one] = new
        sum_NN, size_N = np.delete(np.delete(sum_NN, other, axis=0), other, axis=1), np.delete(size_N, other)
        del nodes[other]
    return tuple(merges), tuple(distances), ties


def reference_clades(lineages: Mapping[str, Sequence[str]]) -> tuple[Clade, ...]:
    """The groups of two languages or more that share a lineage, the largest first: a tree in which nodes may have many branches.

    Args:
        lineages: a language's family, genus, branch ..., from the widest to the narrowest. A blank one makes no group (nor does it hide
            narrower ones); a genus of the same name in two families is two.

    >>> tree = reference_clades({"cs": ["IE", "Slavic"], "ru": ["IE", "Slavic"], "de": ["IE", "Germanic"], "ja": ["", ""], "eu": ["", ""]})
    >>> [sorted(clade) for clade in tree]
    [['cs', 'de', 'ru'], ['cs', 'ru']]
    """
    groups: dict[tuple[str, ...], set[str]] = {}
    for language, lineage in lineages.items():
        for depth, name in enumerate(lineage, start=1):
            if name:
                groups.setdefault(tuple(lineage[:depth]), set()).add(language)
    clades = {frozenset(group) for group in groups.values() if len(group) > 1}
    return tuple(sorted(clades, key=lambda clade: (-len(clade), sorted(clade))))


def tree_score(tree: LanguageTree, reference: Iterable[Clade], sampled: int = SAMPLED) -> TreeScore:
    """The share of the quartets that the reference resolves on which a tree agrees, against permuted leaves.

    Estabrook, McMorris & Meacham (1985), "Comparison of undirected phylogenetic trees based on subtrees of four evolutionary units".
    A tree resolves a quartet as ab|cd where one of its clades holds a and b but neither c nor d, or the other way round; where the
    root is plays no part. Four languages of which a reference makes nothing are left out. Of seven leaves or fewer all permutations
    are tried, of more as many as are asked for, seeded. With another tree's clades for a reference, 1 - share is the quartet distance of
    two trees (and p whether they are more alike than by chance).

    Args:
        reference: from `reference_clades`, or another tree's `clades`; of languages that the tree does not have, nothing is asked.
        sampled: permutations, at most 9,999.

    Raises:
        ValueError: a number of permutations that cannot be, or clades that belong to no tree.
    """
    if not 1 <= sampled <= SAMPLED:
        raise ValueError(f"{sampled} permutations of leaves must be 1 to {SAMPLED}")
    n, leaves = len(tree.leaves), set(tree.leaves)
    if n < FEWEST_LEAVES:
        return TreeScore(n, 0, reason=f"the tree has {n} leaves, of which no four can be compared")
    clades = [clade & leaves for clade in reference]
    crossing = [(one, other) for one in clades for other in clades if one & other and one - other and other - one]
    if crossing:
        raise ValueError(f"{sorted(crossing[0][0])} and {sorted(crossing[0][1])} overlap, and so belong to no tree")
    asked_PP = np.triu(_resolved(clades, tree.leaves))
    first_Q, second_Q = np.nonzero(asked_PP)
    if not len(first_Q):
        return TreeScore(n, 0, reason="the reference puts no two of these languages together, apart from two others")
    told_PP = _resolved(tree.clades(), tree.leaves)
    one_P, other_P = np.triu_indices(n, 1)
    pair_LL = np.zeros((n, n), dtype=np.int64)
    pair_LL[one_P, other_P] = pair_LL[other_P, one_P] = np.arange(len(one_P))
    enumerated = n <= ENUMERATED_LANGUAGES
    chosen_RL = permutations(n, enumerated) if enumerated else permutations(n, enumerated)[: sampled + 1]
    agreed_R = np.empty(len(chosen_RL))
    for number, order_L in enumerate(chosen_RL):
        moved_P = pair_LL[order_L[one_P], order_L[other_P]]
        agreed_R[number] = np.count_nonzero(told_PP.ravel().take(moved_P[first_Q] * len(one_P) + moved_P[second_Q]))
    # As counts, so that those that agree alike are alike.
    p = share_as_large(agreed_R, agreed_R[0])
    smallest = share_as_large(agreed_R, agreed_R.max()) if enumerated else 1 / len(agreed_R)
    high = float(np.quantile(agreed_R, 0.95, method="inverted_cdf")) / len(first_Q)
    agreed = int(agreed_R[0])
    return TreeScore(n, len(first_Q), agreed, agreed / len(first_Q), high, p, smallest, enumerated)


def _resolved(clades: Iterable[Clade], leaves: Sequence[str]) -> np.ndarray:
    """Whether two leaves are put together apart from two others, [P, P]; pairs as by `numpy.triu_indices`."""
    one_P, other_P = np.triu_indices(len(leaves), 1)
    together_PP = np.zeros((len(one_P), len(one_P)), dtype=bool)
    for clade in clades:
        inside_L = np.array([leaf in clade for leaf in leaves])
        together_PP |= np.outer(inside_L[one_P] & inside_L[other_P], ~(inside_L[one_P] | inside_L[other_P]))
    return together_PP | together_PP.T


def group_placement(tree: LanguageTree, members: Collection[str]) -> GroupPlacement:
    """Whether a group of languages, such as a genus, makes a clade of a tree, and else how pure the smallest is that holds it.

    Two languages are sisters where they are monophyletic. The p-value is exact: groups of n leaves that span s leaves or fewer are
    those within a clade of at most s. The largest such clades share no leaf, and each of size k holds k! / (n! (k - n)!) of them.
    """
    group = frozenset(members) & frozenset(tree.leaves)
    n = len(group)
    if n < 2:
        return GroupPlacement(n, reason=f"the tree has {n} of the group's languages, which makes no clade")
    clades = tree.clades()
    spanned = min(len(clade) for clade in clades if group <= clade)
    small = [clade for clade in clades if len(clade) <= spanned]
    largest = [clade for clade in small if not any(clade < other for other in small)]
    p = sum(math.comb(len(clade), n) for clade in largest) / math.comb(len(tree.leaves), n)
    pure = max((len(clade) for clade in clades if clade <= group), default=1)
    return GroupPlacement(n, spanned == n, spanned, n / spanned, pure, p)


def cophenetic_distances(tree: LanguageTree) -> np.ndarray:
    """The distance at which two languages were merged, [L, L], in the order of the tree's leaves (Sokal & Rohlf 1962)."""
    return squareform(hierarchy.cophenet(tree.linkage()))


def cophenetic_correlation(tree: LanguageTree, distance_LL: np.ndarray) -> float:
    """Pearson's r over pairs of languages between a tree's cophenetic distances and others: those that it was made of, or another tree's.

    Sokal & Rohlf (1962), "The comparison of dendrograms by objective methods". NaN where either does not vary. Pairs are not
    independent, so that it has no p-value here.

    Args:
        distance_LL: in the order of the tree's leaves, which is that of their names.

    Raises:
        ValueError: distances of other languages than the tree's, or that are not there.
    """
    distance_LL = np.asarray(distance_LL, dtype=float)
    if distance_LL.shape != (len(tree.leaves), len(tree.leaves)) or not np.isfinite(distance_LL).all():
        raise ValueError(f"a tree of {len(tree.leaves)} leaves needs a finite distance between any two, not {distance_LL.shape} distances")
    pairs = np.triu_indices(len(tree.leaves), 1)
    one_P, other_P = cophenetic_distances(tree)[pairs], distance_LL[pairs]
    if np.ptp(one_P) < 10.0**-DECIMALS or np.ptp(other_P) < 10.0**-DECIMALS:
        return np.nan
    return float(np.corrcoef(one_P, other_P)[0, 1])
