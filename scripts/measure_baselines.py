"""Measure baselines, which need no vectors, on a dataset's own dev and test sets or, of other datasets, on its test set."""

from pathlib import Path

from xlprobe import command_line
from xlprobe.probes.baselines import write_baselines, write_transfer_baselines


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument("--dataset", type=Path, required=True, help="folder of the dataset that is tested on")
    parser.add_argument("--sources", type=Path, nargs="*", help="folders of those that labels are learned from, if others")
    parser.add_argument("--task", required=True)
    parser.add_argument("--output", type=Path, required=True, help="HDF5 file of outcomes to write")
    given = parser.parse_args()
    if given.sources:
        write_transfer_baselines(given.dataset, given.sources, given.task, given.output)
    else:
        write_baselines(given.dataset, given.task, given.output)


if __name__ == "__main__":
    command_line.run(main)
