import pandas as pd
import pytest
from planted_tables import planted_facts, planted_model_tables

from xlprobe.artifacts.tables import read_table, write_table
from xlprobe.metrics.model_tables import ModelTables
from xlprobe.tables.declaration import load_table

TABLE = load_table("alternatives")


@pytest.fixture(scope="module")
def tables(planted_results):
    return planted_model_tables(planted_results)


def test_each_cell_has_the_printed_correlation_before_that_of_the_alternative(tables):
    """Without English, whose distance to itself is 0, two languages with bits are left."""
    found = TABLE.table(tables)
    row = found[(found["Alternative"] == "without the pivot") & (found["Variable"] == "Task Perf.")].iloc[0]
    assert (row["Setting"], row["Factor"], row["BPC"], row["Arc Pred."]) == ("In-lang.", "Lang Sim.", "1.000**° → 1.000°", "")
    assert row["XNLI"] == "-1.000° → –" and row["POS"].startswith("-0.899* → ")
    assert [*found][4:] == ["BPC", "POS", "Arc Pred.", "Arc Class.", "XNLI"] and {*found["Factor"]} == {"Lang Sim."}
    assert [*found["Alternative"].unique()] == ["without the pivot", "without degenerate distances", "without both"]


def test_an_alternative_that_repeats_one_above_is_left_out(planted_results, tables, tmp_path):
    table = read_table(planted_results / "metrics/alternatives.parquet")
    repeated = table[table["alternative"] == "without the pivot"]
    both = pd.concat([repeated, repeated.assign(alternative="again")])
    write_table(both, "alternatives.schema.yaml", tmp_path / "alternatives.parquet")
    others = ModelTables.of_files(tables.facts, [tmp_path / "alternatives.parquet", planted_results / "metrics/correlations.parquet"])
    assert {*TABLE.table(others)["Alternative"]} == {"without the pivot"}


def test_notes_count_the_stars_that_turn(tables):
    found = TABLE.table(tables)
    cells = [cell for cell in found.to_numpy().ravel() if "→" in cell]
    turned = [cell for cell in cells if cell.split(" → ")[0].count("*") != cell.split(" → ")[1].count("*")]
    assert 0 < len(turned) < len(cells)
    assert f"Of {len(cells)} cells, {len(turned)} have more or fewer stars" in TABLE.notes(tables)[0]


def test_without_alternatives_there_is_a_reason():
    tables = ModelTables.of_files(planted_facts(), [])
    assert TABLE.table(tables).empty and TABLE.notes(tables)[0].startswith("Nothing to show")
