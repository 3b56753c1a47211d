"""Correlate measures of learning with factors of languages, and with each other."""

from pathlib import Path

from xlprobe import command_line
from xlprobe.metrics.correlations import write_correlations


def main() -> None:
    parser = command_line.parser(__doc__)
    for table in ("best", "steps", "forgetting", "factors"):
        parser.add_argument(f"--{table}", type=Path, required=True, help="Parquet file of that table")
    parser.add_argument("--asymmetry", type=Path, help="the same; where there is transfer")
    for table in ("correlations", "alternatives"):
        parser.add_argument(f"--{table}", type=Path, required=True, help="Parquet file to write")
    write_correlations(**vars(parser.parse_args()))


if __name__ == "__main__":
    command_line.run(main)
