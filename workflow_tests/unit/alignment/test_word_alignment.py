import itertools
import re
import subprocess
import sys

import numpy as np
import pytest
from feature_files import write_features
from outcome_scores import outcome_in, scores_of
from simalign import SentenceAligner

from xlprobe.alignment.word_alignment import (
    METHODS,
    UNITS,
    align,
    align_bitext,
    argmax,
    count,
    distort,
    itermax,
    linked_words,
    match,
    project,
    similarity,
)
from xlprobe.artifacts.feature_file import FeatureFile
from xlprobe.artifacts.outcome_file import LINK_COUNTS
from xlprobe.artifacts.tables import conform
from xlprobe.datasets.bitexts import Pair, read_bitext, write_bitext
from xlprobe.errors import XlprobeError
from xlprobe.features.extraction import extract_features
from xlprobe.metrics.metric_definitions import ALIGNMENT
from xlprobe.paths import PROJECT
from xlprobe.study.resource_tables import alignments

LAYERS = [0, 1, 2]


def vectors(random: np.random.Generator, words: int, dim: int, offset: float) -> np.ndarray:
    """Vectors as features hold them: float16 in the file, float32 in use; a shared offset as in a real model's."""
    return (random.standard_normal((words, dim)) + offset).astype(np.float16).astype(np.float32)


def matrices(kind: str, count: int):
    """Pairs of source and target vectors [S, D], [T, D]."""
    random = np.random.default_rng(7)
    for number in range(count):
        source, target = random.integers(1, 5 if kind == "tiny" else 40, size=2)
        dim = int(random.choice([4, 32, 192]))
        offset = 3.0 if kind == "narrow" else 0.0
        source_SD, target_TD = vectors(random, source, dim, offset), vectors(random, target, dim, offset)
        if kind == "related":
            shared = min(source, target)
            target_TD[:shared] = (source_SD[random.permutation(source)[:shared]] + target_TD[:shared]) / 2
        if kind == "ties":
            source_SD, target_TD = np.sign(source_SD), np.sign(target_TD)
            target_TD[:: 1 + number % 3] = source_SD[0]
        if kind == "zeros":
            source_SD[random.integers(source)] = target_TD[random.integers(target)] = 0
        yield source_SD, target_TD


@pytest.mark.parametrize("kind", ["random", "tiny", "narrow", "related", "ties", "zeros"])
def test_links_are_simaligns(kind):
    for number, (source_SD, target_TD) in enumerate(matrices(kind, 500)):
        ours_ST, theirs_ST = similarity(source_SD, target_TD), SentenceAligner.get_similarity(source_SD, target_TD)
        assert ours_ST.dtype == theirs_ST.dtype and np.array_equal(ours_ST, theirs_ST)
        ratio = (0.0, 0.3, 1.0)[number % 3]
        ours_ST, theirs_ST = distort(ours_ST, ratio), SentenceAligner.apply_distortion(theirs_ST, ratio)
        assert np.array_equal(ours_ST, theirs_ST)
        forward_ST, backward_ST = SentenceAligner.get_alignment_matrix(theirs_ST)
        assert np.array_equal(argmax(ours_ST), forward_ST * backward_ST > 0)
        for iterations in (1, 2, 4):
            assert np.array_equal(itermax(ours_ST, iterations), SentenceAligner.iter_max(theirs_ST, iterations) > 0)
        assert np.array_equal(itermax(ours_ST), SentenceAligner.iter_max(theirs_ST) > 0)


@pytest.mark.parametrize("kind", ["random", "tiny", "narrow", "related", "ties"])
def test_matches_are_simaligns(kind):
    """Or, where several are equally good, another of these."""
    for source_SD, target_TD in itertools.islice(matrices(kind, 40), 40):
        similarity_ST = similarity(source_SD, target_TD)
        ours_ST, theirs_ST = match(similarity_ST), SentenceAligner.get_max_weight_match(similarity_ST) > 0
        assert ours_ST.sum() == theirs_ST.sum() == min(similarity_ST.shape)
        assert similarity_ST[ours_ST].sum() == pytest.approx(similarity_ST[theirs_ST].sum())
        assert kind in ("ties", "narrow") or np.array_equal(ours_ST, theirs_ST)


def test_a_match_by_hand():
    # Word 0 gives up its best target, so that word 1 has one at all: 0.8 + 0.7 beats 0.9 + 0.1.
    assert np.argwhere(match(np.array([[0.9, 0.8], [0.7, 0.1], [0.2, 0.2]]))).tolist() == [[0, 1], [1, 0]]


def test_links_are_simaligns_where_whole_matrices_are_ties():
    random = np.random.default_rng(8)
    for _ in range(1000):
        similarity_ST = random.integers(0, 3, size=random.integers(1, 9, size=2)) / 2
        forward_ST, backward_ST = SentenceAligner.get_alignment_matrix(similarity_ST)
        assert np.array_equal(argmax(similarity_ST), forward_ST * backward_ST > 0)
        for iterations in (2, 4):
            assert np.array_equal(itermax(similarity_ST, iterations), SentenceAligner.iter_max(similarity_ST, iterations) > 0)


def test_itermax_by_hand():
    # 0-0 and 2-2 are each other's best. Word 1 prefers target 0, which has a link: 0.9 x 0.8 = 0.72 loses to the free target's 0.75.
    similarity_ST = np.array([[0.9, 0.1, 0.1], [0.8, 0.75, 0.1], [0.1, 0.76, 0.95]])
    assert np.argwhere(argmax(similarity_ST)).tolist() == [[0, 0], [2, 2]]
    assert np.argwhere(itermax(similarity_ST)).tolist() == [[0, 0], [1, 1], [2, 2]]
    # With alpha = 1, word 1 takes target 0 all the same, and target 1 takes word 2 (0.76).
    assert np.argwhere(itermax(similarity_ST, alpha=1)).tolist() == [[0, 0], [1, 0], [2, 1], [2, 2]]


def test_links_between_subwords_are_links_between_their_words_by_hand():
    # Source: words 0 (subwords 0, 1), 1 (subword 2), 2 (2 too: it covers both), 3 (none). Target: words 0 (0), 1 (1, 2).
    source_SV, target_TW = np.zeros((3, 4), dtype=bool), np.zeros((3, 2), dtype=bool)
    source_SV[[0, 1, 2, 2], [0, 0, 1, 2]] = target_TW[[0, 1, 2], [0, 1, 1]] = True
    similarity_ST = np.array([[0.9, 0.1, 0.2], [0.8, 0.75, 0.1], [0.3, 0.2, 0.6]])
    assert np.argwhere(argmax(similarity_ST)).tolist() == [[0, 0], [2, 2]]
    assert np.argwhere(project(argmax(similarity_ST), source_SV, target_TW)).tolist() == [[0, 0], [1, 1], [2, 1]]
    # itermax adds subwords 1-1 (0.75 beats 0.9 x 0.8), and so a link between words 0 and 1.
    assert np.argwhere(project(itermax(similarity_ST), source_SV, target_TW)).tolist() == [[0, 0], [0, 1], [1, 1], [2, 1]]


@pytest.mark.parametrize("method", METHODS)
def test_a_sentence_without_a_subword_has_no_link(method):
    links_ST = align(np.zeros((0, 4)), np.ones((3, 4)), method)
    assert links_ST.shape == (0, 3) and align(np.ones((3, 4)), np.zeros((0, 4)), method).shape == (3, 0)
    links_VW = project(links_ST, np.zeros((0, 2), dtype=bool), np.eye(3, dtype=bool))
    assert links_VW.shape == (2, 3) and not links_VW.any()


def test_distortion_comes_before_the_links_by_hand():
    # Word 0 is most like the target's last word, at the other end of the sentence: 0.9 goes down to 0.45, the middle's 0.6 to 0.52.
    source_SD, target_TD = np.array([[1, 0], [-1, 0.1]]), np.array([[0.0, 1], [0.2, 1], [0.8, 0.6]])
    assert similarity(source_SD, target_TD)[0].round(2).tolist() == [0.5, 0.6, 0.9]
    assert distort(similarity(source_SD, target_TD), 0.5)[0].round(3).tolist() == [0.5, 0.523, 0.45]
    assert np.argwhere(align(source_SD, target_TD, "argmax")).tolist() == [[0, 2], [1, 0]]
    assert [0, 1] in np.argwhere(align(source_SD, target_TD, "argmax", 0.5)).tolist()


def test_similarity_by_hand():
    similarity_ST = similarity(np.array([[2.0, 0.0], [0.0, 0.0]]), np.array([[3.0, 0.0], [0.0, 1.0], [-1.0, 0.0]]))
    assert similarity_ST.tolist() == [[1.0, 0.5, 0.0], [0.5, 0.5, 0.5]]


def scores(found, found_sure, found_possible, sure):
    """Precision, recall, F1 and AER of sums of links."""
    sums = {name: np.float64(value) for name, value in zip(LINK_COUNTS, (found, found_sure, found_possible, sure), strict=True)}
    return tuple(ALIGNMENT[name].value(sums) for name in ("precision", "recall", "f1", "aer"))


def test_scores_by_hand():
    found_ST, sure_ST, possible_ST = (np.zeros((3, 3), dtype=bool) for _ in range(3))
    for links_ST, links in ((sure_ST, [(0, 0), (1, 1)]), (possible_ST, [(0, 0), (1, 1), (2, 2)]), (found_ST, [(0, 0), (2, 2), (2, 1)])):
        links_ST[tuple(zip(*links, strict=True))] = True
    counts = count(found_ST, sure_ST, possible_ST)
    assert dict(zip(LINK_COUNTS, counts, strict=True)) == {"found": 3, "found_sure": 1, "found_possible": 2, "sure": 2}
    assert scores(*counts) == (2 / 3, 1 / 2, pytest.approx(4 / 7), pytest.approx(2 / 5))


def test_nothing_found_and_nothing_right_score_zero():
    # One link, possible, where none is sure.
    assert scores(found=1, found_sure=0, found_possible=1, sure=0) == (1, 0, 0, 0)
    assert scores(0, 0, 0, 5) == (0, 0, 0, 1) == scores(3, 0, 0, 5)
    # A resample of pairs without any link, found or sure.
    assert scores(0, 0, 0, 0) == (0, 0, 0, 1)


@pytest.mark.parametrize(("pair", "name"), [("enfr", "align_en_fr"), ("roen", "align_ro_en")])
def test_scores_of_published_alignments_are_the_published_ones(real_data, pair, name):
    folder = real_data / "alignments" / "lilt_results" / "giza"
    bitext = alignments()[name]
    gold = read_bitext(bitext.layout, [real_data / file for file in bitext.files])
    compared = 0
    for line in (folder / f"{pair}-results.txt").read_text().splitlines():
        file, *published, found = re.fullmatch(r"(\S+): ([\d.]+)% \(([\d.]+)%/([\d.]+)%/(\d+)\)", line).groups()
        if not (folder / file).exists():
            continue
        total = np.zeros(len(LINK_COUNTS), dtype=int)
        for gold_pair, links in zip(gold, (folder / file).read_text().splitlines(), strict=True):
            numbers = [tuple(map(int, link.split("-"))) for link in links.split()]
            links = {link[::-1] if "reverse" in file else link for link in numbers}
            total += [len(links), len(links & gold_pair.sure), len(links & gold_pair.possible), len(gold_pair.sure)]
        precision, recall, _, aer = scores(*total)
        assert [f"{100 * value:.1f}" for value in (aer, precision, recall)] == published, file
        assert total[0] == int(found)
        compared += 1
    assert compared == 6


@pytest.fixture(scope="module")
def said_twice(tiny_model, tmp_path_factory):
    """A bitext that says each sentence twice, and its vectors."""
    folder = tmp_path_factory.mktemp("alignment")
    dataset = folder / "align_en_fr"
    forms = [["one", "two", "three", "four"], ["in", "the", "old", "house", "."], ["word"]]
    diagonals = [{(word, word) for word in range(len(tokens))} for tokens in forms]
    diagonals[1] -= {(4, 4)}
    write_bitext(
        [Pair(str(n), tokens, tokens, links, links) for n, (tokens, links) in enumerate(zip(forms, diagonals, strict=True))],
        dataset,
        "align_en_fr",
        "en",
        "fr",
    )
    for unit, subwords in (("word", []), ("bpe", ["align_en_fr"])):
        outputs = [folder / f"{unit}.h5"], [folder / f"{unit}.audit.parquet"]
        extract_features(tiny_model.checkpoint, [dataset], *outputs, LAYERS, 256, "cpu", subwords=subwords)
    return folder


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("method", METHODS)
def test_sentences_said_twice_align_word_by_word_at_every_layer(said_twice, tiny_model, tmp_path, method, unit):
    align_bitext(said_twice / f"{unit}.h5", said_twice / "align_en_fr", method, tmp_path / "o.h5", unit=unit, distortion=0.1)
    # Words link to themselves, and all of these links are gold but for that of the second sentence's last.
    found = outcome_in(tmp_path / "o.h5", "alignment", "align_en_fr", "align_en_fr", "test")
    by_hand = {"found": [4, 5, 1], "found_sure": [4, 4, 1], "found_possible": [4, 4, 1], "sure": [4, 4, 1]}
    assert {name: values.tolist() for name, values in found.counts.items()} == {
        name: [[own] * 3 for own in of_pairs] for name, of_pairs in by_hand.items()
    }
    assert found.layers == LAYERS and found.clusters.tolist() == ["0", "1", "2"]
    table = conform(scores_of(tmp_path / "o.h5"), "scores.schema.yaml")
    assert table["metric"].tolist() == [metric for metric in ("precision", "recall", "f1", "aer") for _ in LAYERS]
    assert table["layer"].tolist() == LAYERS * 4
    assert table["value"].tolist() == pytest.approx([value for value in (9 / 10, 1, 18 / 19, 1 - 18 / 19) for _ in LAYERS])
    rest = table[["model", "step", "task", "source", "target", "source_language", "target_language", "split", "n"]].drop_duplicates()
    assert rest.to_numpy().tolist() == [["xlmr", tiny_model.step, "alignment", "align_en_fr", "align_en_fr", "en", "fr", "test", 3]]
    assert table["seed"].isna().all()


def test_links_go_from_source_to_target_pair_by_pair(tmp_path):
    """Of sentences of two and three words, and of three and one; the possible link alone is found in the second."""
    pairs = [
        Pair("1", ["a", "b"], ["B", "C", "A"], {(0, 2), (1, 0)}, {(0, 2), (1, 0)}),
        Pair("2", ["c", "d", "e"], ["E"], {(0, 0)}, {(0, 0), (2, 0)}),
    ]
    write_bitext(pairs, tmp_path / "align_en_fr", "align_en_fr", "en", "fr")
    vectors_UD = np.eye(6)[[0, 1, 2, 3, 4, 1, 2, 0, 4]]
    path = write_features(tmp_path / "f.h5", tmp_path / "align_en_fr", np.stack([vectors_UD, -vectors_UD[::-1]]), [0, 3])
    with FeatureFile(path) as features:
        links = linked_words(features, np.array([2, 3, 3, 1]), 0, "argmax")
    assert [np.argwhere(found_VW).tolist() for found_VW in links] == [[[0, 2], [1, 0]], [[2, 0]]]
    align_bitext(path, tmp_path / "align_en_fr", "argmax", tmp_path / "o.h5", layers=[0])
    found = outcome_in(tmp_path / "o.h5", "alignment", "align_en_fr", "align_en_fr", "test")
    assert {name: values.tolist() for name, values in found.counts.items()} == {
        "found": [[2], [1]],
        "found_sure": [[2], [0]],
        "found_possible": [[2], [1]],
        "sure": [[2], [1]],
    }
    assert found.clusters.tolist() == ["1", "2"] and found.layers == [0]
    table = scores_of(tmp_path / "o.h5").set_index("metric")["value"]
    # Three links found, two of them sure and all possible, of three sure ones.
    assert table.to_dict() == {"precision": 1, "recall": 2 / 3, "f1": pytest.approx(4 / 5), "aer": pytest.approx(1 - 5 / 6)}


def test_the_features_of_a_bitext_name_source_and_target(said_twice):
    with FeatureFile(said_twice / "word.h5") as features:
        assert features.sentence("1", "source").shape == features.sentence("1", "target").shape == (3, 5, 32)


@pytest.mark.parametrize(("unit", "held", "wanted"), [("bpe", "words", "subwords"), ("word", "subwords", "words")])
def test_features_of_other_units_are_refused(said_twice, tmp_path, unit, held, wanted):
    other = {"bpe": "word", "word": "bpe"}[unit]
    with pytest.raises(XlprobeError) as refused:
        align_bitext(said_twice / f"{other}.h5", said_twice / "align_en_fr", "argmax", tmp_path / "o.h5", unit=unit)
    assert str(refused.value) == (
        f"{said_twice / other}.h5: holds vectors of {held}, but config key alignment.unit: {unit} aligns {wanted}; extract it again, or"
        " change the key"
    )


def test_aligning_needs_neither_torch_nor_transformers():
    code = "import sys, xlprobe.alignment.word_alignment; print({'torch', 'transformers', 'sklearn', 'scipy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT / "scripts", capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
