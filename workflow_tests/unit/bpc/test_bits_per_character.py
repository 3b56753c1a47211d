"""Bits per character: what subwords cover, what they cost, which are masked."""

import json
import math
import re
import shutil
from dataclasses import replace
from itertools import islice
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from outcome_scores import outcome_in, scores_of
from safetensors.torch import load_file, save_file
from suites import WINDOW, byte_level_tokenizer, new_tokenizer, renew_digests, word_piece_tokenizer, write_suite
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers
from transformers import AutoModelForCausalLM, AutoModelForMaskedLM, PreTrainedTokenizerFast

from xlprobe.artifacts.corpus_text import text_lines
from xlprobe.artifacts.dataset_folder import read_sentences
from xlprobe.artifacts.tables import conform
from xlprobe.bpc import subword_bits
from xlprobe.bpc.bits_per_character import (
    BitsSettings,
    Text,
    draw_masks,
    held_out_text,
    line_counts,
    parallel_text,
)
from xlprobe.bpc.measurement import measure_bits
from xlprobe.bpc.subword_bits import SubwordPredictor, bits_of_subwords
from xlprobe.bpc.subword_coverage import KINDS, MARK, SPACE, ZERO_WIDTH, SubwordCoverage
from xlprobe.checkpoints.from_huggingface import publish_huggingface
from xlprobe.corpus.cleaning import normalise
from xlprobe.datasets.conllu import Sentence, Word
from xlprobe.datasets.treebank import read_splits, write_dataset
from xlprobe.errors import XlprobeError
from xlprobe.files import read_lines
from xlprobe.metrics.metric_definitions import BITS, FAIRSEQ_BITS
from xlprobe.statistics.bootstrap import Intervals

CPU = torch.device("cpu")
FAMILIES = ("bert", "roberta", "xlm-roberta", "gpt-neox")
STEPS = (0, 40)
SETTINGS = BitsSettings(mask_share=0.2)


@pytest.fixture(scope="module")
def lines(tiny_text) -> list[str]:
    """Held-out lines: as they are, several in one that is longer than any window, with letters that no tokenizer knows."""
    found = list(text_lines(tiny_text.folder / "corpus" / "qaa" / "valid.txt.zst"))[:30]
    return [*found, " ".join(found[:12]), "漢字 " + found[0] + " é", found[1] + " <mask> </s> [SEP]", ""]


@pytest.fixture(scope="module")
def checkpoints(tiny_text, tmp_path_factory) -> Path:
    """<family>/<step>: published checkpoints; `untied` is an XLM-R whose head is not its embeddings."""
    texts = list(text_lines(tiny_text.corpus("qaa").train))[:300]
    folder = tmp_path_factory.mktemp("checkpoints")
    for name in (*FAMILIES, "untied"):
        family, changes = ("xlm-roberta", {"tie_word_embeddings": False}) if name == "untied" else (name, {})
        write_suite(family, texts, tiny_text.tokenizer, folder / "sources" / name, STEPS, **changes)
        for step in STEPS:
            publish_huggingface(folder / "sources" / name / f"step_{step}", folder / name / str(step), name, None, step, "auto", "x", [])
    return folder


def text_of(lines: list[str]) -> Text:
    return Text(Path("valid.txt.zst"), "qaa", "valid", lines)


def table_of(*arguments) -> pd.DataFrame:
    """What each line costs and holds, a row each."""
    return pd.DataFrame(line_counts(*arguments))


def covered(tokenizer: PreTrainedTokenizerFast, text: str, count_spaces: bool = True) -> list[tuple[str, float, float]]:
    """Each subword with its characters and bytes."""
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    ids, offsets = np.array(encoded["input_ids"], dtype=int), np.array(encoded["offset_mapping"]).reshape(-1, 2).astype(int)
    characters, bytes_ = SubwordCoverage(tokenizer, count_spaces).of_text(text, ids, offsets)
    return list(zip(tokenizer.convert_ids_to_tokens(ids), characters.round(9).tolist(), bytes_.round(9).tolist(), strict=True))


@pytest.fixture(scope="module")
def by_hand() -> PreTrainedTokenizerFast:
    """A tokenizer of XLM-R's kind that knows few subwords."""
    subwords = ["<unk>", "▁", "▁la", "▁né", "e", "▁字", "漢", "ma"]
    tokenizer = Tokenizer(models.Unigram([(subword, -1.0 - n / 10) for n, subword in enumerate(subwords)], unk_id=0))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="<unk>")


def test_subwords_with_a_marker_alone_reach_back(by_hand):
    reach = dict(zip(by_hand.convert_ids_to_tokens(range(8)), SubwordCoverage(by_hand).reach_V, strict=True))
    assert {subword for subword, characters in reach.items() if characters} == {"▁", "▁la", "▁né", "▁字"}


def test_subwords_cover_what_stands_there_by_hand(by_hand):
    # The first ▁ stands for nothing; é has two bytes, 字 and 漢 three; a lone ▁ is a space; <unk> covers what it replaced.
    assert covered(by_hand, "la née 字漢 漢 zzma") == [
        ("▁la", 2, 2),
        ("▁né", 3, 4),
        ("e", 1, 1),
        ("▁字", 2, 4),
        ("漢", 1, 3),
        ("▁", 1, 1),
        ("漢", 1, 3),
        ("▁", 1, 1),
        ("<unk>", 2, 2),
        ("ma", 2, 2),
    ]
    borders = "\x7f\x80\u07ff\u0800\uffff\U00010000\U0010ffff"
    assert [covered(by_hand, f"la {character}")[-1][2] for character in borders] == [len(character.encode()) for character in borders]
    without = covered(by_hand, "la née 字漢 漢 zzma", count_spaces=False)
    assert without[1] == ("▁né", 2, 3) and without[5] == ("▁", 0, 0) and sum(characters for _, characters, _ in without) == 12


@pytest.mark.parametrize(
    ("text", "covers"),
    [
        # A marker stands for all that is blank before its subword, wherever a text begins; at its end nothing does.
        ("  la   né ", [("▁la", 4, 4), ("▁né", 5, 6)]),
        ("la \n né", [("▁la", 2, 2), ("▁né", 5, 6)]),
        ("\u3000la\u3000\u3000né", [("▁la", 3, 5), ("▁né", 4, 9)]),
        ("la   漢 ma", [("▁la", 2, 2), ("▁", 3, 3), ("漢", 1, 3), ("▁", 1, 1), ("ma", 2, 2)]),
    ],
)
def test_spaces_are_their_marker_s_by_hand(by_hand, text, covers):
    assert covered(by_hand, text) == covers
    without = covered(by_hand, text, count_spaces=False)
    assert [characters for _, characters, _ in without] == [len(subword.strip("▁")) for subword, _, _ in covers]
    assert [bytes_ for _, _, bytes_ in without] == [len(subword.strip("▁").encode()) for subword, _, _ in covers]


def test_of_spaces_in_a_row_each_marker_has_its_own():
    subwords = ["<unk>", "▁", "▁la", "▁né", "ma"]
    backend = Tokenizer(models.Unigram([(subword, -1.0 - n / 10) for n, subword in enumerate(subwords)], unk_id=0))
    backend.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, unk_token="<unk>")
    assert covered(tokenizer, "la   né ma") == [("▁la", 2, 2), ("▁", 1, 1), ("▁", 1, 1), ("▁né", 3, 4), ("▁", 1, 1), ("ma", 2, 2)]


def test_what_normalisation_drops_is_nobody_s():
    """An Arabic tatweel before a space: the marker stands for the space alone."""
    backend = Tokenizer(models.Unigram([("<unk>", -1.0), ("▁la", -1.1), ("▁né", -1.2)], unk_id=0))
    backend.normalizer = normalizers.Replace("\u0640", "")
    backend.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, unk_token="<unk>")
    assert covered(tokenizer, "la\u0640 né la") == [("▁la", 2, 2), ("▁né", 3, 4), ("▁la", 3, 3)]


def test_a_byte_level_marker_is_one_space_by_hand():
    tokenizer = byte_level_tokenizer(["abc abc"], framed=False, vocabulary=257)
    assert covered(tokenizer, "a   b") == [("a", 1, 1), *[("Ġ", 1, 1)] * 3, ("b", 1, 1)]
    assert covered(tokenizer, "a\tb") == [("a", 1, 1), ("ĉ", 1, 1), ("b", 1, 1)]
    assert [characters for _, characters, _ in covered(tokenizer, "a  b\tc", count_spaces=False)] == [1, 0, 0, 1, 0, 1]
    # Words with the space before them.
    tokenizer = byte_level_tokenizer(["ab ab ab"], framed=True, vocabulary=264)
    assert covered(tokenizer, "ab ab  ab") == [("ab", 2, 2), ("Ġab", 3, 3), ("Ġ", 1, 1), ("Ġab", 3, 3)]


def test_kinds_of_characters_by_hand():
    kinds = {
        0: [0x61, 0x115F, 0x1200, 0x6F22, 0x1F600, 0x20000, 0x2FA1D, 0xE0FFF],
        SPACE: [0x09, 0x0A, 0x20, 0xA0, 0x2028, 0x3000],
        ZERO_WIDTH: [0xAD, 0x200B, 0x200D, 0x2581, 0xFEFF, 0xE0001, 0xE007F],
        MARK: [0x0301, 0x093F, 0x1160, 0x11FF, 0x1D165, 0xE0100, 0xE01EF],
    }
    assert {kind: KINDS[codes].tolist() for kind, codes in kinds.items()} == {kind: [kind] * len(codes) for kind, codes in kinds.items()}


@pytest.mark.parametrize("split", [True, False], ids=["spaces outside the span", "spaces inside the span"])
def test_a_marker_covers_what_normalisation_made_its_space_of(split):
    """With words split at spaces first, as XLM-R's tokenizer did, and with the marker put in a space's place, as it does now."""
    subwords = ["<unk>", "▁", "▁la", "▁mi", "ma", "é"]
    backend = Tokenizer(models.Unigram([(subword, -1.0 - n / 10) for n, subword in enumerate(subwords)], unk_id=0))
    # What SentencePiece's nmt_nfkc does to these.
    replaced = [normalizers.Replace(thin, " ") for thin in ("\u200c", "\u200f", "\u200b")] + [normalizers.NFC()]
    backend.normalizer = normalizers.Sequence([*replaced, normalizers.Replace(Regex(" {2,}"), " ")])
    marker = pre_tokenizers.Metaspace()
    backend.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), marker]) if split else marker
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, unk_token="<unk>")

    def found(text: str, count_spaces: bool = True) -> list[tuple[str, float]]:
        return [(subword, characters) for subword, characters, _ in covered(tokenizer, text, count_spaces) if subword != "▁" or characters]

    assert found("la\u200cmi") == [("▁la", 2), ("▁mi", 3)]
    assert covered(tokenizer, "la\u200cmi")[1] == ("▁mi", 3, 5)
    # A lone marker, before a subword without one.
    assert found("la\u200cma") == [("▁la", 2), ("▁", 1), ("ma", 2)]
    # One space is made of them all.
    assert found("la \u200cmi") == found("la\u200c mi") == [("▁la", 2), ("▁mi", 4)]
    assert found("la\u200f\u200b \u200cmi la") == [("▁la", 2), ("▁mi", 6), ("▁la", 3)]
    assert found("\u200fla") == [("▁la", 3)]
    # A zero-width character is no whitespace.
    assert found("la \u200cmi la", count_spaces=False) == [("▁la", 2), ("▁mi", 3), ("▁la", 2)]
    # SentencePiece's own mark, where a text holds it.
    assert sum(characters for _, characters in found("la \u2581mi\u2581la")) == len("la \u2581mi\u2581la")
    # A letter of two code points.
    assert found("lae\u0301 mi") == [("▁la", 2), ("é", 2), ("▁mi", 3)]


def test_a_zero_width_character_that_is_dropped_counts_inside_a_subword_alone():
    tokenizer = word_piece_tokenizer(["mira la", "mi ra"] * 3, vocabulary=60)
    assert covered(tokenizer, "mi\u200cra la")[0] == ("mira", 5, 7)
    assert sum(characters for _, characters, _ in covered(tokenizer, "漢\u200c字 la\u200c")) == len("漢字la")


def test_byte_level_subwords_share_a_character():
    tokenizer = byte_level_tokenizer(["abc abc"], framed=False, vocabulary=257)
    shared = [round(1 / 3, 9)] * 3
    assert [characters for _, characters, _ in covered(tokenizer, "a 漢é")] == [1, 1, *shared, 0.5, 0.5]
    assert [bytes_ for _, _, bytes_ in covered(tokenizer, "a 漢é")] == [1] * 7
    assert sum(characters for _, characters, _ in covered(tokenizer, "a  b")) == 4
    # Beyond U+FFFF a character has four bytes, and is one character all the same.
    assert [(characters, bytes_) for _, characters, bytes_ in covered(tokenizer, "\U0001f600")] == [(0.25, 1)] * 4


def test_subwords_of_bert_cover_no_space():
    tokenizer = word_piece_tokenizer(["Ġurnata ab"] * 3, vocabulary=60)
    subwords = covered(tokenizer, "ab Ġurnata 漢 ab")
    assert sum(characters for _, characters, _ in subwords) == len("abĠurnata漢ab") and ("[UNK]", 1, 3) in subwords


@pytest.mark.parametrize("family", FAMILIES)
def test_subwords_cover_a_text_once(tiny_text, lines, family):
    tokenizer = new_tokenizer(family, lines, tiny_text.tokenizer)
    # Texts are without spaces at their ends or in a row; the space before a spelled special token belongs to none.
    for line in (line for line in lines if "<mask>" not in line):
        characters, bytes_ = (sum(column) for column in list(zip(("", 0, 0), *covered(tokenizer, line), strict=True))[1:])
        whole = line.replace(" ", "") if family == "bert" else line
        assert (round(characters, 6), round(bytes_, 6)) == (len(whole), len(whole.encode())), line


@pytest.mark.parametrize("language", ["ar", "bn", "fa", "he", "hi", "ja", "ko", "ta", "th", "vi", "zh"])
def test_subwords_cover_real_text_once(real_data, tiny_text, language):
    """Persian has a zero-width character in 130; the decomposed letters of Tamil and Vietnamese are two code points each."""
    tokenizer = new_tokenizer("xlm-roberta", [], tiny_text.tokenizer)
    (file,) = (real_data / "cc100").glob(f"{language}.txt*")
    lines = [line for line in (normalise(raw) for _, raw in islice(read_lines(file), 150)) if line]
    assert language != "fa" or any("\u200c" in line for line in lines)
    for line in lines:
        characters, bytes_ = (sum(column) for column in list(zip(("", 0, 0), *covered(tokenizer, line), strict=True))[1:])
        # At the end of a text nothing stands for them.
        whole = re.sub(r"[\u200b-\u200f\ufeff\s]+$", "", line)
        assert (round(characters, 6), round(bytes_, 6)) == (len(whole), len(whole.encode())), line


def plain_bits(folder: Path, lines: list[str], masked: bool) -> list[float]:
    """Bits of each line, from the whole model's scores, row by row; a masked model's subwords are those that are drawn."""
    from xlprobe.models.language_models import load_tokenizer

    tokenizer = load_tokenizer(folder)
    model = (AutoModelForMaskedLM if masked else AutoModelForCausalLM).from_pretrained(folder).eval()
    rows = [tokenizer(line, add_special_tokens=False)["input_ids"] for line in lines]
    unspoken = {*tokenizer.all_special_ids} - {tokenizer.unk_token_id}
    drawn = draw_masks([len(row) for row in rows], SETTINGS.mask_share if masked else 1, SETTINGS.seed, "qaa", "valid")
    bits = []
    for row, chosen in zip(rows, drawn, strict=True):
        places = [place for place in np.flatnonzero(chosen) if row[place] not in unspoken]
        total = 0.0
        for place in places:
            before = [tokenizer.cls_token_id or tokenizer.bos_token_id] if masked else [tokenizer.bos_token_id]
            after = [tokenizer.sep_token_id or tokenizer.eos_token_id] if masked else []
            read = [tokenizer.mask_token_id if n in places else id_ for n, id_ in enumerate(row)] if masked else row
            with torch.no_grad():
                scores = model(torch.tensor([[*before, *read, *after]])).logits[0]
            total -= float(scores[place + 1 - (not masked)].double().log_softmax(0)[row[place]]) / math.log(2)
        bits.append(total)
    return bits


@pytest.mark.parametrize("name", [*FAMILIES, "untied"])
def test_bits_equal_the_whole_models(checkpoints, lines, name, monkeypatch):
    """Also where positions and vocabulary are cut into many parts."""
    monkeypatch.setattr(subword_bits, "POSITIONS_AT_ONCE", 7)
    monkeypatch.setattr(subword_bits, "SUBWORDS_AT_ONCE", 33)
    predictor = SubwordPredictor(checkpoints / name / "40", CPU)
    short = [line for line in lines if len(predictor.tokenizer(line)["input_ids"]) <= predictor.framing.window][:12] + lines[-3:]
    short = [line for line in short if len(predictor.tokenizer(line)["input_ids"]) <= predictor.framing.window]
    found = line_counts(predictor, text_of(short), SETTINGS, 200)
    expected = plain_bits(checkpoints / name / "40", short, masked=not predictor.causal)
    assert found["predicted"].sum() > 20
    np.testing.assert_allclose(found["bits"] / found["predicted"].clip(1), np.array(expected) / found["predicted"].clip(1), atol=1e-5)
    assert json.loads((checkpoints / name / "40" / "identity.json").read_text())["checks"]["head"] == (
        "untied" if name in ("untied", "gpt-neox") else "tied"
    )


@pytest.mark.parametrize("bias", [True, False])
def test_the_running_sum_over_a_vocabulary_is_the_whole_one(bias):
    generator = torch.Generator().manual_seed(1)
    states_ND, weight_VD = torch.randn(300, 16, generator=generator), torch.randn(10_000, 16, generator=generator) / 2
    bias_V = torch.randn(10_000, generator=generator) if bias else None
    subwords_N = torch.randint(10_000, (300,), generator=generator)
    scores_NV = torch.nn.functional.linear(states_ND.double(), weight_VD.double(), None if bias_V is None else bias_V.double())
    expected_N = torch.nn.functional.cross_entropy(scores_NV, subwords_N, reduction="none") / math.log(2)
    assert float((bits_of_subwords(states_ND, weight_VD, bias_V, subwords_N) - expected_N).abs().max()) < 1e-5


@pytest.mark.parametrize("name", ["bert", "xlm-roberta", "gpt-neox"])
def test_bits_do_not_depend_on_batches(checkpoints, lines, name):
    predictor = SubwordPredictor(checkpoints / name / "40", CPU)
    one, all_ = (table_of(predictor, text_of(lines), SETTINGS, size) for size in (1, 100_000))
    pd.testing.assert_frame_equal(one, all_, atol=1e-4)


def test_masks_are_the_same_at_all_checkpoints_and_for_more_text(checkpoints, lines):
    counts = [table_of(SubwordPredictor(checkpoints / "xlm-roberta" / str(step), CPU), text_of(lines), SETTINGS, 500) for step in STEPS]
    pd.testing.assert_frame_equal(counts[0].drop(columns="bits"), counts[1].drop(columns="bits"))
    assert (counts[0]["bits"] != counts[1]["bits"]).any()
    lengths = [5, 40, 0, 7]
    drawn = draw_masks(lengths, 0.3, 1, "qaa", "valid")
    assert [len(line) for line in drawn] == lengths
    assert all((a == b).all() for a, b in zip(drawn, draw_masks([*lengths, 9], 0.3, 1, "qaa", "valid"), strict=False))
    for others in ((2, "qaa", "valid"), (1, "qba", "valid"), (1, "qaa", "test")):
        assert any((a != b).any() for a, b in zip(drawn, draw_masks(lengths, 0.3, *others), strict=True))
    share = np.concatenate(draw_masks([1000] * 20, 0.15, 1, "qaa", "valid")).mean()
    assert share == pytest.approx(0.15, abs=0.01)


def test_special_tokens_in_a_text_are_not_predicted(checkpoints, lines):
    predictor = SubwordPredictor(checkpoints / "xlm-roberta" / "40", CPU)
    all_masked = BitsSettings(mask_share=0.999999)
    plain, spelled = (table_of(predictor, text_of([line]), all_masked, 500).loc[0] for line in ("sola", "sola</s><mask>"))
    assert plain["predicted"] == plain["subwords"] == spelled["predicted"] == spelled["subwords"] - 2


@pytest.mark.parametrize("name", ["roberta", "gpt-neox"])
def test_every_subword_of_a_long_line_is_predicted_once(checkpoints, lines, name):
    predictor = SubwordPredictor(checkpoints / name / "40", CPU)
    long = max(lines, key=len)
    everything = BitsSettings(mask_share=0.999999)
    counts = table_of(predictor, text_of([long]), everything, 500).loc[0]
    assert counts["subwords"] > 3 * WINDOW and counts["predicted"] == counts["subwords"] and round(counts["characters"], 6) == len(long)
    assert 1 < counts["bits"] / counts["subwords"] < 12


def test_a_causal_models_first_subword_is_not_predicted_where_nothing_begins_a_text(checkpoints, lines, tmp_path):
    folder = Path(shutil.copytree(checkpoints / "gpt-neox" / "40", tmp_path / "40"))
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    settings["bos_token"] = None
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    renew_digests(folder)
    without, with_it = (SubwordPredictor(path, CPU) for path in (folder, checkpoints / "gpt-neox" / "40"))
    assert without.framing.prefix == [] and len(with_it.framing.prefix) == 1 and without.framing.window == with_it.framing.window + 1
    fewer, all_ = (table_of(predictor, text_of(["sola dara"]), SETTINGS, 500).loc[0] for predictor in (without, with_it))
    assert fewer["predicted"] == all_["predicted"] - 1 == fewer["subwords"] - 1 and fewer["characters"] < all_["characters"] == 9


def test_bits_fall_while_a_model_learns(checkpoints, tiny_model, tmp_path, lines):
    """And those of a model trained here are near the training log's, which are of masks of another kind."""
    for name in FAMILIES:
        before, after = (
            table_of(SubwordPredictor(checkpoints / name / str(step), CPU), text_of(lines), SETTINGS, 500).sum() for step in STEPS
        )
        for metric in ("bits_per_character", "bits_per_byte", "bits_per_subword"):
            assert BITS[metric].value(before) > BITS[metric].value(after) + 0.05, name
        assert before.drop("bits").equals(after.drop("bits"))
    predictor = SubwordPredictor(tiny_model.checkpoint, CPU)
    for language, logged in predictor.identity["loss"].items():
        text = held_out_text(tiny_model.text.folder / "corpus" / language / "valid.txt.zst", language, None)
        counts = table_of(predictor, text, SETTINGS, 4096).sum()
        found = counts["bits"] / counts["predicted"]
        assert logged < found < logged + 0.6


class TwoBits:
    """A causal model to which each subword costs two bits, and whose first subword nothing comes before."""

    causal, mask, device, identity = True, None, CPU, {"model": "m", "training_seed": None, "step": 0}
    framing = SimpleNamespace(prefix=[], suffix=[], window=100)

    def __init__(self, tokenizer: PreTrainedTokenizerFast) -> None:
        self.tokenizer = tokenizer

    def bits(self, rows, places, subwords) -> np.ndarray:
        return np.full(len(subwords), 2.0)


def test_the_sums_of_a_line_by_hand(by_hand):
    """What its subwords cover stands above; the first, `la` of two letters, is not predicted. A line may hold nothing.

    Of 11 subwords `▁la`, `▁` and `漢` come twice, the five others once.
    """
    lines = ["la née 字漢 漢 zzma", "", "la"]
    counts = line_counts(TwoBits(by_hand), replace(text_of(lines), words=np.array([5, 0, 1])), SETTINGS, 500)
    assert {name: values.tolist() for name, values in counts.items()} == {
        "bits": [18, 0, 0],
        "unigram_bits": [pytest.approx(5 * math.log2(11) + 4 * math.log2(5.5)), 0, 0],
        "predicted": [9, 0, 0],
        "characters": [14, 0, 0],
        "bytes": [21, 0, 0],
        "subwords": [10, 0, 1],
        "all_characters": [16, 0, 2],
        "lines": [1, 1, 1],
        "words": [5, 0, 1],
    }
    # Of held-out text nobody has counted words.
    assert {*line_counts(TwoBits(by_hand), text_of(lines), SETTINGS, 500)} == {*counts} - {"words"}


def test_lines_of_one_document_are_drawn_together(tmp_path):
    (tmp_path / "valid.txt").write_text("one\ntwo\n\nthree\n\nfour\nfive\nsix\n\n")
    text = held_out_text(tmp_path / "valid.txt", "qaa", None)
    assert (text.name, text.split, text.lines) == ("qaa", "valid", ["one", "two", "three", "four", "five", "six"])
    assert text.clusters.tolist() == ["0", "0", "1", "2", "2", "2"] and text.facts["parallel"] is None
    cut = held_out_text(tmp_path / "valid.txt", "qaa", 4)
    assert cut.lines == text.lines[:4] and cut.clusters.tolist() == ["0", "0", "1", "2"]


def test_outcomes_of_two_parallel_sets_of_one_language_stand_apart(checkpoints, tmp_path):
    """A user's own, and one of the world's; each under its name, its sentences by theirs, and with its group."""
    for name, parallel, sent_ids in (("qaa_pud", "pud", ["n01", "n02"]), ("qaa_mine", "mine", ["a", "b", "c"])):
        sentences = [Sentence(sent_id, "sola dara", [Word("sola", 0, 4, "X", "_", 0, "root")] * 2) for sent_id in sent_ids]
        write_dataset({"test": sentences}, tmp_path / name, name, "qaa", parallel=parallel)
    sets = [tmp_path / "qaa_pud", tmp_path / "qaa_mine"]
    all_masked = BitsSettings(mask_share=0.999999)
    measure_bits(checkpoints / "xlm-roberta" / "40", [], [], sets, tmp_path / "40.h5", all_masked, 500, "cpu")
    for name, parallel, sent_ids in (("qaa_pud", "pud", ["n01", "n02"]), ("qaa_mine", "mine", ["a", "b", "c"])):
        found = outcome_in(tmp_path / "40.h5", "bpc", name, name, "test")
        assert found.clusters.tolist() == sent_ids and found.facts["parallel"] == parallel
        assert found.layers is None and found.counts["words"].tolist() == [2] * len(sent_ids)
        assert found.counts["all_characters"].tolist() == [9] * len(sent_ids) == found.counts["characters"].tolist()
    table = scores_of(tmp_path / "40.h5").set_index(["target", "metric"])
    assert len(table) == 2 * 7 and table.index.is_unique and set(table["target_language"]) == {"qaa"} == set(table["source_language"])
    assert table.loc["qaa_pud", "value"].to_dict() == pytest.approx(table.loc["qaa_mine", "value"].to_dict())
    assert table.loc[("qaa_mine", "bits_per_sentence"), "n"] == 3


def test_the_scores_of_a_checkpoint(checkpoints, tiny_text, tmp_path):
    languages = list(tiny_text.languages)
    texts = [tiny_text.folder / "corpus" / language / "valid.txt.zst" for language in languages]
    (file,) = (tiny_text.folder / "sources" / "ud").glob("UD_Arva-PUD/*.conllu*")
    write_dataset(read_splits([file], None, 0.1), tmp_path / "qaa_pud", "qaa_pud", "qaa", parallel="pud")
    settings = BitsSettings(mask_share=0.2, max_lines=40)
    checkpoint = checkpoints / "xlm-roberta" / "40"
    measure_bits(checkpoint, texts, languages, [tmp_path / "qaa_pud"], tmp_path / "40.h5", settings, 500, "cpu")
    table = conform(scores_of(tmp_path / "40.h5", intervals=Intervals(200)), "scores.schema.yaml")
    assert set(table["task"]) == {"bpc"} and table["layer"].isna().all() and (table["source"] == table["target"]).all()
    assert set(zip(table["source"], table["source_language"], strict=True)) == {("qaa", "qaa"), ("qba", "qba"), ("qaa_pud", "qaa")}
    scores = table.set_index(["source", "split", "metric"])
    assert len(scores) == 2 * 5 + 7 and scores.index.is_unique
    assert (scores["low"] < scores["value"]).all() and (scores["value"] < scores["high"]).all()
    values = scores["value"]
    # Arva is written in Latin letters, Ketta in Cyrillic ones, of two bytes each.
    assert values["qaa", "valid", "bits_per_byte"] == pytest.approx(values["qaa", "valid", "bits_per_character"], rel=0.01)
    assert values["qba", "valid", "bits_per_byte"] < 0.65 * values["qba", "valid", "bits_per_character"]
    parallel = parallel_text(tmp_path / "qaa_pud")
    # As it is written: two words of the treebank may be one word of the text.
    assert "".join(parallel.lines) != "".join(read_sentences(tmp_path / "qaa_pud")["text"])
    assert parallel.clusters.tolist() == read_sentences(tmp_path / "qaa_pud")["sent_id"].tolist()
    tokenizer = SubwordPredictor(checkpoint, CPU).tokenizer
    subwords = sum(len(ids) for ids in tokenizer(parallel.lines, add_special_tokens=False)["input_ids"])
    of_parallel = values["qaa_pud", "test"]
    assert of_parallel["subwords_per_word"] == pytest.approx(subwords / parallel.words.sum())
    assert of_parallel["bits_per_sentence"] == pytest.approx(of_parallel["bits_per_subword"] * subwords / len(parallel.lines))
    n = scores["n"]["qaa_pud", "test"]
    assert n["bits_per_sentence"] == len(parallel.lines) == 40 and n["bits_per_subword"] == pytest.approx(0.2 * subwords, rel=0.15)


def test_what_is_divided_by_what_by_hand():
    sums = {"bits": 60, "characters": 40, "bytes": 50, "predicted": 10, "subwords": 80, "all_characters": 200, "lines": 4, "words": 32}
    sums |= {"unigram_bits": 90, "all_bytes": 250}
    found = {name: (metric.value(sums), metric.n, metric.needs) for name, metric in BITS.items()}
    assert found == {
        "bits_per_character": (1.5, "predicted", ()),
        "bits_per_byte": (1.2, "predicted", ()),
        "bits_per_subword": (6, "predicted", ()),
        "bits_per_character_unigram": (2.25, "predicted", ("unigram_bits",)),
        "subwords_per_character": (0.4, "subwords", ()),
        # An eighth of the subwords was predicted: all would cost 8 times as much.
        "bits_per_sentence": (120, "lines", ("words",)),
        "subwords_per_word": (2.5, "subwords", ("words",)),
    }
    # Fairseq's way, 2.5 characters and 3.125 bytes are a subword's.
    assert {name: (metric.value(sums), metric.n) for name, metric in FAIRSEQ_BITS.items()} == {
        "bits_per_character": (6 / 2.5, "predicted"),
        "bits_per_byte": (6 / 3.125, "predicted"),
        "bits_per_subword": (6, "predicted"),
        "bits_per_character_unigram": (9 / 2.5, "predicted"),
    }


def test_half_precision_is_off_by_little(checkpoints, lines):
    exact, half = (
        line_counts(SubwordPredictor(checkpoints / "bert" / "40", CPU, dtype), text_of(lines), SETTINGS, 500)["bits"].sum()
        for dtype in (torch.float32, torch.bfloat16)
    )
    assert half == pytest.approx(exact, rel=0.01) and half != exact


class Doubtful(torch.nn.Module):
    """A model whose last layer gives each of two subwords one bit, and whose scores give the second a little more."""

    def __init__(self, more_bits: float, dtype: torch.dtype) -> None:
        super().__init__()
        self.last_layer, self.dtype = torch.nn.Linear(4, 2).to(dtype), dtype
        torch.nn.init.zeros_(self.last_layer.weight)
        torch.nn.init.zeros_(self.last_layer.bias)
        self.more = math.log(2 ** (1 + more_bits) - 1)

    def forward(self, input_ids: torch.Tensor) -> object:
        scores = self.last_layer(torch.ones(*input_ids.shape, 4, dtype=self.dtype))
        if scores.shape[-1] == 2:
            scores = scores + self.more * (torch.arange(2) != input_ids[..., None]) * (input_ids[..., None] == 1)
        return SimpleNamespace(logits=scores)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-3), (torch.bfloat16, 0.5), (torch.float16, 0.05)])
def test_how_far_scores_may_be_from_the_last_layers(tmp_path, dtype, tolerance):
    def skip(more_bits: float) -> None:
        predictor = SubwordPredictor.__new__(SubwordPredictor)
        predictor.model, predictor.identity, predictor.device = Doubtful(more_bits, dtype), {"model": "m"}, CPU
        predictor.last_layer = predictor.model.last_layer
        predictor.framing = SimpleNamespace(window=2, rows=lambda rows: {"input_ids": torch.tensor([[0, 1]])})
        predictor._skip_last_layer(tmp_path)

    skip(0.8 * tolerance)
    with pytest.raises(XlprobeError, match=r": Doubtful changes its scores after its last layer, .*; add m to bpc\.leave_out"):
        skip(1.25 * tolerance)


def test_a_checkpoint_without_a_head_is_refused(checkpoints, tiny_text, tmp_path):
    source = Path(shutil.copytree(checkpoints / "sources" / "bert" / "step_40", tmp_path / "source"))
    weights = {name: value for name, value in load_file(source / "model.safetensors").items() if not name.startswith("cls.")}
    save_file(weights, source / "model.safetensors", metadata={"format": "pt"})
    publish_huggingface(source, tmp_path / "40", "theirs", None, 40, "masked", "x", [])
    with pytest.raises(XlprobeError, match=r"40: .*without the head that predicts subwords.*; add theirs to bpc\.leave_out"):
        SubwordPredictor(tmp_path / "40", CPU)


@pytest.mark.parametrize(
    ("family", "direction", "why"),
    [
        ("gpt-neox", "both ways", r"gpt-neox sees the subwords after the one that .*; add gpt-neox to bpc\.leave_out in the configuration"),
        (
            "bert",
            "causal",
            r"bert sees only the subwords before a <mask>.*; set models\.bert\.huggingface\.objective to causal, or",
        ),
    ],
)
def test_a_model_that_sees_more_or_less_than_its_objective_says_is_refused(checkpoints, tmp_path, family, direction, why):
    folder = Path(shutil.copytree(checkpoints / family / "40", tmp_path / "40"))
    identity = json.loads((folder / "identity.json").read_text())
    assert identity["checks"]["direction"] != direction
    identity["checks"]["direction"] = direction
    (folder / "identity.json").write_text(json.dumps(identity))
    with pytest.raises(XlprobeError, match=f"^{folder}: {why}"):
        SubwordPredictor(folder, CPU)
    # As older versions wrote it, the model not having been tried.
    del identity["checks"]["direction"]
    (folder / "identity.json").write_text(json.dumps(identity))
    with pytest.raises(XlprobeError, match=f"^{folder}/identity.json: does not say what the model sees .*; delete it to make the"):
        SubwordPredictor(folder, CPU)


@pytest.mark.parametrize(
    "after",
    [
        lambda scores: 30 * torch.tanh(scores / 30),
        lambda scores: scores[..., :5],
        # Of one position alone.
        lambda scores: torch.cat([scores[:, :-1], 30 * torch.tanh(scores[:, -1:] / 30)], dim=1),
    ],
)
def test_a_head_that_goes_on_after_its_last_layer_is_refused(checkpoints, monkeypatch, after):
    load = subword_bits.load_model

    def changed(*arguments):
        loaded = load(*arguments)
        forward = loaded.model.forward

        def with_more(**batch):
            output = forward(**batch)
            output.logits = after(10 * output.logits)
            return output

        loaded.model.forward = with_more
        return loaded

    monkeypatch.setattr(subword_bits, "load_model", changed)
    with pytest.raises(XlprobeError, match="BertForMaskedLM changes its scores after its last layer"):
        SubwordPredictor(checkpoints / "bert" / "40", CPU)


def test_a_text_with_nothing_to_predict_is_refused(checkpoints):
    with pytest.raises(XlprobeError, match=r"^valid\.txt\.zst: holds no character to predict \(1 lines, 0 subwords\); give more text"):
        line_counts(SubwordPredictor(checkpoints / "bert" / "40", CPU), text_of([""]), SETTINGS, 500)
