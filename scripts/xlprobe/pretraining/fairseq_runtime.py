"""fairseq 0.12.2 on Python 3.11, torch 2.6 and later, and numpy 2: import this module before fairseq.

`python -m xlprobe.pretraining.fairseq_runtime preprocess ...` runs a fairseq command.
"""

import argparse
import dataclasses
import importlib
import os
import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

# torch >= 2.6 unpickles only what it knows; a fairseq checkpoint holds its arguments as well.
torch.serialization.add_safe_globals([argparse.Namespace])
# fairseq leaves that to torch's default, which this variable, a common remedy for fairseq, would turn off: files could run code.
os.environ.pop("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", None)

# fairseq's block splitting asks for numpy.compat, which numpy 2 dropped.
if not hasattr(np, "compat"):
    np.compat = types.SimpleNamespace(long=int)  # type: ignore[attr-defined]


@contextmanager
def unhashable_defaults_allowed() -> Iterator[None]:
    """Let dataclasses take unhashable defaults, as before Python 3.11: fairseq nests its configurations that way.

    While fairseq is imported, dataclasses with __eq__ keep object.__hash__, which is all that the check looks at.
    """
    actions: dict[tuple[bool, bool, bool, bool], Any] = dataclasses._hash_action  # type: ignore[attr-defined]
    key = (False, True, False, False)
    saved, actions[key] = actions[key], None
    try:
        yield
    finally:
        actions[key] = saved


with unhashable_defaults_allowed():
    import fairseq  # noqa: F401  (registers every task, model and criterion)


if __name__ == "__main__":
    command = sys.argv.pop(1)
    sys.argv[0] = f"fairseq-{command}"
    importlib.import_module(f"fairseq_cli.{command}").cli_main()
