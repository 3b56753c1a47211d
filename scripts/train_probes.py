"""Train the probes of one checkpoint and treebank, of one task or several: every layer, every seed."""

from dataclasses import fields
from pathlib import Path

from xlprobe import command_line
from xlprobe.linear_probe import ProbeSettings
from xlprobe.probes import Controls, train_probes
from xlprobe.scoring import Intervals


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument("--features", type=Path, required=True, help="HDF5 file")
    parser.add_argument("--dataset", type=Path, required=True)
    parser.add_argument("--tasks", nargs="+", required=True)
    parser.add_argument("--layers", type=command_line.layers, nargs="+", required=True, help="of each task: 0,6,12 or all")
    parser.add_argument("--scores", type=Path, nargs="+", required=True, help="Parquet file of each task")
    parser.add_argument("--weights", type=Path, nargs="+", required=True, help="safetensors file of each task")
    parser.add_argument("--learning-rate", type=float, required=True)
    for name in ("--seeds", "--batch-size", "--epochs", "--patience"):
        parser.add_argument(name, type=int, required=True)
    parser.add_argument("--shared-order", action="store_true", help="all seeds see the examples in one order")
    parser.add_argument("--control-tasks", nargs="*", default=[], help="tasks to train on random labels of word forms, too")
    parser.add_argument("--description-lengths", nargs="*", default=[], help="tasks to train on portions of the data, too")
    command_line.add_intervals(parser)
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    given = parser.parse_args()
    settings = ProbeSettings(**{field.name: getattr(given, field.name) for field in fields(ProbeSettings)})
    intervals = Intervals(given.resamples, given.level)
    read = (given.features, given.dataset)
    for task, layers, *written in zip(given.tasks, given.layers, given.scores, given.weights, strict=True):
        controls = Controls(task in given.control_tasks, task in given.description_lengths)
        train_probes(*read, task, given.seeds, settings, given.device, *written, layers, controls, intervals)


if __name__ == "__main__":
    command_line.run(main)
