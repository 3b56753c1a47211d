"""Say of each curve over training when it is best, when it comes close to that, and what it has lost in the end."""

from pathlib import Path

from xlprobe import command_line
from xlprobe.artifacts.checkpoint_lists import add_outcomes
from xlprobe.metrics.learning import write_learning
from xlprobe.statistics.bootstrap import Intervals


def main() -> None:
    parser = command_line.parser(__doc__)
    add_outcomes(parser)
    parser.add_argument("--shares", type=command_line.share, nargs="+", required=True, help="of the best, whose steps are looked for")
    for table in ("best", "steps", "forgetting"):
        parser.add_argument(f"--{table}", type=Path, required=True, help="Parquet file to write")
    command_line.add_intervals(parser)
    given = vars(parser.parse_args())
    write_learning(intervals=Intervals(given.pop("resamples"), given.pop("level")), **given)


if __name__ == "__main__":
    command_line.run(main)
