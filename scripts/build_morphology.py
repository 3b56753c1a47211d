"""Make a treebank's dataset into one of morphology: its units with their values of UniMorph's categories."""

from pathlib import Path

from xlprobe import command_line
from xlprobe.datasets.morphology import ROMANISATIONS, UNITS, write_morphology


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument("--treebank", type=Path, required=True, help="the treebank's dataset")
    parser.add_argument("--folder", type=Path, required=True, help="where the dataset goes")
    parser.add_argument("--dataset", required=True, help="its name, e.g. morph_en_ewt")
    parser.add_argument("--units", choices=UNITS, default="tokens", help="tokens as they are written, or syntactic words")
    parser.add_argument("--romanise", choices=ROMANISATIONS, default="none", help="how units are written in Latin letters")
    parser.add_argument("--spaced", action="store_true", help="write a space between two units in any case")
    write_morphology(**vars(parser.parse_args()))


if __name__ == "__main__":
    command_line.run(main)
