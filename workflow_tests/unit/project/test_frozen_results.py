import subprocess
import sys

import frozen_results
import pandas as pd
import pytest
from frozen_results import compare, read_names, record

SCORES = pd.DataFrame({"metric": ["f1", "bits_per_piece", "f1"], "value": [0.1, 0.2, float("nan")], "layer": [0, 1, None]})


@pytest.fixture
def results(tmp_path):
    folder = tmp_path / "results"
    for name, text in {
        "bpc/a/0.csv": "piece,bits\n",
        "logs/a.log": "1",
        "benchmarks/a.tsv": "2",
        "pretrain/a/a.log": "3",
        "pretrain/a/step_1.pt": "4",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    (folder / "weights.pt").write_bytes(b"\x80piece")
    SCORES.to_parquet(folder / "scores.parquet")
    return folder


def differences(results, change, names=None) -> list[str]:
    before = record(results, {})
    change()
    return compare(before, record(results, names or {}))


def test_all_files_but_those_with_times_are_recorded(results):
    assert list(record(results, {})) == ["bpc/a/0.csv", "scores.parquet", "weights.pt"]


def test_a_link_counts_by_what_it_leads_to(results, tmp_path):
    (tmp_path / "outside").write_bytes(b"\x80piece")
    before = record(results, {})
    (results / "weights.pt").unlink()
    (results / "weights.pt").symlink_to(tmp_path / "outside")
    assert record(results, {}) == before


def test_the_order_of_rows_and_columns_does_not_count(results):
    turned = SCORES.iloc[[2, 0, 1]][["value", "layer", "metric"]]
    assert differences(results, lambda: turned.to_parquet(results / "scores.parquet", index=False, compression="gzip")) == []


@pytest.mark.parametrize(
    "changed",
    [
        SCORES.assign(value=[0.1, 0.2, 0.0]),
        SCORES.assign(value=[0.1, 0.2 + 2**-54, float("nan")]),
        SCORES.assign(value=SCORES["value"].astype("float32")),
        SCORES.assign(value=[0.2, 0.1, float("nan")]),
        SCORES.rename(columns={"layer": "depth"}),
        SCORES.assign(layer=[0.0, 1.0, 2.0]),
        pd.concat([SCORES, SCORES.iloc[:1]]),
    ],
)
def test_each_value_counts_to_its_last_bit(results, changed):
    assert differences(results, lambda: changed.to_parquet(results / "scores.parquet")) == ["differs: scores.parquet"]


def test_each_byte_and_each_name_counts(results):
    def change() -> None:
        (results / "weights.pt").write_bytes(b"\x80pieces")
        (results / "bpc" / "a" / "0.csv").rename(results / "bpc" / "a" / "1.csv")

    assert differences(results, change) == ["gone: bpc/a/0.csv", "new: bpc/a/1.csv", "differs: weights.pt"]


def test_new_names_are_recorded_as_the_old_ones(results, tmp_path):
    (tmp_path / "names.tsv").write_text("old\tnew\npiece\tsubword\nbits_per_piece\tbits_per_subword\nlayer\tdepth\nscores\tvalues\n")
    names = read_names(tmp_path / "names.tsv")

    def change() -> None:
        (results / "bpc" / "a" / "0.csv").write_text("subword,bits\n")
        (results / "scores.parquet").unlink()
        renamed = SCORES.replace("bits_per_piece", "bits_per_subword").rename(columns={"layer": "depth"})
        renamed.to_parquet(results / "values.parquet")

    assert differences(results, change, names) == []
    renamed = SCORES.replace("bits_per_piece", "bits_per_subwords").rename(columns={"layer": "depth"})
    assert differences(results, lambda: renamed.to_parquet(results / "values.parquet")) == ["differs: values.parquet"]


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, frozen_results.__file__, *map(str, arguments)], capture_output=True, text=True)


def test_records_are_files(results, tmp_path):
    before, after = tmp_path / "before.tsv", tmp_path / "after.tsv"
    before.write_text(run("record", results).stdout)
    assert run("compare", before, before).returncode == 0
    (results / "weights.pt").unlink()
    after.write_text(run("record", results).stdout)
    done = run("compare", before, after)
    assert (done.returncode, done.stderr) == (1, "gone: weights.pt\n")
    assert "no such folder" in run("record", tmp_path / "nowhere").stderr


def test_two_files_of_one_old_name_are_refused(results):
    (results / "scales.pt").write_bytes(b"5")
    with pytest.raises(ValueError, match=r"another file is called weights\.pt, too; correct the names"):
        record(results, {"scales": "weights"})
