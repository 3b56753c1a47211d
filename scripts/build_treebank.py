"""Read a UD treebank's files into a dataset: sentences and words with their labels."""

from pathlib import Path

from xlprobe import command_line
from xlprobe.datasets.treebank import read_splits, write_dataset


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument("--files", type=Path, nargs="+", required=True, help="CoNLL-U, plain or compressed")
    parser.add_argument("--folder", type=Path, required=True, help="where the dataset goes")
    parser.add_argument("--dataset", required=True, help="its name, e.g. en_ewt")
    parser.add_argument("--language", required=True, help="its CC100 code")
    parser.add_argument("--parallel", help="the name of its parallel group, if it is a parallel test set")
    parser.add_argument("--max-sentences", type=int, help="sentences of each split to use; all if not given")
    parser.add_argument("--dev-fraction", type=float, required=True, help="share of train that becomes dev, if there is no dev")
    parser.add_argument("--negatives", choices=["any", "unlinked"], required=True, help="which words may stand in place of the head")
    parser.add_argument("--clean-forms", action="store_true", help="take '_' off forms where it marks a part of a multiword token")
    arguments = parser.parse_args()
    splits = read_splits(arguments.files, arguments.max_sentences, arguments.dev_fraction, arguments.clean_forms)
    of_set = (arguments.folder, arguments.dataset, arguments.language, arguments.negatives, arguments.clean_forms, arguments.parallel)
    write_dataset(splits, *of_set)


if __name__ == "__main__":
    command_line.run(main)
