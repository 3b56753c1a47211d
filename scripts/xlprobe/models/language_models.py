"""Language models as the transformers library publishes them, masked and causal, with their tokenizers.

What is read here never runs code that comes with a checkpoint, and unpickles nothing but tensors.

Shape letters: B rows, T subwords, V vocabulary, D dimensions.
"""

import contextlib
import inspect
import math
import pickle
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from tokenizers import Tokenizer

from xlprobe.errors import XlprobeError, first_sentence
from xlprobe.files import read_json
from xlprobe.library_errors import LEAVE_OUT, is_fault
from xlprobe.models.huggingface_files import VOCABULARY_FILES, WEIGHT_ENDINGS, WEIGHTS_RULE, read_files
from xlprobe.models.saved_constants import is_constant
from xlprobe.models.stored_weights import StoredTensor, lost_in_float16, stored_tensors

AUTOMATIC_CLASSES = {"masked": transformers.AutoModelForMaskedLM, "causal": transformers.AutoModelForCausalLM}
# Architectures' names end so; BertForPreTraining and its kin hold a masked head and one for sentence pairs. The first that fits.
OBJECTIVES = {
    "ForMaskedLM": "masked",
    "ForPreTraining": "masked",
    "ForCausalLM": "causal",
    "WithLMHeadModel": "masked",
    "LMHeadModel": "causal",
}
# Parts of a model without its head that read a sentence's first vector; they are no part of a language model.
POOLERS = ("pooler", "sequence_summary")
# Tables that architectures compute from the same settings, and are known by name alone.
TABLES = ("rotary_emb.cos_cached", "rotary_emb.sin_cached")
# What config.json may ask for: so many blocks (1,000 take 5 seconds to make), or as many as there are tensors; so many of anything
# else that is counted; and besides the weights that are stored, heads that are not, and constants.
MOST_BLOCKS = 200
MOST_OF_A_KIND = 100_000
# The longest windows have 10 million; some classes compute a table by position before anything can be compared.
MOST_POSITIONS = 2**24
POSITIONS = ("position", "n_ctx", "max_seq_len", "seq_length")
MOST_TIMES_STORED = 4
MOST_BESIDES = 2**26
# What a model may compute in.
PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
# Subwords that stand for a space alone.
LONE_SPACES = ("▁", "Ġ")
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


def load_model(folder: Path, objective: str = "auto", dtype: torch.dtype = torch.float32, objective_key: str = "objective") -> LoadedModel:
    """Load a language model, and refuse one of which the library would make up a part.

    How attention is computed is chosen here, whatever config.json asks for: by PyTorch's own function (`sdpa`) where the class
    knows it, else plainly (`eager`), and over all positions where a model has a sparse kind for long rows.

    Args:
        folder: `config.json` and weights, as the library publishes them.
        objective: masked, causal, or auto to take what `config.json` says.
        dtype: of the weights.
        objective_key: the key of the configuration that says the objective, for messages.

    Raises:
        XlprobeError: the folder cannot be read, weights of the body are missing, of another shape or left over, the objective
            is not to be told, or the model is of a kind that is not measured.
    """
    files = [path for path in read_files(folder) if path.suffix in WEIGHT_ENDINGS]
    stored = _reading(folder, stored_tensors, files)
    _check_counts(folder / "config.json", len(stored))
    config = _read(folder, transformers.AutoConfig)
    chosen = _objective(folder, config, objective, objective_key)
    model_class = _model_class(folder, config, chosen, objective_key)
    attention = "sdpa" if model_class._supports_sdpa else "eager"
    config._attn_implementation = attention
    # Settings of the output's form, which would hide the layers; and nothing is generated.
    config.output_attentions, config.return_dict, config.use_cache = False, True, False
    if getattr(config, "attention_type", None) == "block_sparse":
        # BigBird changes for good to full attention when it first meets a short row.
        config.attention_type = "original_full"
    _check_size(folder, config, model_class, stored)
    loading_options = {"dtype": dtype, "output_loading_info": True, "ignore_mismatched_sizes": True}
    model, loading = _read(folder, model_class, config=config, attn_implementation=attention, **loading_options)
    if getattr(model.get_input_embeddings(), "weight", None) is None:
        raise XlprobeError(f"{folder}: {type(model.base_model).__name__} has no table with a vector for each subword; {LEAVE_OUT}")
    _check_weights(folder, model, loading, stored)
    model.eval()
    if loading["missing_keys"] or (output := model.get_output_embeddings()) is None:
        return LoadedModel(model.base_model, chosen, "missing")
    return LoadedModel(model, chosen, "tied" if output.weight is model.get_input_embeddings().weight else "untied")


def _objective(folder: Path, config: Any, objective: str, objective_key: str) -> str:
    """What the model was trained to do: as said, or by auto as its architecture is named."""
    listed = config.architectures if isinstance(config.architectures, list) else []
    architectures = [name for name in listed if isinstance(name, str)]
    told = next((kind for name in architectures for ending, kind in OBJECTIVES.items() if name.endswith(ending)), None)
    if objective == "auto" and told is None:
        raise XlprobeError(
            f"{folder / 'config.json'}: architectures says {architectures}, which names no masked or causal language model; if it is one,"
            f" set {objective_key} to masked or causal in the configuration"
        )
    return objective if objective != "auto" else str(told)


def _model_class(folder: Path, config: Any, objective: str, objective_key: str) -> Any:
    """The library's class for a configuration."""
    place = folder / "config.json"
    if config.is_encoder_decoder:
        raise XlprobeError(
            f"{place}: {config.model_type} is an encoder with a decoder, and xlprobe measures only models of one stack of layers;"
            f" {LEAVE_OUT}"
        )
    if getattr(config, "quantization_config", None):
        raise XlprobeError(f"{place}: the weights are quantized (quantization_config); give the checkpoint with its weights as trained")
    languages = getattr(config, "n_langs", 1) if getattr(config, "use_lang_emb", False) else 1
    if languages > 1 or getattr(config, "default_language", None):
        raise XlprobeError(
            f"{place}: {config.model_type} is told the language of each text, which xlprobe does not do: its vectors would be those of"
            f" one language or of none; {LEAVE_OUT}"
        )
    mapping = AUTOMATIC_CLASSES[objective]._model_mapping
    if type(config) not in mapping:
        raise XlprobeError(
            f"{place}: the transformers library has no {objective} language model of model_type {config.model_type}; look at"
            f" {objective_key} in the configuration"
        )
    found = mapping[type(config)]
    return found[0] if isinstance(found, tuple) else found


def _check_counts(path: Path, tensors: int) -> None:
    """Refuse a configuration that counts more blocks, or anything else, than a model has: the library would begin to make them.

    Args:
        path: config.json; what is no configuration at all is left to the library to say.
        tensors: how many are stored; a block has one or more, or shares those of another.
    """
    settings = settings_in(path)
    if other := settings.get("transformers_weights"):
        raise XlprobeError(
            f"{path}: names a file of weights (transformers_weights: {str(other)[:100]!r}); take that key out, as {WEIGHTS_RULE}"
        )
    for key, value in settings.items():
        blocks = "layers" in key or key == "n_layer"
        places = any(part in key for part in POSITIONS)
        most = max(MOST_BLOCKS, tensors) if blocks else MOST_POSITIONS if places else MOST_OF_A_KIND
        counts = (blocks or places or key.startswith(("num_", "n_head"))) and isinstance(value, int)
        if counts and value > most and _is_setting(key, settings.get("model_type")):
            raise XlprobeError(f"{path}: {key} is {value}, more than the {most} that are accepted; correct it")


def _is_setting(key: str, model_type: Any) -> bool:
    """Whether a key of config.json is one that its model's class reads, and not a note; of an unknown class all are."""
    if not isinstance(model_type, str) or model_type not in transformers.CONFIG_MAPPING:
        return True
    # Some settings are no parameters, but taken from `**kwargs` or an older version's name for another.
    sources = [
        inspect.getsource(part) for part in transformers.CONFIG_MAPPING[model_type].__mro__ if part.__module__.startswith("transformers.")
    ]
    return any(re.search(rf"\b{re.escape(key)}\b", source) for source in sources)


def settings_in(path: Path) -> dict[str, Any]:
    """The settings in a JSON file; none where it cannot be read, which is reported where the model or its tokenizer is loaded."""
    with contextlib.suppress(XlprobeError, ValueError, OSError, RecursionError):
        if isinstance(settings := read_json(path), dict):
            return settings
    return {}


def _check_size(folder: Path, config: Any, model_class: Any, stored: Mapping[str, StoredTensor]) -> None:
    """Refuse a configuration far larger than the weights beside it, before memory is asked for."""

    def numbers() -> int:
        with torch.device("meta"):
            model = model_class(config)
        return sum(tensor.numel() for tensor in [*model.parameters(), *model.buffers()])

    described, held = _reading(folder, numbers), sum(np.prod(tensor.shape, dtype=float) for tensor in stored.values())
    if described > MOST_TIMES_STORED * held + MOST_BESIDES:
        raise XlprobeError(
            f"{folder}: config.json describes a model of {described:.2g} numbers, the files hold {held:.2g}; the two do not belong together"
        )


def _check_weights(folder: Path, model: Any, loading: Mapping[str, Any], stored: Mapping[str, StoredTensor]) -> None:
    """Refuse weights of the body that are missing, of another shape, left over or not finite."""
    if misfits := sorted(loading["mismatched_keys"]):
        name, found, wanted = misfits[0]
        raise XlprobeError(
            f"{folder}: {len(misfits)} weights have another shape than config.json describes ({name} is {list(found)}, not"
            f" {list(wanted)}); the two do not belong together"
        )
    prefix = f"{model.base_model_prefix}."
    if missing := sorted(key for key in loading["missing_keys"] if key.startswith(prefix)):
        raise XlprobeError(
            f"{folder}: {len(missing)} weights are missing ({missing[0]}, say), and would be random; the checkpoint is not usable"
        )
    if left_over := _left_over(model, loading["unexpected_keys"], stored):
        raise XlprobeError(
            f"{folder}: {len(left_over)} weights fit nowhere in the model that config.json describes ({left_over[0]}, say); the two do"
            " not belong together"
        )
    # Biases may be nothing but noise: those of keys, which softmax cancels, are.
    if model.dtype == torch.float16 and (lost := [name for name in stored if name.endswith("weight") and lost_in_float16(stored[name])]):
        raise XlprobeError(
            f"{folder}: {lost[0]} and {len(lost) - 1} other weights are too small for float16; set features.precision, or"
            " bpc.precision, to bfloat16 or float32 in the configuration"
        )
    if broken := [name for name, value in model.state_dict().items() if not torch.isfinite(value).all()]:
        if model.dtype == torch.float16 and any(tensor.dtype not in (None, torch.float16) for tensor in stored.values()):
            raise XlprobeError(
                f"{folder}: {broken[0]} and {len(broken) - 1} other weights are too large for float16; set features.precision, or"
                " bpc.precision, to bfloat16 or float32 in the configuration"
            )
        raise XlprobeError(f"{folder}: {broken[0]} and {len(broken) - 1} other weights hold NaN or infinity; the checkpoint is not usable")


def _left_over(model: Any, unexpected: Iterable[str], stored: Mapping[str, StoredTensor]) -> list[str]:
    """Of the names that the model has no place for, those that belong to its body and are no constants."""
    body_parts = {name for name, _ in model.base_model.named_children()}
    prefix = f"{model.base_model_prefix}."
    buffers = {name.removeprefix(prefix) for name, _ in model.named_buffers()}
    left_over = []
    for key in sorted(unexpected):
        part = key.removeprefix(prefix).split(".")[0]
        of_body = part in body_parts or (key.startswith(prefix) and part not in POOLERS)
        if not of_body or key.endswith(TABLES) or key.removeprefix(prefix) in buffers:
            continue
        # Names in files may be without the prefix, or the other way round.
        found = stored.get(key) or stored.get(key.removeprefix(prefix)) or stored.get(prefix + key)
        if found is None or not is_constant(found.read()):
            left_over.append(key)
    return left_over


def load_body(folder: Path, dtype: torch.dtype = torch.float32) -> transformers.PreTrainedModel:
    """Load a published checkpoint's model without its head, in evaluation mode: what the canary has tried.

    Args:
        dtype: of the weights.

    Raises:
        XlprobeError: the folder cannot be read, or weights are missing.
    """
    return load_model(folder, read_json(folder / "identity.json")["objective"], dtype).model.base_model


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
    # A class of its own is none of the library's; what tokenizer.json says is enough.
    of_its_own = "auto_map" in settings_in(folder / "tokenizer_config.json") and (folder / "tokenizer.json").is_file()
    tokenizer = _read(folder, transformers.PreTrainedTokenizerFast if of_its_own else transformers.AutoTokenizer)
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


def _read(folder: Path, library_class: Any, **options: Any) -> Any:
    """`from_pretrained` on a local folder, its many kinds of failure in one sentence."""
    if not (folder / "config.json").is_file():
        raise XlprobeError(f"{folder}: holds no config.json, so it is no checkpoint of the transformers library")
    return _reading(folder, library_class.from_pretrained, folder, local_files_only=True, trust_remote_code=False, **options)


def _reading(folder: Path, function: Any, *arguments: Any, **options: Any) -> Any:
    """Call what reads a folder that a user gave, where any kind of error may come of what stands there."""
    try:
        return function(*arguments, **options)
    except XlprobeError:
        raise
    except pickle.UnpicklingError:
        raise XlprobeError(
            f"{folder}: its weights hold more than tensors, and nothing else is unpickled; save the model's state_dict() alone"
        ) from None
    except BaseException as error:
        if not is_fault(error):
            raise
        said = f"{type(error).__name__}: {first_sentence(error)}"
        raise XlprobeError(f"{folder}: the transformers library cannot read it ({said})") from error


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
            raise XlprobeError(
                f"the tokenizer of {model.name_or_path} gives no subword to any letter tried; save the one that it was trained with"
            )
        self.prefix: list[int] = example["input_ids"][: inner[0]]
        self.suffix: list[int] = example["input_ids"][inner[-1] + 1 :]
        # Without a padding token any will do: no real position attends to padding.
        self.padding: int = 0 if tokenizer.pad_token_id is None else tokenizer.pad_token_id
        self.window = int(min(_limit(tokenizer.model_max_length), positions(model))) - len(self.prefix) - len(self.suffix)

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
    """How many subwords a model takes at once, special tokens included; UNLIMITED_WINDOW where its settings name no limit."""
    # MPT adds to attention what it made for so many positions.
    limit = min(_limit(getattr(model.config, key, None)) for key in ("max_position_embeddings", "max_seq_len"))
    rope = getattr(model.config, "rope_parameters", None)
    if isinstance(rope, dict) and rope.get("rope_type") in ("dynamic", "longrope"):
        # In a longer batch these turn all positions by other angles, those of its short rows, too.
        limit = min(limit, _limit(rope.get("original_max_position_embeddings")))
    if limit == math.inf:
        return UNLIMITED_WINDOW
    embeddings = getattr(model.base_model, "embeddings", None)
    table = getattr(embeddings, "position_embeddings", None)
    # RoBERTa and its kin count positions from the padding index on.
    padding_index = getattr(table, "padding_idx", None)
    return int(limit) if padding_index is None else int(limit) - padding_index - 1


def _limit(value: Any) -> float:
    """A length that a setting allows: none, 0 and -1 are no limits, as XLNet, ALiBi's models and many tokenizers say it."""
    return value if isinstance(value, int | float) and value > 0 else math.inf
