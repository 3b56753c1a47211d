import logging
import lzma
import re

import numpy as np
import pandas as pd
import pytest
from feature_files import write_features
from outcome_scores import outcome_in, scores_of, scores_of_baselines

from xlprobe.artifacts.dataset_folder import has_words, read_pairs, read_sentences
from xlprobe.artifacts.splits import SPLITS
from xlprobe.artifacts.tables import conform
from xlprobe.datasets.nli import LABELS, SentencePair, read_nli, read_splits, split_of_file, write_nli
from xlprobe.errors import FormatError, XlprobeError
from xlprobe.files import read_json
from xlprobe.probes.baselines import write_baselines, write_transfer_baselines
from xlprobe.probes.examples import read_examples, read_sentences_of
from xlprobe.probes.linear_probe import ProbeSettings
from xlprobe.probes.training import Controls, train_probes
from xlprobe.probes.transfer import transfer_probes
from xlprobe.statistics.bootstrap import Intervals
from xlprobe.study.resource_tables import language_facts
from xlprobe.tasks.declaration import load_probe_task

PAIRS = [
    ("She said, \u201cno\u201d.", 'He heard "no".', "entailment"),
    ("She said, \u201cno\u201d.", "She\x1d agreed.", "contradiction"),
    ("It rains.", "She said, \u201cno\u201d.", "neutral"),
]
# The columns of XNLI 1.0 that are read; it has more.
COLUMNS = ["language", "gold_label", "sentence1_binary_parse", "sentence1", "sentence2", "pairID"]
OFFICIAL = "\n".join(
    "\t".join(row)
    for row in [
        COLUMNS,
        ["ar", "neutral", "( x )", "\u0644\u0627", "\u0646\u0639\u0645", "0"],
        *(["en", label, "( x )", premise, hypothesis, str(number)] for number, (premise, hypothesis, label) in enumerate(PAIRS)),
    ]
)
TRANSLATED = "premise\thypo\tlabel\n" + "".join(
    f"{premise}\t{hypothesis}\t{'contradictory' if label == 'contradiction' else label}\n" for premise, hypothesis, label in PAIRS
)
PLAIN = "".join("\t".join(pair) + "\n" for pair in PAIRS)
# As Python's csv module writes it.
QUOTED = PLAIN.replace('He heard "no".', '"He heard ""no""."').replace("\n", "\r\n")


def written(path, text):
    path.write_bytes(text.encode())
    return path


@pytest.mark.parametrize(
    "text", [OFFICIAL, TRANSLATED, PLAIN, QUOTED, "\ufeff" + QUOTED], ids=["official", "train", "xtreme", "csv", "bom"]
)
def test_every_layout_says_the_same(tmp_path, text):
    pairs = list(read_nli(written(tmp_path / "dev-en.tsv", text), "en"))
    assert [(pair.premise, pair.hypothesis, pair.label) for pair in pairs] == PAIRS
    lines = text.removeprefix("\ufeff").split("\n")
    assert all(pair.label[:10] in lines[pair.line - 1] for pair in pairs)


def test_a_premise_called_premise_is_no_first_line(tmp_path):
    (pair,) = read_nli(written(tmp_path / "dev-en.tsv", "premise\tIt ends.\tneutral\n"), "en")
    assert pair == SentencePair(1, 1, "premise", "It ends.", "neutral")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (PLAIN + "one\ttwo\n", r"dev-en.tsv:4: found 2 columns, expected premise, hypothesis and label; XTREME withholds the labels"),
        (PLAIN + "a\tb\tneutral\tc\n", r"dev-en.tsv:4: found 4 columns, expected premise, hypothesis and label$"),
        (PLAIN + "a\tb\tother\n", r"dev-en.tsv:4: found label 'other', expected one of contradiction, entailment, neutral"),
        (PLAIN + "a\tb\t-\n", r"dev-en.tsv:4: found label '-'"),
        (OFFICIAL + "\nen\tneutral\n", r"dev-en.tsv:6: found 2 columns, expected the 6 that the first line names"),
        (PLAIN + "\t" * 10**6, r"dev-en.tsv:4: found 1,000,001 columns, expected XNLI's"),
        (PLAIN + "\t" * 1000, r"dev-en.tsv:4: found 1001 columns, expected premise, hypothesis and label$"),
        (PLAIN + "\t" * 1001, r"dev-en.tsv:4: found 1,002 columns, expected XNLI's"),
        (TRANSLATED.replace("label\n", "label\tlabel\n", 1), r"dev-en.tsv:1: found the column 'label' twice, expected each of them once"),
        (PLAIN + "a\tb\t" + "no " * 9999 + "\n", r"dev-en.tsv:4: found label '(no ){30}.*….*( no){30}', expected one of"),
        (TRANSLATED + "\n", r"dev-en.tsv:5: found 1 columns, expected the 3"),
        (OFFICIAL.replace("\nen", "\nfr"), r"dev-en.tsv: holds no pair in language 'en'; give a file that does"),
        ("", r"dev-en.tsv: holds no pair in language 'en'; give a file that does"),
        ("version https://git-lfs.github.com/spec/v1\noid sha256:2436\n", r"dev-en.tsv: a git-LFS pointer stands in place of the data"),
    ],
)
def test_faults_end_in_one_sentence_with_file_and_line(tmp_path, text, message):
    with pytest.raises((FormatError, XlprobeError), match=message) as raised:
        list(read_nli(written(tmp_path / "dev-en.tsv", text), "en"))
    assert str(raised.value).count("\n") == 0


def test_empty_sentences_are_left_out_with_a_warning_unless_they_are_many(tmp_path, caplog):
    text = PLAIN * 50 + " \tIt ends.\tneutral\n" + PLAIN
    path = written(tmp_path / "train-en.tsv", text)
    with caplog.at_level(logging.WARNING):
        splits, left_out = read_splits({"train": path}, "en")
    assert len(splits["train"]) == 153 and left_out == {"train": 1}
    assert re.search(r"train-en.tsv:151: the first of 1 pairs \(of 154\) with an empty sentence; they are left out", caplog.text)
    # A few in the first pairs of a large file say nothing of it.
    assert read_splits({"train": path}, "en", 151)[1] == {"train": 1}
    written(path, text + "\t\tneutral\n" * 5)
    with pytest.raises(XlprobeError, match=r"train-en.tsv:151: the first of 6 pairs \(of 159\) .* fetch the file again"):
        read_splits({"train": path}, "en")


@pytest.mark.parametrize(("pairs", "empty", "few"), [(10, 5, True), (10, 6, False), (600, 6, True), (699, 7, False), (700, 7, True)])
def test_empty_sentences_are_many_where_they_are_over_five_and_over_one_in_a_hundred(tmp_path, pairs, empty, few):
    text = "One.\tTwo.\tneutral\n" * (pairs - empty) + "One.\t \tneutral\n" * (empty - 1) + " \tTwo.\tneutral\n"
    path = written(tmp_path / "train-en.tsv", text)
    if few:
        splits, left_out = read_splits({"train": path}, "en")
        assert len(splits["train"]) == pairs - empty and left_out == {"train": empty}
    else:
        with pytest.raises(XlprobeError, match=rf":{pairs - empty + 1}: the first of {empty} pairs \(of {pairs}\)"):
            read_splits({"train": path}, "en")


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("xnli.dev.tsv", "dev"),
        ("xnli.test.tsv", "test"),
        ("multinli.train.zh.tsv", "train"),
        ("train-zh.tsv.xz", "train"),
        ("dev-ur.tsv", "dev"),
    ],
)
def test_files_say_their_split(tmp_path, name, split):
    assert split_of_file(tmp_path / name) == split


def test_a_name_that_says_no_split_is_refused(tmp_path):
    with pytest.raises(XlprobeError, match=r"xnli.train.tsv: the name does not say the split, expected xnli.dev.tsv, multinli"):
        split_of_file(tmp_path / "xnli.train.tsv")


@pytest.fixture
def dataset(tmp_path):
    """Three pairs in train, of which two share their premise, and one in each of the others."""
    files = {split: written(tmp_path / f"{split}-en.tsv", PLAIN) for split in ("train", "dev", "test")}
    splits, left_out = read_splits(files, "en")
    splits["dev"], splits["test"] = splits["dev"][:1], splits["test"][2:]
    write_nli(splits, tmp_path / "xnli_en", "xnli_en", "en", left_out, parallel="xnli")
    return tmp_path / "xnli_en"


def test_a_dataset_holds_each_sentence_once_a_split(dataset):
    sentences, pairs = read_sentences(dataset), read_pairs(dataset)
    assert sentences["text"].to_list() == [
        PAIRS[0][0], PAIRS[0][1], PAIRS[1][1], PAIRS[2][0], PAIRS[0][0], PAIRS[0][1], PAIRS[2][0], PAIRS[0][0]
    ]  # fmt: skip
    assert sentences["split"].to_list() == ["train"] * 4 + ["dev"] * 2 + ["test"] * 2
    assert sentences["first_word"].to_list() == list(range(8)) and set(sentences["words"]) == {1}
    assert sentences["sent_id"].is_unique
    assert pairs.to_numpy().tolist() == [
        [1, 0, 1, "entailment"],
        [2, 0, 2, "contradiction"],
        [3, 3, 0, "neutral"],
        [1, 4, 5, "entailment"],
        [3, 6, 7, "neutral"],
    ]
    for table, schema in ((sentences, "sentences"), (pairs, "sentence_pairs")):
        pd.testing.assert_frame_equal(table, conform(table, f"{schema}.schema.yaml"))
    identity = read_json(dataset / "identity.json")
    said = {"dataset": "xnli_en", "kind": "nli", "languages": ["en"], "parallel": "xnli", "format": 2}
    assert identity.items() > said.items() and "language" not in identity
    assert identity["text_form"] == "raw" and identity["text_form_of_splits"] == dict.fromkeys(SPLITS, "raw")
    assert identity["sentences"] == {"train": 4, "dev": 2, "test": 2} and identity["pairs"] == {"train": 3, "dev": 1, "test": 1}
    assert identity["labels"]["train"] == dict.fromkeys(LABELS, 1) and identity["pairs_left_out"] == dict.fromkeys(SPLITS, 0)
    assert not has_words(dataset)


def test_a_pair_has_the_same_number_in_every_language(tmp_path):
    """Where a file holds several languages, where a pair is left out, and in the test set alone."""
    pairs = [("One.", " ", "neutral"), *PAIRS]
    rows = [COLUMNS, *([language, label, "( x )", one, other, "0"] for language in ("ar", "en") for one, other, label in pairs)]
    test = written(tmp_path / "xnli.test.tsv", "\n".join(map("\t".join, rows)))
    dev = written(tmp_path / "dev-en.tsv", PLAIN)
    sets = {"xnli_ar_test": ("ar", {"test": test}), "xnli_en_test": ("en", {"test": test}), "xnli_en": ("en", {"dev": dev, "test": test})}
    for name, (language, files) in sets.items():
        write_nli(read_splits(files, language)[0], tmp_path / name, name, language)
    numbers = {name: read_pairs(tmp_path / name)["pair"].to_list() for name in sets}
    assert numbers == {"xnli_ar_test": [2, 3, 4], "xnli_en_test": [2, 3, 4], "xnli_en": [1, 2, 3, 2, 3, 4]}


def clusters_of(dataset, split):
    """What is drawn together of a split's pairs, in order of the premise."""
    examples = read_examples(dataset, load_probe_task("xnli"))
    return read_sentences_of(dataset, split, examples[examples["split"] == split], load_probe_task("xnli")).clusters.tolist()


def test_examples_are_pairs_in_order_of_the_premise_which_is_resampled(dataset):
    examples = read_examples(dataset, load_probe_task("xnli"))
    assert examples[["premise", "hypothesis"]].to_numpy().tolist() == [[0, 1], [0, 2], [3, 0], [4, 5], [6, 7]]
    assert examples["sentence"].to_list() == [0, 0, 3, 4, 6]
    assert examples["split"].to_list() == ["train"] * 3 + ["dev", "test"]
    assert (clusters_of(dataset, "train"), clusters_of(dataset, "test")) == (["1", "1", "3"], ["3"])


def test_the_same_pairs_meet_the_same_resamples_as_published_and_in_every_language(tmp_path):
    """Of a source that says neutral; a set that belongs to no parallel group has draws of its own."""
    write_nli({split: [SentencePair(1, 1, "a", "b", "neutral")] for split in ("train", "dev")}, tmp_path / "source", "source", "en")
    targets = {"xnli_en": "It rains.", "xnli_en_published": "It rains .", "xnli_en_published_test": "It rains .", "xnli_fi_test": "Sataa."}
    for name, text in (targets | {"mine": "x"}).items():
        pairs = [SentencePair(n + 1, n + 1, f"{text} {n // 3}", f"{n}", LABELS[n**2 % 7 % 3]) for n in range(30)]
        write_nli({"test": pairs}, tmp_path / name, name, "en", parallel=None if name == "mine" else "xnli")
        write_transfer_baselines(tmp_path / name, [tmp_path / "source"], "xnli", tmp_path / f"{name}.h5")
    table = scores_of_baselines(*(tmp_path / f"{name}.h5" for name in (*targets, "mine")), intervals=Intervals(9))
    found = {target: tuple(rest) for target, *rest in table[["target", "value", "low", "high"]].itertuples(index=False)}
    assert len({found[name] for name in targets}) == 1 and found["mine"][0] == found["xnli_en"][0] and found["mine"] != found["xnli_en"]


@pytest.fixture
def planted(tmp_path):
    """An inference set, its test set alone, and vectors in which a hypothesis lies along its premise, against it, or anywhere.

    At layer 1; layer 2 holds vectors that say nothing. Returns a pair of features and dataset for each of the two sets.
    """
    generator = np.random.default_rng(3)
    splits = {
        split: [SentencePair(n + 1, n + 1, f"{split} p{n // 3}", f"{split}h{n}", LABELS[n % 3]) for n in range(pairs)]
        for split, pairs in (("train", 900), ("dev", 300), ("test", 600))
    }
    direction = {"entailment": 1.0, "neutral": 0.0, "contradiction": -1.0}
    vector_of = {}
    for pair in (pair for pairs in splits.values() for pair in pairs):
        premise = vector_of.setdefault(pair.premise, generator.standard_normal(24))
        vector_of[pair.hypothesis] = direction[pair.label] * premise + generator.standard_normal(24)
    sets = []
    for name, chosen in (("xnli_en", splits), ("xnli_en_test", {"test": splits["test"]})):
        write_nli(chosen, tmp_path / name, name, "en")
        vectors_UD = np.stack([vector_of[text] for text in read_sentences(tmp_path / name)["text"]])
        vectors_LUD = np.stack([vectors_UD, generator.standard_normal(vectors_UD.shape)])
        sets.append((write_features(tmp_path / f"{name}.h5", tmp_path / name, vectors_LUD, [1, 2], units="sentences"), tmp_path / name))
    return sets


def test_probes_rise_where_the_vectors_tell_and_stay_at_chance_where_not(planted, tmp_path):
    """The positive control of the task: 1/3 is chance, and neither premise nor hypothesis tells alone."""
    (features, dataset), (features_of_test, dataset_of_test) = planted
    outcomes, weights, transferred, baselines = (tmp_path / name for name in ("o.h5", "w.safetensors", "t.h5", "b.h5"))
    train_probes(features, dataset, "xnli", 3, ProbeSettings(1e-2, 64, 20, 3), "cpu", outcomes, weights)
    transfer_probes(features_of_test, dataset_of_test, "xnli", [weights], transferred, predictions=tmp_path / "p.parquet")
    write_baselines(dataset, "xnli", baselines)
    write_transfer_baselines(dataset_of_test, [dataset], "xnli", tmp_path / "bt.h5")
    found, across = scores_of(outcomes, baselines), scores_of(transferred, tmp_path / "bt.h5")
    test = found[found["split"] == "test"].set_index(["layer", "seed"])["value"]
    assert test[1].min() > 0.85 and abs(test[2].mean() - 1 / 3) < 0.05
    assert set(found["metric"]) == {"accuracy"} and set(found[found["split"] == "test"]["n"]) == {600}
    # The 200 premises of the test set are drawn, the same ones in both sets.
    clusters = [
        outcome_in(path, "xnli", "xnli_en", target.name, "test").clusters
        for path, target in ((baselines, dataset), (tmp_path / "bt.h5", dataset_of_test))
    ]
    assert len(clusters[0]) == 600 and len(set(clusters[0])) == 200 and np.array_equal(*clusters)
    assert set(across["source"]) == {"xnli_en"} and set(across["target"]) == {"xnli_en_test"}
    # On the test set alone the probes say what they say in language, of layer 1's vectors, which are the same.
    pd.testing.assert_series_equal(across.set_index(["layer", "seed"])["value"][1], test[1], check_dtype=False)
    said = pd.read_parquet(tmp_path / "p.parquet")
    sentences, pairs = read_sentences(dataset_of_test)["text"], read_pairs(dataset_of_test)
    first = said[(said["layer"] == 1) & (said["seed"] == 0)]
    assert (first["label"].to_numpy() == pairs["label"]).all() and (sentences[first["head"]].str.contains("h")).all()
    assert (first["label"] == first["predicted"]).mean() == test[1, 0]
    alone = scores_of_baselines(baselines).set_index(["model", "split"])["value"].sort_index()
    assert (alone["majority"] == 1 / 3).all() and alone.drop("majority").between(0.2, 0.46).all() and len(alone) == 6
    # Which text they are of stands in all three tables.
    assert {form for table in (found, across, scores_of_baselines(baselines)) for form in table["text_form"]} == {"raw"}
    with pytest.raises(XlprobeError, match=r"xnli_en_test.h5: holds vectors of xnli_en_test, and not of .*xnli_en as it is now"):
        train_probes(features_of_test, dataset, "xnli", 1, ProbeSettings(1e-2, 64, 1, 1), "cpu", outcomes, weights)
    with pytest.raises(XlprobeError, match=r"--control-tasks: xnli labels no words, so it has no control task of word forms"):
        train_probes(features, dataset, "xnli", 1, ProbeSettings(1e-2, 64, 1, 1), "cpu", outcomes, weights, controls=Controls(True))


def test_real_files_hold_as_many_pairs_of_each_label(real_data, tmp_path):
    """In all 15 languages, line by line the same labels; one language goes through the dataset."""
    languages = [code.removesuffix("-Hans") for code, tasks in language_facts("paper1").items() if "xnli" in tasks.split()]
    assert len(languages) == 15
    english = [pair.label for pair in read_nli(real_data / "xnli" / "test-en.tsv.xz", "en")]
    assert {label: english.count(label) for label in LABELS} == dict.fromkeys(LABELS, 1670)
    for language in languages:
        for split, count in (("train", 2000), ("dev", 490), ("test", 5010)):
            pairs = list(read_nli(real_data / "xnli" / f"{split}-{language}.tsv.xz", language))
            assert len(pairs) == count and all(pair.premise and pair.hypothesis for pair in pairs)
        assert [pair.label for pair in pairs] == english
    files = {split: real_data / "xnli" / f"{split}-zh.tsv.xz" for split in ("train", "dev", "test")}
    write_nli(read_splits(files, "zh", 300)[0], tmp_path, "xnli_zh", "zh-Hans")
    sentences, pairs = read_sentences(tmp_path)["text"].to_numpy(), read_pairs(tmp_path)
    texts = [lzma.decompress(path.read_bytes()).decode() for path in files.values()]
    lines = [line.rstrip("\r").split("\t") for text in texts for line in text.split("\n")[:300]]
    found = [[sentences[premise], sentences[hypothesis], label] for _, premise, hypothesis, label in pairs.to_numpy()]
    assert found == lines
    # A premise stands in three pairs.
    assert len(set(clusters_of(tmp_path, "test"))) == 100


def test_windows_line_ends_and_a_pointer_in_place_of_data(real_data):
    folder = real_data / "specimens"
    crlf = list(read_nli(folder / "xnli_crlf" / "dev-en.tsv.xz", "en"))
    plain = list(read_nli(real_data / "xnli" / "dev-en.tsv.xz", "en"))
    assert len(crlf) == 2490 and {pair.label for pair in crlf} == {*LABELS}
    # The plain one is its end.
    assert [(pair.premise, pair.hypothesis, pair.label) for pair in crlf[-490:]] == [
        (pair.premise, pair.hypothesis, pair.label) for pair in plain
    ]
    with pytest.raises(XlprobeError, match=r"lfs_pointer.test-en.tsv: a git-LFS pointer stands in place of the data"):
        list(read_nli(folder / "lfs_pointer.test-en.tsv", "en"))
