"""Read a bitext with gold word alignment into a dataset: sentences, words, links."""

from pathlib import Path

from xlprobe import command_line
from xlprobe.datasets.bitexts import LAYOUTS, read_bitext, write_bitext


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument("--layout", choices=LAYOUTS, required=True, help="how the files are written")
    parser.add_argument("--files", type=Path, nargs="+", required=True, help="sentences, in one file or two, then the gold links")
    parser.add_argument("--folder", type=Path, required=True, help="where the dataset goes")
    parser.add_argument("--dataset", required=True, help="its name, e.g. align_en_fr")
    parser.add_argument("--source", required=True, help="CC100 code of the source language")
    parser.add_argument("--target", required=True, help="CC100 code of the target language")
    parser.add_argument("--max-pairs", type=int, help="sentence pairs to use; all if not given")
    arguments = parser.parse_args()
    pairs = read_bitext(arguments.layout, arguments.files, arguments.max_pairs)
    write_bitext(pairs, arguments.folder, arguments.dataset, arguments.source, arguments.target)


if __name__ == "__main__":
    command_line.run(main)
