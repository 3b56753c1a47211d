"""Text to fairseq's memory-mapped token files, in one step: SentencePiece ids written straight to `.bin` and `.idx`.

`fairseq-preprocess` takes subwords as text, splits them again and looks each up; the files here are the same, byte for
byte (`workflow_tests/unit/corpus/test_binarization.py`), at many times the speed (`make bench`).
"""

import struct
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from xlprobe.artifacts.binarized_text import MAGIC
from xlprobe.artifacts.corpus_text import text_lines
from xlprobe.artifacts.tokenizer_folder import load_sentencepiece, model_ids
from xlprobe.artifacts.vocabulary import EOS, UNK
from xlprobe.errors import XlprobeError
from xlprobe.files import atomic_path, sha256, write_json
from xlprobe.progress import progress

LINES_PER_BATCH = 10_000


@dataclass(frozen=True)
class TokenCounts:
    """Size of one binarised split; `tokens` includes the `</s>` of each line."""

    lines: int
    tokens: int
    unknown: int


def token_type(dictionary_size: int) -> tuple[type[np.unsignedinteger], int]:
    """The integer type that fairseq stores tokens in, and its code in the index, for a dictionary without `<mask>`."""
    return (np.uint16, 8) if dictionary_size < 65500 else (np.uint32, 9)


def binarize_text(text: Path, model: Path, prefix: Path, threads: int) -> TokenCounts:
    """Write `prefix`.bin and `prefix`.idx from the lines of a cleaned corpus, `</s>` after each.

    Args:
        threads: SentencePiece threads; they do not change the result.
    """
    processor = load_sentencepiece(model)
    # fairseq-preprocess counts the four special symbols and the subwords from the fourth on.
    dtype, code = token_type(processor.get_piece_size() + 1)
    sizes = array("i")
    unknown = 0
    with atomic_path(prefix.with_suffix(".bin")) as temporary, temporary.open("wb") as stream:
        for lines in progress(_batches(text_lines(text)), f"binarising {text.parent.name}/{prefix.name}", "batches"):
            encoded: list[list[int]] = processor.encode(lines, num_threads=threads)
            lengths = np.fromiter(map(len, encoded), dtype=np.int32, count=len(encoded))
            # An end-of-line token stands behind the subwords of each line.
            ends = np.cumsum(lengths + 1) - 1
            tokens = np.empty(int(ends[-1]) + 1, dtype=np.int64)
            is_subword = np.ones(len(tokens), dtype=bool)
            is_subword[ends] = False
            tokens[is_subword] = model_ids(np.fromiter((i for ids in encoded for i in ids), dtype=np.int64, count=int(lengths.sum())))
            tokens[ends] = EOS
            unknown += int((tokens == UNK).sum())
            stream.write(tokens.astype(dtype).tobytes())
            sizes.frombytes((lengths + 1).tobytes())
    if not sizes:
        raise XlprobeError(f"{text}: no text to binarise, because the cleaned corpus is empty; give more text, or take the language out")
    all_sizes = np.frombuffer(sizes, dtype=np.int32)
    _write_index(prefix.with_suffix(".idx"), all_sizes, np.dtype(dtype).itemsize, code)
    return TokenCounts(lines=len(all_sizes), tokens=int(all_sizes.sum(dtype=np.int64)), unknown=unknown)


def binarize_language(train: Path, valid: Path, model: Path, folder: Path, manifest: Path, threads: int) -> None:
    """Binarise a language's train and valid text into `folder` and write `manifest`: counts, and each file's sha256."""
    splits = {}
    for split, text in (("train", train), ("valid", valid)):
        counts = binarize_text(text, model, folder / split, threads)
        splits[split] = {
            "lines": counts.lines,
            "tokens": counts.tokens,
            "unknown": counts.unknown,
            "sha256": {suffix: sha256(folder / f"{split}.{suffix}") for suffix in ("bin", "idx")},
        }
    write_json(manifest, {"sentencepiece_sha256": sha256(model), "splits": splits})


def _batches(lines: Iterator[str]) -> Iterator[list[str]]:
    while batch := list(islice(lines, LINES_PER_BATCH)):
        yield batch


def _write_index(path: Path, sizes: np.ndarray, item_size: int, code: int) -> None:
    """fairseq's index: magic, version 1, type code, number of lines, sizes (int32), byte offsets (int64)."""
    offsets = np.zeros(len(sizes), dtype=np.int64)
    np.cumsum(sizes[:-1], dtype=np.int64, out=offsets[1:])
    offsets *= item_size
    with atomic_path(path) as temporary, temporary.open("wb") as stream:
        stream.write(MAGIC + struct.pack("<QBQ", 1, code, len(sizes)))
        stream.write(sizes.tobytes())
        stream.write(offsets.tobytes())
