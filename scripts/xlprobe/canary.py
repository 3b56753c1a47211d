"""The canary: what every checkpoint must pass before anything is measured on it.

Weights that are missing, left over or not finite are refused where a model is loaded (`xlprobe.language_models`). Here the
published folder is loaded as later work will load it, activations are looked at, and the loss on a fixed text is taken,
which `xlprobe.checkpoint_checks` compares with that of neighbouring steps.

The text is Article 1 of the Universal Declaration of Human Rights in XNLI's 15 languages.
"""

import csv
from dataclasses import dataclass
from pathlib import Path

import torch

from xlprobe.errors import XlprobeError
from xlprobe.language_models import Framing, LoadedModel, load_model, load_tokenizer
from xlprobe.paths import RESOURCES

TEXTS = "canary.tsv"
# One subword in seven is masked, near the share that models are trained with; the same ones at every step.
MASK_PERIOD = 7
# Longer windows are looked at up to here.
LONGEST_ROW = 2048


@dataclass(frozen=True)
class Findings:
    """What the canary saw.

    Attributes:
        bits: bits per predicted subword of the fixed text, by language; none where the head is missing.
        largest_activation: the largest absolute value in any layer's hidden states.
        head: tied, untied or missing.
        layers, hidden_size, parameters: of the model.
    """

    bits: dict[str, float]
    largest_activation: float
    head: str
    layers: int
    hidden_size: int
    parameters: int


@torch.no_grad()
def examine(folder: Path, objective: str) -> Findings:
    """Load a published folder and look at its activations and its loss.

    Args:
        objective: masked or causal.

    Raises:
        XlprobeError: the folder cannot be loaded whole, its tokenizer has ids that the model has not, or an activation of
            some layer is not finite.
    """
    loaded, tokenizer = load_model(folder, objective), load_tokenizer(folder)
    vocabulary = loaded.model.get_input_embeddings().weight.shape[0]
    highest = max(tokenizer.get_vocab().values())
    if highest >= vocabulary:
        raise XlprobeError(f"{folder}: the tokenizer has ids up to {highest}, the model {vocabulary} tokens; they do not belong together")
    if objective == "masked" and tokenizer.mask_token_id is None:
        raise XlprobeError(f"{folder}: a masked model whose tokenizer has no mask token; say objective: causal, or add the token")
    framing = Framing(loaded.model, tokenizer)
    texts = {language: tokenizer(text, add_special_tokens=False)["input_ids"][: framing.window] for language, text in fixed_texts()}
    everything = [id_ for ids in texts.values() for id_ in ids]
    longest = min(framing.window, LONGEST_ROW)
    rows = [*texts.values(), (everything * (longest // len(everything) + 1))[:longest]]
    largest = max(_largest_activation(loaded, framing, row, folder) for row in rows)
    # A language whose script the tokenizer does not know may leave nothing to predict.
    predicted = {} if loaded.head == "missing" else {language: ids for language, ids in texts.items() if len(ids) > 1}
    bits = {language: _bits(loaded, framing, tokenizer.mask_token_id, ids) for language, ids in predicted.items()}
    return Findings(
        bits=bits,
        largest_activation=largest,
        head=loaded.head,
        layers=loaded.model.config.num_hidden_layers,
        hidden_size=loaded.model.config.hidden_size,
        parameters=sum(parameter.numel() for parameter in loaded.model.parameters()),
    )


def fixed_texts() -> list[tuple[str, str]]:
    """The canary's texts: language and text."""
    with (RESOURCES / TEXTS).open(encoding="utf-8", newline="") as table:
        return [(row["language"], row["text"]) for row in csv.DictReader(table, delimiter="\t", quoting=csv.QUOTE_NONE)]


def _largest_activation(loaded: LoadedModel, framing: Framing, row: list[int], folder: Path) -> float:
    hidden_states = loaded.model.base_model(**framing.rows([row]), output_hidden_states=True).hidden_states
    largest = [float(state_BTD.abs().max()) for state_BTD in hidden_states]
    for layer, value in enumerate(largest):
        # NaN compares false to everything.
        if not value < float("inf"):
            raise XlprobeError(f"{folder}: layer {layer} gives activations that are not finite; the checkpoint is not usable")
    return max(largest)


def _bits(loaded: LoadedModel, framing: Framing, mask: int, ids: list[int]) -> float:
    """Mean bits of the predicted subwords: of each in turn for causal models, of the masked ones for masked models."""
    batch = framing.rows([ids])
    ids_T = batch["input_ids"][0].clone()
    first = len(framing.prefix)
    inner = torch.arange(first, first + len(ids))
    if loaded.objective == "causal":
        # The first subword has nothing before it.
        predicted = inner[inner > 0]
        where = predicted - 1
    else:
        predicted = where = inner[::MASK_PERIOD]
        batch["input_ids"][0, predicted] = mask
    logits_TV = loaded.model(**batch).logits[0]
    nats = torch.nn.functional.cross_entropy(logits_TV[where].float(), ids_T[predicted])
    return float(nats / torch.log(torch.tensor(2.0)))
