"""Word vectors of every wanted layer from one forward pass, in one HDF5 file a checkpoint and dataset.

A file holds `vectors` [layers, words, dim] in float16, `offsets` [sentences + 1] into the words, `sent_id` and `split`
[sentences], and as attributes `layers` (0 is the embedding layer), the `precision` that the model computed in, and the
identities of checkpoint and dataset.

A word's vector is the mean of its subwords' (paper 1, section 2.2). Text is encoded as it is written, not word by word:
a subword belongs to each word that it covers a character of, and a lone `▁` to none. A sentence longer than the model's
window is encoded in windows that overlap by half, each subword taken from the window in which it stands most central.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import torch
import transformers
from torch.nn.functional import embedding_bag

from xlprobe import checkpoint_names
from xlprobe.datasets import read_sentences
from xlprobe.device import choose_device, padding_worth_a_batch
from xlprobe.errors import XlprobeError
from xlprobe.files import atomic_path, read_json
from xlprobe.language_models import PRECISIONS, Framing, load_body, load_tokenizer, read_identity
from xlprobe.progress import progress
from xlprobe.tables import write_table
from xlprobe.windows import batches, windows

# Vectors wait in memory until so many words are done, which bounds the memory and makes the writes long.
WORDS_PER_WRITE = 16_384


@dataclass
class Audit:
    """What encoding a dataset met; `words_cut` have subwords from more than one window."""

    sentences: int = 0
    words: int = 0
    subwords: int = 0
    unknown_subwords: int = 0
    shared_subwords: int = 0
    words_without_subword: int = 0
    sentences_over_window: int = 0
    words_cut: int = 0


@dataclass(frozen=True)
class EncodedSentence:
    """A sentence's subword ids and which word each belongs to.

    Attributes:
        ids: [subwords].
        pairs: [pairs, 2] of (subword, word), for all words that a subword covers a character of.
    """

    ids: np.ndarray
    pairs: np.ndarray


def subword_word_pairs(offsets: np.ndarray, blank: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Which subword belongs to which word of a sentence: those of which it covers a character.

    Args:
        offsets: [subwords, 2], the code points that each subword covers.
        blank: [subwords], whether a subword is a lone `▁`, which belongs to no word.
        starts, ends: [words], the code points of each word.

    Returns:
        [pairs, 2] of (subword, word), in order.
    """
    first = np.searchsorted(ends, offsets[:, 0], side="right")
    last = np.searchsorted(starts, offsets[:, 1], side="left")  # one past the last
    counts = np.where(blank | (offsets[:, 0] == offsets[:, 1]), 0, np.maximum(last - first, 0))
    subwords = np.repeat(np.arange(len(offsets)), counts)
    within = np.arange(len(subwords)) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.stack([subwords, first[subwords] + within], axis=1)


class Encoder:
    """A checkpoint and its tokenizer, ready to turn sentences into subword vectors.

    Args:
        dtype: of the weights and of all that the model computes.

    Raises:
        XlprobeError: the checkpoint's folder is incomplete.
    """

    def __init__(self, checkpoint: Path, device: torch.device, dtype: torch.dtype = torch.float32) -> None:
        self.checkpoint = checkpoint
        self.identity = read_identity(checkpoint)
        self.device = device
        self.tokenizer = load_tokenizer(checkpoint)
        # Weights are cast once: an eighth faster than autocast, whose error is half (its sums between blocks stay in float32).
        self.model = load_body(checkpoint, dtype).to(device)
        self.framing = Framing(self.model, self.tokenizer)
        self.blank = [id_ for piece, id_ in self.tokenizer.get_vocab().items() if piece in ("▁", "Ġ")]

    def encode(self, texts: Sequence[str], starts: Sequence[np.ndarray], ends: Sequence[np.ndarray]) -> list[EncodedSentence]:
        """Subwords of each text and the words that they belong to.

        Args:
            starts, ends: for each text, the code points of its words.
        """
        encoded = self.tokenizer(list(texts), add_special_tokens=False, return_offsets_mapping=True, verbose=False)
        sentences = []
        for ids, offsets, word_starts, word_ends in zip(encoded["input_ids"], encoded["offset_mapping"], starts, ends, strict=True):
            ids_array = np.array(ids, dtype=np.int64)
            pairs = subword_word_pairs(np.array(offsets).reshape(-1, 2), np.isin(ids_array, self.blank), word_starts, word_ends)
            sentences.append(EncodedSentence(ids_array, pairs))
        return sentences

    @torch.no_grad()
    def hidden_states(self, rows: Sequence[np.ndarray], layers: Sequence[int]) -> list[torch.Tensor]:
        """Hidden states of rows of subword ids: for each layer [rows, positions, dim], on the device, special tokens included."""
        batch = {name: tensor_BT.to(self.device) for name, tensor_BT in self.framing.rows(rows).items()}
        output = self.model(**batch, output_hidden_states=True)
        return [output.hidden_states[layer] for layer in layers]


def word_vectors(
    encoder: Encoder, sentences: Sequence[EncodedSentence], word_counts: Sequence[int], layers: Sequence[int], tokens_per_batch: int
) -> np.ndarray:
    """Vectors of all words of some sentences.

    Args:
        word_counts: words in each sentence.

    Returns:
        [layers, words, dim] in float32; a word without a subword gets zeros.
    """
    plans = [windows(number, len(sentence.ids), encoder.framing.window) for number, sentence in enumerate(sentences)]
    first_word = np.concatenate([[0], np.cumsum(word_counts)])
    vectors_LWD = torch.zeros(len(layers), int(first_word[-1]), encoder.model.config.hidden_size)
    costs = [(len(plan), plan[0].end - plan[0].start) for plan in plans]
    for batch in batches(costs, tokens_per_batch, padding_worth_a_batch(encoder.device)):
        rows = [window for number in batch for window in plans[number]]
        hidden_BTD_of_layers = encoder.hidden_states([sentences[w.sentence].ids[w.start : w.end] for w in rows], layers)
        positions_a_row = hidden_BTD_of_layers[0].shape[1]
        subword_parts, word_parts = [], []
        for row, window in enumerate(rows):
            pairs = sentences[window.sentence].pairs
            taken = pairs[(pairs[:, 0] >= window.keep_from) & (pairs[:, 0] < window.keep_to)]
            subword_parts.append(row * positions_a_row + len(encoder.framing.prefix) + taken[:, 0] - window.start)
            word_parts.append(taken[:, 1] + first_word[window.sentence])
        subword, word = np.concatenate(subword_parts), np.concatenate(word_parts)
        in_order = np.argsort(word, kind="stable")
        words, starts = np.unique(word[in_order], return_index=True)
        vectors_LWD[:, torch.from_numpy(words)] = means(hidden_BTD_of_layers, subword[in_order], starts).cpu()
    return vectors_LWD.numpy()


def means(hidden_BTD_of_layers: Sequence[torch.Tensor], subwords: np.ndarray, starts: np.ndarray) -> torch.Tensor:
    """Means of words' subwords, computed where the hidden states are, so that only words leave a GPU.

    Args:
        hidden_BTD_of_layers: for each layer [rows, positions, dim], in any precision.
        subwords: which positions to take, word by word, counted over all rows.
        starts: [words], where in `subwords` each word begins.

    Returns:
        [layers, words, dim] in float32.
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
) -> None:
    """Write the word vectors of some datasets from one checkpoint, and the audit of what encoding each of them met.

    Args:
        layers: 0 is the embedding layer; none named takes all.
        precision: one of PRECISIONS.

    Raises:
        XlprobeError: the checkpoint has not that many layers, or a vector does not fit float16.
    """
    encoder = Encoder(checkpoint, choose_device(device), PRECISIONS[precision])
    last = encoder.identity["layers"]
    if max(layers, default=0) > last:
        raise XlprobeError(f"config keys features.layers and sweeps: layer {max(layers)} is asked for, {checkpoint} has 0 to {last}")
    layers = layers or range(last + 1)
    for dataset, output, audit_output in zip(datasets, outputs, audit_outputs, strict=True):
        _extract(encoder, dataset, output, audit_output, layers, tokens_per_batch)


def _extract(encoder: Encoder, dataset: Path, output: Path, audit_output: Path, layers: Sequence[int], tokens_per_batch: int) -> None:
    sentences = read_sentences(dataset)
    words = pd.read_parquet(dataset / "words.parquet", columns=["start", "end"])
    offsets = np.concatenate([sentences["first_word"].to_numpy(), [len(words)]])
    starts, ends = np.split(words["start"].to_numpy(), offsets[1:-1]), np.split(words["end"].to_numpy(), offsets[1:-1])
    audit = Audit(sentences=len(sentences), words=len(words))
    with atomic_path(output) as temporary, h5py.File(temporary, "w") as file:
        shape = (len(layers), len(words), encoder.model.config.hidden_size)
        vectors = file.create_dataset("vectors", shape, dtype=np.float16)
        file["offsets"] = offsets
        file["sent_id"] = sentences["sent_id"].to_list()
        file["split"] = sentences["split"].to_list()
        file.attrs["layers"] = list(layers)
        file.attrs["precision"] = str(encoder.model.dtype).removeprefix("torch.")
        file.attrs["checkpoint"] = json.dumps(encoder.identity, sort_keys=True)
        file.attrs["dataset"] = json.dumps(read_json(dataset / "identity.json"), sort_keys=True)
        file.attrs["versions"] = json.dumps({"torch": torch.__version__, "transformers": transformers.__version__})
        name = f"{checkpoint_names.title(encoder.identity)} {dataset.name}"
        for part in progress(list(_parts(offsets)), name, "parts"):
            encoded = encoder.encode(sentences["text"].iloc[part].to_list(), starts[part], ends[part])
            word_counts = np.diff(offsets[part.start : part.stop + 1])
            exact = word_vectors(encoder, encoded, word_counts.tolist(), layers, tokens_per_batch)
            # NumPy's conversion takes seven times as long.
            found = torch.from_numpy(exact).half()
            if not found.isfinite().all():
                raise XlprobeError(f"{encoder.checkpoint}: a vector is not finite in float16; {_advice(encoder.model.dtype)}")
            vectors[:, offsets[part.start] : offsets[part.stop]] = found.numpy()
            _count(audit, encoder, encoded, word_counts)
    identity = checkpoint_names.columns(encoder.identity) | {"dataset": dataset.name}
    write_table(pd.DataFrame([identity | asdict(audit)]), "audit.schema.yaml", audit_output)


def _advice(dtype: torch.dtype) -> str:
    # In float16, a sum inside the model may have overflowed where no vector would.
    return "set features.precision to bfloat16 or float32" if dtype == torch.float16 else "the checkpoint is not usable"


def _parts(offsets: np.ndarray) -> Iterator[slice]:
    """Slices of sentences of about WORDS_PER_WRITE words each."""
    start = 0
    while start < len(offsets) - 1:
        stop = max(start + 1, int(np.searchsorted(offsets, offsets[start] + WORDS_PER_WRITE, side="right")) - 1)
        yield slice(start, stop)
        start = stop


def _count(audit: Audit, encoder: Encoder, encoded: Sequence[EncodedSentence], word_counts: np.ndarray) -> None:
    for number, (sentence, words) in enumerate(zip(encoded, word_counts, strict=True)):
        subwords, of_words = sentence.pairs[:, 0], sentence.pairs[:, 1]
        audit.subwords += len(sentence.ids)
        audit.unknown_subwords += int((sentence.ids == encoder.tokenizer.unk_token_id).sum())
        audit.shared_subwords += int((np.bincount(subwords) > 1).sum())
        audit.words_without_subword += int(words - len(np.unique(of_words)))
        if len(sentence.ids) > encoder.framing.window:
            audit.sentences_over_window += 1
            borders = [window.keep_from for window in windows(number, len(sentence.ids), encoder.framing.window)]
            window_of = np.searchsorted(borders, subwords, side="right")
            audit.words_cut += len(np.unique(np.stack([of_words, window_of], axis=1), axis=0)) - len(np.unique(of_words))
