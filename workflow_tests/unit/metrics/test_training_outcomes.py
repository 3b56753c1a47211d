"""Checkpoints' outcomes side by side, and what is refused."""

import numpy as np
import pytest

from xlprobe.artifacts.outcome_file import Outcome, OutcomePlace
from xlprobe.errors import XlprobeError
from xlprobe.metrics.scoring import BaselineFiles
from xlprobe.metrics.training_outcomes import TrainingOutcomes
from xlprobe.statistics.outcomes import write_outcomes

PLACE = OutcomePlace("pos", "qaa_own", "qaa_own", "test", "paper")
BITS = OutcomePlace("bpc", "qaa", "qaa", "valid", "lines")
LINKS = OutcomePlace("alignment", "align_a_b", "align_a_b", "test")
FACTS = {"metric": "accuracy", "source_language": "qaa", "target_language": "qaa", "parallel": None, "dataset": "d1", "text_form": None}
# Three sentences, two layers, two seeds, at two checkpoints; the first and the last sentence belong together.
CORRECT = {10: np.array([[[1, 0], [2, 2]], [[1, 1], [0, 1]], [[0, 0], [2, 1]]])}
CORRECT[20] = CORRECT[10][::-1]
TOTAL, CLUSTERS = np.array([2, 1, 2]), np.array(["p1", "p2", "p1"])


def write_checkpoint(folder, step, facts=FACTS, places=(PLACE, BITS, LINKS), clusters=CLUSTERS):
    counts = {
        PLACE: Outcome(PLACE, {"correct": CORRECT[step], "correct_unseen": CORRECT[step]}, layers=[0, 2], facts=facts),
        BITS: Outcome(BITS, {"bits": np.full(3, float(step)), "characters": np.ones(3)}, clusters, facts={"parallel": None}),
        LINKS: Outcome(
            LINKS, {name: np.full((3, 2), step) for name in ("found", "found_sure", "found_possible", "sure")}, clusters, [0, 2], FACTS
        ),
    }
    checkpoint = {"model": "m", "training_seed": 3, "step": step}
    write_outcomes(folder / f"m/seed_3/{step}.h5", [counts[place] for place in places], checkpoint)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "m/seed_3").mkdir(parents=True)
    for step in CORRECT:
        write_checkpoint(tmp_path, step)
    write_outcomes(tmp_path / "b.h5", [Outcome(PLACE._replace(protocol=None), {"total": TOTAL}, CLUSTERS, facts=FACTS)], None)
    return tmp_path


def opened(folder):
    return TrainingOutcomes(folder, "m/seed_3", [10, 20], BaselineFiles([folder / "b.h5"]))


def test_counts_stand_by_checkpoint_layer_seed_and_cluster(folder):
    with opened(folder) as training:
        every = training.read(PLACE, every_layer=True)
        assert every.layers == [0, 2] and every.counts.keys == ["p1", "p2"] and {*every.counts.counts} == {"correct", "total"}
        for number, step in enumerate((10, 20)):
            by_cluster = np.stack([CORRECT[step][[0, 2]].sum(axis=0), CORRECT[step][1]], axis=-1)
            assert (every.counts.counts["correct"][number] == by_cluster).all()
        assert every.counts.counts["total"].tolist() == [[[[4, 1]]]]
        assert every.values == pytest.approx(np.array([[3 / 10, 8 / 10], [3 / 10, 8 / 10]]))
        last = training.read(PLACE)
        assert last.layers == [2] and (last.counts.counts["correct"] == every.counts.counts["correct"][:, 1:]).all()
        assert (
            last.columns["model"] == "m" and last.columns["training_seed"] == 3 and last.columns["protocol"] == "paper" and last.has_seeds
        )


def test_what_has_no_layers_or_seeds_has_one(folder):
    with opened(folder) as training:
        bits, links = training.read(BITS), training.read(LINKS, [20])
    assert bits.layers == [None] and bits.values.tolist() == [[10], [20]] and not bits.higher_is_better and not bits.has_seeds
    assert links.layers == [2] and links.values.tolist() == [[1]] and links.counts.counts["sure"].shape == (1, 1, 1, 2)


def test_sets_of_a_parallel_group_share_keys(tmp_path):
    (tmp_path / "m/seed_3").mkdir(parents=True)
    places = [OutcomePlace("pos", "qaa_own", target, "test", "paper") for target in ("qaa_pud", "qba_pud")]
    sets = [CLUSTERS, np.array(["p3", "p2", "p4"])]
    facts = FACTS | {"parallel": "pud"}
    for step in CORRECT:
        outcomes = [Outcome(place, {"correct": CORRECT[step]}, layers=[0, 2], facts=facts) for place in places]
        write_outcomes(tmp_path / f"m/seed_3/{step}.h5", outcomes, {"model": "m", "training_seed": 3, "step": step})
    totals = [Outcome(place._replace(protocol=None), {"total": TOTAL}, keys, facts=facts) for place, keys in zip(places, sets, strict=True)]
    write_outcomes(tmp_path / "b.h5", totals, None)
    with opened(tmp_path) as training:
        assert training.keys_of_group(places[1]) == ["p1", "p2", "p3", "p4"]


def test_a_set_of_no_group_has_its_own_keys(folder):
    with opened(folder) as training:
        assert training.keys_of_group(PLACE) == []


@pytest.mark.parametrize("steps", [[], [0, 10], [20, 10], [10, 10]])
def test_step_0_is_no_checkpoint_and_others_ascend(folder, steps):
    with pytest.raises(XlprobeError, match=r"seed_3: steps .* are asked for; name one or more, ascending and above 0"):
        TrainingOutcomes(folder, "m/seed_3", steps, BaselineFiles([folder / "b.h5"]))


def test_a_file_in_anothers_place_is_refused(folder):
    names = [folder / f"m/seed_3/{step}.h5" for step in (10, 20)]
    (folder / "m/seed_3/x.h5").write_bytes(names[0].read_bytes())
    names[0].write_bytes(names[1].read_bytes())
    with pytest.raises(XlprobeError, match=r"10\.h5: holds outcomes of m/seed_3 step 20, not of m/seed_3 step 10; delete it"):
        opened(folder)
    names[0].write_bytes((folder / "b.h5").read_bytes())
    with pytest.raises(XlprobeError, match=r"10\.h5: holds outcomes of baselines, not of m/seed_3 step 10"):
        opened(folder)


def test_checkpoints_that_do_not_go_together_are_refused(folder):
    write_checkpoint(folder, 20, FACTS | {"dataset": "d2"})
    with (
        opened(folder) as training,
        pytest.raises(XlprobeError, match=r"20\.h5: its outcomes of pos/qaa_own/qaa_own/test/paper are of another test set"),
    ):
        training.read(PLACE)
    write_checkpoint(folder, 20, clusters=CLUSTERS[::-1].copy())
    write_checkpoint(folder, 10, clusters=np.array(["p1", "p2", "p3"]))
    with opened(folder) as training, pytest.raises(XlprobeError, match=r"20\.h5: its outcomes of bpc/qaa/qaa/valid/lines are of another"):
        training.read(BITS)
    write_checkpoint(folder, 20, places=(PLACE, BITS))
    with pytest.raises(
        XlprobeError, match=r"20\.h5: holds no outcomes of alignment/align_a_b/align_a_b/test, and .*10\.h5 does; delete it"
    ):
        opened(folder)
    (folder / "m/seed_3/20.h5").unlink()
    with pytest.raises(XlprobeError, match=r"20\.h5: no such file"):
        opened(folder)
