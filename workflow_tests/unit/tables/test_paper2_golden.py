"""Paper 2's figures and tables, from planted signatures to their CSVs: held to golden files, and to numbers that are worked out by hand.

The derivations are in `workflow_tests/golden/paper2/README.md`.
"""

import os
import shutil
from fractions import Fraction
from math import atanh, exp, sqrt, tanh

import numpy as np
import pandas as pd
import pytest
from legible import check_legible
from planted_paper2 import CODES, FACTS, LAYERS, WEIGHTS, write_paper2_run

from xlprobe.artifacts.captions import read_caption
from xlprobe.artifacts.tables import read_of_schema
from xlprobe.figures import paper_declaration
from xlprobe.figures.paper_declaration import Asked, draw_paper_figure
from xlprobe.paths import PROJECT
from xlprobe.study.paper2 import paper2_figures, paper2_tables
from xlprobe.tables.declaration import make_table

GOLDEN = PROJECT / "workflow_tests" / "golden" / "paper2"
RENEW = "XLPROBE_RENEW_GOLDEN"
ADVICE = (
    f"If the change is meant, {RENEW}=1 python -m pytest workflow_tests/unit/tables/test_paper2_golden.py writes the golden files anew;"
    " what this module works out by hand, and golden/paper2/README.md explains, must still hold"
)
FIGURES = [f"figure_{number}" for number in paper2_figures()]
TABLES = [f"table_{number}" for number in paper2_tables()]
FIRST, SECOND = "as published: each layer by itself", "standardised, all layers together"
RAW, JOINT = "per layer, raw", "joint, standardised"
# r of all words with the list U, V and W, by layer, and of case with X.
WITH_U = [Fraction(6, 7), Fraction(7, 9), Fraction(2, 3), Fraction(6, 11), Fraction(3, 13), Fraction(1, 9), Fraction(-2, 15)]
WITH_V = [Fraction(2, 7), Fraction(4, 9), Fraction(1, 3), Fraction(-6, 11), Fraction(4, 13), Fraction(8, 9), Fraction(14, 15)]
WITH_W = [Fraction(3, 7), Fraction(-4, 9), Fraction(-2, 3), Fraction(7, 11), Fraction(12, 13), Fraction(4, 9), Fraction(5, 15)]
CASE_WITH_X = [Fraction(-1), Fraction(-12, 13), Fraction(-4, 5), Fraction(-3, 5), Fraction(-5, 13), Fraction(0), Fraction(3, 5)]
OF_WORDS = {"data_size": WITH_U, "unique_characters": WITH_V, "type_token_ratio": WITH_W}
# z of S = 21 of seven values that all rise or fall, (21 - 1) / sqrt(7 x 6 x 19 / 18) = 3.0038, two-sided.
P_OF_SEVEN = 0.0026666


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The planted run, and paper 2's figures and tables of it, each figure held to be legible as it is drawn."""
    folder = tmp_path_factory.mktemp("paper2")
    write_paper2_run(folder)
    tables, save = sorted((folder / "metrics").glob("*.parquet")), paper_declaration.save_figure

    def save_legible(figure, *rest):
        check_legible(figure)
        save(figure, *rest)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(paper_declaration, "save_figure", save_legible)
        for name, row in zip(FIGURES, paper2_figures().values(), strict=True):
            paths = [folder / f"{name}.{ending}" for ending in ("png", "pdf", "csv", "rst")]
            draw_paper_figure(row.kind, Asked(title=row.title, shown=row.shown), tables, FACTS, *paths)
    for name, row in zip(TABLES, paper2_tables().values(), strict=True):
        make_table(row.kind, row.title, tables, FACTS, *(folder / f"{name}.{ending}" for ending in ("csv", "md", "tex")))
    if os.environ.get(RENEW):
        for name in FIGURES + TABLES:
            shutil.copy(folder / f"{name}.csv", GOLDEN)
    return folder


def csv(made, name, folder=None):
    """A CSV, or the one of that name in another folder: cells of a table as the text that they are, all else as numbers where it is."""
    head = (made / f"{name}.md").read_text().split("\n\n")[1].splitlines()[0] if name in TABLES else ""
    cells = dict.fromkeys((column.strip() for column in head.strip("|").split("|")), str)
    return pd.read_csv((folder or made) / f"{name}.csv", dtype=cells, keep_default_na=False, na_values=[""])


def metrics(folder, name, **values):
    """The rows of a table of `metrics/` of the main comparison as published, that have these values."""
    values = {"variant": "main"} | values
    table = read_of_schema(folder / "metrics" / f"{name}.parquet", f"{name}.schema.yaml")
    return only(table, **({"fit": "per_layer"} if "fit" in table else {}), **values)


def only(table, **values):
    """The rows that have these values; None is none."""
    for column, value in values.items():
        table = table[table[column].isna() if value is None else table[column] == value]
    return table


def numbers(values):
    return pytest.approx([*map(float, values)], abs=2e-6)


def fisher(r, n):
    half = 1.959964 / sqrt(n - 3)
    return numbers([tanh(atanh(r) - half), tanh(atanh(r) + half)])


@pytest.mark.parametrize("name", FIGURES + TABLES)
def test_each_is_as_its_golden_file(made, name):
    """Numbers but for rounding, which differs from processor to processor; texts exactly."""
    try:
        pd.testing.assert_frame_equal(csv(made, name), csv(made, name, GOLDEN), rtol=1e-5, atol=2e-6)
    except AssertionError as error:
        raise AssertionError(f"{name}.csv is not the golden one: {error}\n\n{ADVICE}") from None


def test_there_is_one_golden_file_of_each():
    assert {path.stem for path in GOLDEN.glob("*.csv")} == {*FIGURES, *TABLES}, ADVICE


@pytest.mark.parametrize("name", FIGURES)
def test_each_figure_is_drawn_and_said(made, name):
    """That it is legible is seen where it is drawn."""
    assert (made / f"{name}.png").read_bytes().startswith(b"\x89PNG") and (made / f"{name}.pdf").read_bytes().startswith(b"%PDF")
    said = read_caption(made / f"{name}.rst")
    assert said.startswith("Comparison main: xlmr_main at step 100") and said.endswith(".")


@pytest.mark.parametrize("name", TABLES)
def test_each_table_is_written_in_three_formats(made, name):
    assert (made / f"{name}.md").read_text().startswith("### ") and (made / f"{name}.tex").read_text().startswith("\\begin{table}")


def test_figure_2_means_fall_by_3_and_rise_by_a_half(made):
    table = csv(made, "figure_02").set_index(["panel", "verdict", "language", "layer"])["mean_published"]
    for code, apart in zip(CODES, (-41, 42, 21, 25, -42, -5), strict=True):
        assert table[("original", FIRST, code, 6)] == pytest.approx(12 + apart / 100)
        shift = 1.5 if code == "zh-Hant" else 0.5
        assert table[("romanised", FIRST, code, 6)] == pytest.approx(12 + shift + apart / 100)
    means = table.groupby(["panel", "verdict", "layer"]).mean()
    assert [*means["original", FIRST]] == numbers(30 - 3 * layer for layer in LAYERS)
    assert [*means["original", SECOND]] == numbers(5 + layer / 2 for layer in LAYERS)
    # Five are a half above, one 1.5.
    assert [*means["romanised", FIRST] - means["original", FIRST]] == numbers([4 / 6] * 7)


@pytest.mark.parametrize(("number", "factor"), [("03", "data_size"), ("06", "unique_characters"), ("07", "type_token_ratio")])
def test_figures_3_6_and_7_r_is_the_weight_by_the_root(made, number, factor):
    table = csv(made, f"figure_{number}")
    of_words = only(table, category="part_of_speech", sizes="all")
    assert [*only(of_words, verdict=FIRST)["r"]] == numbers(OF_WORDS[factor])
    turned = {"data_size": WITH_V, "unique_characters": WITH_W, "type_token_ratio": WITH_U}[factor]
    assert [*only(of_words, verdict=SECOND)["r"]] == numbers(turned) and set(of_words["n"]) == {6}
    first = only(table, verdict=FIRST, category="case", layer=6)
    by_hand = {"data_size": 3 / 5, "unique_characters": -47 / sqrt(250 * 26.8), "type_token_ratio": -21 / sqrt(250 * 17.2)}
    assert [*first["r"]] == numbers([by_hand[factor]]) and [*first["n"]] == [5]
    number_r = {"data_size": [np.nan] * 7, "unique_characters": WITH_W, "type_token_ratio": WITH_U}[factor]
    assert [*only(table, verdict=FIRST, category="number", sizes="all")["r"]] == pytest.approx(
        [*map(float, number_r)], abs=2e-6, nan_ok=True
    )


def test_figure_3_case_is_exactly_against_the_data_size_and_equal_sizes_are_apart(made):
    table = only(csv(made, "figure_03"), verdict=FIRST)
    case = only(table, category="case")
    assert [*case["r"]] == numbers(CASE_WITH_X)
    # Of 120 orders of five, one is as the data, and one its reverse; without any language r is -1 all the same.
    exact = case[case["layer"] == 0].iloc[0]
    assert (exact["p"], exact["permutation_p"], exact["influential"]) == (0, pytest.approx(2 / 120, abs=2e-6), "de")
    assert set(only(table, category="number")["reason"]) == {"the factor does not vary"}
    of_sizes = {size: [*only(table, category="part_of_speech", sizes=size)["r"]] for size in ("equal_fixed", "equal_smallest")}
    assert of_sizes == {"equal_fixed": numbers(WITH_W[::3]), "equal_smallest": numbers(WITH_V[::3])}


def test_figure_4_is_the_mean_over_layers(made):
    table = only(csv(made, "figure_04"), verdict=FIRST, sizes="all", category="part_of_speech").set_index("factor")
    for factor, values in OF_WORDS.items():
        row, mean = table.loc[factor], float(sum(values) / 7)
        assert row["r"] == pytest.approx(mean, abs=2e-6) and [row["low"], row["high"]] == fisher(mean, 6) and row["layers"] == 7
    assert [*table["r"][[*OF_WORDS]]] == numbers([0.436513, 0.378279, 0.236383])
    # r with the data size falls from layer to layer: tau is -1.
    assert [*table.loc["data_size", ["tau", "trend_p"]]] == numbers([-1, P_OF_SEVEN])
    assert [*only(csv(made, "figure_04"), verdict=FIRST, category="case", factor="data_size")["r"]] == numbers([sum(CASE_WITH_X) / 7])


def test_figure_5_distances_are_what_sets_do_not_share(made):
    table = csv(made, "figure_05")
    by_layer = {
        layer: dict(zip(rows["language"] + " " + rows["other"], rows["published"], strict=True)) for layer, rows in table.groupby("layer")
    }
    near = {
        0: ({"de en": 0.2}, 0.4),
        3: ({"de en": 0.1, "de sv": 0.3, "en sv": 0.3, "et fi": 0.2, "fi sv": 0.5} | {f"{code} zh-Hant": 0.8 for code in CODES[:5]}, 0.6),
        6: ({"de en": 0.1, "fi sv": 0.2, "et zh-Hant": 0.7} | dict.fromkeys(("de fi", "de sv", "en fi", "en sv"), 0.5), 0.8),
    }
    for layer, (known, others) in near.items():
        assert by_layer[layer] == pytest.approx({pair: known.get(pair, others) for pair in by_layer[0]}, abs=2e-6)
    # Two dimensions that all share count four times.
    assert [*table["gauged"]] == numbers(table["published"] * 10 / 16) and len(table) == 3 * 15


def test_figure_8_trees_and_quartets(made):
    table = csv(made, "figure_08").set_index("panel")
    assert table["newick"].to_dict() == {
        "(a) all words": "((((de:0.05,en:0.05):0.1,sv:0.15):0.141667,(et:0.1,fi:0.1):0.191667):0.108333,zh-Hant:0.4);",
        "(b) mean over categories": "(((de:0.2,(en:0.1,sv:0.1):0.1):0.145833,(et:0.125,fi:0.125):0.220833):0.104167,zh-Hant:0.45);",
    }
    assert {*table["layer"]} == {3} and {*table["resolved"]} == {*table["agreed"]} == {12} and {*table["ties"]} == {0}
    # Of 720 orders of leaves, 12 keep both families where they are, and 12 turn the tree round.
    assert [*table["permutation_p"]] == numbers([24 / 720] * 2)


def test_table_1_r_of_a_users_scores_at_the_last_layer(made):
    table = csv(made, "table_1").set_index(["Task", "Model"])
    by_hand = {
        ("XNLI Acc", "mBERT"): (-2 / 15, "-0.13 (n=6)", "[-0.85, 0.76]"),
        ("PAWS-X Acc", "mBERT"): (-14 / 15, "-0.93 (n=6)", "[-0.99, -0.50]"),
        ("POS F1", "XLM"): (5 / 15, "0.33 (n=6)", "[-0.66, 0.90]"),
        ("NER F1", "XLM-R"): (386 / sqrt(6270 * 26.8), "0.94 (n=5)", "[0.35, 1.00]"),
        ("XQuAD F1", "XLM-R"): (830 / sqrt(200 * (3470 - 16 / 3)), "1.00° (n=3)", "none (n=3)"),
        ("Sentiment accuracy", "Another"): (12 / (15 * sqrt(2)), "0.57 (n=6)", "[-0.45, 0.94]"),
    }
    for test, (r, *cells) in by_hand.items():
        assert table.loc[test, "r"] == pytest.approx(r, rel=1e-5) and [*table.loc[test, ["Here: r", "95 % interval"]]] == cells
    assert [*table.loc[("XNLI Acc", "mBERT"), ["same script n", "same script r"]]] == numbers([5, -38 / sqrt(6270 * 17.2)])
    assert table.loc[("BUCC F1", "XLM-R"), "reason"] == "2 values have both: a correlation needs 3"
    assert table.loc[("Tatoeba Acc", "MMTE"), "reason"] == "the factor does not vary"
    assert table["r"].count() == 6 and table.loc[("BUCC F1", "XLM"), "Paper: r"] == "0.96"


def test_table_2_and_3_languages_and_words(made):
    words = csv(made, "table_2").set_index("Code")["Words"]
    assert words.to_dict() == {"de": "700", "en": "800", "et": "900", "fi": "1,100", "sv": "1,200", "zh-Hant": "1,300"}
    table = csv(made, "table_3").set_index("Category")
    assert [*table.loc["Case", ["Here: n", "In both", "Only in the paper"]]] == ["5", "de, en, et, fi, sv", "zh-Hant (23), 21 not compared"]
    assert [*table.loc["Part of Speech", ["Here: n", "Paper: n"]]] == ["6", "33"] and len(table) == 17


@pytest.mark.parametrize(
    ("number", "column", "expected"),
    [(4, "XNLI Acc", WITH_U), (4, "PAWS-X Acc", [-r for r in WITH_V]), (5, "POS F1", WITH_W), ("A", "POS accuracy", WITH_U)],
)
def test_tables_4_5_and_a_have_these_r_by_layer(made, number, column, expected):
    table = only(csv(made, f"table_{number}"), Signatures=RAW)
    assert [str(cell).split()[0] for cell in table[column]] == [f"{float(r):.2f}" for r in expected]
    assert [*table["Layer"]] == [str(layer) for layer in LAYERS]


def test_tables_6_7_and_a_of_fewer_languages(made):
    xlmr = csv(made, "table_6").set_index(["Layer", "Signatures"])
    assert [*xlmr.loc[("6", RAW), ["NER F1", "XQuAD F1", "BUCC F1"]]] == ["0.94", "1.00°", "–"]
    assert [*xlmr.loc[("n", "here"), ["NER F1", "XQuAD F1", "XNLI Acc"]]] == ["5", "3", "–"]
    mmte = csv(made, "table_7")
    assert {*mmte[mmte["Signatures"].isin([RAW, JOINT])].loc[:, "XNLI Acc":"Tatoeba Acc"].to_numpy().ravel()} == {"–"}
    own = only(csv(made, "table_A"), Layer="6", Signatures=RAW).iloc[0]
    # Inference has no Chinese in traditional letters, alignment no English.
    assert own["XNLI accuracy"] == "0.94 (n=5) [0.35, 1.00]" and own["xnli languages"] == "de en et fi sv"
    r = 39.2 / sqrt(4183.2 * 23.2)
    assert own["Alignment F1"].startswith(f"{r:.2f} (n=5)") and own["alignment languages"] == "de et fi sv zh-Hant"
    assert [own["alignment low"], own["alignment high"]] == pytest.approx(fisher(r, 5).expected, rel=1e-4)


def test_the_analyses_behind_them_trends_and_spreads(made):
    trends = metrics(made, "signature_trends", category="part_of_speech")
    assert set(trends["tau"]) == {-1} and [*trends["p"]] == numbers([P_OF_SEVEN] * 7) and {*trends["direction"]} == {"decreasing"}
    # Six p-values that are equal stay what they are; of 5,040 orders, two are as far.
    assert [*trends["adjusted_p"].dropna()] == numbers([P_OF_SEVEN] * 6) and [*trends["exact_p"]] == numbers([2 / 5040] * 7)
    assert [*only(trends, language=None)["slope"]] == numbers([-3]) and [*only(trends, language="en")["slope"]] == numbers([-2.92])
    assert [*only(metrics(made, "signature_trends", category="case"), language=None)["slope"]] == numbers([1])
    spread = metrics(made, "signature_spreads", category="part_of_speech")
    assert [*spread["variance"]] == numbers(28 * sum(weight**2 for weight in weights) / 5e4 for weights in WEIGHTS)
    last = spread.iloc[-1]
    assert (last["least_language"], last["most_language"], last["mean"]) == ("sv", "en", pytest.approx(12))
    assert [last["least"], last["most"], last["median"]] == numbers([11.58, 12.42, 12.08])
    english = metrics(made, "signature_standings", category="part_of_speech", layer=6, language="en").iloc[0]
    assert (english["rank"], english["z"]) == (6, pytest.approx(0.42 / sqrt(0.126)))


def test_the_analyses_behind_them_variances_and_variants(made):
    (row,) = metrics(made, "signature_variances", category="part_of_speech", layer=6).to_dict("records")
    diverse, related = (0.2147 - 0.0625 / 3) / 2, (0.5209 - 0.1681 / 3) / 2
    assert [row["diverse_variance"], row["related_variance"]] == numbers([diverse, related])
    statistic = 2 * diverse / related
    # With two degrees of freedom, the upper tail is exp(-x / 2).
    assert [row["statistic"], row["p"]] == numbers([statistic, 2 * min(exp(-statistic / 2), 1 - exp(-statistic / 2))])
    assert [row["diverse_n"], row["related_n"], row["shared_n"]] == [3, 3, 1]
    romanised = metrics(made, "variant_differences", variant="romanised", layer=6).set_index("language")
    assert [*romanised["difference"]] == numbers([0.5] * 5 + [1.5]) and romanised["own_text_differs"].sum() == 1
    # Of the others, -41 42 21 25 -42 hundredths: mean 1, squares 6,270.
    assert [*romanised.loc["zh-Hant", ["main_z", "z"]]] == numbers([-6 / sqrt(6270 / 4), 94 / sqrt(6270 / 4)])
    tenth = metrics(made, "variant_differences", variant="tenth", layer=6).set_index("language")
    assert [*tenth["difference"]] == numbers([0, 0, 0, -2, 0, 0]) and tenth.index[tenth["own_text_differs"]].tolist() == ["fi"]


def test_the_analyses_behind_them_trees_of_other_layers(made):
    trees = metrics(made, "language_trees", category="part_of_speech", signature="published").set_index("layer")
    assert trees["ties"].to_dict() == dict.fromkeys(range(3), 3) | dict.fromkeys(range(3, 7), 0)
    assert trees.loc[6, "newick"] == "(((de:0.05,en:0.05):0.2,(fi:0.1,sv:0.1):0.15):0.15,(et:0.35,zh-Hant:0.35):0.05);"
    assert [*trees.loc[6, ["resolved", "agreed"]]] == [12, 5]
    groups = metrics(made, "language_groups", category="part_of_speech", signature="published", level="family")
    spanned = {(layer, group): n for layer, group, n in groups[["layer", "group", "spanned"]].itertuples(index=False) if layer in (3, 6)}
    assert spanned == {(3, "Indo-European"): 3, (3, "Uralic"): 2, (6, "Indo-European"): 4, (6, "Uralic"): 6}
    # Of 20 groups of three, four lie in a clade of four; of 15 pairs, two are sisters at layer 3.
    assert [*only(groups, layer=6, group="Indo-European")["p"]] == numbers([4 / 20])
    assert [*only(groups, layer=3, group="Uralic")["p"]] == numbers([2 / 15])
