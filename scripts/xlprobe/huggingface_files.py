"""Which files of a folder, or of a repository on the hub, make a checkpoint of the transformers library."""

from fnmatch import fnmatch
from pathlib import Path

from xlprobe.errors import XlprobeError

# A folder of a hub holds much else; this is what is read of it.
SETTINGS_FILES = ("config.json", "generation_config.json")
SENTENCEPIECE_FILES = ("sentencepiece.bpe.model", "spiece.model", "tokenizer.model", "spm.model", "sentencepiece.model")
# What a tokenizer's subwords stand in.
VOCABULARY_FILES = ("tokenizer.json", "vocab.txt", "vocab.json", *SENTENCEPIECE_FILES)
TOKENIZER_FILES = (*VOCABULARY_FILES, "merges.txt", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json")
# In the order in which the library prefers them; the first that is there is read, all its parts.
WEIGHT_PATTERNS = ("model.safetensors", "model*.safetensors", "pytorch_model.bin", "pytorch_model*.bin")
WEIGHT_ENDINGS = (".safetensors", ".bin")


def read_files(folder: Path, key: str = "huggingface.folder") -> list[Path]:
    """The files of a folder that make its checkpoint: settings, tokenizer, and one set of weights.

    Args:
        key: the key of the configuration that names the folder, for messages.

    Raises:
        XlprobeError: there is no such folder, or settings or weights are missing.
    """
    if not folder.is_dir():
        raise XlprobeError(f"{folder}: no such folder; look at {key} in the configuration")
    return sorted(folder / name for name in wanted_files({path.name for path in folder.iterdir()}, str(folder)))


def wanted_files(names: set[str], place: str) -> set[str]:
    """Of a checkpoint's file names, those that are read: safetensors where there are any, else PyTorch's own format.

    Raises:
        XlprobeError: settings or weights are missing; the message names the place.
    """
    # Folders of a repository hold other formats.
    names = {name for name in names if "/" not in name}
    for pattern in WEIGHT_PATTERNS:
        weights = {name for name in names if fnmatch(name, pattern)}
        if weights and "config.json" in names:
            index = f"{pattern.replace('*', '')}.index.json"
            return weights | names & {*SETTINGS_FILES, *TOKENIZER_FILES, index}
    missing = "weights (model.safetensors or pytorch_model.bin)" if "config.json" in names else "config.json"
    raise XlprobeError(f"{place}: holds no {missing}; it is no checkpoint of the transformers library")
