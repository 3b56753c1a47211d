"""Measure how a language's vectors in its monolingual model vary with those in the multilingual one, by category and layer."""

from pathlib import Path

from xlprobe import command_line
from xlprobe.signatures.covariances import CovarianceChecks, measure_covariances


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument("--multilingual", type=Path, required=True, help="HDF5 file of features, or a folder with one of each dataset")
    parser.add_argument("--monolingual", type=Path, required=True, help="the same, of the language's own model")
    parser.add_argument("--dataset", type=Path, required=True, help="folder of the morphology dataset")
    parser.add_argument("--categories", nargs="+", required=True)
    parser.add_argument("--layers", type=command_line.layers, help="0,6,12 or all")
    parser.add_argument("--min-instances", type=int, default=100, help="a category that fewer words have is counted and left out")
    parser.add_argument("--device", choices=["auto", "cpu", "cuda"], default="cpu")
    parser.add_argument("--output", type=Path, required=True, help="HDF5 file to write")
    parser.add_argument("--all-words-output", type=Path, help="a second, small one, of all words alone")
    parser.add_argument("--check-layers", type=command_line.layers, default=[], help="layers at which draws are measured, too")
    parser.add_argument("--check-categories", nargs="*", default=[], help="categories of which they are")
    parser.add_argument("--nulls", type=int, default=0, help="draws of shuffled pairs")
    parser.add_argument("--halves", type=int, default=0, help="draws of two halves of the words")
    parser.add_argument("--equal-draws", type=int, default=0, help="draws of as many words of each language")
    parser.add_argument("--equal-fixed", type=int, help="so many")
    parser.add_argument("--smallest-of", type=Path, nargs="*", default=[], help="and as many as the smallest of these datasets has")
    parser.add_argument("--seed", type=int, default=1)
    given = vars(parser.parse_args())
    names = ("nulls", "halves", "equal_draws", "equal_fixed", "smallest_of", "seed")
    drawn = {name: given.pop(name) for name in names}
    checks = CovarianceChecks(given.pop("check_layers"), given.pop("check_categories"), **drawn)
    measure_covariances(**given, checks=checks)


if __name__ == "__main__":
    command_line.run(main)
