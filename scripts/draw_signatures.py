"""Draw one figure of a variant of signatures: PNG, PDF and the CSV behind it."""

import json
from pathlib import Path

from xlprobe import command_line
from xlprobe.figures.signature_declaration import draw_signatures


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument("--kind", required=True, help="module of xlprobe.figures")
    parser.add_argument("--tables", type=Path, nargs="+", required=True, help="files of metrics/ that the kind reads")
    parser.add_argument("--variant", required=True, help="as paths name it")
    parser.add_argument("--languages", type=json.loads, required=True, help="JSON: name and family of each language")
    parser.add_argument("--png", type=Path, required=True)
    parser.add_argument("--pdf", type=Path, required=True)
    parser.add_argument("--csv", type=Path, required=True)
    draw_signatures(**vars(parser.parse_args()))


if __name__ == "__main__":
    command_line.run(main)
