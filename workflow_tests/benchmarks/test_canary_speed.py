"""What trying a model costs (`xlprobe.checkpoints.model_trials`): under 10 seconds of processor time at XLM-R base's size.

The model has XLM-R base's layers and width, random weights and a small vocabulary: the trials take a row of the table of
subwords for each position, and never multiply by the table.
"""

import time

import pytest
import torch
import transformers
from suites import word_piece_tokenizer

from xlprobe.checkpoints.canary import fixed_texts
from xlprobe.checkpoints.model_trials import Trials, try_model
from xlprobe.models.language_models import Framing

MOST_SECONDS = 10


@pytest.fixture(scope="module")
def model() -> tuple[transformers.PreTrainedModel, transformers.PreTrainedTokenizerFast]:
    tokenizer = word_piece_tokenizer([text for _, text in fixed_texts()], vocabulary=2000)
    tokenizer.model_max_length = 512
    torch.manual_seed(1)
    sizes = {"vocab_size": len(tokenizer), "max_position_embeddings": 514, "type_vocab_size": 1}
    settings = transformers.XLMRobertaConfig(pad_token_id=tokenizer.pad_token_id, **sizes)
    assert (settings.num_hidden_layers, settings.hidden_size, settings.intermediate_size) == (12, 768, 3072)
    return transformers.XLMRobertaModel(settings, add_pooling_layer=False).eval(), tokenizer


@torch.no_grad()
def test_trials_take_under_ten_seconds(model):
    body, tokenizer = model
    framing = Framing(body, tokenizer)
    subwords = [id_ for _, text in fixed_texts() for id_ in tokenizer(text, add_special_tokens=False)["input_ids"]]
    start = time.process_time()
    body(**framing.rows([subwords[: framing.window]]), output_hidden_states=True)
    plain = time.process_time() - start
    start = time.process_time()
    found = try_model(body, framing, subwords, "the model")
    seconds = time.process_time() - start
    print(f"\ntrials of a model of XLM-R base's size: {seconds:.2f} s of processor time; a plain pass over one full window {plain:.2f} s")
    assert found == Trials("both ways", "independent") and seconds < MOST_SECONDS
