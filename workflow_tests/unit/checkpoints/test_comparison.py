"""Two checkpoints of a model that cannot both be what their names say."""

from pathlib import Path

import pytest

from xlprobe.checkpoints.comparison import faults, refuse_mixed_trainings, same_weights
from xlprobe.errors import XlprobeError
from xlprobe.files import write_json


def checkpoint(step: int, weights: str, tokenizer: str = "t", seed: int | None = None, training: str = "B") -> dict:
    files = {"model.safetensors": weights, "tokenizer.json": tokenizer}
    return {"model": "m", "step": step, "training_seed": seed, "files": files, "source": {"identity_sha256": training}}


def found(one: dict, other: dict) -> str | None:
    """What is wrong with two checkpoints, wherever they lie."""
    return faults(one, other, Path("one"), Path("other"))


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
    assert (found(one, other) is not None) == same
    if same:
        assert "holds the same weights as" in found(one, other)


def test_another_tokenizer_is_a_fault_within_one_training():
    one, other, elsewhere = checkpoint(0, "a", seed=1), checkpoint(10, "b", "u", seed=1), checkpoint(10, "b", "u", seed=2)
    assert found(one, other) == (
        "step 0 of training seed 1 has another tokenizer than step 10 of training seed 1; take the one that the model was trained with for"
        " all steps"
    )
    assert found(one, elsewhere) is None and found(one, one | {"step": 10, "files": one["files"] | {"model.safetensors": "c"}}) is None
    assert "step 10 has another tokenizer than step 0;" in found(checkpoint(10, "b", "u"), checkpoint(0, "a"))


@pytest.mark.parametrize("seed", [None, 3])
def test_of_two_trainings_the_older_one_is_published_again_and_nothing_that_cannot_be(tmp_path, seed):
    """Both steps were trained anew as B; what is published of step 20 is still of A."""
    run = "m" if seed is None else f"m/seed_{seed}"
    state = tmp_path / "pretrain" / run
    identities = {10: checkpoint(10, "x", seed=seed), 20: checkpoint(20, "y", seed=seed, training="A")}
    folders = {step: tmp_path / "checkpoints" / run / str(step) for step in identities}
    for step, identity in identities.items():
        write_json(folders[step] / "identity.json", identity)
        write_json(folders[step] / "training.json", {"identity_sha256": "B"})

    def said(one: int, other: int) -> str:
        sentence = faults(identities[one], identities[other], folders[one], folders[other])
        with pytest.raises(XlprobeError) as caught:
            refuse_mixed_trainings([folders[other], folders[one]])
        assert sentence is not None and str(caught.value).endswith(sentence.partition("; ")[2])
        return sentence.partition("; ")[2]

    gone = f"take step 20 out of models.m.steps, since its weights are gone from {state} and nothing can publish it again"
    assert said(10, 20) == said(20, 10) == gone
    for name in ("weights_20.pt", "step_10.pt"):
        state.mkdir(parents=True, exist_ok=True)
        (state / name).touch()
    anew = f"delete {folders[20]}/identity.json and run again to publish that step as it is trained now"
    assert said(10, 20) == said(20, 10) == anew
    write_json(folders[10] / "training.json", {"identity_sha256": "C"})
    assert said(20, 10) == f"{anew}, and {anew.replace('/20/', '/10/')}"
    write_json(folders[10] / "training.json", {"identity_sha256": "B"})
    write_json(folders[20] / "training.json", {"identity_sha256": "A"})
    assert said(10, 20) == "run again, which names the folders to delete"
