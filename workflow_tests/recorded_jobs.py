"""What Snakemake would record of each job of a configuration, found without running or dry-running anything."""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from xlprobe.paths import PROJECT


@dataclass(frozen=True)
class Job:
    """One job: what Snakemake compares when it decides whether to make it again, and the command that makes it.

    Attributes:
        params: as recorded; those that depend on threads, input or output are left out, as Snakemake leaves them out.
        code: the rule's command, not filled in, which Snakemake takes for the rule's code.
        by_name: the recorded parameters by name.
        from_files: by name the words of those that depend on the job's files; without those that are not to be recorded at all.
    """

    rule: str
    output: tuple[str, ...]
    input: tuple[str, ...]
    params: frozenset[str]
    code: str
    command: str = field(compare=False)
    log: str = field(compare=False)
    benchmark: str = field(compare=False)
    by_name: dict[str, str] = field(compare=False)
    from_files: dict[str, list[str]] = field(compare=False)
    wildcards: dict[str, str] = field(compare=False)

    @property
    def recorded(self) -> tuple[tuple[str, ...], frozenset[str], str]:
        """What a rerun is decided by; of parameters, Snakemake compares the set of their values alone."""
        return self.input, self.params, self.code


def jobs(configuration: Path, folder: Path, project: Path = PROJECT, targets: frozenset[str] = frozenset()) -> list[Job]:
    """All jobs of a configuration, in the order in which they could run, as if nothing had been made.

    Args:
        configuration: the run's file.
        folder: where `results/` lies, or would.
        project: whose Snakefile it is; of another than this one only in a process of its own, which has imported nothing yet.
    """
    # Not before: a test that asks for `jobs_of_copy` alone needs no Snakemake in its own process.
    from snakemake.api import SnakemakeApi
    from snakemake.settings.types import ConfigSettings, DAGSettings, OutputSettings, Quietness, ResourceSettings

    here = Path.cwd()
    try:
        with SnakemakeApi(OutputSettings(quiet={Quietness.ALL})) as api:
            loaded = api.workflow(
                ResourceSettings(cores=4),
                config_settings=ConfigSettings(configfiles=[configuration]),
                snakefile=project / "Snakefile",
                workdir=folder,
            )
            loaded.dag(DAGSettings(targets=targets, forceall=True))
            workflow = loaded._workflow
            workflow._prepare_dag(forceall=True, ignore_incomplete=True, lock_warn_only=True, nolock=True)
            workflow._build_dag()
            return [
                described(job, workflow.persistence)
                for level in workflow.dag.toposorted()
                for job in sorted(level, key=lambda job: (job.rule.name, *map(str, job.output)))
                if job.rule.shellcmd
            ]
    finally:
        os.chdir(here)


def described(job: Any, persistence: Any) -> Job:
    """A job of Snakemake's."""
    values = dict(job.params.items())
    depend = {name: value for name, value in job.rule.params._allitems() if job.rule._is_deriving_function(value)}
    # `untracked` in rules/recording.smk gives functions of this name.
    from_files = {name: values[name] for name, function in depend.items() if function.__name__ != "unrecorded"}
    return Job(
        job.rule.name,
        tuple(map(str, job.output)),
        tuple(sorted(map(str, job.input))),
        frozenset(persistence._params(job)),
        job.rule.shellcmd,
        job.shellcmd,
        str(job.log[0]),
        str(job.benchmark),
        {name: repr(value) for name, value in values.items() if name not in depend},
        {name: value.split() if isinstance(value, str) else list(map(str, value)) for name, value in from_files.items()},
        dict(job.wildcards_dict),
    )


def jobs_of_copy(
    project: Path, configurations: Sequence[Path], folder: Path, environment: Mapping[str, str] | None = None
) -> list[list[Job]]:
    """The same of a copy of the project, whose code and tables may be others, in a process that imports them."""
    command = [sys.executable, __file__, "--configurations", *map(str, configurations), "--folder", str(folder), "--project", str(project)]
    path = {"PYTHONPATH": str(project / "scripts")}
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | (environment or {}) | path)
    assert done.returncode == 0, done.stdout + done.stderr
    as_listed = {"output": tuple, "input": tuple, "params": frozenset}
    return [[Job(**row | {key: kind(row[key]) for key, kind in as_listed.items()}) for row in run] for run in json.loads(done.stdout)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--configurations", type=Path, nargs="+", required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--project", type=Path, required=True)
    given = parser.parse_args()
    runs = [jobs(configuration, given.folder, given.project) for configuration in given.configurations]
    print(json.dumps([[asdict(job) | {"params": sorted(job.params)} for job in run] for run in runs]))


if __name__ == "__main__":
    main()
