"""Link one upstream file from the data folder into a run's sources."""

from pathlib import Path

from xlprobe import command_line
from xlprobe.files import link_file


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument("--source", type=Path, required=True, help="file in the data folder")
    parser.add_argument("--output", type=Path, required=True, help="link to make")
    arguments = parser.parse_args()
    link_file(arguments.source, arguments.output)


if __name__ == "__main__":
    command_line.run(main)
