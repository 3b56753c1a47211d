import numpy as np
import pytest
from outcome_scores import outcome_in, scores_of_baselines

from xlprobe.alignment.diagonal import diagonal_links, write_diagonal
from xlprobe.artifacts.outcome_file import OutcomeFile
from xlprobe.artifacts.tables import conform
from xlprobe.datasets.bitexts import Pair, write_bitext


def nearest(source, target):
    """The target word of each source word, both counted from 1, as fast_align's h(i, j, m, n) = -|i/m - j/n| says it."""
    return [max(range(1, target + 1), key=lambda j: (-abs(i * target - j * source), -j)) for i in range(1, source + 1)]


@pytest.mark.parametrize(
    ("source", "target", "by_hand"),
    [
        (3, 3, [1, 2, 3]),
        # 1/2 is as far from 1/3 as from 2/3.
        (2, 3, [1, 3]),
        (3, 2, [1, 1, 2]),
        (5, 1, [1] * 5),
        (1, 4, [4]),
        (4, 6, [1, 3, 4, 6]),
    ],
)
def test_words_are_linked_along_the_diagonal_by_hand(source, target, by_hand):
    assert nearest(source, target) == by_hand
    assert np.argwhere(diagonal_links(source, target)).tolist() == [[i, j - 1] for i, j in enumerate(by_hand)]


def test_the_nearest_word_is_found_for_all_lengths():
    for source in range(1, 30):
        for target in range(1, 30):
            links_VW = diagonal_links(source, target)
            assert (links_VW.argmax(axis=1) + 1).tolist() == nearest(source, target) and links_VW.sum() == source


def test_a_sentence_without_words_has_no_link():
    assert diagonal_links(0, 3).shape == (0, 3) and diagonal_links(3, 0).shape == (3, 0)


def test_the_diagonal_is_scored_by_hand(tmp_path):
    """It links 0-0, 1-2 in the first pair (one of them sure), 0-0, 1-0, 2-1 in the second (one sure, another possible)."""
    pairs = [
        Pair("1", ["a", "b"], ["A", "C", "B"], {(0, 0), (1, 1)}, {(0, 0), (1, 1)}),
        Pair("2", ["c", "d", "e"], ["C", "E"], {(0, 0)}, {(0, 0), (2, 1)}),
    ]
    write_bitext(pairs, tmp_path / "align_en_fr", "align_en_fr", "en", "fr")
    write_diagonal(tmp_path / "align_en_fr", tmp_path / "o.h5")
    found = outcome_in(tmp_path / "o.h5", "alignment", "align_en_fr", "align_en_fr", "test")
    assert {name: values.tolist() for name, values in found.counts.items()} == {
        **{"diagonal.found": [2, 3], "diagonal.found_sure": [1, 1], "diagonal.found_possible": [1, 2]},
        "sure": [2, 1],
    }
    assert found.clusters.tolist() == ["1", "2"] and found.layers is None
    with OutcomeFile(tmp_path / "o.h5") as file:
        assert file.checkpoint is None
    table = conform(scores_of_baselines(tmp_path / "o.h5"), "scores.schema.yaml").set_index("metric")
    # Five links found, two of them sure and three possible, of three sure ones.
    precision, recall = 3 / 5, 2 / 3
    assert table["value"].to_dict() == {
        **{"precision": precision, "recall": recall, "f1": pytest.approx(2 * precision * recall / (precision + recall))},
        "aer": pytest.approx(1 - 5 / 8),
    }
    assert {*table["model"]} == {"diagonal"} and {*table["n"]} == {2} and table[["step", "layer", "seed", "protocol"]].isna().all(axis=None)
    shared = table[["task", "source", "target", "source_language", "target_language", "split"]].drop_duplicates()
    assert shared.to_numpy().tolist() == [["alignment", "align_en_fr", "align_en_fr", "en", "fr", "test"]]
