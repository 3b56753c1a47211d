import pytest
from planted_tables import planted_model_tables

from xlprobe.tables.declaration import load_table

TABLE = load_table("transfer_correlations")


@pytest.fixture(scope="module")
def tables(planted_results):
    return planted_model_tables(planted_results)


@pytest.fixture(scope="module")
def found(tables):
    return TABLE.table(tables).set_index(["Variable", "Factor"])


def test_rows_and_columns_are_the_papers(found):
    """An asymmetry has no row of a distance, which is the same both ways."""
    assert [*found] == ["POS (n=12)", "Arc Pred.", "Arc Class. (n=2)", "XNLI (n=2)"]
    factors = ["Src. Pretraining Data", "Trg. Pretraining Data", "Task Data", "Lang Sim."]
    every = [(name, factor) for name in ("Task Perf.", "Asymmetry", "Steps to 95%", "Forgetting") for factor in factors]
    assert [*found.index] == [row for row in every if row != ("Asymmetry", "Lang Sim.")]


def test_an_asymmetry_turns_its_sign_with_source_and_target(found):
    """English has more text, and its probes are better on German than the other way round."""
    arcs = found.loc["Asymmetry", "Arc Class. (n=2)"]
    assert (arcs["Src. Pretraining Data"], arcs["Trg. Pretraining Data"]) == ("1.000°", "-1.000°")
    pos = found.loc["Asymmetry", "POS (n=12)"].str.rstrip("*°").astype(float)
    assert pos["Src. Pretraining Data"] == -pos["Trg. Pretraining Data"] > 0


def test_near_languages_transfer_better_by_a_distance(found):
    assert found.loc[("Task Perf.", "Lang Sim."), "POS (n=12)"].startswith("-0.7")


def test_blanks_and_dashes(found):
    assert {*found.xs("Task Data", level=1)["XNLI (n=2)"]} == {""} and {*found["Arc Pred."]} == {"–"}


def test_p_values_of_permuted_languages_stand_beside(tables):
    beside, notes = TABLE.beside(tables), TABLE.notes(tables)
    assert (beside.loc[0, "pos languages"], beside.loc[0, "pos n"]) == ("4", "12")
    assert float(beside.loc[0, "pos p"]) < 0.05 < float(beside.loc[0, "pos permutation_p"])
    assert any("0 hold by permutation of whole languages" in note for note in notes)
    assert notes[-1] == "– for Arc Pred. (transfer): no arcs are predicted."
