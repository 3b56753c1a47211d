"""Check that a model's tokenizer and text are still those that it was trained with."""

from pathlib import Path

from xlprobe import command_line
from xlprobe.pretraining.trained_text import check_text


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument("--model", required=True)
    parser.add_argument("--state", type=Path, required=True, help="the model's training state")
    parser.add_argument("--checkpoints", type=Path, required=True, help="folder with a folder a step")
    parser.add_argument("--dictionary", type=Path, required=True, help="fairseq's dict.txt")
    parser.add_argument("--binarized", type=Path, required=True, help="folder with a folder a text")
    parser.add_argument(
        "--texts", nargs="*", required=True, help="LANGUAGE, or VARIANT/LANGUAGE; if none is given, only the tokenizer is compared"
    )
    parser.add_argument("--output", type=Path, required=True)
    check_text(**vars(parser.parse_args()))


if __name__ == "__main__":
    command_line.run(main)
