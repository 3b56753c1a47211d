"""Convert a pretraining step to a Hugging Face folder, checked against fairseq's own forward pass."""

from pathlib import Path

from xlprobe import command_line
from xlprobe.checkpoints.from_fairseq import publish_trained


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument("--pretraining", type=Path, required=True, help="the model's training state")
    parser.add_argument("--training", type=Path, required=True, help="the step's record")
    parser.add_argument("--tokenizer", type=Path, required=True, help="the run's tokenizer, used if the training state has none of its own")
    parser.add_argument("--folder", type=Path, required=True, help="where the checkpoint goes")
    parser.add_argument("--model", required=True)
    parser.add_argument("--training-seed", type=int)
    parser.add_argument("--siblings", type=Path, nargs="*", default=[], help="identities of the model's other checkpoints")
    publish_trained(**vars(parser.parse_args()))


if __name__ == "__main__":
    command_line.run(main)
