"""Join tables into one of a schema."""

from pathlib import Path

from xlprobe import command_line
from xlprobe.metrics.joining import join_tables


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument("--paths", type=Path, nargs="+", required=True)
    parser.add_argument("--schema-name", required=True, help="file in schemas/")
    parser.add_argument(
        "--checkpoints", type=Path, help="folder of the checkpoints that rows name; two trainings under one name are refused"
    )
    parser.add_argument("--dropped-datasets", nargs="*", default=[], help="datasets that the run no longer has; their rows are left out")
    parser.add_argument("--output", type=Path, required=True)
    join_tables(**vars(parser.parse_args()))


if __name__ == "__main__":
    command_line.run(main)
