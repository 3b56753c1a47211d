import json

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForMaskedLM, AutoTokenizer

from xlprobe.checkpoint_checks import collect_checkpoints, out_of_line
from xlprobe.checkpoints import MAX_DIFFERENCE, convert_state, parity, publish_checkpoint
from xlprobe.errors import XlprobeError
from xlprobe.files import read_json, sha256
from xlprobe.tables import conform
from xlprobe.training_state import load_state


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
    model = convert_state(state, tokenizer_identity)
    assert max(parity(model, state, tiny_model.text.tokenizer).values()) <= MAX_DIFFERENCE
    with torch.no_grad():
        model.roberta.encoder.layer[1].attention.self.query.weight[0] += torch.linspace(-0.1, 0.1, 32)
    differences = parity(model, state, tiny_model.text.tokenizer)
    assert differences["hidden_states"] > MAX_DIFFERENCE and differences["logits"] > MAX_DIFFERENCE
    model = convert_state(state, tokenizer_identity)
    for module in model.modules():
        if isinstance(module, torch.nn.LayerNorm):
            module.eps = 1e-2
    assert max(parity(model, state, tiny_model.text.tokenizer).values()) > MAX_DIFFERENCE


def test_a_conversion_that_differs_is_not_published(tiny_model, tmp_path, monkeypatch):
    monkeypatch.setattr("xlprobe.checkpoints.parity", lambda *_: {"hidden_states": 2e-5, "logits": 0.0})
    with pytest.raises(XlprobeError, match="differs from fairseq's"):
        publish_checkpoint(tiny_model.pretraining, tiny_model.record, tiny_model.text.tokenizer, tmp_path)
    assert not (tmp_path / "identity.json").exists()


def test_diverged_weights_are_refused(state, tokenizer_identity):
    state["model"]["encoder.lm_head.bias"][3] = float("nan")
    with pytest.raises(XlprobeError, match="training has diverged"):
        convert_state(state, tokenizer_identity)


def test_another_vocabulary_is_refused(state, tokenizer_identity):
    with pytest.raises(XlprobeError, match="the model has 302 tokens, its tokenizer 8002"):
        convert_state(state, tokenizer_identity | {"vocabulary_size": 8002})


@pytest.mark.parametrize(
    ("losses", "flagged"),
    [
        ([12, 10, 9, 8.4, 8, 7.7, 7.5, 7.4], []),
        ([12, 10, 9, 8.4, 11, 7.7, 7.5, 7.4], [4]),
        ([12, 10, 9, 8.4, 8, 7.7, 7.5, 9.9], [7]),
        ([12, 10, 9, 3, 8, 7.7, 7.5, 7.4, 7.3], [3]),
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
        paths[-1].write_text(json.dumps(identity | {"step": step, "loss": {"en": loss, "tr": loss}}))
    collect_checkpoints(paths, tmp_path / "table.parquet")
    table = conform(pd.read_parquet(tmp_path / "table.parquet"), "checkpoints.schema.yaml")
    assert len(table) == 16 and set(table.loc[table["out_of_line"], "step"]) == {4}
    assert "model xlmr step 4: loss 11.000 is out of line" in capsys.readouterr().out
