"""Try the probes of one checkpoint and task, of every source, on one target's test set."""

from pathlib import Path

from xlprobe import command_line
from xlprobe.probes.transfer import transfer_probes


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument("--features", type=Path, required=True, help="HDF5 file of the target, or a folder with one of each dataset")
    parser.add_argument("--checkpoint", type=Path, help="identity.json of what the features are of")
    parser.add_argument("--dataset", type=Path, required=True, help="the target's folder")
    parser.add_argument("--task", required=True)
    parser.add_argument("--layers", type=command_line.layers, help="0,6,12 or all")
    parser.add_argument("--weights", type=Path, nargs="+", required=True, help="safetensors files of probes, one a source")
    parser.add_argument("--dropped-datasets", nargs="*", default=[], help="sources that the run no longer has")
    parser.add_argument("--output", type=Path, required=True, help="HDF5 file of outcomes to write")
    parser.add_argument("--predictions", type=Path, help="Parquet file to write with what each probe says of each example")
    arguments = parser.parse_args()
    transfer_probes(
        arguments.features,
        arguments.dataset,
        arguments.task,
        arguments.weights,
        arguments.output,
        arguments.layers,
        arguments.predictions,
        arguments.checkpoint,
        arguments.dropped_datasets,
    )


if __name__ == "__main__":
    command_line.run(main)
