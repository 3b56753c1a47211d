"""Write a run's completed configuration, and the machine and versions that it is made with, beside its tables."""

import json
from pathlib import Path

from xlprobe import command_line
from xlprobe.metrics.environment import write_description


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument("--configuration", type=json.loads, required=True, help="JSON")
    parser.add_argument("--config", type=Path, required=True, help="where it goes")
    parser.add_argument("--environment", type=Path, required=True)
    write_description(**vars(parser.parse_args()))


if __name__ == "__main__":
    command_line.run(main)
