"""Exact resume, refusals, and what the checkpoints hold; fairseq really trains here, a tiny model for a few updates."""

import dataclasses
import errno
import importlib
import json
import os
import pickle
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from conftest import TinyText, prepared_text, tiny_configuration

import xlprobe.pretraining.fairseq_runtime  # isort: skip  (must come before fairseq)
from fairseq import checkpoint_utils
from fairseq.data import PrependTokenDataset, TokenBlockDataset, indexed_dataset

from xlprobe.artifacts.training_state import load_state, trained_state
from xlprobe.artifacts.vocabulary import IDENTITY_FILE
from xlprobe.checkpoints.from_fairseq import publish_trained
from xlprobe.errors import ResumeError, XlprobeError
from xlprobe.files import read_json
from xlprobe.paths import PROJECT
from xlprobe.pretraining.intervals import _follow, _lock, fairseq_arguments, lines_too_long, train_interval
from xlprobe.pretraining.training_version import TRAINING_VERSION
from xlprobe.world.publication import write_world

# 1,430 lines of text, 160 a batch: an epoch is 9 updates, so that 24 updates reach the third.
TRAINING = {"batch_size": 160}
LAST = 24


def weights(folder: Path, step: int = LAST) -> dict[str, torch.Tensor]:
    """The trained weights; fairseq's copies for its inference fast path are random and dead."""
    state = load_state(trained_state(folder, step))["model"]
    return {name: value for name, value in state.items() if "_proj_" not in name and "fc1_" not in name and "fc2_" not in name}


def assert_same_weights(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> None:
    assert a.keys() == b.keys()
    assert [name for name in a if not torch.equal(a[name], b[name])] == []


@pytest.fixture(scope="module")
def text(tmp_path_factory) -> TinyText:
    """A third of the tiny world's text."""
    folder = tmp_path_factory.mktemp("text")
    write_world(tiny_configuration()["world"] | {"documents": 83}, folder / "sources", folder / "sources" / "world.x.json", 1)
    return prepared_text(folder)


@pytest.fixture(scope="module")
def uninterrupted(text, tmp_path_factory):
    """The weights of one run from nothing to the last step, and its record."""
    folder = tmp_path_factory.mktemp("uninterrupted")
    train_interval(text.run(folder, TRAINING), "m", LAST, None, folder / "record.json")
    assert "end of epoch 3" in (folder / "log" / f"{LAST}.log").read_text()
    return SimpleNamespace(folder=folder, weights=weights(folder), record=json.loads((folder / "record.json").read_text()))


@pytest.fixture(scope="module")
def cut(text, tmp_path_factory) -> Path:
    """The same run in intervals, each with its record; their ends: the untrained model, an epoch's end, the middle of the second."""
    folder = tmp_path_factory.mktemp("cut")
    previous = None
    for step in (0, 9, 12, LAST):
        train_interval(text.run(folder, TRAINING), "m", step, previous, folder / f"record_{step}.json")
        previous = step
    return folder


def validation_bits(record: Path) -> dict[str, float]:
    return json.loads(record.read_text())["validation_bits_per_masked_token"]


def test_a_run_cut_into_intervals_ends_in_the_same_weights(text, cut, uninterrupted):
    assert_same_weights(weights(cut), uninterrupted.weights)
    record = json.loads((cut / f"record_{LAST}.json").read_text())
    assert record | {"previous": None} == uninterrupted.record
    vocabulary = read_json(text.tokenizer / IDENTITY_FILE)["vocabulary_size"]
    losses = [validation_bits(cut / f"record_{step}.json") for step in (0, LAST)]
    assert losses[0].keys() == {"qaa", "qba"}
    assert all(losses[1][language] < losses[0][language] - 0.5 for language in losses[0])
    assert losses[0]["qaa"] == pytest.approx(np.log2(vocabulary), abs=1)


def start_training(text, folder: Path, record: Path, environment: dict[str, str] | None = None) -> subprocess.Popen:
    run = text.run(folder, TRAINING, {"save_every": 1})
    command = [sys.executable, PROJECT / "scripts" / "pretrain.py", "--model", "m", "--step", str(LAST), "--folder", folder]
    command += [
        "--record",
        record,
        "--dictionary",
        run.dictionary,
        "--binarized",
        text.folder / "binarized",
        "--texts",
        "qaa",
        "qba",
    ]
    for section in ("architecture", "training", "execution"):
        command += [f"--{section}", json.dumps(getattr(run, section))]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ | (environment or {}))


def newest_rolling(folder: Path) -> int:
    """The updates of the newest state on the way; the one before may be there for a moment as well."""
    return max((int(path.stem.rpartition("_")[2]) for path in folder.glob("rolling_*.pt")), default=-1)


def children(process: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def is_alive(process: int) -> bool:
    """Neither gone nor a zombie that nobody has waited for yet."""
    status = Path(f"/proc/{process}/stat")
    return status.exists() and status.read_text().rpartition(")")[2].split()[0] != "Z"


def wait_for(condition, process: subprocess.Popen, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None and time.monotonic() < deadline, "training ended, or did not come so far"
        time.sleep(0.005)


def wait_for_the_end_of(child: int) -> None:
    """Of a process whose parent was killed."""
    deadline = time.monotonic() + 10
    while is_alive(child):
        assert time.monotonic() < deadline, "fairseq goes on without its parent"
        time.sleep(0.01)


def test_kill_9_at_any_moment_takes_fairseq_with_it_and_changes_nothing(text, tmp_path, uninterrupted):
    seed = time.time_ns()
    print("moments drawn with seed", seed)
    dice = random.Random(seed)
    state, record = tmp_path / "state", tmp_path / "record.json"
    reached = []
    for target in (dice.randint(1, 5), dice.randint(10, 16)):  # in the first epoch, and in a later one
        process = start_training(text, state, record)
        wait_for(lambda target=target: newest_rolling(state) >= target, process)
        (child,) = children(process.pid)
        time.sleep(dice.random() * 0.05)
        process.send_signal(signal.SIGKILL)
        process.wait()
        wait_for_the_end_of(child)
        reached.append(newest_rolling(state))
    assert not record.exists() and reached[0] < reached[1] < LAST
    # In the middle of a save: a file is there under its temporary name.
    process = start_training(text, state, record)
    wait_for(lambda: any(state.glob("partial_*.tmp")), process)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert start_training(text, state, record).wait() == 0
    assert_same_weights(weights(state), uninterrupted.weights)
    assert json.loads(record.read_text()) == uninterrupted.record
    # And what is published is the same to the byte.
    published = []
    for name, folder in (("killed", state), ("whole", uninterrupted.folder)):
        publish_trained(folder, record, text.tokenizer, tmp_path / name, "xlmr", None, [])
        published.append((tmp_path / name / "model.safetensors").read_bytes())
    assert published[0] == published[1]


def test_one_process_alone_trains_a_model_and_kill_9_at_its_start_leaves_none(text, tmp_path, uninterrupted):
    state, record = tmp_path / "state", tmp_path / "record.json"
    process = start_training(text, state, record)
    wait_for(lambda: children(process.pid), process)
    (child,) = children(process.pid)
    with pytest.raises(XlprobeError, match="another process trains this model"):
        train_interval(text.run(state, TRAINING), "m", 5, None, tmp_path / "other.json")
    process.kill()
    process.wait()
    # While the trainer lives it holds the lock; as soon as it is gone, another may train.
    wait_for_the_end_of(child)
    assert start_training(text, state, record).wait() == 0
    assert_same_weights(weights(state), uninterrupted.weights)


def test_a_step_added_where_a_killed_run_saved_is_exact(text, cut, tmp_path, uninterrupted):
    state = tmp_path / "state"
    shutil.copytree(cut, state, symlinks=True)
    (state / "step_12.pt").rename(state / "rolling_12.pt")
    for name in ("step_0.pt", "step_9.pt", f"step_{LAST}.pt", "validation_12.json", f"validation_{LAST}.json"):
        (state / name).unlink()
    (state / "partial_rolling_3.pt.tmp").touch()
    train_interval(text.run(state, TRAINING), "m", 12, 9, tmp_path / "again.json")
    assert_same_weights(weights(state, 12), weights(cut, 12))
    assert (tmp_path / "again.json").read_bytes() == (cut / "record_12.json").read_bytes()
    assert sorted(path.name for path in state.glob("*_*.pt*")) == ["step_12.pt"]
    train_interval(text.run(state, TRAINING), "m", LAST, 12, tmp_path / "last.json")
    assert_same_weights(weights(state), uninterrupted.weights)


def test_two_processes_train_one_model_and_resume_exactly(text, cut, tmp_path):
    execution = {"processes": 2}
    arguments = fairseq_arguments(text.run(tmp_path, TRAINING, execution), 4, None, "cpu")
    assert arguments[arguments.index("--batch-size") + 1] == "80"
    train_interval(text.run(tmp_path / "whole", TRAINING, execution), "m", 12, None, tmp_path / "whole.json")
    in_two = text.run(tmp_path / "cut", TRAINING, execution)
    train_interval(in_two, "m", 4, None, tmp_path / "cut_4.json")
    train_interval(in_two, "m", 12, 4, tmp_path / "cut_12.json")
    assert_same_weights(weights(tmp_path / "cut", 12), weights(tmp_path / "whole", 12))
    # The same samples an update as one process: nearly the same loss.
    losses = [validation_bits(record)["qaa"] for record in (tmp_path / "whole.json", cut / "record_12.json")]
    assert losses[0] == pytest.approx(losses[1], abs=0.2)


def test_when_one_process_fails_all_end(text, tmp_path):
    run = text.run(tmp_path, TRAINING, {"processes": 2, "save_every": 1})
    failed = []

    def train() -> None:
        try:
            train_interval(run, "m", 10_000, None, tmp_path / "record.json")
        except XlprobeError as error:
            failed.append(str(error))

    thread = threading.Thread(target=train)
    thread.start()
    while not any(tmp_path.glob("rolling_*.pt")):
        assert thread.is_alive(), failed
        time.sleep(0.05)
    ranks = {int(line.split("/")[2]) for line in map(str, Path("/proc").glob("[0-9]*/cmdline")) if str(tmp_path) in read_or_nothing(line)}
    assert len(ranks) == 2
    os.kill(max(ranks), signal.SIGKILL)
    thread.join(timeout=30)
    assert not thread.is_alive() and "fairseq ended with status -9" in failed[0]
    assert not any(is_alive(rank) for rank in ranks)


def read_or_nothing(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""


def test_a_step_that_is_there_is_recorded_again_without_training(tiny_model, tmp_path, monkeypatch):
    monkeypatch.setattr("xlprobe.pretraining.intervals._run_fairseq", lambda *_: pytest.fail("trained again"))
    train_interval(tiny_model.text.run(tiny_model.pretraining), "xlmr", tiny_model.step, None, tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == tiny_model.record.read_bytes()


def test_changed_settings_are_refused_in_one_sentence(tiny_model, tmp_path):
    run = tiny_model.text.run(tiny_model.pretraining, {"learning_rate": 0.123})
    with pytest.raises(
        ResumeError,
        match=r"model 'xlmr' was trained otherwise \(training.learning_rate: 0.005 -> 0.123\); nothing of the model was touched",
    ) as caught:
        train_interval(run, "xlmr", 20, tiny_model.step, tmp_path / "record.json")
    assert "\n" not in str(caught.value) and not (tmp_path / "record.json").exists()


def test_changed_text_is_refused_before_it_is_trained_on(tiny_model, tmp_path):
    run = tiny_model.text.run(tiny_model.pretraining)
    other = tmp_path / "qba"
    shutil.copytree(run.languages["qba"], other)
    (other / "manifest.json").write_text((other / "manifest.json").read_text().replace('"bin": "', '"bin": "0'))
    changed = dataclasses.replace(run, languages=run.languages | {"qba": other})
    with pytest.raises(ResumeError, match=r"model 'xlmr' was trained otherwise \(the text of qba\)"):
        train_interval(changed, "xlmr", 20, tiny_model.step, tmp_path / "20" / "training.json")


def test_what_was_trained_stands_in_the_record_and_its_tokenizer_in_the_state(tiny_model):
    record = json.loads(tiny_model.record.read_text())
    assert record["identity"] == json.loads((tiny_model.pretraining / "identity.json").read_text())
    assert record["identity"] == tiny_model.text.run(tiny_model.pretraining).identity() and len(record["identity"]["text_sha256"]) == 2
    kept = {path.name: path.read_bytes() for path in (tiny_model.pretraining / "tokenizer").iterdir()}
    assert len(kept) == 5 and kept == {name: (tiny_model.text.tokenizer / name).read_bytes() for name in kept}


def test_a_step_whose_states_are_gone_is_refused(tiny_model, tmp_path):
    state = tmp_path / "state"
    shutil.copytree(tiny_model.pretraining, state, symlinks=True)
    (state / "step_12.pt").rename(state / "step_30.pt")
    (state / "step_0.pt").touch()  # an older state does not do: training from there would repeat what was done
    message = r"step 20 of model 'xlmr' follows step 12, but no training state from step 12 to 20 is kept \(kept: 0, 30\)"
    with pytest.raises(ResumeError, match=message):
        train_interval(tiny_model.text.run(state), "xlmr", 20, 12, tmp_path / "record.json")


def test_where_a_file_system_has_no_locks_training_goes_on_and_says_so(tmp_path, monkeypatch, capsys):
    def refused(*_):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr("xlprobe.pretraining.intervals.fcntl.flock", refused)
    with _lock(tmp_path) as descriptor:
        assert descriptor > 2
    assert capsys.readouterr().err.startswith(f"warning: {tmp_path}: cannot be locked (No locks available); see that no other process")


def test_a_failure_of_fairseq_names_its_log(tiny_text, tmp_path):
    broken = tiny_text.run(tmp_path, {"adam_betas": [0.9, "x"]})
    with pytest.raises(XlprobeError, match=r"log/2\.log: fairseq ended with status 1 on the way to step 2") as caught:
        train_interval(broken, "m", 2, None, tmp_path / "record.json")
    assert "\n" not in str(caught.value)


def test_older_optimizers_are_dropped_where_the_last_alone_is_kept(text, cut, tmp_path):
    state = tmp_path / "state"
    shutil.copytree(cut, state, symlinks=True)
    for step in (12, LAST):
        (state / f"step_{step}.pt").unlink()
    run = text.run(state, TRAINING, {"keep_states": "last"})
    train_interval(run, "m", 12, 9, tmp_path / "12.json")
    assert sorted(path.name for path in state.glob("*.pt")) == ["step_12.pt", "weights_0.pt", "weights_9.pt"]
    assert_same_weights(weights(state, 9), weights(cut, 9))
    assert "last_optimizer_state" not in load_state(state / "weights_9.pt")
    with pytest.raises(ResumeError, match=r"nothing was trained: restore step_9.pt, take step 10 out of models.m.steps, or"):
        train_interval(run, "m", 10, 9, tmp_path / "10.json")


class Touch:
    """An object that, unpickled, makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_a_training_state_runs_no_code_whatever_the_environment_asks(tmp_path, monkeypatch):
    torch.save({"model": Touch(tmp_path / "touched")}, tmp_path / "step_1.pt")
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
    importlib.reload(xlprobe.pretraining.fairseq_runtime)
    for load in (load_state, checkpoint_utils.load_checkpoint_to_cpu):
        with pytest.raises(pickle.UnpicklingError):
            load(tmp_path / "step_1.pt")
    assert not (tmp_path / "touched").exists()


@pytest.mark.parametrize("sample_break", ["complete", "eos", "none"])
def test_lines_counted_as_too_long_are_those_that_fairseq_drops(tiny_text, tmp_path, sample_break):
    run = tiny_text.run(tmp_path, {"sample_break": sample_break, "tokens_per_sample": 16})
    run = dataclasses.replace(run, architecture=run.architecture | {"max_tokens": 20})
    dropped = {}
    for language, folder in run.languages.items():
        lines = indexed_dataset.MMapIndexedDataset(str(folder / "train"))
        blocks = TokenBlockDataset(lines, lines.sizes, 16 - 1, pad=1, eos=2, break_mode=sample_break)
        samples = PrependTokenDataset(blocks, 0)
        kept = samples.sizes <= 20
        dropped[language] = int((~kept).sum())
    assert lines_too_long(run) == dropped
    assert (sum(dropped.values()) > 0) == (sample_break != "none")


# Lines by themselves ("eos") are how all others here train.
@pytest.mark.parametrize("sample_break", ["none", "complete"])
def test_every_way_to_break_samples_trains(tiny_text, tmp_path, sample_break):
    train_interval(tiny_text.run(tmp_path, {"sample_break": sample_break, "batch_size": 8}), "m", 2, None, tmp_path / "record.json")
    assert json.loads((tmp_path / "record.json").read_text())["step"] == 2


@pytest.fixture(scope="module")
def golden_text(tmp_path_factory) -> TinyText:
    """Text that no change of the world changes."""
    folder = tmp_path_factory.mktemp("golden")
    shutil.copytree(PROJECT / "workflow_tests" / "golden" / "cc100", folder / "sources" / "cc100")
    return prepared_text(folder)


def trained_norms(text: TinyText, folder: Path, training: dict | None = None) -> dict[str, float]:
    """The Euclidean norm of each weight of the tiny model after 12 updates."""
    train_interval(text.run(folder / "pretrain", training), "xlmr", 12, None, folder / "record.json")
    state = load_state(folder / "pretrain" / "step_12.pt")["model"]
    return {name: float(f"{value.double().norm():.6g}") for name, value in sorted(state.items()) if ".weight" in name or ".bias" in name}


def norms_that_differ(found: dict[str, float], expected: dict[str, float]) -> set[str]:
    """The weights whose norms are others, by more than what processors differ in.

    That is a few millionths of a norm (the order of sums), but for the biases of key projections: a bias adds the same to all scores
    of a query, which softmax takes off again. Their gradient is zero but for rounding, and so is what training makes of them
    (1e-8, where it makes 0.05 of a query's); they need only stay next to nothing.
    """

    def differ(name: str) -> bool:
        tolerance = {"abs": 1e-5, "rel": 0} if name.endswith("k_proj.bias") else {"rel": 1e-3}
        return found[name] != pytest.approx(expected[name], **tolerance)

    return {name for name in {*found, *expected} if name not in found or name not in expected or differ(name)}


def golden_weights() -> dict:
    return json.loads((PROJECT / "workflow_tests" / "golden" / "tiny_weights.json").read_text())


# The simplest instructions that PyTorch knows stand for another processor. Masks by block give the weights of version 1.
@pytest.mark.parametrize(
    ("masks", "environment"),
    [("draw", {}), ("draw", {"ATEN_CPU_CAPABILITY": "default"}), ("block", {})],
    ids=["as it is", "another processor", "masks by block"],
)
def test_the_tiny_models_weights_have_not_changed_without_a_new_training_version(golden_text, tmp_path, monkeypatch, masks, environment):
    # If this fails, the code trains other weights: raise TRAINING_VERSION and put the message's JSON into the golden file.
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    found = {"training_version": TRAINING_VERSION, "norms": {masks: trained_norms(golden_text, tmp_path, {"masks": masks})}}
    assert found["training_version"] == golden_weights()["training_version"], json.dumps(found)
    assert not norms_that_differ(found["norms"][masks], golden_weights()["norms"][masks]), json.dumps(found)


@pytest.mark.parametrize("training", [{"learning_rate": 0.00505}, {"seed": 2}], ids=["learning rate 1 % higher", "another seed"])
def test_a_small_change_of_training_changes_the_tiny_models_weights(golden_text, tmp_path, training):
    expected = golden_weights()["norms"]["draw"]
    assert len(norms_that_differ(trained_norms(golden_text, tmp_path, training), expected)) > len(expected) / 2


def test_weights_that_come_go_or_start_to_move_differ():
    expected = {"a.weight": 2.0, "k_proj.bias": 1e-8}
    assert norms_that_differ({"a.weight": 2.0001, "k_proj.bias": 3e-7}, expected) == set()
    assert norms_that_differ({"a.weight": 2.01, "k_proj.bias": 1e-4}, expected) == {"a.weight", "k_proj.bias"}
    assert norms_that_differ({"a.weight": 2.0}, expected) == {"k_proj.bias"}
    assert norms_that_differ(expected | {"b.weight": 1.0}, expected) == {"b.weight"}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_under_the_log_halts_no_training():
    """More than a pipe holds is read to its end."""
    command = [sys.executable, "-c", "for _ in range(20_000): print('a line of fairseq')"]
    log = os.fdopen(os.open("/dev/full", os.O_WRONLY), "w")
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as run:
        _follow(run, log, "xlmr", 10)
        assert run.wait(10) == 0
    with pytest.raises(OSError, match="No space left"):
        log.close()


def test_waiting_for_fairseq_needs_no_torch():
    code = "import sys, xlprobe.pretraining.intervals; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT / "scripts", capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
