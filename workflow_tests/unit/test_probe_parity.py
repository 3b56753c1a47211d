"""Probes against scikit-learn's logistic regression, tuned on dev, on word vectors of real sentences."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from suites import write_suite

from xlprobe.corpus import clean_corpus, text_lines
from xlprobe.datasets import read_pairs, read_splits, read_words, write_dataset
from xlprobe.feature_file import FeatureFile
from xlprobe.features import extract_features
from xlprobe.huggingface_checkpoints import publish_huggingface
from xlprobe.linear_probe import ProbeSettings
from xlprobe.probes import train_probes
from xlprobe.tokenization import CleanedCorpus, build_tokenizer, train_sentencepiece
from xlprobe.vocabulary import SENTENCEPIECE_FILE

TREEBANK, LAYERS = "en_ewt", [0, 2]
# The defaults but for the learning rate: so few sentences are 85 updates an epoch, and probes that go by small steps would
# lose their patience on the way.
SETTINGS = ProbeSettings(learning_rate=1e-2, batch_size=256, epochs=50, patience=3)


@pytest.fixture(scope="module")
def treebank(real_data, tmp_path_factory) -> Path:
    """A real treebank's first sentences, and beside it their vectors from an XLM-R of 96 dimensions with random weights."""
    folder = tmp_path_factory.mktemp("parity")
    files = sorted((real_data / "ud" / "UD_English-EWT").glob("*.conllu.xz"))
    write_dataset(read_splits(files, 1000, 0.1), folder / TREEBANK, TREEBANK, "en")
    corpus = CleanedCorpus(folder / "train.txt.zst", folder / "counts.json")
    clean_corpus(real_data / "cc100" / "en.txt.xz", corpus.train, folder / "valid.txt.zst", corpus.counts, "en", 0.1, 1000, 200_000)
    train_sentencepiece([corpus], folder / "tokenizer" / SENTENCEPIECE_FILE, 2000, 0.3, 4000, 0.9995, 1)
    build_tokenizer(folder / "tokenizer" / SENTENCEPIECE_FILE, folder / "tokenizer")
    write_suite("xlm-roberta", list(text_lines(corpus.train)), folder / "tokenizer", folder / "suite", [0], hidden_size=96)
    publish_huggingface(folder / "suite" / "step_0", folder / "checkpoint", "m", None, 0, "masked", "suite", [])
    outputs = [folder / "features.h5"], [folder / "audit.parquet"]
    extract_features(folder / "checkpoint", [folder / TREEBANK], *outputs, LAYERS, 4096, "cpu")
    return folder / TREEBANK


def examples(treebank: Path, task: str, vectors_WD: np.ndarray) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """What is read of each example and its label, by split, from the dataset's tables alone."""
    words, arcs = read_words(treebank), read_pairs(treebank).dropna()
    first, x, y = np.arange(len(words)), vectors_WD, words["upos"].to_numpy()
    if task == "arc_prediction":
        first, second = np.concatenate([arcs[["dependent", other]].to_numpy(dtype=int) for other in ("head", "negative")]).T
        x = np.concatenate([vectors_WD[first], vectors_WD[second], vectors_WD[first] * vectors_WD[second]], axis=1)
        y = np.repeat(["arc", "no arc"], len(arcs))
    split = words["split"].to_numpy()[first]
    return {name: (x[split == name], y[split == name]) for name in ("train", "dev", "test")}


@pytest.mark.parametrize(("task", "layers", "margin"), [("pos", LAYERS, 0.3), ("arc_prediction", [2], 0.1)])
def test_probes_are_within_two_points_of_a_tuned_logistic_regression_on_real_vectors(treebank, tmp_path, task, layers, margin):
    scores, features = tmp_path / "scores.parquet", treebank.parent / "features.h5"
    train_probes(features, treebank, task, 3, SETTINGS, "cpu", scores, tmp_path / "weights.safetensors")
    table = pd.read_parquet(scores).query("split == 'test' and metric == 'accuracy'").dropna(subset="seed")
    for layer in layers:
        with FeatureFile(features) as file:
            parts = examples(treebank, task, file.layer(layer).astype(np.float32))
        fitted = [LogisticRegression(C=c, tol=1e-3, max_iter=300).fit(*parts["train"]) for c in (0.01, 0.1, 1.0)]
        tuned = max(fitted, key=lambda model: model.score(*parts["dev"])).score(*parts["test"])
        ours, labels = table[table["layer"] == layer], parts["test"][1]
        assert len(ours) == 3 and set(ours["n"]) == {len(labels)}
        assert ours["value"].mean() == pytest.approx(tuned, abs=0.02), (task, layer)
        majority = (labels == pd.Series(parts["train"][1]).mode()[0]).mean()
        assert min(ours["value"].mean(), tuned) > majority + margin, (task, layer)
