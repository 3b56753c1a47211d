"""Link one upstream file, of the data folder or of an unpacked archive, into a run's sources."""

from pathlib import Path

from xlprobe import command_line
from xlprobe.files import link_file
from xlprobe.sources.archives import member_file


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument("--source", required=True, help="file in the data folder; with --archive, its name in there")
    parser.add_argument("--archive", type=Path, help="archive that was unpacked")
    parser.add_argument("--output", type=Path, required=True, help="link to make")
    arguments = parser.parse_args()
    source = member_file(arguments.archive, arguments.source) if arguments.archive else Path(arguments.source)
    link_file(source, arguments.output)


if __name__ == "__main__":
    command_line.run(main)
