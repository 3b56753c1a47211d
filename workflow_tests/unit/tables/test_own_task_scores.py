"""The table of the model's own scores, which paper 2 has not."""

import pytest
from planted_task_correlations import (
    FACTS,
    OWN,
    mean_of,
    named_once,
    planted_signature_tables,
    rows_of_latex,
    rows_of_markdown,
    write_kind,
)
from scipy import stats

from xlprobe.metrics.signature_tables import SignatureTables
from xlprobe.tables.declaration import load_table

TABLE = load_table("own_task_scores")


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    return planted_signature_tables(tmp_path_factory.mktemp("signatures"))


def test_correlations_are_those_with_the_models_own_scores_with_n_and_interval(tables):
    found = TABLE.table(tables).set_index(["Layer", "Signatures"])
    assert [*found.index] == [(str(layer), verdict) for layer in range(3) for verdict in ("per layer, raw", "joint, standardised")]
    for layer in range(3):
        r = stats.pearsonr([mean_of(code, layer) for code in OWN], [*OWN.values()])
        low, high = r.confidence_interval()
        # Of four languages no permutation test can reach .05.
        assert found.loc[(str(layer), "per layer, raw"), "POS accuracy"] == f"{r.statistic:.2f}° (n=4) [{low:.2f}, {high:.2f}]"


def test_what_is_not_measured_is_a_dash_with_its_reason(tables):
    found, notes = TABLE.table(tables), TABLE.notes(tables)
    assert {*found["XNLI accuracy"]} == {*found["Alignment F1"]} == {"–"}
    assert "– for XNLI accuracy: the run has no scores of xnli of xlmr_main at step 20." in notes
    assert any(note.startswith("POS accuracy: zero-shot from en, of de fi fr ru; at the last layer, r lies from ") for note in notes)
    assert any("n = 4: unrelated values reach an |r| of 0.95" in note for note in notes)


def test_all_three_formats_say_the_same(tables, tmp_path):
    table = TABLE.table(tables)
    csv, markdown, latex = write_kind("own_task_scores", [*tables.paths.values()], tmp_path)
    cells = table.to_numpy().tolist()
    assert csv[[*table]].to_numpy().tolist() == cells
    assert rows_of_markdown(markdown) == rows_of_latex(latex) == named_once(cells)
    assert csv["pos n"].tolist() == ["4"] * 6 and csv["pos languages"][0] == "de fi fr ru"


def test_a_run_without_correlations_says_so():
    none = SignatureTables.of_files(FACTS, [])
    assert TABLE.table(none).empty and TABLE.notes(none) == ["Nothing to show: this run correlates no signatures of all words with scores."]
