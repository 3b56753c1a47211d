import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from fairseq_preprocess import fairseq_preprocess

import xlprobe.pretraining.fairseq_runtime  # noqa: F401  isort: skip  (must come before fairseq)
from fairseq.data import indexed_dataset

from xlprobe.artifacts.binarized_text import check_binarized
from xlprobe.artifacts.corpus_text import text_lines
from xlprobe.artifacts.tokenizer_folder import load_sentencepiece
from xlprobe.artifacts.vocabulary import SENTENCEPIECE_FILE
from xlprobe.corpus import binarization
from xlprobe.corpus.binarization import binarize_language, binarize_text, token_type
from xlprobe.errors import XlprobeError
from xlprobe.files import atomic_zstd_writer


def as_users_do(text, tokenizer, folder):
    """Binarise a cleaned corpus the way fairseq's users do: subwords as text, then `fairseq-preprocess`."""
    processor = load_sentencepiece(tokenizer / SENTENCEPIECE_FILE)
    subwords = folder / "train.subwords"
    with subwords.open("w") as stream:
        stream.writelines(" ".join(line) + "\n" for line in processor.encode(list(text_lines(text)), out_type=str))
    fairseq_preprocess(subwords, tokenizer, folder)
    return folder / "train"


@pytest.mark.parametrize("threads", [1, 2])
def test_files_are_those_of_fairseq_preprocess(tiny_text, tmp_path, monkeypatch, threads):
    monkeypatch.setattr(binarization, "LINES_PER_BATCH", 700)  # more than one batch
    text = tmp_path / "text.zst"
    with atomic_zstd_writer(text) as stream:
        stream.write("".join(f"{line}\n" for line in text_lines(tiny_text.corpus("qba").train)).encode())
        stream.write("漢字 ⛵ unseen\n\nafter a blank line\n".encode())
    theirs = as_users_do(text, tiny_text.tokenizer, tmp_path)
    counts = binarize_text(text, tiny_text.tokenizer / SENTENCEPIECE_FILE, tmp_path / "ours", threads)
    for suffix in (".bin", ".idx"):
        assert (tmp_path / f"ours{suffix}").read_bytes() == theirs.with_suffix(suffix).read_bytes()
    read = indexed_dataset.MMapIndexedDataset(str(tmp_path / "ours"))
    assert len(read) == counts.lines > 2 * 700
    assert counts.tokens == read.sizes.sum() and counts.unknown == sum(int((line == 3).sum()) for line in read) > 0


@pytest.mark.parametrize("size", [65_499, 65_500, 250_001])
def test_token_types_are_fairseqs(size, tmp_path):
    dtype, code = token_type(size)
    builder = indexed_dataset.make_builder(str(tmp_path / "theirs.bin"), "mmap", size)
    lines = [np.array([0, 5, size - 1]), np.array([2])]
    for line in lines:
        import torch

        builder.add_item(torch.from_numpy(line))
    builder.finalize(str(tmp_path / "theirs.idx"))
    assert (tmp_path / "theirs.bin").read_bytes() == np.concatenate(lines).astype(dtype).tobytes()
    binarization._write_index(tmp_path / "ours.idx", np.array([3, 1], dtype=np.int32), np.dtype(dtype).itemsize, code)
    assert (tmp_path / "ours.idx").read_bytes() == (tmp_path / "theirs.idx").read_bytes()


def test_the_manifest_tells_content_apart(tiny_text, tmp_path):
    corpus, model = tiny_text.folder / "corpus" / "qaa", tiny_text.tokenizer / SENTENCEPIECE_FILE
    manifests = []
    for name, train in (("a", "train"), ("b", "train"), ("c", "valid")):
        folder = tmp_path / name
        binarize_language(corpus / f"{train}.txt.zst", corpus / "valid.txt.zst", model, folder, folder / "manifest.json", 1)
        manifests.append(json.loads((folder / "manifest.json").read_text()))
    assert manifests[0] == manifests[1] != manifests[2]
    assert manifests[0]["splits"]["train"]["lines"] == json.loads((corpus / "counts.json").read_text())["train"]["lines"]


def test_empty_text_is_refused(tiny_text, tmp_path):
    with atomic_zstd_writer(tmp_path / "empty"):
        pass
    with pytest.raises(XlprobeError, match="no text to binarise, because the cleaned corpus is empty; give more text"):
        binarize_text(tmp_path / "empty", tiny_text.tokenizer / SENTENCEPIECE_FILE, tmp_path / "out", 1)


@pytest.mark.parametrize(("code", "token_bytes"), [(8, 2), (9, 4)])
def test_large_vocabularies_take_four_bytes_a_token(tmp_path, code, token_bytes):
    index, tokens = b"MMIDIDX\0\0" + bytes([1] + 7 * [0] + [code]), 5
    (tmp_path / "train.idx").write_bytes(index)
    (tmp_path / "train.bin").write_bytes(bytes(tokens * token_bytes))
    held = {"splits": {"train": {"sha256": {"idx": hashlib.sha256(index).hexdigest()}, "tokens": tokens}}}
    (tmp_path / "manifest.json").write_text(json.dumps(held))
    check_binarized(tmp_path)
    (tmp_path / "train.bin").write_bytes(bytes(tokens * token_bytes - 1))
    with pytest.raises(XlprobeError, match=rf"is damaged \({tokens * token_bytes - 1} bytes, of {tokens * token_bytes}\)"):
        check_binarized(tmp_path)


@pytest.mark.parametrize("damage", ["index", "half", "gone", "manifest", "half a manifest"])
def test_damaged_files_are_refused_before_training(tiny_text, tmp_path, damage):
    folder = Path(shutil.copytree(tiny_text.folder / "binarized" / "qaa", tmp_path / "qaa"))
    check_binarized(folder)
    name = {"index": "valid.idx", "half": "train.bin", "gone": "train.bin"}.get(damage, "manifest.json")
    content = (folder / name).read_bytes()
    if damage == "gone":
        (folder / name).unlink()
    else:
        kept = {"index": content[:-8] + bytes(8), "manifest": b"{}"}
        (folder / name).write_bytes(kept.get(damage, content[: len(content) // 2]))
    said = rf"^{folder}/{name}\S* .*; delete ({folder}/manifest\.json|it) to binarise its text again$"
    with pytest.raises(XlprobeError, match=said):
        check_binarized(folder)
