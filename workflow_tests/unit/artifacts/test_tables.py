"""Tables as Parquet: any reader reads them, and ours sees damage."""

import random
import re

import pandas as pd
import pytest
import yaml
from jsonschema import Draft202012Validator

from xlprobe.artifacts.tables import conform, read_schema, read_table, table_writer, write_table
from xlprobe.errors import XlprobeError
from xlprobe.metrics.joining import join_tables
from xlprobe.paths import SCHEMAS

ROWS = pd.DataFrame({"pair": range(3), "source_word": [5, 6, 7], "target_word": [1, 1, 0], "sure": [True, False, True]})
NAME = "links.schema.yaml"
# Keys of a schema that say something and refuse nothing; x-paper1 is ours.
SAYING = {"$schema", "$comment", "title", "description", "default", "x-paper1"}


def refused(path):
    return pytest.raises(
        XlprobeError, match=rf"^{re.escape(str(path))}: cannot be read as a table \(.*\); delete it, and it is made again$"
    )


@pytest.mark.parametrize("parts", [1, 2])
def test_what_is_written_is_read_back_by_any_reader(tmp_path, parts):
    path = tmp_path / "t.parquet"
    if parts == 1:
        write_table(ROWS, NAME, path)
    else:
        with table_writer(NAME, path) as write:
            write(ROWS[:2])
            write(ROWS[2:])
    pd.testing.assert_frame_equal(read_table(path), ROWS)
    pd.testing.assert_frame_equal(pd.read_parquet(path), ROWS)
    assert read_table(path, ["sure"]).columns.tolist() == ["sure"]
    before = path.read_bytes()
    if parts == 1:
        write_table(ROWS, NAME, path)
        assert path.read_bytes() == before


def test_no_flipped_bit_passes(tmp_path):
    path = tmp_path / "t.parquet"
    write_table(ROWS, NAME, path)
    content = path.read_bytes()
    for bit in random.Random(1).sample(range(8 * len(content)), 200):
        path.write_bytes(content[: bit // 8] + bytes([content[bit // 8] ^ 1 << bit % 8]) + content[bit // 8 + 1 :])
        with refused(path):
            read_table(path)


def test_a_table_that_is_half_zeroed_or_of_an_older_version_is_refused_where_tables_are_joined(tmp_path):
    path = tmp_path / "t.parquet"
    write_table(ROWS, NAME, path)
    content = path.read_bytes()
    for damaged in (b"", content[:7], content[: len(content) // 2], content[:-1], bytes(len(content)), content + b"PAR1"):
        path.write_bytes(damaged)
        with refused(path):
            join_tables([path], NAME, tmp_path / "all.parquet")
    ROWS.to_parquet(path)
    with refused(path):
        join_tables([path], NAME, tmp_path / "all.parquet")
    path.unlink()
    with pytest.raises(XlprobeError, match=rf"^{path}: no such file; run again to make it$"):
        join_tables([path], NAME, tmp_path / "all.parquet")
    assert not (tmp_path / "all.parquet").exists()


def test_a_schema_begins_with_the_columns_of_another_and_a_flag_may_be_missing():
    properties = [*read_schema("forgetting.schema.yaml")["properties"]]
    assert properties[:3] == ["model", "training_seed", "task"] and properties[-1] == "interval"
    flags = conform(pd.DataFrame({name: [0, 1, 2] for name in properties}).assign(forgets=[True, None, False]), "forgetting.schema.yaml")[
        "forgets"
    ]
    assert flags.dtype == "boolean" and flags.isna().tolist() == [False, True, False]


def keywords(rule):
    """The keys that a schema has, those of the schemas in it included."""
    for key, value in rule.items():
        yield key
        inner = value.values() if key in ("properties", "patternProperties") else value if key.endswith("Of") else [value]
        yield from (found for one in inner if isinstance(one, dict) and key not in SAYING for found in keywords(one))


@pytest.mark.parametrize("path", sorted(SCHEMAS.iterdir()), ids=lambda path: path.name)
def test_a_schema_has_no_key_that_json_schema_does_not_know(path):
    # A description that holds ", " needs quotes: without them YAML makes a key of what follows.
    assert {*keywords(yaml.safe_load(path.read_text()))} <= {*Draft202012Validator.VALIDATORS, *SAYING}
