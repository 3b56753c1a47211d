"""Which subwords belong to which word, on real text in many scripts, for each family of tokenizers."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from suites import FAMILIES, new_model, new_tokenizer

from xlprobe.corpus import clean_corpus
from xlprobe.datasets import read_splits
from xlprobe.features import Encoder
from xlprobe.resources import treebanks
from xlprobe.tokenization import CleanedCorpus, build_tokenizer, train_sentencepiece
from xlprobe.treebanks import Sentence
from xlprobe.vocabulary import SENTENCEPIECE_FILE

# Unspaced scripts, spaces inside words, joiners, combining vowels, syllables, multiword tokens.
TREEBANKS = ["ar_pud", "en_ewt", "fa_seraji", "fr_gsd", "hi_pud", "ja_gsd", "ko_gsd", "ru_gsd", "ta_ttb", "th_pud", "vi_vtb", "zh_gsd"]
VOCABULARY = 4000
SENTENCES = 60


@pytest.fixture(scope="module")
def sentences(real_data) -> list[Sentence]:
    found = []
    for name in TREEBANKS:
        files = sorted((real_data / "ud" / treebanks()[name].folder).glob("*-test.conllu.xz"))
        found += read_splits(files, SENTENCES, 0.1)["test"]
    return found


@pytest.fixture(scope="module")
def sentencepiece(sentences, tmp_path_factory) -> Path:
    """XLM-R's kind of tokenizer, trained on the treebanks' text."""
    folder = tmp_path_factory.mktemp("sentencepiece")
    (folder / "text").write_text("\n\n".join(sentence.text for sentence in sentences))
    corpus = CleanedCorpus(folder / "train", folder / "counts")
    clean_corpus(folder / "text", corpus.train, folder / "valid", corpus.counts, "xx", 0.01, 5)
    train_sentencepiece([corpus], folder / SENTENCEPIECE_FILE, VOCABULARY, 0.3, 10_000, 0.9999, 1)
    build_tokenizer(folder / SENTENCEPIECE_FILE, folder)
    return folder


@pytest.fixture(scope="module", params=FAMILIES)
def encoder(request, sentences, sentencepiece, tmp_path_factory) -> Encoder:
    """A small model of each family, its tokenizer trained on the treebanks' text."""
    folder = tmp_path_factory.mktemp(request.param)
    tokenizer = new_tokenizer(request.param, [sentence.text for sentence in sentences], sentencepiece, VOCABULARY)
    new_model(request.param, tokenizer).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    (folder / "identity.json").write_text(json.dumps({"step": 0, "files": {}, "layers": 2, "objective": "auto"}))
    return Encoder(folder, torch.device("cpu"))


def spelled(encoder: Encoder, ids: list[int]) -> str:
    """What some subwords spell, by the tokenizer's own decoder, without spaces and word pieces' marks."""
    return re.sub(r"\s|##", "", encoder.tokenizer.decode(ids, clean_up_tokenization_spaces=False))


def normalised(encoder: Encoder, text: str) -> str:
    normalizer = encoder.tokenizer.backend_tokenizer.normalizer
    return re.sub(r"\s|▁", "", normalizer.normalize_str(text) if normalizer else text)


def groups(pairs: np.ndarray) -> Iterator[tuple[list[int], list[int]]]:
    """Subwords and words that belong together, neighbours joined where they share one."""
    subwords: set[int] = set()
    words: set[int] = set()
    for subword, word in pairs.tolist():
        if words and subword not in subwords and word not in words:
            yield sorted(subwords), sorted(words)
            subwords, words = set(), set()
        subwords.add(subword)
        words.add(word)
    yield sorted(subwords), sorted(words)


def test_the_subwords_of_a_word_spell_it(encoder, sentences):
    checked = alone = 0
    for sentence in sentences:
        starts, ends = (np.array([getattr(word, edge) for word in sentence.words]) for edge in ("start", "end"))
        (encoded,) = encoder.encode([sentence.text], [starts], [ends])
        for subwords, words in groups(encoded.pairs):
            ids = encoded.ids[subwords].tolist()
            if encoder.tokenizer.unk_token_id in ids:
                continue
            # Words of one multiword token have the same characters.
            spans = sorted({(int(starts[word]), int(ends[word])) for word in words})
            expected = "".join(normalised(encoder, sentence.text[start:end]) for start, end in spans)
            assert spelled(encoder, ids) == expected, (sentence.sent_id, spans)
            checked += len(words)
            alone += len(spans) == 1
    assert checked > 12_000 and alone > 6_000
