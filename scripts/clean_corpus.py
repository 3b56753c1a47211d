"""Clean one language's text and split it, by document, into train and valid."""

from pathlib import Path

from xlprobe import command_line
from xlprobe.corpus.cleaning import LAYOUTS, clean_corpus


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument("--source", type=Path, required=True, help="text in CC100's layout, plain or compressed, or an archive")
    parser.add_argument("--layout", choices=list(LAYOUTS), required=True)
    parser.add_argument("--language", required=True)
    parser.add_argument("--train", type=Path, required=True)
    parser.add_argument("--valid", type=Path, required=True)
    parser.add_argument("--counts", type=Path, required=True)
    parser.add_argument("--valid-fraction", type=float, required=True)
    parser.add_argument("--valid-max-documents", type=int, required=True)
    parser.add_argument("--max-bytes", type=int, help="cleaned bytes to keep; all if not given")
    parser.add_argument("--max-documents", type=int, help="documents to keep; all if not given")
    clean_corpus(**vars(parser.parse_args()))


if __name__ == "__main__":
    command_line.run(main)
