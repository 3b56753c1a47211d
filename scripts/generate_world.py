"""Write everything that a world of invented languages publishes, in upstream's layouts."""

import json
from pathlib import Path

from xlprobe import command_line
from xlprobe.world.publication import write_world


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument("--settings", type=json.loads, required=True, help="JSON, `world` of the completed configuration")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--record", type=Path, required=True, help="JSON to write the settings to when all is there")
    parser.add_argument("--processes", type=int, default=1)
    write_world(**vars(parser.parse_args()))


if __name__ == "__main__":
    command_line.run(main)
