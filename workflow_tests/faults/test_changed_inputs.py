"""What only Snakemake's plan shows: each input whose content changes makes its job again, and what only looks changed makes nothing."""

import os
import random
import re
import shutil

import pytest
from conftest import SHORT, amount, count
from finished import STATES, Finished


@pytest.fixture
def planned(finished: Finished):
    """Plans a dry run of the finished run, or of a copy of it."""

    def plan(*targets: str, project=finished.project) -> dict[str, int]:
        count("changes judged")
        return project.planned(*targets, "--configfile", "config/tiny.yaml")

    return plan


# Text counts by the digest in its counts, an input, too; `make check` finds a text that is another.
BY_DIGEST = r"corpus/\w+/(train|valid)\.txt\.zst$"


def test_each_input_of_each_rule_makes_its_job_again(finished, planned):
    """Of each rule one job, and one of its inputs, which gets a byte more."""
    random_ = random.Random(1)
    rules = sorted({job.rule for job in finished.jobs if job.input} - STATES.keys())
    for rule in random_.sample(rules, min(amount(28), len(rules))):
        job = random_.choice(finished.of_rule(rule))
        told = [path for path in job.input if rule not in ("bpc", "contamination") or not re.search(BY_DIGEST, path)]
        path = finished.folder / random_.choice(told)
        content, times = path.read_bytes(), path.stat()
        path.write_bytes(content + b"\n")
        try:
            assert planned(job.output[0]).get(rule), f"{path} has changed, and {job.output[0]} stays"
        finally:
            path.write_bytes(content)
            os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def test_a_touch_and_a_copy_with_other_times_make_nothing_again(finished, planned, tmp_path):
    assert planned() == {}
    copy = finished.project.copy(tmp_path / "elsewhere")
    assert planned(project=copy) == {}
    if not SHORT:
        # Every file is of another time, in no order.
        for path in random.Random(1).sample(files := sorted(copy.folder.rglob("*")), len(files)):
            if path.is_file() and path.stat().st_size < 10**6:
                os.utime(path)
        assert planned(project=copy) == {}
    shutil.rmtree(copy.folder)
