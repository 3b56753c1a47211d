from planted_tables import planted_facts, planted_model_tables

from xlprobe.metrics.model_tables import ModelTables
from xlprobe.tables.declaration import load_table, make_table

TABLE = load_table("task_languages")


def write(tables, tmp_path):
    paths = [tmp_path / f"table.{ending}" for ending in ("csv", "md", "tex")]
    make_table("task_languages", "Languages", [*tables.paths.values()], tables.facts, *paths)
    return [path.read_text() for path in paths]


def test_languages_used_in_transfer_stand_bold_and_in_a_column_of_the_csv(planted_results, tmp_path):
    """Uyghur has no parallel test set; German's two treebanks are one language."""
    csv, markdown, latex = write(planted_model_tables(planted_results), tmp_path)
    assert csv.splitlines() == [
        "Task,Languages,Also in transfer,n",
        'BPC,"de, en, hi",,3',
        'UD,"de, en, fi, hi, ug","de, en, fi, hi",5',
        'XNLI,"de, en","de, en",2',
        "SimAlign,en-de,,1",
    ]
    assert "| UD | **de**, **en**, **fi**, **hi**, ug |" in markdown and "| BPC | de, en, hi |" in markdown
    assert r"UD & \textbf{de}, \textbf{en}, \textbf{fi}, \textbf{hi}, ug \\" in latex


def test_what_is_not_measured_is_a_dash_with_its_reason():
    tables = ModelTables.of_files(planted_facts(absent={"xnli, in language": "the run measures no inference"}), [])
    assert TABLE.table(tables)["Languages"].tolist() == ["–"] * 4
    assert any(note.startswith("– for XNLI (in language): the run measures no inference") for note in TABLE.notes(tables))
