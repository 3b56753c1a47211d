"""Gather the identities of a run's checkpoints into a table and flag those whose loss is out of line."""

from pathlib import Path

from xlprobe import command_line
from xlprobe.checkpoints.table import collect_checkpoints


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument("--identities", type=Path, nargs="+", required=True)
    parser.add_argument("--output", type=Path, required=True)
    collect_checkpoints(**vars(parser.parse_args()))


if __name__ == "__main__":
    command_line.run(main)
