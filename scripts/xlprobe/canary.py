"""The canary: what every checkpoint must pass before anything is measured on it.

Weights that are missing, left over or not finite are refused where a model is loaded (`xlprobe.language_models`). Here the
published folder is loaded as later work will load it, its tokenizer is looked at, what the model does with its input is tried
(`xlprobe.model_trials`), and the loss on a fixed text is taken, which `xlprobe.checkpoint_checks` compares with that of
neighbouring steps.

The text is Article 1 of the Universal Declaration of Human Rights in XNLI's 15 languages.
"""

import csv
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import transformers

from xlprobe.errors import XlprobeError
from xlprobe.language_models import Framing, LoadedModel, load_model, load_tokenizer
from xlprobe.model_trials import Trials, layer_states, try_model
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
# Of each fixed text's subwords; one of a language that the tokenizer was made for has few.
MOST_UNKNOWN = 0.5


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
        unknown_subwords: share of the fixed text's subwords that stand for what the tokenizer does not know, by language.
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
    _check_vocabulary(tokenizer, loaded.model.get_input_embeddings().weight.shape[0], folder)
    if objective == "masked" and tokenizer.mask_token_id is None:
        raise XlprobeError(
            f"{folder}: a masked model whose tokenizer has no mask token; add the token, or set {objective_key} to causal in the"
            " configuration"
        )
    framing = Framing(loaded.model, tokenizer)
    if framing.window < LEAST_WINDOW:
        raise XlprobeError(
            f"{folder}: of what the model takes at once, {framing.window} subwords are left beside special tokens, at least {LEAST_WINDOW}"
            " are needed; look at model_max_length in tokenizer_config.json and max_position_embeddings in config.json"
        )
    encoded = {language: tokenizer(text, add_special_tokens=False)["input_ids"] for language, text in fixed_texts()}
    unknown = unknown_subwords(tokenizer, encoded, folder)
    texts = {language: ids[: framing.window] for language, ids in encoded.items()}
    everything = [id_ for ids in texts.values() for id_ in ids]
    longest = min(framing.window, LONGEST_ROW)
    rows = [*texts.values(), (everything * (longest // len(everything) + 1))[:longest]]
    body = loaded.model.base_model
    largest, layers, hidden_size = 0.0, 0, 0
    for row in rows:
        states = layer_states(body, framing, [row], str(folder))
        largest = max(largest, *(float(state_BTD.abs().max()) for state_BTD in states))
        layers, hidden_size = len(states) - 1, states[0].shape[-1]
    # A tokenizer with a script of its own writes the fixed texts with one subword, the unknown one.
    tried = everything if len({*everything}) > 1 else sorted({*tokenizer.get_vocab().values()} - {*tokenizer.all_special_ids})
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
        raise XlprobeError(f"{folder}: the tokenizer has ids up to {max(ids)}, the model {rows} tokens; they do not belong together")
    if len(ids) < LEAST_SHARE_OF_VOCABULARY * rows:
        raise XlprobeError(
            f"{folder}: the tokenizer has {len(ids)} subwords, the model embeddings for {rows}; they do not belong together: save the"
            " tokenizer that the model was trained with beside it (tokenizer.json)"
        )


def unknown_subwords(
    tokenizer: transformers.PreTrainedTokenizerFast, encoded: Mapping[str, Sequence[int]], folder: Path
) -> dict[str, float]:
    """Which share of each text's subwords stands for what the tokenizer does not know; lone spaces are not counted.

    Args:
        encoded: ids by language.

    Raises:
        XlprobeError: it knows little of any language, and its subwords are not in scripts of their own.
    """
    blank = {id_ for subword, id_ in tokenizer.get_vocab().items() if subword in ("▁", "Ġ")}
    counted = {language: [id_ for id_ in ids if id_ not in blank] for language, ids in encoded.items()}
    shares = {language: ids.count(tokenizer.unk_token_id) / max(1, len(ids)) for language, ids in counted.items()}
    if min(shares.values()) > MOST_UNKNOWN and not _other_scripts(tokenizer):
        best = min(shares, key=lambda language: shares[language])
        raise XlprobeError(
            f"{folder}: of the subwords of a fixed text in {len(shares)} languages the tokenizer does not know {shares[best]:.0%} or more"
            f" (fewest in {best}); save the tokenizer that the model was trained with beside it (tokenizer.json)"
        )
    return shares


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
