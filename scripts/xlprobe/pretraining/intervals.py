"""Pretraining with fairseq, one interval between two checkpoints at a time, resumed exactly.

A model's folder holds what training needs to go on, and is never a Snakemake output, which Snakemake would delete:

    identity.json          what is trained: a run with another identity is refused
    step_<n>.pt            fairseq's whole state after n updates, at a scheduled step
    weights_<n>.pt         the same without the optimizer (`keep_states: last`)
    rolling_<n>.pt         the newest state on the way to the next step
    validation_<n>.json    bits per masked subword on each language's held-out text
    kept_<n>.pt            with early stopping, whose one step n is the last update: the weights that were kept, of whichever update;
                           validation_<n>.json is theirs
    intervals/             with early stopping: validation_<k>.json after each interval. While it trains, step_<k>.pt is the newest
                           state, and weights_<k>.pt, where the newest is not the best, has the weights with the lowest loss
    log/<n>.log            fairseq's own log of the interval
    tokenizer/             the tokenizer, with which checkpoints are published: the run's own may become another
"""

import contextlib
import ctypes
import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from xlprobe.artifacts.binarized_text import check_binarized
from xlprobe.artifacts.training_identity import text_identity, weights_file
from xlprobe.artifacts.vocabulary import DICTIONARY_FILE, HUGGING_FACE_FILES, IDENTITY_FILE, SENTENCEPIECE_FILE
from xlprobe.errors import XlprobeError
from xlprobe.files import atomic_path, check_state, identity_digest, read_json, write_json
from xlprobe.paths import PROJECT
from xlprobe.pretraining.early_stopping import Standing, kept_file, next_end, validation_file
from xlprobe.pretraining.training_records import Training, check_resumed, check_standing, is_reached, resume_point, whole_states
from xlprobe.pretraining.training_version import TRAINING_VERSION
from xlprobe.progress import SECONDS_BETWEEN_LOG_LINES

_PRCTL = getattr(ctypes.CDLL(None), "prctl", None)


@dataclass(frozen=True)
class PretrainingRun:
    """One model's training: where its state lies and what is trained on what.

    Attributes:
        folder: the model's folder, described above.
        dictionary: fairseq's `dict.txt`, in the tokenizer's folder.
        languages: the folder with the binarised text of each language, by code.
        architecture, training, execution: the model's sections of the configuration.
    """

    folder: Path
    dictionary: Path
    languages: dict[str, Path]
    architecture: dict[str, Any]
    training: dict[str, Any]
    execution: dict[str, Any]

    def identity(self) -> dict[str, Any]:
        """Everything that decides the weights: version, architecture, hyperparameters, vocabulary and text."""
        # Without early stopping, as before there was any.
        training = {key: value for key, value in self.training.items() if key != "early_stopping" or value is not None}
        return {
            "training_version": TRAINING_VERSION,
            "architecture": self.architecture,
            "training": training,
            **text_identity(self.dictionary, self.languages),
        }


def train_interval(run: PretrainingRun, model: str, step: int, previous: int | None, record: Path) -> None:
    """Bring a model's training to `step` and write `record`: the step, the one before, what was trained, losses, lines left out.

    Training goes on from the newest state at or before `step`. A step that is there already is only recorded. With early stopping,
    training may end before; the record then says which update was kept, why, and the mean loss of each validation, too.

    Args:
        record: `<step>/training.json` in the folder with the model's other steps.

    Raises:
        ResumeError: what is trained there is of another identity, or the states needed are gone, or a loss is no number.
        XlprobeError: another process trains this model, or fairseq failed.
    """
    run.folder.mkdir(parents=True, exist_ok=True)
    checkpoints = record.parent.parent
    steps = [step] if previous is None else [previous, step]
    training = Training(model, steps, run.folder, checkpoints, run.architecture, run.training, list(run.languages))
    with _lock(run.folder) as lock:
        identity = check_resumed(training, step, run.identity())
        if not (run.folder / "identity.json").exists():
            write_json(run.folder / "identity.json", identity)
        _keep_tokenizer(run)
        kept: dict[str, Any] = {}
        if training.early_stopping is not None:
            ended = _train_until_it_stops(run, training, step, lock)
            kept = {"kept_update": ended.kept, "why": ended.why, "validations": ended.validations}
        elif not is_reached(run.folder, step):
            _run_fairseq(run, model, step, resume_point(training, step, previous), lock, run.folder / f"validation_{step}.json")
        if training.early_stopping is None and run.execution["keep_states"] == "last":
            _drop_older_optimizers(run.folder, step)
        write_json(
            record,
            {
                "model": model,
                "step": step,
                "previous": previous,
                "identity": identity,
                "identity_sha256": identity_digest(identity),
                "validation_bits_per_masked_token": read_json(run.folder / f"validation_{step}.json"),
                "lines_too_long": lines_too_long(run),
                **kept,
            },
        )


def _train_until_it_stops(run: PretrainingRun, training: Training, step: int, lock: int) -> Standing:
    """Train interval by interval until early stopping or the last update; leave the weights that are kept, and their loss, for `step`.

    Each part of it can be done again: what says that the step is reached, its loss, is written when its weights are there.
    """
    assert training.early_stopping is not None
    standing = check_standing(training, step)
    while standing.why is None:
        if standing.newest is not None:
            _drop_all_but(run.folder, standing.newest, standing.kept)
        end = next_end(standing.newest, training.early_stopping["validate_every"], step)
        _run_fairseq(run, training.name, end, resume_point(training, end, standing.newest), lock, validation_file(run.folder, end))
        standing = check_standing(training, step)
        assert standing.newest == end
        _tell(training.name, standing)
    assert standing.kept is not None
    kept = kept_file(run.folder, step)
    if not kept.exists():
        source = weights_file(run.folder, standing.kept)
        assert source is not None
        _save_weights(check_state(source), kept)
    write_json(run.folder / f"validation_{step}.json", read_json(validation_file(run.folder, standing.kept)))
    for kind in ("rolling", "step", "weights"):
        for path in whole_states(run.folder, kind).values():
            path.unlink()
    return standing


def _tell(model: str, standing: Standing) -> None:
    """Print what a validation found."""
    update, bits = standing.validations[-1]
    lowest = min(bits for _, bits in standing.validations)
    print(
        f"{model}: update {update:,}: {bits:.3f} bits on held-out text, mean over languages; lowest {lowest:.3f}, at update"
        f" {standing.kept:,}{f'; training ends: {standing.why}' if standing.why else ''}",
        file=sys.stderr,
        flush=True,
    )


def _drop_all_but(folder: Path, newest: int, kept: int | None) -> None:
    """Of the states before the newest, keep the weights of one update alone."""
    for updates, path in whole_states(folder, "step").items():
        if updates < newest:
            if updates == kept:
                _save_weights(check_state(path), folder / f"weights_{updates}.pt")
            path.unlink()
    for updates, path in whole_states(folder, "weights").items():
        if updates != kept:
            path.unlink()


def _keep_tokenizer(run: PretrainingRun) -> None:
    """Copy the tokenizer that the text is read with into the training state; the file that stands for all comes last."""
    kept = run.folder / "tokenizer"
    if not (kept / IDENTITY_FILE).exists():
        for name in (SENTENCEPIECE_FILE, DICTIONARY_FILE, *HUGGING_FACE_FILES, IDENTITY_FILE):
            with atomic_path(kept / name) as temporary:
                shutil.copyfile(run.dictionary.parent / name, temporary)


def lines_too_long(run: PretrainingRun) -> dict[str, int]:
    """Training lines that fairseq drops, by language: where lines are kept whole, those that do not fit the model."""
    if run.training["sample_break"] == "none":
        return dict.fromkeys(sorted(run.languages), 0)
    counts = {}
    for language, folder in sorted(run.languages.items()):
        with (folder / "train.idx").open("rb") as index:
            index.seek(9 + 8 + 1)
            lines = int(np.fromfile(index, dtype=np.int64, count=1)[0])
            sizes = np.fromfile(index, dtype=np.int32, count=lines)
        # <s> comes before the line.
        counts[language] = int((sizes + 1 > run.architecture["max_tokens"]).sum())
    return counts


@contextmanager
def _lock(folder: Path) -> Iterator[int]:
    """Keep other processes out while this one trains; yields the lock's descriptor.

    The training processes inherit it, so that the kernel lifts the lock when the last of them has ended, however.
    """
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise XlprobeError(f"{folder}: another process trains this model; wait for it or stop it") from None
        except OSError as error:
            # Some clusters' file systems have no locks.
            print(f"warning: {folder}: cannot be locked ({error.strerror}); see that no other process trains this model", file=sys.stderr)
        yield lock.fileno()


def _drop_older_optimizers(folder: Path, step: int) -> None:
    """Replace step_<k>.pt by weights_<k>.pt for every k before `step`: weights alone are a third of the size."""
    for updates, state_path in whole_states(folder, "step").items():
        if updates < step:
            _save_weights(check_state(state_path), folder / f"weights_{updates}.pt")
            state_path.unlink()


def _save_weights(source: Path, target: Path) -> None:
    """Write a state without its optimizer."""
    # Here and below, since fairseq trains in processes of its own: to import torch in this one, too, takes two seconds an interval.
    import torch

    from xlprobe.artifacts.training_state import load_state

    state = load_state(source)
    with atomic_path(target) as temporary:
        torch.save({"cfg": state["cfg"], "model": state["model"]}, temporary)


def fairseq_arguments(run: PretrainingRun, step: int, resume_from: Path | None, device: str) -> list[str]:
    """The `fairseq-train` arguments that bring `run` to `step`."""
    architecture, training, execution = run.architecture, run.training, run.execution
    processes = execution["processes"]
    samples = execution["samples_per_process"] or training["batch_size"] // processes
    languages = sorted(run.languages)
    options: dict[str, Any] = {
        "task": "xlprobe_masked_lm",
        "criterion": "masked_lm",
        "train-subset": "train",
        "valid-subset": ",".join(f"valid_{language}" for language in languages),
        "sample-break-mode": training["sample_break"],
        "tokens-per-sample": training["tokens_per_sample"],
        "multilang-sampling-alpha": training["alpha"],
        "mask-prob": training["mask_probability"],
        "masks": training["masks"],
        "arch": "roberta",
        "encoder-layers": architecture["layers"],
        "encoder-embed-dim": architecture["hidden_size"],
        "encoder-ffn-embed-dim": architecture["feed_forward_size"],
        "encoder-attention-heads": architecture["heads"],
        "max-positions": architecture["max_tokens"],
        "activation-fn": "gelu",
        "dropout": training["dropout"],
        "attention-dropout": training["attention_dropout"],
        "optimizer": "adam",
        "adam-betas": str(tuple(training["adam_betas"])),
        "adam-eps": training["adam_eps"],
        "clip-norm": training["clip_norm"],
        "weight-decay": training["weight_decay"],
        "lr-scheduler": "polynomial_decay",
        "lr": training["learning_rate"],
        "warmup-updates": training["warmup_updates"],
        "total-num-update": training["updates"],
        "max-update": step,
        "batch-size": samples,
        "update-freq": training["batch_size"] // (samples * processes),
        # By default fairseq rounds batches down to a multiple of 8.
        "required-batch-size-multiple": 1,
        "seed": training["seed"],
        "num-workers": 0 if device == "cpu" else 2,
        # No prefetching thread: it draws masks from the generator that validation draws from, and aborts at exit.
        "data-buffer-size": 0,
        "save-dir": run.folder,
        "restore-file": resume_from or run.folder / "none",
        "save-interval-updates": execution["save_every"],
        # No epoch ends in a save or a validation of its own.
        "save-interval": 10**9,
        "validate-interval": 10**9,
        "log-format": "json",
        "log-interval": 10,
    }
    # Every process reads the state itself: fairseq's way to pass it on cannot be unpickled safely.
    flags = ["load-checkpoint-on-all-dp-ranks", "no-epoch-checkpoints", "disable-validation", "skip-invalid-size-inputs-valid-test"]
    flags += ["cpu"] * (device == "cpu") + ["fp16"] * training["fp16"]
    arguments = [str(run.folder / "data")]
    for name, value in options.items():
        arguments += [f"--{name}", str(value)]
    return arguments + [f"--{flag}" for flag in flags]


def _run_fairseq(run: PretrainingRun, model: str, step: int, resume_from: Path | None, lock: int, validation: Path) -> None:
    """Run fairseq in as many processes as the run asks for, which writes the loss at its end to `validation`; if one fails, all end."""
    if resume_from:
        check_state(resume_from)
    for folder in run.languages.values():
        check_binarized(folder)
    _link_data(run)
    device = _device(run.execution["device"])
    processes = run.execution["processes"]
    arguments = fairseq_arguments(run, step, resume_from, device)
    if processes > 1:
        backend = "gloo" if device == "cpu" else "nccl"
        address = f"tcp://127.0.0.1:{_free_port()}"
        arguments += ["--distributed-world-size", str(processes), "--distributed-no-spawn", "--ddp-backend", "legacy_ddp"]
        arguments += ["--distributed-backend", backend, "--distributed-init-method", address]
    command = [sys.executable, "-m", "xlprobe.pretraining.fairseq_training", str(validation), *arguments]
    environment = os.environ | {"PYTHONPATH": str(PROJECT / "scripts")}
    log = run.folder / "log" / f"{step}.log"
    log.parent.mkdir(exist_ok=True)
    for partial in run.folder.glob("partial_*"):
        partial.unlink()  # a killed process's unfinished save
    ranks: list[subprocess.Popen[str]] = []
    with log.open("a", encoding="utf-8") as log_stream:
        try:
            for rank in range(processes):
                rank_arguments = ["--distributed-rank", str(rank), "--device-id", str(rank)] if processes > 1 else []
                ranks.append(
                    subprocess.Popen(
                        command + rank_arguments,
                        stdout=subprocess.PIPE if rank == 0 else log_stream,
                        stderr=subprocess.STDOUT,
                        env=environment,
                        text=True,
                        pass_fds=[lock],
                        preexec_fn=_die_with_parent,
                    )
                )
            follower = threading.Thread(target=_follow, args=(ranks[0], log_stream, model, step))
            follower.start()
            while any(rank.poll() is None for rank in ranks) and not any(rank.poll() for rank in ranks):
                time.sleep(0.05)
            statuses = [rank.poll() for rank in ranks]
        finally:
            for rank_process in ranks:
                rank_process.kill()
                rank_process.wait()
        follower.join()  # the last lines of the log
    if failed := [status for status in statuses if status]:
        raise XlprobeError(
            f"{log}: fairseq ended with status {failed[0]} on the way to step {step}; its last lines say why, and the next"
            " run goes on from the newest saved state"
        )


def _device(name: str) -> str:
    """`cpu` or `cuda`: what the configuration's word stands for here."""
    if name == "cpu":
        return name
    from xlprobe.device import choose_device

    return choose_device(name).type


def _die_with_parent() -> None:
    """Have Linux kill a process when its parent dies, so that no training goes on unseen; called between fork and exec."""
    if _PRCTL is not None:
        _PRCTL(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def _follow(process: subprocess.Popen[str], log: Any, model: str, step: int) -> None:
    """Copy fairseq's output to `log` and print updates, loss, tokens a second and time left once a minute."""
    assert process.stdout is not None
    printed = -SECONDS_BETWEEN_LOG_LINES
    for line in process.stdout:
        # On a full disk, lines are lost; were they not read, fairseq would wait for ever to write them.
        with contextlib.suppress(OSError):
            log.write(line)
            log.flush()
        _, marker, statistics = line.partition("| train_inner | ")
        if not marker:
            continue
        values = json.loads(statistics)
        now, updates = time.monotonic(), int(values["num_updates"])
        if now - printed >= SECONDS_BETWEEN_LOG_LINES or updates >= step:
            minutes_left = (step - updates) / max(float(values.get("ups", 0)), 1e-3) / 60
            print(
                f"{model}: update {updates:,} of {step:,}, loss {float(values.get('loss', 'nan')):.3f} bits,"
                f" {float(values.get('wps', 0)):,.0f} tokens/s, {minutes_left:.1f} min to step {step:,}",
                file=sys.stderr,
                flush=True,
            )
            printed = now


def _link_data(run: PretrainingRun) -> None:
    """Lay out the data as fairseq wants it: `dict.txt` and a folder for each language of this model."""
    data = run.folder / "data"
    data.mkdir(exist_ok=True)
    wanted = {language: folder.resolve() for language, folder in run.languages.items()}
    wanted["dict.txt"] = run.dictionary.resolve()
    for link in data.iterdir():
        link.unlink()
    for name, target in wanted.items():
        (data / name).symlink_to(os.path.relpath(target, data.resolve()))


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
