"""Draw one of paper 2's figures of a run's comparisons: PNG, PDF, the CSV behind it, and its caption."""

from pathlib import Path

from xlprobe import command_line
from xlprobe.figures.language_paper_declaration import ComparisonFacts, LanguageAsked, draw_language_figure


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument("--kind", required=True, help="module of xlprobe.figures")
    parser.add_argument("--title", required=True)
    parser.add_argument("--shown", default="", help="what it shows, in the kind's words")
    parser.add_argument("--tables", type=Path, nargs="*", default=[], help="tables of metrics/ that it reads")
    parser.add_argument("--facts", type=ComparisonFacts.of_json, required=True, help="JSON: the comparisons, and their languages")
    parser.add_argument("--png", type=Path, required=True)
    parser.add_argument("--pdf", type=Path, required=True)
    parser.add_argument("--csv", type=Path, required=True)
    parser.add_argument("--caption", type=Path, required=True)
    named = vars(parser.parse_args())
    asked = LanguageAsked(**{name: named.pop(name) for name in ("title", "shown")})
    draw_language_figure(asked=asked, **named)


if __name__ == "__main__":
    command_line.run(main)
