"""Score the baselines that need no vectors: the majority label, and each word form's most frequent one."""

from pathlib import Path

from xlprobe import command_line
from xlprobe.probes.baselines import write_baselines
from xlprobe.statistics.bootstrap import Intervals


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument("--dataset", type=Path, required=True)
    parser.add_argument("--task", required=True)
    parser.add_argument("--output", type=Path, required=True)
    command_line.add_intervals(parser)
    arguments = parser.parse_args()
    write_baselines(arguments.dataset, arguments.task, arguments.output, Intervals(arguments.resamples, arguments.level))


if __name__ == "__main__":
    command_line.run(main)
