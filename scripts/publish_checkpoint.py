"""Convert a pretraining step to a Hugging Face folder, checked against fairseq's own forward pass."""

from pathlib import Path

from xlprobe import command_line
from xlprobe.artifacts.checkpoint_lists import checkpoint_files, from_argument
from xlprobe.checkpoints.from_fairseq import publish_trained


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument("--pretraining", type=Path, required=True, help="the model's training state")
    parser.add_argument("--training", type=Path, required=True, help="the step's record")
    parser.add_argument("--tokenizer", type=Path, required=True, help="the run's tokenizer, used if the training state has none of its own")
    parser.add_argument("--folder", type=Path, required=True, help="where the checkpoint goes")
    parser.add_argument("--model", required=True)
    parser.add_argument("--training-seed", type=int)
    parser.add_argument("--published", type=Path, required=True, help="folder of the run's checkpoints")
    parser.add_argument("--siblings", type=from_argument, default={}, help="the model's others: their steps by training run, in JSON")
    given = vars(parser.parse_args())
    siblings = checkpoint_files(given.pop("published"), given.pop("siblings"), "/identity.json")
    publish_trained(**given, siblings=siblings)


if __name__ == "__main__":
    command_line.run(main)
