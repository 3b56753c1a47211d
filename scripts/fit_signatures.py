"""Fit the signatures of languages at one checkpoint of a multilingual model, a category after the other."""

from pathlib import Path

from xlprobe import command_line
from xlprobe.signatures.fitting import FITS, add_fit_arguments, fit_signatures, settings_of


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument("--covariances", type=Path, nargs="+", required=True, help="HDF5 files, one a language, in the order of the fit")
    parser.add_argument("--languages", nargs="+", required=True, help="what they are of, in the same order")
    parser.add_argument("--variant", required=True, help="its name in the configuration")
    parser.add_argument("--categories", nargs="+", required=True)
    parser.add_argument("--fits", nargs="+", choices=FITS, default=[*FITS])
    add_fit_arguments(parser)
    parser.add_argument("--outputs", type=Path, nargs="+", required=True, help="HDF5 files to write with the signatures, one a category")
    parser.add_argument("--parts", type=Path, nargs="+", required=True, help="Parquet files to write with rows, one a category")
    parser.add_argument("--root", type=Path, default=Path(), help="folder from which the table's paths to the outputs start")
    arguments = parser.parse_args()
    settings = settings_of(arguments)
    fit_signatures(**vars(arguments), settings=settings)


if __name__ == "__main__":
    command_line.run(main)
