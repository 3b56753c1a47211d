"""Check the signatures of some layers against random starts, halves of the words, shuffled pairs and equal numbers of words."""

from pathlib import Path

from xlprobe import command_line
from xlprobe.signatures.checks import check_signatures
from xlprobe.signatures.fitting import add_fit_arguments, settings_of


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument("--covariances", type=Path, nargs="+", required=True, help="HDF5 files, one a language, in the order of the fit")
    parser.add_argument("--languages", nargs="+", required=True, help="what they are of, in the same order")
    parser.add_argument("--variant", required=True, help="its name in the configuration")
    parser.add_argument("--categories", nargs="+", required=True)
    parser.add_argument("--layers", type=command_line.layers, required=True, help="0,6,12")
    parser.add_argument("--starts", type=int, default=5, help="random starts")
    parser.add_argument("--start-iterations", type=int, help="the most of a fit from one of them; if not given, --iterations")
    parser.add_argument("--seed", type=int, default=1)
    add_fit_arguments(parser)
    parser.add_argument("--outputs", type=Path, nargs="+", required=True, help="HDF5 files to write with the signatures, one a category")
    parser.add_argument("--parts", type=Path, nargs="+", required=True, help="Parquet files to write with rows, one a category")
    arguments = parser.parse_args()
    settings = settings_of(arguments)
    check_signatures(**vars(arguments), settings=settings)


if __name__ == "__main__":
    command_line.run(main)
