"""Fit the signatures of languages over all steps of a multilingual model, layer by layer."""

from pathlib import Path

from xlprobe import command_line
from xlprobe.artifacts.checkpoint_lists import from_argument
from xlprobe.signatures.fitting import add_fit_arguments, fit_signatures_over_steps, settings_of


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="folder of covariances: <run>/<step>/<language>.h5")
    parser.add_argument("--checkpoints", type=from_argument, required=True, help="the steps of one training run, in JSON")
    parser.add_argument("--languages", nargs="+", required=True, help="in the order of the fit")
    parser.add_argument("--variant", required=True, help="its name in the configuration")
    add_fit_arguments(parser)
    parser.add_argument("--output", type=Path, required=True, help="HDF5 file to write with the signatures")
    parser.add_argument("--part", type=Path, required=True, help="Parquet file to write with rows")
    parser.add_argument("--root", type=Path, default=Path(), help="folder from which the table's paths to the output start")
    arguments = parser.parse_args()
    settings = settings_of(arguments)
    fit_signatures_over_steps(**vars(arguments), settings=settings)


if __name__ == "__main__":
    command_line.run(main)
