"""Link the words of a bitext by their places alone, a baseline that needs no vectors, and compare the links with the gold."""

from pathlib import Path

from xlprobe import command_line
from xlprobe.alignment.diagonal import write_diagonal


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument("--dataset", type=Path, required=True, help="folder of the bitext")
    parser.add_argument("--output", type=Path, required=True, help="HDF5 file of outcomes to write")
    write_diagonal(**vars(parser.parse_args()))


if __name__ == "__main__":
    command_line.run(main)
