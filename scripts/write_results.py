"""Write RESULTS.md, and the same as a page with its figures inside: what a run measured, cost and found, and what papers claim."""

import json
from pathlib import Path

from xlprobe import command_line
from xlprobe.metrics.model_tables import ModelFacts
from xlprobe.metrics.signature_tables import SignatureFacts
from xlprobe.report.findings import RunFiles, write_findings


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument("--experiment", required=True)
    parser.add_argument("--models", type=ModelFacts.of_json, nargs="+", required=True, help="JSON of each model: what is measured of it")
    parser.add_argument("--tables", type=Path, nargs="*", default=[], help="tables of metrics/")
    for name in ("figures", "papers-tables", "figures-of-signatures", "tables-of-signatures"):
        parser.add_argument(f"--{name}", type=json.loads, default={}, help="JSON: by number, their titles")
    parser.add_argument("--followed", nargs="*", default=[], help="models whose figures, tables and claims of papers there are")
    parser.add_argument("--signatures", type=SignatureFacts.of_json, help="JSON: the comparisons, and their languages; where there is one")
    parser.add_argument("--markdown", type=Path, required=True, help="RESULTS.md, in the run's folder")
    parser.add_argument("--page", type=Path, required=True)
    named = vars(parser.parse_args())
    of_files = ("tables", "followed", "figures", "papers_tables", "figures_of_signatures", "tables_of_signatures")
    files = RunFiles.in_folder(named["markdown"].parent, named["signatures"] is not None, **{name: named.pop(name) for name in of_files})
    write_findings(files=files, **named)


if __name__ == "__main__":
    command_line.run(main)
