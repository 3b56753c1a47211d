import contextlib
import struct
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from feature_files import write_features
from safetensors.numpy import save_file

from xlprobe.artifacts.dataset_folder import read_words
from xlprobe.artifacts.probe_file import ProbeFile
from xlprobe.artifacts.tables import conform
from xlprobe.datasets.conllu import Sentence, Word
from xlprobe.datasets.treebank import write_dataset
from xlprobe.errors import XlprobeError
from xlprobe.files import identity_digest, write_json
from xlprobe.paths import PROJECT
from xlprobe.probes import transfer
from xlprobe.probes.linear_probe import ProbeSettings
from xlprobe.probes.training import train_probes, write_probes
from xlprobe.probes.transfer import layer_predictions, predicted_classes, transfer_probes


def write_treebank(folder, **tags):
    """A dataset with a sentence a split, given its words' tags."""
    splits = {split: [Sentence("1", "", [Word(tag.lower(), 0, 0, tag, "_", 0, "_") for tag in of])] for split, of in tags.items()}
    write_dataset(splits, folder, folder.name, "en")
    return folder


def write_weights(path, labels, weight_SCF, layer=1, **changes):
    checkpoint = {"model": "xlmr", "training_seed": None, "step": 5}
    digest = identity_digest(checkpoint | {"files": {"model.safetensors": "w"}})
    said = {"task": "pos", "protocol": "paper", "version": 1, "dataset": path.stem, "languages": ["en"], "labels": labels}
    said |= {"checkpoint_digest": digest}
    weight_SCF = np.array(weight_SCF, dtype=np.float32)
    write_probes(path, {layer: (weight_SCF, np.zeros(weight_SCF.shape[:2], dtype=np.float32))}, checkpoint | said | changes)
    return path


@pytest.fixture
def target(tmp_path):
    """Test words N, V, V, X after a word of train that must not count, and vectors that point to their tags."""
    dataset = write_treebank(tmp_path / "xx_pud", train=["N"], test=["N", "V", "V", "X"])
    directions = np.eye(3)[[0, 0, 1, 1, 2]]
    return write_features(tmp_path / "xx_pud.h5", dataset, directions[None], [1]), dataset


def test_predictions_on_a_hand_worked_example():
    # Two seeds of two classes: the first tells them by the vector's sign, the second always says 1, by its bias.
    weight_SCF, bias_SC = np.array([[[-1.0], [1.0]], [[0.0], [0.0]]]), np.array([[0.0, 0.0], [0.0, 2.0]])
    x_BF = np.array([[-3.0], [2.0], [-1.0], [0.5]])
    assert predicted_classes(weight_SCF, bias_SC, x_BF).tolist() == [[0, 1, 0, 1], [1, 1, 1, 1]]


@pytest.mark.parametrize("words", [1, 2])
def test_predictions_equal_a_loop_over_linear_layers(monkeypatch, words):
    monkeypatch.setattr(transfer, "EXAMPLES_PER_PRODUCT", 64)
    torch.manual_seed(5)
    vectors_WD, rows = torch.randn(200, 24).half(), torch.randint(200, (words, 300))
    read = [vectors_WD[rows_N].float() for rows_N in rows]
    x_NF = torch.cat([*read, read[0] * read[1]], dim=1) if words == 2 else read[0]
    expected, probes = [], []
    for n_seeds, classes in ((3, 7), (2, 3)):
        linears = [torch.nn.Linear(x_NF.shape[1], classes) for _ in range(n_seeds)]
        expected.append([linear(x_NF).argmax(1).tolist() for linear in linears])
        probes.append(tuple(torch.stack([getattr(linear, name).detach() for linear in linears]).numpy() for name in ("weight", "bias")))
    found = layer_predictions(probes, vectors_WD.numpy(), list(rows.numpy()))
    assert [classes_SN.tolist() for classes_SN in found] == expected


def test_labels_are_matched_by_name_and_an_unseen_one_is_an_error(target, tmp_path):
    features, dataset = target
    sources = [
        # Right about N and V, which it numbers in another order; it never saw X.
        write_weights(tmp_path / "aa_aa.safetensors", ["A", "V", "N"], [[[0, 0, 0.5], [0, 1, 0], [1, 0, 0]]]),
        # Two seeds: one knows all three, one says N everywhere.
        write_weights(
            tmp_path / "bb_bb.safetensors", ["N", "V", "X"], [np.eye(3), [[1, 1, 1], [0, 0, 0], [0, 0, 0]]], protocol="converged"
        ),
    ]
    transfer_probes(features, dataset, "pos", sources, tmp_path / "t.parquet")
    table = conform(pd.read_parquet(tmp_path / "t.parquet"), "scores.schema.yaml")
    assert table[["training_seed", "text_form"]].isna().all(axis=None)
    table = table[table["seed"].notna()].drop(columns=["training_seed", "text_form", "low", "high"])
    constant = {"model": "xlmr", "step": 5, "layer": 1, "task": "pos", "target": "xx_pud", "split": "test", "metric": "accuracy", "n": 4}
    assert table.to_dict("records") == [
        constant | {"source": "aa_aa", "protocol": "paper", "seed": 0, "value": 0.75},
        constant | {"source": "bb_bb", "protocol": "converged", "seed": 0, "value": 1.0},
        constant | {"source": "bb_bb", "protocol": "converged", "seed": 1, "value": 0.25},
    ]


def test_words_whose_label_the_source_knows_are_scored_apart_where_asked_for(target, tmp_path):
    features, dataset = target
    sources = [
        write_weights(tmp_path / "aa_aa.safetensors", ["A", "V", "N"], [[[0, 0, 0.5], [0, 1, 0], [1, 0, 0]]]),
        write_weights(tmp_path / "bb_bb.safetensors", ["A"], [[[0, 0, 0]]]),
        write_weights(tmp_path / "cc_cc.safetensors", ["N", "V"], [[[1, 0, 0], [0, 1, 0]]]),
    ]
    transfer_probes(features, dataset, "pos", sources, tmp_path / "t.parquet", shared_labels=True)
    table = pd.read_parquet(tmp_path / "t.parquet")
    table = table[table["seed"].notna()]
    # A source that knows no label has no such row.
    assert table[["source", "metric", "value", "n"]].to_numpy().tolist() == [
        ["aa_aa", "accuracy", 0.75, 4],
        ["aa_aa", "accuracy_shared", 1.0, 3],
        ["bb_bb", "accuracy", 0.0, 4],
        ["cc_cc", "accuracy", 0.75, 4],
        ["cc_cc", "accuracy_shared", 1.0, 3],
    ]


def test_probes_are_transferred_at_the_layers_that_they_and_the_target_have(tmp_path):
    dataset = write_treebank(tmp_path / "xx_pud", test=["N", "V"])
    features = write_features(tmp_path / "xx_pud.h5", dataset, np.zeros((3, 2, 1)), [0, 1, 2])
    sources = [write_weights(tmp_path / f"l{layer}.safetensors", ["N", "V"], [[[1], [0]]], layer=layer) for layer in (0, 2)]
    transfer_probes(features, dataset, "pos", sources, tmp_path / "t.parquet")
    everywhere = pd.read_parquet(tmp_path / "t.parquet").dropna(subset="seed")
    assert everywhere[["source", "layer"]].to_numpy().tolist() == [["l0", 0], ["l2", 2]]
    transfer_probes(features, dataset, "pos", sources[1:], tmp_path / "t.parquet", layers=[1, 2])
    assert pd.read_parquet(tmp_path / "t.parquet")["layer"].unique().tolist() == [2]
    with pytest.raises(XlprobeError, match=r"l0.safetensors: has probes of layers \[0\], none of \[1, 2\]; train them"):
        transfer_probes(features, dataset, "pos", sources, tmp_path / "t.parquet", layers=[1, 2])
    with pytest.raises(XlprobeError, match=r"xx_pud.h5: holds layers \[0, 1, 2\], not 3"):
        transfer_probes(features, dataset, "pos", sources, tmp_path / "t.parquet", layers=[2, 3])


def test_predictions_are_kept_where_asked_for(target, tmp_path):
    features, dataset = target
    weights = write_weights(tmp_path / "bb_bb.safetensors", ["N", "V", "X"], [np.eye(3), [[1, 1, 1], [0, 0, 0], [0, 0, 0]]])
    transfer_probes(features, dataset, "pos", [weights] * 2, tmp_path / "t.parquet", predictions=tmp_path / "p.parquet")
    said = conform(pd.read_parquet(tmp_path / "p.parquet"), "predictions.schema.yaml")
    assert len(said) == 2 * 2 * 4 and said["head"].isna().all() and set(said["layer"]) == {1} and set(said["source"]) == {"bb_bb"}
    first, second = (said[:8][said["seed"][:8] == seed] for seed in (0, 1))
    assert first["word"].tolist() == [1, 2, 3, 4] and first["label"].tolist() == ["N", "V", "V", "X"] == first["predicted"].tolist()
    assert second["predicted"].tolist() == ["N"] * 4


def test_predictions_of_pairs_name_both_words_and_come_from_both(tmp_path):
    """Of b, a's and c's head; each may be drawn in b's place. The probe finds an arc where head and word point apart."""
    words = [Word(form, 0, 0, "X", "_", head, relation) for form, head, relation in (("a", 2, "x"), ("b", 0, "root"), ("c", 2, "y"))]
    dataset = tmp_path / "xx_pud"
    write_dataset({"train": [Sentence("1", "", words[:1])], "test": [Sentence("2", "", words)]}, dataset, "xx_pud", "en")
    features = write_features(tmp_path / "xx_pud.h5", dataset, np.array([[[5], [1], [-2], [3]]]), [1])
    weights = {"task": "arc_prediction", "labels": ["arc", "no arc"]}
    # What it reads of a pair: the word, the head, their product. Seeds look at one each.
    source = write_weights(tmp_path / "bb_bb.safetensors", weight_SCF=np.eye(3)[:, None] * [[-1], [1]], **weights)
    transfer_probes(features, dataset, "arc_prediction", [source], tmp_path / "t.parquet", predictions=tmp_path / "p.parquet")
    said = conform(pd.read_parquet(tmp_path / "p.parquet"), "predictions.schema.yaml")
    pairs = [[1, 2, "arc"], [1, 3, "no arc"], [3, 2, "arc"], [3, 1, "no arc"]]
    assert said[["word", "head", "label"]].to_numpy().tolist() == pairs * 3
    vectors = {1: 1, 2: -2, 3: 3}
    read = [[vectors[word], vectors[head], vectors[word] * vectors[head]] for word, head, _ in pairs]
    assert said["predicted"].tolist() == ["no arc" if values[seed] > 0 else "arc" for seed in range(3) for values in read]


@pytest.mark.parametrize("task", ["pos", "number", "arc_prediction", "arc_classification"])
def test_on_its_own_test_set_a_source_scores_what_it_does_in_language(tmp_path, task):
    generator = np.random.default_rng(7)
    splits = {}
    for split, sentences in (("train", 40), ("dev", 16), ("test", 18)):
        splits[split] = []
        for number in range(sentences):
            heads, tags, numbers = (
                [2, 3, 0, 3, 4],
                generator.choice(list("NVXD"), 5),
                generator.choice(["Number=Sing", "Number=Plur", "_"], 5),
            )
            rows = zip(tags, numbers, heads, generator.choice(["a", "b:c", "b"], 5), strict=True)
            splits[split].append(Sentence(f"{split}{number}", "", [Word(tag, 0, 0, tag, *rest) for tag, *rest in rows]))
    dataset = tmp_path / "xx_own"
    write_dataset(splits, dataset, "xx_own", "en")
    words = read_words(dataset)
    centres = {value: generator.standard_normal(16) for column in ("upos", "feats", "deprel") for value in words[column].unique()}
    clean_WD = np.stack([sum(centres[value] for value in row) for row in words[["upos", "feats", "deprel"]].to_numpy()])
    vectors_LWD = np.stack([clean_WD + noise * generator.standard_normal(clean_WD.shape) for noise in (1, 2)])
    features = write_features(tmp_path / "xx_own.h5", dataset, vectors_LWD, [0, 3])
    weights, settings = tmp_path / "w.safetensors", ProbeSettings(1e-2, 32, 10, 3)
    train_probes(features, dataset, task, 3, settings, "cpu", tmp_path / "scores.parquet", weights)
    write_json(tmp_path / "5" / "identity.json", {"model": "xlmr", "training_seed": None, "step": 5})
    with pytest.raises(XlprobeError, match=OTHER_CHECKPOINT.format(name="xx_own")):
        train_probes(
            features,
            dataset,
            task,
            3,
            settings,
            "cpu",
            tmp_path / "s",
            tmp_path / "w",
            checkpoint_identity=tmp_path / "5" / "identity.json",
        )
    transfer_probes(features, dataset, task, [weights], tmp_path / "t.parquet")
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
        ({"version": 2}, "holds probes of version 2 of pos, expected version 1; delete it, and it is made again"),
        (
            {"checkpoint_digest": "x"},
            r"aa\.safetensors: its probes are of another checkpoint under the name of xlmr step 5 than .*; delete it",
        ),
        ({"layer": 2}, r"has probes of layers \[2\], none of \[1\]; train them on one of these"),
    ],
)
def test_probes_of_anything_else_are_refused(target, tmp_path, changes, message):
    weights = write_weights(tmp_path / "aa.safetensors", ["N"], [[[1, 0, 0]]], **changes)
    with pytest.raises(XlprobeError, match=message):
        transfer_probes(*target, "pos", [weights], tmp_path / "t.parquet")
    assert not (tmp_path / "t.parquet").exists()
    # A source that the run has dropped is left out until its probes are made again; what can be scored of it is.
    others = [write_weights(tmp_path / f"{name}.safetensors", ["N"], [[[1, 0, 0]]]) for name in ("bb", "cc")]
    transfer_probes(*target, "pos", [weights, *others], tmp_path / "t.parquet", dropped_datasets=["aa", "bb"])
    assert {*pd.read_parquet(tmp_path / "t.parquet")["source"]} == {"bb", "cc"}


NO_PROBES = "{name}: cannot be read as a file of probes.* \\(.*\\); delete it, and it is made again$"


def test_a_file_without_probes_is_refused(tmp_path):
    (tmp_path / "text").write_text("text")
    save_file({"a": np.zeros(1)}, tmp_path / "other")
    save_file({"layer_1.weight": np.zeros(1)}, tmp_path / "old", metadata={"probes": '{"model": "xlmr", "training_seed": null, "step": 5}'})
    for name in ("text", "other", "old"):
        with pytest.raises(XlprobeError, match=NO_PROBES.format(name=name)):
            ProbeFile(tmp_path / name)
    with pytest.raises(XlprobeError, match=r"gone: no such file; run again to make it$"):
        ProbeFile(tmp_path / "gone")


def test_no_flipped_bit_of_a_file_of_probes_passes(tmp_path):
    path = write_weights(tmp_path / "aa.safetensors", ["N", "V"], np.random.default_rng(1).normal(size=(2, 2, 8)))
    before, content = ProbeFile(path), path.read_bytes()
    expected = vars(before), *(part.tobytes() for part in before.layer(1))
    for bit in np.random.default_rng(2).choice(8 * len(content), 300, replace=False).tolist():
        path.write_bytes(content[: bit // 8] + bytes([content[bit // 8] ^ 1 << bit % 8]) + content[bit // 8 + 1 :])
        with contextlib.suppress(XlprobeError):
            found = ProbeFile(path)
            # Blanks and the form of an escaped letter in the metadata say nothing.
            assert (vars(found), *(part.tobytes() for part in found.layer(1))) == expected
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(XlprobeError, match=NO_PROBES.format(name="aa.safetensors")):
        ProbeFile(path)
    path.write_bytes(content[:-64] + bytes(64))
    with pytest.raises(
        XlprobeError, match=r"aa\.safetensors: layer_1\..* has another CRC-32 than when it was written; delete it, and it is"
    ):
        ProbeFile(path).layer(1)


@pytest.mark.parametrize(
    ("length", "header"),
    [
        (10**10, b"{}"),
        (2**25, b"{}" + b" " * 2**25),
        (None, b'{"layer_1.weight": {"dtype": "F32", "shape": [1000000000000], "data_offsets": [0, 4]}}'),
    ],
)
def test_a_file_of_probes_that_asks_for_more_than_it_holds_is_refused(tmp_path, length, header):
    path = tmp_path / "aa.safetensors"
    path.write_bytes(struct.pack("<Q", length or len(header)) + header + bytes(4))
    with pytest.raises(XlprobeError, match=NO_PROBES.format(name="aa.safetensors")):
        ProbeFile(path)


OTHER_CHECKPOINT = r"{name}\.h5: holds vectors of xlmr step 5, and not of .*/5 as it is now; delete it, and it is made again$"


def test_vectors_of_another_checkpoint_are_refused(target, tmp_path):
    """Of another step, or of the same step of a checkpoint that was made anew since."""
    features, dataset = target
    weights = write_weights(tmp_path / "aa.safetensors", ["N"], [[[1, 0, 0]]])
    told = {"model": "xlmr", "training_seed": None, "step": 5, "files": {"model.safetensors": "w"}}
    for changes in ({"step": 6}, {"files": {"model.safetensors": "v"}}):
        write_json(tmp_path / "5" / "identity.json", told | changes)
        with pytest.raises(XlprobeError, match=OTHER_CHECKPOINT.format(name="xx_pud")):
            transfer_probes(
                features, dataset, "pos", [weights], tmp_path / "t.parquet", checkpoint_identity=tmp_path / "5" / "identity.json"
            )
    write_json(tmp_path / "5" / "identity.json", told)
    transfer_probes(features, dataset, "pos", [weights], tmp_path / "t.parquet", checkpoint_identity=tmp_path / "5" / "identity.json")


def test_a_target_without_examples_is_refused(target, tmp_path):
    weights = write_weights(tmp_path / "aa.safetensors", ["arc", "no arc"], [[[1, 0, 0]]], task="arc_prediction")
    with pytest.raises(XlprobeError, match="xx_pud: its test set has no example of arc_prediction; name it under"):
        transfer_probes(*target, "arc_prediction", [weights], tmp_path / "t.parquet")


def test_transfer_of_any_task_starts_without_torch():
    code = "import sys, pkgutil, importlib, xlprobe.tasks, xlprobe.probes.transfer; "
    code += "[importlib.import_module(f'xlprobe.tasks.{module.name}') for module in pkgutil.iter_modules(xlprobe.tasks.__path__)]; "
    code += "print(*{'torch', 'transformers', 'sklearn'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], check=True, cwd=PROJECT / "scripts", capture_output=True, text=True)
    assert done.stdout.split() == []
