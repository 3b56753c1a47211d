"""Vectors of words, sentences or subwords at every wanted layer from one forward pass, in one HDF5 file a checkpoint and dataset.

A file holds `vectors` [layers, units, dim] in float16, or in float32 where that does not hold them (`xlprobe.features.vector_storage`),
`offsets` [sentences + 1] into the units, `sent_id` and `split` [sentences], and as attributes the version of the `format`, `units`
(what a row of `vectors` stands for), `layers` (0 is the embedding layer), the `precision` that the model computed in, and the
identities of checkpoint and dataset. `xlprobe.hdf5_files` says how damage is noticed: `vectors` has an attribute with a CRC-32 of
each layer.

A unit is a word, or, of pairs of sentences for inference, a sentence. Its vector is the mean of its subwords' (paper 1,
section 2.2), special tokens apart. Text is encoded as it is written, not word by word: a subword belongs to each word that
it covers a character of, and a lone `▁` to none; to a sentence all its subwords belong. A unit without a subword has zeros,
and is counted. A sentence longer than the model's window is encoded in windows that overlap by half, each subword taken
from the window in which it stands most central.

Paper 1 averages "all representations in the sentence", and does not say whether special tokens are among them: here they are not.
Nor does it say what becomes of long sentences and of subwords that two words share.

Where it is asked for (SimAlign's "bpe"), units are the subwords that belong to a word; `subword_words` [pairs, 2] then says
which: row of `vectors`, row of the dataset's words.parquet.

Shape letters: L layers, U units, B rows, T positions, D dimensions.
"""

import json
import logging
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import transformers
from torch.nn.functional import embedding_bag

from xlprobe import hdf5_files
from xlprobe.artifacts import checkpoint_names, formats
from xlprobe.artifacts.dataset_identity import read_identity
from xlprobe.artifacts.tables import write_table
from xlprobe.device import choose_device
from xlprobe.errors import XlprobeError
from xlprobe.features.encoding import BATCH_KEY, DatasetSentences, EncodedSentence, Encoder
from xlprobe.features.vector_storage import STORAGES, StorageError, fits_float16
from xlprobe.files import atomic_path
from xlprobe.library_errors import library_errors
from xlprobe.models.language_models import PRECISIONS
from xlprobe.models.windows import batches, padding_per_batch, windows
from xlprobe.progress import progress

UNITS_PER_LOOK = 256


@dataclass
class Audit:
    """What encoding a dataset met; `words_cut` have subwords from more than one window. Where units are sentences, so are words.

    `constant_layers` are those at which all units have one vector.
    """

    sentences: int = 0
    words: int = 0
    subwords: int = 0
    unknown_subwords: int = 0
    shared_subwords: int = 0
    words_without_subword: int = 0
    sentences_over_window: int = 0
    words_cut: int = 0
    constant_layers: int = 0


def vectors_of_units(encoder: Encoder, sentences: Sequence[EncodedSentence], layers: Sequence[int], tokens_per_batch: int) -> np.ndarray:
    """Vectors of all units of some sentences.

    Returns:
        [layers, units, dim] in float32; a unit without a subword gets zeros.
    """
    plans = [windows(number, len(sentence.ids), encoder.framing.window) for number, sentence in enumerate(sentences)]
    first_unit = np.cumsum([0, *(sentence.units for sentence in sentences)])
    vectors_LUD = torch.zeros(len(layers), int(first_unit[-1]), encoder.model.config.hidden_size)
    costs = [(len(plan), plan[0].end - plan[0].start) for plan in plans]
    for batch in batches(costs, tokens_per_batch, padding_per_batch(encoder.identity, encoder.device)):
        rows = [window for number in batch for window in plans[number]]
        hidden_BTD_of_layers = encoder.hidden_states([sentences[w.sentence].ids[w.start : w.end] for w in rows], layers)
        positions_a_row = hidden_BTD_of_layers[0].shape[1]
        subword_parts, unit_parts = [], []
        for row, window in enumerate(rows):
            pairs = sentences[window.sentence].pairs
            taken = pairs[(pairs[:, 0] >= window.keep_from) & (pairs[:, 0] < window.keep_to)]
            subword_parts.append(row * positions_a_row + len(encoder.framing.prefix) + taken[:, 0] - window.start)
            unit_parts.append(taken[:, 1] + first_unit[window.sentence])
        subword, unit = np.concatenate(subword_parts), np.concatenate(unit_parts)
        in_order = np.argsort(unit, kind="stable")
        units, starts = np.unique(unit[in_order], return_index=True)
        vectors_LUD[:, torch.from_numpy(units)] = means(hidden_BTD_of_layers, subword[in_order], starts).cpu()
    return vectors_LUD.numpy()


def means(hidden_BTD_of_layers: Sequence[torch.Tensor], subwords: np.ndarray, starts: np.ndarray) -> torch.Tensor:
    """Means of units' subwords, computed where the hidden states are, so that only units leave a GPU.

    Args:
        hidden_BTD_of_layers: for each layer [rows, positions, dim], in any precision.
        subwords: which positions to take, unit by unit, counted over all rows.
        starts: [units], where in `subwords` each unit begins.

    Returns:
        [layers, units, dim] in float32.
    """
    device = hidden_BTD_of_layers[0].device
    at, first = torch.from_numpy(subwords).to(device), torch.from_numpy(starts).to(device)
    # One operation, the same on each run: index_add_ on a GPU sums in any order.
    return torch.stack([embedding_bag(at, hidden_BTD.flatten(0, 1).float(), first, mode="mean") for hidden_BTD in hidden_BTD_of_layers])


def extract_features(
    checkpoint: Path,
    datasets: Sequence[Path],
    outputs: Sequence[Path],
    audit_outputs: Sequence[Path],
    layers: Sequence[int],
    tokens_per_batch: int,
    device: str,
    precision: str = "float32",
    subwords: Sequence[str] = (),
    storage: str = "auto",
) -> None:
    """Write the vectors of some datasets from one checkpoint, and the audit of what encoding each of them met.

    Args:
        layers: 0 is the embedding layer; none named takes all.
        precision: one of PRECISIONS.
        subwords: names of the datasets whose units are subwords.
        storage: one of STORAGES; auto takes float16 for each dataset whose vectors it holds, and float32 for the others.

    Raises:
        XlprobeError: the checkpoint has not that many layers, a vector is not finite or not held by `storage`, a dataset's words
            are gone, `subwords` names none of the datasets, or one without words, a library fails on the checkpoint, or an output
            cannot be written.
    """
    if unknown := set(subwords) - {dataset.name for dataset in datasets}:
        raise XlprobeError(f"--subwords: {min(unknown)} is none of the datasets {' '.join(dataset.name for dataset in datasets)}")
    with library_errors(checkpoint, BATCH_KEY):
        encoder = Encoder(checkpoint, choose_device(device), PRECISIONS[precision])
    last = encoder.identity["layers"]
    if max(layers, default=0) > last:
        raise XlprobeError(f"config keys features.layers and sweeps: layer {max(layers)} is asked for, {checkpoint} has 0 to {last}")
    layers = layers or range(last + 1)
    for dataset, output, audit_output in zip(datasets, outputs, audit_outputs, strict=True):
        texts = DatasetSentences(encoder, dataset, dataset.name in subwords)
        identity = checkpoint_names.columns(encoder.identity) | {"dataset": dataset.name}
        with hdf5_files.writing(output):
            audit = _write_vectors(texts, dataset, output, layers, tokens_per_batch, storage)
            write_table(pd.DataFrame([identity | asdict(audit)]), "audit.schema.yaml", audit_output)


def _write_vectors(
    texts: DatasetSentences, dataset: Path, output: Path, layers: Sequence[int], tokens_per_batch: int, storage: str
) -> Audit:
    """Write a features file, from the start again in the next of the storage's numbers where the first do not hold the vectors."""
    *before, last = STORAGES[storage]
    with atomic_path(output) as temporary:
        for dtype in before:
            try:
                return _write_in(texts, dataset, temporary, layers, tokens_per_batch, dtype)
            except StorageError:
                logging.info("%s: float16 does not hold its vectors of %s: float32", texts.encoder.checkpoint, dataset.name)
        return _write_in(texts, dataset, temporary, layers, tokens_per_batch, last)


def _write_in(
    texts: DatasetSentences, dataset: Path, path: Path, layers: Sequence[int], tokens_per_batch: int, dtype: torch.dtype
) -> Audit:
    encoder = texts.encoder
    audit = Audit(sentences=len(texts.sentences), words=int(texts.first_word[-1]))
    with hdf5_files.create(path) as file:
        shape = (len(layers), int(texts.offsets[-1]), encoder.model.config.hidden_size)
        vectors = file.create_dataset("vectors", shape, dtype=_name(dtype))
        file["offsets"] = texts.offsets
        file["sent_id"] = texts.sentences["sent_id"].to_list()
        file["split"] = texts.sentences["split"].to_list()
        if texts.subword_words is not None:
            file["subword_words"] = texts.subword_words
        file.attrs["format"] = formats.FEATURES
        file.attrs["units"] = texts.units
        file.attrs["layers"] = list(layers)
        file.attrs["precision"] = _name(encoder.model.dtype)
        file.attrs["checkpoint"] = json.dumps(encoder.identity, sort_keys=True)
        file.attrs["dataset"] = json.dumps(read_identity(dataset), sort_keys=True)
        file.attrs["versions"] = json.dumps({"torch": torch.__version__, "transformers": transformers.__version__})
        checksums, alike = [0] * len(layers), Alike(len(layers))
        name = f"{checkpoint_names.title(encoder.identity)} {dataset.name}"
        for part in progress(list(texts.parts()), name, "parts"):
            of_words = texts.of_words(part)
            _count(audit, encoder, of_words)
            with library_errors(encoder.checkpoint, BATCH_KEY):
                exact = torch.from_numpy(vectors_of_units(encoder, texts.of_units(of_words), layers, tokens_per_batch))
            if exact.numel() and not all(map(math.isfinite, exact.aminmax())):
                raise XlprobeError(f"{encoder.checkpoint}: a vector is not finite; {_advice(encoder.model.dtype)}")
            if dtype == torch.float16 and not fits_float16(exact):
                raise StorageError(
                    f"{encoder.checkpoint}: float16 does not hold its vectors of {dataset.name}: numbers are too large for it, or so small"
                    f" that they are lost (the largest is {float(exact.abs().max()):.3g}); set features.storage to auto or float32 in the"
                    " configuration"
                )
            # NumPy's conversion takes seven times as long.
            stored_LUD = exact.to(dtype).numpy()
            vectors[:, texts.offsets[part.start] : texts.offsets[part.stop]] = stored_LUD
            checksums = hdf5_files.extended(checksums, stored_LUD)
            alike.see(stored_LUD)
        vectors.attrs[hdf5_files.CHECKSUMS] = np.array(checksums, dtype=np.uint32)
    if constant := [layers[place] for place in alike.layers()]:
        audit.constant_layers = len(constant)
        logging.warning(
            "warning: %s: at layer %s all its vectors are the same, so that they tell nothing", name, ", ".join(map(str, constant))
        )
    return audit


class Alike:
    """Looks for layers that give all units one vector; those of units without a subword, zeros, do not count."""

    def __init__(self, layers: int) -> None:
        self._left = set(range(layers))
        self._first: dict[int, np.ndarray] = {}
        self._units = 0

    def layers(self) -> list[int]:
        """The places of those found; none where there are fewer than two units."""
        return sorted(self._left) if self._units > 1 else []

    def see(self, vectors_LUD: np.ndarray) -> None:
        """Look at more units; a layer is given up at the first vector that differs."""
        self._units += vectors_LUD.shape[1]
        for layer in sorted(self._left):
            for start in range(0, vectors_LUD.shape[1], UNITS_PER_LOOK):
                vectors_UD = vectors_LUD[layer, start : start + UNITS_PER_LOOK]
                vectors_UD = vectors_UD[vectors_UD.any(axis=1)]
                if len(vectors_UD) and (vectors_UD != self._first.setdefault(layer, vectors_UD[0].copy())).any():
                    self._left.discard(layer)
                    break


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _advice(dtype: torch.dtype) -> str:
    # In float16, a sum inside the model may have overflowed where no vector would.
    return "set features.precision to bfloat16 or float32" if dtype == torch.float16 else "the checkpoint is not usable"


def _count(audit: Audit, encoder: Encoder, encoded: Sequence[EncodedSentence]) -> None:
    for number, sentence in enumerate(encoded):
        subwords, of_words = sentence.pairs[:, 0], sentence.pairs[:, 1]
        audit.subwords += len(sentence.ids)
        audit.unknown_subwords += int((sentence.ids == encoder.tokenizer.unk_token_id).sum())
        audit.shared_subwords += int((np.bincount(subwords) > 1).sum())
        audit.words_without_subword += sentence.units - len(np.unique(of_words))
        if len(sentence.ids) > encoder.framing.window:
            audit.sentences_over_window += 1
            borders = [window.keep_from for window in windows(number, len(sentence.ids), encoder.framing.window)]
            window_of = np.searchsorted(borders, subwords, side="right")
            word_in_window = np.unique(np.stack([of_words, window_of], axis=1), axis=0)
            audit.words_cut += int((np.bincount(word_in_window[:, 0]) > 1).sum())
