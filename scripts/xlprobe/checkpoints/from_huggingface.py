"""Checkpoints that the transformers library reads, masked or causal, from any suite."""

import dataclasses
import logging
from collections.abc import Sequence
from pathlib import Path

import transformers

from xlprobe.artifacts.checkpoint_names import run_name
from xlprobe.checkpoints.publishing import Checkpoint, publish
from xlprobe.checkpoints.source_tokenizers import load_source_tokenizer
from xlprobe.errors import XlprobeError
from xlprobe.files import sha256
from xlprobe.library_errors import library_errors
from xlprobe.models.huggingface_files import WEIGHT_ENDINGS, left_out, read_files
from xlprobe.models.language_models import load_model, settings_in
from xlprobe.models.stored_weights import stored_precision


def publish_huggingface(
    source: Path,
    folder: Path,
    model: str,
    training_seed: int | None,
    step: int,
    objective: str,
    place: str,
    siblings: Sequence[Path],
    own_code: str = "refused",
    bits: bool = False,
) -> None:
    """Publish a checkpoint that the transformers library reads.

    Weights keep their precision. A head that is missing from the checkpoint is left out of the published one.

    Args:
        source: the checkpoint's folder.
        folder: where the published one goes.
        objective: masked, causal, or auto.
        place: where the folder comes from, for the record.
        siblings: the identities of the model's other checkpoints, made or not.
        own_code: `ignored` measures the library's class where the checkpoint names code of its own, `refused` refuses it.
        bits: whether the run takes bits per character of the model.

    Raises:
        XlprobeError: the library would make up a part of the model, or fails on it, its tokenizer does not tell characters, code
            comes with it and is not said to be ignored, or the canary refuses it.
    """
    with library_errors(f"{run_name(model, training_seed)} step {step} ({source})"):
        _publish(source, folder, Checkpoint(model, training_seed, step, {}, tuple(siblings), takes_bits=bits), objective, place, own_code)


def _publish(source: Path, folder: Path, checkpoint: Checkpoint, objective: str, place: str, own_code: str) -> None:
    read = read_files(source)
    weights = [path for path in read if path.suffix in WEIGHT_ENDINGS]
    if others := left_out(source, read):
        logging.info("%s: %s read; left out: %s", source, ", ".join(path.name for path in weights), ", ".join(others)[:200])
    if (naming := naming_code(source)) and own_code == "refused":
        raise XlprobeError(
            f"{naming}: names code of its own (auto_map), which is never run; if the transformers library's class computes the same, set"
            f" own_code: ignored at models.{checkpoint.model}.huggingface in the configuration"
        )
    loaded = load_model(source, objective, stored_precision(weights), checkpoint.objective_key)
    tokenizer = load_source_tokenizer(source)

    def write(scratch: Path) -> None:
        # What is published names no code: it is the library's class that was loaded.
        vars(loaded.model.config).pop("auto_map", None)
        tokenizer.init_kwargs.pop("auto_map", None)
        # One file whatever the size, so that every checkpoint has the same files.
        loaded.model.save_pretrained(scratch, max_shard_size="10TB")
        tokenizer.save_pretrained(scratch)

    record = {"kind": "huggingface", "place": place, "sha256": {path.name: sha256(path) for path in weights}}
    checkpoint = dataclasses.replace(checkpoint, source=record, own_code="ignored" if naming else "none")
    publish(write, folder, checkpoint, loaded.objective, None, None)


def naming_code(folder: Path) -> Path | None:
    """The file of a folder that names code to load the model or its tokenizer with; None where none does.

    Raises:
        XlprobeError: the library has no class for the model, so that its code cannot be done without.
    """
    for path in (folder / "config.json", folder / "tokenizer_config.json"):
        settings = settings_in(path)
        if settings.get("auto_map"):
            if path.name == "config.json" and settings.get("model_type") not in transformers.CONFIG_MAPPING:
                raise XlprobeError(
                    f"{path}: the transformers library cannot read it without the custom code that it names (auto_map), which is never run;"
                    " such a model is not measured"
                )
            return path
    return None
