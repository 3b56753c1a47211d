"""Draw one figure from the scores: PNG, PDF and the CSV behind it."""

import json
from pathlib import Path

from xlprobe import command_line
from xlprobe.figures.declaration import draw


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument("--kind", required=True, help="module of xlprobe.figures")
    parser.add_argument("--scores", dest="scores_path", type=Path, required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--task", required=True)
    parser.add_argument("--protocol", help="of several ways in which the task may be measured, the one that is shown")
    parser.add_argument("--datasets", type=json.loads, required=True, help="JSON: title, language and family of each dataset")
    parser.add_argument("--png", type=Path, required=True)
    parser.add_argument("--pdf", type=Path, required=True)
    parser.add_argument("--csv", type=Path, required=True)
    draw(**vars(parser.parse_args()))


if __name__ == "__main__":
    command_line.run(main)
