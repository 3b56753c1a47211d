"""Say how much better one language's probes do on another one than the other way round."""

from pathlib import Path

from xlprobe import command_line
from xlprobe.artifacts.checkpoint_lists import add_outcomes
from xlprobe.metrics.asymmetry import write_asymmetry
from xlprobe.statistics.bootstrap import Intervals


def main() -> None:
    parser = command_line.parser(__doc__)
    add_outcomes(parser)
    parser.add_argument("--best", type=Path, required=True, help="Parquet file of the best checkpoints")
    parser.add_argument("--asymmetry", type=Path, required=True, help="Parquet file to write")
    command_line.add_intervals(parser)
    given = vars(parser.parse_args())
    write_asymmetry(intervals=Intervals(given.pop("resamples"), given.pop("level")), **given)


if __name__ == "__main__":
    command_line.run(main)
