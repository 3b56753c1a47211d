"""What the trials of faults share: how many to make, finished runs to make them in, and what is printed at the end."""

import os
from collections import Counter
from collections.abc import Iterator

import pytest
from finished import RESULTS, Finished

# A test module sees this conftest and not the one above.
from projects import Project as Project
from recorded_jobs import jobs, jobs_of_copy
from runs_of_trials import make_fetched_run, write_small_configuration
from upstream_server import UpstreamServer

collect_ignore = ["interpreter"]
SHORT = os.environ.get("XLPROBE_FAULTS") == "short"
COUNTED = ("kills survived", "changes judged", "inputs tried", "wrong science caught")
_counts: Counter[str] = Counter()


def amount(full: int) -> int:
    """How many trials to make of `full`: a tenth in the short version (XLPROBE_FAULTS=short), and never none."""
    return max(1, full // 10) if SHORT else full


def count(what: str, number: int = 1) -> None:
    """Add to what is printed at the end."""
    assert what in COUNTED, what
    _counts[what] += number


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """End in what was tried."""
    for what in COUNTED:
        if _counts[what]:
            terminalreporter.write_line(f"{what}: {_counts[what]:,}")


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """A finished run on a world, which trials harm and make whole again."""
    folder = tmp_path_factory.mktemp("tiny")
    project = Project(folder / "project")
    configuration = write_small_configuration(project, SHORT)
    project.snakemake("--configfile", str(configuration), "--quiet", "all")
    return Finished(project, configuration, jobs(configuration, folder))


@pytest.fixture(scope="session")
def finished_fetched(finished: Finished, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Finished]:
    """A finished run of all other rules: it fetches a treebank and two checkpoints, and does at once what can be done at once."""
    folder = tmp_path_factory.mktemp("fetched")
    project, server = Project(folder / "project"), UpstreamServer()
    try:
        environment = {"HF_ENDPOINT": server.address, "NO_PROXY": "127.0.0.1", "XLPROBE_DATA": ""}
        configuration = make_fetched_run(project, server, finished.folder / RESULTS, environment)
        (planned,) = jobs_of_copy(project.folder, [configuration], folder, environment)
        yield Finished(project, configuration, planned, environment)
    finally:
        server.server.shutdown()
        server.server.server_close()
