"""Models whose vectors change with the padding beside a row are read without any."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from suites import WINDOW, byte_level_tokenizer

from xlprobe.bpc.bits_per_character import BitsSettings, Text, line_counts
from xlprobe.bpc.subword_bits import SubwordPredictor
from xlprobe.checkpoints.from_huggingface import publish_huggingface
from xlprobe.features.encoding import Encoder
from xlprobe.features.extraction import vectors_of_units
from xlprobe.models.windows import batches, padding_per_batch

CPU = torch.device("cpu")
# Of many lengths, one longer than the window, some equal.
TEXTS = ["a", "bc", "one two three", "a longer text than the others are", "bd", "word " * 30, "", "one two four"]


@pytest.fixture(scope="module")
def fnet(tmp_path_factory) -> Path:
    """FNet mixes over all positions, padding included, whatever the mask says."""
    folder = tmp_path_factory.mktemp("fnet")
    tokenizer = byte_level_tokenizer(TEXTS * 3, framed=True)
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "intermediate_size": 64, "max_position_embeddings": WINDOW}
    torch.manual_seed(0)
    config = transformers.FNetConfig(vocab_size=len(tokenizer), pad_token_id=1, initializer_range=0.3, **sizes)
    transformers.FNetForMaskedLM(config).save_pretrained(folder / "source")
    tokenizer.save_pretrained(folder / "source")
    publish_huggingface(folder / "source", folder / "0", "fnet", None, 0, "masked", "x", [])
    assert json.loads((folder / "0" / "identity.json").read_text())["checks"]["padding"] == "sees padding"
    return folder / "0"


def test_vectors_are_a_loops_whatever_the_batch(fnet):
    encoder = Encoder(fnet, CPU)
    encoded = encoder.encode(TEXTS)
    found = [vectors_of_units(encoder, encoded, range(3), size) for size in (1, 40, 100_000)]
    assert np.array_equal(found[0], found[1]) or np.allclose(found[0], found[1], atol=1e-5)
    np.testing.assert_allclose(found[0], found[2], atol=1e-5)
    for number, sentence in enumerate(encoded):
        if not 0 < len(sentence.ids) <= encoder.framing.window:
            continue
        row = torch.tensor([[*encoder.framing.prefix, *sentence.ids, *encoder.framing.suffix]])
        with torch.no_grad():
            hidden = encoder.model(row, output_hidden_states=True).hidden_states
        expected_LD = torch.stack([layer[0, 1:-1].mean(0) for layer in hidden]).numpy()
        np.testing.assert_allclose(found[2][:, number], expected_LD, atol=1e-5)


def test_bits_are_the_same_whatever_the_batch(fnet):
    predictor = SubwordPredictor(fnet, CPU)
    text = Text(Path("valid"), "xx", "valid", TEXTS)
    one, all_ = (line_counts(predictor, text, BitsSettings(mask_share=0.4), size)["bits"] for size in (1, 100_000))
    assert one.sum() > 50
    np.testing.assert_allclose(one, all_, atol=1e-4)


def test_padding_would_change_them(fnet):
    """Else the tests above could not fail."""
    encoder = Encoder(fnet, CPU)
    rows = [sentence.ids for sentence in encoder.encode(["bc", "a longer text than the others are"])]
    alone, together = encoder.hidden_states(rows[:1], [2])[0][0, 1], encoder.hidden_states(rows, [2])[0][0, 1]
    assert (alone - together).abs().max() > 0.1


def test_rows_of_one_length_alone_share_a_batch_where_padding_is_seen():
    identity = {"checks": {"padding": "sees padding"}}
    costs = [(1, 5), (1, 9), (3, 9), (1, 1), (1, 5), (2, 9)]
    assert padding_per_batch(identity, CPU) == 0
    found = list(batches(costs, 1000, padding_per_batch(identity, CPU)))
    assert [[costs[index][1] for index in batch] for batch in found] == [[9, 9, 9], [5, 5], [1]]
    for other in ({"checks": {"padding": "independent"}}, {"checks": {}}, {}):
        assert padding_per_batch(other, CPU) > 0
