import pandas as pd
import pytest

from xlprobe.artifacts.tables import conform
from xlprobe.datasets.bitexts import Pair, write_bitext
from xlprobe.datasets.conllu import Sentence, Word
from xlprobe.datasets.morphology import write_morphology
from xlprobe.datasets.nli import SentencePair, write_nli
from xlprobe.datasets.treebank import write_dataset
from xlprobe.metrics.dataset_counts import write_counts

COLUMNS = ["language", "split", "what", "label"]


def counted(folder, name, kind, tasks):
    """The counts of a dataset by language, split, what and label; what is none has an empty label."""
    write_counts([folder / name], {name: tasks}, folder / "datasets.parquet")
    table = conform(pd.read_parquet(folder / "datasets.parquet"), "datasets.schema.yaml")
    assert set(table["dataset"]) == {name} and set(table["kind"]) == {kind} and not table.duplicated(COLUMNS).any()
    return dict(zip(table[COLUMNS].fillna("").agg("/".join, axis=1), table["count"], strict=True))


@pytest.fixture
def treebank(tmp_path):
    """Of train two sentences of three words, of test one of a single word."""
    tags = {"train": [["NOUN", "VERB", "NOUN"], ["NOUN", "VERB", "PUNCT"]], "test": [["VERB"]]}
    trees = {3: ((2, "nsubj"), (0, "root"), (2, "obj:x")), 1: ((0, "root"),)}
    splits = {}
    for split, sentences in tags.items():
        splits[split] = []
        for number, row in enumerate(sentences):
            arcs = trees[len(row)]
            words = [Word("sa", 3 * n, 3 * n + 2, tag, "_", *arc) for n, (tag, arc) in enumerate(zip(row, arcs, strict=True))]
            splits[split].append(Sentence(f"{split}-{number}", " ".join(["sa"] * len(row)), words))
    write_dataset(splits, tmp_path / "xx_own", "xx_own", "xx")
    return tmp_path


def test_a_treebank_is_counted_by_split_task_and_label(treebank):
    found = counted(treebank, "xx_own", "treebank", ["arc_classification", "arc_prediction", "pos"])
    assert found == {
        **{"xx/train/sentences/": 2, "xx/train/words/": 6, "xx/train/arcs/": 4},
        **{"xx/train/arc_classification/": 4, "xx/train/arc_classification/nsubj": 2, "xx/train/arc_classification/obj": 2},
        # Of each dependent one negative: the third word of the sentence.
        **{"xx/train/arc_prediction/": 8, "xx/train/arc_prediction/arc": 4, "xx/train/arc_prediction/no arc": 4},
        **{"xx/train/pos/": 6, "xx/train/pos/NOUN": 3, "xx/train/pos/PUNCT": 1, "xx/train/pos/VERB": 2},
        **{"xx/test/sentences/": 1, "xx/test/words/": 1, "xx/test/arcs/": 0},
        **{"xx/test/arc_classification/": 0, "xx/test/arc_prediction/": 0, "xx/test/pos/": 1, "xx/test/pos/VERB": 1},
    }
    # Of tasks that it does not have there is nothing, of a split that it lacks neither.
    assert [*counted(treebank, "xx_own", "treebank", [])] == [
        *("xx/train/sentences/", "xx/train/words/", "xx/train/arcs/"),
        *("xx/test/sentences/", "xx/test/words/", "xx/test/arcs/"),
    ]


def test_words_with_categories_are_counted_by_split_category_and_value(tmp_path):
    """Of train two sentences, of test one; what a word has no value of is not counted."""
    tagged = {
        "train": [[("NOUN", "Number=Sing"), ("PUNCT", "_"), ("NOUN", "Number=Plur")], [("NOUN", "Number=Sing"), ("VERB", "Number=Sing")]],
        "test": [[("VERB", "_")]],
    }
    splits = {}
    for split, rows in tagged.items():
        splits[split] = []
        for number, row in enumerate(rows):
            places = [(3 * n, 3 * n + 2) for n in range(len(row))]
            words = [
                Word("sa", *place, upos, feats, 0, "root", "sa", n, *place)
                for n, ((upos, feats), place) in enumerate(zip(row, places, strict=True), start=1)
            ]
            text = " ".join(["sa"] * len(row))
            splits[split].append(Sentence(f"{split}-{number}", text, words, text))
    write_dataset(splits, tmp_path / "xx_own", "xx_own", "xx")
    write_morphology(tmp_path / "xx_own", tmp_path / "morph_xx_own", "morph_xx_own")
    found = counted(tmp_path, "morph_xx_own", "morphology", [])
    assert {what: number for what, number in found.items() if number} == {
        **{"xx/train/sentences/": 2, "xx/train/words/": 5, "xx/train/part_of_speech/": 4, "xx/train/part_of_speech/N": 3},
        **{"xx/train/part_of_speech/V": 1, "xx/train/number/": 4, "xx/train/number/PL": 1, "xx/train/number/SG": 3},
        **{"xx/test/sentences/": 1, "xx/test/words/": 1, "xx/test/part_of_speech/": 1, "xx/test/part_of_speech/V": 1},
    }
    # Of a category that no word has, too, it is said how many have it.
    assert found["xx/train/tense/"] == found["xx/test/number/"] == 0 and len(found) == 2 * (2 + 17) + 5


def test_pairs_of_sentences_are_counted_by_label_and_each_sentence_once(tmp_path):
    pairs = [SentencePair(1, 1, "sa do", "ra", "neutral"), SentencePair(2, 2, "sa do", "do", "entailment")]
    write_nli({"train": pairs, "test": pairs[:1]}, tmp_path / "xnli_xx", "xnli_xx", "xx")
    assert counted(tmp_path, "xnli_xx", "nli", ["xnli"]) == {
        **{"xx/train/sentences/": 3, "xx/train/pairs/": 2, "xx/train/xnli/": 2, "xx/train/xnli/entailment": 1, "xx/train/xnli/neutral": 1},
        **{"xx/test/sentences/": 2, "xx/test/pairs/": 1, "xx/test/xnli/": 1, "xx/test/xnli/neutral": 1},
    }


def test_a_bitext_is_counted_by_side_and_its_links_by_how_sure_they_are(tmp_path):
    pairs = [
        Pair("1", ["a", "b"], ["c"], {(0, 0)}, {(0, 0), (1, 0)}),
        Pair("2", ["a"], ["c", "d", "e"], {(0, 0), (0, 1)}, {(0, 0), (0, 1)}),
    ]
    write_bitext(pairs, tmp_path / "align_xx_yy", "align_xx_yy", "xx", "yy")
    assert counted(tmp_path, "align_xx_yy", "bitext", []) == {
        **{"xx/test/sentences/": 2, "xx/test/words/": 3, "yy/test/sentences/": 2, "yy/test/words/": 4},
        **{"xx yy/test/pairs/": 2, "xx yy/test/links/": 4, "xx yy/test/links/possible": 1, "xx yy/test/links/sure": 3},
    }
