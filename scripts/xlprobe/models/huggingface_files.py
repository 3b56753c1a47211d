"""Which files of a folder, or of a repository on the hub, make a checkpoint of the transformers library."""

import re
from collections.abc import Iterable
from pathlib import Path

from xlprobe.errors import XlprobeError
from xlprobe.files import read_json

# A folder of a hub holds much else; this is what is read of it.
SETTINGS_FILES = ("config.json", "generation_config.json")
SENTENCEPIECE_FILES = ("sentencepiece.bpe.model", "spiece.model", "tokenizer.model", "spm.model", "sentencepiece.model")
# What a tokenizer's subwords stand in.
VOCABULARY_FILES = ("tokenizer.json", "vocab.txt", "vocab.json", *SENTENCEPIECE_FILES)
TOKENIZER_FILES = (*VOCABULARY_FILES, "merges.txt", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json")
WEIGHT_ENDINGS = (".safetensors", ".bin")
# Which weights are read, as the library chooses, too: the first of these that is there.
WEIGHT_NAMES = {".safetensors": "model", ".bin": "pytorch_model"}
WEIGHTS_RULE = "model.safetensors is read or its parts, else pytorch_model.bin or its parts"
# What else models are saved in; a folder may hold it, and nothing here reads it.
OTHER_WEIGHTS = (*WEIGHT_ENDINGS, ".h5", ".msgpack", ".pt", ".pth", ".ckpt", ".onnx", ".gguf")


def read_files(folder: Path, key: str = "huggingface.folder") -> list[Path]:
    """The files of a folder that make its checkpoint: settings, tokenizer, and one set of weights.

    Args:
        key: the key of the configuration that names the folder, for messages.

    Raises:
        XlprobeError: there is no such folder, settings or weights are missing, or it cannot be told which weights are meant.
    """
    if not folder.is_dir():
        raise XlprobeError(f"{folder}: no such folder; look at {key} in the configuration")
    names = {path.name for path in folder.iterdir() if path.is_file()}
    wanted = wanted_files(names, str(folder))
    for index in (name for name in wanted if name.endswith(".index.json")):
        _check_index(folder / index, {name for name in wanted if name.endswith(WEIGHT_ENDINGS)})
    return sorted(folder / name for name in wanted)


def left_out(folder: Path, read: Iterable[Path]) -> list[str]:
    """The names of files in a folder that hold weights by their endings, and are not read."""
    return sorted({path.name for path in folder.iterdir() if path.suffix in OTHER_WEIGHTS} - {path.name for path in read})


def wanted_files(names: set[str], place: str) -> set[str]:
    """Of a checkpoint's file names, those that are read: safetensors where there are any, else PyTorch's own format.

    Raises:
        XlprobeError: settings or weights are missing, or it cannot be told which weights are the checkpoint's; the message names the
            place.
    """
    # Folders of a repository hold other formats.
    names = {name for name in names if "/" not in name}
    if "adapter_config.json" in names:
        raise XlprobeError(f"{place}: holds an adapter (adapter_config.json), not a whole model; merge it into its model, and save that")
    if "config.json" not in names:
        raise XlprobeError(f"{place}: holds no config.json; it is no checkpoint of the transformers library")
    for ending, stem in WEIGHT_NAMES.items():
        if weights := _weights(names, stem, ending, place):
            return weights | names & {*SETTINGS_FILES, *TOKENIZER_FILES}
    raise XlprobeError(
        f"{place}: holds no weights (model.safetensors or pytorch_model.bin); it is no checkpoint of the transformers library"
    )


def _weights(names: set[str], stem: str, ending: str, place: str) -> set[str]:
    """The one file of weights, or all their parts and the index of these; nothing where there are none."""
    whole, index = f"{stem}{ending}", f"{stem}{ending}.index.json"
    # Some suites write `model_00001-of-00072`, or a digit more.
    pattern = rf"{stem}[-_]([0-9]{{5,6}})-of-([0-9]{{5,6}}){ending}"
    parts = {name: found for name in names if (found := re.fullmatch(pattern, name, re.ASCII))}
    if whole in names and parts:
        raise XlprobeError(
            f"{place}: holds {whole} and beside it {min(parts)}, and only one can be the checkpoint; keep one of the two in a folder"
        )
    # Of one whole file an index tells nothing more.
    if whole in names or not (parts or index in names):
        return {whole} & names
    numbers = sorted(int(found[1]) for found in parts.values())
    if index not in names or {int(found[2]) for found in parts.values()} != {len(parts)} or numbers != [*range(1, len(parts) + 1)]:
        there = f"{len(parts)} parts" if index in names else f"{len(parts)} parts and no {index}"
        raise XlprobeError(
            f"{place}: holds {there} of {whole}, which are not those of one whole checkpoint; fetch what is missing, keep no other"
        )
    return {index, *parts}


def _check_index(index: Path, parts: set[str]) -> None:
    """Refuse an index that names other files than the parts beside it."""
    found = read_json(index)
    named = found.get("weight_map") if isinstance(found, dict) else None
    if not isinstance(named, dict) or not all(isinstance(part, str) for part in named.values()):
        raise XlprobeError(f"{index}: names no part for each weight (weight_map); fetch it again")
    if unlike := sorted(parts ^ {*named.values()}):
        told = f"{len({*named.values()})} parts, and {len(parts)} lie beside it, which differ in {unlike[0][:100]!r}"
        raise XlprobeError(f"{index}: names {told}; fetch both again")
