"""Say how far measures vary over trainings of one model that differ in their seed."""

from pathlib import Path

from xlprobe import command_line
from xlprobe.metrics.training_seeds import write_training_seeds


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument("--tables", type=Path, nargs="+", required=True, help="Parquet files of measures, by which rows are named")
    parser.add_argument("--training-seeds", type=Path, required=True, help="Parquet file to write")
    given = parser.parse_args()
    write_training_seeds({path.stem: path for path in given.tables}, given.training_seeds)


if __name__ == "__main__":
    command_line.run(main)
