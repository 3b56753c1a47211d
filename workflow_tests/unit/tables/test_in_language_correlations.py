import pandas as pd
import pytest
from planted_tables import planted_facts, planted_model_tables

from xlprobe.artifacts.tables import read_table, write_table
from xlprobe.metrics.model_tables import ModelTables
from xlprobe.tables.declaration import load_table

TABLE = load_table("in_language_correlations")


@pytest.fixture(scope="module")
def tables(planted_results):
    return planted_model_tables(planted_results)


@pytest.fixture(scope="module")
def found(tables):
    return TABLE.table(tables).set_index(["Variable", "Factor"])


def test_rows_and_columns_are_the_papers(found):
    assert [*found] == ["BPC (n=3)", "POS (n=6)", "Arc Pred.", "Arc Class. (n=2)", "XNLI (n=2)"]
    factors = ["Pretraining Data", "Task Data", "Lang Sim."]
    assert [*found.index] == [(name, factor) for name in ("Task Perf.", "Steps to 95%", "Forgetting") for factor in factors]


def test_signs_are_as_they_come_out(found):
    """The more text, the fewer bits; the more examples, the worse is what is planted; the less text, the farther from English."""
    performance = found.loc["Task Perf."]
    assert performance["BPC (n=3)"].tolist() == ["-1.000**°", "-1.000**°", "1.000**°"]
    # Text 300 60 60 50 10 5 of the best 0.92 0.90 0.80 0.85 0.70 0.28: ranks 6 4.5 4.5 3 2 1 and 6 5 3 4 2 1.
    ranks = pd.DataFrame({"text": [6, 4.5, 4.5, 3, 2, 1], "best": [6, 5, 3, 4, 2, 1]})
    rho = f"{ranks.corr().iloc[0, 1]:.3f}"
    assert performance["POS (n=6)"].tolist() == [f"{rho}*", "-1.000**", f"-{rho}*"]
    # English reaches more in inference than German, and has more text.
    assert performance["XNLI (n=2)"].tolist() == ["1.000°", "", "-1.000°"]


def test_cells_that_the_paper_leaves_blank_are_so_and_what_is_not_measured_is_a_dash(found):
    assert {*found.loc["Forgetting", "BPC (n=3)"]} == {""} and {*found.xs("Task Data", level=1)["XNLI (n=2)"]} == {""}
    assert {*found["Arc Pred."]} == {"–"} and (found.loc[("Steps to 95%", "Task Data"), "BPC (n=3)"]) != ""


def test_honest_p_values_stand_beside_in_the_csv(tables):
    beside = TABLE.beside(tables)
    assert len(beside) == 9 and beside.loc[0, "bpc p"] == "0" and beside.loc[0, "bpc permutation_p"] == "0.333333"
    assert (beside.loc[0, "pos n"], beside.loc[0, "pos languages"]) == ("6", "5") and beside.loc[0, "arc_prediction p"] == ""
    correlations = tables.table("correlations")
    chosen = correlations[(correlations["task"] == "pos") & (correlations["protocol"] == "paper") & (correlations["rule"] == "as printed")]
    chosen = chosen[(chosen["setting"] == "in language") & (chosen["outcome"] == "performance") & (chosen["factor"] == "task data")]
    assert float(beside.loc[1, "pos q"]) == pytest.approx(float(chosen["q"].iloc[0]), rel=1e-5)


def test_notes_say_what_stars_are_worth(tables):
    notes = TABLE.notes(tables)
    assert any("Cells with a star: 9; of these, 3 hold by permutation" in note and "0 once adjusted" in note for note in notes)
    assert any(note.startswith("° n too small") for note in notes) and notes[-1] == "– for Arc Pred. (in language): no arcs are predicted."


def test_what_the_paper_leaves_blank_stays_so_where_there_is_a_correlation(planted_results, tables, tmp_path):
    more = read_table(planted_results / "metrics/correlations.parquet")
    more.loc[(more["task"] == "bpc") & (more["outcome"] == "performance"), "outcome"] = "forgetting"
    write_table(more, "correlations.schema.yaml", tmp_path / "correlations.parquet")
    found = TABLE.table(ModelTables.of_files(tables.facts, [tmp_path / "correlations.parquet"]))
    assert found["BPC (n=3)"].tolist()[:3] == ["–"] * 3 and found["BPC (n=3)"].tolist()[6:] == [""] * 3


def test_n_stands_in_a_cell_where_it_is_another_one(planted_results, tables, tmp_path):
    """Here a distance is unknown."""
    changed = read_table(planted_results / "metrics/correlations.parquet")
    chosen = (changed["task"] == "pos") & (changed["protocol"] == "paper") & (changed["setting"] == "in language")
    chosen &= (changed["factor"] == "syntactic distance") & (changed["rule"] == "as printed")
    changed.loc[chosen, "n"] = 5
    write_table(changed, "correlations.schema.yaml", tmp_path / "correlations.parquet")
    others = ModelTables.of_files(tables.facts, [planted_results / "metrics/best.parquet", tmp_path / "correlations.parquet"])
    found = TABLE.table(others)
    assert found["POS (n=6)"].str.contains("(n=5)", regex=False).tolist() == [False, False, True] * 3


def test_the_protocol_is_the_runs_own(planted_results, tables):
    """Bits are measured fairseq's way in English alone, and English has converged probes."""
    blocks = ModelTables.of_files(planted_facts(protocols={"bpc": "fairseq", "pos": "converged"}), [*tables.paths.values()])
    assert [*TABLE.table(blocks)][2:4] == ["BPC (n=1)", "POS (n=1)"]


def test_without_correlations_all_is_a_dash_but_blanks():
    tables = ModelTables.of_files(planted_facts(), [])
    assert {*TABLE.table(tables).iloc[:, 2:].to_numpy().ravel()} == {"–", ""}
    assert any("nothing that it needs is measured" in note for note in TABLE.notes(tables))
