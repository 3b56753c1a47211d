"""Analyse mean signatures: their spread, trends over layers, what they go together with, and how much they vary."""

import json
from pathlib import Path

from xlprobe import command_line
from xlprobe.metrics.signature_analyses import write_signature_analyses

TABLES = ("factors", "spreads", "standings", "trends", "correlations", "variances")


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument("--signatures", type=Path, required=True, help="metrics/signatures.parquet")
    parser.add_argument("--comparisons", type=json.loads, required=True, help="JSON: languages, texts and datasets of each variant")
    parser.add_argument("--sets", type=json.loads, required=True, help="JSON: diverse languages, and related ones by genus")
    parser.add_argument("--texts", nargs="*", default=[], help="names of the texts that models are pretrained on")
    parser.add_argument("--counts", type=Path, nargs="*", default=[], help="counts.json of each, in the same order")
    parser.add_argument("--datasets", type=Path, nargs="*", default=[], help="folders of the words whose signatures are taken")
    for table in TABLES:
        parser.add_argument(f"--signature-{table}-output", type=Path, required=True, help="Parquet file to write")
    write_signature_analyses(**vars(parser.parse_args()))


if __name__ == "__main__":
    command_line.run(main)
