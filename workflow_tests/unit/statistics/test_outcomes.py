import numpy as np
import pytest

from xlprobe.artifacts.outcome_file import Outcome, OutcomeFile, OutcomePlace
from xlprobe.errors import XlprobeError
from xlprobe.metrics.metric_definitions import ratio
from xlprobe.statistics.outcomes import clustered_counts, facts_of_datasets, join_outcomes, write_outcomes
from xlprobe.statistics.paired import compare

CHECKPOINT = {"model": "xlmr", "training_seed": None, "step": 20}
IN_LANGUAGE, TRANSFER = OutcomePlace("pos", "qaa_own", "qaa_own", "test"), OutcomePlace("pos", "qaa_own", "qba_pud", "test")


def outcome(place: OutcomePlace = IN_LANGUAGE, **counts: np.ndarray) -> Outcome:
    """Three sentences, two layers, two seeds, unless counts are given."""
    correct = np.arange(12).reshape(3, 2, 2)
    return Outcome(place, counts or {"correct": correct}, np.array(["a", "ö", "a"]), [0, 2], {"metric": "accuracy"})


def test_what_is_read_is_what_was_written(tmp_path):
    write_outcomes(tmp_path / "20.h5", [outcome(), outcome(TRANSFER)], CHECKPOINT)
    with OutcomeFile(tmp_path / "20.h5") as file:
        assert (file.checkpoint, file.places) == (CHECKPOINT, [IN_LANGUAGE, TRANSFER])
        found = file.read(IN_LANGUAGE)
        assert found.counts["correct"].tolist() == np.arange(12).reshape(3, 2, 2).tolist()
        assert (found.clusters.tolist(), found.layers, found.facts) == (["a", "ö", "a"], [0, 2], {"metric": "accuracy"})
        one = file.read(IN_LANGUAGE, layer=2)
        assert one.counts["correct"].tolist() == [[[2, 3]], [[6, 7]], [[10, 11]]] and one.layers == [2]
        assert [of_place.place for of_place in file] == file.places


@pytest.mark.parametrize(("most", "kept"), [(2**16 - 1, np.uint16), (2**16, np.uint32)], ids=["two bytes hold it", "they do not"])
def test_counts_are_kept_whole_in_as_few_bytes_as_hold_them(tmp_path, most, kept):
    bits = np.array([0.1, 1e300, np.nextafter(1, 2)])
    write_outcomes(tmp_path / "f.h5", [Outcome(IN_LANGUAGE, {"correct": np.array([0, most]), "bits": bits})], None)
    with OutcomeFile(tmp_path / "f.h5") as file:
        counts = file.read(IN_LANGUAGE).counts
        assert file.checkpoint is None
    assert counts["correct"].dtype == kept and counts["correct"].tolist() == [0, most]
    assert counts["bits"].tolist() == bits.tolist()


def test_measures_of_train_and_test_sets_without_sentences_are_kept(tmp_path):
    measures = Outcome(IN_LANGUAGE._replace(split="train"), {"code_length": np.array([[[1.5, 2.5]]])}, layers=[3])
    write_outcomes(tmp_path / "f.h5", [measures, outcome(correct=np.empty((0, 2, 2), dtype=int))], CHECKPOINT)
    with OutcomeFile(tmp_path / "f.h5") as file:
        assert file.read(measures.place).counts["code_length"].tolist() == [[[1.5, 2.5]]] and file.read(measures.place).clusters is None
        assert file.read(IN_LANGUAGE).counts["correct"].shape == (0, 2, 2)


def test_a_file_is_the_same_whenever_it_is_written(tmp_path):
    for name in ("one", "other"):
        write_outcomes(tmp_path / name, [outcome(), outcome(TRANSFER)], CHECKPOINT)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()


def test_files_of_a_checkpoint_become_one_without_dropped_datasets(tmp_path):
    write_outcomes(tmp_path / "a.h5", [outcome()], CHECKPOINT)
    write_outcomes(tmp_path / "b.h5", [outcome(TRANSFER), outcome(TRANSFER._replace(source="qca_own"))], CHECKPOINT)
    join_outcomes([tmp_path / "a.h5", tmp_path / "b.h5"], tmp_path / "both.h5", ["qca_own"])
    with OutcomeFile(tmp_path / "both.h5") as file:
        assert (file.checkpoint, file.places) == (CHECKPOINT, [IN_LANGUAGE, TRANSFER])
        assert file.read(TRANSFER).counts["correct"].tolist() == outcome().counts["correct"].tolist()


def test_files_of_two_checkpoints_are_refused(tmp_path):
    write_outcomes(tmp_path / "a.h5", [outcome()], CHECKPOINT)
    write_outcomes(tmp_path / "b.h5", [outcome(TRANSFER)], CHECKPOINT | {"weights_sha256": "another"})
    with pytest.raises(
        XlprobeError,
        match=r"b\.h5: holds outcomes of xlmr step 20, and .*a\.h5 of xlmr step 20, with other weights",
    ):
        join_outcomes([tmp_path / "a.h5", tmp_path / "b.h5"], tmp_path / "both.h5")
    assert not (tmp_path / "both.h5").exists()


def test_two_layers_of_a_file_can_be_compared():
    """Of three sentences, two of them in one cluster; what is the same at all layers and seeds is kept once."""
    facts = {"metric": "accuracy", "parallel": "pud"}
    counts = {"correct": np.array([[[2, 1], [2, 2]], [[0, 1], [1, 1]], [[1, 0], [1, 1]]]), "total": np.array([2, 1, 1])}
    found = clustered_counts(Outcome(TRANSFER, counts, np.array(["b", "a", "b"]), [0, 6], facts))
    assert (found.keys, found.group, found.shape) == (["a", "b"], ("pud", "test"), (2, 2, 2))
    assert found.counts["correct"].tolist() == [[[0, 3], [1, 1]], [[1, 3], [1, 3]]] and found.counts["total"].tolist() == [[[1, 3]]]
    comparison = compare(found.row(1), found.row(0), ratio("correct", "total").value, resamples=99)
    assert comparison.difference == 1 - 0.625 and comparison.clusters == 2 and comparison.low <= comparison.difference <= comparison.high


def test_held_out_text_of_a_language_is_no_dataset_of_its_name(tmp_path):
    """In UD 2.1 treebanks are named like languages."""
    held_out, parallel = (OutcomePlace("bpc", name, name, split) for name, split in (("en", "valid"), ("en_pud", "test")))
    write_outcomes(tmp_path / "a.h5", [outcome(place) for place in (held_out, parallel, IN_LANGUAGE)], CHECKPOINT)
    join_outcomes([tmp_path / "a.h5"], tmp_path / "b.h5", ["en", "en_pud"])
    with OutcomeFile(tmp_path / "b.h5") as file:
        assert file.places == [held_out, IN_LANGUAGE]


def test_one_file_twice_is_refused(tmp_path):
    write_outcomes(tmp_path / "a.h5", [outcome()], CHECKPOINT)
    with pytest.raises(XlprobeError, match=r"a\.h5: holds pos/qaa_own/qaa_own/test, which .*a\.h5 holds, too; delete the one"):
        join_outcomes([tmp_path / "a.h5", tmp_path / "a.h5"], tmp_path / "both.h5")
    with pytest.raises(XlprobeError, match=r"both\.h5: outcomes of pos/qaa_own/qaa_own/test come twice; name each file once"):
        write_outcomes(tmp_path / "both.h5", [outcome(), outcome()], CHECKPOINT)


def test_baselines_are_no_checkpoint(tmp_path):
    write_outcomes(tmp_path / "a.h5", [outcome()], None)
    write_outcomes(tmp_path / "b.h5", [outcome(TRANSFER)], CHECKPOINT)
    for order in (["a.h5", "b.h5"], ["b.h5", "a.h5"]):
        with pytest.raises(XlprobeError, match=r"a\.h5: holds outcomes of baselines; name a checkpoint's"):
            join_outcomes([tmp_path / name for name in order], tmp_path / "both.h5")


def test_a_file_without_any_can_be_read(tmp_path):
    write_outcomes(tmp_path / "a.h5", [], CHECKPOINT)
    with OutcomeFile(tmp_path / "a.h5") as file:
        assert file.places == []


def test_facts_are_those_of_the_identity():
    target = {"dataset": "qba_pud", "languages": ["qba"], "parallel": "pud", "text_form": "raw"}
    facts = facts_of_datasets(["qaa"], target)
    assert (facts["source_language"], facts["target_language"], facts["parallel"], facts["text_form"]) == ("qaa", "qba", "pud", "raw")
    assert facts["dataset"] != facts_of_datasets(["qaa"], target | {"languages": ["qca"]})["dataset"]
