"""Turn one language's cleaned text into fairseq's .bin and .idx files."""

from pathlib import Path

from xlprobe import command_line
from xlprobe.corpus.binarization import binarize_language


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument("--train", type=Path, required=True)
    parser.add_argument("--valid", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True, help="SentencePiece model")
    parser.add_argument("--folder", type=Path, required=True, help="where train.* and valid.* go")
    parser.add_argument("--manifest", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=1)
    binarize_language(**vars(parser.parse_args()))


if __name__ == "__main__":
    command_line.run(main)
