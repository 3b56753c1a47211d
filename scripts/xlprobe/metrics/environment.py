"""What a run's tables say nothing of: the configuration that they follow from, and the machine that they were made on."""

import platform
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

from xlprobe import __version__
from xlprobe.files import write_json
from xlprobe.study.code_identity import pins

CPU_INFO = Path("/proc/cpuinfo")


def write_description(configuration: dict[str, Any], config: Path, environment: Path) -> None:
    """Write a run's completed configuration, and the environment that this process runs in."""
    write_json(config, configuration)
    write_json(environment, describe_environment())


def describe_environment() -> dict[str, Any]:
    """The machine, and the versions of what runs on it.

    Returns:
        host, platform, processor (its model), gpus (the names of those that PyTorch sees), python, xlprobe, and packages: the
        version of each pinned package that is installed, null where it is not.
    """
    return {
        "host": platform.node(),
        "platform": platform.platform(),
        "processor": _processor(),
        "gpus": [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())],
        "python": platform.python_version(),
        "xlprobe": __version__,
        "packages": {name: _version(name) for name in pins()},
    }


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _processor() -> str:
    """The processor's model, where Linux says it; else what Python calls it."""
    lines = CPU_INFO.read_text(encoding="utf-8").splitlines() if CPU_INFO.exists() else []
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, platform.processor())
