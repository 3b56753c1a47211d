"""Join the rows of fits of signatures, and of their checks, into one table."""

from pathlib import Path

from xlprobe import command_line
from xlprobe.metrics.signatures import join_signatures


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument("--parts", type=Path, nargs="+", required=True, help="Parquet files of fits")
    parser.add_argument("--checks", type=Path, nargs="*", default=[], help="those of checks")
    parser.add_argument("--published", type=Path, help="folder of the checkpoints that rows name; two trainings under one name are refused")
    parser.add_argument("--dropped-datasets", nargs="*", default=[], help="datasets that the run no longer has; their rows are left out")
    parser.add_argument("--output", type=Path, required=True)
    join_signatures(**vars(parser.parse_args()))


if __name__ == "__main__":
    command_line.run(main)
