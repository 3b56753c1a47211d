"""Snakemake in processes that are forked from one that has imported it: imports are half the processor time of a dry run.

No module of the project's own is imported beforehand: each process reads those of the copy that it runs in.
"""

import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from multiprocessing import get_context
from pathlib import Path

FORKS = get_context("forkserver")
FORKS.set_forkserver_preload(["snakemake.cli", "filelock", "jsonschema", "requests", "yaml"])


def snakemake(arguments: Sequence[str], folder: Path, environment: Mapping[str, str]) -> tuple[int | None, str]:
    """Run Snakemake in a folder; its exit status, and what it and its jobs wrote to standard output, then to standard error."""
    with tempfile.TemporaryDirectory() as written:
        streams = [Path(written, name) for name in ("output", "error")]
        process = FORKS.Process(target=_run, args=(list(arguments), folder, dict(environment), streams))
        process.start()
        process.join()
        return process.exitcode, "".join(stream.read_text() for stream in streams)


def _run(arguments: list[str], folder: Path, environment: dict[str, str], streams: list[Path]) -> None:
    from snakemake.cli import main

    for number, stream in enumerate(streams, start=1):
        with stream.open("w") as file:
            os.dup2(file.fileno(), number)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["snakemake", *arguments]
    main(arguments)
