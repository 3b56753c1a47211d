"""Unpack an archive of upstream files beside it, and record that it is done."""

from pathlib import Path

from xlprobe import command_line
from xlprobe.sources.archives import unpack


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument("--archive", type=Path, required=True, help="tar, compressed or not, or zip")
    parser.add_argument("--sha256", default="", help="its published digest")
    arguments = parser.parse_args()
    unpack(arguments.archive, arguments.sha256)


if __name__ == "__main__":
    command_line.run(main)
