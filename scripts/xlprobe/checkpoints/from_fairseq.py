"""Checkpoints that fairseq saved, here or elsewhere: converted to Hugging Face folders that prove to be the same models."""

import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import XLMRobertaConfig, XLMRobertaForMaskedLM

from xlprobe.artifacts.checkpoint_names import run_name
from xlprobe.artifacts.training_identity import identity_of
from xlprobe.artifacts.training_state import load_published_state, load_state, trained_state
from xlprobe.artifacts.vocabulary import BOS, DICTIONARY_FILE, EOS, HUGGING_FACE_FILES, IDENTITY_FILE, PAD, SENTENCEPIECE_FILE
from xlprobe.checkpoints.publishing import Checkpoint, publish
from xlprobe.errors import XlprobeError, first_sentence
from xlprobe.files import check_state, read_json, sha256, write_json
from xlprobe.library_errors import LEAVE_OUT, library_errors, memory_is_full

# fairseq's parameter names and Hugging Face's, applied in order.
RENAMING = [
    (re.compile(pattern), name)
    for pattern, name in (
        (r"^decoder\.", "encoder."),  # before fairseq 0.10
        (r"\.emb_layer_norm\.", ".layernorm_embedding."),
        (r"^encoder\.sentence_encoder\.embed_tokens\.", "roberta.embeddings.word_embeddings."),
        (r"^encoder\.sentence_encoder\.embed_positions\.", "roberta.embeddings.position_embeddings."),
        (r"^encoder\.sentence_encoder\.layernorm_embedding\.", "roberta.embeddings.LayerNorm."),
        (r"^encoder\.sentence_encoder\.layers\.", "roberta.encoder.layer."),
        (r"\.self_attn\.q_proj\.", ".attention.self.query."),
        (r"\.self_attn\.k_proj\.", ".attention.self.key."),
        (r"\.self_attn\.v_proj\.", ".attention.self.value."),
        (r"\.self_attn\.out_proj\.", ".attention.output.dense."),
        (r"\.self_attn_layer_norm\.", ".attention.output.LayerNorm."),
        (r"\.fc1\.", ".intermediate.dense."),
        (r"\.fc2\.", ".output.dense."),
        (r"\.final_layer_norm\.", ".output.LayerNorm."),
        (r"^encoder\.lm_head\.weight\Z", "lm_head.decoder.weight"),
        (r"^encoder\.lm_head\.", "lm_head."),
    )
]
# Classification heads are no part of a language model; `version` is a marker; <operation>_<weight|bias> are fairseq 0.12's
# copies for its inference fast path, never trained.
DEAD = re.compile(r"^classification_heads\.|\.version\Z|\.(in_proj|out_proj|fc1|fc2)_(weight|bias)\Z")
MAX_DIFFERENCE = 1e-5


def convert_state(state: dict[str, Any], tokenizer: Mapping[str, Any]) -> XLMRobertaForMaskedLM:
    """Build the Hugging Face model of a fairseq state, its dead copies of weights and the optimizer left behind.

    Args:
        state: what `load_state` gave.
        tokenizer: the tokenizer's identity, for the vocabulary size.

    Raises:
        XlprobeError: the weights hold NaN or infinity, their vocabulary is not the tokenizer's, or XLM-R's class has no place for a part
            of the model.
    """
    weights: dict[str, torch.Tensor] = {}
    for name, value in state["model"].items():
        if not DEAD.search(name):
            for pattern, replacement in RENAMING:
                name = pattern.sub(replacement, name)
            weights[name] = value
    if broken := [name for name, value in weights.items() if not torch.isfinite(value).all()]:
        raise XlprobeError(f"training has diverged: {broken[0]} and {len(broken) - 1} other weights hold NaN or infinity; {LEAVE_OUT}")
    embeddings_VD = weights["roberta.embeddings.word_embeddings.weight"]
    if embeddings_VD.shape[0] != tokenizer["vocabulary_size"]:
        raise XlprobeError(
            f"the model has {embeddings_VD.shape[0]} tokens, its tokenizer {tokenizer['vocabulary_size']}: they do not belong together;"
            " give the SentencePiece model that it was trained with"
        )
    _check_architecture(state)
    arguments = state["cfg"]["model"]
    # fairseq's RoBERTa has no segments: one type, all zeros.
    weights["roberta.embeddings.token_type_embeddings.weight"] = embeddings_VD.new_zeros(1, embeddings_VD.shape[1])
    weights["lm_head.decoder.bias"] = weights["lm_head.bias"]
    config = XLMRobertaConfig(
        vocab_size=embeddings_VD.shape[0],
        hidden_size=arguments.encoder_embed_dim,
        num_hidden_layers=arguments.encoder_layers,
        num_attention_heads=arguments.encoder_attention_heads,
        intermediate_size=arguments.encoder_ffn_embed_dim,
        hidden_act=arguments.activation_fn,
        hidden_dropout_prob=arguments.dropout,
        attention_probs_dropout_prob=arguments.attention_dropout,
        max_position_embeddings=weights["roberta.embeddings.position_embeddings.weight"].shape[0],
        type_vocab_size=1,
        layer_norm_eps=1e-5,
        bos_token_id=BOS,
        pad_token_id=PAD,
        eos_token_id=EOS,
    )
    # Shapes alone, before memory is asked for.
    with torch.device("meta"):
        wanted = {name: tuple(value.shape) for name, value in XLMRobertaForMaskedLM(config).state_dict().items()}
    stored = {name: tuple(value.shape) for name, value in weights.items()}
    if unlike := sorted(name for name in wanted | stored if wanted.get(name) != stored.get(name)):
        name = unlike[0]
        raise XlprobeError(
            f"no masked language model as fairseq builds RoBERTa's: {len(unlike)} of its weights are missing, left over or of another shape"
            f" ({name}, say: the state has {stored.get(name, 'none')}, XLM-R's class {wanted.get(name, 'none')}); {LEAVE_OUT}"
        )
    model = XLMRobertaForMaskedLM(config)
    model.load_state_dict({name: value.float() for name, value in weights.items()}, strict=True)
    return model.eval()


def _check_architecture(state: Mapping[str, Any]) -> None:
    """Refuse a model that was trained with something that XLM-R's class does not compute.

    Raises:
        XlprobeError: names it.
    """
    settings = vars(state["cfg"]["model"])
    body = "encoder.sentence_encoder."
    weights = {re.sub(r"^decoder\.", "encoder.", name): value for name, value in state["model"].items()}
    head, embeddings_VD = weights.get("encoder.lm_head.weight"), weights[f"{body}embed_tokens.weight"]
    positions = len(weights.get(f"{body}embed_positions.weight", ()))
    blocks = len({found[1] for name in weights if (found := re.match(re.escape(f"{body}layers.") + r"(\d+)\.", name))})
    layers = settings.get("encoder_layers")
    # What is wrong, and what says so; the first that holds.
    causes = {
        "it normalises before attention, not after it (pre-norm: encoder_normalize_before)": (
            settings.get("encoder_normalize_before") or f"{body}layer_norm.weight" in weights
        ),
        "its head is untied from its embeddings (untie_weights_roberta; lm_head.weight differs from embed_tokens.weight)": (
            head is not None and head.shape == embeddings_VD.shape and not torch.equal(head, embeddings_VD)
        ),
        "it has no learned positions (no embed_positions.weight)": not positions,
        f"its settings say max_positions {settings.get('max_positions')}, its embed_positions.weight has {positions} rows": (
            (settings.get("max_positions") or 0) > positions
        ),
        "it has no head that predicts subwords (no lm_head)": "encoder.lm_head.bias" not in weights,
        f"its activation_fn is {settings.get('activation_fn')}, not gelu": settings.get("activation_fn", "gelu") != "gelu",
        f"it holds {blocks} layers, its settings say encoder_layers {layers} (encoder_layers_to_keep drops some)": (
            layers is not None and blocks != layers
        ),
        "it has adapters": any("adapter" in name for name in weights),
    }
    if cause := next((cause for cause, holds in causes.items() if holds), None):
        raise XlprobeError(f"no masked language model as fairseq builds RoBERTa's and XLM-R's class computes it: {cause}; {LEAVE_OUT}")


@torch.no_grad()
def parity(model: XLMRobertaForMaskedLM, reference: Any) -> dict[str, float]:
    """Largest absolute difference to fairseq's own forward pass, in float32.

    Two rows of random tokens, one as long as the model's window and one short and padded, go through both models.

    Args:
        reference: fairseq's model.

    Returns:
        `hidden_states` (all layers) and `logits`.
    """
    vocabulary = model.config.vocab_size
    window = model.config.max_position_embeddings - 2
    generator = torch.Generator().manual_seed(0)
    tokens_BT = torch.randint(4, vocabulary, (2, window), generator=generator)
    tokens_BT[:, 0] = BOS
    for row, length in enumerate((window, 5)):
        tokens_BT[row, length - 1] = EOS
        tokens_BT[row, length:] = PAD
    real_BT = tokens_BT != PAD

    ours = model(tokens_BT, attention_mask=real_BT.long(), output_hidden_states=True)
    theirs_logits_BTV, extra = reference(tokens_BT, features_only=False, return_all_hiddens=True)
    hidden = [state_TBD.transpose(0, 1) for state_TBD in extra["inner_states"]]
    if len(hidden) != len(ours.hidden_states):
        raise XlprobeError(f"fairseq gave {len(hidden)} layers, Hugging Face {len(ours.hidden_states)}; {LEAVE_OUT}")
    return {
        "hidden_states": max(float((a_BTD - b_BTD)[real_BT].abs().max()) for a_BTD, b_BTD in zip(ours.hidden_states, hidden, strict=True)),
        "logits": float((ours.logits - theirs_logits_BTV)[real_BT].abs().max()),
    }


def publish_trained(
    pretraining: Path, training: Path, tokenizer: Path, folder: Path, model: str, training_seed: int | None, siblings: Sequence[Path]
) -> None:
    """Publish a step of our own pretraining.

    Args:
        pretraining: the run's training folder.
        training: the interval's record.
        tokenizer: folder of the run's tokenizer, where the training folder has none.
        folder: where the checkpoint goes.
        siblings: the identities of the model's other checkpoints, made or not.

    Raises:
        XlprobeError: the step was trained with another tokenizer, the converted model's activations differ from fairseq's by more than
            1e-5, the canary refuses it, or a library fails on it.
    """
    record, identity = read_json(training), identity_of(training, pretraining)
    if (kept := pretraining / "tokenizer").exists():
        tokenizer = kept
    if identity["dictionary_sha256"] != sha256(tokenizer / DICTIONARY_FILE):
        raise XlprobeError(
            f"{training}: step {record['step']} was trained with another tokenizer than that in {tokenizer}; restore that one"
        )
    source = {"kind": "pretrain", "identity_sha256": record["identity_sha256"], "training_version": identity["training_version"]}
    # With early stopping: which update the weights are of, and why they were kept.
    source |= {key: record[key] for key in ("kept_update", "why") if key in record}
    checkpoint = Checkpoint(model, training_seed, record["step"], source, tuple(siblings))
    with library_errors(f"{run_name(model, training_seed)} step {record['step']} ({pretraining})"):
        state = load_state(check_state(trained_state(pretraining, record["step"])))
        _publish(state, tokenizer, folder, checkpoint, record["validation_bits_per_masked_token"])


def publish_fairseq(
    state: Path, tokenizer: Path, folder: Path, model: str, training_seed: int | None, step: int, place: str, siblings: Sequence[Path]
) -> None:
    """Publish a checkpoint that fairseq saved elsewhere.

    Args:
        state: the `.pt` file.
        tokenizer: folder of the suite's tokenizer, made of its SentencePiece model.
        folder: where the checkpoint goes.
        place: where the file comes from, for the record.
        siblings: the identities of the model's other checkpoints, made or not.

    Raises:
        XlprobeError: the file is no checkpoint of RoBERTa's architecture with this vocabulary, its activations differ from
            fairseq's by more than 1e-5, the canary refuses it, or a library fails on it.
    """
    with library_errors(state):
        loaded = load_published_state(state, f"models.{model}.fairseq.checkpoints")
        source = {"kind": "fairseq", "place": place, "sha256": sha256(state)}
        try:
            _publish(loaded, tokenizer, folder, Checkpoint(model, training_seed, step, source, tuple(siblings)), None)
        except XlprobeError as error:
            raise XlprobeError(f"{state}: {error}") from None


def _publish(state: dict[str, Any], tokenizer: Path, folder: Path, checkpoint: Checkpoint, losses: dict[str, float] | None) -> None:
    for name, digest in read_json(tokenizer / IDENTITY_FILE)["sha256"].items():
        if sha256(tokenizer / name) != digest:
            raise XlprobeError(
                f"{tokenizer / name}: is damaged, or of another tokenizer (its sha256 is not the one in {IDENTITY_FILE}); delete"
                f" {tokenizer / IDENTITY_FILE} to make the tokenizer again"
            )
    model, reference = _both_models(state, tokenizer)
    differences = parity(model, reference)
    if max(differences.values()) > MAX_DIFFERENCE:
        raise XlprobeError(
            f"{folder}: the converted model differs from fairseq's (hidden states by {differences['hidden_states']:.1e},"
            f" logits by {differences['logits']:.1e}; at most {MAX_DIFFERENCE:.0e} is allowed); {LEAVE_OUT}"
        )
    window = model.config.max_position_embeddings - 2

    def write(scratch: Path) -> None:
        model.save_pretrained(scratch)
        for name in (SENTENCEPIECE_FILE, *HUGGING_FACE_FILES):
            shutil.copyfile(tokenizer / name, scratch / name)
        tokenizer_config = read_json(scratch / "tokenizer_config.json")
        write_json(scratch / "tokenizer_config.json", tokenizer_config | {"model_max_length": window})

    publish(write, folder, checkpoint, "masked", losses, differences)


def _both_models(state: dict[str, Any], tokenizer: Path) -> tuple[XLMRobertaForMaskedLM, Any]:
    """A state's model as Hugging Face's class computes it, and as fairseq does.

    Raises:
        XlprobeError: it is no masked language model of RoBERTa's architecture, whose settings and weights may lack anything.
    """
    # Not at the top: importing fairseq takes seconds.
    from xlprobe.pretraining.fairseq_models import rebuild_model

    try:
        return convert_state(state, read_json(tokenizer / IDENTITY_FILE)), rebuild_model(state, tokenizer)
    except (XlprobeError, OSError):
        raise
    except Exception as error:
        if memory_is_full(error):
            raise
        said = f"{type(error).__name__}: {first_sentence(error)}"
        raise XlprobeError(f"no masked language model as fairseq builds RoBERTa's ({said}); {LEAVE_OUT}") from error
