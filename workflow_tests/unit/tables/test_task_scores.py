"""Paper 2's Table 1, of signatures that are ten times XLM-R's scores of PAWS-X."""

import dataclasses

import pytest
from planted_task_correlations import (
    FACTS,
    MBERT_PAWSX,
    PAWSX,
    named_once,
    planted_signature_tables,
    rows_of_latex,
    rows_of_markdown,
    write_kind,
    write_planted_signatures,
)
from scipy import stats

from xlprobe.tables.declaration import load_table

TABLE = load_table("task_scores")


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    return planted_signature_tables(tmp_path_factory.mktemp("signatures"))


@pytest.fixture(scope="module")
def found(tables):
    return TABLE.table(tables).set_index(["Task", "Model"])


def test_rows_are_the_papers_each_with_its_number_of_languages(found):
    assert len(found) == 12 * 4 and not found.index.has_duplicates
    assert found.loc[("BUCC F1", "XLM"), ["Paper: r", "Paper: n"]].tolist() == ["0.96", "4"]
    # MMTE has none in print.
    assert found.loc[("Tatoeba Acc", "MMTE"), "Paper: r"] == "–" and found["Paper: n"].str.isdigit().all()


def test_a_known_correlation_stands_beside_the_printed_one(found):
    """The second verdict is turned round; Chinese in any script is one of seven languages."""
    assert found.loc[("PAWS-X Acc", "XLM-R")].tolist() == ["0.75", "7", "1.00 (n=7)", "[1.00, 1.00]", "-1.00 (n=7)", "[-1.00, -1.00]"]
    r = stats.pearsonr([PAWSX[code] for code in MBERT_PAWSX], [*MBERT_PAWSX.values()])
    low, high = r.confidence_interval()
    cells = found.loc[("PAWS-X Acc", "mBERT"), ["Here: r", "95 % interval"]].tolist()
    assert cells == [f"{r.statistic:.2f} (n=7)", f"[{low:.2f}, {high:.2f}]"]


def test_no_number_stands_without_its_n(found):
    for column in ("Here: r", "Second verdict: r"):
        assert found[column].str.fullmatch(r"–( \[[ab]\])?|-?[01]\.[0-9]{2}°? \(n=[0-9]+\)").all()


def test_tasks_that_no_file_has_are_rows_with_the_reason(tables, found):
    assert (found.loc[["XNLI Acc", "BUCC F1", "Tatoeba Acc"], "Here: r"] == "– [a]").all()
    notes = TABLE.notes(tables)
    appendix, in_print = (note for note in notes if note.startswith("– ["))
    assert appendix.startswith("– [a] no file has these scores by language: put them in one, from the appendix of Hu et al. (2020")
    assert found.loc[("XQuAD F1", "MMTE"), "Here: r"] == "– [b]" and "from the README of github.com/google-deepmind/xquad" in in_print
    assert "BUCC in print: n = 4: unrelated values reach an |r| of 0.95 in one of 20; no interval says much." in notes
    without = [code for code in MBERT_PAWSX if code != "zh"]
    r = stats.pearsonr([PAWSX[code] for code in without], [MBERT_PAWSX[code] for code in without]).statistic
    assert any(f"without, where another is compared: PAWS-X mBERT accuracy {r:.2f} (n=6)" in note for note in notes)
    # All but PAWS-X of four models, XQuAD of two in two metrics.
    reasons = TABLE.beside(tables)["reason"]
    assert reasons.str.startswith("no file has").sum() == found["Here: r"].str.startswith("– [").sum() == 48 - 4 - 4


def test_all_three_formats_say_the_same(tables, found, tmp_path):
    csv, markdown, latex = write_kind("task_scores", [*tables.paths.values()], tmp_path)
    cells = found.reset_index().to_numpy().tolist()
    assert csv[[*found.reset_index()]].to_numpy().tolist() == cells
    assert rows_of_markdown(markdown) == rows_of_latex(latex) == named_once(cells)
    row = csv.set_index(["Task", "Model"]).loc[("PAWS-X Acc", "XLM-R")]
    assert row[["n", "r", "low", "same script n", "same script r", "second verdict r"]].tolist() == ["7", "1", "1", "6", "1", "-1"]
    assert row["languages"] == "de en es fr ja ko zh-Hant" and 0 < float(row["permutation_p"]) < 0.05


def test_too_few_languages_have_a_mark_or_a_reason(tmp_path):
    tables = planted_signature_tables(tmp_path, languages=["de", "en", "es"])
    found = TABLE.table(tables).set_index(["Task", "Model"])
    assert found.loc[("PAWS-X Acc", "XLM-R"), ["Here: r", "95 % interval"]].tolist() == ["1.00° (n=3)", "none (n=3)"]
    assert any(note.startswith("° n too small") for note in TABLE.notes(tables))
    two = planted_signature_tables(tmp_path, languages=["de", "en"])
    assert TABLE.table(two).set_index(["Task", "Model"]).loc[("PAWS-X Acc", "XLM-R"), "Here: r"] == "– [b]"
    assert "– [b] 2 values have both: a correlation needs 3." in TABLE.notes(two)


def test_without_a_joint_fit_there_is_no_second_verdict(tmp_path):
    tables = planted_signature_tables(tmp_path, places=[("per_layer", "raw")])
    assert {*TABLE.table(tables)["Second verdict: r"]} == {"–"}
    assert any(note.startswith("No second verdict: this run fits no standardised covariances") for note in TABLE.notes(tables))


def test_another_comparison_is_not_mixed_in(tmp_path):
    """Its signatures are the negatives."""
    csv, *_ = write_kind("task_scores", write_planted_signatures(tmp_path), tmp_path, dataclasses.replace(FACTS, main="other"))
    assert csv.set_index(["Task", "Model"]).loc[("PAWS-X Acc", "XLM-R"), "Here: r"] == "-1.00 (n=7)"
