"""Measure how much of a language's test sets stands in its pretraining text and in its train splits."""

from pathlib import Path

from xlprobe import command_line
from xlprobe.contamination.overlap import measure_contamination


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument("--language", required=True)
    parser.add_argument("--datasets", type=Path, nargs="*", default=[], help="folders with sentences of the language")
    parser.add_argument("--corpus", type=Path, help="its cleaned pretraining text")
    parser.add_argument("--held-out", type=Path, help="cleaned text that was held out of it, which counts as a test set")
    parser.add_argument("--max-lines", type=int, help="lines of the held-out text to take, from its start; all if not given")
    parser.add_argument("--output", type=Path, required=True, help="Parquet file to write")
    measure_contamination(**vars(parser.parse_args()))


if __name__ == "__main__":
    command_line.run(main)
