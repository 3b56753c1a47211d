"""Paper 2's Table 3, of nine languages and four categories."""

import pytest
from planted_task_correlations import LANGUAGES, planted_signature_tables, rows_of_latex, rows_of_markdown, write_kind

from xlprobe.tables.declaration import load_table

TABLE = load_table("category_languages")


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    return planted_signature_tables(tmp_path_factory.mktemp("signatures"))


@pytest.fixture(scope="module")
def found(tables):
    return TABLE.table(tables).set_index("Category")


def test_languages_with_enough_words_stand_beside_the_papers(found):
    """German has 300 words with animacy, and is none of the paper's; English has 3, and is none, either."""
    assert found.loc["Animacy"].tolist() == ["2", "8", "ru", "de", "7 not compared"]
    # Of the paper's six, two have 12 and 99 words here.
    assert found.loc["Politeness"].tolist() == ["1", "6", "–", "ja", "de (12), es (99), 4 not compared"]
    assert found.loc["Part of Speech"].tolist() == ["9", "33", ", ".join(LANGUAGES), "–", "24 not compared"]


def test_an_earlier_step_does_not_count(found):
    """At step 10 all had 999 words with case."""
    assert found.loc["Case", ["Here: n", "Paper: n", "In both"]].tolist() == ["0", "27", "–"]


def test_categories_that_are_not_taken_are_dashes_with_the_reason(tables, found):
    assert len(found) == 17 and found.loc["Voice"].tolist() == ["–", "17", "–", "–", "–"]
    notes = TABLE.notes(tables)
    assert notes[0].startswith("Of this run, comparison main, n = 9 languages: those with 100 words or more of a category")
    assert any("Voice: this run takes no signatures of these (config key signatures.categories)" in note for note in notes)
    assert "No language has enough words of Case." in notes
    assert notes[-1].startswith("Languages of the paper that are not compared here (n = 24): ar, bg, ca,")


def test_all_three_formats_say_the_same(tables, found, tmp_path):
    csv, markdown, latex = write_kind("category_languages", [*tables.paths.values()], tmp_path)
    cells = found.reset_index().to_numpy().tolist()
    assert csv.iloc[:, :6].to_numpy().tolist() == rows_of_markdown(markdown) == rows_of_latex(latex) == cells
    row = csv.set_index("Category").loc["Animacy"]
    assert row["Not compared here"] == "bg cs hr pl sk sl uk" and "de:300 en:3" in row["Instances"]
