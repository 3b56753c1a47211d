"""What is trained, held against the configuration and against each other; each refusal's advice is followed to the letter."""

import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from xlprobe.artifacts.training_identity import identity_of, text_identity
from xlprobe.errors import ResumeError, XlprobeError
from xlprobe.files import identity_digest as digest
from xlprobe.files import read_json, write_json
from xlprobe.paths import PROJECT
from xlprobe.pretraining import training_records
from xlprobe.pretraining.trained_text import check_text
from xlprobe.pretraining.training_records import (
    Training,
    check_interval,
    check_resumed,
    check_trained,
    previous_records,
    resume_point,
    whole_states,
)
from xlprobe.pretraining.training_version import TRAINING_VERSION
from xlprobe.study.code_identity import reached_modules

STEPS = (0, 10, 20)
ARCHITECTURE, TRAINING = {"layers": 2}, {"learning_rate": 0.005, "adam_betas": [0.9, 0.98]}
IDENTITY = {
    "training_version": TRAINING_VERSION,
    "architecture": ARCHITECTURE,
    "training": TRAINING,
    "dictionary_sha256": "d",
    "text_sha256": {"qaa": "a", "qba": "b"},
}
OTHER = IDENTITY | {"training": TRAINING | {"learning_rate": 0.006}}


@pytest.fixture
def training(tmp_path, monkeypatch) -> Training:
    """A run whose three steps are trained."""
    monkeypatch.chdir(tmp_path)
    run = Training("m/seed_1", STEPS, Path("pretrain/m/seed_1"), Path("checkpoints/m/seed_1"), ARCHITECTURE, TRAINING, ["qaa", "qba"])
    train(run, IDENTITY, *STEPS)
    return run


def train(training: Training, identity: dict, *steps: int, form: int = 2) -> None:
    """Leave what training leaves behind: its state, and records, of the present or the older form."""
    write_json(training.state / "identity.json", identity)
    for step in steps:
        (training.state / f"step_{step}.pt").touch()
        write_json(training.state / f"validation_{step}.json", {})
        record = {"step": step, "identity_sha256": digest(identity)}
        write_json(training.record(step), record | ({"identity": identity} if form == 2 else {}))


def changed(training: Training, learning_rate: float = 0.006) -> Training:
    """The run with another learning rate in its configuration."""
    return replace(training, training=TRAINING | {"learning_rate": learning_rate})


def delete(*folders: Path) -> None:
    subprocess.run(["rm", "-r", *folders], check=True)


def refused(function, *arguments) -> str:
    """What a refusal says: one sentence, and nothing is touched."""
    before = {path: path.stat().st_mtime_ns for path in Path().rglob("*")}
    with pytest.raises(ResumeError) as caught:
        function(*arguments)
    assert before == {path: path.stat().st_mtime_ns for path in Path().rglob("*")} and "\n" not in str(caught.value)
    return str(caught.value)


def follow(sentence: str, remove: str = "rm -r") -> str:
    """Run the command that a sentence says; gives what it deleted."""
    (command,) = re.findall(f"`({remove} .*?)`", sentence)
    subprocess.run(["bash", "-c", command], check=True)
    return command.removeprefix(f"{remove} ")


def left(training: Training) -> list[int]:
    return training.finished()


def test_what_is_as_configured_passes_and_so_does_what_is_not_there_yet(training):
    check_trained([training])
    check_trained([replace(training, steps=(*STEPS, 30))])
    check_interval(replace(training, steps=(*STEPS, 30)), 30, 20)
    assert training.finished() == [*STEPS] and training.final() == []
    fresh = replace(training, state=Path("nothing"), checkpoints=Path("nothing"))
    check_trained([fresh])
    check_interval(fresh, 0, None)


def test_a_step_is_trained_after_the_step_before(training):
    longer = replace(training, steps=(*STEPS, 30))
    assert previous_records(longer, 30) == ["checkpoints/m/seed_1/20/training.json"] and previous_records(longer, 0) == []


@pytest.mark.parametrize("gone", [(), ("pretrain",), ("pretrain", "checkpoints/m/seed_1/0")], ids=["all there", "no state", "half deleted"])
def test_changed_training_is_refused_and_its_advice_leads_out(training, gone):
    delete(*map(Path, gone)) if gone else None
    sentence = refused(check_trained, [changed(training)])
    assert sentence.startswith("checkpoints/m/seed_1: model 'm/seed_1' was trained otherwise (training.learning_rate: 0.005 -> 0.006); not")
    # Set back, or another name.
    check_trained([training])
    check_trained([replace(changed(training), name="n", state=Path("pretrain/n"), checkpoints=Path("checkpoints/n"))])
    steps = left(training)
    state = "" if gone else "pretrain/m/seed_1 "
    assert follow(sentence) == f"{state}checkpoints/m/seed_1/{{{','.join(map(str, steps))}}}"
    check_trained([changed(training)])
    assert left(training) == []
    check_interval(changed(training), 0, None)
    check_interval(changed(training), 10, 0)


def test_steps_of_an_older_training_beside_a_newer_one_are_refused(training):
    """As the advice to delete the state's folder alone once left them."""
    delete(training.state)
    train(training, OTHER, 0, 10)
    sentence = refused(check_trained, [changed(training)])
    assert "the training state and step 20 differ (training.learning_rate: 0.006 -> 0.005)" in sentence
    # The newer one is what is configured, and stays.
    assert follow(sentence) == "checkpoints/m/seed_1/20"
    check_trained([changed(training)])
    check_interval(changed(training), 20, 10)
    # With the older one configured neither is.
    train(training, IDENTITY, 20)
    train(training, OTHER, 10)
    assert follow(refused(check_trained, [training])) == "pretrain/m/seed_1 checkpoints/m/seed_1/{0,10,20}"


def test_steps_trained_on_different_text_are_refused(training):
    train(training, IDENTITY | {"text_sha256": {"qaa": "other", "qba": "b"}, "dictionary_sha256": "e"}, 20)
    delete(training.state)
    sentence = refused(check_trained, [training])
    assert "steps 0, 10 and step 20 differ (the tokenizer; the text of qaa)" in sentence
    assert follow(sentence) == "checkpoints/m/seed_1/{0,10,20}"


def test_languages_and_architecture_are_compared(training):
    other = replace(training, languages=["qaa", "qca", "qda"], architecture={"layers": 2, "heads": 4})
    changes = "(architecture.heads: unset -> 4; languages: without qba; languages: with qca, qda)"
    assert changes in refused(check_trained, [other])


def test_numbers_that_are_equal_are_no_change(training):
    check_trained([replace(training, architecture={"layers": 2.0})])
    # The digest stays that of the steps that are there.
    assert digest(check_resumed(training, 30, IDENTITY | {"architecture": {"layers": 2.0}})) == digest(IDENTITY)


def test_another_version_leaves_finished_steps_and_refuses_missing_ones(training, monkeypatch):
    monkeypatch.setattr(training_records, "TRAINING_VERSION", TRAINING_VERSION + 1)
    # With a key that the version before did not have.
    newer = replace(training, training=TRAINING | {"masks": "draw"}, steps=(*STEPS, 30))
    check_trained([newer])
    identity = IDENTITY | {"training": newer.training, "training_version": TRAINING_VERSION + 1}
    sentence = refused(check_interval, newer, 30, 20)
    assert (
        f"was trained by version {TRAINING_VERSION} of the training code, and version {TRAINING_VERSION + 1} would train step 30"
        in sentence
    )
    assert "take step 30 out of models.m.steps" in sentence and refused(check_resumed, newer, 30, identity) == sentence
    # What is in the state needs no training.
    delete(training.checkpoints / "20")
    check_interval(newer, 20, 10)
    assert check_resumed(newer, 20, identity) == IDENTITY
    # Other keys are compared as ever.
    assert "(training.learning_rate: 0.005 -> 0.006)" in refused(check_trained, [changed(newer)])
    follow(refused(check_interval, newer, 30, 20))
    assert left(newer) == []
    check_interval(newer, 0, None)


def test_a_state_of_another_version_without_a_step_is_refused(training, monkeypatch):
    monkeypatch.setattr(training_records, "TRAINING_VERSION", TRAINING_VERSION + 1)
    delete(training.checkpoints)
    for file in training.state.glob("*_*"):
        file.unlink()
    (training.state / "rolling_5.pt").touch()
    assert follow(refused(check_interval, training, 0, None)) == "pretrain/m/seed_1"
    check_interval(training, 0, None)


def test_records_of_the_older_form_are_those_of_the_state(training):
    train(training, IDENTITY, *STEPS, form=1)
    check_trained([training])
    assert identity_of(training.record(10), training.state) == IDENTITY
    assert "training.learning_rate: 0.005 -> 0.006" in refused(check_trained, [changed(training)])
    kept = (training.state / "identity.json").read_text()
    (training.state / "identity.json").unlink()
    sentence = refused(check_trained, [training])
    assert "has the digest alone of what steps 0, 10, 20 were trained with, and the identity.json of its training state" in sentence
    assert "which says what, is gone; nothing was touched: restore that file, or" in sentence
    with pytest.raises(XlprobeError, match="restore that file"):
        identity_of(training.record(10), training.state)
    (training.state / "identity.json").write_text(kept[:-9])
    with pytest.raises(XlprobeError, match=r"damaged|JSON") as caught:
        check_trained([training])
    follow(str(caught.value), "rm")
    assert refused(check_trained, [training]) == sentence
    (training.state / "identity.json").write_text(kept)
    check_trained([training])
    write_json(training.state / "identity.json", OTHER)
    follow(refused(check_trained, [changed(training)]))
    check_trained([changed(training)])
    assert left(training) == [] and not training.state.exists()


def test_a_state_deleted_after_the_last_step_is_no_fault_and_one_that_is_needed_is_refused(training):
    delete(training.state)
    check_trained([training])
    # Published, these checkpoints cannot be made again.
    write_json(training.checkpoints / "10" / "identity.json", {})
    assert training.final() == [10]
    longer = replace(training, steps=(*STEPS, 30))
    sentence = refused(check_interval, longer, 30, 20)
    assert "step 30 of model 'm/seed_1' follows step 20, but no training state from step 20 to 30 is kept (kept: none)" in sentence
    assert "restore step_20.pt, take step 30 out of models.m.steps" in sentence
    # Restored, that one file is enough; what was trained stands in the records.
    training.state.mkdir(parents=True)
    (training.state / "step_20.pt").touch()
    check_interval(longer, 30, 20)
    assert check_resumed(longer, 30, dict(IDENTITY)) == IDENTITY
    refused(check_resumed, longer, 30, OTHER)
    delete(training.state)
    follow(sentence)
    check_interval(longer, 0, None)
    check_interval(longer, 30, 20)


def test_all_steps_that_cannot_be_trained_are_named_at_once(training, monkeypatch):
    longer = replace(training, steps=(*STEPS, 30, 40, 50, 60, 70))
    for file in training.state.glob("step_*"):
        file.unlink()
    # 50 has only to be recorded, and 60 and 70 follow from it.
    train(training, IDENTITY, 50)
    delete(training.checkpoints / "50")
    sentence = refused(check_interval, longer, 30, 20)
    assert "take steps 30, 40 out of models.m.steps" in sentence
    shorter = replace(longer, steps=(*STEPS, 50, 60, 70))
    for step, previous in ((50, 20), (60, 50), (70, 60)):
        check_interval(shorter, step, previous)
    # A job knows its own step and the one before.
    assert "take step 30 out of models.m.steps" in refused(resume_point, replace(training, steps=(20, 30)), 30, 20)
    monkeypatch.setattr(training_records, "TRAINING_VERSION", TRAINING_VERSION + 1)
    assert "take steps 30, 40, 60, 70 out of models.m.steps" in refused(check_interval, longer, 40, 30)
    check_interval(shorter, 50, 20)


def test_weights_of_which_nothing_says_what_they_were_trained_with_are_never_gone_on_from(training):
    delete(training.checkpoints, training.state)
    for name in ("rolling_7.pt", "weights_10.pt", "step_0.pt"):
        training.state.mkdir(parents=True)
        (training.state / name).touch()
        (training.state / f"validation_{name.partition('_')[2].removesuffix('.pt')}.json").touch()
        check_trained([training])
        sentence = refused(check_interval, training, 0, None)
        assert f"model 'm/seed_1' has weights ({name}), and no identity.json that says what" in sentence
        assert refused(check_resumed, training, 0, IDENTITY) == sentence and follow(sentence) == "pretrain/m/seed_1"
        check_interval(training, 0, None)
        assert check_resumed(training, 0, IDENTITY) == IDENTITY


def test_files_whose_names_only_begin_or_end_like_a_states_are_none(training):
    before = whole_states(training.state, "rolling", "step")
    for name in ("step_old_20.pt", "step_20_backup.pt", "rolling_.pt", "step_0020.pt", "step_30.pt.old", "rolling_-1.pt", "step_٣.pt"):
        (training.state / name).touch()
    assert whole_states(training.state, "rolling", "step") == before and {*before} == {*STEPS}
    for name in ("old", "1e3", "0010", "٣"):
        write_json(training.checkpoints / name / "training.json", {})
    check_trained([training])
    delete(training.state)
    assert follow(refused(check_trained, [changed(training)])) == "checkpoints/m/seed_1/{0,10,20}"


def test_steps_that_the_schedule_has_no_more_are_compared_and_deleted_with_the_others(training):
    fewer = replace(training, steps=(0, 20))
    assert fewer.finished() == [0, 20]
    sentence = refused(check_trained, [changed(fewer)])
    assert follow(sentence) == "pretrain/m/seed_1 checkpoints/m/seed_1/{0,10,20}"
    # As the job sees it, too.
    assert check_resumed(changed(fewer), 0, OTHER) == OTHER
    train(training, OTHER, 0, 20)
    train(training, IDENTITY, 10)
    write_json(training.state / "identity.json", OTHER)
    assert follow(refused(check_trained, [changed(fewer)])) == "checkpoints/m/seed_1/10"


def test_all_runs_are_compared_before_one_sentence_says_what_to_delete(training):
    runs = [
        replace(training, name=f"m/seed_{seed}", state=Path(f"pretrain/m/seed_{seed}"), checkpoints=Path(f"checkpoints/m/seed_{seed}"))
        for seed in (1, 2, 3)
    ]
    other = replace(training, name="n", state=Path("pretrain/n"), checkpoints=Path("checkpoints/n"))
    for run in (*runs, other):
        train(run, IDENTITY, *STEPS)
    train(other, OTHER, 20)
    write_json(other.state / "identity.json", IDENTITY)
    good = replace(training, name="good", state=Path("pretrain/good"), checkpoints=Path("checkpoints/good"))
    train(good, OTHER, *STEPS)
    changes = "was trained otherwise (training.learning_rate: 0.005 -> 0.006)"
    sentence = refused(check_trained, [*map(changed, runs), changed(good), other])
    assert sentence.startswith(
        f"checkpoints/m/seed_1: model 'm/seed_1' {changes}, and so it is with 'm/seed_2', and so it is with 'm/seed_3'; "
    )
    assert "; checkpoints/n: model 'n' is of two trainings: the training state and step 20 differ" in sentence
    assert sentence.count("nothing was touched") == sentence.count("set that back") == 1
    assert "; nothing was touched: set that back, give the changed model another name, or train anew what is missing after `rm" in sentence
    follow(sentence)
    check_trained([*map(changed, runs), changed(good), other])
    assert [left(run) for run in (*runs, other, good)] == [[], [], [], [0, 10], [*STEPS]]


def test_the_version_of_training_is_out_of_reach_of_comparing_text():
    """Else a new version would ask for every text of finished models once more."""
    reached = {path.stem for path in reached_modules(PROJECT / "scripts" / "check_trained_text.py")}
    assert "trained_text" in reached and "training_version" not in reached


def test_training_goes_on_from_the_newest_state_up_to_the_step(training):
    assert resume_point(training, 20, 10) == training.state / "step_20.pt"
    (training.state / "step_20.pt").rename(training.state / "rolling_19.pt")
    assert resume_point(training, 20, 10) == training.state / "rolling_19.pt" and resume_point(training, 5, None).name == "step_0.pt"
    delete(training.state / "rolling_19.pt", training.state / "step_10.pt")
    (training.state / "step_30.pt").touch()
    assert "(kept: 0, 30)" in refused(resume_point, training, 20, 10)


def test_a_step_that_comes_after_a_missing_one_waits_for_it(training):
    delete(training.checkpoints / "10", training.checkpoints / "20", training.state)
    check_interval(training, 20, 10)
    refused(check_interval, training, 10, 0)


@pytest.fixture
def text(training) -> dict:
    """Tokenizer and text that the run was trained with."""
    Path("dict.txt").write_text("▁a 1\n")
    for language in ("qaa", "qba"):
        write_json(Path("binarized", language, "manifest.json"), {"splits": {"train": {"sha256": {"bin": language}}}})
    folders = {language: Path("binarized", language) for language in ("qaa", "qba")}
    train(training, IDENTITY | text_identity(Path("dict.txt"), folders), *STEPS)
    place = {"state": training.state, "checkpoints": training.checkpoints}
    return {**place, "model": training.name, "dictionary": Path("dict.txt")}


def compare(text: dict, *languages: str) -> dict:
    check_text(**text, binarized=Path("binarized"), texts=languages, output=Path("verdict.json"))
    return read_json(Path("verdict.json"))


def test_changed_text_is_refused_and_its_advice_leads_out(training, text):
    assert compare(text, "qaa", "qba")["text_sha256"] == {"qaa": "qaa", "qba": "qba"}
    delete(training.state)
    Path("verdict.json").unlink()
    write_json(Path("binarized/qba/manifest.json"), {"splits": {"train": {"sha256": {"bin": "other"}}}})
    sentence = refused(compare, text, "qaa", "qba")
    assert "trained with something else than this run now has (the text of qba)" in sentence and not Path("verdict.json").exists()
    assert compare(text)["text_sha256"] == {}, "the tokenizer alone"
    Path("dict.txt").write_text("▁b 1\n")
    assert "(the tokenizer)" in refused(compare, text)
    assert follow(refused(compare, text, "qaa", "qba")) == "checkpoints/m/seed_1/{0,10,20}"
    train(training, IDENTITY | text_identity(Path("dict.txt"), {"qba": Path("binarized/qba")}), 0)
    assert compare(text, "qba")["text_sha256"] == {"qba": "other"}


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"identity_sha', '{"identity_sha256": "d", "identity": {}}', b"\xff"])
def test_damaged_files_are_refused_and_their_advice_leads_out_and_costs_no_other_file(training, content):
    for step in STEPS:
        write_json(training.checkpoints / str(step) / "identity.json", {})
    kept = {path for path in Path().rglob("*") if path.is_file()}
    for path in (training.record(10), training.state / "identity.json"):
        before = path.read_bytes()
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        with pytest.raises(
            XlprobeError, match=f"^{path}(:1)?: (damaged|not JSON|cannot be read as JSON).* or delete it alone .* and run again$"
        ) as caught:
            check_trained([training])
        follow(str(caught.value), "rm")
        assert kept - {*Path().rglob("*")} == {path}
        check_trained([training])
        # The step is only recorded again, the state's identity written again.
        check_interval(training, 10, 0)
        assert check_resumed(training, 10, dict(IDENTITY)) == IDENTITY
        path.write_bytes(before)


def test_a_published_step_whose_record_is_damaged_and_whose_weights_are_gone_stays(training):
    delete(training.state)
    published = training.checkpoints / "20" / "identity.json"
    write_json(published, {})
    training.record(20).write_text("")
    with pytest.raises(XlprobeError) as caught:
        check_trained([training])
    follow(str(caught.value), "rm")
    check_trained([training])
    assert "take step 20 out of models.m.steps" in refused(check_interval, training, 20, 10)
    check_trained([replace(training, steps=(0, 10))])
    assert published.exists()


def test_a_record_whose_digest_is_another_is_damaged(training):
    """Joins go by the digest, and what is compared here by the identity."""
    write_json(training.record(10), read_json(training.record(10)) | {"identity_sha256": "0"})
    with pytest.raises(XlprobeError, match=f"^{training.record(10)}: damaged"):
        check_trained([training])
