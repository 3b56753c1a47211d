"""Train a SentencePiece model, or adopt a given one, and derive fairseq's dictionary and the Hugging Face tokenizer."""

from pathlib import Path

from xlprobe import command_line
from xlprobe.artifacts.vocabulary import SENTENCEPIECE_FILE
from xlprobe.corpus.tokenization import CleanedCorpus, adopt_sentencepiece, build_tokenizer, train_sentencepiece


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="where the tokenizer's files go")
    parser.add_argument("--model", type=Path, help="a SentencePiece model to adopt; if not given, one is trained")
    parser.add_argument("--train", type=Path, nargs="*", default=[], help="cleaned train text of each language")
    parser.add_argument("--counts", type=Path, nargs="*", default=[], help="its counts, in the same order")
    parser.add_argument("--vocabulary-size", type=int, required=True)
    parser.add_argument("--alpha", type=float, required=True)
    parser.add_argument("--sample-lines", type=int, required=True)
    parser.add_argument("--character-coverage", type=float, required=True)
    parser.add_argument("--seed", type=int, required=True)
    arguments = parser.parse_args()
    target = arguments.folder / SENTENCEPIECE_FILE
    if arguments.model:
        adopt_sentencepiece(arguments.model, target)
    else:
        corpora = [CleanedCorpus(train, counts) for train, counts in zip(arguments.train, arguments.counts, strict=True)]
        wanted = ("vocabulary_size", "alpha", "sample_lines", "character_coverage", "seed")
        train_sentencepiece(corpora, target, **{name: getattr(arguments, name) for name in wanted})
    build_tokenizer(target, arguments.folder)


if __name__ == "__main__":
    command_line.run(main)
