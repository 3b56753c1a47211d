"""Score the outcomes of baselines."""

from pathlib import Path

from xlprobe import command_line
from xlprobe.metrics.scoring import score_baselines
from xlprobe.statistics.bootstrap import Intervals


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument("--baselines", type=Path, nargs="+", required=True, help="HDF5 files of outcomes")
    parser.add_argument("--output", type=Path, required=True, help="Parquet file to write")
    parser.add_argument("--shared-labels", action="store_true", help="score the examples apart whose label the source has, too")
    command_line.add_intervals(parser)
    given = parser.parse_args()
    score_baselines(given.baselines, given.output, Intervals(given.resamples, given.level), given.shared_labels)


if __name__ == "__main__":
    command_line.run(main)
