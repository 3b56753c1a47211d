"""Train the probes of one checkpoint, task and treebank: every layer, every seed."""

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
    parser.add_argument("--task", required=True)
    parser.add_argument("--scores", type=Path, required=True, help="Parquet file to write")
    parser.add_argument("--weights", type=Path, required=True, help="safetensors file to write")
    parser.add_argument("--learning-rate", type=float, required=True)
    for name in ("--seeds", "--batch-size", "--epochs", "--patience"):
        parser.add_argument(name, type=int, required=True)
    parser.add_argument("--shared-order", action="store_true", help="all seeds see the examples in one order")
    parser.add_argument("--control-task", action="store_true", help="train on random labels of word forms, too")
    parser.add_argument("--description-length", action="store_true", help="train on portions of the data, too")
    command_line.add_intervals(parser)
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    arguments = parser.parse_args()
    settings = ProbeSettings(**{field.name: getattr(arguments, field.name) for field in fields(ProbeSettings)})
    controls = Controls(arguments.control_task, arguments.description_length)
    intervals = Intervals(arguments.resamples, arguments.level)
    read, written = (arguments.features, arguments.dataset), (arguments.scores, arguments.weights)
    train_probes(*read, arguments.task, arguments.seeds, settings, arguments.device, *written, controls, intervals)


if __name__ == "__main__":
    command_line.run(main)
