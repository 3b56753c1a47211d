"""Draw one figure from the scores: PNG, PDF and the CSV behind it."""

from pathlib import Path

from xlprobe import command_line
from xlprobe.figures import FIGURES, draw


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument("--kind", choices=FIGURES, required=True)
    parser.add_argument("--scores", type=Path, required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--task", required=True)
    parser.add_argument("--png", type=Path, required=True)
    parser.add_argument("--pdf", type=Path, required=True)
    parser.add_argument("--csv", type=Path, required=True)
    arguments = parser.parse_args()
    draw(arguments.kind, arguments.scores, arguments.model, arguments.task, arguments.png, arguments.pdf, arguments.csv)


if __name__ == "__main__":
    command_line.run(main)
