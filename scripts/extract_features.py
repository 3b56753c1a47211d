"""Write a dataset's word vectors from one checkpoint, all layers in one pass, and the audit of its encoding."""

from pathlib import Path

from xlprobe import command_line
from xlprobe.features import extract_features


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument("--checkpoint", type=Path, required=True, help="Hugging Face folder with identity.json")
    parser.add_argument("--dataset", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True, help="HDF5 file")
    parser.add_argument("--audit-output", type=Path, required=True, help="Parquet file")
    parser.add_argument("--layers", type=int, nargs="+", required=True, help="0 is the embedding layer")
    parser.add_argument("--tokens-per-batch", type=int, required=True)
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    extract_features(**vars(parser.parse_args()))


if __name__ == "__main__":
    command_line.run(main)
