"""Binarisation against `fairseq-preprocess`, both from raw text: first the files are equal, then the times, A/B/A/B."""

import statistics
import time

import speed_claims
from fairseq_preprocess import fairseq_preprocess

from xlprobe.artifacts.corpus_text import text_lines
from xlprobe.artifacts.tokenizer_folder import load_sentencepiece
from xlprobe.artifacts.vocabulary import SENTENCEPIECE_FILE
from xlprobe.corpus.binarization import binarize_text
from xlprobe.files import atomic_zstd_writer

MEBIBYTES = 8
ROUNDS = 3


def seconds(work, *arguments):
    start = time.perf_counter()
    work(*arguments)
    return time.perf_counter() - start


def test_binarising_is_faster_than_fairseq_preprocess(tiny_text, tmp_path):
    lines = [line for language in tiny_text.languages for line in text_lines(tiny_text.corpus(language).train)]
    # Paragraphs, as in CC100.
    paragraphs = [" ".join(lines[start : start + 5]) for start in range(0, len(lines), 5)]
    size = sum(len(line.encode()) + 1 for line in paragraphs)
    paragraphs *= round(MEBIBYTES * 2**20 / size)
    model, text, subwords = tiny_text.tokenizer / SENTENCEPIECE_FILE, tmp_path / "text.zst", tmp_path / "train.subwords"
    with atomic_zstd_writer(text) as stream:
        stream.write("".join(f"{line}\n" for line in paragraphs).encode())
    with subwords.open("w") as stream:
        stream.writelines(" ".join(line) + "\n" for line in load_sentencepiece(model).encode(paragraphs, out_type=str))
    ours, theirs = [], []
    for _ in range(ROUNDS):
        ours.append(seconds(binarize_text, text, model, tmp_path / "ours", 1))
        theirs.append(seconds(fairseq_preprocess, subwords, tiny_text.tokenizer, tmp_path))
    for suffix in ("bin", "idx"):
        assert (tmp_path / f"ours.{suffix}").read_bytes() == (tmp_path / f"train.{suffix}").read_bytes()
    # fairseq's start-up is no part of its speed at scale.
    empty = tmp_path / "empty.subwords"
    empty.write_text("a\n")
    (tmp_path / "empty").mkdir()
    start_up = min(seconds(fairseq_preprocess, empty, tiny_text.tokenizer, tmp_path / "empty") for _ in range(2))
    fast, slow = statistics.median(ours), statistics.median(theirs) - start_up
    print(
        f"\nbinarisation, {MEBIBYTES} MiB, one thread: ours {MEBIBYTES / fast:.1f} MiB/s,"
        f" fairseq-preprocess {MEBIBYTES / slow:.2f} MiB/s (start-up of {start_up:.1f} s left out): {slow / fast:.1f}x"
    )
    speed_claims.hold("binarisation against fairseq-preprocess", slow / fast)
