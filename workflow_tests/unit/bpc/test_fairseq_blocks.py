"""Bits per character fairseq's way: its blocks, its masks and its loss, by fairseq itself and by hand."""

import copy
import itertools
import math
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from outcome_scores import scores_of
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

import xlprobe.pretraining.fairseq_runtime  # noqa: F401  isort: skip  (must come before fairseq)
from fairseq import options
from fairseq.criterions.masked_lm import MaskedLmConfig, MaskedLmLoss

from xlprobe.artifacts.outcome_file import OutcomeFile, OutcomePlace
from xlprobe.artifacts.training_state import load_state
from xlprobe.artifacts.vocabulary import PAD
from xlprobe.bpc.bits_per_character import BitsSettings, BlockSettings, Text, encode_lines, held_out_text
from xlprobe.bpc.fairseq_blocks import blocks_of_lines, outcome_of_blocks, random_subwords, special_tokens
from xlprobe.bpc.measurement import measure_bits
from xlprobe.bpc.subword_bits import SubwordPredictor
from xlprobe.errors import XlprobeError
from xlprobe.pretraining.fairseq_models import rebuild_model
from xlprobe.pretraining.fairseq_task import MaskedLanguageModelTask
from xlprobe.pretraining.intervals import fairseq_arguments

CPU = torch.device("cpu")
SETTINGS = BitsSettings()
TINY = BlockSettings(64, "eos")


@pytest.fixture(scope="module")
def predictor(tiny_model) -> SubwordPredictor:
    return SubwordPredictor(tiny_model.checkpoint, CPU)


def held_out(tiny_model, language: str = "qaa") -> Text:
    return held_out_text(tiny_model.text.folder / "corpus" / language / "valid.txt.zst", language, None)


def outcome_of(predictor: SubwordPredictor, text: Text, blocks: BlockSettings, settings: BitsSettings = SETTINGS):
    return outcome_of_blocks(predictor, text, special_tokens(predictor, Path("40")), settings, blocks, 2000)


def fairseqs_task(tiny_model, **training) -> MaskedLanguageModelTask:
    """fairseq's own task on the binarised text, as the trainer validates with it."""
    run = tiny_model.text.run(tiny_model.pretraining, training)
    arguments = options.parse_args_and_arch(options.get_training_parser(), fairseq_arguments(run, 12, None, "cpu"))
    task = MaskedLanguageModelTask.setup_task(arguments)
    task.load_dataset("valid_qaa")
    task.datasets["valid_qaa"].set_epoch(1)
    return task


@pytest.mark.parametrize(("sample_break", "tokens_per_sample"), [("eos", 64), ("complete", 100), ("complete", 20), ("none", 33)])
def test_blocks_and_masks_are_fairseqs(tiny_model, predictor, sample_break, tokens_per_sample):
    """Of text that its own tokenizer cut, read from its own files."""
    task = fairseqs_task(tiny_model, sample_break=sample_break, tokens_per_sample=tokens_per_sample, mask_probability=0.3, seed=7)
    theirs = task.datasets["valid_qaa"]
    special = special_tokens(predictor, Path("40"))
    ids = [line.ids for line in encode_lines(predictor, held_out(tiny_model).lines, True)]
    settings = BitsSettings(mask_share=0.3, seed=7)
    blocks = blocks_of_lines(ids, special, random_subwords(predictor, special), tokens_per_sample, sample_break, settings)
    assert len(blocks) == len(theirs) > 30
    for number, block in enumerate(blocks):
        sample = theirs[number]
        read, targets = sample["net_input.src_tokens"].numpy(), sample["target"].numpy()
        assert np.array_equal(block.read, read) and np.array_equal(block.chosen, targets != PAD)
        assert np.array_equal(block.ids[block.chosen], targets[targets != PAD]) and block.ids[0] == 0
        assert np.array_equal(block.ids[~block.chosen], read[~block.chosen])
    assert any(np.flatnonzero(block.chosen)[0] == 0 for block in blocks if block.chosen.any())
    # All of the text, each subword once.
    assert blocks[0].start == 0
    assert all(one.end == other.start for one, other in itertools.pairwise(blocks))
    assert blocks[-1].end == sum(map(len, ids)) + len(ids)


def test_bits_are_fairseqs_loss_block_by_block(tiny_model, predictor):
    """By its own criterion and its own model."""
    task = fairseqs_task(tiny_model)
    data, criterion = task.datasets["valid_qaa"], MaskedLmLoss(MaskedLmConfig(tpu=False), task)
    state = load_state(tiny_model.pretraining / "step_12.pt")
    model = rebuild_model(copy.deepcopy(state), tiny_model.text.tokenizer)
    found = outcome_of(predictor, held_out(tiny_model), TINY).counts
    assert len(found["bits"]) == len(data) > 200
    for number in range(len(data)):
        with torch.no_grad():
            loss, chosen, _ = criterion(model, data.collater([data[number]]))
        if chosen:
            assert found["bits"][number] == pytest.approx(float(loss) / math.log(2), abs=1e-4)
        assert found["predicted"][number] == chosen


@pytest.mark.parametrize("language", ["qaa", "qba"])
def test_bits_per_subword_are_those_of_the_training_log(tiny_model, predictor, language):
    """fairseq rounds its own to three places."""
    counts = outcome_of(predictor, held_out(tiny_model, language), TINY).counts
    logged = predictor.identity["loss"][language]
    assert counts["bits"].sum() / counts["predicted"].sum() == pytest.approx(logged, abs=6e-4)


class Masked:
    """A masked model to which each subword costs two bits, and whose tokenizer knows few; special tokens come last."""

    causal, device, identity = False, CPU, {"model": "m", "training_seed": None, "step": 0}
    subwords = ("<unk>", "▁", "▁la", "▁né", "e", "▁字", "漢", "ma", "<s>", "</s>", "<pad>", "<mask>")
    mask = 11

    def __init__(self, window: int = 20) -> None:
        backend = Tokenizer(models.Unigram([(subword, -1.0 - n / 10) for n, subword in enumerate(self.subwords)], unk_id=0))
        backend.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])
        special = {"unk_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "mask_token": "<mask>"}
        self.tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, **special)
        self.framing = SimpleNamespace(prefix=[8], suffix=[9], padding=10, window=window)
        self.predicted: list[int] = []

    def unframed(self) -> "Masked":
        other = copy.copy(self)
        other.framing = SimpleNamespace(window=self.framing.window + 2)
        return other

    def bits(self, rows, places, subwords) -> np.ndarray:
        self.predicted += subwords.tolist()
        return np.full(len(subwords), 2.0)


# Ten subwords that cover 16 characters, of 23 bytes (test_bits_per_character), and two that cover 5.
LINES = ["la née 字漢 漢 zzma", "la la"]
# Of 16 positions `▁la` has three, <s>, </s>, `▁` and `漢` two each, and five others one.
LA = math.log2(16 / 3)
ALL_CHOSEN = BitsSettings(mask_share=0.999999)


def text_of(*lines: str) -> Text:
    return Text(Path("valid.txt.zst"), "qaa", "valid", list(lines), "qaa", facts={"parallel": None})


def counted(blocks: BlockSettings, model: Masked | None = None) -> dict[str, list[float]]:
    return {name: values.tolist() for name, values in outcome_of(model or Masked(), text_of(*LINES), blocks, ALL_CHOSEN).counts.items()}


def test_the_sums_of_a_block_by_hand():
    """<s> la née 字漢 漢 zzma </s>, and <s> la la </s>: together they would be longer than 14."""
    expected = {"bits": [24, 8], "predicted": [12, 4], "subwords": [12, 4], "all_characters": [16, 5], "all_bytes": [23, 5]}
    found = counted(BlockSettings(14))
    assert found.pop("unigram_bits") == pytest.approx([38 + LA, 6 + 2 * LA]) and found == expected
    assert counted(BlockSettings(15))["predicted"] == [15]
    without = counted(BlockSettings(14, count_special_tokens=False))
    del without["unigram_bits"]
    assert without == expected | {"subwords": [10, 2]}
    # Cut anywhere, the seventh subword is the last of the first block.
    anywhere = counted(BlockSettings(8, "none"))
    assert (anywhere["subwords"], anywhere["all_characters"]) == ([8, 8], [11, 10])


def test_blocks_are_as_long_as_the_window_where_nothing_is_said_and_longer_ones_are_left_out(capsys):
    model = Masked(window=13)
    found = outcome_of(model, text_of(*LINES), BlockSettings(), ALL_CHOSEN)
    assert found.counts["predicted"].tolist() == [15]
    assert {key: found.facts[key] for key in ("tokens_per_sample", "sample_break", "blocks_too_long")} == {
        "tokens_per_sample": 15,
        "sample_break": "complete",
        "blocks_too_long": 0,
    }
    # The first line does not fit; the shares of subwords, too, are those of the rest.
    found = outcome_of(Masked(window=2), text_of(*LINES), BlockSettings(), ALL_CHOSEN)
    assert "valid.txt.zst: 1 of 2 blocks are longer than the model's window of 4, and left out" in capsys.readouterr().out
    assert found.facts["blocks_too_long"] == 1 and {name: values.tolist() for name, values in found.counts.items()} == {
        "bits": [8], "unigram_bits": [6], "predicted": [4], "subwords": [4], "all_characters": [5], "all_bytes": [5],
    }  # fmt: skip


def test_special_tokens_that_a_text_spells_out_are_unknown_subwords():
    model = Masked()
    found = outcome_of(model, text_of("la <mask> </s><pad> la"), BlockSettings(), ALL_CHOSEN)
    assert model.predicted == [8, 2, 0, 0, 0, 2, 9] and found.counts["subwords"] == [7]
    assert random_subwords(model, special_tokens(model, Path("40"))).nonzero()[0].tolist() == [1, 2, 3, 4, 5, 6, 7, 11]


@pytest.mark.parametrize("lines", [[], ["la"]])
def test_a_text_in_which_nothing_is_chosen_is_refused(lines):
    with pytest.raises(
        XlprobeError, match=r"^valid\.txt\.zst: no subword is chosen in \d blocks, of \d, that fit the model's window of 22; "
    ):
        outcome_of(Masked(), text_of(*lines), BlockSettings(), BitsSettings(mask_share=1e-9))


def test_models_that_fairseqs_way_does_not_fit_are_refused():
    causal, bare = Masked(), Masked()
    causal.causal, bare.framing.suffix = True, []
    for model, why in ((causal, "the model is causal, and"), (bare, "fairseq's way .* one token before a text, one after it, <mask>")):
        with pytest.raises(XlprobeError, match=rf"^40: {why}.*; set bpc\.protocol to lines, or add m to bpc\.leave_out"):
            special_tokens(model, Path("40"))


def test_both_protocols_stand_side_by_side(tiny_model, tmp_path):
    texts = [tiny_model.text.folder / "corpus" / language / "valid.txt.zst" for language in ("qaa", "qba")]
    settings, files = BitsSettings(max_lines=40), {}
    for name, blocks in (("lines", None), ("fairseq", TINY)):
        files[name] = tmp_path / f"{name}.h5"
        measure_bits(tiny_model.checkpoint, texts, ["qaa", "qba"], [], files[name], settings, 2000, "cpu", blocks=blocks)
    with OutcomeFile(files["fairseq"]) as outcomes:
        places = [OutcomePlace("bpc", code, code, "valid", protocol) for code in ("qaa", "qba") for protocol in ("fairseq", "lines")]
        assert sorted(outcomes.places) == places
        of_blocks = outcomes.read(places[0])
    # All text, whatever `max_lines` says; each block by itself.
    assert len(of_blocks.counts["bits"]) == len(held_out(tiny_model).lines) > 200
    assert of_blocks.clusters.tolist() == [str(number) for number in range(len(of_blocks.clusters))]
    both = scores_of(files["fairseq"])
    of_lines = both[both["protocol"] == "lines"].reset_index(drop=True)
    assert of_lines.equals(scores_of(files["lines"]))
    values = both[(both["protocol"] == "fairseq") & (both["source"] == "qaa")].set_index("metric")["value"]
    sums = {name: counts.sum() for name, counts in of_blocks.counts.items()}
    per_character = sums["subwords"] / sums["all_characters"]
    assert values.to_dict() == pytest.approx(
        {
            "bits_per_character": sums["bits"] / sums["predicted"] * per_character,
            "bits_per_byte": sums["bits"] / sums["predicted"] * per_character,
            "bits_per_subword": sums["bits"] / sums["predicted"],
            "bits_per_character_unigram": sums["unigram_bits"] / sums["predicted"] * per_character,
        }
    )
