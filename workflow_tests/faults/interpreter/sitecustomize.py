"""Faults inside a script's own process: Python imports this module first, where its folder stands on PYTHONPATH.

XLPROBE_FAULT names one, with a number after a colon:
kill-at-write:N  SIGKILL just before the Nth event of writing: a temporary file made, or renamed to its target
memory:N         once the first of a run's files is opened, N MiB more than the process has by then
refuse-locks:0   every lock of a file is refused, as cluster file systems do
"""

import errno
import fcntl
import os
import resource
import signal
import sys
from pathlib import Path

FAULT, _, NUMBER = os.environ.get("XLPROBE_FAULT", "").partition(":")
WRITES = ("tempfile.mkstemp", "os.rename")
seen = 0


def kill_at_write(event: str, _: tuple) -> None:
    global seen
    if event in WRITES:
        seen += 1
        if seen == int(NUMBER):
            os.kill(os.getpid(), signal.SIGKILL)


def limit_memory(event: str, arguments: tuple) -> None:
    global seen
    if event == "open" and not seen and "results/" in str(arguments[0]):
        seen = 1
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        limit = pages * resource.getpagesize() + int(NUMBER) * 2**20
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def refuse_lock(*_: object) -> None:
    raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))


if FAULT == "kill-at-write":
    sys.addaudithook(kill_at_write)
elif FAULT == "memory":
    sys.addaudithook(limit_memory)
elif FAULT == "refuse-locks":
    fcntl.flock = fcntl.lockf = refuse_lock
