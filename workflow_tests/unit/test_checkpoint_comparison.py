"""Two checkpoints of a model that cannot both be what their names say."""

import pytest

from xlprobe.checkpoint_comparison import faults, same_weights


def checkpoint(step: int, weights: str, tokenizer: str = "t", seed: int | None = None) -> dict:
    files = {"model.safetensors": weights, "tokenizer.json": tokenizer}
    return {"model": "m", "step": step, "training_seed": seed, "files": files}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (checkpoint(10, "a"), checkpoint(20, "a"), True),
        (checkpoint(10, "a"), checkpoint(20, "b"), False),
        (checkpoint(0, "a"), checkpoint(10, "a"), True),
        # Trainings may begin alike, and never end so.
        (checkpoint(0, "a", seed=1), checkpoint(0, "a", seed=2), False),
        (checkpoint(0, "a", seed=1), checkpoint(0, "a", seed=1), True),
        (checkpoint(0, "a", seed=1), checkpoint(1, "a", seed=2), True),
        (checkpoint(1, "a", seed=1), checkpoint(1, "a", seed=2), True),
    ],
)
def test_the_same_weights_are_a_fault_but_at_a_shared_start(one, other, same):
    assert same_weights(one, other) == same_weights(other, one) == same
    assert (faults(one, other) is not None) == same
    if same:
        assert "holds the same weights as" in faults(one, other)


def test_another_tokenizer_is_a_fault_within_one_training():
    one, other, elsewhere = checkpoint(0, "a", seed=1), checkpoint(10, "b", "u", seed=1), checkpoint(10, "b", "u", seed=2)
    assert faults(one, other) == (
        "step 0 of training seed 1 has another tokenizer than step 10 of training seed 1; take the one that the model was trained with for"
        " all steps"
    )
    assert faults(one, elsewhere) is None and faults(one, one | {"step": 10, "files": one["files"] | {"model.safetensors": "c"}}) is None
    assert "step 10 has another tokenizer than step 0;" in faults(checkpoint(10, "b", "u"), checkpoint(0, "a"))
