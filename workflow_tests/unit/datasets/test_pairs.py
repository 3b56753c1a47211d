from itertools import chain

import numpy as np
import pandas as pd

from xlprobe.artifacts.dataset_folder import read_pairs, read_words
from xlprobe.artifacts.tables import conform
from xlprobe.datasets.conllu import Sentence, Word
from xlprobe.datasets.pairs import draw_pairs
from xlprobe.datasets.treebank import read_splits, write_dataset
from xlprobe.files import read_json
from xlprobe.probes.examples import read_examples
from xlprobe.tasks.declaration import load_probe_task


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


def test_the_draws_stay_what_they_were():
    pairs = draw_pairs([sentence("a", 2, 3, 0, 3, 4, 4, 3, 7, 8, 2), sentence("b", 0, 1, 2, 3, 4, 5)], "xx_own")
    assert pairs["negative"].tolist() == [7, 5, 1, 8, 6, 8, 8, 6, 5, 15, 10, 11, 15, 11]


def test_unlinked_negatives_are_no_dependents_of_the_word():
    # Word 1 is the root, 2 depends on it, 3 and 4 on 2, 5 on 3.
    heads = (0, 1, 2, 2, 3)
    sentences = [sentence(str(number), *heads) for number in range(3000)]
    drawn = {}
    for negatives in ("any", "unlinked"):
        pairs = draw_pairs(sentences, "xx_own", negatives)
        drawn[negatives] = pairs[["dependent", "negative"]].to_numpy(dtype=int).reshape(3000, 4, 2) - 5 * np.arange(3000)[:, None, None]
    allowed = {1: {4}, 2: {0, 3}, 3: {0, 2, 4}, 4: {0, 1, 3}}
    for arc, (dependent, words) in enumerate(allowed.items()):
        before, after = (drawn[negatives][:, arc] for negatives in ("any", "unlinked"))
        assert (after[:, 0] == dependent).all()
        shares = pd.Series(after[:, 1]).value_counts(normalize=True)
        assert set(shares.index) == words
        np.testing.assert_allclose(shares, 1 / len(words), atol=0.03)
        # What was unlinked already stays, so that the two draws differ where they have to.
        unlinked = np.isin(before[:, 1], list(words))
        assert (before[unlinked, 1] == after[unlinked, 1]).all() and unlinked.all() == (dependent in (3, 4))


def test_a_word_of_which_all_others_are_dependents_has_no_unlinked_negative():
    pairs = draw_pairs([sentence("chain", 2, 3, 0), sentence("star", 2, 0, 2), sentence("fan", 0, 1, 2, 2)], "xx_own", "unlinked")
    # In the chain word 2 has word 1 below it and nothing else beside its head, nor has word 2 of the fan.
    assert pairs[["dependent", "negative"]].fillna(-1).to_numpy(dtype=int).tolist()[:5] == [[0, 2], [1, -1], [3, 5], [5, 3], [7, -1]]
    assert draw_pairs([sentence("chain", 2, 3, 0)], "xx_own")["negative"].tolist() == [2, 0]


def test_linked_negatives_are_counted(tmp_path, caplog):
    splits = {"train": [sentence("a", 2, 3, 0), sentence("b", 2, 0, 2)], "test": [sentence("c", 2, 3, 0)]}
    caplog.set_level("INFO")
    write_dataset(splits, tmp_path / "any", "xx_own", "en")
    write_dataset(splits, tmp_path / "unlinked", "xx_own", "en", "unlinked")
    either, unlinked = (read_json(tmp_path / name / "identity.json") for name in ("any", "unlinked"))
    assert either["negatives"] == "any" and either["negatives_linked"] == {"train": 1, "test": 1}
    assert either["pairs_without_negative"] == {} and "xx_own: 2 negatives (33.3 %) are linked to their word the other way" in caplog.text
    assert unlinked["negatives"] == "unlinked" and unlinked["negatives_linked"] == {}
    assert unlinked["pairs_without_negative"] == {"train": 1, "test": 1} and "xx_own: 2 arcs have no negative" in caplog.text
    examples = read_examples(tmp_path / "unlinked", load_probe_task("arc_prediction"))
    assert examples["label"].value_counts().to_dict() == {"arc": 4, "no arc": 4}


def test_what_has_no_negative_is_counted(tmp_path, caplog):
    splits = {"train": [sentence("a", 2, 0), sentence("b", 2, 0, 2)], "test": [sentence("c", 0, 1), sentence("d", 0)]}
    write_dataset(splits, tmp_path, "xx_own", "en")
    identity = read_json(tmp_path / "identity.json")
    assert identity["pairs"] == {"train": 3, "test": 1} and identity["pairs_without_negative"] == {"train": 1, "test": 1}
    assert "xx_own: 2 arcs have no negative" in caplog.text
    conform(read_pairs(tmp_path), "pairs.schema.yaml")


def test_pairs_of_a_real_treebank(real_data, tmp_path):
    splits = read_splits(sorted((real_data / "ud" / "UD_English-EWT").glob("*.conllu.xz")), 500, 0.1)
    write_dataset(splits, tmp_path, "en_ewt", "en")
    words, pairs = read_words(tmp_path), read_pairs(tmp_path)
    unlinked = draw_pairs(chain(*splits.values()), "en_ewt", "unlinked")
    # By hand: a word's own number in its sentence, which its dependents name as their head.
    number = words.groupby("sentence").cumcount().to_numpy() + 1
    linked = {}
    for name, table in (("any", pairs), ("unlinked", unlinked)):
        drawn = table.dropna()
        linked[name] = (words["head"].to_numpy()[drawn["negative"].astype(int)] == number[drawn["dependent"]]).sum()
    assert linked["unlinked"] == 0 and linked["any"] == sum(read_json(tmp_path / "identity.json")["negatives_linked"].values())
    assert 0.03 < linked["any"] / pairs["negative"].notna().sum() < 0.05
    assert len(pairs) == (words["head"] > 0).sum()
    drawn = pairs.dropna()
    sentence_of = words["sentence"].to_numpy()
    for column in ("head", "negative"):
        assert (sentence_of[drawn[column].astype(int)] == sentence_of[drawn["dependent"]]).all()
    assert (drawn["negative"] != drawn["head"]).all() and (drawn["negative"] != drawn["dependent"]).all()
    assert (words["deprel"].to_numpy()[pairs["dependent"]] == pairs["relation"]).all() and 0.9 < len(drawn) / len(pairs) < 1
