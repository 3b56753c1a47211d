"""Tokenizers as a model's authors saved them, tried before a model is measured with them.

A folder with `tokenizer.json` holds the whole tokenizer. From a vocabulary alone the library builds the rest anew, and not
always what the model was trained with: version 5 builds XGLM's without its vocabulary, mBART's without normalisation, and
lowercases BERT's unless told not to. Here what it built is held against the vocabulary, and, where this is a SentencePiece
model, against SentencePiece itself: on plain text, then on text that is hard to normalise. Where the library's port of
SentencePiece's normalisation alone is at fault, it is built from the model's own settings. What still differs is refused.
(Hangul in conjoining letters, three a syllable, is left out of the trial: the port never composes it.)
"""

from collections.abc import Iterable
from pathlib import Path

import sentencepiece
import transformers
from sentencepiece.sentencepiece_model_pb2 import ModelProto, NormalizerSpec
from tokenizers import Regex, normalizers, pre_tokenizers

from xlprobe.checkpoints.canary import fixed_texts
from xlprobe.errors import XlprobeError
from xlprobe.files import read_json
from xlprobe.models.huggingface_files import SENTENCEPIECE_FILES
from xlprobe.models.language_models import load_tokenizer
from xlprobe.models.sentencepiece_normalization import compositions

# Spaces, zero-width characters, compatibility forms, letters of several code points, what no vocabulary has.
HARD_TEXTS = (
    " two  spaces \u00a0\u3000and others  ",
    "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645 a\u200b \u200bb c\u00add\u2060e\ufeff f\u200f",
    "\ufb01ne \u2460\u00bd\u2163\u2026 \uff21\uff22\uff11\uff12 \u33cd \ufdfa \u00b2\u2122",
    "e\u0301 u\u031b\u0301 a\u0302\u0301 \u0438\u0306 \u0915\u093c \u0b95\u0bc6\u0bbe \u0ba3\u0bcb",
    "\u0631\u0648\u0654\u0633\u0627 \u0647\u0654 \u30a2\u3099 \ud55c\uad6d",
    "\u4e00\u4e8c\u4e09 \u0e20\u0e32\u0e29\u0e32 \u1781\u17d2\u1798\u17c2\u179a",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467 \u2764\ufe0f \U00010348 \ua66e \u0130I\u0131 \u1e9eSS\u00df \u01c4",
    "http://a.b/c?d=1_2#x @you 1,234.50 $5 \u20ac3 ~^` `` '' \" \\ | {x} [y] --",
    "",
    " ",
    "a",
)
# Classes whose texts began with a token of their own up to version 4 of the library, and do not in version 5.
BEGUN = ("LlamaTokenizer", "CodeLlamaTokenizer", "GemmaTokenizer")
SAVE = "save tokenizer.json beside the model, with the version of the transformers library that the model was published with"


def load_source_tokenizer(folder: Path) -> transformers.PreTrainedTokenizerFast:
    """The tokenizer of a checkpoint's folder, as its authors saved it.

    Raises:
        XlprobeError: there is none, it does not tell which characters a subword covers, or it is not what its vocabulary says.
    """
    tokenizer = load_tokenizer(folder)
    if (folder / "tokenizer.json").is_file():
        return tokenizer
    if model := sentencepiece_model(folder, tokenizer):
        check_against_sentencepiece(tokenizer, folder / model)
        _begin_texts(tokenizer, folder)
    else:
        check_against_vocabulary(tokenizer, folder)
    return tokenizer


def _begin_texts(tokenizer: transformers.PreTrainedTokenizerFast, folder: Path) -> None:
    """Let texts begin with the token that they began with in training, where the class no longer says so by itself."""
    path = folder / "tokenizer_config.json"
    told = read_json(path) if path.is_file() else {}
    if type(tokenizer).__name__.removesuffix("Fast") in BEGUN and "add_bos_token" not in told:
        tokenizer.add_bos_token = True


def sentencepiece_model(folder: Path, tokenizer: transformers.PreTrainedTokenizerFast) -> str | None:
    """The name of the SentencePiece model that a tokenizer was built from, if it was."""
    own = tokenizer.vocab_files_names.get("vocab_file")
    return next((name for name in (own, *SENTENCEPIECE_FILES) if name in SENTENCEPIECE_FILES and (folder / name).is_file()), None)


def check_against_sentencepiece(tokenizer: transformers.PreTrainedTokenizerFast, model: Path) -> None:
    """Let a tokenizer give SentencePiece's own subwords, or refuse it.

    Raises:
        XlprobeError: the file is no SentencePiece model, or the tokenizer lacks a part of its vocabulary, or gives other
            subwords.
    """
    try:
        processor = sentencepiece.SentencePieceProcessor(model_file=str(model))
    except (RuntimeError, OSError):
        raise XlprobeError(f"{model}: not a SentencePiece model, so that what is read of it cannot be tried; {SAVE}") from None
    settings = ModelProto.FromString(processor.serialized_model_proto())
    vocabulary = tokenizer.get_vocab()
    ids = [vocabulary.get(entry.piece, -1) for entry in settings.pieces if entry.type == entry.NORMAL]
    if lacking := sum(id_ < 0 for id_ in ids):
        raise XlprobeError(
            f"{model}: {type(tokenizer).__name__} of the transformers library knows {len(vocabulary)} subwords, and {lacking} of this"
            f" model's {len(settings.pieces)} are not among them; {SAVE}"
        )
    # All families number subwords in SentencePiece's order; special tokens stand before, after or in the place of its own.
    fault = None if ids == sorted(set(ids)) else "numbers this model's subwords in another order"
    fault = fault or difference(tokenizer, processor, (text for _, text in fixed_texts()))
    if not fault and difference(tokenizer, processor, HARD_TEXTS):
        # The library's class does what SentencePiece does, and nothing before: what is left is how it prepares text.
        _prepare_text(tokenizer, settings.normalizer_spec)
        fault = difference(tokenizer, processor, [*HARD_TEXTS, *(text for _, text in fixed_texts())])
    if fault:
        raise XlprobeError(f"{model}: {type(tokenizer).__name__} of the transformers library {fault}; {SAVE}")


def difference(
    tokenizer: transformers.PreTrainedTokenizerFast, processor: sentencepiece.SentencePieceProcessor, texts: Iterable[str]
) -> str | None:
    """Where a tokenizer first gives other subwords than SentencePiece, as a sentence's end; None where it never does."""
    for text in texts:
        expected = [None if processor.is_unknown(id_) else processor.id_to_piece(id_) for id_ in processor.encode(text)]
        ids = tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]
        found = [None if id_ == tokenizer.unk_token_id else tokenizer.convert_ids_to_tokens(id_) for id_ in ids]
        if found != expected:
            place = next(
                (n for n, pair in enumerate(zip(found, expected, strict=False)) if pair[0] != pair[1]), min(len(found), len(expected))
            )
            return f"gives {_spelled(found[place:])} where SentencePiece gives {_spelled(expected[place:])}, in {text[:40]!r}"
    return None


def _spelled(subwords: list[str | None]) -> str:
    return " ".join("<unk>" if subword is None else subword for subword in subwords[:4]) or "nothing"


def _prepare_text(tokenizer: transformers.PreTrainedTokenizerFast, settings: NormalizerSpec) -> None:
    """Let a tokenizer prepare text as a SentencePiece model's settings say: its normalisation, then `▁` for spaces."""
    steps: list[normalizers.Normalizer] = []
    if settings.precompiled_charsmap:
        steps += [normalizers.Replace(apart, composed) for apart, composed in compositions()]
        steps.append(normalizers.Precompiled(settings.precompiled_charsmap))
    if settings.remove_extra_whitespaces:
        steps += [normalizers.Replace(Regex(" {2,}"), " "), normalizers.Strip()]
    if settings.add_dummy_prefix:
        steps.append(normalizers.Prepend("▁"))
    backend = tokenizer.backend_tokenizer
    backend.normalizer = normalizers.Sequence([*steps, normalizers.Replace(" ", "▁")])
    # Words apart are looked up in a cache; where spaces may come in a row, some subwords are made of several.
    backend.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="never", split=settings.remove_extra_whitespaces)


def check_against_vocabulary(tokenizer: transformers.PreTrainedTokenizerFast, folder: Path) -> None:
    """Refuse a tokenizer that lacks a part of the vocabulary that it was built from, or can never give one.

    Raises:
        XlprobeError: it knows fewer subwords than the file, or lowercases where the file has capitals.
    """
    file = next((folder / name for name in ("vocab.json", "vocab.txt") if (folder / name).is_file()), None)
    if file is None:
        raise XlprobeError(f"{folder}: its tokenizer's vocabulary is in no file that is known here; {SAVE}")
    listed = set(read_json(file)) if file.suffix == ".json" else {line.rstrip("\r") for line in file.read_text("utf-8").split("\n")} - {""}
    if lacking := listed - tokenizer.get_vocab().keys():
        raise XlprobeError(
            f"{file}: {len(lacking)} of its {len(listed)} subwords ({min(lacking)!r}, say) are unknown to {type(tokenizer).__name__} of the"
            f" transformers library; {SAVE}"
        )
    normalizer = tokenizer.backend_tokenizer.normalizer
    capitals = [subword for subword in sorted(listed) if subword not in tokenizer.all_special_tokens and subword != subword.lower()]
    # A lower-case vocabulary has a few that are symbols; of a cased one they are a large part.
    if normalizer and normalizer.normalize_str("A") == "a" and len(capitals) > len(listed) / 10:
        raise XlprobeError(
            f"{file}: {len(capitals)} of its {len(listed)} subwords have capitals ({capitals[0]!r}, say), but {type(tokenizer).__name__}"
            " lowercases; set do_lower_case to false in tokenizer_config.json, or save tokenizer.json beside the model"
        )
