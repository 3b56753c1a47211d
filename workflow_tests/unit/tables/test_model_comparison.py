"""Final checkpoints in a table: of the model alone, and beside one or two others."""

import numpy as np
import pandas as pd
import pytest
from planted_outcomes import BITS_TRUTH, POS_TRUTH, TRANSFER, XNLI_TRUTH
from planted_tables import planted_facts, planted_model_tables

from xlprobe.artifacts.tables import write_rows
from xlprobe.metrics.model_tables import ModelTables
from xlprobe.tables.declaration import load_table

TABLE = load_table("model_comparison")


def comparison(task, mean, other_mean, setting="in language", **changed):
    """A row of the table; noise of sentences is 0.01 to either side, that of languages 0.02."""
    value, of_bits = mean - other_mean, task == "bpc"
    named = {"model": "base", "step": 100000, "other_model": "replica", "other_step": 1500000, "task": task, "setting": setting}
    named |= {"split": "valid" if of_bits else "test", "protocol": "lines" if of_bits else "paper", "rule": "final checkpoint"}
    counts = {"formula": "compare_means", "interval": "percentile", "n": 44, "languages": 44, "sentences": 1000}
    ends = {"low": value - 0.01, "high": value + 0.01, "language_low": value - 0.02, "language_high": value + 0.02}
    return named | counts | ends | {"p": 0.0316, "language_p": 0.0004, "mean": mean, "other_mean": other_mean, "value": value} | changed


def tables_of(results, tmp_path, rows, **facts):
    write_rows(rows, "model_comparisons.schema.yaml", path := tmp_path / "model_comparisons.parquet")
    return ModelTables.of_files(planted_facts(**facts), [results / "metrics/best.parquet", path])


def printed(table):
    return table.set_index(["Setting", "Task"])


def test_rows_are_the_printed_ones_and_then_the_others(planted_results):
    found = TABLE.table(planted_model_tables(planted_results))
    assert [*zip(found["Setting"], found["Task"], strict=True)] == [
        *(("In-lang", "BPC"), ("In-lang", "POS"), ("In-lang", "XNLI"), ("X-lang", "POS"), ("X-lang", "XNLI")),
        *(("In-lang", "Arc Pred."), ("In-lang", "Arc Class."), ("In-lang", "SimAlign"), ("X-lang", "Arc Pred."), ("X-lang", "Arc Class.")),
    ]


def test_a_model_alone_has_its_means_at_the_final_checkpoint(planted_results):
    """Over languages: two treebanks of German are one; over the twelve pairs of languages that are source and target."""
    tables = ModelTables.of_files(planted_facts(), [planted_results / "metrics/best.parquet"])
    found = printed(TABLE.table(tables))
    assert [*found] == ["base", "n"]
    pos = {name: 100 * values[-1] for name, values in POS_TRUTH.items()}
    by_language = [pos["en_ewt"], (pos["de_gsd"] + pos["de_hdt"]) / 2, pos["fi_tdt"], pos["hi_hdtb"], pos["ug_udt"]]
    pairs = [value for (source, target), value in TRANSFER.items() if source != target]
    # German's second treebank is better on English than the first: 0.7 for 0.6.
    across = 100 * (sum(pairs) + 0.05) / 12
    xnli = [100 * values[-1] for values in XNLI_TRUTH.values()]
    values = found["base"].replace("–", np.nan).astype(float)
    assert values[("In-lang", "POS")] == pytest.approx(np.mean(by_language), abs=1) and found.loc[("In-lang", "POS"), "n"] == "5"
    assert values[("X-lang", "POS")] == pytest.approx(across, abs=1) and found.loc[("X-lang", "POS"), "n"] == "12"
    assert values[("In-lang", "XNLI")] == pytest.approx(np.mean(xnli), abs=2)
    assert values[("In-lang", "BPC")] == pytest.approx(np.mean([truth[-1] for truth in BITS_TRUTH.values()]), abs=0.02)
    assert found.loc[("In-lang", "Arc Pred.")].tolist() == ["–", "–"]
    assert "This run measures no other model at a final checkpoint, so that there is none to compare it with." in TABLE.notes(tables)


def test_the_better_value_has_the_star_of_bits_the_lower_one(planted_results, tmp_path):
    rows = [comparison("bpc", 0.652, 0.609), comparison("pos", 0.8965, 0.8720), comparison("xnli", 0.53261, 0.53264)]
    found = printed(TABLE.table(tables_of(planted_results, tmp_path, rows)))
    assert [*found] == ["replica", "base", "n", "Difference", "Over sentences", "Over languages"]
    bits = ["0.609*", "0.652", "44", "0.043", "[0.033, 0.053], p = 0.032", "[0.023, 0.063], p < 0.001"]
    assert found.loc[("In-lang", "BPC")].tolist() == bits
    pos = ["87.20", "89.65*", "44", "2.45", "[1.45, 3.45], p = 0.032", "[0.45, 4.45], p < 0.001"]
    assert found.loc[("In-lang", "POS")].tolist() == pos
    # What prints the same is no better.
    assert found.loc[("In-lang", "XNLI")].tolist()[:2] == ["53.26", "53.26"]
    # What the other is not measured on has the model's own mean.
    alone = found.loc[("In-lang", "SimAlign")].tolist()
    assert alone[0] == "–" and float(alone[1]) > 60 and alone[3:] == ["–", "–", "–"]


def test_noise_that_is_not_known_is_a_dash(planted_results, tmp_path):
    none = dict.fromkeys(["low", "high", "p", "language_low", "language_high", "language_p"])
    found = printed(TABLE.table(tables_of(planted_results, tmp_path, [comparison("pos", 0.9, 0.8, interval="no interval", **none)])))
    assert found.loc[("In-lang", "POS")].tolist() == ["80.00", "90.00*", "44", "10.00", "–", "–"]


def test_settings_and_protocols_are_not_mixed_up(planted_results, tmp_path):
    rows = [
        *(comparison("pos", 0.9, 0.8), comparison("pos", 0.7, 0.6, "transfer"), comparison("pos", 0.1, 0.2, protocol="converged")),
        *(comparison("bpc", 5.0, 6.0, split="test"), comparison("bpc", 3.0, 4.0, protocol="fairseq"), comparison("bpc", 1.0, 2.0)),
    ]
    found = printed(TABLE.table(tables_of(planted_results, tmp_path, rows)))
    assert found.loc[("In-lang", "POS"), "base"] == "90.00*" and found.loc[("X-lang", "POS"), "base"] == "70.00*"
    assert found.loc[("In-lang", "BPC"), "base"] == "1.000*"
    fairseq = tables_of(planted_results, tmp_path, rows, protocols={"pos": "paper", "bpc": "fairseq"})
    assert printed(TABLE.table(fairseq)).loc[("In-lang", "BPC"), "base"] == "3.000*"


def test_several_others_stand_below_each_other(planted_results, tmp_path):
    rows = [comparison("pos", 0.9, 0.8), comparison("pos", 0.85, 0.7, other_model="large")]
    found = TABLE.table(tables_of(planted_results, tmp_path, rows))
    assert found["Compared with"].tolist() == ["replica"] * 10 + ["large"] * 10
    pos = found[(found["Setting"] == "In-lang") & (found["Task"] == "POS")]
    assert pos[["Compared with", "Other", "base"]].to_numpy().tolist() == [["replica", "80.00", "90.00*"], ["large", "70.00", "85.00*"]]


def test_numbers_stand_beside_in_the_csv(planted_results, tmp_path):
    tables = tables_of(planted_results, tmp_path, [comparison("pos", 0.9, 0.8)])
    beside = TABLE.beside(tables)
    assert len(beside) == len(TABLE.table(tables)) and not {*beside} & {*TABLE.table(tables)}
    assert beside.loc[1, ["mean", "other_mean", "value", "p", "sentences"]].tolist() == ["0.9", "0.8", "0.1", "0.0316", "1000"]
    assert pd.to_numeric(beside.loc[7, "mean"]) > 0.6 and beside.loc[7, "value"] == ""


def test_notes_say_who_may_have_seen_the_held_out_text(planted_results, tmp_path):
    rows = [comparison("pos", 0.9, 0.8)]
    elsewhere, here = (tables_of(planted_results, tmp_path, rows, pretrained=languages) for languages in (None, ["en"]))
    assert any(note.startswith("base was trained elsewhere, and may have seen the text") for note in TABLE.notes(elsewhere))
    assert not any("may have seen" in note for note in TABLE.notes(here))
    assert "of base at step 100000, of replica at step 1500000" in TABLE.notes(here)[0]
