"""Join what test sentences earned of a checkpoint, and score it."""

from pathlib import Path

from xlprobe import command_line
from xlprobe.metrics.scoring import score_checkpoint
from xlprobe.statistics.bootstrap import Intervals


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument("--outcomes", dest="paths", type=Path, nargs="+", required=True, help="HDF5 files of the checkpoint's measurements")
    parser.add_argument("--baselines", type=Path, nargs="*", default=[], help="HDF5 files of baselines, which have the totals")
    parser.add_argument("--joined", type=Path, required=True, help="HDF5 file of outcomes to write")
    parser.add_argument("--output", type=Path, required=True, help="Parquet file of scores to write")
    parser.add_argument("--shared-labels", action="store_true", help="score the examples apart whose label the source has, too")
    parser.add_argument("--dropped-datasets", nargs="*", default=[], help="datasets that are left out: the run has them no more")
    command_line.add_intervals(parser)
    given = vars(parser.parse_args())
    score_checkpoint(intervals=Intervals(given.pop("resamples"), given.pop("level")), **given)


if __name__ == "__main__":
    command_line.run(main)
