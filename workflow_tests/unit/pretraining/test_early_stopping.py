"""Early stopping: which update is chosen, that any interruption ends in the same, and what is refused.

Most tests put values of their own in the place of fairseq's; the last ones train.
"""

import fcntl
import json
import math
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import torch
from conftest import TinyText, prepared_text, tiny_configuration

from xlprobe.artifacts.tables import conform
from xlprobe.artifacts.training_identity import weights_file
from xlprobe.artifacts.training_state import load_state, trained_state
from xlprobe.checkpoints.from_fairseq import publish_trained
from xlprobe.checkpoints.table import collect_checkpoints
from xlprobe.errors import ResumeError, XlprobeError
from xlprobe.files import read_json, write_json
from xlprobe.paths import PROJECT
from xlprobe.pretraining import intervals, training_records
from xlprobe.pretraining.early_stopping import choose, macro_mean, next_end
from xlprobe.pretraining.intervals import train_interval
from xlprobe.pretraining.training_records import Training, check_interval, check_trained, previous_records
from xlprobe.pretraining.training_version import TRAINING_VERSION
from xlprobe.world.publication import write_world

PATIENCE = "no lower loss in 2 validations"


@pytest.mark.parametrize(
    ("means", "patience", "kept", "why", "seen"),
    [
        ([], 2, None, None, 0),
        ([5], 2, 10, None, 1),
        ([5, 4, 3], 2, 30, None, 3),
        # One is not enough, two are, and no more is looked at.
        ([5, 4, 4.5], 2, 20, None, 3),
        ([5, 4, 4.5, 4.1], 2, 20, PATIENCE, 4),
        ([5, 4, 4.5, 4.1, 1], 2, 20, PATIENCE, 4),
        ([4, 5, 3], 1, 10, "no lower loss in 1 validation", 2),
        # An equal one is no lower one, and the earlier is kept.
        ([5, 4, 4, 4], 2, 20, PATIENCE, 4),
        ([5, 4, 4, 3], 2, 40, None, 4),
        # A lower one counts from there.
        ([5, 6, 4, 4.5, 3, 3.5], 2, 50, None, 6),
        # At the last update: the lowest, not the lowest, and with the patience at its end, too.
        ([8, 7, 6, 5, 4, 3, 2.5, 2.4, 2.3, 2.2], 2, 100, "the last update", 10),
        ([8, 7, 6, 5, 4, 3, 2.5, 2.4, 2.3, 2.5], 2, 90, "the lowest loss up to the last update", 10),
        ([8, 7, 6, 5, 4, 3, 2.5, 2.4, 2.5, 2.5], 2, 80, PATIENCE, 10),
    ],
)
def test_the_lowest_is_kept_and_patience_ends(means, patience, kept, why, seen):
    validations = [(10 * place, mean) for place, mean in enumerate(means, 1)]
    standing = choose(validations, patience, 100)
    assert (standing.kept, standing.why, standing.validations) == (kept, why, validations[:seen])
    assert standing.newest == (10 * seen or None)


def test_the_last_interval_may_be_shorter():
    ends, end = [], None
    while end != 25:
        ends.append(end := next_end(end, 10, 25))
    assert ends == [10, 20, 25] and next_end(None, 30, 30) == 30


def test_every_language_weighs_the_same_and_sums_do_not_decide(tmp_path):
    def mean(bits: dict) -> float:
        write_json(tmp_path / "validation_10.json", bits)
        return macro_mean(tmp_path / "validation_10.json", 10)

    assert mean({"qaa": 4.0, "qba": 7.0, "qca": 1.0}) == 4.0
    # In binary these sums are not equal.
    assert 0.1 + 0.2 != 0.3 and mean({"qaa": 0.1, "qba": 0.2}) == mean({"qaa": 0.3, "qba": 0.0})


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_loss_that_is_no_number_is_refused_in_one_sentence(tmp_path, value):
    path = tmp_path / "m" / "intervals" / "validation_10.json"
    write_json(path, {"qaa": 4.0, "qba": value})
    with pytest.raises(ResumeError) as caught:
        macro_mean(path, 10)
    assert f"training has diverged: the loss on the held-out text of qba is {value} after 10 updates; lower" in str(caught.value)
    assert str(caught.value).endswith(f"train it anew after `rm -r {tmp_path / 'm'}`") and "\n" not in str(caught.value)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"qaa": "4"}', '{"qaa": true}', '{"qaa'])
def test_a_damaged_validation_is_refused_in_one_sentence(tmp_path, content):
    path = tmp_path / "validation_10.json"
    path.write_text(content)
    with pytest.raises(XlprobeError, match=rf"^{path}(:1)?: (damaged|not JSON).* or delete it alone \(`rm {path}`\) and run again$"):
        macro_mean(path, 10)


class Killed(BaseException):
    """A process's end at some moment."""


class Model:
    """A training in a folder of its own, in which updates leave states that say their number, and losses are given.

    `moments` counts what changes files; before number `dies_at`, the process is killed.
    """

    def __init__(self, text: TinyText, folder: Path, means: list[float], monkeypatch: pytest.MonkeyPatch, **training) -> None:
        self.means, self.dies_at, self.moments, self.starts = means, -1, 0, []
        self.stops_before, self.most_states = None, 0
        settings = {"updates": 50, "early_stopping": {"validate_every": 10, "patience": 2}} | training
        self.updates = settings["updates"]
        self.run = text.run(folder / "pretrain" / "m", settings)
        self.record = folder / "checkpoints" / "m" / str(self.updates) / "training.json"
        monkeypatch.setattr(intervals, "_run_fairseq", self._fairseq)
        for owner, name in ((intervals, "write_json"), (intervals, "_save_weights"), (Path, "unlink")):
            monkeypatch.setattr(owner, name, self._mortal(getattr(owner, name)))

    def _moment(self) -> None:
        self.moments += 1
        if self.moments == self.dies_at:
            raise Killed

    def _mortal(self, function):
        def before_it_acts(*arguments, **options):
            # Temporary files and locks are no moments of the training's own.
            if not any(str(argument).endswith((".part", "lock")) for argument in arguments):
                self._moment()
            return function(*arguments, **options)

        return before_it_acts

    def _fairseq(self, run, model, step, resume_from, lock, validation) -> None:
        if step == self.stops_before:
            raise Killed
        begun = int(resume_from.stem.partition("_")[2]) if resume_from else 0
        self.starts.append((begun, step))
        for update, name in ((begun + 5, f"rolling_{begun + 5}.pt"), (step, f"step_{step}.pt")):
            if begun < update <= step:
                self._moment()
                state = {"cfg": {}, "model": {"updates": torch.tensor(update)}, "last_optimizer_state": torch.zeros(9)}
                torch.save(state, run.folder / "partial.pt")
                (run.folder / "partial.pt").rename(run.folder / name)
                for older in run.folder.glob("rolling_*.pt"):
                    if older.name != name:
                        older.unlink()
                self.most_states = max(self.most_states, len([*run.folder.glob("*_*.pt")]))
        self._moment()
        mean = self.means[-(-step // 10) - 1]
        write_json(validation, {"qaa": mean + 1, "qba": mean - 1})

    def train(self, dies_at: int = -1) -> dict:
        """Train to the end, or to a moment; gives the record."""
        self.dies_at, self.moments, self.starts = dies_at, 0, []
        train_interval(self.run, "m", self.updates, None, self.record)
        return read_json(self.record)

    @property
    def training(self) -> Training:
        """The same as the workflow sees it when it starts."""
        languages = [*self.run.languages]
        checkpoints = self.record.parent.parent
        return Training("m", [self.updates], self.run.folder, checkpoints, self.run.architecture, self.run.training, languages)

    def files(self) -> dict[str, bytes]:
        """What there is but for logs: names with the content of what is no state."""
        paths = [path for folder in (self.run.folder, self.record.parent) for path in folder.rglob("*") if path.is_file()]
        return {path.name: b"" if path.suffix == ".pt" else path.read_bytes() for path in paths}

    def weights(self) -> int:
        state = load_state(trained_state(self.run.folder, self.updates))
        assert {*state} == {"cfg", "model"}
        return int(state["model"]["updates"])


@pytest.fixture
def model(tiny_text, tmp_path, monkeypatch):
    def make(means: list[float], folder: str = "run", **training) -> Model:
        return Model(tiny_text, tmp_path / folder, means, monkeypatch, **training)

    return make


CASES = {
    "patience": ([5, 4, 4.5, 4.1, 1], {}, 20, PATIENCE, [10, 20, 30, 40]),
    "the last": ([5, 4, 4.5, 3.5, 3], {}, 50, "the last update", [10, 20, 30, 40, 50]),
    "one before the last": ([5, 4, 4.5, 3.5, 4], {"updates": 45}, 40, "the lowest loss up to the last update", [10, 20, 30, 40, 45]),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("keep_states", ["all", "last"])
def test_what_is_kept_is_found_for_the_one_step_and_said_in_its_record(model, case, keep_states):
    means, training, kept, why, ends = CASES[case]
    stopped = model(means, **training)
    stopped.run = replace(stopped.run, execution=stopped.run.execution | {"keep_states": keep_states})
    record = stopped.train()
    assert stopped.weights() == kept
    assert (record["step"], record["kept_update"], record["why"]) == (stopped.updates, kept, why)
    assert record["validations"] == [[end, mean] for end, mean in zip(ends, means, strict=False)]
    mean = means[ends.index(kept)]
    bits = {"qaa": mean + 1, "qba": mean - 1}
    assert record["validation_bits_per_masked_token"] == bits == read_json(stopped.run.folder / f"validation_{stopped.updates}.json")
    # Each interval goes on from the one before. Of states there were the newest, the best, and the one on the way.
    assert stopped.starts == [*zip([0, *ends], ends, strict=False)] and stopped.most_states <= 3
    assert [path.name for path in stopped.run.folder.glob("*.pt")] == [f"kept_{stopped.updates}.pt"]
    # Finished, it is data; asked for again, it is only recorded.
    check_trained([stopped.training])
    assert stopped.training.finished() == [stopped.updates] and stopped.training.final() == []
    before = stopped.files()
    stopped.record.unlink()
    assert previous_records(stopped.training, stopped.updates) == []
    assert stopped.train() == record and stopped.starts == [] and stopped.files() == before


@pytest.mark.parametrize("case", CASES)
def test_killed_at_any_moment_it_goes_on_to_the_same_end(model, case):
    means, training, kept, _, ends = CASES[case]
    whole = model(means, "whole", **training)
    whole.train()
    moments, files = whole.moments, whole.files()
    assert moments > 20
    for dies_at in range(1, moments + 1):
        killed = model(means, f"killed {dies_at}", **training)
        with pytest.raises(Killed):
            killed.train(dies_at)
        assert not killed.record.exists()
        before = [end for end in ends if (killed.run.folder / "intervals" / f"validation_{end}.json").exists()]
        states = training_records.whole_states(killed.run.folder, "rolling", "step")
        check_interval(killed.training, killed.updates, None)
        killed.train()
        assert killed.weights() == kept and killed.files() == files
        # Nothing is trained twice: from the newest state, to the ends that have no loss yet.
        assert [end for _, end in killed.starts] == [end for end in ends if end not in before]
        assert not killed.starts or killed.starts[0][0] == max(states, default=0)


def refused(stopped: Model) -> str:
    """What the workflow says before its first job, and the job again: one sentence, and nothing is trained."""
    said, stopped.starts = [], []
    for function, arguments in ((check_interval, (stopped.training, stopped.updates, None)), (stopped.train, ())):
        before = stopped.files()
        with pytest.raises(XlprobeError) as caught:
            function(*arguments)
        assert "\n" not in str(caught.value) and stopped.files() == before and stopped.starts == []
        said.append(str(caught.value))
    assert said[0] == said[1]
    return said[0]


def follow(sentence: str, stopped: Model) -> None:
    """Delete what a sentence says; the model is then trained anew."""
    (command,) = re.findall("`(rm -r .*?)`", sentence)
    subprocess.run(["bash", "-c", command], check=True)
    check_trained([stopped.training])
    check_interval(stopped.training, stopped.updates, None)
    assert stopped.train()["kept_update"] and stopped.starts[0][0] == 0


def half_trained(model, means=(5, 4, 4.5, 4.1)) -> Model:
    """Killed in its third interval, of which nothing is there: step_20.pt is the newest state, and the best."""
    stopped = model([*means])
    stopped.stops_before = 30
    with pytest.raises(Killed):
        stopped.train()
    stopped.stops_before = None
    assert sorted(path.name for path in stopped.run.folder.glob("*_*.pt")) in (["step_20.pt"], ["step_20.pt", "weights_10.pt"])
    return stopped


def test_without_the_newest_state_nothing_is_trained_again(model):
    stopped = half_trained(model)
    (stopped.run.folder / "step_20.pt").unlink()
    sentence = refused(stopped)
    assert "step 30 of model 'm' follows step 20, but no training state from step 20 to 30 is kept (kept: none)" in sentence
    assert "restore step_20.pt, or train the model anew after" in sentence and "take step" not in sentence
    follow(sentence, stopped)


def test_without_the_best_weights_nothing_is_trained_further(model):
    stopped = half_trained(model, (4, 5, 4.5, 4.1))
    (stopped.run.folder / "weights_10.pt").unlink()
    sentence = refused(stopped)
    assert "the weights after 10 updates, which have the lowest loss, are gone; nothing was trained: restore the file with them" in sentence
    follow(sentence, stopped)


@pytest.mark.parametrize("file", ["kept_50.pt", "intervals/validation_40.json"])
def test_a_finished_step_whose_record_is_gone_needs_all_that_it_is_recorded_from(model, file):
    stopped = model([5, 4, 4.5, 4.1, 1])
    stopped.train()
    (stopped.run.folder / file).unlink()
    # With its record it stays data.
    check_trained([stopped.training])
    stopped.record.unlink()
    sentence = refused(stopped)
    assert ("(step_20.pt or weights_20.pt or kept_50.pt)" if file == "kept_50.pt" else "restore intervals/validation_40.json") in sentence
    follow(sentence, stopped)


def test_published_weights_that_are_gone_are_no_others(model):
    stopped = model([5, 4, 4.5, 3.5, 3])
    stopped.train()
    write_json(stopped.record.parent / "identity.json", {})
    assert stopped.training.final() == []
    (stopped.run.folder / "kept_50.pt").unlink()
    assert stopped.training.final() == [50] and weights_file(stopped.run.folder, 50) is None
    with pytest.raises(ResumeError, match=r"the weights of step 50 are gone; restore step_50\.pt \(with early stopping, kept_50\.pt\)"):
        trained_state(stopped.run.folder, 50)


def test_damaged_weights_are_not_kept(model):
    stopped = half_trained(model, (4, 5, 4.5, 4.1))
    path = stopped.run.folder / "weights_10.pt"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(XlprobeError, match=rf"^{path}: cannot be read as a whole training state .* or delete it and run again$"):
        stopped.train()
    assert not (stopped.run.folder / "kept_50.pt").exists()
    path.unlink()
    follow(refused(stopped), stopped)


def test_a_loss_that_is_no_number_ends_the_run_and_the_advice_leads_out(model):
    stopped = model([5, math.nan, 4, 4, 4])
    with pytest.raises(ResumeError, match=r"validation_20.json: training has diverged"):
        stopped.train()
    stopped.means = [5, 4, 4.5, 4.1]
    follow(refused(stopped), stopped)


@pytest.mark.parametrize("finished", [True, False])
@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"validate_every": 10, "patience": 3}, re.escape("{'validate_every': 10, 'patience': 3}")),
        ({"validate_every": 5, "patience": 2}, re.escape("{'validate_every': 5, 'patience': 2}")),
        (None, "(None|unset)"),
    ],
)
@pytest.mark.parametrize("version", [0, 1], ids=["", "another version"])
def test_another_early_stopping_is_another_training(model, monkeypatch, finished, other, said, version):
    stopped = model([5, 4, 4.5, 4.1]) if finished else half_trained(model)
    if finished:
        stopped.train()
    stopped.starts = []
    monkeypatch.setattr(training_records, "TRAINING_VERSION", TRAINING_VERSION + version)
    check_trained([stopped.training])
    stopped.run = replace(stopped.run, training=stopped.run.training | {"early_stopping": other})
    before = stopped.files()
    change = rf"was trained otherwise \(training.early_stopping: {{'patience': 2, 'validate_every': 10}} -> {said}\); nothing"
    for function, arguments in ((check_trained, ([stopped.training],)), (stopped.train, ())):
        with pytest.raises(ResumeError, match=change):
            function(*arguments)
    assert stopped.files() == before and stopped.starts == []


@pytest.mark.parametrize("version", [0, 1], ids=["", "another version"])
def test_a_model_without_early_stopping_is_as_before_and_gets_none_later(model, monkeypatch, version):
    plain = model([5, 4, 4.5, 4.1, 3], early_stopping=None)
    record = plain.train()
    assert "early_stopping" not in record["identity"]["training"] and not {"kept_update", "why", "validations"} & {*record}
    older = {key: value for key, value in plain.run.training.items() if key != "early_stopping"}
    assert replace(plain.run, training=older).identity() == plain.run.identity() == record["identity"]
    assert [path.name for path in plain.run.folder.glob("step_*")] == ["step_50.pt"]
    monkeypatch.setattr(training_records, "TRAINING_VERSION", TRAINING_VERSION + version)
    for training in (older, older | {"early_stopping": None}):
        check_trained([replace(plain.training, training=training)])
    stopping = {"validate_every": 10, "patience": 2}
    with pytest.raises(ResumeError, match=r"\(training.early_stopping: unset -> \{'validate_every': 10, 'patience': 2\}\)"):
        check_trained([replace(plain.training, training=older | {"early_stopping": stopping})])


def test_another_version_of_training_goes_on_with_none_of_it(model, monkeypatch):
    stopped = half_trained(model)
    monkeypatch.setattr(training_records, "TRAINING_VERSION", TRAINING_VERSION + 1)
    with pytest.raises(ResumeError) as caught:
        check_interval(stopped.training, 50, None)
    assert "would train step 50 otherwise; nothing was touched: give the model another name, or train it anew after" in str(caught.value)


def test_weights_that_nothing_says_the_training_of_are_refused(model):
    stopped = model([5, 4, 4.5, 4.1])
    stopped.train()
    stopped.record.unlink()
    (stopped.run.folder / "identity.json").unlink()
    sentence = refused(stopped)
    assert "has weights (kept_50.pt), and no identity.json that says what they were trained with" in sentence
    follow(sentence, stopped)


# From here on fairseq trains: at rates that rise until the loss does, too.
TRAINING = {"batch_size": 32, "updates": 24, "learning_rate": 0.5, "warmup_updates": 20}
STOPPING = {"early_stopping": {"validate_every": 3, "patience": 1}}


def real_weights(folder: Path, step: int) -> dict[str, torch.Tensor]:
    """The trained weights; fairseq's copies for its inference fast path are random and dead."""
    state = load_state(trained_state(folder, step))["model"]
    return {name: value for name, value in state.items() if "_proj_" not in name and "fc1_" not in name and "fc2_" not in name}


@pytest.fixture(scope="module")
def text(tmp_path_factory) -> TinyText:
    """A third of the tiny world's text."""
    folder = tmp_path_factory.mktemp("text")
    write_world(tiny_configuration()["world"] | {"documents": 83}, folder / "sources", folder / "sources" / "world.x.json", 1)
    return prepared_text(folder)


@pytest.fixture(scope="module")
def stopped(text, tmp_path_factory) -> Path:
    """A model that was stopped early: its training state, with the record in it."""
    folder = tmp_path_factory.mktemp("stopped")
    train_interval(text.run(folder, TRAINING | STOPPING), "m", 24, None, folder / "record.json")
    return folder


def test_a_real_training_stops_and_keeps_the_weights_of_an_uninterrupted_one(text, stopped, tmp_path):
    record = read_json(stopped / "record.json")
    means = dict(record["validations"])
    ends, kept = [*means], record["kept_update"]
    assert record["why"] == "no lower loss in 1 validation" and ends == [*range(3, ends[-1] + 1, 3)] and ends[-1] < 24
    assert kept == ends[-2] == min(means, key=means.get) and means[ends[-1]] >= means[kept]
    assert sum(record["validation_bits_per_masked_token"].values()) / 2 == pytest.approx(means[kept])
    # The learning rate is that of all 24 updates, of which the last are never made.
    train_interval(text.run(tmp_path / "whole", TRAINING), "m", kept, None, tmp_path / "whole.json")
    ours, theirs = real_weights(stopped, 24), real_weights(tmp_path / "whole", kept)
    assert ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)
    bits = read_json(tmp_path / "whole.json")["validation_bits_per_masked_token"]
    assert bits == record["validation_bits_per_masked_token"]


def test_kill_9_between_and_within_intervals_changes_nothing(text, stopped, tmp_path):
    run = text.run(tmp_path / "state", TRAINING | STOPPING, {"save_every": 1})
    command = [sys.executable, "-c", "import json, sys; from test_early_stopping import train_here; train_here(*json.loads(sys.argv[1]))"]
    command.append(json.dumps([str(text.folder), str(run.folder), str(tmp_path / "record.json")]))
    tests = Path(__file__)
    paths = os.pathsep.join(map(str, (PROJECT / "scripts", tests.parents[2], tests.parent)))
    process = subprocess.Popen(command, env=os.environ | {"PYTHONPATH": paths}, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not (run.folder / "rolling_4.pt").exists() and not (run.folder / "step_6.pt").exists():
        assert process.poll() is None and time.monotonic() < deadline, "training ended, or did not come so far"
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    # Linux kills its trainer with it, whichever it is by now; while that lives it holds the lock.
    while is_locked(run.folder / "lock"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert not (tmp_path / "record.json").exists()
    train_interval(run, "m", 24, None, tmp_path / "record.json")
    assert (tmp_path / "record.json").read_bytes() == (stopped / "record.json").read_bytes()
    ours, theirs = real_weights(run.folder, 24), real_weights(stopped, 24)
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def is_locked(path: Path) -> bool:
    """Whether a process holds the lock of a training state."""
    with path.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def train_here(text: str, folder: str, record: str) -> None:
    """Train the model in this process."""
    train_interval(TinyText(Path(text)).run(Path(folder), TRAINING | STOPPING, {"save_every": 1}), "m", 24, None, Path(record))


def test_the_checkpoint_and_its_table_say_which_update_was_kept_and_why(text, stopped, tmp_path):
    record = read_json(stopped / "record.json")
    publish_trained(stopped, stopped / "record.json", text.tokenizer, tmp_path / "m" / "24", "m", None, [])
    identity = read_json(tmp_path / "m" / "24" / "identity.json")
    assert (identity["step"], identity["loss"]) == (24, record["validation_bits_per_masked_token"])
    assert (identity["source"]["kept_update"], identity["source"]["why"]) == (record["kept_update"], "no lower loss in 1 validation")
    other = identity | {"model": "n", "source": {key: identity["source"][key] for key in ("kind", "identity_sha256", "training_version")}}
    write_json(tmp_path / "n" / "24" / "identity.json", other)
    collect_checkpoints([tmp_path / name / "24" / "identity.json" for name in "mn"], tmp_path / "table.parquet")
    table = conform(pd.read_parquet(tmp_path / "table.parquet"), "checkpoints.schema.yaml").set_index("model")
    assert set(table.loc["m", "kept_update"]) == {record["kept_update"]} and set(table.loc["m", "why_kept"]) == {record["why"]}
    assert table.loc["n", ["kept_update", "why_kept"]].isna().all(axis=None)
