"""Say at which layer each curve over training knows most, and how much better an internal layer is than the last one."""

from pathlib import Path

from xlprobe import command_line
from xlprobe.artifacts.checkpoint_lists import add_outcomes
from xlprobe.metrics.layers import write_layers
from xlprobe.statistics.bootstrap import Intervals


def main() -> None:
    parser = command_line.parser(__doc__)
    add_outcomes(parser)
    for table in ("expected-layers", "layer-gains"):
        parser.add_argument(f"--{table}", type=Path, required=True, help="Parquet file to write")
    command_line.add_intervals(parser)
    given = vars(parser.parse_args())
    write_layers(intervals=Intervals(given.pop("resamples"), given.pop("level")), **given)


if __name__ == "__main__":
    command_line.run(main)
