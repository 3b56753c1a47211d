"""Write the page of choices that paper 1 leaves open, from the configuration's schema."""

from pathlib import Path

from xlprobe import command_line
from xlprobe.files import write_text
from xlprobe.study import choices


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument("--schema", type=Path, required=True, help="of the configuration")
    parser.add_argument("--output", type=Path, required=True, help="the page, in Markdown")
    arguments = parser.parse_args()
    write_text(arguments.output, choices.document(arguments.schema))


if __name__ == "__main__":
    command_line.run(main)
