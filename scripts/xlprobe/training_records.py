"""What a run was trained with, as its files say: held against the configuration, the text, and each other.

A finished interval between two checkpoints is data: Snakemake has no job for it (rules/pretrain.smk), so that nothing deletes it or
trains it again. Its record says what it was trained with (xlprobe.training_identity), and so does the training state. Another
TRAINING_VERSION is no fault of a finished step; keys of `training` that a later version added are compared where the identity has them.

Who compares what, so that different trainings never meet in one table:

    `check_trained`     when Snakemake starts: records and state with the configuration and each other, before anything is touched
    `check_interval`    before the first job: whether a step that is missing can be trained from what is there
    `check_resumed`     in the job that trains: all of it, text and tokenizer included
    `check_text`        of finished steps: text and tokenizer, in a job of its own, since this run may be what makes them again
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xlprobe.errors import ResumeError
from xlprobe.files import write_json
from xlprobe.training_identity import Identity, identity_in_record, identity_of_state, text_identity, weights_file
from xlprobe.training_version import TRAINING_VERSION


@dataclass(frozen=True)
class Training:
    """One run's training: where it lies, and what it is to be.

    Attributes:
        name: the run, as paths name it.
        steps: those of its schedule.
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
        """The steps that have a record."""
        return [step for step in self.steps if self.record(step).exists()]

    def final(self) -> list[int]:
        """The steps whose weights are gone from the training state and that are published: nothing can publish them again."""
        return [
            step
            for step in self.finished()
            if weights_file(self.state, step) is None and (self.checkpoints / str(step) / "identity.json").exists()
        ]

    @property
    def steps_key(self) -> str:
        """The key of the configuration that lists the steps."""
        return f"models.{self.name.partition('/')[0]}.steps"


def is_reached(state: Path, step: int) -> bool:
    """Whether a training state holds all of a step, so that it has only to be recorded."""
    return (state / f"validation_{step}.json").exists() and weights_file(state, step) is not None


def whole_states(state: Path, *kinds: str) -> dict[int, Path]:
    """The files of some kinds (`step`, `rolling`) that training can go on from, by updates; of two with as many, the later kind's."""
    return {int(path.stem.rpartition("_")[2]): path for kind in kinds for path in state.glob(f"{kind}_*.pt")}


def resume_point(training: Training, step: int, previous: int | None) -> Path | None:
    """The newest whole state at or before `step`, at least as new as `previous`; None starts from scratch.

    Raises:
        ResumeError: `previous` has been trained, and no such state is kept.
    """
    states = whole_states(training.state, "rolling", "step")
    newest = max((updates for updates in states if updates <= step), default=None)
    if previous is not None and (newest is None or newest < previous):
        kept = ", ".join(map(str, sorted(states))) or "none"
        raise ResumeError(
            f"{training.state}: step {step} of model {training.name!r} follows step {previous}, but no training state from step {previous}"
            f" to {step} is kept (kept: {kept}); nothing was trained: restore step_{previous}.pt, take step {step} out of"
            f" {training.steps_key}, or train the model anew after {_removal(training, training.finished())}"
        )
    return None if newest is None else states[newest]


def check_trained(training: Training) -> None:
    """Compare what is trained of a run with its configuration, and its parts with each other.

    Raises:
        ResumeError: something differs; the sentence says what, and which folders to delete.
    """
    state = identity_of_state(training.state)
    # Nearly always there is one.
    trainings: list[tuple[Identity, list[int]]] = [] if state is None else [(state, [])]
    unknown = []
    for step in training.finished():
        identity = identity_in_record(training.record(step), state)
        if identity is None:
            unknown.append(step)
        elif same := [steps for known, steps in trainings if known == identity]:
            same[0].append(step)
        else:
            trainings.append((identity, [step]))
    if unknown:
        raise ResumeError(
            f"{training.checkpoints}: of {_named(unknown)} of model {training.name!r} the digest of what was trained is recorded alone,"
            f" and {training.state}/identity.json, which says what, is {'gone' if state is None else 'of another training'}; nothing was"
            f" touched: restore that file, or train anew after {_removal(training, training.finished())}"
        )
    if not trainings:
        return
    changes = _differences(trainings[0][0], _as_configured(training, trainings[0][0]))
    if len(trainings) == 1:
        if changes:
            raise ResumeError(_trained_otherwise(training, changes))
        return
    (one, steps), (other, other_steps) = trainings[:2]
    names = ["the training state" if state is not None else _named(steps), _named(other_steps)]
    # What goes on from this state stays.
    rest = [step for _, steps in trainings[1:] for step in steps]
    keeps_state = state is not None and not changes
    raise ResumeError(
        f"{training.checkpoints}: model {training.name!r} is of two trainings: {names[0]} and {names[1]} differ"
        f" ({'; '.join(_differences(one, other))}); nothing was touched: the next run makes what is missing after"
        f" {_removal(training, rest, False) if keeps_state else _removal(training, training.finished())}"
    )


def check_interval(training: Training, step: int, previous: int | None) -> None:
    """See that a step without a record can be trained from what is there.

    Raises:
        ResumeError: what is there was trained by another version of the code, or is not enough.
    """
    if is_reached(training.state, step):
        return
    _check_version(training, step, _trained_identity(training))
    # A step before that is missing as well is trained first.
    if previous is None or training.record(previous).exists():
        resume_point(training, step, previous)


def check_resumed(training: Training, step: int, identity: Identity) -> Identity:
    """Compare what a job is to train with what is trained already; gives the identity that the step is recorded with.

    Raises:
        ResumeError: it is something else, or of another version of the code.
    """
    trained = _trained_identity(training)
    if trained is None:
        return identity
    if changes := _differences(trained, _as_of(trained, identity)):
        raise ResumeError(_trained_otherwise(training, changes))
    if not is_reached(training.state, step):
        _check_version(training, step, trained)
    return trained


def check_text(
    state: Path,
    checkpoints: Path,
    steps: Sequence[int],
    model: str,
    dictionary: Path,
    binarized: Path,
    languages: Sequence[str],
    output: Path,
) -> None:
    """Write the digests of a run's tokenizer and text to `output`, unless the model was trained with others.

    Args:
        state, checkpoints, steps, model: as in `Training`.
        dictionary: fairseq's `dict.txt`.
        binarized: folder with a folder a language.
        languages: those to compare; none compares the tokenizer alone.

    Raises:
        ResumeError: the sentence names what differs.
    """
    training = Training(model, steps, state, checkpoints, {}, {}, languages)
    now = text_identity(dictionary, {language: binarized / language for language in languages})
    trained = _trained_identity(training)
    compared = {
        "dictionary_sha256": trained and trained["dictionary_sha256"],
        "text_sha256": {language: trained and trained["text_sha256"].get(language) for language in languages},
    }
    if trained and (changes := _differences(compared, now)):
        restore = "set back what made it (corpus, languages, tokenizer and data in the configuration, the files in sources/)"
        raise ResumeError(
            f"{training.checkpoints}: model {model!r} was trained with something else than this run now has ({'; '.join(changes)});"
            f" {_ways_out(training, restore)}"
        )
    write_json(output, now)


def _ways_out(training: Training, restore: str) -> str:
    return (
        f"nothing of the model was touched: {restore}, give the changed model another name, or train it anew after"
        f" {_removal(training, training.finished())}"
    )


def _trained_otherwise(training: Training, changes: Iterable[str]) -> str:
    ways_out = _ways_out(training, "set that back")
    return f"{training.checkpoints}: model {training.name!r} was trained otherwise ({'; '.join(changes)}); {ways_out}"


def _removal(training: Training, steps: Sequence[int], with_state: bool = True) -> str:
    """The command that deletes steps, and the training state where it is there."""
    folders = [str(training.state)] if with_state and training.state.exists() else []
    numbers = ",".join(map(str, steps))
    folders += [f"{training.checkpoints}/{{{numbers}}}" if len(steps) > 1 else f"{training.checkpoints}/{numbers}"] if steps else []
    return f"`rm -r {' '.join(folders)}`"


def _named(steps: Sequence[int]) -> str:
    return f"step{'s' * (len(steps) > 1)} {', '.join(map(str, steps))}"


def _check_version(training: Training, step: int, trained: Identity | None) -> None:
    if trained is not None and trained["training_version"] != TRAINING_VERSION:
        raise ResumeError(
            f"{training.checkpoints}: model {training.name!r} was trained by version {trained['training_version']} of the training code,"
            f" and version {TRAINING_VERSION} would train step {step} otherwise; nothing was touched: take step {step} out of"
            f" {training.steps_key}, give the model another name, or train it anew after {_removal(training, training.finished())}"
        )


def _trained_identity(training: Training) -> Identity | None:
    """The identity of what is there of a training; None before it has begun."""
    state = identity_of_state(training.state)
    if state is None and (steps := training.finished()):
        return identity_in_record(training.record(steps[-1]), None)
    return state


def _as_of(trained: Identity, identity: Identity) -> Identity:
    """An identity in the version of another: without the version, and without the keys of training that it did not have."""
    if trained["training_version"] == identity["training_version"]:
        return identity
    settings = {key: identity["training"].get(key) for key in trained["training"]}
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


def _differences(old: Identity, new: Identity) -> list[str]:
    """What differs between two identities, in words."""
    found = []
    for key in ("training_version", "dictionary_sha256"):
        if old.get(key) != new.get(key):
            found.append("the tokenizer" if key == "dictionary_sha256" else f"{key}: {old[key]} -> {new[key]}")
    for section in ("architecture", "training"):
        before, after = old.get(section, {}), new.get(section, {})
        found += [
            f"{section}.{key}: {before.get(key, 'unset')} -> {after.get(key, 'unset')}"
            for key in sorted({*before, *after})
            if before.get(key) != after.get(key)
        ]
    before, after = old["text_sha256"], new["text_sha256"]
    for word, languages in (("without", {*before} - {*after}), ("with", {*after} - {*before})):
        found += [f"languages: {word} {', '.join(sorted(languages))}"] if languages else []
    changed = sorted(language for language in {*before} & {*after} if before[language] != after[language])
    return found + ([f"the text of {', '.join(changed)}"] if changed else [])
