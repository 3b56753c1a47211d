"""Read all that a run has made and kept, compare it with its checksums, and say what is damaged and what to delete."""

import sys
from pathlib import Path

from xlprobe import command_line
from xlprobe.report.result_checks import check_results
from xlprobe.study import config, config_file


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument("--configuration", type=Path, required=True, help="a run's YAML file")
    run = config.complete(config_file.read(parser.parse_args().configuration))
    report = check_results(Path("results", run["experiment"]), run)
    print(*report.lines(), sep="\n")
    if report.faults:
        sys.exit("\n".join(f"error: {fault}" for fault in report.faults))


if __name__ == "__main__":
    command_line.run(main)
