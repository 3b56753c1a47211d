"""Checkpoints of other people's suites: what is published of them, and what is refused."""

import json
import shutil
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import fmean

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file, save_file
from suites import FAMILIES, new_model, word_piece_tokenizer, write_suite
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM, AutoModelForMaskedLM, AutoTokenizer, BertModel

from xlprobe.artifacts.corpus_text import text_lines
from xlprobe.artifacts.tables import conform
from xlprobe.checkpoints.canary import MASK_PERIOD, examine, fixed_texts
from xlprobe.checkpoints.from_huggingface import publish_huggingface
from xlprobe.checkpoints.table import collect_checkpoints
from xlprobe.errors import XlprobeError
from xlprobe.files import read_json
from xlprobe.models.huggingface_files import wanted_files
from xlprobe.models.language_models import load_tokenizer

CLASSES = {"masked": AutoModelForMaskedLM, "causal": AutoModelForCausalLM}


@pytest.fixture(scope="module")
def suites(tiny_text, tmp_path_factory) -> Path:
    """A suite of each family: steps 0, 20 and 40."""
    texts = list(text_lines(tiny_text.corpus("qaa").train))[:300]
    folder = tmp_path_factory.mktemp("suites")
    for family in FAMILIES:
        write_suite(family, texts, tiny_text.tokenizer, folder / family, [0, 20, 40])
    return folder


@pytest.fixture
def bert(suites, tmp_path) -> Path:
    """A copy of one BERT checkpoint that a test may spoil."""
    return Path(shutil.copytree(suites / "bert" / "step_20", tmp_path / "bert"))


@pytest.fixture
def neox(suites, tmp_path) -> Path:
    """A copy of one GPT-NeoX checkpoint that a test may spoil."""
    return Path(shutil.copytree(suites / "gpt-neox" / "step_20", tmp_path / "neox"))


def adopt(source: Path, folder: Path, step: int = 20, seed: int | None = None, siblings: Sequence[Path] = ()) -> dict:
    identities = [sibling / "identity.json" for sibling in siblings]
    publish_huggingface(source, folder, "m", seed, step, "auto", "somewhere", identities)
    return read_json(folder / "identity.json")


def rewrite(folder: Path, name: str = "model.safetensors", **changes: torch.Tensor | None) -> None:
    """Write a checkpoint's weights with some changed, added or, where None, left out; double underscores are dots."""
    weights = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    weights |= {key.replace("__", "."): value for key, value in changes.items()}
    weights = {key: value for key, value in weights.items() if value is not None}
    save_file(weights, folder / name, {"format": "pt"}) if name.endswith("safetensors") else torch.save(weights, folder / name)


def configure(folder: Path, **changes: object) -> None:
    (folder / "config.json").write_text(json.dumps(read_json(folder / "config.json") | changes))


@pytest.mark.parametrize(
    ("family", "objective", "head"), [*((f, "masked", "tied") for f in FAMILIES[:3]), ("gpt-neox", "causal", "untied")]
)
def test_a_family_is_published_with_the_weights_and_the_tokenizer_that_it_had(suites, tmp_path, family, objective, head):
    source = suites / family / "step_40"
    identity = adopt(source, tmp_path / "40", 40)
    assert (identity["model"], identity["training_seed"], identity["step"], identity["objective"]) == ("m", None, 40, objective)
    assert (identity["layers"], identity["hidden_size"], identity["checks"]["head"]) == (2, 32, head)
    assert identity["loss_text"] == "fixed" and set(identity["loss"]) == {language for language, _ in fixed_texts()}
    theirs, ours = (CLASSES[objective].from_pretrained(folder).eval() for folder in (source, tmp_path / "40"))
    assert identity["parameters"] == sum(parameter.numel() for parameter in theirs.parameters())
    tokenizers = [AutoTokenizer.from_pretrained(folder) for folder in (source, tmp_path / "40")]
    rows = [tokenizer("sola dara, meni 3", return_tensors="pt")["input_ids"] for tokenizer in tokenizers]
    assert torch.equal(*rows) and torch.equal(theirs(rows[0]).logits, ours(rows[0]).logits)


def test_older_names_and_constants_are_read(suites, neox, bert, tmp_path):
    """As Pythia and the first BERTs were saved: masks and frequencies beside the weights, gamma and beta, PyTorch's format."""
    expected = load_file(neox / "model.safetensors")["embed_out.weight"]
    values = {"bias": torch.ones(1, 1, 48, 48).tril(), "masked_bias": torch.tensor(-1e9), "rotary_emb__inv_freq": 0.1 ** torch.arange(4.0)}
    constants = {f"gpt_neox__layers__0__attention__{name}": value for name, value in values.items()}
    rewrite(neox, "pytorch_model.bin", **constants)
    adopt(neox, tmp_path / "causal" / "20")
    assert torch.equal(load_file(tmp_path / "causal" / "20" / "model.safetensors")["embed_out.weight"], expected)
    weights = load_file(bert / "model.safetensors")
    older = {key: None for key in weights if "LayerNorm" in key}
    older |= {key.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): weights[key] for key in older}
    unused = {"bert.pooler.dense.weight": torch.zeros(32, 32), "bert.embeddings.position_ids": torch.arange(48)[None]}
    rewrite(bert, "pytorch_model.bin", **older, **unused)
    configure(bert, architectures=["BertForPreTraining"])
    identity, plain = adopt(bert, tmp_path / "old" / "20"), adopt(suites / "bert" / "step_20", tmp_path / "new" / "20")
    assert identity["loss"] == plain["loss"]


QUERY = "bert__encoder__layer__1__attention__self__query__weight"
REFUSED = [
    ({QUERY: None}, r"1 weights are missing \(bert.encoder.layer.1.attention.self.query.weight, say\), and would be random"),
    ({"bert__encoder__layer__2__output__dense__weight": torch.zeros(2)}, r"1 weights fit nowhere in the model that config.json describes"),
    ({QUERY: torch.full((32, 32), torch.nan)}, "layer.1.attention.self.query.weight and 0 other weights hold NaN or infinity"),
    ({QUERY: torch.full((32, 32), 3e38)}, "layer 2 gives activations that are not finite"),
    (
        {QUERY: torch.zeros(16, 32)},
        r"1 weights have another shape than config.json describes \(.*query.weight is \[16, 32\], not \[32, 32\]\)",
    ),
]


@pytest.mark.parametrize(("changes", "message"), REFUSED)
def test_a_checkpoint_of_which_a_part_would_be_made_up_is_refused(bert, tmp_path, changes, message):
    rewrite(bert, **changes)
    with pytest.raises(XlprobeError, match=message) as caught:
        adopt(bert, tmp_path / "20")
    assert "\n" not in str(caught.value) and not (tmp_path / "20" / "identity.json").exists()


def spoil(folder: Path, name: str, content: bytes | None) -> None:
    (folder / name).unlink() if content is None else (folder / name).write_bytes(content)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("config.json", None, "holds no config.json"),
        (
            "config.json",
            b'{"architectures": ["BertModel"], "model_type": "bert"}',
            "names no masked or causal language model; if it is one, set models.m.huggingface.objective",
        ),
        (
            "config.json",
            b'{"architectures": ["ForMaskedLM"], "auto_map": {"AutoConfig": "a.B"}}',
            "cannot read it without the custom code that it names .*, which is never run; such a model is not measured",
        ),
        ("config.json", b"[]", "cannot read it"),
        ("config.json", b"null", "cannot read it"),
        ("config.json", b"[" * 20_000, "RecursionError"),
        ("config.json", b'{"architectures": ["X', "cannot read it .*not a valid JSON"),
        ("model.safetensors", None, r"holds no weights \(model.safetensors or pytorch_model.bin\)"),
        (
            "model.safetensors",
            b"garbage",
            r"no safetensors file, or one that is cut short \(a header of 28,542,640,608,928,103 bytes in a file of 7\)",
        ),
        ("tokenizer.json", None, "holds no tokenizer; save the model's beside it"),
        ("model.safetensors", b"", "no safetensors file, or one that is cut short"),
        ("tokenizer.json", b"{}", "cannot read it"),
        ("tokenizer.json", b"null", "cannot read it"),
        ("tokenizer_config.json", b"5", "cannot read it"),
    ],
)
def test_a_folder_that_cannot_be_read_is_refused_in_one_sentence(bert, tmp_path, name, content, message):
    spoil(bert, name, content)
    with pytest.raises(XlprobeError, match=message) as caught:
        adopt(bert, tmp_path / "20")
    assert "\n" not in str(caught.value)


def test_nothing_but_tensors_is_unpickled(bert, tmp_path):
    (bert / "model.safetensors").unlink()
    torch.save({"weights": Path("/")}, bert / "pytorch_model.bin")
    with pytest.raises(XlprobeError, match="its weights hold more than tensors, and nothing else is unpickled; save"):
        adopt(bert, tmp_path / "20")


def test_a_missing_head_is_seen_and_left_out(bert, tmp_path):
    """The body can be probed all the same; there is no loss, and the table of checkpoints says why."""
    head = [key for key in load_file(bert / "model.safetensors") if key.startswith("cls.")]
    rewrite(bert, **dict.fromkeys(head))
    identity = adopt(bert, tmp_path / "20")
    assert identity["checks"]["head"] == "missing" and identity["loss"] == {}
    assert not [key for key in load_file(tmp_path / "20" / "model.safetensors") if "predictions" in key]
    body = BertModel.from_pretrained(tmp_path / "20", add_pooling_layer=False)
    assert torch.equal(
        body.encoder.layer[1].output.dense.weight, load_file(bert / "model.safetensors")["bert.encoder.layer.1.output.dense.weight"]
    )
    collect_checkpoints([tmp_path / "20" / "identity.json"], tmp_path / "table.parquet")
    (row,) = conform(pd.read_parquet(tmp_path / "table.parquet"), "checkpoints.schema.yaml").to_dict("records")
    assert row["head"] == "missing" and pd.isna(row["bits_per_subword"]) and pd.isna(row["language"])


def test_an_untied_head_is_seen_and_kept(bert, suites, tmp_path):
    """config.json says tied, but the checkpoint holds a head of its own: it is used, not the embeddings."""
    decoder = torch.randn(load_file(bert / "model.safetensors")["bert.embeddings.word_embeddings.weight"].shape)
    rewrite(bert, cls__predictions__decoder__weight=decoder)
    identity, tied = adopt(bert, tmp_path / "a" / "20"), adopt(suites / "bert" / "step_20", tmp_path / "b" / "20")
    assert (identity["checks"]["head"], tied["checks"]["head"]) == ("untied", "tied")
    assert torch.equal(AutoModelForMaskedLM.from_pretrained(tmp_path / "a" / "20").get_output_embeddings().weight, decoder)
    assert identity["loss"] != tied["loss"]


def test_a_tokenizer_of_another_model_is_refused(bert, tiny_text, tmp_path):
    word_piece_tokenizer([f"{letter}{number}" for letter in "abcdefgh" for number in range(99)] * 3).save_pretrained(bert)
    weights = load_file(bert / "model.safetensors")
    with pytest.raises(
        XlprobeError, match=r"the tokenizer has ids up to \d+, the model 40 tokens; they do not belong together: save the tokenizer"
    ):
        rewrite(
            bert,
            bert__embeddings__word_embeddings__weight=weights["bert.embeddings.word_embeddings.weight"][:40],
            cls__predictions__bias=torch.zeros(40),
        )
        configure(bert, vocab_size=40)
        adopt(bert, tmp_path / "20")


def test_the_same_weights_at_another_step_are_refused(suites, bert, tmp_path):
    twenty, forty, gone = tmp_path / "m" / "20", tmp_path / "m" / "40", tmp_path / "m" / "60"
    adopt(suites / "bert" / "step_20", twenty, 20, siblings=[forty])
    with pytest.raises(XlprobeError, match="step 40 holds the same weights as step 20; one of them is not what its name says"):
        adopt(bert, forty, 40, siblings=[twenty, gone])
    assert not (forty / "identity.json").exists()
    # A step that the model no longer has is nobody's sibling.
    adopt(bert, forty, 40)
    # Trainings may share where they start, but nothing later.
    seeds = [tmp_path / "n" / f"seed_{seed}" for seed in (1, 2)]
    adopt(suites / "bert" / "step_0", seeds[0] / "0", 0, seed=1)
    adopt(suites / "bert" / "step_0", seeds[1] / "0", 0, seed=2, siblings=[seeds[0] / "0"])
    adopt(suites / "bert" / "step_20", seeds[0] / "20", 20, seed=1)
    with pytest.raises(XlprobeError, match="step 20 of training seed 2 holds the same weights as step 20 of training seed 1"):
        adopt(suites / "bert" / "step_20", seeds[1] / "20", 20, seed=2, siblings=[seeds[0] / "20"])


def test_another_tokenizer_at_another_step_is_refused(suites, bert, tmp_path):
    adopt(suites / "bert" / "step_0", tmp_path / "0", 0)
    tokenizer = read_json(bert / "tokenizer.json")
    vocabulary = tokenizer["model"]["vocab"]
    first, second = list(vocabulary)[10:12]
    vocabulary[first], vocabulary[second] = vocabulary[second], vocabulary[first]
    (bert / "tokenizer.json").write_text(json.dumps(tokenizer))
    message = "step 20 has another tokenizer than step 0; take the one that the model was trained with"
    with pytest.raises(XlprobeError, match=message):
        adopt(bert, tmp_path / "20", siblings=[tmp_path / "0"])
    adopt(bert, tmp_path / "20")
    with pytest.raises(XlprobeError, match="^m: " + message):
        collect_checkpoints([tmp_path / step / "identity.json" for step in ("0", "20")], tmp_path / "table.parquet")


def test_copies_are_refused_in_the_table_too(suites, tmp_path):
    """Two jobs on two machines may not see each other's files."""
    adopt(suites / "bert" / "step_20", tmp_path / "a" / "20", 20)
    adopt(suites / "bert" / "step_20", tmp_path / "b" / "40", 40)
    with pytest.raises(XlprobeError, match=r"^m: step 40 holds the same weights as step 20"):
        collect_checkpoints([tmp_path / "a" / "20" / "identity.json", tmp_path / "b" / "40" / "identity.json"], tmp_path / "table.parquet")


def test_the_fixed_texts_loss_is_a_plain_loops(suites, tmp_path):
    for family, objective in (("roberta", "masked"), ("gpt-neox", "causal")):
        folder = suites / family / "step_40"
        model, tokenizer = CLASSES[objective].from_pretrained(folder).eval(), AutoTokenizer.from_pretrained(folder)
        found = examine(folder, objective).bits["sw"]
        ids = tokenizer(dict(fixed_texts())["sw"], add_special_tokens=False)["input_ids"]
        room = 48 if objective == "causal" else 46
        ids = ids[:room]
        losses = []
        if objective == "causal":
            with torch.no_grad():
                for place in range(1, len(ids)):
                    losses.append(-model(torch.tensor([ids[:place]])).logits[0, -1].log_softmax(0)[ids[place]])
        else:
            places = range(0, len(ids), MASK_PERIOD)
            row = torch.tensor([[0, *(tokenizer.mask_token_id if n in places else id_ for n, id_ in enumerate(ids)), 2]])
            with torch.no_grad():
                scores = model(row).logits[0].log_softmax(1)
            losses = [-scores[place + 1, ids[place]] for place in places]
        expected = torch.stack(losses).mean() / torch.log(torch.tensor(2.0))
        assert found == pytest.approx(float(expected), abs=1e-4)


def test_losses_fall_on_text_like_the_suites(suites, tiny_text, monkeypatch):
    lines = list(text_lines(tiny_text.corpus("qaa").train))[300:340]
    monkeypatch.setattr("xlprobe.checkpoints.canary.fixed_texts", lambda: list(enumerate(lines)))
    for family in FAMILIES:
        objective = "causal" if family == "gpt-neox" else "masked"
        losses = [fmean(examine(suites / family / f"step_{step}", objective).bits.values()) for step in (0, 20, 40)]
        assert losses[0] > losses[1] > losses[2], family


@pytest.mark.parametrize(("family", "name"), [("bert", "BertTokenizer"), ("roberta", "RobertaTokenizer"), ("gpt-neox", "GPTNeoXTokenizer")])
def test_the_tokenizer_is_the_published_one_whatever_its_class(suites, tiny_text, tmp_path, family, name):
    """Where only a class is named, the library builds the tokenizer anew by that class's defaults."""
    folder = Path(shutil.copytree(suites / family / "step_20", tmp_path / family))
    settings = read_json(folder / "tokenizer_config.json") | {"tokenizer_class": name}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    published = Tokenizer.from_file(str(folder / "tokenizer.json"))
    adopt(folder, tmp_path / "20")
    texts = list(text_lines(tiny_text.corpus("qaa").train))[:200]
    for place in (folder, tmp_path / "20"):
        tokenizer = load_tokenizer(place)
        assert [tokenizer(text)["input_ids"] for text in texts] == [published.encode(text).ids for text in texts]
        assert tokenizer.mask_token == (None if family == "gpt-neox" else settings["mask_token"])


def test_a_list_of_words_is_enough_of_a_tokenizer(bert, tmp_path):
    """As the first BERTs and MultiBERTs are published: uncased by default."""
    vocabulary = read_json(bert / "tokenizer.json")["model"]["vocab"]
    (bert / "vocab.txt").write_text("".join(f"{subword}\n" for subword in sorted(vocabulary, key=lambda subword: vocabulary[subword])))
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (bert / name).unlink()
    adopt(bert, tmp_path / "20")
    tokenizer = load_tokenizer(tmp_path / "20")
    assert tokenizer("SOLA")["input_ids"] == tokenizer("sola")["input_ids"] and tokenizer.mask_token == "[MASK]"


def test_of_a_repository_only_one_set_of_weights_is_read():
    everything = {"README.md", "config.json", "tokenizer.json", "vocab.txt", "tf_model.h5", "flax_model.msgpack", "pytorch_model.bin"}
    assert wanted_files(everything, "x") == {"config.json", "tokenizer.json", "vocab.txt", "pytorch_model.bin"}
    assert wanted_files(everything | {"model.safetensors"}, "x") == {"config.json", "tokenizer.json", "vocab.txt", "model.safetensors"}
    parts = {f"pytorch_model-0000{n}-of-00002.bin" for n in (1, 2)} | {"pytorch_model.bin.index.json"}
    assert wanted_files({"config.json", "model.ckpt.data"} | parts, "x") == {"config.json"} | parts
    nested = {"onnx/model.safetensors", "model_other/x.safetensors", "model/../../escaped.safetensors"}
    assert wanted_files(everything | nested, "x") == {"config.json", "tokenizer.json", "vocab.txt", "pytorch_model.bin"}
    parts = {f"model-0000{n}-of-00002.safetensors" for n in (1, 2)} | {"model.safetensors.index.json"}
    assert wanted_files(everything | parts, "x") == {"config.json", "tokenizer.json", "vocab.txt"} | parts
    indexed = {"config.json", "model.safetensors", "model.safetensors.index.json"}
    assert wanted_files(indexed, "x") == {"config.json", "model.safetensors"}
    # As DeepSeek and BLOOM name theirs.
    for name in ("model-0000{}-of-000002.safetensors", "model_0000{}-of-00002.safetensors"):
        parts = {name.format(number) for number in (1, 2)} | {"model.safetensors.index.json"}
        assert wanted_files({"config.json"} | parts, "x") == {"config.json"} | parts


SHARDS = {"config.json", "model.safetensors.index.json", "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"}


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (SHARDS | {"model.safetensors"}, "holds model.safetensors and beside it model-00001-of-00002.safetensors, and only one can be"),
        (SHARDS - {"model-00002-of-00002.safetensors"}, "holds 1 parts of model.safetensors, which are not those of one whole checkpoint"),
        (SHARDS - {"model.safetensors.index.json"}, "holds 2 parts and no model.safetensors.index.json"),
        (SHARDS | {"model-00001-of-00003.safetensors"}, "holds 3 parts of model.safetensors, which are not those of one"),
        (SHARDS | {"model_00002-of-00002.safetensors"}, "holds 3 parts of model.safetensors, which are not those of one"),
        ({"config.json", "pytorch_model.bin.index.json"}, "holds 0 parts of pytorch_model.bin"),
        ({"config.json", "model.safetensors", "adapter_config.json"}, "holds an adapter .* merge it into its model"),
        ({"config.json", "model_ema.safetensors", "pytorch_model_old.bin", "tf_model.h5"}, "holds no weights"),
    ],
)
def test_weights_of_which_it_cannot_be_told_which_are_meant_are_refused(names, message):
    with pytest.raises(XlprobeError, match=f"^x: {message}"):
        wanted_files(names, "x")


def in_parts(folder: Path, part: str = "model-00001-of-00001.safetensors", **changes: object) -> None:
    """Write a checkpoint's weights as one part with its index, of which some entries are others."""
    weights = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").rename(folder / part)
    index = {"metadata": {}, "weight_map": dict.fromkeys(weights, part) | changes}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


def test_weights_in_parts_are_read_and_what_lies_beside_them_is_said(bert, tmp_path, caplog):
    in_parts(bert)
    torch.save({"x": torch.zeros(1)}, bert / "pytorch_model.bin")
    caplog.set_level("INFO")
    identity = adopt(bert, tmp_path / "20")
    assert [*identity["source"]["sha256"]] == ["model-00001-of-00001.safetensors"]
    assert "model-00001-of-00001.safetensors read; left out: pytorch_model.bin" in caplog.text


def test_an_index_that_leads_elsewhere_is_refused(bert, suites, tmp_path):
    in_parts(bert, x="../other/model.safetensors")
    with pytest.raises(XlprobeError, match=r"index.json: names 2 parts, and 1 lie beside it, which differ in '../other/model.safetensors'"):
        adopt(bert, tmp_path / "20")
    for index in ([], {"weight_map": ["x"]}, {"weight_map": {"x": 5}}):
        (bert / "model.safetensors.index.json").write_text(json.dumps(index))
        with pytest.raises(XlprobeError, match=r"index\.json: names no part for each weight"):
            adopt(bert, tmp_path / "20")


def test_parts_may_be_links_into_a_cache(bert, tmp_path):
    """As the hub's cache lays a revision out, and as older versions of its client filled any folder."""
    blob, part = tmp_path / "cache" / "blobs" / "digest", bert / "model_00001-of-000001.safetensors"
    in_parts(bert, part.name)
    blob.parent.mkdir(parents=True)
    part.rename(blob)
    part.symlink_to(blob)
    assert [*adopt(bert, tmp_path / "20")["source"]["sha256"]] == [part.name]


BOUNDS = [
    ({"num_hidden_layers": 10**9}, r"config.json: num_hidden_layers is 1000000000, more than the 200 that are accepted; correct it"),
    ({"num_attention_heads": 10**6}, "num_attention_heads is 1000000, more than the 100000 that are accepted"),
    ({"max_position_embeddings": 10**9}, "max_position_embeddings is 1000000000, more than the 16777216 that are accepted"),
    ({"vocab_size": 10**12}, "config.json describes a model of .* numbers, the files hold 3.*; the two do not belong together"),
    ({"hidden_size": 10**9}, "config.json describes a model of .* numbers, the files hold"),
    ({"intermediate_size": 10**12}, "config.json describes a model of .* numbers, the files hold"),
    ({"vocab_size": 10**30}, "cannot read it"),
    ({"num_hidden_layers": "12"}, "cannot read it"),
    ({"num_hidden_layers": None}, "cannot read it"),
    ({"hidden_size": float("inf")}, "cannot read it"),
    (
        {"transformers_weights": "other.safetensors"},
        r"names a file of weights \(transformers_weights: 'other.safetensors'\); take that key out",
    ),
]


@pytest.mark.parametrize(("changes", "message"), BOUNDS)
def test_a_configuration_that_asks_for_more_than_the_weights_hold_is_refused(bert, tmp_path, changes, message):
    configure(bert, **changes)
    with pytest.raises(XlprobeError, match=message) as caught:
        adopt(bert, tmp_path / "20")
    assert "\n" not in str(caught.value)


def nothing_but(content: object, **options: bool) -> Callable[[Path, dict], None]:
    return lambda path, weights: torch.save(content, path, **options)


def compressed(path: Path, weights: dict) -> None:
    torch.save(weights | {"more": torch.zeros(10**6)}, path)
    with zipfile.ZipFile(path) as stored:
        records = {name: stored.read(name) for name in stored.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, record in records.items():
            packed.writestr(name, record)


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (nothing_but([1, 2]), "pytorch_model.bin: holds a list, not weights by their names; save the model's state_dict"),
        (nothing_but("text", _use_new_zipfile_serialization=False), "holds a str, not weights by their names"),
        (nothing_but({"model": {}, "optimizer": {}}), r"holds no weights by their names \(but model, optimizer\)"),
        (nothing_but({5: torch.zeros(2)}), "holds a dict, not weights by their names"),
        (nothing_but({"x": torch.zeros(1).expand(10**12)}), "its tensors would take 4,000,000,000,000 bytes, but the file has"),
        (nothing_but({"x": torch.empty(10**12, device="meta")}), "its tensors would take 4,000,000,000,000 bytes"),
        (compressed, "pytorch_model.bin: is compressed, which torch.save never does"),
        (lambda path, _: path.write_bytes(b"PK\x03\x04" + bytes(99)), "cannot be read as a whole file of PyTorch's"),
    ],
)
def test_a_bin_that_holds_something_else_is_refused(bert, tmp_path, write, message):
    write(bert / "pytorch_model.bin", load_file(bert / "model.safetensors"))
    (bert / "model.safetensors").unlink()
    with pytest.raises(XlprobeError, match=message) as caught:
        adopt(bert, tmp_path / "20")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("length", [2**24 + 1, 2**40, 2**64 - 1])
def test_a_list_of_tensors_longer_than_any_is_refused(bert, tmp_path, length):
    with (bert / "model.safetensors").open("r+b") as stream:
        stream.write(length.to_bytes(8, "little"))
        stream.truncate(2**24 + 99)
    with pytest.raises(XlprobeError, match="cut short"):
        adopt(bert, tmp_path / "20")


@pytest.mark.parametrize(
    ("number", "message"),
    [(10**12, "cannot read it"), (2**32 - 1, "they do not belong together"), (5000, "the tokenizer has ids up to 5000")],
)
def test_a_subword_with_a_number_beyond_the_model_is_refused(bert, tmp_path, number, message):
    tokenizer = read_json(bert / "tokenizer.json")
    tokenizer["model"]["vocab"][list(tokenizer["model"]["vocab"])[20]] = number
    (bert / "tokenizer.json").write_text(json.dumps(tokenizer))
    with pytest.raises(XlprobeError, match=message):
        adopt(bert, tmp_path / "20")


@pytest.mark.parametrize("said", ["float16", "float32", None])
@pytest.mark.parametrize("name", ["model.safetensors", "pytorch_model.bin"])
def test_precision_is_kept_whatever_the_configuration_says(neox, tmp_path, said, name):
    rewrite(neox, name, **{key.replace(".", "__"): value.half() for key, value in load_file(neox / "model.safetensors").items()})
    configure(neox, dtype=said)
    adopt(neox, tmp_path / "20")
    assert {value.dtype for value in load_file(tmp_path / "20" / "model.safetensors").values()} == {torch.float16}


def test_a_language_with_nothing_to_predict_has_no_loss(neox, tmp_path, monkeypatch):
    monkeypatch.setattr("xlprobe.checkpoints.canary.fixed_texts", lambda: [("en", "sola dara"), ("xx", "a")])
    identity = adopt(neox, tmp_path / "20")
    assert set(identity["loss"]) == {"en"} and identity["loss"]["en"] > 0


def test_new_models_differ_by_seed(suites):
    tokenizer = AutoTokenizer.from_pretrained(suites / "bert" / "step_0")
    first, second = (new_model("bert", tokenizer, seed=seed).bert.embeddings.word_embeddings.weight for seed in (0, 1))
    assert not torch.equal(first, second)
