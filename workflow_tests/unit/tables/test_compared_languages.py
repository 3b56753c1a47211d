"""Paper 2's Table 2, of nine languages."""

import dataclasses

import pytest
from planted_task_correlations import FACTS, planted_signature_tables, rows_of_latex, rows_of_markdown, write_kind

from xlprobe.metrics.signature_tables import SignatureTables
from xlprobe.tables.declaration import load_table

TABLE = load_table("compared_languages")


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    return planted_signature_tables(tmp_path_factory.mktemp("signatures"))


def test_languages_stand_by_name_with_family_genus_and_words(tables, tmp_path):
    csv, markdown, latex = write_kind("compared_languages", [*tables.paths.values()], tmp_path)
    rows = csv.iloc[:, :6].to_numpy().tolist()
    assert rows[0] == ["Chinese (Traditional)", "zh-Hant", "Sino-Tibetan", "Chinese", "500", "yes, as zh"]
    assert rows[-1] == ["Spanish", "es", "Indo-European", "Romance", "500", "yes"]
    assert len(rows) == 9 and rows_of_markdown(markdown) == rows_of_latex(latex) == rows
    assert csv["Script"].tolist()[:2] == ["Traditional Han", "Latin"]


def test_those_of_the_paper_that_are_missing_are_named(tables):
    first, second = TABLE.notes(tables)
    assert first.startswith("Of this run, comparison main: n = 9 languages of 5 families and 7 genera.")
    assert second.startswith(
        "Of the paper's 33 languages, 24 are not compared here: Arabic (ar), Bulgarian (bg), Catalan (ca), Croatian (hr)"
    )
    assert "Chinese" not in second and second.endswith("Vietnamese (vi).")


def test_another_genus_than_the_papers_is_told():
    languages = {**FACTS.languages, "fi": {**FACTS.languages["fi"], "genus": "Baltic-Finnic"}}
    tables = SignatureTables.of_files(dataclasses.replace(FACTS, languages=languages), [])
    assert TABLE.notes(tables)[-1] == "The paper has another family or genus for fi (Uralic, Finnic)."
    # What is not known is a dash.
    assert {*TABLE.table(tables)["Words"]} == {"–"}


def test_invented_languages_are_none_of_the_papers():
    facts = {code: {"name": code, "family": "arvic", "genus": "arvic", "branch": "", "script": "Latin"} for code in ("qaa", "qab")}
    tables = SignatureTables.of_files(dataclasses.replace(FACTS, compared=["qaa", "qab"], languages=facts, world=True), [])
    assert {*TABLE.table(tables)["In the paper"]} == {"no"}
    first, second = TABLE.notes(tables)
    assert "n = 2 languages of 1 family and 1 genus" in first and "All are invented" in first and "33 are not compared here" in second
