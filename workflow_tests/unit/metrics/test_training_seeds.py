import pandas as pd
import pytest

from xlprobe.artifacts.tables import read_table, write_table
from xlprobe.metrics.training_seeds import over_seeds, write_training_seeds

CURVE = {"model": "m", "task": "pos", "source": "a", "target": "a", "source_language": "aa", "target_language": "aa", "text_form": None}
CURVE |= {"split": "test", "protocol": "paper", "layer": 2, "rule": "as printed", "formula": "step_to_share", "n": 9}


def table():
    rows = [CURVE | {"training_seed": seed, "share": share, "value": seed * share * 100} for seed in (1, 2, 4) for share in (0.5, 0.9)]
    alone = CURVE | {"model": "other", "training_seed": None, "share": 0.5, "value": 7.0}
    one = CURVE | {"model": "third", "training_seed": 1, "share": 0.5, "value": 7.0}
    return pd.DataFrame([*rows, alone, one]).assign(censored=None, low=None, high=None, interval="no interval")


def test_a_row_varies_over_the_trainings_of_its_model():
    found = over_seeds(table()).set_index("share")
    assert found["n"].to_dict() == {0.5: 3, 0.9: 3} and found["mean"].to_dict() == pytest.approx({0.5: 350 / 3, 0.9: 210})
    # (1, 2, 4): squares of -4/3, -1/3 and 5/3 by 2 are 7/3.
    assert found["variance"].to_dict() == pytest.approx({0.5: 50**2 * 7 / 3, 0.9: 90**2 * 7 / 3})
    assert (found["lowest"][0.5], found["highest"][0.5]) == (50, 200)


def test_rows_are_named_by_their_table(tmp_path):
    write_table(table(), "steps.schema.yaml", tmp_path / "steps.parquet")
    write_training_seeds({"steps": tmp_path / "steps.parquet"}, tmp_path / "training_seeds.parquet")
    written = read_table(tmp_path / "training_seeds.parquet")
    assert written[["table", "model", "n"]].to_numpy().tolist() == [["steps", "m", 3]] * 2 and written["measure"].isna().all()
