import contextlib
import struct
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from feature_files import write_features
from outcome_scores import outcome_in, scores_of, scores_of_baselines
from safetensors.numpy import save_file

from xlprobe.artifacts.dataset_folder import read_words
from xlprobe.artifacts.outcome_file import OutcomeFile
from xlprobe.artifacts.probe_file import ProbeFile
from xlprobe.artifacts.tables import conform
from xlprobe.datasets.conllu import Sentence, Word
from xlprobe.datasets.treebank import write_dataset
from xlprobe.errors import XlprobeError
from xlprobe.files import identity_digest, write_json
from xlprobe.paths import PROJECT
from xlprobe.probes import transfer
from xlprobe.probes.baselines import write_baselines, write_transfer_baselines
from xlprobe.probes.linear_probe import ProbeSettings
from xlprobe.probes.training import train_probes, write_probes
from xlprobe.probes.transfer import layer_predictions, predicted_classes, transfer_probes
from xlprobe.statistics.bootstrap import Intervals


def write_treebank(folder, *, parallel=None, **sentences):
    """A dataset, given its sentences' tags by split, with blanks between those of words."""
    splits = {
        split: [
            Sentence(f"{split}-{n}", "", [Word(tag.lower(), 0, 0, tag, "_", 0, "_") for tag in tags.split()]) for n, tags in enumerate(of)
        ]
        for split, of in sentences.items()
    }
    write_dataset(splits, folder, folder.name, folder.name[:2], parallel=parallel)
    return folder


def write_source(folder, labels):
    """A dataset whose train split has these labels, and no more."""
    return write_treebank(folder, train=[" ".join(labels)], dev=labels[:1])


def write_weights(path, labels, weight_SCF, layer=1, **changes):
    checkpoint = {"model": "xlmr", "training_seed": None, "step": 5}
    digest = identity_digest(checkpoint | {"files": {"model.safetensors": "w"}})
    said = {"task": "pos", "protocol": "paper", "version": 1, "dataset": path.stem, "languages": [path.stem[:2]], "labels": labels}
    said |= {"checkpoint_digest": digest}
    weight_SCF = np.array(weight_SCF, dtype=np.float32)
    write_probes(path, {layer: (weight_SCF, np.zeros(weight_SCF.shape[:2], dtype=np.float32))}, checkpoint | said | changes)
    return path


@pytest.fixture
def target(tmp_path):
    """Test words N, V, V, X after a word of train that must not count, and vectors that point to their tags."""
    dataset = write_treebank(tmp_path / "xx_pud", parallel="pud", train=["N"], test=["N V", "V X"])
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


@pytest.fixture
def totals(target, tmp_path):
    """The file of baselines of the test set, of sources that know other labels: the totals of its sentences, too."""
    sources = [write_source(tmp_path / name, labels) for name, labels in (("aa_aa", "AVN"), ("bb_bb", "NVX"), ("cc_cc", "A"))]
    write_transfer_baselines(target[1], sources, "pos", tmp_path / "b.h5")
    return tmp_path / "b.h5"


def test_labels_are_matched_by_name_and_an_unseen_one_is_an_error(target, totals, tmp_path):
    features, dataset = target
    sources = [
        # Right about N and V, which it numbers in another order; it never saw X.
        write_weights(tmp_path / "aa_aa.safetensors", ["A", "V", "N"], [[[0, 0, 0.5], [0, 1, 0], [1, 0, 0]]]),
        # Two seeds: one knows all three, one says N everywhere.
        write_weights(
            tmp_path / "bb_bb.safetensors", ["N", "V", "X"], [np.eye(3), [[1, 1, 1], [0, 0, 0], [0, 0, 0]]], protocol="converged"
        ),
    ]
    transfer_probes(features, dataset, "pos", sources, tmp_path / "t.h5")
    # Of layer 1, of two sentences, by seed.
    known, of_seeds = (outcome_in(tmp_path / "t.h5", "pos", source, "xx_pud", "test") for source in ("aa_aa", "bb_bb"))
    assert known.counts["correct"].tolist() == [[[2]], [[1]]] and of_seeds.counts["correct"].tolist() == [[[2, 1]], [[2, 0]]]
    assert {*known.counts} == {"correct"} and known.layers == [1] and known.clusters is None
    assert known.facts["parallel"] == "pud"
    assert (known.facts["source_language"], known.facts["target_language"]) == ("aa", "xx")
    table = conform(scores_of(tmp_path / "t.h5", totals), "scores.schema.yaml")
    assert table[["training_seed", "text_form"]].isna().all(axis=None)
    table = table[table["seed"].notna()].drop(columns=["training_seed", "text_form", "low", "high"])
    constant = {"model": "xlmr", "step": 5, "layer": 1, "task": "pos", "target": "xx_pud", "split": "test", "metric": "accuracy", "n": 4}
    constant |= {"target_language": "xx"}
    assert table.to_dict("records") == [
        constant | {"source": "aa_aa", "source_language": "aa", "protocol": "paper", "seed": 0, "value": 0.75},
        constant | {"source": "bb_bb", "source_language": "bb", "protocol": "converged", "seed": 0, "value": 1.0},
        constant | {"source": "bb_bb", "source_language": "bb", "protocol": "converged", "seed": 1, "value": 0.25},
    ]


def test_words_whose_label_the_source_knows_are_scored_apart_where_asked_for(target, totals, tmp_path):
    features, dataset = target
    sources = [
        write_weights(tmp_path / "aa_aa.safetensors", ["A", "V", "N"], [[[0, 0, 0.5], [0, 1, 0], [1, 0, 0]]]),
        write_weights(tmp_path / "bb_bb.safetensors", ["N", "V", "X"], [[[1, 0, 0], [0, 1, 0], [0, 0, 0]]]),
        write_weights(tmp_path / "cc_cc.safetensors", ["A"], [[[0, 0, 0]]]),
    ]
    transfer_probes(features, dataset, "pos", sources, tmp_path / "t.h5")
    table = scores_of(tmp_path / "t.h5", totals, shared_labels=True)
    table = table[table["seed"].notna()]
    # A source that knows no label has no such row.
    assert table[["source", "metric", "value", "n"]].to_numpy().tolist() == [
        ["aa_aa", "accuracy", 0.75, 4],
        ["aa_aa", "accuracy_shared", 1.0, 3],
        ["bb_bb", "accuracy", 0.75, 4],
        ["bb_bb", "accuracy_shared", 0.75, 4],
        ["cc_cc", "accuracy", 0.0, 4],
    ]
    assert set(scores_of(tmp_path / "t.h5", totals)["metric"]) == {"accuracy"}


def test_baselines_of_a_target_are_its_sources_by_hand(tmp_path):
    """Of train: w and v are N, most often; u is X. On the target's own labels: w is N once, v is V, u is X, and t is never seen."""

    def word(form, tag):
        return Word(form, 0, 0, tag, "_", 0, "_")

    train = [Sentence("1", "", [word("w", "N"), word("w", "N"), word("w", "A"), word("v", "N"), word("u", "X"), word("u", "X")])]
    write_dataset({"train": train, "dev": [Sentence("2", "", [word("w", "N")])]}, tmp_path / "aa_aa", "aa_aa", "aa")
    # What the target has of its own for learning says nothing.
    test = [[word("w", "N"), word("t", "N")], [], [word("w", "A"), word("v", "V"), word("u", "X"), word("t", "Y")]]
    splits = {"train": [Sentence("1", "", [word("t", "Y")] * 9)]}
    splits["test"] = [Sentence(f"n0{n}", "", words) for n, words in enumerate(test)]
    write_dataset(splits, tmp_path / "xx_pud", "xx_pud", "xx", parallel="pud")
    bb_bb = write_source(tmp_path / "bb_bb", "Y")
    write_transfer_baselines(tmp_path / "xx_pud", [tmp_path / "aa_aa", bb_bb], "pos", tmp_path / "b.h5")
    found = outcome_in(tmp_path / "b.h5", "pos", "aa_aa", "xx_pud", "test")
    assert found.clusters.tolist() == ["n00", "n01", "n02"] and found.layers is None
    assert {name: values.tolist() for name, values in found.counts.items()} == {
        "total": [2, 0, 4],
        # All but V and Y.
        "total_shared": [2, 0, 2],
        "majority.correct": [2, 0, 0],
        # Of w N, of v N, of u X, of t N as of most.
        "word_type.correct": [2, 0, 1],
    }
    known = found.facts
    assert (known["source_language"], known["target_language"], known["parallel"], known["metric"]) == ("aa", "xx", "pud", "accuracy")
    other = outcome_in(tmp_path / "b.h5", "pos", "bb_bb", "xx_pud", "test").counts
    assert other["total"].tolist() == [2, 0, 4] and other["majority.correct"].tolist() == [0, 0, 1] == other["total_shared"].tolist()
    table = scores_of_baselines(tmp_path / "b.h5", shared_labels=True)
    assert set(table["split"]) == {"test"} and set(table["target"]) == {"xx_pud"}
    values = table.set_index(["source", "model", "metric"]).sort_index()
    assert values.loc[("aa_aa", "word_type"), "value"].to_dict() == {"accuracy": 3 / 6, "accuracy_shared": 3 / 4}
    assert values.loc[("aa_aa", "majority"), "n"].to_dict() == {"accuracy": 6, "accuracy_shared": 4}
    with pytest.raises(XlprobeError, match="xx_pud: has no examples of pos in train or in dev"):
        write_transfer_baselines(bb_bb, [tmp_path / "xx_pud"], "pos", tmp_path / "b.h5")


def test_targets_of_a_parallel_group_have_the_same_draws(tmp_path):
    """Two languages, in one of which the sentences come in another order: where the same sentences are right, the interval is the same."""
    source = write_source(tmp_path / "aa_aa", "NV")
    tags = {f"n{number:02}": tag for number, tag in enumerate("NNVNVVNNNV")}
    for name, order, parallel in (("xx_pud", sorted(tags), "pud"), ("yy_pud", sorted(tags)[::-1], "pud"), ("zz_own", sorted(tags), None)):
        splits = {"test": [Sentence(sent_id, "", [Word("w", 0, 0, tags[sent_id], "_", 0, "_")]) for sent_id in order]}
        write_dataset(splits, tmp_path / name, name, name[:2], parallel=parallel)
        write_transfer_baselines(tmp_path / name, [source], "pos", tmp_path / f"{name}.h5")
    files = [tmp_path / f"{name}.h5" for name in ("xx_pud", "yy_pud", "zz_own")]
    rows = scores_of_baselines(*files, intervals=Intervals(7)).query("model == 'majority'").set_index("target")
    first, second, apart = (tuple(rows.loc[name, ["value", "low", "high"]]) for name in ("xx_pud", "yy_pud", "zz_own"))
    assert first == second and first[0] == apart[0] == 0.6 and first != apart


def test_probes_are_transferred_at_the_layers_that_they_and_the_target_have(tmp_path):
    dataset = write_treebank(tmp_path / "xx_pud", test=["N V"])
    features = write_features(tmp_path / "xx_pud.h5", dataset, np.zeros((3, 2, 1)), [0, 1, 2])
    sources = [write_weights(tmp_path / f"l{layer}.safetensors", ["N", "V"], [[[1], [0]]], layer=layer) for layer in (0, 2)]
    transfer_probes(features, dataset, "pos", sources, tmp_path / "t.h5")
    with OutcomeFile(tmp_path / "t.h5") as found:
        assert [(outcome.place.source, outcome.layers) for outcome in found] == [("l0", [0]), ("l2", [2])]
    transfer_probes(features, dataset, "pos", sources[1:], tmp_path / "t.h5", layers=[1, 2])
    assert outcome_in(tmp_path / "t.h5", "pos", "l2", "xx_pud", "test").layers == [2]
    with pytest.raises(XlprobeError, match=r"l0.safetensors: has probes of layers \[0\], none of \[1, 2\]; train them"):
        transfer_probes(features, dataset, "pos", sources, tmp_path / "t.h5", layers=[1, 2])
    with pytest.raises(XlprobeError, match=r"xx_pud.h5: holds layers \[0, 1, 2\], not 3"):
        transfer_probes(features, dataset, "pos", sources, tmp_path / "t.h5", layers=[2, 3])


def test_predictions_are_kept_where_asked_for(target, tmp_path):
    features, dataset = target
    weight_SCF = [np.eye(3), [[1, 1, 1], [0, 0, 0], [0, 0, 0]]]
    weights = [write_weights(tmp_path / f"{name}.safetensors", ["N", "V", "X"], weight_SCF) for name in ("bb_bb", "cc_cc")]
    transfer_probes(features, dataset, "pos", weights, tmp_path / "t.h5", predictions=tmp_path / "p.parquet")
    said = conform(pd.read_parquet(tmp_path / "p.parquet"), "predictions.schema.yaml")
    assert len(said) == 2 * 2 * 4 and said["head"].isna().all() and set(said["layer"]) == {1}
    assert said["source"].tolist() == ["bb_bb"] * 8 + ["cc_cc"] * 8
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
    transfer_probes(features, dataset, "arc_prediction", [source], tmp_path / "t.h5", predictions=tmp_path / "p.parquet")
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
    train_probes(features, dataset, task, 3, settings, "cpu", tmp_path / "o.h5", weights)
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
    transfer_probes(features, dataset, task, [weights], tmp_path / "t.h5")
    expected, found = (outcome_in(tmp_path / name, task, "xx_own", "xx_own", "test") for name in ("o.h5", "t.h5"))
    assert found.layers == expected.layers == [0, 3] and found.facts.items() <= expected.facts.items()
    assert found.counts["correct"].shape == (18, 2, 3) and (found.counts["correct"] == expected.counts["correct"]).all()
    write_baselines(dataset, task, tmp_path / "b.h5")
    scores, across = (scores_of(tmp_path / name, tmp_path / "b.h5", intervals=Intervals(20)) for name in ("o.h5", "t.h5"))
    expected = scores[(scores["split"] == "test") & (scores["metric"] == "accuracy")].reset_index(drop=True)
    assert expected["value"].nunique() > 2
    pd.testing.assert_frame_equal(across, expected)


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
        transfer_probes(*target, "pos", [weights], tmp_path / "t.h5")
    assert not (tmp_path / "t.h5").exists()
    # A source that the run has dropped is left out until its probes are made again; what can be scored of it is.
    others = [write_weights(tmp_path / f"{name}.safetensors", ["N"], [[[1, 0, 0]]]) for name in ("bb", "cc")]
    transfer_probes(*target, "pos", [weights, *others], tmp_path / "t.h5", dropped_datasets=["aa", "bb"])
    with OutcomeFile(tmp_path / "t.h5") as found:
        assert [place.source for place in found.places] == ["bb", "cc"]


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
            transfer_probes(features, dataset, "pos", [weights], tmp_path / "t.h5", checkpoint_identity=tmp_path / "5" / "identity.json")
    write_json(tmp_path / "5" / "identity.json", told)
    transfer_probes(features, dataset, "pos", [weights], tmp_path / "t.h5", checkpoint_identity=tmp_path / "5" / "identity.json")


def test_a_target_without_examples_is_refused(target, tmp_path):
    weights = write_weights(tmp_path / "aa.safetensors", ["arc", "no arc"], [[[1, 0, 0]]], task="arc_prediction")
    with pytest.raises(XlprobeError, match="xx_pud: its test set has no example of arc_prediction; name it under"):
        transfer_probes(*target, "arc_prediction", [weights], tmp_path / "t.h5")


def test_transfer_of_any_task_starts_without_torch():
    code = "import sys, pkgutil, importlib, xlprobe.tasks, xlprobe.probes.transfer; "
    code += "[importlib.import_module(f'xlprobe.tasks.{module.name}') for module in pkgutil.iter_modules(xlprobe.tasks.__path__)]; "
    code += "print(*{'torch', 'transformers', 'sklearn'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], check=True, cwd=PROJECT / "scripts", capture_output=True, text=True)
    assert done.stdout.split() == []
