"""A `python` that has its imports behind it: most of what a tiny run's jobs take is imports of torch and transformers.

One process imports them and listens; for each command another is forked from it, with the command's files, folder and
environment. It knows third-party packages alone: a job imports the modules of the project that it belongs to. Packages that read
the environment when they are imported read that of the tests.
"""

import contextlib
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

PACKAGES = ["torch", "transformers.modeling_utils", "pandas", "pyarrow.parquet", "h5py", "scipy.stats", "safetensors.torch"]
PACKAGES += ["matplotlib.pyplot", "sentencepiece", "conllu", "jsonschema", "yaml"]
COMMAND = """#!{python} -IS
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as server:
    server.connect({address!r})
    socket.send_fds(server, [b"."], [0, 1, 2])
    with server.makefile("rw") as stream:
        print(json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]), file=stream, flush=True)
        sys.exit(int(stream.readline() or 1))
"""


@contextlib.contextmanager
def warm_python(folder: Path) -> Iterator[dict[str, str]]:
    """The environment in which `python SCRIPT ...` is such a process; `folder` gets the command."""
    command = folder / "python"
    # A socket's path may have 107 characters: `folder` may be longer.
    with tempfile.TemporaryDirectory(dir="/tmp") as short:
        address = f"{short}/socket"
        command.write_text(COMMAND.format(python=sys.executable, address=address))
        command.chmod(0o755)
        # It ends when its standard input does: with the tests, however they end.
        with subprocess.Popen([sys.executable, __file__, address], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            assert process.stdout and process.stdout.readline(), "no warm python"
            yield {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}
            process.communicate()


def serve(address: str) -> str:
    """Fork a process for each command; returns in that process, with the script that it is to run."""
    for package in PACKAGES:
        importlib.import_module(package)
    # Else each process would look through all that is imported, and copy it, before it ends.
    gc.collect()
    gc.freeze()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen()
        print("ready", flush=True)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        while listener in select.select([listener, sys.stdin], [], [])[0]:
            connection, _ = listener.accept()
            if not os.fork():
                return accept(connection)
            connection.close()
    sys.exit()


def accept(connection: socket.socket) -> str:
    """Become the process that a command asks for, under one that waits for it and says how it ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _, files, _, _ = socket.recv_fds(connection, 1, 3)
    with connection.makefile("rw") as stream:
        arguments, folder, environment = json.loads(stream.readline())
        if job := os.fork():
            _, status = os.waitpid(job, 0)
            print(os.waitstatus_to_exitcode(status), file=stream, flush=True)
            os._exit(0)
    connection.close()
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv, sys.path[0] = arguments, str(Path(arguments[0]).resolve().parent)
    return sys.argv[0]


if __name__ == "__main__":
    runpy.run_path(serve(sys.argv[1]), run_name="__main__")
