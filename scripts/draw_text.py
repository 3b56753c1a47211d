"""Draw one language's text of a variant from a cleaned text."""

from pathlib import Path

from xlprobe import command_line
from xlprobe.corpus.drawing import ORDERS, draw_text
from xlprobe.corpus.romanisation import ROMANISERS


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument("--source", type=Path, required=True, help="folder with the cleaned text to draw from")
    parser.add_argument("--binarized", type=Path, required=True, help="folder with the same text, binarised")
    parser.add_argument("--train", type=Path, required=True)
    parser.add_argument("--valid", type=Path, required=True)
    parser.add_argument("--counts", type=Path, required=True)
    parser.add_argument("--language", required=True)
    parser.add_argument("--parent", required=True, help="name of the text that is drawn from")
    parser.add_argument("--sequence-tokens", type=int, required=True, help="subwords of a sequence, with the end of each line")
    parser.add_argument("--order", choices=ORDERS, required=True, help="in which documents are taken")
    parser.add_argument("--seed", type=int, default=1, help="of the random order")
    parser.add_argument("--max-sequences", type=int, help="training text to keep")
    parser.add_argument(
        "--smallest-of", type=Path, nargs="*", default=[], help="manifests of binarised texts: keep as many as the smallest has"
    )
    parser.add_argument("--share", type=float, help="of the sequences to keep")
    parser.add_argument("--max-documents", type=int, help="training text to keep")
    parser.add_argument("--max-bytes", type=int, help="training text to keep")
    parser.add_argument("--valid-sequences", type=int, help="held-out text to keep; all if not given")
    parser.add_argument("--romanise-by", choices=list(ROMANISERS))
    parser.add_argument("--model", type=Path, help="SentencePiece model, which counts what is romanised")
    draw_text(**vars(parser.parse_args()))


if __name__ == "__main__":
    command_line.run(main)
