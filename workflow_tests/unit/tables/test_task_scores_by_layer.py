"""Paper 2's Tables 4 to 7, of signatures that are XLM-R's scores of PAWS-X at one layer and their opposites at another."""

import pytest
from planted_task_correlations import named_once, planted_signature_tables, rows_of_latex, rows_of_markdown, write_kind

from xlprobe.artifacts.published_tables import published_rows
from xlprobe.tables.declaration import load_table

KINDS = {"task_scores_mbert": 4, "task_scores_xlm": 5, "task_scores_xlmr": 6, "task_scores_mmte": 7}
RAW, JOINT = "per layer, raw", "joint, standardised"


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    return planted_signature_tables(tmp_path_factory.mktemp("signatures"))


@pytest.mark.parametrize(("kind", "number"), KINDS.items())
def test_printed_numbers_are_the_papers(tables, kind, number):
    found = load_table(kind).table(tables)
    printed = found[(found["Signatures"] == "paper") & (found["Layer"] != "n")]
    rows = [[*row.values()][1:] for row in published_rows(f"published/paper2_table{number}.tsv")]
    assert printed.iloc[:, 2:].to_numpy().tolist() == rows and printed["Layer"].tolist() == [str(layer) for layer in range(13)]


def test_known_correlations_stand_below_the_printed_ones_of_their_layer(tables):
    pawsx = load_table("task_scores_xlmr").table(tables).set_index(["Layer", "Signatures"])["PAWS-X Acc"]
    assert pawsx.loc["1"].to_dict() == {"paper": "0.80", RAW: "-1.00", JOINT: "1.00"}
    assert pawsx.loc["2"].to_dict() == {"paper": "0.83", RAW: "1.00", JOINT: "-1.00"}
    assert pawsx.loc["12"].to_dict() == {"paper": "0.75"}


def test_each_column_has_its_n_or_its_reason(tables):
    table = load_table("task_scores_xlmr")
    found = table.table(tables).set_index(["Layer", "Signatures"])
    n, ours = found.loc["n"], found[found.index.get_level_values(1).isin([RAW, JOINT])]
    assert n.loc["here"].to_dict() == {name: {"PAWS-X Acc": "7", "XQuAD F1": "5", "XQuAD EM": "5"}.get(name, "–") for name in found}
    assert n.loc["paper", ["XNLI Acc", "BUCC F1"]].tolist() == ["12", "4"]
    # What has no n has no number, nor has what has none an n.
    assert all((ours[name] == "–").all() == (n.loc["here", name] == "–") for name in found)
    *others, last = table.notes(tables)
    assert last.startswith("– for XNLI Acc, POS F1, NER F1, MLQA F1, MLQA EM, TyDiQA F1, TyDiQA EM, BUCC F1, Tatoeba Acc: no file has")
    assert "The paper's last layer is 12, ours 2: the same number is not the same depth." in others


def test_what_the_paper_leaves_blank_has_no_n(tables):
    found = load_table("task_scores_mmte").table(tables).set_index(["Layer", "Signatures"])
    assert {*found.xs("paper", level=1)["MLQA EM"]} == {""} and found.loc[("n", "paper"), "MLQA F1"] == "7"


def test_all_three_formats_say_the_same(tables, tmp_path):
    table = load_table("task_scores_xlm").table(tables)
    csv, markdown, latex = write_kind("task_scores_xlm", [*tables.paths.values()], tmp_path)
    cells = table.to_numpy().tolist()
    assert csv[[*table]].to_numpy().tolist() == cells
    assert rows_of_markdown(markdown) == rows_of_latex(latex) == named_once(cells)
    row = csv[(csv["Layer"] == "2") & (csv["Signatures"] == RAW)].iloc[0]
    assert row["pawsx_acc n"] == "7" and float(row["pawsx_acc low"]) < float(row["PAWS-X Acc"]) < float(row["pawsx_acc high"])
