"""What is sound to the byte and wrong all the same: refused in one sentence, or flagged in a column of a table."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import count
from finished import RESULTS, Finished, digests
from recorded_jobs import Job
from safetensors.numpy import load_file, save_file

from xlprobe.files import read_json, sha256, write_json

FIRST, LAST = "checkpoints/xlmr/0", "checkpoints/xlmr/10"


@pytest.fixture
def results(finished: Finished, tmp_path: Path):
    """The finished run's results, which are as they were once a test has ended."""
    results = finished.folder / RESULTS
    shutil.copytree(results, tmp_path / "results", symlinks=True)
    yield results
    shutil.rmtree(results)
    shutil.copytree(tmp_path / "results", results, symlinks=True)


def job_that_makes(finished: Finished, path: str) -> Job:
    return next(job for job in finished.jobs if f"{RESULTS}/{path}" in job.output)


def is_refused(finished: Finished, path: str, *named: str) -> None:
    """A job ends in one sentence that names what is wrong, and makes nothing."""
    job = job_that_makes(finished, path)
    for output in job.output:
        (finished.folder / output).unlink(missing_ok=True)
    assert finished.make(job) != 0, f"{path} was made"
    said = finished.said(job)
    (sentence,) = [line for line in said.splitlines() if "error: " in line]
    assert "Traceback" not in said and all(name in sentence for name in named), said
    assert digests(finished.folder, *job.output) == {}
    count("wrong science caught")


def test_weights_of_another_step_are_refused(finished, results):
    shutil.copy(results / LAST / "model.safetensors", results / FIRST / "model.safetensors")
    is_refused(finished, "features/xlmr/0/qaa_world.h5", f"{FIRST}/model.safetensors")


def test_a_checkpoint_in_the_place_of_another_is_refused(finished, results):
    """Its weights are those of its identity; the table of checkpoints sees that it stands there twice."""
    for path in (results / LAST).iterdir():
        if path.name != "training.json":
            shutil.copy(path, results / FIRST / path.name)
    is_refused(finished, "metrics/checkpoints.parquet", "step 10")


def test_a_tokenizer_of_another_model_is_refused(finished, results):
    path = results / LAST / "tokenizer.json"
    tokenizer = json.loads(path.read_text())
    # The same subwords under other numbers.
    subwords = tokenizer["model"]["vocab"]
    subwords[10], subwords[11] = subwords[11], subwords[10]
    path.write_text(json.dumps(tokenizer))
    is_refused(finished, "features/xlmr/10/qaa_world.h5", f"{LAST}/tokenizer.json")


@pytest.mark.parametrize("user", ["probes/xlmr/10/pos/qaa_world.h5", "alignment/xlmr/10/align_qaa_qba.h5"])
def test_features_of_another_checkpoint_are_refused(finished, results, user):
    dataset = Path(user).stem
    shutil.copy(results / f"features/xlmr/0/{dataset}.h5", results / f"features/xlmr/10/{dataset}.h5")
    is_refused(finished, user, f"features/xlmr/10/{dataset}.h5", "step 0")


def test_features_of_another_dataset_are_refused(finished, results):
    shutil.copy(results / "features/xlmr/10/qba_pud.h5", results / "features/xlmr/10/qaa_world.h5")
    is_refused(finished, "probes/xlmr/10/pos/qaa_world.h5", "features/xlmr/10/qaa_world.h5", "qba_pud")


def test_probes_of_another_checkpoint_are_refused(finished, results):
    shutil.copy(results / "probes/xlmr/0/pos/qaa_world.safetensors", results / "probes/xlmr/10/pos/qaa_world.safetensors")
    is_refused(finished, "transfer/xlmr/10/pos/qba_pud.h5", "probes/xlmr/10/pos/qaa_world.safetensors")


def test_outcomes_of_another_checkpoint_are_refused(finished, results):
    shutil.copy(results / "alignment/xlmr/0/align_qaa_qba.h5", results / "alignment/xlmr/10/align_qaa_qba.h5")
    is_refused(finished, "metrics/parts/xlmr/10.scores.parquet", "alignment/xlmr/10/align_qaa_qba.h5", "step 0")


def test_outcomes_of_another_version_of_a_dataset_are_refused(finished, results):
    """Its baselines are measured anew, on a test set that probes were not tried on."""
    folder = results / "sources/ud/UD_Arva-World"
    shutil.copy(folder / "qaa_world-ud-dev.conllu", folder / "qaa_world-ud-test.conllu")
    for path in ("datasets/qaa_world/identity.json", "baselines/pos/qaa_world.h5"):
        job = job_that_makes(finished, path)
        assert finished.make(job) == 0, finished.said(job)
    scores = "metrics/parts/xlmr/10.scores.parquet"
    (results / scores).unlink()
    job = job_that_makes(finished, scores)
    assert finished.make(job) != 0 and not (results / scores).exists()
    said = finished.said(job)
    assert re.search(r"error: .*outcomes of pos/qaa_world/qaa_world/.* than the totals in .*/baselines/pos/qaa_world\.h5", said), said
    assert "Traceback" not in said
    count("wrong science caught")


def test_labels_shuffled_after_the_fact_are_refused(finished, results):
    path = results / "datasets/qaa_world/words.parquet"
    words = pd.read_parquet(path)
    words["upos"] = np.random.default_rng(1).permutation(words["upos"])
    words.to_parquet(path, index=False)
    is_refused(finished, "probes/xlmr/10/pos/qaa_world.h5", "datasets/qaa_world/words.parquet")


def test_a_test_set_that_was_learned_from_is_flagged(finished, results):
    """All of its windows are found in the train split, and no share of another test set's is as high."""
    folder = results / "sources/ud/UD_Arva-World"
    shutil.copy(folder / "qaa_world-ud-train.conllu", folder / "qaa_world-ud-test.conllu")
    for path in ("datasets/qaa_world/identity.json", "contamination/qaa.parquet"):
        job = job_that_makes(finished, path)
        assert finished.make(job) == 0, finished.said(job)
    table = pd.read_parquet(results / "contamination/qaa.parquet").set_index(["test_set", "reference"])
    shares = table["share_of_windows"]
    assert shares["qaa_world", "qaa_world"] == 1 and shares.drop(("qaa_world", "qaa_world")).max() < 0.9
    count("wrong science caught")


def test_features_that_are_constant_are_flagged(finished, results):
    """Norms of weight zero give every word the vector of their bias."""
    path = results / LAST / "model.safetensors"
    weights = load_file(path)
    for name in weights:
        if name.endswith("LayerNorm.weight"):
            weights[name] = np.zeros_like(weights[name])
    save_file(weights, path, metadata={"format": "pt"})
    identity = read_json(results / LAST / "identity.json")
    identity["files"]["model.safetensors"] = sha256(path)
    write_json(results / LAST / "identity.json", identity)
    job = job_that_makes(finished, "features/xlmr/10/qaa_world.h5")
    assert finished.make(job) == 0, finished.said(job)
    audit = pd.read_parquet(results / "features/xlmr/10/qaa_world.audit.parquet")
    assert audit["constant_layers"].item() == 3 and "all its vectors are the same" in finished.said(job)
    count("wrong science caught")
