import numpy as np
import pandas as pd
import pytest

from xlprobe.artifacts.outcome_file import Outcome, OutcomePlace
from xlprobe.artifacts.tables import conform, read_table
from xlprobe.errors import XlprobeError
from xlprobe.metrics import metric_definitions
from xlprobe.metrics.metric_definitions import Metric
from xlprobe.metrics.scoring import BaselineFiles, score, score_baselines, score_checkpoint
from xlprobe.statistics.bootstrap import NO_INTERVALS, Intervals
from xlprobe.statistics.outcomes import write_outcomes

FACTS = {"metric": "accuracy", "source_language": "qaa", "target_language": "qba", "parallel": None, "dataset": "d1"}
PLACE = OutcomePlace("pos", "qaa_own", "qba_own", "test", "paper")
CHECKPOINT = {"model": "xlmr", "training_seed": None, "step": 20}
SENTENCES = np.array(["a", "b", "c"])
TOTAL = np.array([2, 1, 1])
# Of three sentences, two layers, two seeds.
CORRECT = np.array([[[2, 1], [2, 2]], [[0, 1], [1, 1]], [[1, 0], [1, 1]]])


def values(rows, metric):
    return {(row["layer"], row["seed"]): row["value"] for row in rows if row["metric"] == metric}


def test_scores_of_probes_are_ratios_of_sums():
    counts = {"correct": CORRECT, "total": TOTAL, "total_ambiguous": np.array([1, 0, 1])}
    counts |= {"correct_ambiguous": np.array([[[1, 1]] * 2, [[0, 0]] * 2, [[1, 0]] * 2]), "correct_control": np.ones((3, 2, 2), dtype=int)}
    rows = score(Outcome(PLACE, counts, SENTENCES, [0, 6], FACTS), NO_INTERVALS)
    assert values(rows, "accuracy") == {(0, 0): 0.75, (0, 1): 0.5, (0, None): 0.625, (6, 0): 1, (6, 1): 1, (6, None): 1}
    assert values(rows, "accuracy_ambiguous")[0, 1] == 0.5 and values(rows, "accuracy_control")[6, 0] == 0.75
    assert values(rows, "accuracy_selectivity")[6, None] == 0.25
    assert {row["metric"]: row["n"] for row in rows} == dict.fromkeys(["accuracy", "accuracy_control", "accuracy_selectivity"], 4) | {
        "accuracy_ambiguous": 2
    }
    shared = {"task": "pos", "source": "qaa_own", "target": "qba_own", "split": "test", "source_language": "qaa", "protocol": "paper"}
    assert all(shared.items() <= row.items() for row in rows) and all(np.isnan([row["low"], row["high"]]).all() for row in rows)


def test_a_metric_without_examples_has_no_row():
    counts = {"correct": CORRECT, "total": TOTAL, "correct_unseen": 0 * CORRECT, "total_unseen": 0 * TOTAL}
    assert {row["metric"] for row in score(Outcome(PLACE, counts, SENTENCES, [0, 6], FACTS), NO_INTERVALS)} == {"accuracy"}


def test_one_probe_has_a_seed_and_a_baseline_has_none():
    probe = score(Outcome(PLACE, {"correct": CORRECT[:, :, :1], "total": TOTAL}, SENTENCES, [0, 6], FACTS), NO_INTERVALS)
    assert [*values(probe, "accuracy")] == [(0, 0), (0, None), (6, 0), (6, None)]
    baseline = score(Outcome(PLACE, {"correct": CORRECT[:, 0, 0], "total": TOTAL}, SENTENCES, facts=FACTS), NO_INTERVALS)
    assert values(baseline, "accuracy") == {(None, None): 0.75}


def test_scores_of_an_alignment_are_those_of_its_links():
    """By Och and Ney (2003): of A = {a b d}, S = {a c}, P = {a b c}, in one pair, and nothing found in another."""
    counts = {"found": [[3], [0]], "found_sure": [[1], [0]], "found_possible": [[2], [0]], "sure": [[2], [0]]}
    of_pairs = {name: np.array(found) for name, found in counts.items()}
    place = OutcomePlace("alignment", "align_qaa_qba", "align_qaa_qba", "test")
    rows = score(Outcome(place, of_pairs, np.array(["1", "2"]), [8], FACTS), Intervals(200))
    assert {row["metric"]: row["value"] for row in rows} == pytest.approx({"precision": 2 / 3, "recall": 1 / 2, "f1": 4 / 7, "aer": 2 / 5})
    assert {(row["layer"], row["seed"], row["n"]) for row in rows} == {(8, None, 2)}
    # A resample of the second pair alone finds nothing, and misses nothing.
    by_metric = {row["metric"]: (row["low"], row["high"]) for row in rows}
    assert by_metric["precision"] == (by_metric["recall"][0], pytest.approx(2 / 3)) and by_metric["aer"][1] == 1


def test_bits_follow_from_the_sums_of_lines():
    sums = {"bits": [6.0, 2.0], "predicted": [2, 2], "characters": [4.0, 4.0], "bytes": [8.0, 8.0], "subwords": [10, 6]}
    sums |= {"all_characters": [20.0, 12.0], "lines": [1, 1]}
    counts = {name: np.array(found) for name, found in sums.items()}
    held_out = score(Outcome(OutcomePlace("bpc", "qaa", "qaa", "valid", "lines"), counts, np.array(["0", "0"]), facts=FACTS), Intervals(50))
    of_metric = {row["metric"]: (row["value"], row["n"]) for row in held_out}
    assert of_metric == {
        "bits_per_character": (1, 4),
        "bits_per_byte": (0.5, 4),
        "bits_per_subword": (2, 4),
        "subwords_per_character": (0.5, 16),
    }
    # Of a single document, every resample is the whole.
    assert all(row["low"] == row["value"] == row["high"] for row in held_out)
    parallel = score(Outcome(PLACE._replace(task="bpc"), counts | {"words": np.array([5, 3])}, SENTENCES[:2], facts=FACTS), NO_INTERVALS)
    assert {row["metric"]: (row["value"], row["n"]) for row in parallel[4:]} == {"bits_per_sentence": (16, 2), "subwords_per_word": (2, 16)}


def test_measures_of_train_have_an_interval_over_seeds_alone():
    measures = {"code_length": np.array([[[10.0, 20.0], [7.0, 7.0]]])}
    rows = score(Outcome(PLACE._replace(split="train"), measures, layers=[0, 6], facts=FACTS | {"examples": 7}), Intervals(2000))
    assert values(rows, "code_length") == {(0, 0): 10, (0, 1): 20, (0, None): 15, (6, 0): 7, (6, 1): 7, (6, None): 7}
    assert np.isnan([row["low"] for row in rows if row["seed"] is not None]).all() and {row["n"] for row in rows} == {7}
    assert [(row["low"], row["high"]) for row in rows if row["seed"] is None] == [(10, 20), (7, 7)]
    one = score(
        Outcome(PLACE._replace(split="train"), {"code_length": np.array([[[3.0]]])}, layers=[0], facts=FACTS | {"examples": 7}),
        Intervals(9),
    )
    assert np.isnan(one[-1]["low"])


def test_rows_of_one_test_set_meet_the_same_resamples():
    """So two layers that are right together have the same interval, and so have two targets of a parallel group in any order."""
    rows = score(Outcome(PLACE, {"correct": CORRECT[:, [0, 0]], "total": TOTAL}, SENTENCES, [0, 6], FACTS), Intervals(300))
    assert [(row["low"], row["high"]) for row in rows[:3]] == [(row["low"], row["high"]) for row in rows[3:]]
    facts, order = FACTS | {"parallel": "pud"}, [2, 0, 1]
    one = score(Outcome(PLACE, {"correct": CORRECT, "total": TOTAL}, SENTENCES, [0, 6], facts), Intervals(300))
    other = Outcome(PLACE._replace(target="qca_pud"), {"correct": CORRECT[order], "total": TOTAL[order]}, SENTENCES[order], [0, 6], facts)
    assert [row["low"] for row in one] == [row["low"] for row in score(other, Intervals(300))]


def test_a_metric_more_needs_no_probe(monkeypatch):
    """The share of sentences with every word right follows from what is counted of each."""

    def all_right(counts):
        return {"all_right": (counts["correct"] == counts["total"]).astype(float), "sentences": counts["sentences"]}

    whole = Metric(lambda sums: sums["all_right"] / sums["sentences"], "sentences", ("correct", "total"), all_right)
    monkeypatch.setitem(metric_definitions.PROBES, "_of_sentences", whole)
    rows = score(Outcome(PLACE, {"correct": CORRECT, "total": TOTAL}, SENTENCES, [0, 6], FACTS), Intervals(100))
    found = values(rows, "accuracy_of_sentences")
    assert found == {(0, 0): 2 / 3, (0, 1): 1 / 3, (0, None): 0.5, (6, 0): 1, (6, 1): 1, (6, None): 1}


def write_run(folder, dataset="d1"):
    """A checkpoint's outcomes, in two files, and the baselines that have their totals."""
    own, transfer = PLACE._replace(target="qaa_own"), PLACE._replace(target="qba_pud")
    facts = FACTS | {"dataset": dataset}
    counts = {"correct": CORRECT}
    write_outcomes(folder / "own.h5", [Outcome(own, counts, layers=[0, 6], facts=facts)], CHECKPOINT)
    write_outcomes(folder / "transfer.h5", [Outcome(transfer, counts, layers=[0, 6], facts=facts)], CHECKPOINT)
    known = {"total": TOTAL, "total_shared": np.array([1, 1, 1]), "majority.correct": np.array([1, 0, 1])}
    known |= {"word_type.correct": np.array([2, 0, 1])}
    sets = [Outcome(place._replace(protocol=None), known, SENTENCES, facts=FACTS) for place in (own, transfer)]
    write_outcomes(folder / "baselines.h5", sets, None)
    return [folder / "own.h5", folder / "transfer.h5"], [folder / "baselines.h5"]


def test_a_checkpoint_is_scored_from_its_files(tmp_path):
    paths, baselines = write_run(tmp_path)
    score_checkpoint(paths, baselines, tmp_path / "20.h5", tmp_path / "20.parquet", Intervals(100))
    table = conform(read_table(tmp_path / "20.parquet"), "scores.schema.yaml")
    assert table.groupby("target")["value"].max().to_dict() == {"qaa_own": 1, "qba_pud": 1}
    assert {*table["metric"]} == {"accuracy"} and {*table["model"]} == {"xlmr"} and {*table["step"]} == {20}
    assert (table["low"] <= table["value"]).all() and (table["value"] <= table["high"]).all()
    score_checkpoint(paths, baselines, tmp_path / "20.h5", tmp_path / "20.parquet", shared_labels=True, dropped_datasets=["qba_pud"])
    table = read_table(tmp_path / "20.parquet")
    assert {*table["metric"]} == {"accuracy", "accuracy_shared"} and {*table["target"]} == {"qaa_own"}


def test_baselines_are_scored_from_theirs(tmp_path):
    _, baselines = write_run(tmp_path)
    score_baselines(baselines, tmp_path / "b.parquet")
    table = conform(read_table(tmp_path / "b.parquet"), "scores.schema.yaml")
    assert table[["model", "source", "target", "value"]].to_numpy().tolist() == [
        ["majority", "qaa_own", "qaa_own", 0.5],
        ["word_type", "qaa_own", "qaa_own", 0.75],
        ["majority", "qaa_own", "qba_pud", 0.5],
        ["word_type", "qaa_own", "qba_pud", 0.75],
    ]
    assert table[["training_seed", "step", "layer", "seed"]].isna().all(axis=None)


def test_outcomes_of_another_dataset_or_without_totals_are_refused(tmp_path):
    paths, baselines = write_run(tmp_path, "d2")
    with pytest.raises(
        XlprobeError, match=r"its outcomes of pos/qaa_own/qaa_own/test/paper are of another qaa_own than the totals in .*baselines"
    ):
        score_checkpoint(paths, baselines, tmp_path / "20.h5", tmp_path / "20.parquet")
    with pytest.raises(XlprobeError, match=r"own\.h5: holds pos/qaa_own/qaa_own/test/paper, of which no file of baselines has the totals"):
        score_checkpoint(paths, [], tmp_path / "20.h5", tmp_path / "20.parquet")
    assert not (tmp_path / "20.parquet").exists()


def test_baselines_are_told_from_a_checkpoint_and_stand_once(tmp_path):
    paths, baselines = write_run(tmp_path)
    with pytest.raises(XlprobeError, match=r"own\.h5: holds outcomes of xlmr step 20; name a file of baselines"):
        BaselineFiles(paths)
    (tmp_path / "copy.h5").write_bytes(baselines[0].read_bytes())
    with pytest.raises(XlprobeError, match=r"copy\.h5: holds pos/qaa_own/qaa_own/test, which .*baselines\.h5 holds, too; delete the one"):
        score_baselines([*baselines, tmp_path / "copy.h5"], tmp_path / "b.parquet")


def test_what_has_clusters_of_its_own_needs_no_baselines():
    outcome = Outcome(OutcomePlace("bpc", "qaa", "qaa", "valid", "lines"), {}, SENTENCES, facts=FACTS)
    assert BaselineFiles([]).complete(outcome, None) is outcome


def test_scores_are_in_the_schema_whatever_was_measured(tmp_path):
    """A checkpoint of bits alone has neither layers nor seeds."""
    counts = {name: np.ones(3) for name in ("bits", "predicted", "characters", "bytes", "subwords", "all_characters", "lines")}
    facts = {"source_language": "qaa", "target_language": "qaa", "parallel": None}
    write_outcomes(
        tmp_path / "bpc.h5", [Outcome(OutcomePlace("bpc", "qaa", "qaa", "valid", "lines"), counts, SENTENCES, facts=facts)], CHECKPOINT
    )
    score_checkpoint([tmp_path / "bpc.h5"], [], tmp_path / "20.h5", tmp_path / "20.parquet")
    assert isinstance(table := read_table(tmp_path / "20.parquet"), pd.DataFrame) and len(table) == 4
