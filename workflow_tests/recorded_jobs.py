"""The jobs of a run as Snakemake would record them: what it compares to know whether they must run again.

Run as `python recorded_jobs.py CONFIGURATION ...`, in the project's folder; prints JSON. Snakemake is not for a process that goes on.
"""

import json
import logging
import subprocess
import sys
from pathlib import Path
from typing import Any


def recorded_jobs(project: Path, *configurations: str) -> list[list[dict[str, Any]]]:
    """Of each job that each run has: rule, wildcards, input, output, recorded parameters, and those that depend on files."""
    command = [sys.executable, __file__, *configurations]
    return json.loads(subprocess.run(command, cwd=project, capture_output=True, text=True, check=True).stdout)


def jobs_of(configuration: Path) -> list[dict[str, Any]]:
    from snakemake.api import SnakemakeApi
    from snakemake.settings.enums import Quietness
    from snakemake.settings.types import ConfigSettings, DAGSettings, OutputSettings, ResourceSettings

    settings = ConfigSettings(configfiles=[configuration])
    with SnakemakeApi(OutputSettings(quiet={Quietness.ALL})) as api:
        workflow_api = api.workflow(ResourceSettings(cores=1), settings, snakefile=Path("Snakefile"))
        workflow_api.dag(DAGSettings(forceall=True)).execute_workflow(executor="dryrun")
        workflow = workflow_api._workflow
        return [described(job, workflow.persistence) for job in workflow.dag.jobs if job.rule.name != "all"]


def described(job: Any, persistence: Any) -> dict[str, Any]:
    depends = {name for name, value in job.rule.params._allitems() if job.rule._is_deriving_function(value)}
    return {
        "rule": job.rule.name,
        "wildcards": dict(job.wildcards_dict),
        "input": list(job.input),
        "output": list(job.output),
        "recorded": persistence._params(job),
        "parameters": {name: repr(value) for name, value in job.params.items() if name not in depends},
        "from_files": {
            name: str(job.params.get(name)).split() if isinstance(job.params.get(name), str) else list(map(str, job.params.get(name)))
            for name, value in job.rule.params._allitems()
            if name in depends and not asks_how_to_run(value)
        },
    }


def asks_how_to_run(value: Any) -> bool:
    """Whether a parameter is not to be recorded (`untracked` in rules/common.smk)."""
    return value.__name__ == "unrecorded"


if __name__ == "__main__":
    logging.disable()
    print(json.dumps([jobs_of(Path(name)) for name in sys.argv[1:]]))
