import json
import subprocess
import sys

import h5py
import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.numpy import save_file

from xlprobe import transfer
from xlprobe.datasets import read_words, write_dataset
from xlprobe.errors import XlprobeError
from xlprobe.linear_probe import ProbeSettings
from xlprobe.paths import PROJECT
from xlprobe.probe_file import ProbeFile
from xlprobe.probes import train_probes
from xlprobe.tables import conform
from xlprobe.transfer import correct_words, layer_accuracy, transfer_probes
from xlprobe.treebanks import Sentence, Word


def write_treebank(folder, **tags):
    """A dataset with a sentence a split, given its words' tags."""
    splits = {split: [Sentence("1", "", [Word(tag.lower(), 0, 0, tag, "_", 0, "_") for tag in of])] for split, of in tags.items()}
    write_dataset(splits, folder, folder.name, "en")
    return folder


def write_features(path, dataset, vectors_LWD, layers, model="xlmr", step=5):
    with h5py.File(path, "w") as file:
        file["vectors"] = vectors_LWD.astype(np.float16)
        file.attrs["layers"] = layers
        file.attrs["checkpoint"] = json.dumps({"model": model, "training_seed": None, "step": step})
        file.attrs["dataset"] = (dataset / "identity.json").read_text()
    return path


def write_weights(path, labels, weight_SCD, layer=1, **changes):
    checkpoint = {"model": "xlmr", "training_seed": None, "step": 5}
    description = checkpoint | {"task": "pos", "dataset": path.stem, "labels": labels} | changes
    weight_SCD = np.array(weight_SCD, dtype=np.float32)
    tensors = {f"layer_{layer}.weight": weight_SCD, f"layer_{layer}.bias": np.zeros(weight_SCD.shape[:2], dtype=np.float32)}
    save_file(tensors, path, metadata={"probes": json.dumps(description)})
    return path


@pytest.fixture
def target(tmp_path):
    """Test words N, V, V, X after a word of train that must not count, and vectors that point to their tags."""
    dataset = write_treebank(tmp_path / "xx_pud", train=["N"], test=["N", "V", "V", "X"])
    directions = np.eye(3)[[0, 0, 1, 1, 2]]
    return write_features(tmp_path / "xx_pud.h5", dataset, directions[None], [1]), dataset


def test_correct_words_on_a_hand_worked_example():
    # Two seeds of two classes: the first tells them by the vector's sign, the second always says 1, by its bias.
    weight_SCD, bias_SC = np.array([[[-1.0], [1.0]], [[0.0], [0.0]]]), np.array([[0.0, 0.0], [0.0, 2.0]])
    x_WD = np.array([[-3.0], [2.0], [-1.0], [0.5]])
    assert correct_words(weight_SCD, bias_SC, x_WD, np.array([0, 1, 1, -1])).tolist() == [2, 2]


def test_accuracy_equals_a_loop_over_linear_layers(monkeypatch):
    monkeypatch.setattr(transfer, "WORDS_PER_PRODUCT", 64)
    torch.manual_seed(5)
    vectors_WD = torch.randn(300, 24).half()
    numbers = [torch.randint(-1, classes, (300,)) for classes in (7, 3)]
    expected, probes = [], []
    for (seeds, classes), numbers_W in zip(((3, 7), (2, 3)), numbers, strict=True):
        linears = [torch.nn.Linear(24, classes) for _ in range(seeds)]
        expected.append([(linear(vectors_WD.float()).argmax(1) == numbers_W).double().mean().item() for linear in linears])
        probes.append(tuple(torch.stack([getattr(linear, name).detach() for linear in linears]).numpy() for name in ("weight", "bias")))
    found = layer_accuracy(probes, vectors_WD.numpy(), [numbers_W.numpy() for numbers_W in numbers])
    assert [accuracy_S.tolist() for accuracy_S in found] == expected


def test_labels_are_matched_by_name_and_an_unseen_one_is_an_error(target, tmp_path):
    features, dataset = target
    sources = [
        # Right about N and V, which it numbers in another order; it never saw X.
        write_weights(tmp_path / "aa_aa.safetensors", ["A", "V", "N"], [[[0, 0, 0.5], [0, 1, 0], [1, 0, 0]]]),
        # Two seeds: one knows all three, one says N everywhere.
        write_weights(tmp_path / "bb_bb.safetensors", ["N", "V", "X"], [np.eye(3), [[1, 1, 1], [0, 0, 0], [0, 0, 0]]]),
    ]
    transfer_probes(features, dataset, "pos", sources, tmp_path / "t.parquet")
    table = conform(pd.read_parquet(tmp_path / "t.parquet"), "scores.schema.yaml")
    assert table["training_seed"].isna().all()
    table = table.drop(columns="training_seed")
    constant = {"model": "xlmr", "step": 5, "layer": 1, "task": "pos", "target": "xx_pud", "split": "test", "metric": "accuracy", "n": 4}
    assert table.to_dict("records") == [
        constant | {"source": "aa_aa", "seed": 0, "value": 0.75},
        constant | {"source": "bb_bb", "seed": 0, "value": 1.0},
        constant | {"source": "bb_bb", "seed": 1, "value": 0.25},
    ]


def test_on_its_own_test_set_a_source_scores_what_it_does_in_language(tmp_path):
    generator = np.random.default_rng(7)
    tags = {split: generator.choice(["N", "V", "X", "D"], count).tolist() for split, count in (("train", 200), ("dev", 80), ("test", 90))}
    dataset = write_treebank(tmp_path / "xx_own", **tags)
    centres = dict(zip("NVXD", generator.standard_normal((4, 16)), strict=True))
    clean_WD = np.stack([centres[tag] for tag in read_words(dataset)["upos"]])
    vectors_LWD = np.stack([clean_WD + noise * generator.standard_normal(clean_WD.shape) for noise in (1, 2)])
    features = write_features(tmp_path / "xx_own.h5", dataset, vectors_LWD, [0, 3])
    weights, settings = tmp_path / "w.safetensors", ProbeSettings(1e-2, 32, 10, 3)
    train_probes(features, dataset, "pos", 3, settings, "cpu", tmp_path / "scores.parquet", weights)
    transfer_probes(features, dataset, "pos", [weights], tmp_path / "t.parquet")
    scores = pd.read_parquet(tmp_path / "scores.parquet").drop(columns="epochs")
    expected = scores[(scores["split"] == "test") & (scores["metric"] == "accuracy")].reset_index(drop=True)
    assert expected["value"].nunique() > 2
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "t.parquet"), expected, check_dtype=False)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"step": 50}, r"aa\.safetensors: holds pos probes of xlmr step 50, expected pos probes of xlmr step 5, as the vectors in"),
        ({"model": "other"}, "holds pos probes of other step 5, expected pos probes of xlmr step 5"),
        ({"task": "arcs"}, "holds arcs probes of xlmr step 5, expected pos probes"),
        ({"layer": 2}, "has no probes of layer 1; train them on vectors of that layer"),
    ],
)
def test_probes_of_anything_else_are_refused(target, tmp_path, changes, message):
    weights = write_weights(tmp_path / "aa.safetensors", ["N"], [[[1, 0, 0]]], **changes)
    with pytest.raises(XlprobeError, match=message):
        transfer_probes(*target, "pos", [weights], tmp_path / "t.parquet")
    assert not (tmp_path / "t.parquet").exists()


def test_a_file_without_probes_is_refused(tmp_path):
    (tmp_path / "text").write_text("text")
    save_file({"a": np.zeros(1)}, tmp_path / "other")
    for name in ("text", "other"):
        with pytest.raises(XlprobeError, match=f"{name}: holds no probes"):
            ProbeFile(tmp_path / name)
    with pytest.raises(XlprobeError, match="gone: no such file"):
        ProbeFile(tmp_path / "gone")


def test_transfer_starts_without_torch():
    code = "import sys, xlprobe.tasks.pos, xlprobe.transfer; print(*{'torch', 'transformers', 'sklearn'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], check=True, cwd=PROJECT / "scripts", capture_output=True, text=True)
    assert done.stdout.split() == []
