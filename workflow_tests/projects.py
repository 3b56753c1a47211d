"""A copy of the project in which tests run Snakemake."""

import os
import shutil
from pathlib import Path

from forked_snakemake import snakemake

from xlprobe.paths import PROJECT

PROJECT_PARTS = ["Snakefile", "config.yaml", "config", "rules", "scripts", "schemas", "resources", "envs", "report", "slurm"]


class Project:
    """A copy of the project in which a test may run Snakemake, edit code and delete results."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        for part in PROJECT_PARTS:
            source = PROJECT / part
            if source.is_dir():
                shutil.copytree(source, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, folder / part)

    def snakemake(self, *arguments: str, check: bool = True, environment: dict[str, str] | None = None) -> str:
        """Run Snakemake in the copy and return what it printed."""
        status, output = snakemake([*arguments, "--cores", "2"], self.folder, os.environ | (environment or {}))
        assert status == 0 or not check, output[-4000:]
        return output

    def planned(self, *arguments: str, environment: dict[str, str] | None = None) -> dict[str, int]:
        """The jobs that a dry run plans, by rule."""
        output = self.snakemake(*arguments, "-n", "--quiet", "rules", environment=environment)
        if "Nothing to be done" in output:
            return {}
        table = output.rpartition("Job stats:")[2].split("\n\n")[0]
        rows = [line.split() for line in table.splitlines()[3:]]
        return {name: int(count) for name, count in rows if name not in ("all", "total")}

    def edit(self, path: str, old: str, new: str) -> None:
        """Replace text that occurs in a file."""
        file = self.folder / path
        content = file.read_text()
        assert old in content, f"{path} does not hold {old!r}"
        file.write_text(content.replace(old, new))

    def copy(self, folder: Path) -> "Project":
        """A copy with its results."""
        copy = object.__new__(Project)
        copy.folder = folder
        shutil.copytree(self.folder, folder, symlinks=True)
        return copy
