"""Say of each language, and pair of languages, whether tasks are acquired in paper 1's order."""

from pathlib import Path

from xlprobe import command_line
from xlprobe.metrics.order import write_order


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument("--steps", type=Path, required=True, help="Parquet file of the steps to a share of the best")
    parser.add_argument("--order", type=Path, required=True, help="Parquet file to write")
    write_order(**vars(parser.parse_args()))


if __name__ == "__main__":
    command_line.run(main)
