"""Exact resume, refusals, and what the checkpoints hold; fairseq really trains here, a tiny model for a few updates."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from xlprobe import config
from xlprobe.errors import ResumeError, XlprobeError
from xlprobe.pretraining import fairseq_arguments, lines_too_long, load_state, train_interval, trained_state
from xlprobe.resources import PROJECT
from xlprobe.tokenization import vocabulary_size

# 4,320 lines of text, 480 a batch: an epoch is 9 updates, so that 24 updates reach the third.
TRAINING = {"batch_size": 480}
LAST = 24


def weights(folder: Path, step: int = LAST) -> dict[str, torch.Tensor]:
    """The trained weights; fairseq's copies for its inference fast path are random and dead."""
    state = load_state(trained_state(folder, step))["model"]
    return {name: value for name, value in state.items() if "_proj_" not in name and "fc1_" not in name and "fc2_" not in name}


def assert_same_weights(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> None:
    assert a.keys() == b.keys()
    assert [name for name in a if not torch.equal(a[name], b[name])] == []


@pytest.fixture(scope="module")
def uninterrupted(tiny_text, tmp_path_factory):
    """The weights of one run from nothing to the last step, and its record."""
    folder = tmp_path_factory.mktemp("uninterrupted")
    train_interval(tiny_text.run(folder, TRAINING), "m", LAST, None, folder / "record.json")
    assert "end of epoch 3" in (folder / "log" / f"{LAST}.log").read_text()
    return weights(folder), json.loads((folder / "record.json").read_text())


def test_a_run_cut_into_intervals_ends_in_the_same_weights(tiny_text, tmp_path, uninterrupted):
    run = tiny_text.run(tmp_path, TRAINING)
    previous = None
    for step in (0, 9, 14, LAST):  # the untrained model, an epoch's end, the middle of the second
        train_interval(run, "m", step, previous, tmp_path / f"record_{step}.json")
        previous = step
    assert_same_weights(weights(tmp_path), uninterrupted[0])
    record = json.loads((tmp_path / f"record_{LAST}.json").read_text())
    assert record | {"previous": None} == uninterrupted[1]
    losses = [json.loads((tmp_path / f"record_{step}.json").read_text())["validation_bits_per_masked_token"] for step in (0, LAST)]
    assert losses[0].keys() == {"en", "tr"}
    assert all(losses[1][language] < losses[0][language] - 0.5 for language in losses[0])
    assert losses[0]["en"] == pytest.approx(np.log2(vocabulary_size(tiny_text.tokenizer)), abs=1)


def start_training(tiny_text, folder: Path, record: Path, environment: dict[str, str] | None = None) -> subprocess.Popen:
    run = tiny_text.run(folder, TRAINING, {"save_every": 1})
    command = [sys.executable, PROJECT / "scripts" / "pretrain.py", "--model", "m", "--step", str(LAST), "--folder", folder]
    command += [
        "--record",
        record,
        "--dictionary",
        run.dictionary,
        "--binarized",
        tiny_text.folder / "binarized",
        "--languages",
        "en",
        "tr",
    ]
    for section in ("architecture", "training", "execution"):
        command += [f"--{section}", json.dumps(getattr(run, section))]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ | (environment or {}))


def wait_for(condition, process: subprocess.Popen, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None and time.monotonic() < deadline, "training ended, or did not come so far"
        time.sleep(0.005)


def test_kill_9_at_any_moment_changes_nothing(tiny_text, tmp_path, uninterrupted):
    dice = random.Random()
    print("random state:", dice.getstate()[1][:3])
    state, record = tmp_path / "state", tmp_path / "record.json"
    reached = []
    for target in (dice.randint(1, 7), dice.randint(8, 16)):  # in the first epoch, and in a later one
        process = start_training(tiny_text, state, record)
        wait_for(lambda target=target: any(state.glob(f"rolling_{target}.pt")), process)
        time.sleep(dice.random() * 0.1)
        process.send_signal(signal.SIGKILL)
        process.wait()
        reached.append(max(int(path.stem.split("_")[1]) for path in state.glob("rolling_*.pt")))
    assert not record.exists() and reached[0] < reached[1] < LAST
    # In the middle of a save: a file is there under its temporary name.
    process = start_training(tiny_text, state, record)
    wait_for(lambda: any(state.glob("partial_*.tmp")), process)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert start_training(tiny_text, state, record).wait() == 0
    assert_same_weights(weights(state), uninterrupted[0])
    assert json.loads(record.read_text()) == uninterrupted[1]


def test_a_killed_parent_takes_fairseq_with_it(tiny_text, tmp_path):
    process = start_training(tiny_text, tmp_path / "state", tmp_path / "record.json")
    wait_for(lambda: any((tmp_path / "state").glob("rolling_*.pt")), process)
    (child,) = (int(pid) for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split())
    process.kill()
    process.wait()
    for _ in range(200):
        # Gone, or a zombie that nobody has waited for yet.
        status = Path(f"/proc/{child}/stat")
        if not status.exists() or status.read_text().rpartition(")")[2].split()[0] == "Z":
            break
        time.sleep(0.01)
    else:
        pytest.fail("fairseq goes on without its parent")


def test_two_processes_train_one_model(tiny_text, tmp_path):
    run = tiny_text.run(tmp_path, TRAINING, {"processes": 2})
    assert fairseq_arguments(run, 4, None, "cpu")[fairseq_arguments(run, 4, None, "cpu").index("--batch-size") + 1] == "240"
    train_interval(run, "m", 4, None, tmp_path / "record.json")
    alone = tiny_text.run(tmp_path / "alone", TRAINING | {"dropout": 0.0, "attention_dropout": 0.0})
    train_interval(alone, "m", 4, None, tmp_path / "alone.json")
    losses = [json.loads((tmp_path / name).read_text())["validation_bits_per_masked_token"]["en"] for name in ("record.json", "alone.json")]
    assert losses[0] == pytest.approx(losses[1], abs=0.2)


def test_a_step_that_is_there_is_recorded_again_without_training(tiny_model, tmp_path, monkeypatch):
    monkeypatch.setattr("xlprobe.pretraining._run_fairseq", lambda *_: pytest.fail("trained again"))
    train_interval(tiny_model.text.run(tiny_model.pretraining), "xlmr", tiny_model.step, None, tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == tiny_model.record.read_bytes()


def test_changed_settings_are_refused_in_one_sentence(tiny_model, tmp_path):
    run = tiny_model.text.run(tiny_model.pretraining, {"learning_rate": 0.123})
    with pytest.raises(
        ResumeError, match=r"trained with other settings \(training.learning_rate: 0.005 -> 0.123\); nothing was retrained"
    ) as caught:
        train_interval(run, "xlmr", 20, tiny_model.step, tmp_path / "record.json")
    assert "\n" not in str(caught.value) and not (tmp_path / "record.json").exists()


def test_a_step_whose_states_are_gone_is_refused(tiny_model, tmp_path):
    state = tmp_path / "state"
    shutil.copytree(tiny_model.pretraining, state, symlinks=True)
    (state / "step_12.pt").rename(state / "step_30.pt")
    with pytest.raises(
        ResumeError, match=r"step 20 of model 'xlmr' follows step 12, but no training state at or before step 20 is kept \(kept: 30\)"
    ):
        train_interval(tiny_model.text.run(state), "xlmr", 20, 12, tmp_path / "record.json")


def test_only_one_process_trains_a_model(tiny_text, tmp_path):
    process = start_training(tiny_text, tmp_path / "state", tmp_path / "record.json")
    wait_for(lambda: (tmp_path / "state" / "identity.json").exists(), process)
    with pytest.raises(XlprobeError, match="another process trains this model"):
        train_interval(tiny_text.run(tmp_path / "state", TRAINING), "m", 5, None, tmp_path / "other.json")
    process.kill()
    process.wait()


def test_a_failure_of_fairseq_names_its_log(tiny_text, tmp_path):
    broken = tiny_text.run(tmp_path, {"adam_betas": [0.9, "x"]})
    with pytest.raises(XlprobeError, match=r"log/2\.log: fairseq ended with status 1 on the way to step 2") as caught:
        train_interval(broken, "m", 2, None, tmp_path / "record.json")
    assert "\n" not in str(caught.value)


def test_older_optimizers_are_dropped_where_the_last_alone_is_kept(tiny_text, tmp_path):
    run = tiny_text.run(tmp_path, TRAINING, {"keep_states": "last"})
    train_interval(run, "m", 2, None, tmp_path / "2.json")
    whole = weights(tmp_path, 2)
    train_interval(run, "m", 4, 2, tmp_path / "4.json")
    assert sorted(path.name for path in tmp_path.glob("*.pt")) == ["step_4.pt", "weights_2.pt"]
    assert_same_weights(weights(tmp_path, 2), whole)
    assert "last_optimizer_state" not in load_state(tmp_path / "weights_2.pt")
    with pytest.raises(ResumeError, match="nothing was retrained"):
        train_interval(run, "m", 3, 2, tmp_path / "3.json")


def test_lines_that_fairseq_drops_are_counted(tiny_text, tmp_path):
    sizes = {}
    for language in tiny_text.languages:
        index = (tiny_text.folder / "binarized" / language / "train.idx").read_bytes()
        count = int(np.frombuffer(index, dtype=np.int64, count=1, offset=18)[0])
        sizes[language] = np.frombuffer(index, dtype=np.int32, count=count, offset=26)
    limit = 20
    expected = {language: int((size > limit - 1).sum()) for language, size in sizes.items()}
    assert lines_too_long(tiny_text.run(tmp_path, {"tokens_per_sample": limit})) == expected and sum(expected.values()) > 0
    assert sum(lines_too_long(tiny_text.run(tmp_path, {"tokens_per_sample": limit, "sample_break": "none"})).values()) == 0


@pytest.mark.parametrize("sample_break", ["none", "complete", "eos"])
def test_every_way_to_break_samples_trains(tiny_text, tmp_path, sample_break):
    train_interval(tiny_text.run(tmp_path, {"sample_break": sample_break, "batch_size": 8}), "m", 2, None, tmp_path / "record.json")
    assert json.loads((tmp_path / "record.json").read_text())["step"] == 2


def test_the_tiny_models_weights_have_not_changed_without_a_new_training_version(tiny_model):
    # If this fails, the code trains other weights: raise TRAINING_VERSION and put the message's JSON into the golden file.
    state = load_state(tiny_model.pretraining / f"step_{tiny_model.step}.pt")["model"]
    norms = {name: float(value.double().norm()) for name, value in sorted(state.items()) if ".weight" in name or ".bias" in name}
    found = {"training_version": config.TRAINING_VERSION, "norms": {name: float(f"{norm:.6g}") for name, norm in norms.items()}}
    golden = json.loads((PROJECT / "workflow_tests" / "golden" / "tiny_weights.json").read_text())
    assert found["training_version"] == golden["training_version"], json.dumps(found)
    # Processors differ in the last digits.
    assert found["norms"] == pytest.approx(golden["norms"], rel=1e-3), json.dumps(found)
