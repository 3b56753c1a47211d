"""Splits without examples of a task, or without a label to tell: measured where it can be, else refused in one sentence."""

import numpy as np
import pandas as pd
import pytest
from feature_files import write_features

from xlprobe.artifacts.dataset_folder import read_words
from xlprobe.datasets.conllu import Sentence, Word
from xlprobe.datasets.treebank import write_dataset
from xlprobe.errors import XlprobeError
from xlprobe.probes.baselines import write_baselines
from xlprobe.probes.examples import read_examples
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
    """The scores of probes on random vectors."""
    vectors = np.random.default_rng(0).normal(size=(1, len(read_words(source)), 4))
    features = write_features(folder / "features.h5", source, vectors, [0])
    settings = ProbeSettings(learning_rate=1e-2, batch_size=8, epochs=2, patience=2)
    train_probes(features, source, task, 2, settings, "cpu", folder / "scores.parquet", folder / f"{task}.safetensors", **keys)
    return pd.read_parquet(folder / "scores.parquet")


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
        write_baselines(source, task, tmp_path / "baselines.parquet")


@pytest.mark.parametrize("task", TASKS)
def test_without_test_examples_dev_is_scored_and_it_is_said(tmp_path, caplog, task):
    source = dataset(tmp_path, train=DOGS, dev=DOGS, test=STOP)
    scores = probed(tmp_path, source, task, controls=Controls(True, True), intervals=Intervals(20))
    assert set(scores["split"]) == {"dev", "train"} and set(scores.loc[scores["split"] == "train", "metric"]) == {
        "code_length",
        "compression",
    }
    assert not caplog.messages
    write_baselines(source, task, tmp_path / "baselines.parquet", Intervals(20))
    assert set(pd.read_parquet(tmp_path / "baselines.parquet")["split"]) == {"dev"}
    assert (
        caplog.messages[0] == f"en_own: its test set has no example of {task}, so that it has scores on dev alone, and no panel in figures"
    )
    with pytest.raises(XlprobeError, match=f"^en_own: its test set has no example of {task}; name it under `probes.leave_out.{task}`, or"):
        transfer_probes(tmp_path / "features.h5", source, task, [tmp_path / f"{task}.safetensors"], tmp_path / "transfer.parquet")


def test_one_label_alone_is_said(tmp_path, caplog):
    write_baselines(dataset(tmp_path, train=STOP, dev=STOP, test=DOGS), "pos", tmp_path / "baselines.parquet")
    assert caplog.messages == ["en_own: all examples of pos in train have the label 'VERB', so that no probe learns to tell another"]


@pytest.mark.parametrize("task", ["pos", "arc_classification"])
def test_labels_that_train_never_has_are_errors(tmp_path, task):
    source = dataset(tmp_path, train=DOGS, dev=DOGS, test=MONEY)
    scores = probed(tmp_path, source, task)
    test = scores[scores["split"] == "test"]
    assert (test["value"] == 0).all() and set(test["n"]) == {24 if task == "pos" else 12}
    transfer_probes(
        tmp_path / "features.h5", source, task, [tmp_path / f"{task}.safetensors"], tmp_path / "transfer.parquet", shared_labels=True
    )
    assert pd.read_parquet(tmp_path / "transfer.parquet")["metric"].unique().tolist() == ["accuracy"]


def test_an_empty_table_of_pairs_has_no_examples(tmp_path):
    source = dataset(tmp_path, train=STOP)
    for task in TASKS:
        examples = read_examples(source, load_probe_task(task))
        assert not len(examples) and {"split", "sentence", "label", "word", "form"} <= {*examples.columns}
