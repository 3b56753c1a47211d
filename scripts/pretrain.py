"""Bring a model's pretraining to a step, from the newest state before it."""

import json
from pathlib import Path

from xlprobe import command_line
from xlprobe.artifacts.binarized_text import folders_by_language
from xlprobe.pretraining.intervals import PretrainingRun, train_interval


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument("--model", required=True)
    parser.add_argument("--step", type=int, required=True, help="updates to train to")
    parser.add_argument("--previous", type=int, help="the step before, whose training must not be repeated")
    parser.add_argument("--folder", type=Path, required=True, help="the model's training state")
    parser.add_argument("--record", type=Path, required=True, help="JSON to write when the step is there")
    parser.add_argument("--dictionary", type=Path, required=True, help="fairseq's dict.txt")
    parser.add_argument("--binarized", type=Path, required=True, help="folder with a folder a text")
    parser.add_argument("--texts", nargs="+", required=True, help="LANGUAGE, or VARIANT/LANGUAGE")
    parser.add_argument("--architecture", type=json.loads, required=True, help="JSON, as in the configuration")
    parser.add_argument("--training", type=json.loads, required=True, help="JSON, as in the configuration")
    parser.add_argument("--execution", type=json.loads, required=True, help="JSON, as in the configuration")
    arguments = parser.parse_args()
    run = PretrainingRun(
        folder=arguments.folder,
        dictionary=arguments.dictionary,
        languages=folders_by_language(arguments.binarized, arguments.texts),
        architecture=arguments.architecture,
        training=arguments.training,
        execution=arguments.execution,
    )
    train_interval(run, arguments.model, arguments.step, arguments.previous, arguments.record)


if __name__ == "__main__":
    command_line.run(main)
