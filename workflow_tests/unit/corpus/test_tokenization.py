from functools import partial

import numpy as np
import pytest

import xlprobe.pretraining.fairseq_runtime  # noqa: F401  isort: skip  (must come before fairseq)
from fairseq.data import Dictionary
from sentencepiece.sentencepiece_model_pb2 import ModelProto
from transformers import AutoTokenizer

from xlprobe.artifacts.corpus_text import text_lines
from xlprobe.artifacts.tokenizer_folder import load_sentencepiece, model_ids
from xlprobe.artifacts.vocabulary import IDENTITY_FILE, SENTENCEPIECE_FILE
from xlprobe.corpus.cleaning import clean_corpus
from xlprobe.corpus.tokenization import CleanedCorpus, adopt_sentencepiece, build_tokenizer, sampled_lines, train_sentencepiece
from xlprobe.errors import ConfigError, XlprobeError
from xlprobe.files import read_json
from xlprobe.models.sentencepiece_normalization import compositions

REAL_LANGUAGES = ["ar", "bn", "de", "el", "en", "fa", "fi", "he", "hi", "id", "ja", "ko", "ru", "sw", "ta", "th", "tr", "ur", "vi", "zh"]


def three_views(folder, lines):
    """Ids of each line from SentencePiece, from fairseq's dictionary and from Hugging Face."""
    processor = load_sentencepiece(folder / SENTENCEPIECE_FILE)
    dictionary = Dictionary.load(str(folder / "dict.txt"))
    dictionary.add_symbol("<mask>")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    ours = [model_ids(np.array(ids)).tolist() for ids in processor.encode(lines)]
    encode = partial(dictionary.encode_line, add_if_not_exist=False, append_eos=False)
    fairseq = [encode(" ".join(subwords)).tolist() for subwords in processor.encode(lines, out_type=str)]
    huggingface = tokenizer(lines, add_special_tokens=False, verbose=False)["input_ids"]
    return ours, fairseq, huggingface, (processor, dictionary, tokenizer)


def test_the_three_views_agree_on_awkward_text(tiny_text):
    lines = [
        "plain words",
        "  spaces   inside ",
        "வ\u0bc6\u0bbeரு ஒரு ந\u0bc7\u0bbeயை ந\u0bcb",  # Tamil vowel signs apart: one grapheme of nine bytes
        "أ\u064eب ا\u0654\u064e",  # an Arabic hamza apart, under a vowel sign
        "vie\u0323\u0302c e\u0301",
        "전각　ｆｕｌｌ ①",
        "unseen ⛵ 漢字 characters",
        "a\u200bb\u00adc",
    ]
    ours, fairseq, huggingface, _ = three_views(tiny_text.tokenizer, lines)
    assert ours == fairseq
    assert ours == huggingface


def test_the_vocabulary_is_that_of_xlm_r(tiny_text):
    _, _, _, (processor, dictionary, tokenizer) = three_views(tiny_text.tokenizer, ["x"])
    size = read_json(tiny_text.tokenizer / IDENTITY_FILE)["vocabulary_size"]
    assert size == len(tokenizer) == len(dictionary) == processor.get_piece_size() + 2 == 302
    assert [dictionary[index] for index in (0, 1, 2, 3, size - 1)] == ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    assert tokenizer.convert_ids_to_tokens([0, 1, 2, 3, size - 1]) == ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    assert [dictionary[index] for index in range(4, size - 1)] == tokenizer.convert_ids_to_tokens(list(range(4, size - 1)))
    assert tokenizer("x")["input_ids"][0] == 0 and tokenizer("x")["input_ids"][-1] == 2


def test_compositions_hold_the_cases_that_hugging_face_leaves_apart():
    found = dict(compositions())
    assert found["\u0bc6\u0bbe"] == "\u0bca" and found["\u0627\u0654"] == "أ"
    assert "e\u0301" not in found  # three bytes: a grapheme this short is composed anyway


def test_training_twice_gives_the_same_model(tiny_text, tmp_path):
    again = tmp_path / SENTENCEPIECE_FILE
    train_sentencepiece([tiny_text.corpus(language) for language in tiny_text.languages], again, 300, 0.3, 4000, 0.9995, 1)
    assert again.read_bytes() == (tiny_text.tokenizer / SENTENCEPIECE_FILE).read_bytes()


def test_scores_add_up_alike_in_any_precision(tiny_text):
    proto = ModelProto.FromString((tiny_text.tokenizer / SENTENCEPIECE_FILE).read_bytes())
    in_256ths = [subword.score * 256 for subword in proto.pieces]
    assert all(score == int(score) for score in in_256ths) and any(score % 2 for score in in_256ths)


def test_a_language_is_sampled_in_proportion_to_its_lines_to_the_alpha(tmp_path):
    corpora = []
    for code, lines in (("aa", 1000), ("bb", 100)):
        documents = "\n\n".join(f"{code} {number}" for number in range(lines + lines // 9)) + "\n"
        (tmp_path / code).write_text(documents)
        paths = [tmp_path / f"{code}.{part}" for part in ("train", "valid", "counts")]
        clean_corpus(tmp_path / code, *paths, code, 0.1, 10_000)
        corpora.append(CleanedCorpus(paths[0], paths[2]))
    drawn = list(sampled_lines(corpora, 110, 0.5, seed=1))
    # Lines 1000 and 100, alpha 1/2: shares sqrt(1000) : sqrt(100) of 110.
    counts = {code: sum(line.startswith(code) for line in drawn) for code in ("aa", "bb")}
    assert counts == {"aa": 84, "bb": 26}
    assert len(set(drawn)) == 110 and drawn == list(sampled_lines(corpora, 110, 0.5, seed=1)) != list(
        sampled_lines(corpora, 110, 0.5, seed=2)
    )
    everything = list(sampled_lines(corpora, 10**6, 1.0, seed=1))
    assert len(everything) == 1100


def test_a_vocabulary_too_large_for_the_text_names_its_key(tiny_text, tmp_path):
    with pytest.raises(ConfigError, match=r"^config key tokenizer.vocabulary_size: SentencePiece cannot train 30000 subwords") as caught:
        train_sentencepiece([tiny_text.corpus("qaa")], tmp_path / "model", 30_000, 0.3, 4000, 0.9995, 1)
    assert "\n" not in str(caught.value)


def test_a_given_model_is_adopted_as_it_is(tiny_text, tmp_path):
    given = tiny_text.tokenizer / SENTENCEPIECE_FILE
    adopt_sentencepiece(given, tmp_path / SENTENCEPIECE_FILE)
    build_tokenizer(tmp_path / SENTENCEPIECE_FILE, tmp_path)
    assert (tmp_path / SENTENCEPIECE_FILE).read_bytes() == given.read_bytes()
    assert (tmp_path / "dict.txt").read_bytes() == (tiny_text.tokenizer / "dict.txt").read_bytes()


def test_what_is_no_sentencepiece_model_is_refused(tmp_path):
    (tmp_path / "model").write_text("not a model")
    with pytest.raises(XlprobeError, match="not a SentencePiece model"):
        load_sentencepiece(tmp_path / "model")
    with pytest.raises(XlprobeError, match="not a SentencePiece model"):
        adopt_sentencepiece(tmp_path / "model", tmp_path / SENTENCEPIECE_FILE)
    assert not (tmp_path / SENTENCEPIECE_FILE).exists()
    with pytest.raises(XlprobeError, match="no such SentencePiece model"):
        load_sentencepiece(tmp_path / "nothing")


def test_the_three_views_agree_on_every_line_of_real_text(real_data, tmp_path):
    corpora = {}
    for language in REAL_LANGUAGES:
        paths = [tmp_path / language / part for part in ("train.txt.zst", "valid.txt.zst", "counts.json")]
        clean_corpus(real_data / "cc100" / f"{language}.txt.xz", *paths, language, 0.02, 5000, 400_000)
        corpora[language] = CleanedCorpus(paths[0], paths[2])
    model = tmp_path / "tokenizer" / SENTENCEPIECE_FILE
    train_sentencepiece(list(corpora.values()), model, 8000, 0.3, 8_000, 0.9999, 1)
    build_tokenizer(model, model.parent)
    assert read_json(model.parent / IDENTITY_FILE)["vocabulary_size"] == 8002
    for language, corpus in corpora.items():
        lines = list(text_lines(corpus.train))
        ours, fairseq, huggingface, _ = three_views(model.parent, lines)
        assert ours == fairseq, language
        differing = [line for line, a, b in zip(lines, ours, huggingface, strict=True) if a != b]
        assert not differing, f"{language}: {len(differing)} of {len(lines)} lines, first {differing[0]!r}"
        tokens = sum(map(len, ours))
        unknown = sum(ids.count(3) for ids in ours)
        assert len(lines) > 100 and tokens > 10_000 and unknown / tokens < 0.01, language
