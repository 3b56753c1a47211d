"""Tokenizers that stand beside a model as a vocabulary alone, held against SentencePiece itself."""

import io
import json
from itertools import pairwise
from pathlib import Path

import pytest
import sentencepiece
from suites import byte_level_tokenizer, word_piece_tokenizer
from transformers import PreTrainedTokenizerFast

from xlprobe.artifacts.corpus_text import text_lines
from xlprobe.checkpoints.canary import fixed_texts
from xlprobe.checkpoints.source_tokenizers import HARD_TEXTS, load_source_tokenizer
from xlprobe.errors import XlprobeError
from xlprobe.models.language_models import load_tokenizer

# Kinds of SentencePiece models, by how they were trained.
MODELS = {
    "xlm-r": {"model_type": "unigram"},
    "t5": {"model_type": "unigram", "pad_id": 0, "eos_id": 1, "unk_id": 2, "bos_id": -1},
    "albert": {
        "model_type": "unigram", "pad_id": 0, "unk_id": 1, "bos_id": -1, "eos_id": -1, "control_symbols": ["[CLS]", "[SEP]", "[MASK]"],
        "normalization_rule_name": "nmt_nfkc_cf",
    },
    "xlnet": {
        "model_type": "unigram", "control_symbols": ["<cls>", "<sep>", "<pad>", "<mask>", "<eod>"], "user_defined_symbols": ["<eop>"],
    },
    "deberta": {
        "model_type": "unigram", "pad_id": 0, "bos_id": 1, "eos_id": 2, "unk_id": 3, "pad_piece": "[PAD]", "bos_piece": "[CLS]",
        "eos_piece": "[SEP]", "unk_piece": "[UNK]", "user_defined_symbols": ["[MASK]"],
    },
    "bpe": {"model_type": "bpe"},
    "llama": {"model_type": "bpe", "byte_fallback": True, "normalization_rule_name": "identity", "remove_extra_whitespaces": False},
    "gemma": {
        "model_type": "bpe", "byte_fallback": True, "pad_id": 0, "eos_id": 1, "bos_id": 2, "unk_id": 3, "add_dummy_prefix": False,
        "normalization_rule_name": "identity", "remove_extra_whitespaces": False, "user_defined_symbols": ["<mask>"],
    },
}  # fmt: skip
# Of a model's type: its class, its file's name, and the kind of SentencePiece model that it has.
RIGHT = {
    "xlm-roberta": ("XLMRobertaTokenizer", "sentencepiece.bpe.model", "xlm-r"),
    "camembert": ("CamembertTokenizer", "sentencepiece.bpe.model", "xlm-r"),
    "mbart": ("MBartTokenizer", "sentencepiece.bpe.model", "xlm-r"),
    "t5": ("T5Tokenizer", "spiece.model", "t5"),
    "mt5": ("T5Tokenizer", "spiece.model", "t5"),
    "pegasus": ("PegasusTokenizer", "spiece.model", "t5"),
    "big_bird": ("BigBirdTokenizer", "spiece.model", "t5"),
    "deberta-v2": ("DebertaV2Tokenizer", "spm.model", "deberta"),
    "nllb-moe": ("NllbTokenizer", "sentencepiece.bpe.model", "bpe"),
    "llama": ("LlamaTokenizer", "tokenizer.model", "llama"),
    "gemma": ("GemmaTokenizer", "tokenizer.model", "gemma"),
}
REFUSED = {
    "xglm": ("XGLMTokenizer", "sentencepiece.bpe.model", "xlm-r", r"knows 11 subwords, and \d+ of this model's \d+ are not among them"),
    "albert": ("AlbertTokenizer", "spiece.model", "albert", "gives .* where SentencePiece gives"),
    "xlnet": ("XLNetTokenizer", "spiece.model", "xlnet", "gives .* where SentencePiece gives"),
    "fnet": ("FNetTokenizer", "spiece.model", "albert", "gives .* where SentencePiece gives"),
    "mistral": (None, "tokenizer.model", "llama", "gives .* where SentencePiece gives"),
    "gpt2": (None, "spiece.model", "bpe", r"knows 1 subwords, and \d+ of this model's \d+ are not among them"),
}


@pytest.fixture(scope="module")
def texts(tiny_text) -> list[str]:
    """150 lines in 17 languages, and what is hard to normalise."""
    invented = [line for language in tiny_text.languages for line in list(text_lines(tiny_text.corpus(language).train))[:53]]
    # Where other languages' words meet.
    fixed = [text for _, text in fixed_texts()]
    mixed = [f"{one[: len(one) // 2]} {other[len(other) // 2 :]}" for one, other in pairwise(fixed)]
    lines = [*invented, *fixed, *mixed, *HARD_TEXTS, "Straße 12\u202f345,6", "naı\u0308ve ﬂow", "ـــ ﷲ ١٢٣", "ｶﾞｷﾞ"]
    assert len(lines) >= 149
    return [*lines, "\u200f"]


@pytest.fixture(scope="module")
def models(texts) -> dict[str, bytes]:
    """By kind, a SentencePiece model trained on half of the text, so that some of the rest is unknown to it."""
    found = {}
    for name, settings in MODELS.items():
        written = io.BytesIO()
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(texts[::2]), model_writer=written, vocab_size=1500, hard_vocab_limit=False, minloglevel=2, **settings
        )
        found[name] = written.getvalue()
    return found


def folder_of(folder: Path, kind: str, tokenizer_class: str | None, name: str, model: bytes) -> Path:
    (folder / "config.json").write_text(json.dumps({"model_type": kind}))
    if tokenizer_class:
        (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": tokenizer_class}))
    (folder / name).write_bytes(model)
    return folder


@pytest.mark.parametrize("kind", RIGHT)
def test_a_sentencepiece_model_alone_gives_its_own_subwords(kind, models, texts, tmp_path):
    """Also once it is saved, as later work loads it."""
    tokenizer_class, name, model = RIGHT[kind]
    folder = folder_of(tmp_path, kind, tokenizer_class, name, models[model])
    tokenizer = load_source_tokenizer(folder)
    processor = sentencepiece.SentencePieceProcessor(model_file=str(folder / name))
    tokenizer.save_pretrained(folder)
    again = load_tokenizer(folder)
    subwords = unknown = 0
    for text in texts:
        expected = [None if processor.is_unknown(id_) else processor.id_to_piece(id_) for id_ in processor.encode(text)]
        for one in (tokenizer, again):
            encoded = one(text, add_special_tokens=False, return_offsets_mapping=True)
            found = [None if id_ == one.unk_token_id else one.convert_ids_to_tokens(id_) for id_ in encoded["input_ids"]]
            assert found == expected, text
            assert all(0 <= start <= end <= len(text) for start, end in encoded["offset_mapping"])
        subwords, unknown = subwords + len(expected), unknown + expected.count(None)
    assert subwords > 3000 and (unknown > 20) == (model not in ("llama", "gemma"))


@pytest.mark.parametrize(("told", "begins"), [({}, True), ({"add_bos_token": True}, True), ({"add_bos_token": False}, False)])
@pytest.mark.parametrize("kind", ["llama", "gemma"])
def test_texts_begin_as_they_did_in_training(kind, told, begins, models, tmp_path):
    """Version 4 of the library let them begin so unless told not to; version 5 does not."""
    tokenizer_class, name, model = RIGHT[kind]
    folder = folder_of(tmp_path, kind, tokenizer_class, name, models[model])
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": tokenizer_class} | told))
    tokenizer = load_source_tokenizer(folder)
    tokenizer.save_pretrained(folder)
    for one in (tokenizer, load_tokenizer(folder)):
        assert (one("a b")["input_ids"][0] == one.bos_token_id) == begins


@pytest.mark.parametrize("kind", REFUSED)
def test_a_tokenizer_that_is_not_sentencepieces_is_refused(kind, models, tmp_path):
    tokenizer_class, name, model, why = REFUSED[kind]
    folder = folder_of(tmp_path, kind, tokenizer_class, name, models[model])
    with pytest.raises(XlprobeError, match=rf"{name}: \w+ of the transformers library {why}.*; save tokenizer\.json beside the model"):
        load_source_tokenizer(folder)


def test_a_file_that_is_no_sentencepiece_model_is_refused(tmp_path):
    folder = folder_of(tmp_path, "llama", "LlamaTokenizer", "tokenizer.model", b"IQ== 0\nIg== 1\n")
    with pytest.raises(XlprobeError, match=r"tokenizer\.model|cannot read it"):
        load_source_tokenizer(folder)


def word_list(folder: Path, tokenizer: PreTrainedTokenizerFast, kind: str = "bert", **settings: object) -> Path:
    """A model whose tokenizer is vocab.txt alone."""
    vocabulary = tokenizer.get_vocab()
    (folder / "config.json").write_text(json.dumps({"model_type": kind}))
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    (folder / "vocab.txt").write_text("".join(f"{subword}\n" for subword in sorted(vocabulary, key=vocabulary.__getitem__)))
    return folder


def test_a_word_list_is_read_as_it_is_said_to_be_cased(texts, tmp_path):
    cased = word_piece_tokenizer([text.title() for text in texts[:100]], 300)
    with pytest.raises(XlprobeError, match=r"vocab\.txt: \d+ of its \d+ subwords have capitals .* lowercases; set do_lower_case to false"):
        load_source_tokenizer(word_list(tmp_path, cased))
    found = load_source_tokenizer(word_list(tmp_path, cased, do_lower_case=False))
    assert [found.tokenize(text) for text in texts] == [cased.tokenize(text) for text in texts]
    lower = word_piece_tokenizer([text.lower() for text in texts], 300)
    assert load_source_tokenizer(word_list(tmp_path, lower)).tokenize("MIRA") == lower.tokenize("mira")


@pytest.mark.parametrize("kind", ["roberta", "gpt2"])
def test_a_vocabulary_with_merges_gives_the_same_subwords(kind, texts, tmp_path):
    expected = byte_level_tokenizer(texts, framed=kind == "roberta")
    model = json.loads(expected.backend_tokenizer.to_str())["model"]
    (tmp_path / "config.json").write_text(json.dumps({"model_type": kind}))
    (tmp_path / "vocab.json").write_text(json.dumps(model["vocab"]))
    (tmp_path / "merges.txt").write_text("#version: 0.2\n" + "".join(f"{' '.join(merge)}\n" for merge in model["merges"]))
    found = load_source_tokenizer(tmp_path)
    assert all(found.tokenize(text) == expected.tokenize(text) for text in texts)


def test_a_class_that_takes_no_word_list_is_refused(texts, tmp_path):
    folder = word_list(tmp_path, word_piece_tokenizer(texts, 300), "fnet")
    with pytest.raises(XlprobeError, match=r"vocab\.txt: \d+ of its \d+ subwords .* are unknown to FNetTokenizer"):
        load_source_tokenizer(folder)
