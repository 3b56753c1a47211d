"""Finished runs whose jobs can be made again one by one, as Snakemake would make them, and held to what they were."""

import contextlib
import hashlib
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import torch
from projects import Project
from recorded_jobs import Job

from xlprobe.artifacts.training_state import load_state
from xlprobe.files import sha256
from xlprobe.paths import PROJECT

RESULTS = "results/tiny"
INTERPRETER = Path(__file__).parent / "interpreter"
# Jobs that write more than their outputs: what to delete so that they start from nothing; they go on from one another.
STATES = {"pretrain": "results/tiny/pretrain/xlmr"}
# No job of these runs takes as long on any machine.
LONGEST_SECONDS = 300
# A job that always fails, since a person has to do what it says.
NEVER_DONE = {"obtain_source"}


def fault(name: str, number: int = 0) -> dict[str, str]:
    """The environment in which a script's process has a fault (see interpreter/sitecustomize.py)."""
    paths = [str(INTERPRETER), os.environ.get("PYTHONPATH", "")]
    return {"XLPROBE_FAULT": f"{name}:{number}", "PYTHONPATH": os.pathsep.join(filter(None, paths))}


def rule_names() -> set[str]:
    """All rules that make files."""
    text = "".join(path.read_text() for path in (PROJECT / "rules").glob("*.smk"))
    return set(re.findall(r"^ *(?:use rule \w+ as|rule) (\w+)", text, flags=re.M))


def digests(folder: Path, *places: str) -> dict[str, str]:
    """The SHA-256 of every file at places in a folder, however deep; of a training's state, which tells of times, that of its numbers."""
    found = (path for place in places for path in ([folder / place] if (folder / place).is_file() else (folder / place).rglob("*")))
    # In folders that are outputs, Snakemake leaves a mark of its own.
    names = {str(path.relative_to(folder)): path for path in sorted(found) if path.is_file() and path.name != ".snakemake_timestamp"}
    return {name: state_digest(path) if path.suffix == ".pt" else sha256(path) for name, path in names.items() if "/log" not in name}


def state_digest(path: Path) -> str:
    """The SHA-256 of a model's weights and of what the optimizer knows of each."""
    state, digest = load_state(path), hashlib.sha256()
    learned = [*state["model"].items(), *state.get("last_optimizer_state", {}).get("state", {}).items()]
    for name, value in learned:
        for key, number in value.items() if isinstance(value, dict) else [("", value)]:
            digest.update(f"{name} {key} {number.tolist() if isinstance(number, torch.Tensor) else number}".encode())
    return digest.hexdigest()


def result_digests(folder: Path) -> dict[str, str]:
    """The same of everything that runs have made, but for their benchmarks, and RESULTS.md, which tell of times."""
    times = ("benchmarks", "RESULTS.md", "RESULTS.html")
    return {path: digest for path, digest in digests(folder, "results").items() if path.split("/")[2] not in times}


@dataclass
class Finished:
    """A finished run in a copy of the project.

    Attributes:
        jobs: all its jobs, in the order in which they can run.
        environment: what they need besides the usual.
    """

    project: Project
    configuration: Path
    jobs: list[Job]
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        return self.project.folder

    def of_rule(self, rule: str) -> list[Job]:
        return [job for job in self.jobs if job.rule == rule]

    def keeps_a_state(self, job: Job) -> bool:
        """Whether a job goes on from what it wrote itself."""
        return job.rule in STATES

    def seconds(self, job: Job) -> float:
        """How long a job took."""
        return float((self.folder / job.benchmark).read_text().splitlines()[1].split("\t")[0])

    def clear(self, job: Job) -> Iterator[Job]:
        """Delete what a job has made, as Snakemake does before it makes it; yield those that must be made before, in their order."""
        jobs = self.of_rule(job.rule) if job.rule in STATES else [job]
        for made in [STATES.get(job.rule), *(path for each in jobs for path in each.output)]:
            if made:
                subprocess.run(["rm", "-rf", made], cwd=self.folder, check=True)
        yield from jobs[: jobs.index(job)]

    def following(self, job: Job) -> list[Job]:
        """Those of its rule that go on from it."""
        jobs = self.of_rule(job.rule)
        return jobs[jobs.index(job) + 1 :] if job.rule in STATES else []

    def start(self, job: Job, environment: dict[str, str] | None = None) -> subprocess.Popen:
        """Start a job's command as Snakemake does, in a group of processes of its own."""
        (self.folder / job.log).parent.mkdir(parents=True, exist_ok=True)
        for path in job.output:
            (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        return subprocess.Popen(
            ["bash", "-c", f"set -euo pipefail; {job.command}"],
            cwd=self.folder,
            env=os.environ | self.environment | (environment or {}),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def make(self, job: Job, environment: dict[str, str] | None = None) -> int:
        """Run a job's command to its end, which must come; its exit status."""
        started = self.start(job, environment)
        try:
            return started.wait(LONGEST_SECONDS)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(started.pid, signal.SIGKILL)

    def said(self, job: Job) -> str:
        """What a job's log holds."""
        return (self.folder / job.log).read_text(errors="replace")

    def made(self, *jobs: Job) -> dict[str, str]:
        """The digests of what jobs have made, their states included."""
        states = {STATES[job.rule] for job in jobs if job.rule in STATES}
        return digests(self.folder, *(path for job in jobs for path in job.output), *states)
