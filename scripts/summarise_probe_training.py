"""Sum up how the training of a run's probes went, by task and dataset: a page for the report, and the CSV behind it."""

from pathlib import Path

from xlprobe import command_line
from xlprobe.metrics.probe_training_summary import write_summary


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument("--training", type=Path, required=True, help="metrics/probe_training.parquet")
    parser.add_argument("--html", type=Path, required=True)
    parser.add_argument("--csv", type=Path, required=True)
    write_summary(**vars(parser.parse_args()))


if __name__ == "__main__":
    command_line.run(main)
