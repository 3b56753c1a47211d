import numpy as np
import pandas as pd

from xlprobe.datasets import read_pairs, read_splits, read_words, write_dataset
from xlprobe.files import read_json
from xlprobe.pairs import draw_pairs
from xlprobe.tables import conform
from xlprobe.treebanks import Sentence, Word


def sentence(name, *heads):
    """A sentence of words with these heads."""
    return Sentence(name, "", [Word(f"w{place}", 0, 0, "X", "_", head, f"to{head}") for place, head in enumerate(heads)])


def test_arcs_to_the_root_are_left_out_and_words_are_counted_over_all_sentences():
    pairs = draw_pairs([sentence("a", 2, 0), sentence("b", 0), sentence("c", 3, 3, 0)], "xx_own")
    assert pairs[["dependent", "head", "relation"]].to_numpy().tolist() == [[0, 1, "to2"], [3, 5, "to3"], [4, 5, "to3"]]
    # Two words leave none to draw, three leave one.
    assert pairs["negative"].fillna(-1).tolist() == [-1, 4, 3]


def test_negatives_are_any_other_word_of_the_sentence_with_equal_chances():
    sentences = [sentence(str(number), 3, 1, 0, 3, 4) for number in range(3000)]
    pairs = draw_pairs(sentences, "xx_own")
    places = pairs[["dependent", "head", "negative"]].to_numpy(dtype=int) - 5 * np.repeat(np.arange(3000), 4)[:, None]
    for (dependent, head), drawn in pd.DataFrame(places).groupby([0, 1]):
        shares = drawn[2].value_counts(normalize=True)
        assert set(shares.index) == set(range(5)) - {dependent, head}
        np.testing.assert_allclose(shares, 1 / 3, atol=0.03)


def test_the_draw_depends_on_the_dataset_and_the_sentence_alone():
    names = [f"s{number}" for number in range(20)]
    heads = [0, *[1] * 30]
    together = draw_pairs([sentence(name, *heads) for name in names], "xx_own")
    alone = draw_pairs([sentence(names[7], *heads)], "xx_own")
    assert (together["negative"].iloc[7 * 30 : 8 * 30] - 7 * 31).tolist() == alone["negative"].tolist()
    assert draw_pairs([sentence(names[7], *heads)], "yy_own")["negative"].tolist() != alone["negative"].tolist()
    assert (together["negative"].to_numpy().reshape(20, 30) - 31 * np.arange(20)[:, None]).std(axis=0).min() > 0


def test_what_has_no_negative_is_counted(tmp_path, caplog):
    splits = {"train": [sentence("a", 2, 0), sentence("b", 2, 0, 2)], "test": [sentence("c", 0, 1), sentence("d", 0)]}
    write_dataset(splits, tmp_path, "xx_own", "en")
    identity = read_json(tmp_path / "identity.json")
    assert identity["pairs"] == {"train": 3, "test": 1} and identity["pairs_without_negative"] == {"train": 1, "test": 1}
    assert "xx_own: 2 arcs have no negative" in caplog.text
    conform(read_pairs(tmp_path), "pairs.schema.yaml")


def test_pairs_of_a_real_treebank(real_data, tmp_path):
    files = sorted((real_data / "ud" / "UD_English-EWT").glob("*.conllu.xz"))
    write_dataset(read_splits(files, 500, 0.1), tmp_path, "en_ewt", "en")
    words, pairs = read_words(tmp_path), read_pairs(tmp_path)
    assert len(pairs) == (words["head"] > 0).sum()
    drawn = pairs.dropna()
    sentence_of = words["sentence"].to_numpy()
    for column in ("head", "negative"):
        assert (sentence_of[drawn[column].astype(int)] == sentence_of[drawn["dependent"]]).all()
    assert (drawn["negative"] != drawn["head"]).all() and (drawn["negative"] != drawn["dependent"]).all()
    assert (words["deprel"].to_numpy()[pairs["dependent"]] == pairs["relation"]).all() and 0.9 < len(drawn) / len(pairs) < 1
