"""How many bits subwords cost a language model, at some positions of its input.

Of a vocabulary of 250,000 subwords, the scores at 8,192 positions would take 8 GB. Here the model's last layer takes the
positions asked for alone, a part of the vocabulary at a time, and of these scores only their sum is kept.

Shape letters: B rows, T positions of a row, N positions asked for, V vocabulary, C subwords at a time, D dimensions.
"""

import copy
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch

from xlprobe.artifacts.checkpoint_folder import read_identity
from xlprobe.errors import XlprobeError
from xlprobe.models.language_models import Framing, load_model, load_tokenizer

POSITIONS_AT_ONCE = 256
SUBWORDS_AT_ONCE = 4096
# Largest difference to the model's own scores, in bits.
TOLERANCE = {torch.float32: 1e-3, torch.bfloat16: 0.5, torch.float16: 0.05}


def bits_of_subwords(
    states_ND: torch.Tensor, weight_VD: torch.Tensor, bias_V: torch.Tensor | None, subwords_N: torch.Tensor
) -> torch.Tensor:
    """-log2 of the probability that softmax(states weight^T + bias) gives each subword, [N] in float32.

    The sum over the vocabulary is a running one (log-sum-exp), so that no more than POSITIONS_AT_ONCE x SUBWORDS_AT_ONCE scores
    are there at a time.
    """
    bits_N = torch.empty(len(subwords_N), device=states_ND.device)
    for first in range(0, len(subwords_N), POSITIONS_AT_ONCE):
        part = slice(first, first + POSITIONS_AT_ONCE)
        states, subwords = states_ND[part].float(), subwords_N[part]
        total_N = torch.full((len(subwords),), -math.inf, device=states.device)
        for start in range(0, len(weight_VD), SUBWORDS_AT_ONCE):
            chunk = slice(start, start + SUBWORDS_AT_ONCE)
            scores_NC = states @ weight_VD[chunk].float().T
            if bias_V is not None:
                scores_NC += bias_V[chunk]
            total_N = torch.logaddexp(total_N, scores_NC.logsumexp(dim=1))
        own_N = (states * weight_VD[subwords].float()).sum(dim=1)
        bits_N[part] = total_N - (own_N if bias_V is None else own_N + bias_V[subwords])
    return bits_N / math.log(2)


class SubwordPredictor:
    """A checkpoint and its tokenizer, ready to say what subwords cost.

    Before a text, a causal model reads the token that begins texts (`bos_token`), if it has one.

    Args:
        dtype: of the weights and of all that the model computes up to its last layer.

    Attributes:
        causal: whether a subword is predicted from those before it, and not from all around a <mask>.
        mask: the id of <mask>; None where there is none.

    Raises:
        XlprobeError: the checkpoint's folder is incomplete, its head is missing or of an unknown kind, or the model sees
            what a causal one must not, or less than a masked one, or the checkpoint does not say what it sees.
    """

    def __init__(self, checkpoint: Path, device: torch.device, dtype: torch.dtype = torch.float32) -> None:
        self.identity = read_identity(checkpoint)
        _check_direction(checkpoint, self.identity)
        loaded = load_model(checkpoint, self.identity["objective"], dtype)
        if loaded.head == "missing":
            raise XlprobeError(
                f"{checkpoint}: the checkpoint was published without the head that predicts subwords, so that no bits can be measured;"
                f" add {self.identity['model']} to bpc.leave_out in the configuration"
            )
        self.device = device
        self.tokenizer = load_tokenizer(checkpoint)
        self.model = loaded.model.to(device)
        self.model.config.use_cache = False
        self.causal = loaded.objective == "causal"
        self.mask = self.tokenizer.mask_token_id
        self.framing = Framing(self.model, self.tokenizer)
        if self.causal and not self.framing.prefix and self.tokenizer.bos_token_id is not None:
            self.framing.prefix = [self.tokenizer.bos_token_id]
            self.framing.window -= 1
        self.last_layer = self.model.get_output_embeddings()
        self._skip_last_layer(checkpoint)

    @torch.no_grad()
    def _skip_last_layer(self, checkpoint: Path) -> None:
        """Make the model return what its last layer would read, if that layer is the plain one that is computed here."""
        subwords = range(min(3, self.framing.window))
        batch = self._batch([subwords])
        subwords_N = batch["input_ids"][0]
        own_NV = self.model(**batch).logits[0].float()
        expected_N = torch.nn.functional.cross_entropy(own_NV, subwords_N, reduction="none") / math.log(2)
        # Whatever stands before that layer in the model's head still runs.
        self.last_layer.forward = lambda states: states
        states_ND = self.model(**batch).logits[0]
        dimensions = self.last_layer.weight.shape[1]
        if states_ND.shape[1] != dimensions or (self._bits(states_ND, subwords_N) - expected_N).abs().max() > TOLERANCE[self.model.dtype]:
            raise XlprobeError(
                f"{checkpoint}: {type(self.model).__name__} changes its scores after its last layer, which xlprobe does not know how to"
                f" follow; add {self.identity['model']} to bpc.leave_out in the configuration"
            )

    def unframed(self) -> Self:
        """The same, for rows that hold their special tokens themselves; these, too, can be predicted."""
        other = copy.copy(self)
        other.framing = copy.copy(self.framing)
        other.framing.prefix, other.framing.suffix = [], []
        other.framing.window += len(self.framing.prefix) + len(self.framing.suffix)
        return other

    @torch.no_grad()
    def bits(self, rows: Sequence[np.ndarray], places: Sequence[np.ndarray], subwords: np.ndarray) -> np.ndarray:
        """What some subwords cost.

        Args:
            rows: ids, as the model is to read them.
            places: for each row, the places in it that subwords are predicted at.
            subwords: [N], the subwords that stand there, row after row.

        Returns:
            [N] bits in float32.
        """
        states_BTD = self.model(**self._batch(rows)).logits
        first = len(self.framing.prefix) - int(self.causal)
        chosen = np.concatenate([row * states_BTD.shape[1] + first + place for row, place in enumerate(places)])
        states_ND = states_BTD.flatten(0, 1)[torch.from_numpy(chosen).to(self.device)]
        return self._bits(states_ND, torch.from_numpy(subwords).to(self.device)).cpu().numpy()

    def _batch(self, rows: Sequence[Sequence[int] | np.ndarray]) -> dict[str, torch.Tensor]:
        return {name: tensor_BT.to(self.device) for name, tensor_BT in self.framing.rows(rows).items()}

    def _bits(self, states_ND: torch.Tensor, subwords_N: torch.Tensor) -> torch.Tensor:
        return bits_of_subwords(states_ND, self.last_layer.weight, getattr(self.last_layer, "bias", None), subwords_N)


def _check_direction(checkpoint: Path, identity: Mapping[str, Any]) -> None:
    """Refuse to predict a subword from what already shows it, or from less than the model is said to see.

    What the model sees was tried when it was published (`xlprobe.checkpoints.canary`).
    """
    model, direction = identity["model"], identity.get("checks", {}).get("direction")
    if direction is None:
        path = checkpoint / "identity.json"
        raise XlprobeError(f"{path}: does not say what the model sees (checks: direction); delete it to make the checkpoint again")
    match identity["objective"], direction:
        case "causal", "both ways":
            raise XlprobeError(
                f"{checkpoint}: {model} sees the subwords after the one that a causal model predicts, which would cost it next to nothing;"
                f" add {model} to bpc.leave_out in the configuration"
            )
        case "masked", "causal":
            raise XlprobeError(
                f"{checkpoint}: {model} sees only the subwords before a <mask>, which no masked model does; set"
                f" models.{model}.huggingface.objective to causal, or add {model} to bpc.leave_out in the configuration"
            )
