import argparse
import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForMaskedLM, AutoTokenizer

from xlprobe.artifacts.tables import conform, read_schema, write_table
from xlprobe.artifacts.training_state import load_state, trained_state
from xlprobe.checkpoints.from_fairseq import DEAD, MAX_DIFFERENCE, convert_state, parity, publish_fairseq, publish_trained
from xlprobe.checkpoints.table import collect_checkpoints, out_of_line
from xlprobe.errors import XlprobeError
from xlprobe.files import read_json, sha256, write_json
from xlprobe.metrics.joining import join_tables
from xlprobe.pretraining.fairseq_models import rebuild_model
from xlprobe.pretraining.intervals import train_interval
from xlprobe.pretraining.training_version import TRAINING_VERSION


@pytest.fixture
def state(tiny_model):
    return load_state(tiny_model.pretraining / f"step_{tiny_model.step}.pt")


@pytest.fixture(scope="module")
def tokenizer_identity(tiny_model):
    return read_json(tiny_model.text.tokenizer / "tokenizer.identity.json")


def test_the_folder_loads_in_hugging_face_and_names_its_content(tiny_model):
    model, loading = AutoModelForMaskedLM.from_pretrained(tiny_model.checkpoint, output_loading_info=True)
    assert not loading["missing_keys"] and not loading["unexpected_keys"] and not loading["mismatched_keys"]
    assert type(model).__name__ == "XLMRobertaForMaskedLM"
    identity = read_json(tiny_model.checkpoint / "identity.json")
    assert identity["files"] == {name: sha256(tiny_model.checkpoint / name) for name in identity["files"]}
    assert {"model.safetensors", "config.json", "tokenizer.json"} <= identity["files"].keys()
    assert identity["parameters"] == sum(parameter.numel() for parameter in model.parameters())
    assert (identity["model"], identity["step"], identity["layers"], identity["hidden_size"]) == ("xlmr", 12, 2, 32)
    assert max(identity["checks"]["max_difference_to_fairseq"].values()) <= MAX_DIFFERENCE


def test_a_checkpoint_is_published_with_the_tokenizer_that_it_was_trained_with(tiny_model, tmp_path):
    """Not with what the run has made since; a state that kept none is published with the run's, if it is the same."""
    identity = read_json(tiny_model.checkpoint / "identity.json")
    assert identity["source"] == {
        "kind": "pretrain", "training_version": TRAINING_VERSION, "identity_sha256": read_json(tiny_model.record)["identity_sha256"]
    }  # fmt: skip
    other = tmp_path / "tokenizer"
    shutil.copytree(tiny_model.text.tokenizer, other)
    (other / "dict.txt").write_text((other / "dict.txt").read_text().replace("1", "2"))
    publish_trained(tiny_model.pretraining, tiny_model.record, other, tmp_path / "12", "xlmr", None, [])
    assert read_json(tmp_path / "12" / "identity.json")["files"] == identity["files"]
    older = tmp_path / "pretrain"
    shutil.copytree(tiny_model.pretraining, older, symlinks=True, ignore=shutil.ignore_patterns("tokenizer"))
    with pytest.raises(XlprobeError, match=r"step 12 was trained with another tokenizer than that in .*/tokenizer; restore that one"):
        publish_trained(older, tiny_model.record, other, tmp_path / "12", "xlmr", None, [])


@pytest.fixture
def mixed(tiny_model, tmp_path) -> Path:
    """A folder of two published checkpoints of one name, of different trainings."""
    identity = read_json(tiny_model.checkpoint / "identity.json")
    for step, training in ((10, "a"), (20, "b")):
        files = identity["files"] | {"model.safetensors": training}
        source = identity["source"] | {"identity_sha256": training}
        write_json(tmp_path / "xlmr" / str(step) / "identity.json", identity | {"step": step, "files": files, "source": source})
    return tmp_path


def test_checkpoints_of_different_trainings_are_never_joined(tiny_model, mixed):
    identities = [mixed / "xlmr" / str(step) / "identity.json" for step in (10, 20)]
    with pytest.raises(XlprobeError, match=r"^xlmr: step 20 is of another training than step 10; take step 20 out of models.xlmr"):
        collect_checkpoints(identities, mixed / "table.parquet")
    with pytest.raises(XlprobeError, match=r"step 12 is of another training than step 20; take step 12 out of models.xlmr"):
        publish_trained(tiny_model.pretraining, tiny_model.record, tiny_model.text.tokenizer, mixed / "12", "xlmr", None, identities[1:])
    audit = read_schema("audit.schema.yaml")["required"]
    rows = pd.DataFrame(
        [dict.fromkeys(audit, 0) | {"model": "xlmr", "training_seed": None, "dataset": "d", "step": step} for step in (10, 20)]
    )
    write_table(rows, "audit.schema.yaml", mixed / "audit.parquet")
    with pytest.raises(XlprobeError, match="xlmr/20: xlmr step 20 is of another training than xlmr step 10"):
        join_tables([mixed / "audit.parquet"], "audit.schema.yaml", mixed / "joined.parquet", mixed)
    assert not (mixed / "joined.parquet").exists()
    write_json(identities[1], read_json(identities[1]) | {"source": read_json(identities[0])["source"]})
    collect_checkpoints(identities, mixed / "table.parquet")
    join_tables([mixed / "audit.parquet"], "audit.schema.yaml", mixed / "joined.parquet", mixed)
    assert set(pd.read_parquet(mixed / "table.parquet")["training_version"]) == {TRAINING_VERSION}


def test_the_checkpoints_tokenizer_is_the_runs(tiny_model):
    ours = AutoTokenizer.from_pretrained(tiny_model.text.tokenizer)
    theirs = AutoTokenizer.from_pretrained(tiny_model.checkpoint)
    text = "words வ\u0bc6\u0bbeரு <mask>"
    assert theirs(text)["input_ids"] == ours(text)["input_ids"] and theirs.mask_token_id == len(theirs) - 1
    assert theirs.model_max_length == 64


def test_published_weights_hold_no_optimizer_and_no_dead_copies(tiny_model, state):
    weights = load_file(tiny_model.checkpoint / "model.safetensors")
    assert "last_optimizer_state" in state and any("in_proj_weight" in name for name in state["model"])
    assert not [name for name in weights if "in_proj" in name or "optimizer" in name or "exp_avg" in name]
    # Two layers of 32 dimensions, 64 in between, 302 tokens, 66 positions, the head's transformation and bias.
    layer = 4 * (32 * 32 + 32) + 2 * 32 * 64 + 64 + 32 + 4 * 32
    expected = 302 * 32 + 66 * 32 + 32 + 2 * 32 + 2 * layer + 32 * 32 + 32 + 2 * 32 + 302
    assert sum(value.numel() for value in weights.values()) == expected


def test_parity_sees_a_wrong_conversion(tiny_model, state, tokenizer_identity):
    model, reference = convert_state(state, tokenizer_identity), rebuild_model(state, tiny_model.text.tokenizer)
    assert max(parity(model, reference).values()) <= MAX_DIFFERENCE
    with torch.no_grad():
        model.roberta.encoder.layer[1].attention.self.query.weight[0] += torch.linspace(-0.1, 0.1, 32)
    differences = parity(model, reference)
    assert differences["hidden_states"] > MAX_DIFFERENCE and differences["logits"] > MAX_DIFFERENCE
    model = convert_state(state, tokenizer_identity)
    for module in model.modules():
        if isinstance(module, torch.nn.LayerNorm):
            module.eps = 1e-2
    assert max(parity(model, reference).values()) > MAX_DIFFERENCE


def test_a_conversion_that_differs_is_not_published(tiny_model, tmp_path, monkeypatch):
    monkeypatch.setattr("xlprobe.checkpoints.from_fairseq.parity", lambda *_: {"hidden_states": 2e-5, "logits": 0.0})
    with pytest.raises(XlprobeError, match="differs from fairseq's"):
        publish_trained(tiny_model.pretraining, tiny_model.record, tiny_model.text.tokenizer, tmp_path, "xlmr", None, [])
    assert not (tmp_path / "identity.json").exists()


def test_diverged_weights_are_refused(state, tokenizer_identity):
    state["model"]["encoder.lm_head.bias"][3] = float("nan")
    with pytest.raises(XlprobeError, match="training has diverged"):
        convert_state(state, tokenizer_identity)


def test_another_vocabulary_is_refused(state, tokenizer_identity):
    with pytest.raises(XlprobeError, match="the model has 302 tokens, its tokenizer 8002"):
        convert_state(state, tokenizer_identity | {"vocabulary_size": 8002})


def old_state(state: dict) -> dict:
    """A state as fairseq 0.9 saved it: arguments in one namespace, other names, none of the later copies of weights."""
    weights = {name: value for name, value in state["model"].items() if not DEAD.search(name)}
    older = {name.replace("encoder.", "decoder.", 1).replace("layernorm_embedding", "emb_layer_norm"): weights[name] for name in weights}
    arguments = {name: value for part in ("task", "model") for name, value in vars(state["cfg"][part]).items()}
    return {"args": argparse.Namespace(**arguments), "model": older, "extra_state": {"epoch": 3}, "optimizer_history": []}


def test_checkpoints_that_fairseq_saved_elsewhere_are_published(tiny_model, state, tmp_path):
    """Of this version and of older ones, whole or without the optimizer, in half precision or not."""
    tokenizer, expected = tiny_model.text.tokenizer, read_json(tiny_model.checkpoint / "identity.json")
    half = {name: value.half() for name, value in state["model"].items()}
    compiled = {name.replace("sentence_encoder.", "sentence_encoder._orig_mod."): value for name, value in state["model"].items()}
    numbers = {"best": np.float64(2.5), "epoch": np.int64(3), "val_loss": np.float32(1)}
    states = {
        "whole": state,
        "wrapped": state | {"model": {f"module.{name}": value for name, value in state["model"].items()}},
        "compiled": state | {"model": {f"module._orig_mod.{name}": value for name, value in compiled.items()}},
        "numbers": state | {"extra_state": numbers},
        "bare": {"cfg": state["cfg"], "model": state["model"]},
        "half": state | {"model": half},
        "old": old_state(state),
    }
    for name, content in states.items():
        torch.save(content, tmp_path / "12.pt")
        publish_fairseq(tmp_path / "12.pt", tokenizer, tmp_path / name / "12", "theirs", 7, 12, "https://example.org/12.pt", [])
        identity = read_json(tmp_path / name / "12" / "identity.json")
        assert (identity["model"], identity["training_seed"], identity["step"]) == ("theirs", 7, 12)
        assert identity["source"] == {"kind": "fairseq", "place": "https://example.org/12.pt", "sha256": sha256(tmp_path / "12.pt")}
        same = identity["files"]["model.safetensors"] == expected["files"]["model.safetensors"]
        assert same == (name != "half") and max(identity["checks"]["max_difference_to_fairseq"].values()) <= MAX_DIFFERENCE
        assert identity["loss_text"] == "fixed" and expected["loss_text"] == "held-out"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, r"no such checkpoint; look at models\.theirs\.fairseq\.checkpoints in the configuration"),
        (b"<html>Not Found</html>", "holds more than tensors|no checkpoint that torch can read"),
        ({"weights": torch.zeros(2)}, "no checkpoint of fairseq's; expected weights under `model`"),
        ({"model": {}, "args": Path("/")}, r"holds more than tensors, plain values and argparse.Namespace \(Unsupported global"),
        ("cut", r"cannot be read as a whole file of PyTorch's \(BadZipFile: .*\); fetch it again"),
        ("narrow", r"the model has 300 tokens, its tokenizer 302: they do not belong together"),
        (
            {"model": {"weight": torch.zeros(2)}, "args": argparse.Namespace()},
            r"no masked language model as fairseq builds RoBERTa's \(KeyError: .*; take the model, or this",
        ),
        ("headless", r"no masked language model as fairseq builds RoBERTa's"),
        ("taskless", r"no masked language model as fairseq builds RoBERTa's"),
        ("headless", r"it has no head that predicts subwords \(no lm_head\); take the model, or this step of it, out of"),
        (
            "twice",
            r"its weights stand there twice, .* \(.*module\) and outside; save it again .*, or take its step out of models.theirs.fairseq",
        ),
        ("pre-norm", r"it normalises before attention, not after it \(pre-norm: encoder_normalize_before\)"),
        ("final norm", r"it normalises before attention, not after it \(pre-norm: encoder_normalize_before\)"),
        ("untied", r"its head is untied from its embeddings \(untie_weights_roberta;"),
        ("no positions", r"it has no learned positions \(no embed_positions.weight\)"),
        ("relu", r"its activation_fn is relu, not gelu"),
        ("dropped", r"it holds 1 layers, its settings say encoder_layers 2 \(encoder_layers_to_keep"),
        ("many", r"it holds 2 layers, its settings say encoder_layers 1000000000"),
        ("wide", r"of its weights are missing, left over or of another shape \(roberta.encoder.layer.0.intermediate.dense.bias, say"),
        ("long", r"its settings say max_positions 1000000000, its embed_positions.weight has \d+ rows"),
        ("adapters", r"it has adapters"),
        ("endless", r"its tensors would take 4,\d+,\d+,\d+,\d+ bytes, but the file has"),
        ("array", r"holds more than tensors, plain values and argparse.Namespace \(.*numpy.*\), and is not unpickled; save it again with"),
    ],
)
def test_files_that_are_no_checkpoints_of_fairseqs_are_refused(tiny_model, state, tmp_path, content, message):
    path = tmp_path / "5.pt"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif isinstance(content, dict):
        torch.save(content, path)
    elif content:
        name, weights = "encoder.sentence_encoder.embed_tokens.weight", state["model"]
        body = "encoder.sentence_encoder."

        def configured(**settings: object) -> dict:
            return {"cfg": state["cfg"] | {"model": argparse.Namespace(**vars(state["cfg"]["model"]) | settings)}}

        changes = {
            "cut": {},
            "twice": {"model": weights | {f"module.{name}": value for name, value in weights.items()}},
            "pre-norm": configured(encoder_normalize_before=True),
            "final norm": {"model": weights | {f"{body}layer_norm.weight": torch.ones(32)}},
            "untied": {"model": weights | {"encoder.lm_head.weight": weights[name] + 1}},
            "no positions": {"model": {key: value for key, value in weights.items() if "embed_positions" not in key}},
            "relu": configured(activation_fn="relu"),
            "dropped": {"model": {key: value for key, value in weights.items() if ".layers.1." not in key}},
            "many": configured(encoder_layers=10**9),
            "wide": configured(encoder_ffn_embed_dim=10**9),
            "long": configured(max_positions=10**9),
            "adapters": {"model": weights | {f"{body}layers.0.adapter.weight": torch.ones(2)}},
            "endless": {"model": weights | {"more": torch.zeros(1).expand(10**12)}},
            "array": {"extra_state": {"losses": np.ones(3)}},
            "narrow": {"model": weights | {name: weights[name][:300]}},
            "headless": {"model": {key: value for key, value in weights.items() if "lm_head" not in key}},
            "taskless": {"cfg": state["cfg"] | {"task": None}},
        }
        torch.save(state | changes[content], path)
        path.write_bytes(path.read_bytes()[: -50_000 if content == "cut" else None])
    with pytest.raises(XlprobeError, match=message) as caught:
        publish_fairseq(path, tiny_model.text.tokenizer, tmp_path / "5", "theirs", None, 5, "here", [])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("losses", "flagged"),
    [
        ([12, 10, 9, 8.4, 8, 7.7, 7.5, 7.4], []),
        ([12, 10, 9, 8.4, 11, 7.7, 7.5, 7.4], [4]),
        ([12, 10, 9, 8.4, 8, 7.7, 7.5, 9.9], [7]),
        ([12, 10, 9, 3, 8, 7.7, 7.5, 7.4, 7.3], [3]),
        ([3, 9, 7.5, 6, 5, 4.5, 4, 3.5, 3], [0]),  # the last step's weights under the first one's name
        ([12.5, 12.4, 8, 7.7, 7.6, 7.5, 7.45, 7.4], []),  # a plateau that ends is no fault
        ([5, 9, 5], []),  # too few to tell
    ],
)
def test_losses_that_jump_out_of_line_are_flagged(losses, flagged):
    assert [index for index, flag in enumerate(out_of_line(losses)) if flag] == flagged


def test_the_table_of_checkpoints_flags_and_warns(tiny_model, tmp_path, capsys):
    identity = read_json(tiny_model.checkpoint / "identity.json")
    paths = []
    for step, loss in enumerate([12, 10, 9, 8.4, 11, 7.7, 7.5, 7.4]):
        paths.append(tmp_path / f"{step}.json")
        changes = {"step": step, "loss": {"en": loss, "tr": loss}, "files": identity["files"] | {"model.safetensors": str(step)}}
        paths[-1].write_text(json.dumps(identity | changes))
    collect_checkpoints(paths, tmp_path / "table.parquet")
    table = conform(pd.read_parquet(tmp_path / "table.parquet"), "checkpoints.schema.yaml")
    assert len(table) == 16 and set(table.loc[table["out_of_line"], "step"]) == {4}
    assert "xlmr step 4: loss 11.000 is out of line" in capsys.readouterr().out


@pytest.mark.parametrize("damage", ["zeros", "half"])
def test_a_damaged_state_is_neither_published_nor_trained_on(tiny_model, tmp_path, damage):
    """PyTorch reads zeros in the middle of a file for weights."""
    folder = Path(shutil.copytree(tiny_model.pretraining, tmp_path / "pretrain", symlinks=True))
    state = trained_state(folder, tiny_model.step)
    content, middle = state.read_bytes(), state.stat().st_size // 2
    state.write_bytes(content[:middle] if damage == "half" else content[:middle] + bytes(4096) + content[middle + 4096 :])
    said = rf"{state}: cannot be read as a whole training state \(BadZipFile: .*\); restore the file, or delete it and run again$"
    with pytest.raises(XlprobeError, match=said):
        publish_trained(folder, tiny_model.record, tiny_model.text.tokenizer, tmp_path / "12", "xlmr", None, [])
    with pytest.raises(XlprobeError, match=said):
        train_interval(tiny_model.text.run(folder), "xlmr", 14, 12, tmp_path / "training.json")


@pytest.mark.parametrize("name", ["dict.txt", "tokenizer.json"])
def test_the_tokenizer_of_another_model_is_refused(tiny_model, tmp_path, name):
    """One of the same size: two subwords have changed places."""
    pretraining = Path(shutil.copytree(tiny_model.pretraining, tmp_path / "pretrain"))
    tokenizer = pretraining / "tokenizer"
    first, second = (tokenizer / "dict.txt").read_text().splitlines()[10:12]
    first, second = (subword.removesuffix(" 1") for subword in (first, second))
    content = (tokenizer / name).read_text()
    swapped = content.replace(f'"{first}"', "?").replace(f'"{second}"', f'"{first}"').replace("?", f'"{second}"')
    swapped = swapped if name != "dict.txt" else content.replace(f"{first} 1\n{second} 1\n", f"{second} 1\n{first} 1\n")
    assert swapped != content
    (tokenizer / name).write_text(swapped)
    said = {
        "dict.txt": r"step 12 was trained with another tokenizer than that in .*/pretrain/tokenizer; restore that one",
        "tokenizer.json": r"tokenizer\.json: is damaged, or of another tokenizer \(.*\); delete .*tokenizer\.identity\.json to make",
    }
    with pytest.raises(XlprobeError, match=said[name]):
        publish_trained(pretraining, tiny_model.record, tiny_model.text.tokenizer, tmp_path / "12", "xlmr", None, [])
