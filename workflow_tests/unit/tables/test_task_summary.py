import pytest
from planted_tables import planted_facts, planted_model_tables

from xlprobe.artifacts.tables import read_table, write_table
from xlprobe.metrics.model_tables import ModelTables
from xlprobe.tables.declaration import load_table
from xlprobe.tables.task_summary import _bitexts

TABLE = load_table("task_summary")


def test_counts_are_those_of_the_run_in_the_papers_order(planted_results):
    """Five languages of six treebanks; Uyghur is a source alone; no arcs are predicted."""
    found = TABLE.table(planted_model_tables(planted_results))
    assert found.to_numpy().tolist() == [
        ["BPC", "Masked LM", "3", "–"],
        ["POS Tagging", "Token Labeling", "5", "5 → 4"],
        ["Dependency Arc Pred.", "Token Pair Labeling", "–", "–"],
        ["Dependency Arc Class.", "Token Pair Labeling", "2", "2 → 2"],
        ["XNLI", "Sent. Pair Labeling", "2", "2 → 2"],
        ["SimAlign", "Unsupervised Alignment", "–", "1 → 1"],
    ]


def test_two_scripts_of_chinese_are_two_corpora_and_one_language(planted_results, tmp_path):
    """Here German's treebanks are Chinese, as are two of the three corpora."""
    best = read_table(planted_results / "metrics/best.parquet")
    best.loc[best["source"] == "de_hdt", "source_language"] = "zh-Hant"
    best.loc[best["source"] == "de_gsd", "source_language"] = "zh-Hans"
    best.loc[(best["task"] == "bpc") & (best["source"] == "en"), "source_language"] = "zh-Hans"
    best.loc[(best["task"] == "bpc") & (best["source"] == "de"), "source_language"] = "zh-Hant"
    write_table(best, "best.schema.yaml", tmp_path / "best.parquet")
    found = TABLE.table(ModelTables.of_files(planted_facts(), [tmp_path / "best.parquet"]))
    assert found["Num. Langs: In-lang."].tolist()[:2] == ["3", "5"] and found["X-lang."].tolist()[1] == "5 → 4"


def test_notes_say_why_a_task_is_missing(planted_results):
    first, *others = TABLE.notes(planted_model_tables(planted_results))
    assert "base" in first and others == ["– for Dependency Arc Pred.: no arcs are predicted."]


def test_a_run_without_anything_says_so_of_each_task():
    absent = {"xnli, transfer": "no test set for transfer", "xnli, in language": "no inference"}
    tables = ModelTables.of_files(planted_facts(absent=absent), [])
    found = TABLE.table(tables)
    assert {*found["Num. Langs: In-lang."], *found["X-lang."]} == {"–"}
    _, *others = TABLE.notes(tables)
    assert "– for XNLI (in language): no inference." in others and "– for XNLI (transfer): no test set for transfer." in others
    rest = "BPC (in language), POS Tagging, Dependency Arc Pred., Dependency Arc Class., SimAlign (in language)"
    assert f"– for {rest}: nothing that it needs is measured in this run." in others and len(others) == 3


@pytest.mark.parametrize(
    ("pairs", "text"),
    [
        ([("de", "en"), ("en", "cs"), ("en", "fr")], "1 → 3"),
        ([("en", "de"), ("de", "en")], "1 → 1"),
        ([("a", "b"), ("a", "c"), ("b", "c")], "3 pairs"),
        ([], "–"),
    ],
)
def test_bitexts_that_share_a_language_lead_from_it(pairs, text):
    assert _bitexts(pairs) == text
