"""Convert a checkpoint that fairseq saved elsewhere to a Hugging Face folder, checked against fairseq's own forward pass."""

from pathlib import Path

from xlprobe import command_line
from xlprobe.artifacts.checkpoint_lists import checkpoint_files, from_argument
from xlprobe.checkpoints.from_fairseq import publish_fairseq


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument("--state", type=Path, required=True, help="the .pt file")
    parser.add_argument("--tokenizer", type=Path, required=True, help="folder of the suite's tokenizer")
    parser.add_argument("--folder", type=Path, required=True, help="where the checkpoint goes")
    parser.add_argument("--model", required=True)
    parser.add_argument("--training-seed", type=int)
    parser.add_argument("--published", type=Path, required=True, help="folder of the run's checkpoints")
    parser.add_argument("--siblings", type=from_argument, default={}, help="the model's others: their steps by training run, in JSON")
    parser.add_argument("--step", type=int, required=True)
    parser.add_argument("--place", required=True, help="where the file comes from, for the record")
    given = vars(parser.parse_args())
    siblings = checkpoint_files(given.pop("published"), given.pop("siblings"), "/identity.json")
    publish_fairseq(**given, siblings=siblings)


if __name__ == "__main__":
    command_line.run(main)
