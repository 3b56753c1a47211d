"""Hold the claims of paper 1 against a run's model, or those of paper 2 against its signatures: Parquet, CSV and Markdown."""

from pathlib import Path

from xlprobe import command_line
from xlprobe.claims.judging import write_claims
from xlprobe.metrics.model_tables import ModelFacts
from xlprobe.metrics.signature_tables import SignatureFacts


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument("--tables", type=Path, nargs="*", default=[], help="tables of metrics/ that claims are held against")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--facts", type=ModelFacts.of_json, help="JSON: the model, and what is measured of it")
    what.add_argument("--signatures", dest="facts", type=SignatureFacts.of_json, help="JSON: the comparisons, and their languages")
    parser.add_argument("--configuration", type=Path, required=True, help="JSON: the run's configuration")
    parser.add_argument("--environment", type=Path, required=True, help="JSON: what the run was made with")
    parser.add_argument("--parquet", type=Path, required=True)
    parser.add_argument("--csv", type=Path, required=True)
    parser.add_argument("--markdown", type=Path, required=True)
    write_claims(**vars(parser.parse_args()))


if __name__ == "__main__":
    command_line.run(main)
