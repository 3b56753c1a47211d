"""Align the words of a bitext by their vectors, at every layer, and score the links against the gold."""

from pathlib import Path

from xlprobe import command_line
from xlprobe.alignment import METHODS, score_alignment
from xlprobe.scoring import Intervals


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument("--features", type=Path, required=True, help="HDF5 file")
    parser.add_argument("--dataset", type=Path, required=True)
    parser.add_argument("--layers", type=command_line.layers, help="0,6,12 or all")
    parser.add_argument("--method", choices=METHODS, required=True)
    parser.add_argument("--output", type=Path, required=True, help="Parquet file to write")
    command_line.add_intervals(parser)
    arguments = parser.parse_args()
    intervals = Intervals(arguments.resamples, arguments.level)
    score_alignment(arguments.features, arguments.dataset, arguments.method, arguments.output, arguments.layers, intervals)


if __name__ == "__main__":
    command_line.run(main)
