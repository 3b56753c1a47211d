"""Train the probes of one checkpoint, task and treebank: every layer, every seed."""

from dataclasses import fields
from pathlib import Path

from xlprobe import command_line
from xlprobe.linear_probe import ProbeSettings
from xlprobe.probes import train_probes


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument("--features", type=Path, required=True, help="HDF5 file")
    parser.add_argument("--dataset", type=Path, required=True)
    parser.add_argument("--task", required=True)
    parser.add_argument("--scores", type=Path, required=True, help="Parquet file to write")
    parser.add_argument("--weights", type=Path, required=True, help="safetensors file to write")
    parser.add_argument("--seeds", type=int, required=True)
    parser.add_argument("--learning-rate", type=float, required=True)
    parser.add_argument("--batch-size", type=int, required=True)
    parser.add_argument("--epochs", type=int, required=True)
    parser.add_argument("--patience", type=int, required=True)
    parser.add_argument("--shared-order", action="store_true", help="all seeds see the examples in one order")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    arguments = parser.parse_args()
    settings = ProbeSettings(**{field.name: getattr(arguments, field.name) for field in fields(ProbeSettings)})
    train_probes(
        arguments.features,
        arguments.dataset,
        arguments.task,
        arguments.seeds,
        settings,
        arguments.device,
        arguments.scores,
        arguments.weights,
    )


if __name__ == "__main__":
    command_line.run(main)
