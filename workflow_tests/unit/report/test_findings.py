"""What is told of a whole run, on one whose true values are known."""

import json
import re
from dataclasses import replace

import pandas as pd
import pytest
from claimed_runs import rows, run_of
from planted_tables import planted_facts, planted_model_tables

from xlprobe.artifacts.captions import read_caption, write_caption
from xlprobe.artifacts.tables import read_schema, write_rows
from xlprobe.errors import XlprobeError
from xlprobe.metrics.model_tables import ModelTables
from xlprobe.report.costs import read_costs
from xlprobe.report.findings import RunFiles, write_findings
from xlprobe.report.headlines import headlines
from xlprobe.report.page import as_page

BENCHMARK = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n"
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="module")
def sentences(planted_results):
    return headlines(planted_model_tables(planted_results))


def test_levels_are_means_over_languages_at_the_final_checkpoint(sentences):
    (pos,) = (sentence for sentence in sentences["How good"] if sentence.startswith("Part of speech:"))
    # .80 .90 .80 .85 .28 .70, and .50 .40 .30 .85 .28 .60 at first; a form's most frequent label is right in 30 %. The second and the
    # third are of German.
    value = float(pos.partition(": ")[2].partition(" %")[0])
    assert value == pytest.approx(69.6, abs=1) and "mean over 5 languages" in pos and "51.6 % at step 5,000" in pos
    assert "5 of 6 curves end better than the best baseline (30.0 %)" in pos
    (bits,) = (sentence for sentence in sentences["How good"] if sentence.startswith("Bits"))
    assert "2 of 3 curves end better than the best baseline (4.00)" in bits and "%" not in bits.partition(";")[0]


def test_intervals_over_languages_are_of_the_runs_level(planted_results):
    """RESULTS.md says one level of all of them."""
    tables = planted_model_tables(planted_results)
    said = (headlines(tables, level)["How good"][0] for level in (0.95, 0.5))
    wide, narrow = (sentence.partition("(±")[2].partition(" points over languages")[0] for sentence in said)
    # Of Student's t with 4 degrees of freedom 2.776 and 0.741.
    assert float(narrow) / float(wide) == pytest.approx(0.741 / 2.776, abs=0.01)


def test_what_is_lost_stands_as_printed_and_cross_fitted(sentences):
    lost = next(sentence for sentence in sentences["What is lost"] if "in language" in sentence)
    bits = re.search(r"Bits per character ([\d.]+) % \(at most ([\d.]+); ([+-][\d.]+)\)", lost)
    # German loses 26.7 % of three languages, English and Hindi nothing.
    assert bits and [float(bits[1]), float(bits[2]), float(bits[3])] == pytest.approx([26.7 / 3, 26.7, 26.7 / 3], abs=1)
    # English in POS and German's bits, more than their checkpoints go up and down; 14 curves, converged probes left out.
    assert re.search(r"^[23] of 14 curves in language lose more than test sentences explain; 2 of 8 ", sentences["What is lost"][1])


def test_transfer_is_told_within_and_between_families(sentences):
    pos = next(sentence for sentence in sentences["Between languages"] if sentence.startswith("Part of speech, transfer"))
    # English, German and Hindi are relatives, Finnish is none; German's two treebanks are one source.
    assert "to a language's own test set (4, " in pos and "within a family (6, " in pos and "between families (6, " in pos


def test_layers_in_transfer_are_those_between_languages_of_the_grid(planted_results, sentences):
    tables = planted_model_tables(planted_results)
    gains = tables.curves("layer_gains", "arc_classification", "transfer").query("against == 'any checkpoint' and rule == 'as printed'")
    between = tables.between_languages(gains)
    (said,) = (one for one in sentences["At which layer"] if "less that of the last layer, in transfer" in one)
    assert 0 < len(between) < len(gains) and re.search(rf"Arc classification \S+ \(\S+; \d+ of {len(between)}\)", said)


def with_order(tables, order):
    return replace(tables, _read={name: tables.table(name) for name in tables.paths if name != "distances"} | {"order": order})


def test_the_order_counts_languages_and_beside_them_their_datasets(planted_results):
    """Were all tasks of German measured on its other treebank, too, it would be no further language."""
    tables = planted_model_tables(planted_results)
    order = tables.table("order")
    more = pd.concat([order, order[order["source_language"] == "de"].assign(treebank="de_hdt")])
    one, two = (
        next(said for said in headlines(known)["When"] if "order (in language, as printed" in said)
        for known in (tables, with_order(tables, more))
    )
    assert "as printed; 2 languages)" in one and "as printed; 2 languages, 3 sets of datasets)" in two


def test_what_is_counted_is_of_one_protocol(planted_results):
    """Converged probes stand beside, and are no further curves."""
    tables = planted_model_tables(planted_results)
    gates = tables.table("gates")
    kept = gates["protocol"].isna() | gates["protocol"].isin(["paper", "lines"])
    assert 0 < kept.sum() < len(gates)
    (clear,) = headlines(tables)["How clear"]
    assert f"of {kept.sum()} curves" in clear
    order = tables.table("order")
    twice = pd.concat([order, order.assign(protocol="converged")])
    assert headlines(with_order(tables, twice))["When"] == headlines(tables)["When"]


def test_layers_of_transfer_are_those_of_pairs_of_two_languages():
    """A language on its own parallel set is none, nor is one that is no target."""
    pairs = {("en_a", "de_pud"): 0.02, ("de_a", "en_pud"): 0.04, ("en_a", "en_pud"): 0.5, ("de_a", "de_pud"): 0.5, ("ug_a", "en_pud"): 0.5}
    numbers = {pair: {"as printed": value, "cross-fitted": (value, 0.01, 0.6)} for pair, value in pairs.items()}
    found = {"layer_gains": rows("layer_gains", "pos", numbers, against="any checkpoint")}
    falls = {pair: {"as printed": -value} for pair, value in pairs.items()}
    found["expected_layers"] = rows("expected_layers", "pos", falls, measure="change", weights="min-max", grid="own")
    gained, moved = headlines(run_of(found).tables)["At which layer"]
    assert "Part of speech +3.0 (+3.0; 2 of 2)." in gained
    assert "Part of speech +0.03 (0 of 2)." in moved


def test_what_is_counted_is_measured_as_the_paper_does():
    """Converged probes stand beside."""
    own = {"model": "base", "rule": "as printed", "setting": "in language", "value": 0.5, "n_too_small": False, "q": 0.01, "task": "pos"}
    order = {"model": "base", "rule": "as printed", "source_language": "en", "target_language": "en", "holds": "yes"}
    found = run_of({
        "correlations": pd.DataFrame([own | {"protocol": protocol} for protocol in ("paper", "converged")]),
        "order": pd.DataFrame([order | {"protocol": protocol} for protocol in ("paper", "converged")]),
    })  # fmt: skip
    told = headlines(found.tables)
    assert "Of 1 rank correlation " in told["What it goes together with"][0] and ", 1 hold " in told["What it goes together with"][0]
    assert "1 language): yes 1." in told["When"][0]


def test_a_subject_of_which_nothing_is_measured_is_left_out():
    assert headlines(ModelTables.of_files(planted_facts(), [])) == {}


@pytest.fixture
def results(tmp_path, planted_results):
    (tmp_path / "metrics").mkdir()
    (tmp_path / "metrics/config.json").write_text(json.dumps({"intervals": {"level": 0.95}, "models": {"base": {"seeds": None}}}))
    (tmp_path / "metrics/environment.json").write_text(json.dumps({"processor": "a <b>processor</b>", "gpus": ["One", "One"]}))
    for stage, seconds in (("probes", 7200), ("features", 60)):
        path = tmp_path / "benchmarks" / stage / "base/1.tsv"
        path.parent.mkdir(parents=True)
        path.write_text(f"{BENCHMARK}{seconds}\t0:00:01\t2048\t1\t1\t1\t1\t1\t1\t{2 * seconds}\n")
    for folder in ("figures", "tables", "claims"):
        (tmp_path / folder).mkdir()
    (tmp_path / "figures/figure_01.png").write_bytes(PNG)
    write_caption(tmp_path / "figures/figure_01.caption.rst", "Best of 6 languages, *all* | of them")
    (tmp_path / "tables/table_1.md").write_text("# What is measured\n\n| a |\n|---|\n| 1 |\n")
    return tmp_path


def written(results, planted_results, claims=()):
    files = RunFiles(
        results=results,
        tables=sorted((planted_results / "metrics").glob("*.parquet")),
        figures={"base": {"01": ("Best performance", results / "figures/figure_01")}},
        papers_tables={"base": {"1": ("What is measured", results / "tables/table_1")}},
        claims={"base": results / "claims/paper1.parquet"} if claims else {},
    )
    write_findings("planted", [planted_facts()], files, results / "RESULTS.md", results / "RESULTS.html")
    return (results / "RESULTS.md").read_text(), (results / "RESULTS.html").read_text()


def test_a_run_is_told_with_its_cost_figures_and_tables(results, planted_results):
    text, page = written(results, planted_results)
    assert "10 checkpoints, step 5,000 to 100,000 after step 0" in text and "trained elsewhere" in text
    assert "not measured: arc prediction, in language: no arcs are predicted" in text
    assert "2 jobs, 4.0 hours of CPU time; one by one they take 2.0 hours; at most 2.0 GiB" in text and "probes 4.0 hours" in text
    assert (
        "![Figure 1](figures/figure_01.png)" in text
        and "### Table 1. What is measured\n\n| a |" in text
        and "[LaTeX](tables/table_1.tex)" in text
    )
    # In the page the figure itself; no tag of a name is obeyed.
    assert 'src="data:image/png;base64,' in page and "<td>1</td>" in page
    assert "&lt;b&gt;processor" in page and "<b>processor" not in page and "*all* | of them" in page


def test_claims_are_counted_without_what_says_nothing_of_the_run(results, planted_results):
    columns = read_schema("claims.schema.yaml")["properties"]
    verdicts = ["agree", "agree", "differ", "undecided", "by construction", "other setting", "not measurable"]
    rows = [
        {name: None if "null" in rule["type"] else "x" for name, rule in columns.items()} | {"id": f"p1-{number}", "verdict": verdict}
        for number, verdict in enumerate(verdicts)
    ]
    write_rows(rows, "claims.schema.yaml", results / "claims/paper1.parquet")
    text, _ = written(results, planted_results, claims=["base"])
    assert "Of 5 claims: agree 2, differ 1, undecided 1, not measurable 1." in text
    assert "by construction 1, other setting 1" in text and "| p1-2 |" in text and "| p1-4 |" not in text


def test_costs_are_summed_by_stage_and_a_broken_file_is_named(tmp_path):
    for name, row in (
        ("probes/a/1", "10\tx\t100\t1\t1\t1\t1\t1\t1\t20"),
        ("probes/b/2", "-\tx\t300\t1\t1\t1\t1\t1\t1\t-"),
        ("tokenizer", "1\tx\t-\t1\t1\t1\t1\t1\t1\t5"),
    ):
        path = tmp_path / f"{name}.tsv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(BENCHMARK + row + "\n")
    costs = read_costs(tmp_path).set_index("stage")
    assert [*costs.index] == ["probes", "tokenizer"] and costs["jobs"].tolist() == [2, 1]
    assert costs.loc["probes", "cpu_hours"] == pytest.approx(20 / 3600) and costs.loc["probes", "gibibytes"] == pytest.approx(300 / 1024)
    assert read_costs(tmp_path / "none").empty
    (tmp_path / "tokenizer.tsv").write_text("nothing\n")
    with pytest.raises(XlprobeError, match=r"tokenizer\.tsv: is no benchmark of a job"):
        read_costs(tmp_path)


def test_captions_come_back_as_they_went_and_are_no_markup(tmp_path):
    from docutils.core import publish_parts

    text = "Best of `xnli_en` | *all*, <b> and a_b_ at 5: see [1]"
    write_caption(tmp_path / "a.caption.rst", text)
    assert read_caption(tmp_path / "a.caption.rst") == text
    shown = publish_parts((tmp_path / "a.caption.rst").read_text(), writer_name="html")["body"]
    assert shown.strip() == "<p>Best of `xnli_en` | *all*, &lt;b&gt; and a_b_ at 5: see [1]</p>"


def test_a_page_has_tables_and_escapes_tags(tmp_path):
    page = as_page("# A\n\n| a | b |\n|---|---|\n| <i>1</i> | 2 |\n", "a & b", tmp_path)
    assert "<title>a &amp; b</title>" in page and "<td>&lt;i&gt;1&lt;/i&gt;</td>" in page
