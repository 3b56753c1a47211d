"""Read XNLI's files in one language into a dataset: sentences, and labelled pairs of them."""

from pathlib import Path

from xlprobe import command_line
from xlprobe.datasets.nli import PUBLISHED, RAW, TOKENIZED, read_splits, split_of_file, write_nli


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument("--files", type=Path, nargs="+", required=True, help="a split each, in the official or in XTREME's layout")
    parser.add_argument("--folder", type=Path, required=True, help="where the dataset goes")
    parser.add_argument("--dataset", required=True, help="its name, e.g. xnli_en")
    parser.add_argument("--language", required=True, help="CC100 code of the language")
    parser.add_argument("--xnli-language", required=True, help="what XNLI calls it, e.g. zh")
    parser.add_argument("--parallel", help="the name of its parallel group, if it has one")
    parser.add_argument(
        "--forms", nargs="+", choices=(RAW, TOKENIZED), help="form of the text in each file, in the same order; raw if not given"
    )
    parser.add_argument("--text-form", default=RAW, choices=(RAW, TOKENIZED, PUBLISHED), help="form of the dataset's text")
    parser.add_argument("--max-pairs", type=int, help="pairs of each split to use; all if not given")
    arguments = parser.parse_args()
    files = {split_of_file(path): path for path in arguments.files}
    forms = dict(zip(files, arguments.forms or [RAW] * len(files), strict=True))
    splits, left_out = read_splits(files, arguments.xnli_language, arguments.max_pairs, forms)
    of_set = (arguments.folder, arguments.dataset, arguments.language, left_out, arguments.text_form, forms, arguments.parallel)
    write_nli(splits, *of_set)


if __name__ == "__main__":
    command_line.run(main)
