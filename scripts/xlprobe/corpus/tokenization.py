"""One SentencePiece model and two views of it: fairseq's `dict.txt` and the Hugging Face tokenizer.

The vocabulary is XLM-R's: `<s> <pad> </s> <unk>`, then SentencePiece's subwords from the fourth on, then `<mask>`.
SentencePiece's id i is therefore i + 1 in the language model, except `<unk>`: 0 there, 3 here.
"""

import io
import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import sentencepiece
from sentencepiece.sentencepiece_model_pb2 import ModelProto

from xlprobe.artifacts.corpus_text import read_counts, text_lines
from xlprobe.artifacts.tokenizer_folder import load_sentencepiece
from xlprobe.artifacts.vocabulary import DICTIONARY_FILE, HUGGING_FACE_FILES, IDENTITY_FILE, SENTENCEPIECE_FILE
from xlprobe.errors import ConfigError, XlprobeError
from xlprobe.files import atomic_path, sha256, write_json, write_text
from xlprobe.models.sentencepiece_normalization import compositions
from xlprobe.progress import progress

# SentencePiece sums in one order per thread: a fixed number of threads gives the same model on every machine.
TRAINING_THREADS = 4
# SentencePiece adds scores in float32, Hugging Face in float64, and near-ties then fall differently (4 lines in 46,000).
# Multiples of 2^-8 add up exactly in both.
SCORE_UNIT = 2.0**-8


@dataclass(frozen=True)
class CleanedCorpus:
    """Where one language's cleaned text and its counts lie."""

    train: Path
    counts: Path


def sampled_lines(corpora: list[CleanedCorpus], sample_lines: int, alpha: float, seed: int) -> Iterator[str]:
    """Yield about `sample_lines` training lines, a language's share proportional to (its lines)^alpha.

    The lines of a language are drawn without replacement and in order; a language with fewer lines than its share
    gives all of them (XLM-R's tokenizer: Conneau et al. 2020, section 3, alpha 0.3).
    """
    counts = [read_counts(corpus.counts) for corpus in corpora]
    weights = [count["train"]["lines"] ** alpha for count in counts]
    for corpus, count, weight in zip(corpora, counts, weights, strict=True):
        lines = count["train"]["lines"]
        share = min(lines, round(sample_lines * weight / sum(weights)))
        chosen = iter(sorted(random.Random(f"{seed} {count['language']}").sample(range(lines), share)))
        wanted = next(chosen, None)
        for number, line in enumerate(text_lines(corpus.train)):
            if wanted is None:
                break
            if number == wanted:
                yield line
                wanted = next(chosen, None)


def train_sentencepiece(
    corpora: list[CleanedCorpus],
    model: Path,
    vocabulary_size: int,
    alpha: float,
    sample_lines: int,
    character_coverage: float,
    seed: int,
) -> None:
    """Train a unigram SentencePiece model on a sample of the corpora and write it to `model`.

    Raises:
        ConfigError: the sample is too small for the vocabulary.
    """
    written = io.BytesIO()
    lines = progress(sampled_lines(corpora, sample_lines, alpha, seed), "sampling", "lines")
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=lines,
            model_writer=written,
            vocab_size=vocabulary_size,
            model_type="unigram",
            character_coverage=character_coverage,
            num_threads=TRAINING_THREADS,
            max_sentence_length=1 << 20,  # the default of 4192 bytes skips long paragraphs without a word
            minloglevel=1,
        )
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[-1].rpartition("] ")[2]
        raise ConfigError(
            f"config key tokenizer.vocabulary_size: SentencePiece cannot train {vocabulary_size} subwords on this sample ({reason});"
            " choose another size, or give more text"
        ) from None
    proto = ModelProto.FromString(written.getvalue())
    for subword in proto.pieces:
        subword.score = round(subword.score / SCORE_UNIT) * SCORE_UNIT
    with atomic_path(model) as temporary:
        temporary.write_bytes(proto.SerializeToString(deterministic=True))


def adopt_sentencepiece(source: Path, model: Path) -> None:
    """Copy a given SentencePiece model to `model`.

    Raises:
        XlprobeError: the file is missing or no SentencePiece model, or its first subwords are not XLM-R's.
    """
    load_sentencepiece(source)
    with atomic_path(model) as temporary:
        shutil.copyfile(source, temporary)


def write_dictionary(processor: sentencepiece.SentencePieceProcessor, path: Path) -> None:
    """Write fairseq's `dict.txt`: a subword a line from the fourth on; fairseq adds the special symbols itself."""
    subwords = (processor.id_to_piece(index) for index in range(3, processor.get_piece_size()))
    # The second column is a count, which masked language modelling does not use.
    write_text(path, "".join(f"{subword} 1\n" for subword in subwords))


def build_tokenizer(model: Path, folder: Path) -> None:
    """Write `dict.txt` and a Hugging Face tokenizer beside a SentencePiece model.

    Args:
        model: the SentencePiece model; it must lie in `folder` under the name `sentencepiece.bpe.model`.

    Raises:
        XlprobeError: Hugging Face read another vocabulary out of the model than fairseq does.
    """
    from tokenizers import normalizers
    from transformers import PreTrainedTokenizerFast, XLMRobertaTokenizer

    processor = load_sentencepiece(model)
    write_dictionary(processor, folder / DICTIONARY_FILE)
    read = XLMRobertaTokenizer.from_pretrained(folder)
    backend = read.backend_tokenizer
    backend.normalizer = normalizers.Sequence(
        [*(normalizers.Replace(apart, composed) for apart, composed in compositions()), backend.normalizer]
    )
    # XLMRobertaTokenizer would build its own normaliser again whenever it is loaded.
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend, model_input_names=["input_ids", "attention_mask"], **read.special_tokens_map
    )
    tokenizer.save_pretrained(folder)
    expected = processor.get_piece_size() + 2
    if len(tokenizer) != expected:
        raise XlprobeError(
            f"{folder}: the Hugging Face tokenizer has {len(tokenizer)} tokens, expected {expected}; give another SentencePiece model"
        )
    sample = [processor.id_to_piece(index) for index in (3, processor.get_piece_size() - 1)]
    found = tokenizer.convert_tokens_to_ids([*sample, "<mask>"])
    if found != [4, expected - 2, expected - 1]:
        raise XlprobeError(
            f"{folder}: the Hugging Face tokenizer gives {[*sample, '<mask>']} the ids {found}; give another SentencePiece model"
        )
    files = (SENTENCEPIECE_FILE, DICTIONARY_FILE, *HUGGING_FACE_FILES)
    write_json(folder / IDENTITY_FILE, {"vocabulary_size": expected, "sha256": {name: sha256(folder / name) for name in files}})
