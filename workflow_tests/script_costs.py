"""What a script takes, run as a job runs it."""

import os
import re
import subprocess
import sys
from typing import NamedTuple

from xlprobe.paths import PROJECT

# getrusage's figure would be the test's own where that holds more.
LAUNCHER = """
import atexit, re, runpy, sys, time
from pathlib import Path
peak = lambda: re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]
atexit.register(lambda: print("took", time.process_time(), peak()))
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


class Cost(NamedTuple):
    """Processor time, and the most memory that was held, in MiB."""

    seconds: float
    mebibytes: float


def cost(script: str, *arguments: object) -> Cost:
    """Run a script; what it took."""
    command = [sys.executable, "-c", LAUNCHER, PROJECT / "scripts" / f"{script}.py", *arguments]
    environment = os.environ | {"PYTHONPATH": str(PROJECT / "scripts")}
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr[-4000:]
    found = re.search(r"^took ([\d.]+) (\d+)$", done.stdout, flags=re.M)
    assert found
    return Cost(float(found[1]), int(found[2]) / 1024)
