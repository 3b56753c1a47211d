"""Make one of a paper's tables of a model, or of signatures: CSV, Markdown and LaTeX."""

from pathlib import Path

from xlprobe import command_line
from xlprobe.metrics.model_tables import ModelFacts
from xlprobe.metrics.signature_tables import SignatureFacts
from xlprobe.tables.declaration import make_table


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument("--kind", required=True, help="module of xlprobe.tables")
    parser.add_argument("--title", required=True)
    parser.add_argument("--tables", type=Path, nargs="*", default=[], help="tables of metrics/ that it reads")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--facts", type=ModelFacts.of_json, help="JSON: the model, and what is measured of it")
    what.add_argument("--signatures", dest="facts", type=SignatureFacts.of_json, help="JSON: the comparisons, and their languages")
    parser.add_argument("--csv", type=Path, required=True)
    parser.add_argument("--markdown", type=Path, required=True)
    parser.add_argument("--latex", type=Path, required=True)
    make_table(**vars(parser.parse_args()))


if __name__ == "__main__":
    command_line.run(main)
