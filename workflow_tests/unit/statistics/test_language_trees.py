import csv
import itertools
import math

import networkx
import numpy as np
import pytest
from scipy import stats
from scipy.cluster import hierarchy
from scipy.spatial import distance
from sklearn.metrics import pairwise

from xlprobe.paths import PROJECT
from xlprobe.statistics.language_trees import (
    cophenetic_correlation,
    cophenetic_distances,
    cosine_distances,
    group_placement,
    mean_distances,
    reference_clades,
    tree_score,
    upgma,
)

# A worked example of UPGMA that is found in many places: distances of 5S ribosomal RNA of five bacteria.
FIVE = np.array([[0, 17, 21, 31, 23], [17, 0, 30, 34, 21], [21, 30, 0, 28, 39], [31, 34, 28, 0, 43], [23, 21, 39, 43, 0]])


def random_tree(seed, n):
    points = np.random.default_rng(seed).normal(size=(n, 4))
    names = [f"l{number:02}" for number in range(n)]
    return names, upgma(names, distance.squareform(distance.pdist(points)))


def quartets_by_path_lengths(tree):
    """The pairs that each four leaves are put together in, by the four-point condition on numbers of branches between leaves."""
    graph = networkx.Graph()
    for node, pair in enumerate(tree.merges, start=len(tree.leaves)):
        graph.add_edges_from((node, child) for child in pair)
    length = dict(networkx.all_pairs_shortest_path_length(graph))
    found = {}
    for a, b, c, d in itertools.combinations(range(len(tree.leaves)), 4):
        splits = [((a, b), (c, d)), ((a, c), (b, d)), ((a, d), (b, c))]
        names = {sum(length[one][other] for one, other in split): split for split in splits}
        assert len(names) > 1
        found[a, b, c, d] = names[min(names)]
    return found


def test_cosine_distances_by_hand():
    found = cosine_distances(np.array([[1.0, 0], [3, 0], [0, 2], [1, 1], [-1, 0]]))
    assert found[0] == pytest.approx([0, 0, 1, 1 - 0.5**0.5, 2])
    assert (found == found.T).all() and not np.diag(found).any() and found.min() == 0


def test_cosine_distances_are_those_of_scipy_and_scikit_learn_at_any_scale():
    signatures = np.random.default_rng(2).random((6, 30))
    assert cosine_distances(signatures) == pytest.approx(distance.squareform(distance.pdist(signatures, "cosine")))
    assert cosine_distances(signatures) == pytest.approx(pairwise.cosine_distances(signatures))
    scaled = signatures * np.array([1e-200, 1e200, 1, 3, 1e-5, 1e5])[:, None]
    assert cosine_distances(scaled) == pytest.approx(cosine_distances(signatures))


def test_a_language_without_a_signature_or_a_direction_has_no_distance():
    found = cosine_distances(np.array([[1.0, 2], [np.nan, 1], [0, 0], [2, 1]]))
    assert found[0] == pytest.approx([0, np.nan, np.nan, 0.2], nan_ok=True)
    assert np.isnan(found[1][[0, 2, 3]]).all() and np.isnan(found[2][[0, 1, 3]]).all() and not np.diag(found).any()
    with pytest.raises(ValueError, match="infinite"):
        cosine_distances(np.array([[1.0, np.inf]]))
    with pytest.raises(ValueError, match=r"of shape \(3,\)"):
        cosine_distances(np.zeros(3))


def test_a_missing_language_is_at_a_distance_of_one():
    """Three categories; b is missing in the second, c in the second and third."""
    nan = np.nan
    categories = np.array(
        [
            [[0, 0.2, 0.4], [0.2, 0, 0.1], [0.4, 0.1, 0]],
            [[0, nan, nan], [nan, 0, nan], [nan, nan, 0]],
            [[0, 0.3, nan], [0.3, 0, nan], [nan, nan, 0]],
        ]
    )
    assert mean_distances(categories) == pytest.approx(np.array([[0, 0.5, 0.8], [0.5, 0, 0.7], [0.8, 0.7, 0]]))
    assert mean_distances(categories, missing=2)[0, 2] == pytest.approx(4.4 / 3)
    categories[1][1, 1] = nan
    assert not np.diag(mean_distances(categories)).any()
    for wrong in (np.empty((0, 3, 3)), np.zeros((3, 3)), np.zeros((2, 3, 4))):
        with pytest.raises(ValueError, match="at least one table"):
            mean_distances(wrong)


def test_five_bacteria():
    """a and b meet at 17, e at (23 + 21) / 2 = 22; c and d at 28; all at (21 + 31 + 30 + 34 + 39 + 43) / 6 = 33."""
    tree = upgma("abcde", FIVE)
    assert tree.newick() == "(((a:8.5,b:8.5):2.5,e:11):5.5,(c:14,d:14):2.5);"
    assert tree.distances == (17, 22, 28, 33) and tree.ties == 0
    assert [sorted(clade) for clade in tree.clades()] == [["a", "b"], ["a", "b", "e"], ["c", "d"], ["a", "b", "c", "d", "e"]]
    assert cophenetic_distances(tree)[0] == pytest.approx([0, 17, 33, 33, 22])
    assert (tree.linkage() == hierarchy.linkage(distance.squareform(FIVE), "average")).all()


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_languages_plays_no_part(seed):
    names, tree = random_tree(seed, 12)
    points = np.random.default_rng(seed).normal(size=(12, 4))
    order = np.random.default_rng(9).permutation(12)
    table = distance.squareform(distance.pdist(points[order]))
    moved = upgma([names[place] for place in order], table)
    assert moved == tree and moved.newick() == tree.newick() and moved.ties == 0
    assert hierarchy.is_valid_linkage(tree.linkage())


def test_ties_are_counted_and_broken_by_name():
    """Three at the same distance: which two meet first is by name; then nothing is left to choose."""
    equal = 1 - np.eye(3)
    tree = upgma(["c", "a", "b"], equal)
    assert tree == upgma(["b", "c", "a"], equal) and tree.ties == 1
    # Two pairs as near, far from each other, give the same tree whichever comes first; so does a distance less than rounding apart.
    pairs = np.array([[0, 1, 4, 4], [1, 0, 4, 4], [4, 4, 0, 1], [4, 4, 1, 0.0]])
    assert upgma("abcd", pairs).ties == 0
    near = equal + np.array([[0, 0, 1e-14], [0, 0, 0], [1e-14, 0, 0]])
    assert upgma("abc", near).merges == upgma("abc", equal).merges and upgma("abc", near).ties == 1
    # All that are missing everywhere are at 1 from each other.
    assert upgma("abcd", 1 - np.eye(4)).ties == 2


def test_ties_are_broken_by_name_at_any_scale():
    """All at the same distance but a and b, who are nearer: the others join one by one, by name, with no length left between them.

    Means of 0.4, 0.4 and 0.4 differ from 0.4 in the last digit, of which a tree must not hang.
    """
    distances = 0.4 * (1 - np.eye(6))
    distances[0, 1] = distances[1, 0] = 0.2
    tree = upgma("abcdef", distances)
    assert tree.newick() == "(((((a:0.1,b:0.1):0.1,c:0.2):0,d:0.2):0,e:0.2):0,f:0.2);" and tree.ties == 3
    for scale in (0.625, 0.3, 1 / 7, 3):
        scaled = upgma("abcdef", scale * distances)
        assert (scaled.merges, scaled.ties) == (tree.merges, 3) and scaled.distances == pytest.approx([scale * d for d in tree.distances])


@pytest.mark.parametrize("seed", range(3))
def test_without_ties_the_tree_is_that_of_scipy(seed):
    points = np.random.default_rng(seed).normal(size=(20, 4))
    tree = upgma([chr(97 + place) for place in range(20)], distance.squareform(distance.pdist(points)))
    expected = hierarchy.linkage(distance.pdist(points), "average")
    assert tree.ties == 0 and tree.linkage() == pytest.approx(expected)


def test_labels_that_newick_would_misread_are_quoted():
    tree = upgma(["zh_rom", "it's", "ja"], np.array([[0, 4, 2.0], [4, 0, 4], [2, 4, 0]]))
    assert tree.newick() == "('it''s':2,(ja:1,'zh_rom':1):1);"


@pytest.mark.parametrize(
    ("languages", "table", "message"),
    [
        (["a"], np.zeros((1, 1)), "two languages or more, each once, not a"),
        ([], np.zeros((0, 0)), "not none"),
        (["a", "a"], 1 - np.eye(2), "each once, not a, a"),
        (["a", "b"], np.zeros((3, 3)), r"2 languages have no distances of shape \(3, 3\)"),
        (["a", "b"], np.array([[0, np.nan], [np.nan, 0]]), "no distance between a and b, one of 2"),
        (["a", "b"], np.array([[0, 1.0], [2, 0]]), "the same both ways"),
        (["a", "b"], np.array([[0, -1.0], [-1, 0]]), "not negative"),
        (["a", "b"], np.ones((2, 2)), "0 from a language to itself"),
    ],
)
def test_what_makes_no_tree_is_refused(languages, table, message):
    with pytest.raises(ValueError, match=message):
        upgma(languages, table)


def test_a_genus_is_named_by_its_family_and_a_blank_makes_no_group():
    found = reference_clades({"a": ["F", "G", ""], "b": ["F", "G", ""], "c": ["E", "G", ""], "d": ["F", "", "X"], "e": ["F", "", "X"]})
    assert [sorted(clade) for clade in found] == [["a", "b", "d", "e"], ["a", "b"], ["d", "e"]]
    assert reference_clades({"a": ["F"], "b": ["E"]}) == ()


def test_quartets_by_hand():
    """With ab and cd in one family each and e alone, ab|cd ab|ce ab|de cd|ae cd|be are asked; with f alone, too, ab|cf ... ab|ef, too."""
    tree = upgma("abcde", FIVE)
    asked = reference_clades({"a": ["F"], "b": ["F"], "c": ["G"], "d": ["G"], "e": ["E"]})
    found = tree_score(tree, asked)
    assert (found.leaves, found.resolved, found.agreed, found.share) == (5, 5, 5, 1) and found.enumerated
    # Of 120 orders, a and b, c and d may change places, and the pairs with each other: 8 agree in all.
    assert found.permutation_p == 8 / 120 == found.smallest_p and found.n_too_small
    # ac|bd: no; ac|be: b lies with a; ac|de: c lies with d; bd|ae, bd|ce neither.
    other = reference_clades({"a": ["F"], "c": ["F"], "b": ["G"], "d": ["G"], "e": ["E"]})
    assert tree_score(tree, other).agreed == 0 and tree_score(tree, other).permutation_p == 1
    # Four leaves are one quartet.
    four = tree_score(upgma("abcd", FIVE[:4, :4]), [frozenset("ab")])
    assert (four.resolved, four.agreed, four.permutation_p) == (1, 1, pytest.approx(1 / 3))
    # One family of three of five: ab|de or so for each two of them, and the two others: one of three agrees in the next.
    three = [frozenset("abc")]
    assert (tree_score(tree, three).resolved, tree_score(tree, three).agreed) == (3, 1)


@pytest.mark.parametrize("n", [5, 6, 9])
def test_quartets_of_two_trees_are_those_of_path_lengths(n):
    _, tree = random_tree(1, n)
    _, other = random_tree(2, n)
    one, two = quartets_by_path_lengths(tree), quartets_by_path_lengths(other)
    found = tree_score(tree, other.clades(), 99)
    assert found.resolved == math.comb(n, 4) == len(one) and found.agreed == sum(one[four] == two[four] for four in one)
    assert tree_score(tree, tree.clades(), 9).share == 1 and tree_score(other, tree.clades(), 99).agreed == found.agreed


def test_permuted_leaves_by_definition():
    names, tree = random_tree(3, 5)
    reference = [frozenset(names[:3]), frozenset(names[:2]), frozenset(names[3:5])]
    renamed = []
    for order in itertools.permutations(names):
        change = dict(zip(names, order, strict=True))
        renamed.append(tree_score(tree, [frozenset(change[leaf] for leaf in clade) for clade in reference]).agreed)
    found = tree_score(tree, reference)
    assert renamed[0] == found.agreed and found.permutation_p == pytest.approx(np.mean(np.array(renamed) >= found.agreed))
    assert found.smallest_p == pytest.approx(np.mean(np.array(renamed) == max(renamed)))
    # By chance a third of them agree, whatever the trees.
    assert np.mean(renamed) == pytest.approx(found.resolved / 3)
    exceed = np.mean(np.array(renamed) / found.resolved > found.permuted_high + 1e-12)
    assert exceed <= 0.05


@pytest.fixture(scope="module")
def lineages():
    """Family and genus of paper 2's 33 languages."""
    with (PROJECT / "resources" / "published" / "paper2_table2.tsv").open() as file:
        return {row["code"]: (row["family"], row["genus"]) for row in csv.DictReader(file, delimiter="\t")}


def test_paper_2s_languages_found_and_not_found(lineages):
    """Signatures that share what their family and genus have are found to; others are not."""
    generator = np.random.default_rng(4)
    groups = {lineage[:depth]: generator.normal(size=40) for lineage in lineages.values() for depth in (1, 2)}
    reference = reference_clades(lineages)
    assert sorted(map(len, reference), reverse=True) == [22, 8, 7, 5, 3, 2, 2]
    related = np.stack([groups[lineage[:1]] + groups[lineage] + generator.normal(size=40) for lineage in lineages.values()])
    found = tree_score(upgma(list(lineages), cosine_distances(related)), reference, 999)
    assert found.leaves == 33 and found.share > 0.9 and found.permutation_p == 0.001 == found.smallest_p and not found.enumerated
    assert 1 / 3 < found.permuted_high < 0.5 and not found.n_too_small
    shares, p_values = [], []
    for _ in range(40):
        unrelated = upgma(list(lineages), cosine_distances(generator.normal(size=(33, 40))))
        score = tree_score(unrelated, reference, 99)
        shares.append(score.share)
        p_values.append(score.permutation_p)
    assert np.mean(shares) == pytest.approx(1 / 3, abs=0.03) and stats.kstest(p_values, "uniform").pvalue > 0.01


def test_languages_of_the_reference_that_the_tree_lacks_are_not_asked(lineages):
    names, table = ["de", "en", "fr", "es", "ja"], FIVE
    tree = upgma(names, table)
    some = reference_clades({language: lineages[language] for language in names})
    assert tree_score(tree, reference_clades(lineages)) == tree_score(tree, some)


@pytest.mark.parametrize(
    ("n", "reference", "reason"),
    [
        (3, [frozenset({"l00", "l01"})], "the tree has 3 leaves, of which no four can be compared"),
        (5, [], "the reference puts no two of these languages together"),
        (5, [frozenset({"xx", "yy"})], "the reference puts no two of these languages together"),
        (5, [frozenset({"l00", "l01", "l02", "l03", "l04"})], "the reference puts no two of these languages together"),
    ],
)
def test_what_has_no_score_says_why(n, reference, reason):
    _, tree = random_tree(0, n)
    found = tree_score(tree, reference)
    assert found.reason.startswith(reason) and np.isnan([found.share, found.permutation_p]).all() and found.n_too_small


def test_a_reference_that_is_no_tree_and_no_permutations_are_refused():
    _, tree = random_tree(0, 5)
    with pytest.raises(ValueError, match=r"\['l00', 'l01'\] and \['l01', 'l02'\] overlap"):
        tree_score(tree, [frozenset({"l00", "l01"}), frozenset({"l01", "l02"})])
    for sampled in (0, 10_000):
        with pytest.raises(ValueError, match="must be 1 to 9999"):
            tree_score(tree, tree.clades(), sampled)


def test_groups_by_hand():
    tree = upgma("abcde", FIVE)
    sisters = group_placement(tree, "cd")
    assert (sisters.monophyletic, sisters.spanned, sisters.purity, sisters.largest_pure) == (True, 2, 1, 2)
    # Two of ten pairs are sisters.
    assert sisters.p == 2 / 10
    broken = group_placement(tree, "ae")
    # Within abe, or cd: 3 + 1 of 10 pairs.
    assert (broken.monophyletic, broken.spanned, broken.purity, broken.largest_pure, broken.p) == (False, 3, 2 / 3, 1, 4 / 10)
    mixed = group_placement(tree, {"a", "b", "c", "not there"})
    assert (mixed.n, mixed.spanned, mixed.purity, mixed.largest_pure, mixed.p) == (3, 5, 3 / 5, 2, 1)
    nested = group_placement(tree, "abde")
    assert (nested.spanned, nested.largest_pure, group_placement(tree, "ac").largest_pure) == (5, 3, 1)
    for few, n in (("a", 1), ("xy", 0), ("", 0)):
        found = group_placement(tree, few)
        assert (
            found.reason == f"the tree has {n} of the group's languages, which makes no clade" and np.isnan([found.purity, found.p]).all()
        )


def test_the_p_value_of_a_group_is_that_of_all_groups():
    names, tree = random_tree(5, 9)
    for n in (2, 3, 4):
        spans = {group: group_placement(tree, group).spanned for group in itertools.combinations(names, n)}
        for group in list(spans)[::7]:
            assert group_placement(tree, group).p == pytest.approx(np.mean(np.array(list(spans.values())) <= spans[group]))


def test_cophenetic_correlations_are_those_of_scipy():
    _, tree = random_tree(7, 8)
    points = np.random.default_rng(7).normal(size=(8, 4))
    condensed = distance.pdist(points)
    expected, _ = hierarchy.cophenet(hierarchy.linkage(condensed, "average"), condensed)
    assert cophenetic_correlation(tree, distance.squareform(condensed)) == pytest.approx(expected)
    assert cophenetic_correlation(tree, cophenetic_distances(tree)) == pytest.approx(1)
    # What rounding makes vary does not.
    table, jitter = distance.squareform(condensed), distance.squareform(1 + 1e-14 * np.arange(28))
    flat = upgma(tree.leaves, 1 - np.eye(8))
    for other in (jitter, 1 - np.eye(8)):
        assert np.isnan(cophenetic_correlation(tree, other)) and np.isnan(cophenetic_correlation(flat, other))
    assert np.isnan(cophenetic_correlation(flat, table))
    for wrong in (np.zeros((7, 7)), np.full((8, 8), np.nan)):
        with pytest.raises(ValueError, match="needs a finite distance between any two"):
            cophenetic_correlation(tree, wrong)
