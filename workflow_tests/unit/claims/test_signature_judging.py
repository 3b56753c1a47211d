"""The table of paper 2's claims as a job writes it: judged twice, and of runs that lack something."""

import json
from dataclasses import replace

import pandas as pd
import pytest
from claimed_comparisons import JOINT, comparison_of
from claimed_comparisons import table as table_of
from planted_comparisons import PlantedTables, planted_tables, sizes
from planted_task_correlations import FACTS, write_planted_signatures

from xlprobe.artifacts.tables import read_of_schema
from xlprobe.claims.comparison import JudgedComparison
from xlprobe.claims.judging import judged, write_claims
from xlprobe.claims.papers import PAPER2
from xlprobe.claims.published import read_claims
from xlprobe.claims.verdicts import AGREE, BY_CONSTRUCTION, DIFFER, NOT_MEASURABLE, OTHER_SETTING, VERDICTS

CLAIMS = {claim.id: claim for claim in read_claims("paper2")}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The folder of the claims of a run that has two tables."""
    folder = tmp_path_factory.mktemp("claims")
    for name in ("configuration", "environment"):
        (folder / f"{name}.json").write_text(json.dumps({}))
    paths = {"parquet": folder / "paper2.parquet", "csv": folder / "paper2.csv", "markdown": folder / "paper2.md"}
    write_claims(write_planted_signatures(folder), FACTS, folder / "configuration.json", folder / "environment.json", **paths)
    return folder


@pytest.fixture(scope="module")
def table(written):
    return read_of_schema(written / "paper2.parquet", "claims.schema.yaml").set_index("id")


def trend(relative, way):
    """A mean of 1 over layers."""
    found = {
        "language": None,
        "languages": 9,
        "n": 7,
        "slope": relative,
        "relative_slope": relative,
        "low": relative - 0.01,
        "high": relative + 0.01,
    }
    return found | {"p": 0.01} | way


def test_each_claim_has_a_verdict_and_those_on_signatures_two(table):
    assert [*table.index] == [*CLAIMS] and {*table["verdict"]} <= {*VERDICTS}
    explained = table["verdict"].isin([NOT_MEASURABLE, OTHER_SETTING])
    assert (table.loc[explained, "why"] != "").all()
    twice = {name for name, claim in CLAIMS.items() if claim.measure in PAPER2.asked_again and claim.scope != "construction"}
    assert {*table.index[table["second_verdict"].notna()]} == twice
    assert {"p2-021", "p2-003", "p2-060"} <= twice and not {"p2-029", "p2-078", "p2-012"} & twice


def test_both_ways_of_taking_signatures_are_judged_each_by_itself():
    """Falling by 5 per cent a layer as printed, rising by 5 of standardised vectors."""
    run = comparison_of({"signature_trends": [trend(-0.05, {}), trend(0.05, JOINT)]})
    row = judged(run, CLAIMS["p2-021"])
    assert (row["verdict"], row["second_verdict"]) == (AGREE, DIFFER)
    assert (row["value"], row["ours"]) == (pytest.approx(-5), "-5.0 % (interval -6.0 to -4.0, p = 0.01)")
    assert row["second"] == "5.0 % (interval 4.0 to 6.0, p = 0.01)"


def test_planted_correlations_are_found_again(table):
    """At the last layer means are ten times XLM-R's scores of PAWS-X in seven languages, and turned round for the second verdict."""
    row = table.loc["p2-061"]
    assert "XLM-R: 1.000" in row["ours"] and "XLM-R: -1.000" in row["second"] and row["second_verdict"] == OTHER_SETTING
    assert row["verdict"] == OTHER_SETTING and row["why"].startswith("the run lacks 24 of the paper's languages")
    assert "3 layers are compared, not 13" in row["why"]


def test_invented_languages_are_another_setting():
    run = comparison_of({}, world=True)
    rows = [judged(run, claim) for claim in CLAIMS.values()]
    assert {row["verdict"] for row in rows if row["scope"] == "paper"} == {OTHER_SETTING}
    assert all(row["why"].startswith("the languages are invented") for row in rows if row["scope"] == "paper")


def test_the_papers_own_size_is_its_setting():
    """Its 33 languages and 13 layers; planted fits name no rank. Without Swedish it is another."""
    size = sizes()["paper"]
    tables = planted_tables(size)
    whole = PlantedTables(size.facts, {}, tables.tables)
    assert PAPER2.other_setting(JudgedComparison(whole, {}, {}), CLAIMS["p2-023"], {}) == ""
    fewer = replace(whole, facts=replace(size.facts, compared=[code for code in size.facts.compared if code != "sv"]))
    assert PAPER2.other_setting(JudgedComparison(fewer, {}, {}), CLAIMS["p2-023"], {}) == "the run lacks sv of the paper's languages"


def test_a_run_that_measures_nothing_says_so_of_each_claim():
    run = comparison_of()
    for claim in CLAIMS.values():
        row = judged(run, claim)
        assert row["verdict"] in (NOT_MEASURABLE, OTHER_SETTING, BY_CONSTRUCTION), claim.id
        assert row["why"] or row["verdict"] == BY_CONSTRUCTION


def test_the_markdown_shows_both_verdicts(written, table):
    text = (written / "paper2.md").read_text()
    assert text.startswith("# Claims of paper 2, held against the comparison main\n") and "Paper 2 makes 79 claims. " in text
    counts, second = table["verdict"].value_counts(), table["second_verdict"].value_counts()
    for verdict in VERDICTS:
        assert f"| **{verdict}** | {counts.get(verdict, 0)} | {second.get(verdict, 0)} |" in text
    lines = [line for line in text.splitlines() if line.startswith("| p2-")]
    assert len(lines) == 79 and {line.replace(r"\|", "").count("|") for line in lines} == {8}


def test_the_csv_says_the_same(written, table):
    found = pd.read_csv(written / "paper2.csv", keep_default_na=False).set_index("id")
    assert [*found["ours"]] == [*table["ours"]] and [*found["second_verdict"]] == [*table["second_verdict"].fillna("")]


def test_the_papers_setting_without_a_joint_fit_is_judged_once():
    """What the run lacks is not measurable; it is no other setting."""
    size = sizes()["paper"]
    tables = planted_tables(size)
    whole = PlantedTables(size.facts, {}, {name: of[of["fit"] == "per_layer"] for name, of in tables.tables.items() if "fit" in of})
    row = judged(JudgedComparison(whole, {}, {}), CLAIMS["p2-052"])
    assert row["verdict"] in (AGREE, DIFFER) and row["second_verdict"] == NOT_MEASURABLE and "no such fit" in row["second_why"]


def test_another_call_is_another_setting():
    size = sizes()["paper"]
    run = JudgedComparison(planted_tables(size), {"signatures": {"nonnegative": False, "iterations": 100}}, {})
    assert PAPER2.other_setting(run, CLAIMS["p2-023"], {}) == "fits have nonnegative False, not True"
    # Which words have a category hangs on no fit.
    assert PAPER2.other_setting(run, CLAIMS["p2-078"], {}) == ""


def test_fewer_falling_languages_than_printed_differ():
    """27 of 33, in the paper's own setting."""
    size = sizes()["paper"]
    rows = [
        {"language": code, "direction": "decreasing" if place < 27 else "none", "n": 13, "tau": -1.0, "adjusted_prewhitened_p": 0.5}
        for place, code in enumerate(size.facts.compared)
    ]
    tables = {"signature_trends": table_of("signature_trends", *rows), "signatures": planted_tables(size).tables["signatures"]}
    row = judged(JudgedComparison(PlantedTables(size.facts, {}, tables), {}, {}), CLAIMS["p2-023"])
    assert (row["verdict"], row["value"]) == (DIFFER, 27)


def test_a_part_that_is_too_small_leaves_a_claim_undecided():
    """One tree agrees surely, of the other so few leaves support no claim."""
    trees = [
        {"category": category, "layer": 0, "share": 0.9, "permutation_p": p, "languages": 6, "n_too_small": small}
        for category, p, small in (("part_of_speech", 0.2, True), (None, 0.01, False))
    ]
    row = judged(comparison_of({"language_trees": trees, "signatures": [{"layer": 0}]}), CLAIMS["p2-003"])
    assert row["verdict"] == "undecided" and "all words: n too small: 6 leaves" in row["why"]


def test_what_is_no_finite_number_says_nothing():
    """Two variances whose ratio is infinite."""
    rows = [{"layer": layer, "variance": variance, "languages": 9} for layer, variance in enumerate((1e-300, 1e300, 1.0))]
    row = judged(comparison_of({"signature_spreads": rows, "signatures": rows}), CLAIMS["p2-025"])
    assert "no finite number" in row["why"] and "inf" not in row["ours"]


def test_standardised_fits_alone_have_a_setting_of_their_own():
    """Five layers, none as printed: the paper's claims are not judged by them."""
    size = sizes()["paper"]
    rows = [{"layer": layer, "language": code, "rank": 10, **JOINT} for layer in range(5) for code in size.facts.compared]
    run = JudgedComparison(PlantedTables(size.facts, {}, {"signatures": table_of("signatures", *rows)}), {}, {})
    joint = replace(run, way=("over_layers", "standardised"))
    assert PAPER2.other_setting(joint, CLAIMS["p2-023"], {}) == "5 layers are compared, not 13; fits have 10 components, not 768"
