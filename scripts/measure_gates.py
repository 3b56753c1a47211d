"""Flag the curves over training that have no signal to speak of."""

from dataclasses import fields
from pathlib import Path

from xlprobe import command_line
from xlprobe.metrics.gates import Thresholds, write_gates


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument("--scores", type=Path, required=True, help="Parquet file of scores")
    parser.add_argument("--best", type=Path, required=True, help="Parquet file of the best checkpoints")
    parser.add_argument("--gates", type=Path, required=True, help="Parquet file to write")
    names = [field.name for field in fields(Thresholds)]
    for name in names:
        parser.add_argument(f"--{name.replace('_', '-')}", type=float, required=True, help="threshold")
    given = vars(parser.parse_args())
    write_gates(thresholds=Thresholds(**{name: given.pop(name) for name in names}), **given)


if __name__ == "__main__":
    command_line.run(main)
