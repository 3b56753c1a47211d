"""Say how to get an upstream file that cannot be downloaded, and fail."""

from xlprobe import command_line
from xlprobe.errors import XlprobeError


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument("--advice", required=True, help="what to get, from where, and where to put it")
    raise XlprobeError(parser.parse_args().advice)


if __name__ == "__main__":
    command_line.run(main)
