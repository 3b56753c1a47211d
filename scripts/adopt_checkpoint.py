"""Publish a checkpoint that the transformers library reads as a folder of the form that all checkpoints have."""

from pathlib import Path

from xlprobe import command_line
from xlprobe.artifacts.checkpoint_lists import checkpoint_files, from_argument
from xlprobe.checkpoints.from_huggingface import publish_huggingface


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument("--source", type=Path, required=True, help="the checkpoint's folder")
    parser.add_argument("--folder", type=Path, required=True, help="where the published one goes")
    parser.add_argument("--model", required=True)
    parser.add_argument("--training-seed", type=int)
    parser.add_argument("--published", type=Path, required=True, help="folder of the run's checkpoints")
    parser.add_argument("--siblings", type=from_argument, default={}, help="the model's others: their steps by training run, in JSON")
    parser.add_argument("--step", type=int, required=True)
    parser.add_argument("--objective", choices=["auto", "masked", "causal"], default="auto")
    parser.add_argument("--own-code", choices=["refused", "ignored"], default="refused", help="code that comes with it; it never runs")
    parser.add_argument("--bits", action="store_true", help="bits per character will be measured with it")
    parser.add_argument("--place", required=True, help="where the folder comes from, for the record")
    given = vars(parser.parse_args())
    siblings = checkpoint_files(given.pop("published"), given.pop("siblings"), "/identity.json")
    publish_huggingface(**given, siblings=siblings)


if __name__ == "__main__":
    command_line.run(main)
