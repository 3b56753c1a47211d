"""Rows of fits and of checks in one table."""

import pytest

from xlprobe.artifacts.tables import read_table, write_rows
from xlprobe.errors import XlprobeError
from xlprobe.files import write_json
from xlprobe.metrics.signatures import CHECKED, SCHEMA, join_signatures

ROW = {
    "variant": "main",
    "model": "xlmr",
    "step": 20,
    "monolingual": "mono_qaa",
    "monolingual_step": 8,
    "language": "qaa",
    "dataset": "morph_qaa",
    "category": "case",
    "layer": 0,
    "fit": "per_layer",
    "scale": "raw",
    "instances": 500,
    "solver": "xlprobe",
}


def part(path, *changes, **shared):
    write_rows([ROW | shared | change for change in changes], SCHEMA, path)
    return path


@pytest.fixture
def parts(tmp_path):
    fits = [
        part(tmp_path / "case.parquet", *({"layer": layer} for layer in (1, 0)), mean_published=1.5),
        part(tmp_path / "mood.parquet", {"reason": "no instances", "instances": 0}, {"training_seed": 3}, category="mood"),
    ]
    checks = [part(tmp_path / "checks.parquet", {}, stable_share=0.5, trusted=False, null_mean=0.25, mean_published=9.0)]
    return tmp_path, fits, checks


def test_checks_stand_in_the_rows_of_their_fits(parts):
    folder, fits, checks = parts
    join_signatures(fits, checks, folder / "out.parquet")
    table = read_table(folder / "out.parquet")
    # In the order given.
    assert [*zip(table["category"], table["layer"], strict=True)] == [("case", 1), ("case", 0), ("mood", 0), ("mood", 0)]
    assert table.loc[1, ["stable_share", "null_mean", "mean_published"]].to_list() == [0.5, 0.25, 1.5] and not table.loc[1, "trusted"]
    assert table.loc[[0, 2, 3], CHECKED].isna().all(axis=None)
    join_signatures(fits, [], folder / "out.parquet")
    assert read_table(folder / "out.parquet")[CHECKED].isna().all(axis=None)


def test_rows_of_datasets_that_are_no_more_are_left_out(parts):
    folder, fits, checks = parts
    other = part(folder / "other.parquet", {"dataset": "morph_qba", "language": "qba"})
    join_signatures([*fits, other], checks, folder / "out.parquet", dropped_datasets=["morph_qaa"])
    assert read_table(folder / "out.parquet")["language"].to_list() == ["qba"]


def test_a_check_of_no_fit_and_a_fit_twice_are_named(parts):
    folder, fits, checks = parts
    with pytest.raises(XlprobeError, match=r"a check is of no fit \(main xlmr 20 mono_qaa 8 qaa morph_qaa case 0 per_layer raw\)"):
        join_signatures(fits[1:], checks, folder / "out.parquet")
    with pytest.raises(XlprobeError, match=r"case\.parquet: main xlmr 20 .* case 1 per_layer raw stands in another file, too"):
        join_signatures([*fits, fits[0]], checks, folder / "out.parquet")


def test_two_trainings_under_one_name_are_refused(parts):
    folder, _, _ = parts
    for step, training in ((20, "a"), (40, "b")):
        identity = {"model": "xlmr", "training_seed": None, "step": step, "source": {"kind": "pretrained", "identity_sha256": training}}
        write_json(folder / "checkpoints" / "xlmr" / str(step) / "identity.json", identity)
    fit = part(folder / "steps.parquet", {}, {"step": 40})
    with pytest.raises(XlprobeError, match="xlmr step 40 is of another training than xlmr step 20"):
        join_signatures([fit], [], folder / "out.parquet", folder / "checkpoints")
