"""Checkpoints that the transformers library reads, masked or causal, from any suite."""

from pathlib import Path

from xlprobe.checkpoints import Origin, publish
from xlprobe.files import sha256
from xlprobe.huggingface_files import WEIGHT_ENDINGS, read_files
from xlprobe.language_models import load_model, load_tokenizer


def publish_huggingface(source: Path, folder: Path, model: str, training_seed: int | None, step: int, objective: str, place: str) -> None:
    """Publish a checkpoint that the transformers library reads.

    Weights keep their precision. A head that is missing from the checkpoint is left out of the published one.

    Args:
        source: the checkpoint's folder.
        folder: where the published one goes.
        objective: masked, causal, or auto.
        place: where the folder comes from, for the record.

    Raises:
        XlprobeError: the library would make up a part of the model, its tokenizer does not tell characters, or the canary
            refuses it.
    """
    weights = [path for path in read_files(source) if path.suffix in WEIGHT_ENDINGS]
    loaded, tokenizer = load_model(source, objective, dtype="auto"), load_tokenizer(source)

    def write(scratch: Path) -> None:
        # One file whatever the size, so that every checkpoint has the same files.
        loaded.model.save_pretrained(scratch, max_shard_size="10TB")
        tokenizer.save_pretrained(scratch)

    origin = Origin(
        model, training_seed, step, {"kind": "huggingface", "place": place, "sha256": {path.name: sha256(path) for path in weights}}
    )
    publish(write, folder, origin, loaded.objective, None, None)
