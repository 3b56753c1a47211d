"""Gather the identities of a run's checkpoints into a table and flag those whose loss is out of line."""

from pathlib import Path

from xlprobe import command_line
from xlprobe.artifacts.checkpoint_lists import checkpoint_files, from_argument
from xlprobe.checkpoints.table import collect_checkpoints


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument("--published", type=Path, required=True, help="folder of the run's checkpoints")
    parser.add_argument("--checkpoints", type=from_argument, required=True, help="their steps by training run, in JSON")
    parser.add_argument("--output", type=Path, required=True)
    given = parser.parse_args()
    collect_checkpoints(checkpoint_files(given.published, given.checkpoints, "/identity.json"), given.output)


if __name__ == "__main__":
    command_line.run(main)
