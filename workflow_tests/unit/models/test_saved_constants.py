"""What of a checkpoint's left-over tensors is a constant, and what must have been learned."""

import pytest
import torch
from transformers.models.gptj.modeling_gptj import create_sinusoidal_positions
from transformers.models.xglm.modeling_xglm import XGLMSinusoidalPositionalEmbedding

from xlprobe.models.saved_constants import is_constant

LOWER = torch.ones(64, 64).tril()
CONSTANTS = {
    "GPT-2's mask": LOWER[None, None].to(torch.uint8),
    "GPT-2's mask in halves": LOWER[None, None].half(),
    "CodeGen's mask": LOWER[None, None].bool(),
    "GPT-Neo's local mask": (LOWER - LOWER.tril(-8))[None, None].bool(),
    "what is not seen": (1 - LOWER).bool(),
    "an additive mask": torch.full((64, 64), -torch.inf).triu(1),
    "an additive mask in halves": torch.full((64, 64), -65504.0).triu(1).half(),
    "masked_bias": torch.tensor(-1e4),
    "masked_bias of GPT-Neo": torch.tensor([-1e9]),
    "minus infinity": torch.tensor(-torch.inf),
    "position ids": torch.arange(512)[None],
    "RoBERTa's position ids": torch.arange(2, 514, dtype=torch.int32),
    "token types": torch.zeros(1, 512, dtype=torch.long),
    "rotary frequencies": 10_000.0 ** (-torch.arange(0, 64, 2) / 64),
    "rotary frequencies in bfloat16": (500_000.0 ** (-torch.arange(0, 64, 2) / 64)).bfloat16(),
    "XGLM's positions": XGLMSinusoidalPositionalEmbedding.get_embedding(130, 32, 1),
    "GPT-J's positions": create_sinusoidal_positions(128, 16),
    "positions in bfloat16": XGLMSinusoidalPositionalEmbedding.get_embedding(130, 32, 1).bfloat16(),
}
torch.manual_seed(0)
LEARNED = {
    "a matrix": torch.randn(64, 64),
    "zeros": torch.zeros(64, 64),
    "ones": torch.ones(64, 64),
    "an identity": torch.eye(64),
    "a norm before training": torch.ones(64),
    "a norm": 1 + 0.1 * torch.randn(64),
    "a bias before training": torch.zeros(64),
    "decays that fall": torch.linspace(1.0, 0.1, 64),
    "a gate": torch.tensor(0.5),
    "learned positions": 0.02 * torch.randn(128, 64),
    "large learned positions": torch.randn(128, 64).clamp(-1, 1),
    "relative positions": torch.randn(32, 12),
    "an orthogonal matrix": torch.linalg.qr(torch.randn(64, 64)).Q,
    "a triangular matrix": torch.randn(64, 64).tril(),
    "quantized weights": torch.randint(-128, 127, (64, 64), dtype=torch.int8),
    "nothing": torch.zeros(0, 4),
}


@pytest.mark.parametrize("name", CONSTANTS)
def test_constants_are_known_by_their_values(name):
    assert is_constant(CONSTANTS[name])


@pytest.mark.parametrize("name", LEARNED)
def test_what_may_have_been_learned_is_no_constant(name):
    assert not is_constant(LEARNED[name])
