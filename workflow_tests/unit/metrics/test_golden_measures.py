"""What measures say of outcomes whose true values are known (`planted_outcomes`)."""

import numpy as np
import pytest
from planted_outcomes import AT_STEP_0, STEPS, small_set, write_results

from xlprobe.artifacts.tables import read_table
from xlprobe.metrics.scoring import score_baselines, score_checkpoint
from xlprobe.tasks.declaration import load_task

TRAININGS = small_set()


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    results = tmp_path_factory.mktemp("planted")
    write_results(results, TRAININGS)
    return results


def baselines_of(results):
    return sorted((results / "baselines").rglob("*.h5"))


@pytest.mark.parametrize("step", [0, STEPS[5]])
def test_scores_of_what_is_planted_are_true(results, tmp_path, step):
    training = TRAININGS[0]
    path = results / "outcomes" / training.name / f"{step}.h5"
    score_checkpoint([path], baselines_of(results), tmp_path / "joined.h5", tmp_path / "scores.parquet")
    table = read_table(tmp_path / "scores.parquet")
    means = table[table["seed"].isna()].fillna({"protocol": "none", "layer": -1})
    found = means.set_index(["task", "source", "target", "split", "protocol", "layer", "metric"])["value"].to_dict()
    errors = []
    for planted in training.planted:
        task = load_task(planted.place.task)
        for number, layer in enumerate(planted.layers or [-1]):
            truth = planted.truth[STEPS.index(step), number] if step else AT_STEP_0[task.direction]
            errors.append(found[*planted.place[:4], planted.place.protocol or "none", layer, task.metric] - truth)
    assert np.abs(errors).max() < 0.05 and np.abs(errors).mean() < 0.01 and abs(np.mean(errors)) < 0.002


def test_scores_of_baselines_are_true(results, tmp_path):
    score_baselines(baselines_of(results), tmp_path / "scores.parquet")
    table = read_table(tmp_path / "scores.parquet")
    means = table[table["target"] != "xnli_en"].groupby(["task", "model"])["value"].mean()
    assert means["pos"].to_dict() == pytest.approx({"majority": 0.15, "word_type": 0.3}, abs=0.01)
