"""Say whether signatures of related languages are closer than those of strangers, over runs of several worlds; fails where they are not."""

import sys
from pathlib import Path

from xlprobe import command_line
from xlprobe.metrics.relatives import write_relatives


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument("--results", type=Path, nargs="+", required=True, help="folders of finished runs, each of another world")
    parser.add_argument("--runs", type=Path, required=True, help="CSV file to write, with what each run says")
    parser.add_argument("--over-runs", type=Path, required=True, help="CSV file to write, with what they say together")
    report = write_relatives(**vars(parser.parse_args()))
    print(*report.lines(), sep="\n")
    if not report.holds:
        sys.exit("error: related languages' signatures are not closer than strangers' on average, in at least one kind of pairs; see above")


if __name__ == "__main__":
    command_line.run(main)
