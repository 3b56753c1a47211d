import io
import re

import numpy as np
import pandas as pd
import pytest

from xlprobe.artifacts.published_tables import published_rows
from xlprobe.tables.rendering import as_latex, as_markdown, bold, decimals, p_value, score, write_rendered

TABLE = pd.DataFrame(
    {
        "Group": ["A|B", "A|B", "C_1"],
        "Cell": [f"{bold('en_ewt')}, de", "5 % & $1", "x" * 60],
        "Value": ["-0.597**", "", "0.411* (n=39)"],
    }
)


def rows_of(markdown):
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in markdown.splitlines() if line.startswith("|")]


def test_markdown_has_a_title_a_row_a_line_and_notes():
    """Numbers stand right; a pipe in a cell ends none, and stars are no emphasis."""
    found = as_markdown(TABLE, "Scores | all", ["* p < 0.05.", "Of en_ewt."])
    assert found.startswith("### Scores \\| all\n\n| Group | Cell | Value |\n| --- | --- | ---: |\n")
    assert rows_of(found)[2:] == [
        [r"A\|B", r"**en\_ewt**, de", r"-0.597\*\*"],
        ["", "5 % & $1", ""],
        [r"C\_1", "x" * 60, r"0.411\* (n=39)"],
    ]
    assert found.endswith("\n\n\\* p < 0.05.\n\nOf en\\_ewt.\n")


def test_latex_escapes_what_it_would_take_for_its_own():
    found = as_latex(TABLE, r"50 % of {a_b} \ ~ ^", ["# 1 → 2, p < 0.05"])
    assert r"\caption{50 \% of \{a\_b\} \textbackslash{} \textasciitilde{} \textasciicircum{}}" in found
    assert r"A\textbar{}B & \textbf{en\_ewt}, de & $-$0.597** \\" in found
    # A group's name stands once, and a line above the next group.
    assert r" & 5 \% \& \$1 &  \\" + "\n\\midrule\nC\\_1 & " in found
    assert r"\footnotesize \# 1 $\rightarrow$ 2, p $<$ 0.05" in found


def test_latex_is_a_table_with_rules_and_as_many_cells_in_each_row():
    found = as_latex(TABLE, "Scores", ["A note."])
    for part in (r"\begin{table}", r"\toprule", r"\bottomrule", r"\end{tabular}", r"\end{table}"):
        assert found.count(part) == 1
    assert r"\begin{tabular}{l>{\raggedright\arraybackslash}p{0.75\linewidth}r}" in found
    rows = [line for line in found.splitlines() if line.endswith(r"\\")]
    assert len(rows) == 4 and all(len(re.findall(r"(?<!\\)&", row)) == 2 for row in rows)
    bare = re.sub(r"\\[{}$]", "", found)
    assert bare.count("{") == bare.count("}") and bare.count("$") % 2 == 0
    assert found.index("A note.") > found.index(r"\end{tabular}")


def test_a_wide_table_is_set_smaller():
    wide = pd.DataFrame([{f"c{number}": "0.411* → 0.398*" for number in range(8)}])
    assert r"\centering\scriptsize" in as_latex(wide, "Wide", []) and r"\centering\small" in as_latex(wide.iloc[:, :3], "Narrow", [])


def test_the_csv_has_the_cells_as_they_are_and_what_stands_beside(tmp_path):
    paths = [tmp_path / name for name in ("t.csv", "t.md", "t.tex")]
    write_rendered(TABLE, "Scores", [], *paths, beside=pd.DataFrame({"p": ["0.01", "", "0.2"]}))
    csv = paths[0].read_text()
    found = pd.read_csv(io.StringIO(csv), dtype=str, keep_default_na=False)
    assert [*found] == ["Group", "Cell", "Value", "p"] and found["Group"].tolist() == ["A|B", "A|B", "C_1"]
    assert found["Cell"].tolist()[:2] == ["en_ewt, de", "5 % & $1"] and found["Value"].tolist() == TABLE["Value"].tolist()
    assert all(path.read_text().endswith("\n") for path in paths) and "0.2" not in paths[1].read_text()
    assert not [*tmp_path.glob(".*")]


def test_a_table_without_rows_has_its_head(tmp_path):
    empty = pd.DataFrame(columns=["Alternative", "POS"])
    write_rendered(empty, "None", ["Nothing."], *(tmp_path / name for name in ("t.csv", "t.md", "t.tex")))
    assert (tmp_path / "t.csv").read_text() == "Alternative,POS\n" and rows_of((tmp_path / "t.md").read_text())[0] == ["Alternative", "POS"]
    assert r"Alternative & POS \\" in (tmp_path / "t.tex").read_text()


@pytest.mark.parametrize(
    ("value", "task", "text"),
    [(0.8965, "pos", "89.65"), (0.6089, "bpc", "0.609"), (-0.0133, "bpc", "-0.013"), (-0.0000049, "pos", "0.00"), (np.nan, "pos", "–")],
)
def test_scores_are_in_per_cent_and_bits_as_they_are(value, task, text):
    assert score(value, task) == text


def test_numbers_as_they_are_printed():
    assert [decimals(value, 3) for value in (-0.0004, 0.0005, -0.597)] == ["0.000", "0.001", "-0.597"]
    assert [p_value(p) for p in (0.0009, 0.001, 0.0316, np.nan)] == ["p < 0.001", "p = 0.001", "p = 0.032", "p –"]


def test_published_rows_are_by_column_and_blanks_stay():
    first, *_, last = published_rows("published/paper1_table4.tsv")
    assert (first["bpc"], first["xnli"]) == ("-0.597**", "0.767**") and last["bpc"] == ""
