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
    for name, kind in (("--scores", "Parquet"), ("--weights", "safetensors")):
        parser.add_argument(name, type=Path, nargs="+", required=True, help=f"{kind} file of each task")
    for name in ("--seeds", "--batch-size", "--epochs", "--patience", "--learning-rate"):
        parser.add_argument(name, type=float if name == "--learning-rate" else int, required=True)
    parser.add_argument("--shared-order", action="store_true", help="all seeds see the examples in one order")
    for name, kind in (("--control-tasks", "random labels of word forms"), ("--description-lengths", "portions of the data")):
        parser.add_argument(name, nargs="*", default=[], help=f"tasks to train on {kind}, too")
    command_line.add_intervals(parser)
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    given = parser.parse_args()
    if len({len(given.tasks), len(given.layers), len(given.scores), len(given.weights)}) > 1:
        parser.error("--layers, --scores and --weights must name one for each of --tasks")
    if unknown := {*given.control_tasks, *given.description_lengths} - {*given.tasks}:
        parser.error(f"{min(unknown)} is not among --tasks")
    settings = ProbeSettings(**{field.name: getattr(given, field.name) for field in fields(ProbeSettings)})
    intervals = Intervals(given.resamples, given.level)
    for task, layers, *written in zip(given.tasks, given.layers, given.scores, given.weights, strict=True):
        controls = Controls(task in given.control_tasks, task in given.description_lengths)
        train_probes(given.features, given.dataset, task, given.seeds, settings, given.device, *written, layers, controls, intervals)


if __name__ == "__main__":
    command_line.run(main)
