"""Lists of checkpoints as one short argument, since a command line holds 128 KiB: too little for the paths of 2,000 files.

Checkpoints are listed by training run, as paths name it, with their steps.
"""

import json
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path


def as_argument(checkpoints: Iterable[tuple[str, int]]) -> str:
    """Checkpoints, each a run and a step, as a script's argument; the same whatever their order.

    >>> as_argument([("xlmr", 20), ("xlmr", 0), ("multiberts/seed_3", 0)])
    '{"multiberts/seed_3":[0],"xlmr":[0,20]}'
    """
    steps: dict[str, list[int]] = {}
    for run, step in sorted(checkpoints):
        steps.setdefault(run, []).append(step)
    return json.dumps(steps, separators=(",", ":"))


def from_argument(text: str) -> dict[str, list[int]]:
    """The steps by run that an argument lists (a `type` of argparse).

    Raises:
        ArgumentTypeError: it is no such list.
    """
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    lists = found.values() if isinstance(found, dict) else [None]
    if not all(isinstance(steps, list) and all(type(step) is int for step in steps) for steps in lists):
        raise ArgumentTypeError(f'found {text[:60]}, expected the steps of each training run, such as {{"xlmr": [0, 20]}}')
    return dict(found)


def add_outcomes(arguments: ArgumentParser) -> None:
    """Arguments of the scripts that compare checkpoints by their outcomes."""
    arguments.add_argument("--outcomes", type=Path, required=True, help="folder of the checkpoints' HDF5 files")
    arguments.add_argument("--checkpoints", type=from_argument, required=True, help="their steps by training run, in JSON")
    arguments.add_argument("--baselines", type=Path, nargs="*", default=[], help="HDF5 files of baselines, which have the totals")


def checkpoint_files(folder: Path, checkpoints: Mapping[str, Sequence[int]], ending: str) -> list[Path]:
    """A file of each checkpoint in a folder of the results, in the order listed.

    >>> list(map(str, checkpoint_files(Path("checkpoints"), {"xlmr": [0, 20]}, "/identity.json")))
    ['checkpoints/xlmr/0/identity.json', 'checkpoints/xlmr/20/identity.json']
    """
    return [folder / run / f"{step}{ending}" for run, steps in checkpoints.items() for step in steps]
