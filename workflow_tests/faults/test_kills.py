"""Jobs killed at any moment, by themselves and through Snakemake, lose nothing and change no byte."""

import contextlib
import os
import random
import signal
import subprocess
import time

import pytest
from conftest import SHORT, amount, count
from finished import NEVER_DONE, Finished, fault, result_digests, rule_names
from recorded_jobs import Job

SEED = 1
# A job is killed at a moment of its run time, by SIGKILL or as Slurm does at a time limit; or inside of its writing.
WAYS = ("write", "moment", "term")
# Those that take the longest of a run.
KILLED_IN_EVERY_WAY = ("pretrain", "features", "probes", "bpc")
# Machines are faster at one time than at another: a job may end before it is killed.
ATTEMPTS = 8
SLURMS_PATIENCE = 30


def kill(finished: Finished, job: Job, way: str, random_: random.Random) -> bool:
    """Start a job and kill it, with all that it has started; whether it was killed before it had ended."""
    if way == "write":
        # A file has two events of writing, a temporary file made and renamed.
        started = finished.start(job, fault("kill-at-write", random_.randint(1, 2 * len(job.output))))
        status = started.wait()
    else:
        started = finished.start(job)
        time.sleep(random_.uniform(0, finished.seconds(job)))
        status = started.poll()
        end_group(started, signal.SIGTERM if way == "term" else signal.SIGKILL)
    with contextlib.suppress(subprocess.TimeoutExpired):
        started.wait(SLURMS_PATIENCE)
    end_group(started, signal.SIGKILL)
    started.wait()
    return status != 0


def end_group(started: subprocess.Popen, signal_: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(started.pid, signal_)


def killed_and_made_again(finished: Finished, job: Job, ways: list[str], random_: random.Random) -> None:
    """Kill a job once in each way, and hold the whole run to what it was once it is made again."""
    whole = result_digests(finished.folder)
    for before in finished.clear(job):
        assert finished.make(before) == 0, finished.said(before)
    for way in ways:
        assert any(kill(finished, job, way if attempt < ATTEMPTS / 2 else "write", random_) for attempt in range(ATTEMPTS)), job
        half = finished.made(job) if not finished.keeps_a_state(job) else {}
        assert half.items() <= whole.items(), f"half an output of {job.rule} after {way}"
    for again in (job, *finished.following(job)):
        assert finished.make(again) == 0, finished.said(again)
    # Temporary files that were left count, too.
    assert result_digests(finished.folder) == whole, f"{job.rule} after {ways}"
    count("kills survived", len(ways))


@pytest.fixture(scope="module")
def every_rule(finished, finished_fetched) -> list[tuple[Finished, str]]:
    """Each rule, and the run that has it; a rule of both is tried in the first."""
    rules: dict[str, Finished] = {}
    for run in (finished, finished_fetched):
        for job in run.jobs:
            rules.setdefault(job.rule, run)
    assert rules.keys() == rule_names() - NEVER_DONE
    return [(run, rule) for rule, run in sorted(rules.items())]


@pytest.mark.skipif(SHORT, reason="the short version kills jobs of a few rules")
def test_killed_jobs_of_every_rule_are_made_again_to_the_byte(every_rule):
    random_ = random.Random(SEED)
    for number, (run, rule) in enumerate(every_rule):
        job = random_.choice(run.of_rule(rule))
        killed_and_made_again(run, job, list(WAYS) if rule in KILLED_IN_EVERY_WAY else [WAYS[number % 3]], random_)


@pytest.mark.skipif(not SHORT, reason="the long version kills jobs of every rule")
@pytest.mark.parametrize(("rule", "ways"), [("pretrain", ["moment", "write"]), ("features", ["write"]), ("checkpoint_scores", ["term"])])
def test_killed_jobs_of_some_rules_are_made_again_to_the_byte(finished, rule, ways):
    killed_and_made_again(finished, finished.of_rule(rule)[-1], ways, random.Random(SEED))


def test_a_run_killed_again_and_again_ends_as_one_that_was_not(finished):
    """By SIGKILL and SIGTERM to Snakemake and all its jobs; what is deleted before is made again on the way."""
    random_, whole = random.Random(SEED), result_digests(finished.folder)
    kills = 0
    while kills < amount(10):
        deletable = [job for job in finished.jobs if job.rule not in ("world", "pretrain", "figure")]
        # By name, since what nothing else is to be made of would not be missed.
        targets = ["all", *(path for job in deletable for path in job.output)]
        for job in random_.sample(deletable, 3 if SHORT else 10):
            for path in job.output:
                (finished.folder / path).unlink(missing_ok=True)
        for signal_ in [signal.SIGKILL, signal.SIGTERM] * (1 if SHORT else 2):
            kills += killed_run(finished, targets, random_.uniform(4, 20), signal_)
        finished.project.snakemake("--configfile", str(finished.configuration), "--unlock")
        finished.project.snakemake(*targets, "--configfile", str(finished.configuration), "--rerun-incomplete", "--quiet", "all")
        assert result_digests(finished.folder) == whole
    assert finished.project.planned("--configfile", str(finished.configuration)) == {}
    count("kills survived", kills)


def killed_run(finished: Finished, targets: list[str], seconds: float, signal_: signal.Signals) -> bool:
    """Run Snakemake for so long; whether it was still running when it was killed."""
    subprocess.run(["snakemake", "--configfile", finished.configuration, "--unlock"], cwd=finished.folder, capture_output=True, check=True)
    command = ["snakemake", *targets, "--configfile", finished.configuration, "--rerun-incomplete", "--cores", "2", "--quiet", "all"]
    started = subprocess.Popen(command, cwd=finished.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    time.sleep(seconds)
    running = started.poll() is None
    end_group(started, signal_)
    with contextlib.suppress(subprocess.TimeoutExpired):
        started.wait(SLURMS_PATIENCE)
    end_group(started, signal.SIGKILL)
    started.wait()
    return running
