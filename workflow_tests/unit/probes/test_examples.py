"""Examples and their sentences; splits without examples of a task, or without a label to tell: measured where it can be, else refused."""

import numpy as np
import pytest
from feature_files import write_features
from outcome_scores import scores_of, scores_of_baselines

from xlprobe.artifacts.dataset_folder import read_words
from xlprobe.datasets.conllu import Sentence, Word
from xlprobe.datasets.nli import SentencePair, write_nli
from xlprobe.datasets.treebank import write_dataset
from xlprobe.errors import XlprobeError
from xlprobe.probes.baselines import write_baselines, write_transfer_baselines
from xlprobe.probes.examples import Sentences, read_examples, read_sentences_of
from xlprobe.probes.linear_probe import ProbeSettings
from xlprobe.probes.training import Controls, train_probes
from xlprobe.probes.transfer import transfer_probes
from xlprobe.statistics.bootstrap import Intervals
from xlprobe.tasks.declaration import load_probe_task

STOP = [("Stop", "VERB", "_", 0, "root")]
DOGS = [("dogs", "NOUN", "Number=Plur", 2, "nsubj"), ("run", "VERB", "Number=Plur", 0, "root"), (".", "PUNCT", "_", 2, "punct")]
MONEY = [("$", "SYM", "_", 0, "root"), ("%", "SYM", "_", 1, "goeswith")]
TASKS = ("arc_prediction", "arc_classification", "arc_classification_subtypes", "number")


def dataset(folder, **splits):
    """A treebank of 12 equal sentences a split."""
    sentences = {
        split: [Sentence(f"{split}-{n}", "", [Word(form, 0, 0, *rest) for form, *rest in rows]) for n in range(12)]
        for split, rows in splits.items()
    }
    write_dataset(sentences, folder / "en_own", "en_own", "en")
    return folder / "en_own"


def probed(folder, source, task, **keys):
    """The file of outcomes of probes on random vectors."""
    vectors = np.random.default_rng(0).normal(size=(1, len(read_words(source)), 4))
    features = write_features(folder / "features.h5", source, vectors, [0])
    settings = ProbeSettings(learning_rate=1e-2, batch_size=8, epochs=2, patience=2)
    train_probes(features, source, task, 2, settings, "cpu", folder / "outcomes.h5", folder / f"{task}.safetensors", **keys)
    return folder / "outcomes.h5"


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize(
    "splits",
    [
        {"train": STOP, "dev": STOP, "test": STOP},
        {"train": STOP, "dev": DOGS, "test": DOGS},
        {"train": DOGS, "dev": STOP, "test": DOGS},
        {"train": DOGS, "test": DOGS},
    ],
    ids=["nowhere", "not in train", "not in dev", "no dev set"],
)
def test_without_examples_to_learn_from_probes_and_baselines_say_the_same(tmp_path, task, splits):
    source = dataset(tmp_path, **splits)
    message = f"^en_own: has no examples of {task} in train or in dev, so that .*; name it under `probes.leave_out.{task}`, or take it out"
    with pytest.raises(XlprobeError, match=message):
        probed(tmp_path, source, task)
    with pytest.raises(XlprobeError, match=message):
        write_baselines(source, task, tmp_path / "baselines.h5")


@pytest.mark.parametrize("task", TASKS)
def test_without_test_examples_dev_is_scored_and_it_is_said(tmp_path, caplog, task):
    source = dataset(tmp_path, train=DOGS, dev=DOGS, test=STOP)
    outcomes = probed(tmp_path, source, task, controls=Controls(True, True))
    assert not caplog.messages
    write_baselines(source, task, tmp_path / "baselines.h5")
    scores = scores_of(outcomes, tmp_path / "baselines.h5", intervals=Intervals(20))
    assert scores.groupby("split")["metric"].unique().map(sorted).to_dict() == {
        "dev": ["accuracy", "accuracy_control", "accuracy_selectivity"],
        "train": ["code_length", "compression"],
    }
    assert set(scores_of_baselines(tmp_path / "baselines.h5", intervals=Intervals(20))["split"]) == {"dev"}
    assert (
        caplog.messages[0] == f"en_own: its test set has no example of {task}, so that it has scores on dev alone, and no panel in figures"
    )
    with pytest.raises(XlprobeError, match=f"^en_own: its test set has no example of {task}; name it under `probes.leave_out.{task}`, or"):
        transfer_probes(tmp_path / "features.h5", source, task, [tmp_path / f"{task}.safetensors"], tmp_path / "transfer.h5")


def test_one_label_alone_is_said(tmp_path, caplog):
    write_baselines(dataset(tmp_path, train=STOP, dev=STOP, test=DOGS), "pos", tmp_path / "baselines.h5")
    assert caplog.messages == ["en_own: all examples of pos in train have the label 'VERB', so that no probe learns to tell another"]


@pytest.mark.parametrize("task", ["pos", "arc_classification"])
def test_labels_that_train_never_has_are_errors(tmp_path, task):
    source = dataset(tmp_path, train=DOGS, dev=DOGS, test=MONEY)
    write_baselines(source, task, tmp_path / "baselines.h5")
    scores = scores_of(probed(tmp_path, source, task), tmp_path / "baselines.h5")
    test = scores[scores["split"] == "test"]
    assert (test["value"] == 0).all() and set(test["n"]) == {24 if task == "pos" else 12}
    transfer_probes(tmp_path / "features.h5", source, task, [tmp_path / f"{task}.safetensors"], tmp_path / "transfer.h5")
    write_transfer_baselines(source, [source], task, tmp_path / "of_target.h5")
    across = scores_of(tmp_path / "transfer.h5", tmp_path / "of_target.h5", shared_labels=True)
    assert across["metric"].unique().tolist() == ["accuracy"] and (across["value"] == 0).all()


def test_an_empty_table_of_pairs_has_no_examples(tmp_path):
    source = dataset(tmp_path, train=STOP)
    for task in TASKS:
        examples = read_examples(source, load_probe_task(task))
        assert not len(examples) and {"split", "sentence", "label", "word", "form"} <= {*examples.columns}


def test_what_examples_earn_is_added_up_by_sentence_by_hand():
    """Examples need not stand in the order of their sentences; the second sentence has none."""
    sentences = Sentences(np.array(["a", "b", "c"]), np.array([0, 2, 0, 2, 2]))
    earned = np.array([[1, 0, 1, 1, 1], [0, 0, 0, 1, 0]], dtype=np.int8)
    assert sentences.sums(earned).tolist() == [[2, 0], [0, 0], [2, 1]]
    # More than a byte holds.
    assert Sentences(np.array(["a"]), np.zeros(300, dtype=int)).sums(np.ones((1, 300), dtype=np.int8)).tolist() == [[300]]


@pytest.mark.parametrize("task", ["pos", "arc_classification"])
def test_sentences_of_a_split_are_its_own_and_all_of_them(tmp_path, task):
    """Pairs of words stand in their words' sentence, each of which is drawn alone."""
    sentences = [("s1", DOGS), ("s2", STOP), ("s3", DOGS)]
    splits = {"train": [Sentence("t", "", [Word("a", 0, 0, "X", "_", 0, "root")])]}
    splits["test"] = [Sentence(sent_id, "", [Word(form, 0, 0, *rest) for form, *rest in rows]) for sent_id, rows in sentences]
    write_dataset(splits, tmp_path / "en_own", "en_own", "en")
    examples = read_examples(tmp_path / "en_own", load_probe_task(task)).query("split == 'test'")
    found = read_sentences_of(tmp_path / "en_own", "test", examples, load_probe_task(task))
    assert found.clusters.tolist() == ["s1", "s2", "s3"]
    assert found.sums(np.ones((1, len(examples)))).tolist() == ([[3], [1], [3]] if task == "pos" else [[2], [0], [2]])


def test_pairs_of_a_premise_are_drawn_together(tmp_path):
    """By the number of their first pair, whichever stands first in the table, and in the test set alone as well."""
    said = [(1, "one", "a"), (2, "one", "b"), (5, "two", "c"), (3, "one", "d"), (4, "two", "e")]
    pairs = [SentencePair(number, number, premise, hypothesis, "neutral") for number, premise, hypothesis in said]
    for name, splits in (("xnli_en", {"train": pairs[:1], "test": pairs}), ("xnli_en_test", {"test": pairs})):
        write_nli(splits, tmp_path / name, name, "en")
        examples = read_examples(tmp_path / name, load_probe_task("xnli")).query("split == 'test'")
        found = read_sentences_of(tmp_path / name, "test", examples, load_probe_task("xnli"))
        assert examples["pair"].tolist() == [1, 2, 3, 5, 4] and found.clusters.tolist() == ["1", "1", "1", "4", "4"]
        assert found.sums(np.array([[1, 0, 1, 1, 0]])).tolist() == [[1], [0], [1], [1], [0]]
