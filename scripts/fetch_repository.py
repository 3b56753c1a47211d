"""Fetch a checkpoint from the Hugging Face hub, verified."""

from pathlib import Path

from xlprobe import command_line
from xlprobe.sources.hub import fetch_repository


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument("--repository", required=True, help="as the hub names it, organisation/name")
    parser.add_argument("--revision", required=True, help="branch, tag or commit")
    parser.add_argument("--output", type=Path, required=True, help="folder")
    parser.add_argument("--lock", type=Path, required=True, help="TSV of what earlier downloads were")
    parser.add_argument("--key", required=True, help="the model's key in the configuration (models.NAME), for messages")
    fetch_repository(**vars(parser.parse_args()))


if __name__ == "__main__":
    command_line.run(main)
