"""What models do with their input is tried on them: checkpoints of many architectures, adopted or refused for what they are."""

import json
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file
from suites import byte_level_tokenizer, word_piece_tokenizer
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForMaskedLM

from xlprobe.artifacts.tables import conform
from xlprobe.checkpoints.canary import _other_scripts, _unknown_share, examine, fixed_texts
from xlprobe.checkpoints.from_huggingface import publish_huggingface
from xlprobe.checkpoints.model_trials import Trials, _share, try_model
from xlprobe.checkpoints.table import collect_checkpoints
from xlprobe.errors import XlprobeError
from xlprobe.files import read_json
from xlprobe.library_errors import LEAVE_OUT
from xlprobe.models.language_models import UNLIMITED_WINDOW, Framing, load_body, load_model, load_tokenizer

CLASSES = {"masked": AutoModelForMaskedLM, "causal": AutoModelForCausalLM}
IDS = {"bos_token_id": 0, "pad_token_id": 1, "eos_token_id": 2}
SIZES = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64, "max_position_embeddings": 64} | IDS
LLAMA = SIZES | {"num_key_value_heads": 2}
XLNET = {"d_model": 32, "n_layer": 2, "n_head": 2, "d_inner": 64, "pad_token_id": 1}
LONG_ROPE = {"rope_type": "dynamic", "factor": 2.0, "rope_theta": 1e4, "original_max_position_embeddings": 200}
GPT2 = {"n_embd": 32, "n_layer": 2, "n_head": 2, "n_positions": 64}


@pytest.fixture(scope="module")
def tokenizer() -> transformers.PreTrainedTokenizerFast:
    """Bytes and what the fixed texts often hold."""
    return byte_level_tokenizer([text for _, text in fixed_texts()], framed=True, vocabulary=325)


@pytest.fixture
def made(tokenizer, tmp_path):
    """Makes an untrained model's folder: objective, model type, settings."""

    def make(objective: str, kind: str, **settings: object) -> Path:
        torch.manual_seed(0)
        config = AutoConfig.for_model(kind, vocab_size=len(tokenizer), **settings)
        CLASSES[objective].from_config(config).save_pretrained(tmp_path / "made")
        tokenizer.save_pretrained(tmp_path / "made")
        return tmp_path / "made"

    return make


def adopt(source: Path, objective: str = "auto", step: int = 10, **options: object) -> dict:
    folder = source.parent / "adopted"
    publish_huggingface(source, folder, "m", None, step, objective, "somewhere", [], **options)
    return read_json(folder / "identity.json")


def configure(folder: Path, name: str = "config.json", **changes: object) -> None:
    (folder / name).write_text(json.dumps(read_json(folder / name) | changes))


def add_weights(folder: Path, **added: torch.Tensor) -> None:
    """Write a checkpoint's weights with some more; double underscores are dots."""
    weights = load_file(folder / "model.safetensors") | {name.replace("__", "."): value for name, value in added.items()}
    save_file({name: value.clone() for name, value in weights.items()}, folder / "model.safetensors", {"format": "pt"})


@pytest.mark.parametrize(
    ("objective", "kind", "settings", "direction", "padding"),
    [
        ("masked", "bert", SIZES, "both ways", "independent"),
        ("masked", "fnet", SIZES, "both ways", "sees padding"),
        ("masked", "convbert", SIZES | {"embedding_size": 32}, "both ways", "sees padding"),
        ("masked", "nystromformer", SIZES, "both ways", "sees padding"),
        ("masked", "yoso", SIZES, "both ways", "sees padding"),
        # Chooses 40 positions where there are more.
        ("causal", "doge", LLAMA | {"max_position_embeddings": 512, "keep_window_size": 40}, "causal", "sees padding"),
        ("masked", "big_bird", SIZES | {"block_size": 4, "num_random_blocks": 1}, "both ways", "independent"),
        ("masked", "longformer", SIZES | {"attention_window": [8, 8]}, "both ways", "independent"),
        ("masked", "bert", SIZES | {"is_decoder": True}, "causal", "independent"),
        ("causal", "bert", SIZES | {"is_decoder": True}, "causal", "independent"),
        ("causal", "bert", SIZES, "both ways", "independent"),
        ("causal", "gpt2", GPT2, "causal", "independent"),
        ("causal", "llama", LLAMA, "causal", "independent"),
        ("causal", "llama", LLAMA | {"is_causal": False}, "both ways", "independent"),
        ("causal", "gemma3_text", LLAMA | {"head_dim": 16, "use_bidirectional_attention": True}, "both ways", "independent"),
        ("causal", "xlnet", XLNET, "both ways", "independent"),
        (
            "causal",
            "rwkv",
            {"hidden_size": 32, "num_hidden_layers": 2, "attention_hidden_size": 32, "context_length": 64},
            "causal",
            "independent",
        ),
        ("causal", "mamba", {"hidden_size": 32, "num_hidden_layers": 2, "state_size": 8}, "causal", "independent"),
        ("causal", "bloom", {"hidden_size": 32, "n_layer": 2, "n_head": 2}, "causal", "independent"),
    ],
)
def test_direction_and_padding_are_seen(made, objective, kind, settings, direction, padding):
    identity = adopt(made(objective, kind, **settings))
    checks = identity["checks"]
    assert (identity["objective"], checks["direction"], checks["padding"]) == (objective, direction, padding)
    assert checks["model_class"].endswith("Model") and checks["attention"] in ("sdpa", "eager") and checks["own_code"] == "none"
    # What is predicted by another sight than the objective's is no loss.
    assert bool(identity["loss"]) == (direction == {"masked": "both ways", "causal": "causal"}[objective])


def test_what_is_tried_is_what_later_work_loads(made, tokenizer):
    folder = made("causal", "xlnet", **XLNET)
    identity = adopt(folder)
    body = load_body(folder.parent / "adopted")
    framing = Framing(body, load_tokenizer(folder.parent / "adopted"))
    assert type(body).__name__ == identity["checks"]["model_class"] and framing.window == 48 - 2
    with torch.no_grad():
        assert try_model(body, framing, range(10, 60), "x") == Trials("both ways", "independent")


def test_a_few_large_dimensions_hide_nothing(made):
    """States of 262,144 in one dimension are finite in float32, and the others still tell that the model is causal."""
    folder = made("causal", "llama", **LLAMA)
    weights = load_file(folder / "model.safetensors")
    weights["model.embed_tokens.weight"][:, 3] *= 4e6
    add_weights(folder, **weights)
    identity = adopt(folder)
    assert identity["checks"]["largest_activation"] > 65_504 and identity["checks"]["direction"] == "causal"


def test_bits_of_what_sees_both_ways_are_refused_at_adoption(made):
    folder = made("causal", "llama", is_causal=False, **LLAMA)
    with pytest.raises(XlprobeError, match=r"the causal model sees later subwords, too, .* add m to bpc.leave_out in the configuration$"):
        adopt(folder, bits=True)
    identity = adopt(folder)
    collect_checkpoints([folder.parent / "adopted" / "identity.json"], folder.parent / "table.parquet")
    (row,) = conform(pd.read_parquet(folder.parent / "table.parquet"), "checkpoints.schema.yaml").to_dict("records")
    columns = ("objective", "direction", "padding", "model_class", "attention", "own_code", "unknown_subwords")
    assert [row[column] for column in columns] == ["causal", "both ways", "independent", "LlamaModel", "sdpa", "none", 0.0]
    assert pd.isna(row["bits_per_subword"]) and identity["loss"] == {}


def test_a_masked_model_that_sees_one_way_is_refused_where_bits_are_taken(made):
    with pytest.raises(
        XlprobeError,
        match=r"the masked model sees the subwords before a <mask> alone, .* correct models\.m\.huggingface\.objective, or add m",
    ):
        adopt(made("masked", "bert", is_decoder=True, **SIZES), bits=True)


def test_a_model_that_sees_nothing_has_not_been_trained(made):
    """As MRA without its kernel, or a model whose layers begin at zero: right before training alone."""
    folder = made("causal", "gpt2", **GPT2)
    weights = load_file(folder / "model.safetensors")
    add_weights(folder, **{name: torch.zeros_like(value) for name, value in weights.items() if ".c_proj." in name})
    with pytest.raises(
        XlprobeError, match=r"no subword's vector depends on another subword, .*; take step 10 out of models\.m\.steps, or m"
    ):
        adopt(folder)
    identity = adopt(folder, step=0)
    assert identity["checks"]["direction"] == "neither way" and identity["loss"]


class Mixing(torch.nn.Module):
    """A body whose states depend on the other rows, or on chance."""

    def __init__(self, config: object, mix) -> None:
        super().__init__()
        self.config, self.mix = config, mix
        self.embeddings = torch.nn.Embedding(400, 32)

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor, output_hidden_states: bool) -> object:
        states = self.embeddings(input_ids)
        return transformers.modeling_outputs.BaseModelOutput(hidden_states=(states, self.mix(states), states))


@pytest.mark.parametrize(
    ("mix", "message"),
    [
        (lambda states: states + states.mean(dim=0), "a row's vectors depend on what other rows of the same length are read with it"),
        (lambda states: states + torch.rand_like(states), "the model gives other vectors each time that it reads the same row"),
        (lambda states: states[..., :16], "layer 1 of Mixing gives states of 4 x 34 x 16 .*, not 4 x 34 x 32 "),
        (lambda states: states[:, ::2], "layer 1 of Mixing gives states of 4 x 17 x 32 .*, not 4 x 34 x 32 "),
        (lambda states: states / 0, "layer 1 gives activations that are not finite"),
    ],
)
def test_what_cannot_be_measured_is_refused(made, mix, message):
    folder = made("masked", "bert", **SIZES)
    body = load_model(folder).model.base_model
    framing = Framing(body, load_tokenizer(folder))
    with pytest.raises(XlprobeError, match=rf"{message}.*; {LEAVE_OUT}$"), torch.no_grad():
        try_model(Mixing(body.config, mix), framing, range(10, 60), "x")


def test_seeing_both_ways_within_blocks_is_seen(made):
    """As models that write block by block do: causal between blocks."""

    def mix(states: torch.Tensor, size: int) -> torch.Tensor:
        blocks = torch.arange(states.shape[1]) // size
        seen = (blocks[:, None] >= blocks[None]).float()
        return states + seen / seen.sum(dim=1, keepdim=True) @ states

    folder = made("masked", "bert", **SIZES)
    body = load_model(folder).model.base_model
    framing = Framing(body, load_tokenizer(folder))
    with torch.no_grad():
        for size, direction in ((1, "causal"), (2, "both ways"), (4, "both ways"), (8, "both ways"), (16, "both ways")):
            found = try_model(Mixing(body.config, lambda states, size=size: mix(states, size)), framing, range(10, 60), "x")
            assert found.direction == direction, size


def test_layers_of_two_widths_and_of_two_stacks_are_refused(made):
    folder = made("causal", "opt", word_embed_proj_dim=16, ffn_dim=64, do_layer_norm_before=False, **SIZES)
    with pytest.raises(XlprobeError, match=r"layer 2 of OPTModel gives states of 1 x 48 x 16 .*, not 1 x 48 x 32 .*; take the"):
        adopt(folder)
    configure(folder, is_encoder_decoder=True)
    with pytest.raises(
        XlprobeError, match="opt is an encoder with a decoder, and xlprobe measures only models of one stack of layers; take"
    ):
        adopt(folder)


def test_a_model_without_a_table_of_subwords_is_refused(made):
    sizes = {"d_model": 32, "d_latents": 32, "num_latents": 8, "num_self_attends_per_block": 2, "max_position_embeddings": 64}
    folder = made("masked", "perceiver", num_self_attention_heads=2, num_cross_attention_heads=2, **sizes)
    with pytest.raises(XlprobeError, match=f"PerceiverModel has no table with a vector for each subword; {LEAVE_OUT}$"):
        adopt(folder)


@pytest.mark.parametrize(
    ("kind", "settings", "stated", "window"),
    [
        ("xlnet", XLNET, None, UNLIMITED_WINDOW - 2),
        ("xlnet", XLNET, -1, UNLIMITED_WINDOW - 2),
        ("bloom", {"hidden_size": 32, "n_layer": 2, "n_head": 2}, 0, UNLIMITED_WINDOW - 2),
        ("mpt", {"d_model": 32, "n_layers": 2, "n_heads": 2, "max_seq_len": 100}, None, 98),
        ("gpt2", GPT2, None, 62),
        ("gpt2", GPT2, 1e30, 62),
        ("gpt2", GPT2, 50.0, 48),
        ("llama", LLAMA | {"max_position_embeddings": 400, "rope_parameters": LONG_ROPE}, None, 198),
    ],
)
def test_a_window_is_what_the_settings_allow(made, kind, settings, stated, window):
    folder = made("causal", kind, **settings)
    configure(folder, "tokenizer_config.json", model_max_length=stated)
    assert Framing(load_model(folder).model, load_tokenizer(folder)).window == window


def test_a_window_without_room_is_refused(made):
    folder = made("causal", "gpt2", **GPT2)
    configure(folder, "tokenizer_config.json", model_max_length=17)
    with pytest.raises(XlprobeError, match="the model's window has room for 15 subwords beside the special tokens, at least 16"):
        adopt(folder)
    configure(folder, "tokenizer_config.json", model_max_length=18)
    assert adopt(folder)["checks"]["direction"] == "causal"


@pytest.mark.parametrize("name", ["config.json", "tokenizer_config.json"])
def test_own_code_never_runs_and_is_refused_unless_it_is_ignored(made, name):
    folder = made("causal", "llama", **LLAMA)
    plain = adopt(folder)
    configure(folder, name, auto_map={"AutoTokenizer": ["own.Code", None], "AutoModelForCausalLM": "own.Code"})
    (folder / "own.py").write_text("raise SystemExit('own code ran')\n")
    with pytest.raises(XlprobeError, match=rf"{name}: names code of its own \(auto_map\).*set own_code: ignored at models.m.huggingface"):
        adopt(folder)
    identity = adopt(folder, own_code="ignored")
    assert (identity["checks"]["own_code"], identity["checks"]["model_class"]) == ("ignored", "LlamaModel")
    assert identity["files"]["model.safetensors"] == plain["files"]["model.safetensors"] and identity["loss"] == plain["loss"]
    assert not [path for path in (folder.parent / "adopted").iterdir() if "auto_map" in path.read_text(errors="ignore")]


def test_attention_and_output_are_what_we_choose(made):
    folder = made("causal", "llama", **LLAMA)
    settings = (folder / "config.json").read_text()
    expected = adopt(folder)
    asked = [("attn_implementation", kind) for kind in ("flash_attention_2", "eager", "kernels-community/flash-attn")]
    for key, value in [*asked, ("_attn_implementation", "flex_attention"), ("output_attentions", True), ("return_dict", False)]:
        (folder / "config.json").write_text(settings)
        configure(folder, **{key: value})
        identity = adopt(folder)
        assert identity["checks"]["attention"] == "sdpa" and identity["loss"] == expected["loss"], key
        assert load_body(folder.parent / "adopted").config._attn_implementation == "sdpa"


def test_constants_of_older_versions_are_read_and_learned_weights_are_not_lost(made):
    folder = made("causal", "gpt2", **GPT2)
    expected = adopt(folder)
    add_weights(
        folder,
        transformer__h__1__attn__bias=torch.ones(1, 1, 64, 64, dtype=torch.uint8).tril(),
        transformer__h__1__attn__masked_bias=torch.tensor(-1e4),
    )
    assert adopt(folder)["loss"] == expected["loss"]
    for name in ("transformer__h__1__attn__gate", "transformer__extra_norm__weight"):
        add_weights(folder, **{name: torch.rand(32)})
        with pytest.raises(XlprobeError, match=rf"1 weights fit nowhere in the model .* \({name.replace('__', '.')}, say\)"):
            adopt(folder)
        add_weights(folder, **{name: torch.arange(32)})


def test_another_models_tokenizer_is_refused(made):
    folder = made("causal", "llama", **LLAMA)
    byte_level_tokenizer(["a"], framed=False, vocabulary=100).save_pretrained(folder)
    model = load_model(folder).model
    model.resize_token_embeddings(600)
    model.save_pretrained(folder)
    with pytest.raises(XlprobeError, match="the tokenizer has 257 subwords, the model embeddings for 600; they do not belong together"):
        adopt(folder)


def with_tokenizer(folder: Path, tokenizer: transformers.PreTrainedTokenizerFast, rows: int | None = None) -> None:
    """Give a folder a tokenizer and an untrained model of as many subwords, or more."""
    tokenizer.save_pretrained(folder)
    config = AutoConfig.from_pretrained(folder, vocab_size=rows or len(tokenizer))
    AutoModelForMaskedLM.from_config(config).save_pretrained(folder)


def test_a_small_vocabulary_may_be_padded(made):
    folder = made("masked", "bert", **SIZES)
    tokenizer = word_piece_tokenizer([text for language, text in fixed_texts() if language == "en"], 80)
    assert len(tokenizer) == 80
    with_tokenizer(folder, tokenizer, rows=len(tokenizer) + 128)
    assert adopt(folder)["checks"]["unknown_subwords"]["en"] == 0
    with_tokenizer(folder, tokenizer, rows=len(tokenizer) + 129)
    with pytest.raises(XlprobeError, match=r"subwords, the model embeddings for \d+; they do not belong together: save the tokenizer that"):
        adopt(folder)


def dropping_tokenizer(texts: Sequence[str]) -> transformers.PreTrainedTokenizerFast:
    """A BPE without an unknown subword, which drops what it does not know."""
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    special = ["[PAD]", "[MASK]"]
    backend.train_from_iterator(texts, trainers.BpeTrainer(vocab_size=200, special_tokens=special, show_progress=False))
    names = {"pad_token": "[PAD]", "mask_token": "[MASK]"}
    return transformers.PreTrainedTokenizerFast(tokenizer_object=backend, model_max_length=48, **names)


def test_what_a_tokenizer_drops_is_unknown(made):
    folder = made("masked", "bert", **SIZES)
    with_tokenizer(folder, dropping_tokenizer([text for language, text in fixed_texts() if language in ("en", "de")]))
    shares = adopt(folder)["checks"]["unknown_subwords"]
    assert shares["en"] == shares["de"] == 0 and 0 < shares["vi"] < 0.5
    assert all(shares[language] > 0.9 for language in ("ar", "hi", "th", "zh-Hans", "ru"))
    with_tokenizer(folder, dropping_tokenizer([f"{number}" for number in range(400)]))
    with pytest.raises(XlprobeError, match=r"knows none of .* \d+% of the subwords or letters are unknown; save the tokenizer"):
        adopt(folder)
    # A script of its own, and the letter that is tried first.
    georgian = ["a", *(chr(0x10D0 + first) + chr(0x10D0 + second) for first in range(9) for second in range(9))]
    with_tokenizer(folder, dropping_tokenizer(georgian))
    assert min(adopt(folder)["checks"]["unknown_subwords"].values()) > 0.5


def test_a_tokenizer_that_knows_no_language_is_refused(made):
    """And one that knows some, or has a script of its own, is not."""
    folder = made("masked", "bert", **SIZES)
    shares = {}
    for name, texts in {
        "digits": [f"{number}" for number in range(400)] * 3,
        "Latin": [text for language, text in fixed_texts() if language in ("en", "de")],
        "Georgian": [chr(0x10D0 + first) + chr(0x10D0 + second) for first in range(33) for second in range(33)],
    }.items():
        with_tokenizer(folder, word_piece_tokenizer(texts, 325))
        if name == "digits":
            with pytest.raises(XlprobeError, match=r"the tokenizer knows none of 15 languages: in the fixed text in \w+, .* \d+% of the"):
                adopt(folder)
        else:
            shares[name] = adopt(folder)["checks"]["unknown_subwords"]
    assert shares["Latin"]["en"] < 0.1 and shares["Latin"]["ru"] > 0.5 and min(shares["Georgian"].values()) > 0.5


@pytest.mark.parametrize(
    ("subwords", "other"),
    [
        # Scripts of the fixed texts, half of each, one more; the first letter counts, and what has none does not.
        (["a", "и"], False),
        (["a", "\u10d0"], False),
        (["a", "\u10d0", "2\u10d1c", "7", "8", "9"], True),
    ],
)
def test_most_subwords_are_of_a_script_of_their_own(subwords, other):
    assert _other_scripts(SimpleNamespace(get_vocab=lambda: {subword: place for place, subword in enumerate(subwords)})) is other


class Spelling:
    """A tokenizer with a subword a character: 0 what it does not know, which is `?`, and 1 a space; it drops `ß`."""

    unk_token_id = 0

    def __call__(self, text: str, **_: object) -> dict:
        kept = [(place, letter) for place, letter in enumerate(text) if letter != "ß"]
        ids = ["? ".find(letter) if letter in "? " else ord(letter) for _, letter in kept]
        return {"input_ids": ids, "offset_mapping": [(place, place + 1) for place, _ in kept]}


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("abc", 0.0),
        ("a?b?", 0.5),
        ("a? ? ?", 0.75),
        ("? a  ", 0.5),
        ("  ", 1.0),
        ("", 1.0),
        ("ßß", 1.0),
        # Of its letters, one is dropped; of its subwords none is unknown, or one of three.
        ("1ß", 1.0),
        ("aßbc", 0.25),
        ("aßb?", 1 / 3),
    ],
)
def test_the_share_that_a_tokenizer_does_not_know_by_hand(text, share):
    """Lone spaces are not counted."""
    assert _unknown_share(Spelling(), text, {1}) == share


def test_the_fixed_texts_bits_by_hand(made):
    """Of every seventh subword in place of <mask>, or of each but the row's first, without special tokens inside."""
    texts = [text for _, text in fixed_texts()]
    for objective, kind, settings, framed in (
        ("masked", "bert", SIZES, True),
        ("causal", "llama", LLAMA, True),
        ("causal", "gpt2", GPT2, False),
    ):
        folder = made(objective, kind, **settings)
        own = byte_level_tokenizer(texts, framed=framed, vocabulary=325)
        own.save_pretrained(folder)
        model, tokenizer = CLASSES[objective].from_pretrained(folder).eval(), load_tokenizer(folder)
        window = Framing(model, tokenizer).window
        found = examine(folder, objective).bits
        assert len(found) == 15
        for language, text in fixed_texts():
            ids = tokenizer.convert_tokens_to_ids(tokenizer.tokenize(text))[:window]
            row = [tokenizer.bos_token_id, *ids, tokenizer.eos_token_id] if framed else ids
            first = row.index(ids[0])
            places = range(first, first + len(ids), 7) if objective == "masked" else range(max(first, 1), first + len(ids))
            read = [tokenizer.mask_token_id if objective == "masked" and place in places else id_ for place, id_ in enumerate(row)]
            with torch.no_grad():
                bits_TV = -model(torch.tensor([read])).logits[0].log_softmax(dim=-1) / torch.log(torch.tensor(2.0))
            shown = places if objective == "masked" else [place - 1 for place in places]
            expected = sum(float(bits_TV[where, row[place]]) for where, place in zip(shown, places, strict=True)) / len(places)
            assert found[language] == pytest.approx(expected, rel=1e-5)


def test_only_a_masked_model_needs_a_mask(made, tokenizer):
    without = byte_level_tokenizer([text for _, text in fixed_texts()], framed=True, vocabulary=325)
    without.mask_token = None
    folder = made("masked", "bert", **SIZES)
    with_tokenizer(folder, without)
    with pytest.raises(XlprobeError, match=r": a masked model whose tokenizer has no mask token; add the token, or set objective to"):
        examine(folder, "masked")
    folder = made("causal", "llama", **LLAMA)
    without.save_pretrained(folder)
    assert examine(folder, "causal").trials.direction == "causal"


def test_notes_in_the_configuration_are_no_settings(made):
    folder = made("causal", "gpt2", **GPT2)
    expected = adopt(folder)
    configure(folder, num_training_tokens=3 * 10**11, tokens_seen_by_all_layers=10**9)
    assert adopt(folder)["loss"] == expected["loss"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_hidden_layers": 10**9}, "num_hidden_layers is 1000000000, more than the 200 that are accepted"),
        ({"n_layer": 10**9}, "n_layer is 1000000000, more than the 200 that are accepted"),
        ({"num_labels": 10**9}, "num_labels is 1000000000, more than the 100000 that are accepted"),
        ({"n_positions": 10**9}, "n_positions is 1000000000, more than the 16777216 that are accepted"),
        ({"vocab_size": 10**9}, r"describes a model of 3.2e\+10 numbers, the files hold"),
        ({"n_embd": 10**9}, "cannot read it"),
        ({"n_head": 0}, "cannot read it"),
        ({"n_layer": "two"}, "cannot read it"),
        ({"n_layer": 1}, "weights fit nowhere in the model that config.json describes"),
        ({"architectures": 5}, "names no masked or causal language model"),
        ({"quantization_config": {"quant_method": "gptq"}}, "the weights are quantized"),
        ({"activation_function": "none"}, "cannot read it"),
        ({"n_head": -1}, r"m step 10 \(.*\): RuntimeError in modeling_gpt2.py, line \d+: "),
    ],
)
def test_settings_that_cannot_be_are_refused_in_one_sentence(made, changes, message):
    folder = made("causal", "gpt2", **GPT2)
    configure(folder, **changes)
    with pytest.raises(XlprobeError, match=message) as caught:
        adopt(folder)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("objective", "kind", "settings"),
    [
        ("masked", "xlm", {"emb_dim": 32, "n_layers": 2, "n_heads": 2, "n_langs": 15}),
        ("masked", "xmod", SIZES | {"default_language": "en_XX"}),
    ],
)
def test_a_model_that_is_told_the_language_is_refused(made, objective, kind, settings):
    with pytest.raises(XlprobeError, match=f"config.json: {kind} is told the language of each text"):
        adopt(made(objective, kind, **settings), objective)


def test_a_tokenizer_class_of_its_own_is_left_aside_where_its_subwords_are_told(made):
    source = made("causal", "llama", **LLAMA)
    configure(source, "tokenizer_config.json", tokenizer_class="OwnTokenizer", auto_map={"AutoTokenizer": ["own_code.OwnTokenizer", None]})
    with pytest.raises(XlprobeError, match="own_code: ignored"):
        adopt(source)
    assert adopt(source, own_code="ignored")["checks"]["own_code"] == "ignored"


class OneHot(torch.nn.Module):
    """Of subwords of two kinds a state of length 1 each, to which is added what a test says: of the subword before, of the one after, of
    the row's place in its batch, of padding beside it."""

    def __init__(self, ahead: float = 0.0, back: float = 0.0, noise: float = 0.0, padding: float = 0.0) -> None:
        super().__init__()
        self.config = transformers.PretrainedConfig(num_hidden_layers=1, hidden_size=8)
        self.added, self.shapes = (ahead, back, noise, padding), []

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor, output_hidden_states: bool) -> object:
        self.shapes.append(tuple(input_ids.shape))
        ahead, back, noise, padding = self.added
        embedded = torch.nn.functional.one_hot(input_ids % 2, 8).float()
        states = embedded.clone()
        states[:, 1:] += ahead * embedded[:, :-1]
        states[:, :-1] += back * embedded[:, 1:]
        states[:, :, 5] += noise * torch.arange(len(states))[:, None]
        states[:, :, 6] += padding * (attention_mask == 0).any(dim=1, keepdim=True)
        return transformers.modeling_outputs.BaseModelOutput(hidden_states=(embedded, states))


class OnePrefix:
    """A framing with one special token before a row."""

    prefix = (0,)

    def __init__(self, window: int) -> None:
        self.window = window

    def rows(self, rows: Sequence[Sequence[int]]) -> dict[str, torch.Tensor]:
        padded = [torch.tensor([0, *row]) for row in rows]
        ids, mask = (torch.nn.utils.rnn.pad_sequence(part, batch_first=True) for part in (padded, [torch.ones_like(row) for row in padded]))
        return {"input_ids": ids, "attention_mask": mask}


@pytest.mark.parametrize(
    ("added", "direction", "padding"),
    [
        # Another subword beside it moves a state by sqrt(2) times what is added of it: 1.2e-5 or 0.8e-5, and 1e-5 is seen.
        ({"ahead": 8.5e-6}, "causal", "independent"),
        ({"ahead": 5.7e-6}, "neither way", "independent"),
        ({"back": 8.5e-6}, "both ways", "independent"),
        ({"back": 5.7e-6}, "neither way", "independent"),
        # Equal rows, the first and the fourth, differ by 3e-6: ten times as much is seen.
        ({"ahead": 2.4e-5, "noise": 1e-6}, "causal", "independent"),
        ({"ahead": 1.9e-5, "noise": 1e-6}, "neither way", "independent"),
        ({"ahead": 1.0, "padding": 2.7e-4}, "causal", "independent"),
        ({"ahead": 1.0, "padding": 6e-4}, "causal", "sees padding"),
    ],
)
def test_how_much_is_seen_by_hand(added, direction, padding):
    body = OneHot(**added)
    assert try_model(body, OnePrefix(400), [10, 11], "x") == Trials(direction, padding)
    # 32 subwords, four rows and one; then 128 and 240 beside 256, each with the token before it.
    assert body.shapes == [(4, 33), (1, 33), (1, 129), (2, 257), (1, 241), (2, 257)]
    body = OneHot(**added)
    assert try_model(body, OnePrefix(20), [10, 11], "x") == Trials(direction, padding)
    assert body.shapes == [(4, 21), (1, 21), (1, 11), (2, 21), (1, 20), (2, 21)]


def test_a_difference_s_share_by_hand():
    """Of a state as a whole, or of most of its dimensions, each against its size over all positions."""
    large = torch.tensor([[1e6, 1.0, 1.0], [1e6, 1.0, 1.0]])
    assert _share(torch.tensor([[0.0, 0.2, -0.3], [0.0, 0.0, 0.0]]), large) == pytest.approx(0.2)
    assert _share(torch.tensor([[1e5, 0.0, 0.0], [0.0, 0.0, 0.0]]), large) == pytest.approx(0.1)
    # 0.6 of a dimension that is 3 and 1: of the root of (9 + 1) / 2.
    assert _share(torch.tensor([[0.6, 0.0], [0.0, 0.0]])[:, :1], torch.tensor([[3.0], [1.0]])) == pytest.approx(0.6 / 5**0.5)
    assert _share(torch.zeros(2, 3), torch.zeros(2, 3)) == 0
    # However small the states.
    assert _share(torch.full((1, 3), 1e-21).double(), torch.full((1, 3), 1e-20).double()) == pytest.approx(0.1)
