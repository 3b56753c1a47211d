"""The canary: a check that every checkpoint must pass before anything is measured on it.

Weights that are missing, left over or not finite are refused where a model is loaded (`xlprobe.models.language_models`). Here the
published folder is loaded as later work will load it, its tokenizer is looked at, what the model does with its input is tried
(`xlprobe.checkpoints.model_trials`), and the loss on a fixed text is taken, which `xlprobe.checkpoints.table` compares with that of
neighbouring steps.

The text is Article 1 of the Universal Declaration of Human Rights in XNLI's 15 languages.
"""

import csv
import unicodedata
from collections.abc import Set
from dataclasses import dataclass
from pathlib import Path

import torch
import transformers

from xlprobe.checkpoints.model_trials import Trials, layer_states, try_model
from xlprobe.errors import XlprobeError
from xlprobe.models.language_models import LONE_SPACES, Framing, LoadedModel, load_model, load_tokenizer
from xlprobe.paths import RESOURCES

TEXTS = "canary.tsv"
# One subword in seven is masked, near the share that models are trained with; the same ones at every step.
MASK_PERIOD = 7
# Longer windows are looked at up to here.
LONGEST_ROW = 2048
# Subwords that a window must hold: less than a sentence's part is no context.
LEAST_WINDOW = 16
# Embeddings are padded to round numbers, and some are kept for later use: of published models 98 % and more have a subword.
LEAST_SHARE_OF_VOCABULARY = 0.5
# A table of a few subwords is often padded to one of these.
MOST_PADDING = 128
# Of each fixed text's subwords, or letters; one of a language that the tokenizer was made for has few.
MOST_UNKNOWN = 0.5

SAVE_TOKENIZER = "save the tokenizer that the model was trained with beside it (tokenizer.json)"


@dataclass(frozen=True)
class Findings:
    """What the canary saw.

    Attributes:
        bits: bits per predicted subword of the fixed text, by language; none where the head is missing, or where the model does
            not see what a model of its objective sees.
        largest_activation: the largest absolute value in any layer's hidden states.
        head: tied, untied or missing.
        layers, hidden_size, parameters: of the model.
        model_class: of the library, the one that computes the layers.
        attention: how that class computes attention, as the library names it.
        trials: what the model does with its input.
        unknown_subwords: share of the fixed text that the tokenizer does not know, by language (`unknown_subwords`).
    """

    bits: dict[str, float]
    largest_activation: float
    head: str
    layers: int
    hidden_size: int
    parameters: int
    model_class: str
    attention: str
    trials: Trials
    unknown_subwords: dict[str, float]


@torch.no_grad()
def examine(folder: Path, objective: str, objective_key: str = "objective") -> Findings:
    """Load a published folder and look at its tokenizer, its activations and its loss.

    Args:
        objective: masked or causal.
        objective_key: the key of the configuration that says the objective, for messages.

    Raises:
        XlprobeError: the folder cannot be loaded whole, its tokenizer is another model's or its window too short, an activation
            of some layer is not finite, or the model is of a kind that cannot be measured.
    """
    loaded, tokenizer = load_model(folder, objective), load_tokenizer(folder)
    body = loaded.model.base_model
    _check_vocabulary(tokenizer, loaded.model.get_input_embeddings().weight.shape[0], folder)
    if objective == "masked" and tokenizer.mask_token_id is None:
        raise XlprobeError(
            f"{folder}: a masked model whose tokenizer has no mask token; add the token, or set {objective_key} to causal in the"
            " configuration"
        )
    framing = Framing(loaded.model, tokenizer)
    if framing.window < LEAST_WINDOW:
        raise XlprobeError(
            f"{folder}: the model's window has room for {framing.window} subwords beside the special tokens, at least {LEAST_WINDOW}"
            " are needed; look at model_max_length in tokenizer_config.json and max_position_embeddings in config.json"
        )
    unknown = unknown_subwords(tokenizer, folder)
    texts = {language: tokenizer(text, add_special_tokens=False)["input_ids"][: framing.window] for language, text in fixed_texts()}
    everything = [id_ for ids in texts.values() for id_ in ids]
    # A tokenizer with a script of its own writes the fixed texts with one subword, the unknown one, or with none.
    tried = everything if len({*everything}) > 1 else sorted({*tokenizer.get_vocab().values()} - {*tokenizer.all_special_ids})
    longest = min(framing.window, LONGEST_ROW)
    rows = [*filter(None, texts.values()), (tried * (longest // len(tried) + 1))[:longest]]
    largest, layers, hidden_size = 0.0, 0, 0
    for row in rows:
        states = layer_states(body, framing, [row], str(folder))
        largest = max(largest, *(float(state_BTD.abs().max()) for state_BTD in states))
        layers, hidden_size = len(states) - 1, states[0].shape[-1]
    trials = try_model(body, framing, tried, str(folder))
    # A language whose script the tokenizer does not know may leave nothing to predict.
    predicted = {language: ids for language, ids in texts.items() if len(ids) > 1 and loaded.head != "missing" and trials.fit(objective)}
    bits = {language: _bits(loaded, framing, tokenizer.mask_token_id, ids) for language, ids in predicted.items()}
    return Findings(
        bits=bits,
        largest_activation=largest,
        head=loaded.head,
        layers=layers,
        hidden_size=hidden_size,
        parameters=sum(parameter.numel() for parameter in loaded.model.parameters()),
        model_class=type(body).__name__,
        attention=body.config._attn_implementation,
        trials=trials,
        unknown_subwords=unknown,
    )


def _check_vocabulary(tokenizer: transformers.PreTrainedTokenizerFast, rows: int, folder: Path) -> None:
    """Refuse a tokenizer that has ids beyond the model's, or for far fewer of them.

    Args:
        rows: how many subwords the model has embeddings for.
    """
    ids = {*tokenizer.get_vocab().values()}
    if max(ids) >= rows:
        found = f"the tokenizer has ids up to {max(ids)}, the model {rows} tokens"
    elif len(ids) < min(LEAST_SHARE_OF_VOCABULARY * rows, rows - MOST_PADDING):
        found = f"the tokenizer has {len(ids)} subwords, the model embeddings for {rows}"
    else:
        return
    raise XlprobeError(f"{folder}: {found}; they do not belong together: {SAVE_TOKENIZER}")


def unknown_subwords(tokenizer: transformers.PreTrainedTokenizerFast, folder: Path) -> dict[str, float]:
    """Which share of each fixed text the tokenizer does not know.

    That is the share of its subwords that stand for the unknown, or of its letters that no subword covers, where a tokenizer
    drops what it does not know; whichever is larger. Lone spaces are not counted.

    Raises:
        XlprobeError: it knows little of any language, and its subwords are not in scripts of their own.
    """
    blank = {id_ for subword, id_ in tokenizer.get_vocab().items() if subword in LONE_SPACES}
    shares = {language: _unknown_share(tokenizer, text, blank) for language, text in fixed_texts()}
    if min(shares.values()) > MOST_UNKNOWN and not _other_scripts(tokenizer):
        best = min(shares, key=lambda language: shares[language])
        raise XlprobeError(
            f"{folder}: the tokenizer knows none of {len(shares)} languages: in the fixed text in {best}, which it knows best,"
            f" {shares[best]:.0%} of the subwords or letters are unknown; {SAVE_TOKENIZER}"
        )
    return shares


def _unknown_share(tokenizer: transformers.PreTrainedTokenizerFast, text: str, blank: Set[int]) -> float:
    """The share of a text that the tokenizer does not know; all of a text that it writes without a subword.

    Args:
        blank: ids that are not counted.
    """
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    found = [(id_, span) for id_, span in zip(encoded["input_ids"], encoded["offset_mapping"], strict=True) if id_ not in blank]
    if not found:
        return 1.0
    covered = {place for _, (start, end) in found for place in range(start, end)}
    letters = [place for place, letter in enumerate(text) if letter.isalpha()]
    unknown = sum(id_ == tokenizer.unk_token_id for id_, _ in found)
    return max(unknown / len(found), sum(place not in covered for place in letters) / max(1, len(letters)))


def _other_scripts(tokenizer: transformers.PreTrainedTokenizerFast) -> bool:
    """Whether most of the tokenizer's subwords are in scripts that no fixed text is written in."""
    known = {_script(letter) for _, text in fixed_texts() for letter in text if letter.isalpha()}
    letters = [next((letter for letter in subword if letter.isalpha()), None) for subword in {*tokenizer.get_vocab()}]
    scripts = [_script(letter) for letter in letters if letter is not None]
    return sum(script not in known for script in scripts) > len(scripts) / 2


def _script(letter: str) -> str:
    """The first word of a letter's Unicode name, which is its script's: LATIN, HANGUL, CJK.

    >>> _script("x"), _script("한")
    ('LATIN', 'HANGUL')
    """
    return unicodedata.name(letter, "NONE").split()[0]


def fixed_texts() -> list[tuple[str, str]]:
    """The canary's texts: language and text."""
    with (RESOURCES / TEXTS).open(encoding="utf-8", newline="") as table:
        return [(row["language"], row["text"]) for row in csv.DictReader(table, delimiter="\t", quoting=csv.QUOTE_NONE)]


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
