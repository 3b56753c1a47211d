"""Say how far the final checkpoints of models differ, mean over languages."""

from pathlib import Path

from xlprobe import command_line
from xlprobe.artifacts.checkpoint_lists import add_outcomes
from xlprobe.metrics.model_comparisons import write_model_comparisons
from xlprobe.statistics.bootstrap import Intervals


def main() -> None:
    parser = command_line.parser(__doc__)
    add_outcomes(parser)
    parser.add_argument("--model-comparisons", type=Path, required=True, help="Parquet file to write")
    command_line.add_intervals(parser)
    given = vars(parser.parse_args())
    write_model_comparisons(intervals=Intervals(given.pop("resamples"), given.pop("level")), **given)


if __name__ == "__main__":
    command_line.run(main)
