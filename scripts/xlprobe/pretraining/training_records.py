"""What a run was trained with, as its files say, compared with the configuration, the text, and each other.

A finished interval between two checkpoints is data: Snakemake has no job for it (rules/pretrain.smk), so that nothing deletes it or
trains it again. Its record says what it was trained with (xlprobe.artifacts.training_identity), and so does the training state. Another
TRAINING_VERSION is no fault of a finished step; keys of `training` that a later version added are compared where the identity has them.

Who compares what, so that different trainings never meet in one table:

    `check_trained`     when Snakemake starts: records and states with the configuration and each other, before anything is touched
    `check_interval`    before the first job: whether a step that is missing can be trained from what is there
    `check_resumed`     in the job that trains: all of it, text and tokenizer included
    `check_text`        of finished steps (trained_text): text and tokenizer, in a job, since this run may make them again

A model with early stopping (xlprobe.pretraining.early_stopping) has one step, in intervals that have no records: `check_standing` sees,
before the first job and in the job, that what is there of them is enough.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from xlprobe.artifacts.training_identity import NUMBER, Identity, identity_in_record, identity_of_state, weights_file
from xlprobe.errors import ResumeError
from xlprobe.pretraining.early_stopping import Standing, kept_file, next_end, read_standing, validation_file
from xlprobe.pretraining.trained_text import all_folders, differences, recorded_steps, removal, step_folders
from xlprobe.pretraining.training_version import TRAINING_VERSION

WAYS_OUT = ("set that back", "give the changed model another name")


@dataclass(frozen=True)
class Training:
    """One run's training: where it lies, and what it is to be.

    Attributes:
        name: the run, as paths name it.
        steps: those of its schedule, or of it what a job knows.
        state: the folder of its training state.
        checkpoints: the folder with a folder a step.
        architecture, training: the model's sections of the configuration.
        languages: whose text it is trained on.
    """

    name: str
    steps: Sequence[int]
    state: Path
    checkpoints: Path
    architecture: Mapping[str, Any]
    training: Mapping[str, Any]
    languages: Sequence[str]

    def record(self, step: int) -> Path:
        """Where the record of a step lies."""
        return self.checkpoints / str(step) / "training.json"

    def finished(self) -> list[int]:
        """Those of its steps that have a record."""
        return [step for step in self.steps if self.record(step).exists()]

    def final(self) -> list[int]:
        """The steps whose weights are gone from the training state and that are published: nothing can publish them again."""
        return [
            step
            for step in self.finished()
            if weights_file(self.state, step) is None and (self.checkpoints / str(step) / "identity.json").exists()
        ]

    @property
    def early_stopping(self) -> Mapping[str, Any] | None:
        """When training ends before its last update; None where it never does."""
        return self.training.get("early_stopping")

    @property
    def steps_key(self) -> str:
        """The key of the configuration that lists the steps."""
        return f"models.{self.name.partition('/')[0]}.steps"


def is_reached(state: Path, step: int) -> bool:
    """Whether a training state holds all of a step, so that it has only to be recorded."""
    return (state / f"validation_{step}.json").exists() and weights_file(state, step) is not None


def whole_states(state: Path, *kinds: str) -> dict[int, Path]:
    """The files of some kinds (`step`, `rolling`) that training can go on from, by updates; of two with as many, the later kind's."""
    files = [(re.fullmatch(rf"{kind}_({NUMBER})\.pt", path.name), path) for kind in kinds for path in state.glob(f"{kind}_*.pt")]
    return {int(name[1]): path for name, path in files if name}


def resume_point(training: Training, step: int, previous: int | None) -> Path | None:
    """The newest whole state at or before `step`, at least as new as `previous`; None starts from scratch.

    Raises:
        ResumeError: `previous` has been trained, and no such state is kept.
    """
    states = whole_states(training.state, "rolling", "step")
    newest = max((updates for updates in states if updates <= step), default=None)
    if previous is not None and (newest is None or newest < previous):
        kept = ", ".join(map(str, sorted(states))) or "none"
        out = sorted({step, *(later for later in _missing(training) if not _can_be_trained(training, later, states))})
        raise ResumeError(
            f"{training.state}: step {step} of model {training.name!r} follows step {previous}, but no training state from step {previous}"
            f" to {step} is kept (kept: {kept}); nothing was trained: restore step_{previous}.pt, {_take_out(training, out)}or train the"
            f" model anew after {_removal(training)}"
        )
    return None if newest is None else states[newest]


def check_standing(training: Training, step: int) -> Standing:
    """How far a training with early stopping has come, if what is there of it is enough to go on, or to end.

    Args:
        step: the model's step, its last update.

    Raises:
        ResumeError: a training state, the weights of the best update or the validations that chose them are gone, or a loss is no number.
        XlprobeError: a validation's file is damaged.
    """
    assert training.early_stopping is not None
    standing, kept = read_standing(training.state, training.early_stopping, step), kept_file(training.state, step)
    gone = None
    if standing.why is None:
        end = next_end(standing.newest, training.early_stopping["validate_every"], step)
        if kept.exists():
            missing = validation_file(training.state, end)
            gone = f"the loss after {end} updates, by which {kept.name} was chosen, is gone", f"{missing.parent.name}/{missing.name}"
        else:
            resume_point(training, end, standing.newest)
    best = standing.kept
    if gone is None and best is not None and not (standing.why and kept.exists()) and weights_file(training.state, best) is None:
        names = [f"step_{best}.pt", f"weights_{best}.pt", *([kept.name] if standing.why else [])]
        gone = f"the weights after {best} updates, which have the lowest loss, are gone", f"the file with them ({' or '.join(names)})"
    if gone is not None:
        what, file = gone
        raise ResumeError(
            f"{training.state}: of model {training.name!r} {what}; nothing was trained: restore {file}, or train the model anew after"
            f" {_removal(training)}"
        )
    return standing


def _missing(training: Training) -> list[int]:
    """The steps that are neither recorded nor only to be recorded."""
    return [step for step in training.steps if not training.record(step).exists() and not is_reached(training.state, step)]


def _can_be_trained(training: Training, step: int, states: Iterable[int]) -> bool:
    """Whether one of these states leads to a step, as the finished ones before it stand."""
    previous = max((finished for finished in training.finished() if finished < step), default=None)
    return previous is None or any(previous <= updates <= step for updates in states)


class _Fault(NamedTuple):
    """What is wrong with a run's training, which ways out there are but to delete, and what to delete."""

    what: str
    ways_out: tuple[str, ...]
    folders: list[str]


def check_trained(trainings: Iterable[Training]) -> None:
    """Compare what is trained of each run with its configuration, and its parts with each other.

    Raises:
        ResumeError: something differs; the sentence says of all runs what, and which folders to delete.
    """
    faults: list[_Fault] = []
    runs: dict[str, list[Training]] = {}
    for training in trainings:
        if fault := _fault(training):
            faults.append(fault)
            runs.setdefault(fault.what, []).append(training)
    if faults:
        found = [
            f"{first.checkpoints}: model {first.name!r} {what}" + "".join(f", and so it is with {run.name!r}" for run in others)
            for what, (first, *others) in runs.items()
        ]
        ways_out = "".join(f"{way}, " for way in dict.fromkeys(way for fault in faults for way in fault.ways_out))
        anew = f"train anew what is missing after {removal(folder for fault in faults for folder in fault.folders)}"
        raise ResumeError(f"{'; '.join(found)}; nothing was touched: {ways_out}{'or ' * bool(ways_out)}{anew}")


def _fault(training: Training) -> _Fault | None:
    """What is wrong with what is trained of a run."""
    state = identity_of_state(training.state)
    # Nearly always there is one.
    trainings: list[tuple[Identity, list[int]]] = [] if state is None else [(state, [])]
    unknown = []
    for step in recorded_steps(training.checkpoints):
        identity = identity_in_record(training.record(step), state)
        if identity is None:
            unknown.append(step)
        elif same := [steps for known, steps in trainings if known == identity]:
            same[0].append(step)
        else:
            trainings.append((identity, [step]))
    everything = all_folders(training.state, training.checkpoints)
    if unknown:
        what = (
            f"has the digest alone of what {_named(unknown)} {'were' if len(unknown) > 1 else 'was'} trained with, and the identity.json of"
            f" its training state, which says what, is {'gone' if state is None else 'of another training'}"
        )
        return _Fault(what, ("restore that file",), everything)
    if not trainings:
        return None
    changes = differences(trainings[0][0], _as_configured(training, trainings[0][0]))
    if len(trainings) == 1:
        return _Fault(_otherwise(changes), WAYS_OUT, everything) if changes else None
    (one, steps), (other, other_steps) = trainings[:2]
    names = ["the training state" if state is not None else _named(steps), _named(other_steps)]
    what = f"is of two trainings: {names[0]} and {names[1]} differ ({'; '.join(differences(one, other))})"
    # What goes on from this state stays.
    rest = [step for _, steps in trainings[1:] for step in steps]
    keeps_state = state is not None and not changes
    return _Fault(what, (), step_folders(training.checkpoints, rest) if keeps_state else everything)


def check_interval(training: Training, step: int, previous: int | None) -> None:
    """See that a step without a record can be trained from what is there.

    Raises:
        ResumeError: what is there was trained by another version of the code, or is not enough.
    """
    trained = _trained_identity(training)
    if training.early_stopping is not None:
        # Its record says more than its loss.
        check_standing(training, step)
    if is_reached(training.state, step):
        return
    _check_version(training, step, trained)
    # A step before that is missing as well is trained first.
    if training.early_stopping is None and (previous is None or training.record(previous).exists()):
        resume_point(training, step, previous)


def previous_records(training: Training, step: int) -> list[str]:
    """The record of the step before a step without one, which can be trained after that; none before the first.

    Raises:
        ResumeError: as `check_interval`.
    """
    previous = max((earlier for earlier in training.steps if earlier < step), default=None)
    check_interval(training, step, previous)
    return [] if previous is None else [str(training.record(previous))]


def check_resumed(training: Training, step: int, identity: Identity) -> Identity:
    """Compare what a job is to train with what is trained already; gives the identity that the step is recorded with.

    Raises:
        ResumeError: it is something else, or of another version of the code.
    """
    trained = _trained_identity(training)
    if trained is None:
        return identity
    if changes := differences(trained, _as_of(trained, identity)):
        raise ResumeError(
            f"{training.checkpoints}: model {training.name!r} {_otherwise(changes)}; nothing of the model was touched:"
            f" {', '.join(WAYS_OUT)}, or train it anew after {_removal(training)}"
        )
    if not is_reached(training.state, step):
        _check_version(training, step, trained)
    return trained


def _otherwise(changes: Iterable[str]) -> str:
    return f"was trained otherwise ({'; '.join(changes)})"


def _removal(training: Training) -> str:
    return removal(all_folders(training.state, training.checkpoints))


def _named(steps: Sequence[int]) -> str:
    return f"step{'s' * (len(steps) > 1)} {', '.join(map(str, steps))}"


def _check_version(training: Training, step: int, trained: Identity | None) -> None:
    if trained is not None and trained["training_version"] != TRAINING_VERSION:
        raise ResumeError(
            f"{training.checkpoints}: model {training.name!r} was trained by version {trained['training_version']} of the training code,"
            f" and version {TRAINING_VERSION} would train step {step} otherwise; nothing was touched:"
            f" {_take_out(training, sorted({step, *_missing(training)}))}give the model another name, or train it anew after"
            f" {_removal(training)}"
        )


def _take_out(training: Training, steps: Sequence[int]) -> str:
    """The way out by which steps are not trained; a model with early stopping has one alone."""
    return "" if training.early_stopping else f"take {_named(steps)} out of {training.steps_key}, "


def _trained_identity(training: Training) -> Identity | None:
    """The identity of what is there of a training; None before it has begun.

    Raises:
        ResumeError: there are weights, and nothing says what they were trained with.
    """
    identity = identity_of_state(training.state)
    if identity is None and (steps := recorded_steps(training.checkpoints)):
        identity = identity_in_record(training.record(steps[-1]), None)
    if identity is None and (states := whole_states(training.state, "kept", "weights", "rolling", "step")):
        files = ", ".join(path.name for _, path in sorted(states.items()))
        raise ResumeError(
            f"{training.state}: model {training.name!r} has weights ({files}), and no identity.json that says what they were trained with;"
            f" nothing was touched: restore that file, or train the model anew after {_removal(training)}"
        )
    return identity


def _as_of(trained: Identity, identity: Identity) -> Identity:
    """An identity in the version of another: without the version, and without the keys of training that it did not have.

    But for early stopping: that has no version, and where an identity does not name it there was none.
    """
    if trained["training_version"] == identity["training_version"]:
        return identity
    settings = {key: identity["training"].get(key) for key in {**trained["training"], "early_stopping": None}}
    return {**identity, "training_version": trained["training_version"], "training": settings}


def _as_configured(training: Training, trained: Identity) -> Identity:
    """What the configuration asks for; where it does not say, text and tokenizer, as it was trained."""
    return _as_of(
        trained,
        {
            **trained,
            "training_version": TRAINING_VERSION,
            "architecture": training.architecture,
            "training": training.training,
            "text_sha256": {language: trained["text_sha256"].get(language) for language in training.languages},
        },
    )
