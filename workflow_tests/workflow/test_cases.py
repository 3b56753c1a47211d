"""Small inputs that once failed, from the folder XLPROBE_CASES: its `README.md` says of each what is right, and its programs write them."""

import os
import re
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import yaml
from conftest import Project
from outcome_scores import scores_of

from xlprobe.artifacts.feature_file import FeatureFile
from xlprobe.bpc.bits_per_character import BitsSettings
from xlprobe.bpc.measurement import measure_bits
from xlprobe.checkpoints.from_huggingface import publish_huggingface
from xlprobe.corpus.cleaning import clean_corpus
from xlprobe.datasets.treebank import read_splits, write_dataset
from xlprobe.errors import XlprobeError
from xlprobe.features.extraction import extract_features
from xlprobe.files import read_json
from xlprobe.probes.examples import read_examples, read_probed_examples
from xlprobe.tasks.declaration import load_probe_task

SENTENCES = [
    "The dog runs .",
    "A cat and a dog jump over the lazy fox , and run .",
    "They run",
    "The quick brown fox jumps over 3 cats : do they ?",
]


@pytest.fixture(scope="module")
def cases(tmp_path_factory) -> Path:
    """The cases, written anew: `files/` and `suites/`."""
    root = os.environ.get("XLPROBE_CASES")
    if not root:
        pytest.skip("XLPROBE_CASES is unset: no cases to test on")
    folder = tmp_path_factory.mktemp("cases")
    for program, out in (("make_files.py", "files"), ("make_checkpoints.py", "suites")):
        subprocess.run([sys.executable, Path(root, program), folder / out], check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def words(cases, tmp_path_factory) -> Path:
    """A treebank of a few sentences, as a dataset."""
    folder = tmp_path_factory.mktemp("words") / "en_ewt"
    blocks = []
    for number, sentence in enumerate(SENTENCES):
        rows = [f"{n}\t{form}\t_\tX\t_\t_\t{n - 1}\t{'dep' if n > 1 else 'root'}\t_\t_" for n, form in enumerate(sentence.split(), 1)]
        blocks.append(f"# sent_id = {number}\n" + "\n".join(rows) + "\n")
    path = folder.parent / "en_ewt-ud-test.conllu"
    path.write_text("\n".join(blocks) + "\n")
    write_dataset(read_splits([path], None, 0.1), folder, "en_ewt", "en")
    return folder


def documents_read(source: Path, folder: Path) -> int:
    counts = folder / "counts.json"
    clean_corpus(source, folder / "train.txt.zst", folder / "valid.txt.zst", counts, source.name.split(".")[0], 0.1, 1000)
    return read_json(counts)["documents_read"]


def adopted(cases: Path, case: str, folder: Path, step: int = 10, **settings: object) -> Path:
    source = cases / "suites" / case / f"step_{step}"
    publish_huggingface(source, folder / case, "suite", None, step, "auto", str(source), [], **settings)
    return folder / case


def vectors(checkpoint: Path, dataset: Path, folder: Path, tokens_per_batch: int) -> np.ndarray:
    """[layers, words, dim]."""
    output = folder / f"{checkpoint.name}.{tokens_per_batch}.h5"
    extract_features(checkpoint, [dataset], [output], [folder / "audit.parquet"], [], tokens_per_batch, "cpu")
    with FeatureFile(output) as features:
        return np.stack([features.layer(layer) for layer in features.layers]).astype(np.float32)


@pytest.mark.parametrize("file", ["xz/cc100/en.txt.xz", "xz/cc100/de.txt.xz", "zstd/cc100/en.txt.zst"])
def test_every_document_of_a_compressed_corpus_is_read(cases, tmp_path, file):
    assert documents_read(cases / "files" / file, tmp_path) == 2000


def test_a_corpus_with_a_damaged_later_stream_is_refused(cases, tmp_path):
    with pytest.raises(XlprobeError, match=r"fr\.txt\.xz"):
        documents_read(cases / "files" / "xz" / "cc100" / "fr.txt.xz", tmp_path)


def test_a_task_without_examples_is_said_in_one_sentence(cases, tmp_path):
    folder = cases / "files" / "no_arcs" / "ud" / "UD_English-EWT"
    write_dataset(read_splits(sorted(folder.iterdir()), None, 0.1), tmp_path / "en_ewt", "en_ewt", "en")
    for task in ("arc_classification", "arc_prediction"):
        with pytest.raises(XlprobeError, match=f"en_ewt: has no examples of {task}"):
            read_probed_examples(tmp_path / "en_ewt", load_probe_task(task))


def test_labels_that_train_never_has_stay_in_the_test_set(cases, tmp_path):
    folder = cases / "files" / "unseen_labels_alone" / "ud" / "UD_English-EWT"
    write_dataset(read_splits(sorted(folder.iterdir()), None, 0.1), tmp_path / "en_ewt", "en_ewt", "en")
    examples = read_examples(tmp_path / "en_ewt", load_probe_task("arc_classification"))
    assert examples.loc[examples["split"] == "test", "label"].tolist() == ["goeswith"] * 2


def test_a_model_that_sees_padding_is_measured_the_same_in_any_batch(cases, words, tmp_path):
    checkpoint = adopted(cases, "fnet_sees_padding", tmp_path)
    large, small = (vectors(checkpoint, words, tmp_path, tokens) for tokens in (8192, 16))
    assert np.abs(large - small).max() <= 2e-3 * np.abs(large).max()
    bits = []
    for tokens in (8192, 16):
        measure_bits(checkpoint, [], [], [words], tmp_path / "bits.h5", BitsSettings(), tokens, "cpu")
        bits.append(scores_of(tmp_path / "bits.h5").set_index("metric")["value"])
    assert np.allclose(*bits, rtol=1e-4)


def test_no_limit_of_positions_is_no_limit(cases, words, tmp_path):
    checkpoint = adopted(cases, "xlnet_no_limit_of_positions", tmp_path)
    found = vectors(checkpoint, words, tmp_path, 8192)
    audit = pd.read_parquet(tmp_path / "audit.parquet").iloc[0]
    assert audit["sentences_over_window"] == audit["words_cut"] == 0 and np.isfinite(found).all()


def test_a_causal_class_that_sees_both_ways_is_not_scored_as_causal(cases, words, tmp_path):
    checkpoint = adopted(cases, "llama_sees_both_ways", tmp_path)
    assert read_json(checkpoint / "identity.json")["checks"]["direction"] == "both ways"
    with pytest.raises(XlprobeError, match=r"bpc\.leave_out"):
        measure_bits(checkpoint, [], [], [words], tmp_path / "bits.h5", BitsSettings(), 8192, "cpu")


def test_own_code_is_refused_unless_it_is_to_be_ignored(cases, tmp_path):
    with pytest.raises(XlprobeError, match="own_code: ignored"):
        adopted(cases, "llama_with_own_code", tmp_path)
    checks = read_json(adopted(cases, "llama_with_own_code", tmp_path, own_code="ignored") / "identity.json")["checks"]
    assert checks["model_class"] == "LlamaModel" and checks["own_code"] == "ignored"


def test_layers_of_two_widths_are_refused_in_one_sentence(cases, tmp_path):
    with pytest.raises(XlprobeError, match="width"):
        adopted(cases, "opt_layers_of_two_widths", tmp_path)


def test_states_that_float16_does_not_hold_are_stored_otherwise(cases, words, tmp_path):
    found = vectors(adopted(cases, "llama_states_over_65504", tmp_path), words, tmp_path, 8192)
    assert np.isfinite(found).all() and np.abs(found).max() > 65504
    with h5py.File(next(tmp_path.glob("*.h5")), locking=False) as file:
        assert file["vectors"].dtype == np.float32


def test_constants_that_older_versions_saved_are_no_weights(cases, words, tmp_path):
    assert np.isfinite(vectors(adopted(cases, "gpt2_of_older_transformers", tmp_path), words, tmp_path, 8192)).all()


def test_a_run_goes_on_where_a_test_set_has_no_example_of_a_task(cases, tmp_path):
    project = Project(tmp_path / "project")
    configuration = {
        "experiment": "cases",
        "data": {"root": str(cases / "files" / "no_test_example"), "download": False},
        "models": {"suite": {"steps": [0, 10], "huggingface": {"folder": f"{cases}/suites/fnet_sees_padding/step_{{step}}"}}},
        "treebanks": ["en_ewt"],
        "features": {"together": True, "layers": [0, 3]},
        "probes": {"together": True, "n_seeds": 1, "epochs": 2, "batch_size": 16},
        "intervals": {"resamples": 0},
    }
    (project.folder / "config" / "cases.yaml").write_text(yaml.safe_dump(configuration))
    output = project.snakemake("--configfile", "config/cases.yaml")
    assert "Traceback" not in output
    for task in ("arc_prediction", "arc_classification"):
        assert output.count(f"en_ewt: its test set has no example of {task}, so that it has scores on dev alone") == 1
    scores = pd.read_parquet(project.folder / "results" / "cases" / "metrics" / "scores.parquet")
    measured = scores[scores["model"] == "suite"].groupby("task")["split"].agg(set).to_dict()
    assert measured == {"pos": {"dev", "test"}, "arc_prediction": {"dev"}, "arc_classification": {"dev"}}
    # Where no split has one, the run ends in one sentence, before anything is measured.
    configuration |= {"experiment": "none", "data": {"root": str(cases / "files" / "no_arcs"), "download": False}}
    (project.folder / "config" / "cases.yaml").write_text(yaml.safe_dump(configuration))
    output = project.snakemake("--configfile", "config/cases.yaml", "--quiet", "host", "reason", "--show-failed-logs", check=False)
    said = re.findall(r"error: en_ewt: has no examples of (\w+) in train or in dev", output)
    assert said and {*said} <= {"arc_prediction", "arc_classification"} and len(said) == len({*said})
    assert not (project.folder / "results" / "none" / "features").exists()
