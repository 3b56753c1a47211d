"""What machines do: full disks, disks that are read only, refused locks, no memory, two runs at once, a clock set back.

A job ends in one sentence and an exit status other than 0 where it must fail, has changed nothing, and makes the same bytes
once the machine is well.
"""

import contextlib
import os
import random
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import SHORT
from finished import RESULTS, Finished, fault, result_digests
from recorded_jobs import Job

# Of each way of writing: compressed text, SentencePiece's, fairseq's, Parquet, safetensors, HDF5, a figure, JSON, a state.
WRITERS = ("clean_corpus", "tokenizer", "binarize", "treebank", "checkpoint", "features", "probes", "figure", "contamination", "pretrain")
TRIED = ("treebank",) if SHORT else WRITERS
# None that does little but write Parquet: where pyarrow 26.0 gets no memory for a dictionary, it searches it for ever.
WITHOUT_MEMORY = ("clean_corpus",) if SHORT else ("clean_corpus", "features", "probes", "bpc", "pretrain")
PAGE = 4096


@pytest.fixture(scope="module")
def disk(finished: Finished, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Finished]:
    """The finished run on a small disk of its own; its logs lie elsewhere, so that what is said can be read."""
    folder = tmp_path_factory.mktemp("disk")
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=96m", "tmpfs", folder], capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"a disk of its own cannot be mounted: {mounted.stderr.strip()}")
    try:
        project = finished.project.copy(folder / "project")
        logs = tmp_path_factory.mktemp("logs")
        shutil.copytree(project.folder / RESULTS / "logs", logs, dirs_exist_ok=True)
        shutil.rmtree(project.folder / RESULTS / "logs")
        (project.folder / RESULTS / "logs").symlink_to(logs)
        yield replace(finished, project=project)
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


@contextlib.contextmanager
def full(folder: Path, room: int) -> Iterator[None]:
    """Fill a disk but for so many bytes."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(PAGE))
    os.truncate(filler, max(0, filler.stat().st_size - room))
    try:
        yield
    finally:
        filler.unlink()


@contextlib.contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Keep a disk from being written."""
    subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
    try:
        yield
    finally:
        subprocess.run(["mount", "-o", "remount,rw", folder], check=True)


def prepared(finished: Finished, rule: str) -> tuple[Job, dict[str, str]]:
    """A rule's last job, whose outputs are deleted, and what they were."""
    job = finished.of_rule(rule)[-1]
    whole = finished.made(job)
    for before in finished.clear(job):
        assert finished.make(before) == 0, finished.said(before)
    return job, whole


def fails_in_one_sentence(finished: Finished, job: Job, environment: dict[str, str] | None = None) -> None:
    assert finished.make(job, environment) != 0
    said = finished.said(job)
    assert "Traceback" not in said and len(re.findall(r"^error: ", said, flags=re.M)) == 1, said


@pytest.mark.parametrize("rule", TRIED)
@pytest.mark.parametrize("state", ["full", "read-only"])
def test_a_job_that_cannot_write_says_so_and_is_made_once_it_can(disk, rule, state):
    # Less than the largest of its files.
    largest = max((disk.folder / path).stat().st_size for path in disk.of_rule(rule)[-1].output)
    room = random.Random(rule).randrange(largest) // PAGE * PAGE
    job, whole = prepared(disk, rule)
    with full(disk.folder.parent, room) if state == "full" else read_only(disk.folder.parent):
        fails_in_one_sentence(disk, job)
        assert disk.keeps_a_state(job) or disk.made(job).items() <= whole.items()
    assert disk.make(job) == 0, disk.said(job)
    assert disk.made(job) == whole


@pytest.mark.parametrize("rule", WITHOUT_MEMORY)
def test_a_job_without_memory_says_so_and_is_made_once_there_is_some(finished, rule):
    job, whole = prepared(finished, rule)
    fails_in_one_sentence(finished, job, fault("memory", 1))
    assert finished.keeps_a_state(job) or finished.made(job).items() <= whole.items()
    assert finished.make(job) == 0, finished.said(job)
    assert finished.made(job) == whole


@pytest.mark.parametrize("rule", ["features"] if SHORT else ["features", "pretrain", "probes"])
def test_a_file_system_that_has_no_locks_changes_nothing(finished, rule):
    job, whole = prepared(finished, rule)
    assert finished.make(job, fault("refuse-locks")) == 0, finished.said(job)
    assert "Traceback" not in finished.said(job) and finished.made(job) == whole


@pytest.mark.skipif(SHORT, reason="the short version makes no run that fetches")
def test_a_download_without_locks_changes_nothing(finished_fetched):
    job, whole = prepared(finished_fetched, "download_source")
    assert finished_fetched.make(job, fault("refuse-locks")) == 0, finished_fetched.said(job)
    assert finished_fetched.made(job) == whole


def test_a_second_snakemake_refuses_and_changes_nothing(finished):
    whole = result_digests(finished.folder)
    target = finished.of_rule("alignment")[-1].output[0]
    (finished.folder / target).unlink()
    command = ["snakemake", target, "--configfile", finished.configuration, "--cores", "1", "--quiet", "host", "reason"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    first = subprocess.Popen(command, cwd=finished.folder, start_new_session=True, **quiet)
    locks = finished.folder / ".snakemake" / "locks"
    while first.poll() is None and not any(locks.glob("*")):
        time.sleep(0.01)
    # Halted, it holds its lock however slow the second is.
    os.killpg(first.pid, signal.SIGSTOP)
    second = subprocess.run(command, cwd=finished.folder, capture_output=True, text=True)
    os.killpg(first.pid, signal.SIGCONT)
    said = second.stdout + second.stderr
    assert second.returncode != 0 and "Directory cannot be locked" in said and "Traceback" not in said
    assert first.wait() == 0 and result_digests(finished.folder) == whole


def test_a_clock_that_is_set_back_is_said_and_changes_no_byte(finished):
    """What would be older than what it is made of is not kept."""
    if not shutil.which("faketime"):
        pytest.skip("faketime is not installed")
    whole = result_digests(finished.folder)
    job = finished.of_rule("alignment")[-1]
    (finished.folder / job.output[0]).unlink()
    run = [job.output[0], "--configfile", str(finished.configuration), "--cores", "2", "--quiet", "host"]
    # Of the clock that nobody sets, waiting needs the true one.
    command = ["faketime", "--exclude-monotonic", "-f", "-3d", "snakemake", *run]
    done = subprocess.run(command, cwd=finished.folder, capture_output=True, text=True, timeout=300)
    said = done.stdout + done.stderr
    assert done.returncode != 0 and "clock skew" in said and "Traceback" not in said
    finished.project.snakemake(job.output[0], "--configfile", str(finished.configuration), "--rerun-incomplete", "--quiet", "all")
    assert result_digests(finished.folder) == whole
