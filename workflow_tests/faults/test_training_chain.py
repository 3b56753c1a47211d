"""Trials of the chain of training intervals that really train: two trainings under one name, and a Snakemake that is killed."""

import fcntl
import json
import re
import subprocess
import time

import pytest
from conftest import SHORT
from projects import Project

from xlprobe.files import sha256

TINY = ("--configfile", "config/tiny.yaml")
RESULTS = "results/tiny"
STEPS = ("0", "10", "20")
# In the short version training alone.
PROBES = [] if SHORT else [f"{RESULTS}/probes/xlmr/{step}/pos/qaa_world.h5" for step in STEPS]
TARGETS = (f"{RESULTS}/metrics/checkpoints.parquet", *PROBES)


@pytest.fixture(scope="module")
def trained_run(tmp_path_factory) -> Project:
    """Of the tiny run, its training and one dataset's probes of each step."""
    project = Project(tmp_path_factory.mktemp("run") / "project")
    project.snakemake(*TARGETS, *TINY, "--quiet", "all")
    return project


@pytest.fixture
def project(trained_run, tmp_path) -> Project:
    return trained_run.copy(tmp_path / "project")


def trained(project, step: str) -> tuple[str, str]:
    """What a step was trained with, as its record and its published checkpoint say."""
    folder = project.folder / RESULTS / "checkpoints" / "xlmr" / step
    record, identity = (json.loads((folder / name).read_text()) for name in ("training.json", "identity.json"))
    return record["identity_sha256"], identity["source"]["identity_sha256"]


def test_two_trainings_never_stand_in_one_table(project):
    """The learning rate changes, the advice is followed, and one run makes every step anew, with what was measured of it."""
    weights = [project.folder / RESULTS / "checkpoints" / "xlmr" / step / "model.safetensors" for step in STEPS]
    before, times = [sha256(path) for path in weights], [(project.folder / path).stat().st_mtime_ns for path in PROBES]
    (old,) = {digest for step in STEPS for digest in trained(project, step)}
    project.edit("config/tiny.yaml", "learning_rate: 0.005", "learning_rate: 0.006")
    (command,) = re.findall("`(rm -r .*?)`", project.snakemake(*TARGETS, *TINY, check=False))
    subprocess.run(["bash", "-c", command], cwd=project.folder, check=True)
    project.snakemake(*TARGETS, *TINY, "--quiet", "all")
    (new,) = {digest for step in STEPS for digest in trained(project, step)}
    after = [sha256(path) for path in weights]
    # The untrained model is the same.
    assert new != old and after[0] == before[0] and after[1] != before[1] and after[2] != before[2]
    assert all((project.folder / path).stat().st_mtime_ns > time for path, time in zip(PROBES, times, strict=True))
    assert project.planned(*TARGETS, *TINY) == {}


@pytest.mark.skipif(SHORT, reason="training once more is too long for the short version")
def test_a_job_that_outlives_snakemake_is_taken_as_it_is_and_what_is_asked_for_is_made(project):
    asked, checkpoints = f"{RESULTS}/checkpoints/xlmr/20/identity.json", project.folder / RESULTS / "checkpoints" / "xlmr"
    before = sha256(checkpoints / "20" / "model.safetensors")
    for folder in (*(checkpoints / step for step in STEPS), project.folder / RESULTS / "pretrain" / "xlmr"):
        subprocess.run(["rm", "-r", folder], check=True)
    command = ["snakemake", asked, *TINY, "--cores", "2", "--quiet", "all"]
    process = subprocess.Popen(command, cwd=project.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(lambda: list((project.folder / RESULTS / "pretrain" / "xlmr").glob("rolling_*.pt")))
    process.kill()
    process.wait()
    assert not (checkpoints / "10" / "training.json").exists()
    with (project.folder / RESULTS / "pretrain" / "xlmr" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
    wait_for((checkpoints / "10" / "training.json").exists)
    project.snakemake("--unlock", *TINY)
    assert project.planned(asked, *TINY) == {"pretrain": 1, "checkpoint": 1}
    project.snakemake(asked, *TINY, "--rerun-incomplete", "--quiet", "all")
    assert sha256(checkpoints / "20" / "model.safetensors") == before


def wait_for(condition, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
