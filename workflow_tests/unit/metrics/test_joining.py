import numpy as np
import pandas as pd
import pytest
from score_tables import example_scores

from xlprobe.artifacts.tables import conform, read_schema, seal, write_table
from xlprobe.metrics.joining import join_tables


@pytest.fixture
def table():
    return example_scores()


def test_tables_are_held_to_their_schema(table, tmp_path):
    with pytest.raises(ValueError, match="columns differ"):
        conform(table.drop(columns="n"), "scores.schema.yaml")
    with pytest.raises(ValueError, match="column value holds missing values"):
        conform(table.assign(value=np.nan), "scores.schema.yaml")
    for name in ("a", "b"):
        write_table(table, "scores.schema.yaml", tmp_path / name)
    join_tables([tmp_path / "a", tmp_path / "b"], "scores.schema.yaml", tmp_path / "joined")
    joined = pd.read_parquet(tmp_path / "joined")
    assert len(joined) == 2 * len(table) and str(joined["step"].dtype) == "Int64"
    # A column more than the schema has, as files of an older version may have, is left out.
    table.assign(epochs=3).to_parquet(tmp_path / "more")
    seal(tmp_path / "more")
    join_tables([tmp_path / "more"], "scores.schema.yaml", tmp_path / "less")
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "less"), pd.read_parquet(tmp_path / "a"))


def test_rows_of_datasets_that_a_run_has_dropped_are_not_joined(table, tmp_path):
    """Of transfer, a table holds all sources. Of bits on held-out text, a source is a language."""
    rows = [table.iloc[:1].assign(task="pos", source="en", target=target) for target in ("en", "en_pud")]
    rows += [table.iloc[:1].assign(task="pos", source="fr_gsd", target="en")]
    rows += [
        table.iloc[:1].assign(task="bpc", source=name, target=name, split=split) for name, split in (("en", "valid"), ("en_pud", "test"))
    ]
    write_table(pd.concat(rows), "scores.schema.yaml", tmp_path / "a")
    for dropped, kept in ((["en"], ["bpc", "bpc"]), (["en_pud"], ["pos", "pos", "bpc"]), ([], ["pos", "pos", "pos", "bpc", "bpc"])):
        join_tables([tmp_path / "a"], "scores.schema.yaml", tmp_path / "joined", dropped_datasets=dropped)
        assert pd.read_parquet(tmp_path / "joined")["task"].to_list() == kept


def test_tables_with_tasks_and_without_splits_are_joined(tmp_path):
    """How probes were trained."""
    columns = read_schema("probe_training.schema.yaml")["properties"]
    values = {"string": "x", "integer": 1, "number": 1.0, "boolean": True}
    row = {name: None if "null" in rule["type"] else values[rule["type"]] for name, rule in columns.items()}
    tables = [pd.DataFrame([row | {"task": "pos", "dataset": name}]) for name in ("en_ewt", "fr_gsd")]
    for name, rows in zip(("a", "b"), tables, strict=True):
        write_table(rows, "probe_training.schema.yaml", tmp_path / name)
    join_tables([tmp_path / "a", tmp_path / "b"], "probe_training.schema.yaml", tmp_path / "joined", dropped_datasets=["en_ewt"])
    assert pd.read_parquet(tmp_path / "joined")["dataset"].to_list() == ["fr_gsd"]
