"""Align the words of a bitext by their vectors, or their subwords', at every layer, and compare the links with the gold."""

from pathlib import Path

from xlprobe import command_line
from xlprobe.alignment.word_alignment import METHODS, UNITS, align_bitext


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument("--features", type=Path, required=True, help="HDF5 file, or a folder with one of each dataset")
    parser.add_argument("--checkpoint", type=Path, help="identity.json of what the features are of")
    parser.add_argument("--dataset", type=Path, required=True)
    parser.add_argument("--layers", type=command_line.layers, help="0,6,12 or all")
    parser.add_argument("--method", choices=METHODS, required=True)
    parser.add_argument("--unit", choices=UNITS, default="word", help="word, or bpe: links of subwords become links of their words")
    parser.add_argument("--distortion", type=float, default=0.0, help="0 to 1: how much less words count as similar that stand far apart")
    parser.add_argument("--output", type=Path, required=True, help="HDF5 file of outcomes to write")
    arguments = parser.parse_args()
    settings = {name: getattr(arguments, name) for name in ("dataset", "method", "output", "layers", "unit", "distortion")}
    align_bitext(arguments.features, checkpoint_identity=arguments.checkpoint, **settings)


if __name__ == "__main__":
    command_line.run(main)
