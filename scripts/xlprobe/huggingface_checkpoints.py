"""Checkpoints that the transformers library reads, masked or causal, from any suite."""

import contextlib
import pickle
from collections.abc import Iterable, Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open

from xlprobe.checkpoints import Checkpoint, publish
from xlprobe.files import sha256
from xlprobe.huggingface_files import WEIGHT_ENDINGS, read_files
from xlprobe.language_models import load_model, load_tokenizer


def publish_huggingface(
    source: Path,
    folder: Path,
    model: str,
    training_seed: int | None,
    step: int,
    objective: str,
    place: str,
    siblings: Sequence[Path],
) -> None:
    """Publish a checkpoint that the transformers library reads.

    Weights keep their precision. A head that is missing from the checkpoint is left out of the published one.

    Args:
        source: the checkpoint's folder.
        folder: where the published one goes.
        objective: masked, causal, or auto.
        place: where the folder comes from, for the record.
        siblings: the identities of the model's other checkpoints, made or not.

    Raises:
        XlprobeError: the library would make up a part of the model, its tokenizer does not tell characters, or the canary
            refuses it.
    """
    weights = [path for path in read_files(source) if path.suffix in WEIGHT_ENDINGS]
    loaded, tokenizer = load_model(source, objective, stored_precision(weights)), load_tokenizer(source)

    def write(scratch: Path) -> None:
        # One file whatever the size, so that every checkpoint has the same files.
        loaded.model.save_pretrained(scratch, max_shard_size="10TB")
        tokenizer.save_pretrained(scratch)

    record = {"kind": "huggingface", "place": place, "sha256": {path.name: sha256(path) for path in weights}}
    checkpoint = Checkpoint(model, training_seed, step, record, tuple(siblings))
    publish(write, folder, checkpoint, loaded.objective, None, None)


def stored_precision(files: Iterable[Path]) -> torch.dtype:
    """The floating-point type that all of a checkpoint's weights are stored in; float32 where there are several.

    config.json may say another one, which the library would believe.
    """
    found = set()
    for file in files:
        # A file that cannot be read is reported where the model is loaded.
        with contextlib.suppress(SafetensorError, RuntimeError, EOFError, pickle.UnpicklingError):
            if file.suffix == ".safetensors":
                with safe_open(file, "pt") as tensors:
                    found |= {tensors.get_tensor(name).dtype for name in tensors.keys()}  # noqa: SIM118
            else:
                found |= {value.dtype for value in torch.load(file, mmap=True, weights_only=True).values()}
    floating = {dtype for dtype in found if dtype.is_floating_point}
    return floating.pop() if len(floating) == 1 else torch.float32
