"""Gather probes or baselines files into a table of scores."""

from pathlib import Path

from xlprobe import command_line
from xlprobe.metrics import collect_scores


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument("--paths", type=Path, nargs="+", required=True)
    parser.add_argument("--output", type=Path, required=True)
    collect_scores(**vars(parser.parse_args()))


if __name__ == "__main__":
    command_line.run(main)
