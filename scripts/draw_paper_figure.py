"""Draw one of a paper's figures of a model, or of signatures: PNG, PDF, the CSV behind it, and its caption."""

from pathlib import Path

from xlprobe import command_line
from xlprobe.figures.paper_declaration import Asked, draw_paper_figure
from xlprobe.metrics.model_tables import ModelFacts
from xlprobe.metrics.signature_tables import SignatureFacts


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument("--kind", required=True, help="module of xlprobe.figures")
    parser.add_argument("--title", required=True)
    parser.add_argument("--tasks", nargs="+", default=[], help="tasks that it shows, in the order of its panels; none of signatures")
    parser.add_argument("--shown", default="", help="what else it shows, in the kind's words")
    parser.add_argument("--tables", type=Path, nargs="*", default=[], help="tables of metrics/ that it reads")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--facts", type=ModelFacts.of_json, help="JSON: the model, and what is measured of it")
    what.add_argument("--signatures", dest="facts", type=SignatureFacts.of_json, help="JSON: the comparisons, and their languages")
    parser.add_argument("--png", type=Path, required=True)
    parser.add_argument("--pdf", type=Path, required=True)
    parser.add_argument("--csv", type=Path, required=True)
    parser.add_argument("--caption", type=Path, required=True)
    named = vars(parser.parse_args())
    asked = Asked(**{name: named.pop(name) for name in ("title", "tasks", "shown")})
    draw_paper_figure(asked=asked, **named)


if __name__ == "__main__":
    command_line.run(main)
