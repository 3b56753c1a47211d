"""Curves that have no value, or no interval: nulls, and no end of the job."""

from dataclasses import replace

import numpy as np
from planted_outcomes import STEPS, Sizes, Training, column, in_language, transfer, write_baselines, write_checkpoint

from xlprobe.artifacts.outcome_file import OutcomeFile
from xlprobe.artifacts.tables import read_table
from xlprobe.metrics.asymmetry import write_asymmetry
from xlprobe.metrics.learning import write_learning
from xlprobe.statistics.bootstrap import Intervals
from xlprobe.statistics.outcomes import write_outcomes

RISING = column(np.linspace(0.4, 0.8, len(STEPS)))
NAMES = ("best", "steps", "forgetting")


def learned(folder, planted, sizes):
    """The tables of a training, by name."""
    intervals = Intervals(50)
    training = Training("m", STEPS, planted)
    for step in STEPS:
        write_checkpoint(folder / f"outcomes/m/{step}.h5", training, step, sizes)
    baselines = write_baselines(folder / "baselines", planted, sizes)
    paths = [folder / f"{name}.parquet" for name in NAMES]
    write_learning(folder / "outcomes", {"m": STEPS}, baselines, *paths, [0.95], intervals)
    write_asymmetry(folder / "outcomes", {"m": STEPS}, baselines, paths[0], folder / "asymmetry.parquet", intervals)
    return {name: read_table(folder / f"{name}.parquet") for name in (*NAMES, "asymmetry")}


def pos(truth, dataset="aa_own", **options):
    return in_language("pos", dataset, dataset[:2], truth, baselines={"majority": 0.2}, **options)


def test_a_score_that_stays_0_has_no_best_to_lose(tmp_path):
    tables = learned(tmp_path, [*pos(column(np.zeros(len(STEPS)))), *pos(RISING, "bb_own")], Sizes(sentences=20))
    relative = tables["forgetting"].query("measure == 'relative'")
    for table in (tables["steps"], relative):
        assert table.groupby("source")["value"].agg(lambda values: values.isna().all()).to_dict() == {"aa_own": True, "bb_own": False}
    assert (tables["best"].query("source == 'aa_own'")["value"] == 0).all()


def test_a_test_set_of_one_sentence_has_no_halves(tmp_path):
    tables = learned(tmp_path, pos(RISING), Sizes(sentences=1))
    fitted = {name: tables[name][tables[name]["rule"] == "cross-fitted"] for name in NAMES}
    assert all(table["value"].isna().all() and table["interval"].eq("no interval").all() for table in fitted.values())
    assert fitted["steps"]["censored"].isna().all()


def test_a_test_set_without_an_example_has_no_score(tmp_path):
    planted = [*pos(RISING), *pos(RISING, "bb_own")]
    learned(tmp_path, planted, Sizes(sentences=20))
    path = tmp_path / "baselines/pos/bb_own.h5"
    with OutcomeFile(path) as file:
        known = [*file]
    write_outcomes(path, [replace(one, counts={name: 0 * values for name, values in one.counts.items()}) for one in known], None)
    written = [tmp_path / f"{name}.parquet" for name in NAMES]
    write_learning(tmp_path / "outcomes", {"m": STEPS}, [path, tmp_path / "baselines/pos/aa_own.h5"], *written, [0.95], Intervals(50))
    assert all({*read_table(path)["source"]} == {"aa_own"} for path in written)


def test_nothing_to_test_gives_tables_without_rows(tmp_path):
    tables = learned(tmp_path, [one for one in pos(RISING) if one.place.split == "dev"], Sizes(sentences=20))
    assert all(table.empty and len(table.columns) > 10 for table in tables.values())


def both_ways(parallel="pud"):
    """Probes of two languages, each on the other's test set."""
    pairs = [("aa_own", "aa"), ("bb_own", "bb")]
    planted = [part for dataset, _ in pairs for part in pos(RISING, dataset)]
    for (source, one), other in ((pairs[0], "bb"), (pairs[1], "aa")):
        crossed = transfer("pos", (source, one), (f"{other}_pud", other), RISING, baselines={"majority": 0.2})
        planted.append(replace(crossed, parallel=parallel))
    return planted


def test_test_sets_of_no_parallel_group_are_no_two_ways(tmp_path):
    tables = learned(tmp_path, both_ways(parallel=None), Sizes(sentences=20))
    assert tables["asymmetry"].empty and {*tables["best"]["target"]} == {"aa_own", "bb_own", "aa_pud", "bb_pud"}


def test_one_probe_says_nothing_of_how_far_probes_differ(tmp_path):
    tables = learned(tmp_path, both_ways(), Sizes(sentences=20, parallel=20, seeds=1))
    assert len(tables["asymmetry"]) == 4
    for table in tables.values():
        assert table["interval"].eq("no interval").all() and table[["low", "high"]].isna().all(axis=None)
