"""Which subwords belong to which word, on real text in many scripts, for each family of tokenizers."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from suites import FAMILIES, new_model, new_tokenizer

from xlprobe.artifacts.vocabulary import SENTENCEPIECE_FILE
from xlprobe.corpus.cleaning import clean_corpus
from xlprobe.corpus.tokenization import CleanedCorpus, build_tokenizer, train_sentencepiece
from xlprobe.datasets.conllu import Sentence
from xlprobe.datasets.treebank import read_splits
from xlprobe.features.encoding import Encoder
from xlprobe.study.resource_tables import treebanks

# Unspaced scripts, spaces inside words, joiners, combining vowels, syllables, multiword tokens.
TREEBANKS = ["ar_pud", "en_ewt", "fa_seraji", "fr_gsd", "hi_pud", "ja_gsd", "ko_gsd", "ru_gsd", "ta_ttb", "th_pud", "vi_vtb", "zh_gsd"]
VOCABULARY = 4000
SENTENCES = 60
# Words between bars, which are taken out: punctuation at words' ends and in a row, no spaces, marks, joiners, letters unknown to all.
BY_HAND = [
    "|He| |said|,| |he| |knows|.|",
    "|(|What|?|!|)| |\u201cno|\u201d|,| |do|n't|\u2026|",
    "|l'|eau| |de| |10| 000| |pas|...|",
    "|\u4ed6|\u8bf4|\uff0c|\u6211|\u56de\u6765|\u4e86|\u3002|",
    "|\u732b|\u304c|\u3001|\u9b5a|\u3092|\u98df\u3079|\u305f|\u3002|",
    "|\u0e1c\u0e21|\u0e2d\u0e22\u0e39\u0e48|\u0e1a\u0e49\u0e32\u0e19|.|",
    "|\u0645\u06cc\u200c\u0631\u0648\u0645|.| |\u0939\u093f\u0928\u094d\u0926\u0940|\u0964|",
    "|\U0001f600|\u00e9|e\u0301|,|\u200b|a|",
]


@pytest.fixture(scope="module")
def sentences(real_data) -> list[Sentence]:
    found = []
    for name in TREEBANKS:
        files = sorted((real_data / "ud" / treebanks()[name].folder).glob("*-test.conllu.xz"))
        found += read_splits(files, SENTENCES, 0.1)["test"]
    return found


def sentencepiece_of(texts: list[str], folder: Path, vocabulary: int) -> Path:
    """XLM-R's kind of tokenizer, trained on texts, in a folder."""
    (folder / "text").write_text("\n\n".join(texts))
    corpus = CleanedCorpus(folder / "train", folder / "counts")
    clean_corpus(folder / "text", corpus.train, folder / "valid", corpus.counts, "xx", 0.2, 5)
    train_sentencepiece([corpus], folder / SENTENCEPIECE_FILE, vocabulary, 0.3, 10_000, 0.9999, 1)
    build_tokenizer(folder / SENTENCEPIECE_FILE, folder)
    return folder


def encoder_of(family: str, texts: list[str], sentencepiece: Path, folder: Path, vocabulary: int) -> Encoder:
    """A small model of a family, its tokenizer trained on texts, in a folder."""
    tokenizer = new_tokenizer(family, texts, sentencepiece, vocabulary)
    new_model(family, tokenizer).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    (folder / "identity.json").write_text(json.dumps({"step": 0, "files": {}, "layers": 2, "objective": "auto"}))
    return Encoder(folder, torch.device("cpu"))


@pytest.fixture(scope="module")
def sentencepiece(sentences, tmp_path_factory) -> Path:
    return sentencepiece_of([sentence.text for sentence in sentences], tmp_path_factory.mktemp("sentencepiece"), VOCABULARY)


@pytest.fixture(scope="module", params=FAMILIES)
def encoder(request, sentences, sentencepiece, tmp_path_factory) -> Encoder:
    """A small model of each family, its tokenizer trained on the treebanks' text."""
    texts = [sentence.text for sentence in sentences]
    return encoder_of(request.param, texts, sentencepiece, tmp_path_factory.mktemp(request.param), VOCABULARY)


def spelled(encoder: Encoder, ids: list[int]) -> str:
    """What some subwords spell, by the tokenizer's own decoder, without spaces and WordPiece's marks."""
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


def character_by_character(encoder: Encoder, text: str, words: list[tuple[int, int]]) -> list[list[int]]:
    """Each subword and each word that have a character in common; a space's own subword has none."""
    encoded = encoder.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    characters_of_words = [set(range(start, end)) for start, end in words]
    found = []
    for subword, (id_, (begin, stop)) in enumerate(zip(encoded["input_ids"], encoded["offset_mapping"], strict=True)):
        covered = set() if encoder.tokenizer.convert_ids_to_tokens(id_) in ("\u2581", "\u0120") else set(range(begin, stop))
        found += [[subword, word] for word, characters in enumerate(characters_of_words) if covered & characters]
    return found


def assert_assigned_by_character(encoder: Encoder, text: str, words: list[tuple[int, int]], splits_at_punctuation: bool) -> None:
    starts, ends = np.array(words).T
    (encoded,) = encoder.encode([text], [starts], [ends])
    assert encoded.pairs.tolist() == character_by_character(encoder, text, words), text
    words_of = [set(encoded.pairs[encoded.pairs[:, 0] == subword, 1].tolist()) for subword in range(len(encoded.ids))]
    if splits_at_punctuation:
        for word, (start, end) in enumerate(words):
            if text[start:end] in list(".,?!()"):
                # What stands for a full stop stands for nothing else.
                assert [belongs for belongs in words_of if word in belongs] == [{word}], (text, start)


@pytest.mark.parametrize("family", FAMILIES)
def test_subwords_belong_to_words_character_by_character(family, tmp_path):
    parts = [[part for part in line.split("|") if part] for line in BY_HAND]
    texts = ["".join(line) for line in parts]
    # Twice: with subwords as long as a word, and with hardly more than letters.
    sentencepiece = sentencepiece_of([f"{one} {other}" for one in texts[:-1] for other in texts[:-1]], tmp_path, 68)
    for vocabulary in (400, 260) if family != "xlm-roberta" else (0,):
        folder = tmp_path / f"of_{vocabulary}"
        encoder = encoder_of(family, texts[:-1] * 3, sentencepiece, folder, vocabulary)
        for text, line in zip(texts, parts, strict=True):
            ends = np.cumsum([len(part) for part in line]).tolist()
            words = [(end - len(part), end) for part, end in zip(line, ends, strict=True) if part != " "]
            assert_assigned_by_character(encoder, text, words, family == "bert")


def test_real_subwords_belong_to_words_character_by_character(encoder, sentences):
    for sentence in sentences:
        words = [(word.start, word.end) for word in sentence.words]
        assert_assigned_by_character(encoder, sentence.text, words, False)
