"""Language models as the transformers library publishes them, masked and causal, with their tokenizers.

What is read here never runs code that comes with a checkpoint, and unpickles nothing but tensors.

Shape letters: B rows, T subwords, V vocabulary, D dimensions.
"""

import pickle
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from safetensors import SafetensorError
from tokenizers import Tokenizer

from xlprobe.errors import XlprobeError
from xlprobe.files import read_json

AUTOMATIC_CLASSES = {"masked": transformers.AutoModelForMaskedLM, "causal": transformers.AutoModelForCausalLM}
# Architectures' names end so; BertForPreTraining and its kin hold a masked head and one for sentence pairs. The first that fits.
OBJECTIVES = {
    "ForMaskedLM": "masked",
    "ForPreTraining": "masked",
    "ForCausalLM": "causal",
    "WithLMHeadModel": "masked",
    "LMHeadModel": "causal",
}
# Constants that older versions saved with the weights.
CONSTANTS = ("position_ids", "attention.bias", "attention.masked_bias", "rotary_emb.inv_freq")
# What a tokenizer's pieces stand in.
VOCABULARY_FILES = ("tokenizer.json", "vocab.txt", "vocab.json", "sentencepiece.bpe.model", "spiece.model", "tokenizer.model")
# What a model may compute in.
PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
# A window for models without a limit of their own.
UNLIMITED_WINDOW = 2048

# The report of unused weights names the pooler each time.
transformers.utils.logging.set_verbosity_error()
transformers.utils.logging.disable_progress_bar()


@dataclass(frozen=True)
class LoadedModel:
    """A model and what loading it showed.

    Attributes:
        model: with its head, in evaluation mode; where the head is missing, without.
        objective: masked or causal.
        head: `tied` to the embeddings, `untied`, or `missing` from the checkpoint.
    """

    model: transformers.PreTrainedModel
    objective: str
    head: str


def read_identity(checkpoint: Path) -> dict[str, Any]:
    """What a published checkpoint is (`xlprobe.checkpoints`).

    Raises:
        XlprobeError: it has no identity, or one of its files is gone.
    """
    identity = read_json(checkpoint / "identity.json")
    if missing := [name for name in identity["files"] if not (checkpoint / name).exists()]:
        raise XlprobeError(f"{checkpoint / missing[0]} is gone; delete {checkpoint / 'identity.json'} to make the checkpoint again")
    return identity


def load_model(folder: Path, objective: str = "auto", dtype: torch.dtype = torch.float32) -> LoadedModel:
    """Load a language model, and refuse one of which the library would make up a part.

    Args:
        folder: `config.json` and weights, as the library publishes them.
        objective: masked, causal, or auto to take what `config.json` says.
        dtype: of the weights.

    Raises:
        XlprobeError: the folder cannot be read, weights of the body are missing, of another shape or left over, or the
            objective is not to be told.
    """
    config = _read(folder, transformers.AutoConfig)
    architectures = config.architectures or []
    told = next((kind for name in architectures for ending, kind in OBJECTIVES.items() if name.endswith(ending)), None)
    if objective == "auto" and told is None:
        raise XlprobeError(
            f"{folder / 'config.json'}: architectures says {architectures}, which names no masked or causal language model; if it is one,"
            " say which by objective in the configuration"
        )
    chosen = objective if objective != "auto" else str(told)
    model, loading = _read(folder, AUTOMATIC_CLASSES[chosen], dtype=dtype, output_loading_info=True, ignore_mismatched_sizes=True)
    if misfits := sorted(loading["mismatched_keys"]):
        name, stored, wanted = misfits[0]
        raise XlprobeError(
            f"{folder}: {len(misfits)} weights have another shape than config.json describes ({name} is {list(stored)}, not"
            f" {list(wanted)}); the two do not belong together"
        )
    body_parts = {name for name, _ in model.base_model.named_children()}
    prefix = f"{model.base_model_prefix}."
    if missing := sorted(key for key in loading["missing_keys"] if key.startswith(prefix)):
        raise XlprobeError(
            f"{folder}: {len(missing)} weights are missing ({missing[0]}, say), and would be random; the checkpoint is not usable"
        )
    left_over = sorted(
        key for key in loading["unexpected_keys"] if key.removeprefix(prefix).split(".")[0] in body_parts and not key.endswith(CONSTANTS)
    )
    if left_over:
        raise XlprobeError(
            f"{folder}: {len(left_over)} weights fit nowhere in the model that config.json describes ({left_over[0]}, say); the two do"
            " not belong together"
        )
    if broken := [name for name, value in model.state_dict().items() if not torch.isfinite(value).all()]:
        raise XlprobeError(f"{folder}: {broken[0]} and {len(broken) - 1} other weights hold NaN or infinity; the checkpoint is not usable")
    model.eval()
    if loading["missing_keys"] or (output := model.get_output_embeddings()) is None:
        return LoadedModel(model.base_model, chosen, "missing")
    return LoadedModel(model, chosen, "tied" if output.weight is model.get_input_embeddings().weight else "untied")


def load_body(folder: Path, dtype: torch.dtype = torch.float32) -> transformers.PreTrainedModel:
    """Load a published checkpoint's model without its head, in evaluation mode.

    Args:
        dtype: of the weights.

    Raises:
        XlprobeError: the folder cannot be read, or weights are missing.
    """
    config = _read(folder, transformers.AutoConfig)
    model_class = transformers.MODEL_MAPPING[type(config)]
    # A pooler over the first subword is no part of a language model, and is random where it was not trained.
    pooling = {"add_pooling_layer": False} if "add_pooling_layer" in model_class.__init__.__code__.co_varnames else {}
    model, loading = _read(folder, model_class, dtype=dtype, output_loading_info=True, **pooling)
    if missing := sorted(loading["missing_keys"]):
        raise XlprobeError(f"{folder}: weights are missing from the checkpoint ({missing[0]} and {len(missing) - 1} others)")
    return model.eval()


def load_tokenizer(folder: Path) -> transformers.PreTrainedTokenizerFast:
    """Load a checkpoint's tokenizer, which must tell the characters that each subword covers.

    Raises:
        XlprobeError: there is none, or only one written in Python, which cannot tell.
    """
    # Of a folder without one, the library makes a tokenizer that knows nothing.
    if not any((folder / name).is_file() for name in VOCABULARY_FILES):
        raise XlprobeError(
            f"{folder}: holds no tokenizer; save the model's beside it (tokenizer.json, or {', '.join(VOCABULARY_FILES[1:])})"
        )
    tokenizer = _read(folder, transformers.AutoTokenizer)
    if not tokenizer.is_fast:
        raise XlprobeError(
            f"{folder}: {type(tokenizer).__name__} does not tell which characters a subword covers; save a fast tokenizer"
            " (tokenizer.json) beside the model"
        )
    published = folder / "tokenizer.json"
    if not published.is_file():
        return tokenizer
    # What the model was trained with. The library's classes build parts of it anew: BERT's lowercases unless told
    # not to, GPT-NeoX's has a padding token of its own.
    backend = Tokenizer.from_file(str(published))
    backend.no_padding()
    backend.no_truncation()
    special = {name: token for name, token in tokenizer.special_tokens_map.items() if backend.token_to_id(str(token)) is not None}
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=backend,
        model_max_length=tokenizer.model_max_length,
        model_input_names=["input_ids", "attention_mask"],
        **special,
    )


def _read(folder: Path, automatic_class: Any, **options: Any) -> Any:
    """`from_pretrained` on a local folder, its many kinds of failure in one sentence."""
    if not (folder / "config.json").is_file():
        raise XlprobeError(f"{folder}: holds no config.json; it is no folder of the transformers library")
    try:
        return automatic_class.from_pretrained(folder, local_files_only=True, trust_remote_code=False, **options)
    except pickle.UnpicklingError:
        raise XlprobeError(f"{folder}: its weights are no file of tensors alone, and nothing else is unpickled") from None
    except (OSError, ValueError, RuntimeError, KeyError, ImportError, SafetensorError) as error:
        said = " ".join(str(error).split()).split(". ")[0]
        raise XlprobeError(f"{folder}: the transformers library cannot read it ({type(error).__name__}: {said})") from None


class Framing:
    """How a model wants its input: special tokens around it, padding, and how much of it at once.

    Attributes:
        prefix, suffix: ids of the special tokens before and after.
        window: subwords that fit between them.

    Raises:
        XlprobeError: the tokenizer gives no subword to any letter.
    """

    def __init__(self, model: transformers.PreTrainedModel, tokenizer: transformers.PreTrainedTokenizerFast) -> None:
        # A letter that the tokenizer knows.
        for text in ("a", "1", "α", "а", "ا", "人"):
            example = tokenizer(text, return_special_tokens_mask=True)
            if inner := [index for index, special in enumerate(example["special_tokens_mask"]) if not special]:
                break
        else:
            raise XlprobeError(f"the tokenizer of {model.name_or_path} gives no subword to any letter tried; it cannot be used")
        self.prefix: list[int] = example["input_ids"][: inner[0]]
        self.suffix: list[int] = example["input_ids"][inner[-1] + 1 :]
        # Without a padding token any will do: no real position attends to padding.
        self.padding: int = 0 if tokenizer.pad_token_id is None else tokenizer.pad_token_id
        self.window = min(tokenizer.model_max_length, positions(model)) - len(self.prefix) - len(self.suffix)

    def rows(self, rows: Sequence[Sequence[int] | np.ndarray]) -> dict[str, torch.Tensor]:
        """Rows of subword ids as a batch: `input_ids` and `attention_mask`, both [B, T], special tokens included."""
        width = max(map(len, rows)) + len(self.prefix) + len(self.suffix)
        ids_BT = torch.full((len(rows), width), self.padding)
        mask_BT = torch.zeros((len(rows), width), dtype=torch.long)
        for number, row in enumerate(rows):
            tokens = torch.tensor([*self.prefix, *map(int, row), *self.suffix])
            ids_BT[number, : len(tokens)] = tokens
            mask_BT[number, : len(tokens)] = 1
        return {"input_ids": ids_BT, "attention_mask": mask_BT}


def positions(model: transformers.PreTrainedModel) -> int:
    """How many subwords a model takes at once, special tokens included."""
    limit = getattr(model.config, "max_position_embeddings", None) or UNLIMITED_WINDOW
    embeddings = getattr(model.base_model, "embeddings", None)
    table = getattr(embeddings, "position_embeddings", None)
    # RoBERTa and its kin count positions from the padding index on.
    padding_index = getattr(table, "padding_idx", None)
    return limit if padding_index is None else limit - padding_index - 1
