"""What is told of signatures, on tables whose rows a person has written."""

import dataclasses
import json

import pytest
from claimed_runs import facts
from planted_task_correlations import FACTS

from xlprobe.artifacts.captions import write_caption
from xlprobe.artifacts.tables import read_schema, write_rows
from xlprobe.metrics.signature_tables import SignatureTables
from xlprobe.report.findings import RunFiles, write_findings
from xlprobe.report.signature_findings import signature_findings

RUN = {"variant": "main", "training_seed": None, "model": "xlmr_main", "step": 20, "category": "part_of_speech"}
PUBLISHED = {"signature": "published"}
FITS = [("per_layer", "raw", 1.0), ("over_layers", "standardised", -1.0)]
THREE = dataclasses.replace(FACTS, compared=["de", "en", "fi"], categories=["case", "part_of_speech"])


def signature(code, layer, category="part_of_speech", instances=500, scale="raw", ratio=None, **changed):
    norms = {"norm": ratio, "norm_shuffled": None if ratio is None else 1.0}
    names = {"monolingual": f"mono_{code}", "monolingual_step": 8, "dataset": f"morph_{code}", "solver": "xlprobe", "fit": "per_layer"}
    value = {"mean_published": 0.5 if instances >= 100 else None, "reason": None if instances >= 100 else "too few"}
    of = {"language": code, "layer": layer, "instances": instances, "scale": scale, "category": category}
    return RUN | names | norms | value | of | changed


def spread(layer, mean, fit, scale):
    return RUN | PUBLISHED | {"layer": layer, "fit": fit, "scale": scale, "languages": 3, "without_value": 0, "mean": mean}


def trend(language, tau, p, direction, fit, scale):
    of = {"language": language, "fit": fit, "scale": scale, "languages": 1 if language else 3}
    return RUN | PUBLISHED | of | {"n": 5, "tau": tau, "p": p, "direction": direction, "n_too_small": False}


def write_tables(folder, spreads=True, ratio=4.0):
    """Three languages at five layers: the mean falls from 5 to 1, and rises in the second verdict."""
    rows = [signature(code, layer, ratio=ratio * (layer + number)) for number, code in enumerate(("de", "en", "fi")) for layer in (1, 2, 3)]
    rows += [signature("de", layer, "case", 12) for layer in (1, 2, 3)] + [signature("fi", layer, "case") for layer in (1, 2, 3)]
    rows += [signature("en", layer, "case", mean_published=None, reason="constant") for layer in (1, 2, 3)]
    # Neither an earlier step nor another comparison counts.
    rows += [signature("de", 1, ratio=1000.0, step=10), signature("de", 1, ratio=1000.0, variant="other")]
    tables = {
        "signatures": rows,
        "signature_spreads": [
            spread(layer, 3 + sign * (3 - place), fit, scale) for fit, scale, sign in FITS for place, layer in enumerate(range(1, 6), 1)
        ]
        if spreads
        else [],
        "signature_trends": [
            trend(
                language, -sign, 0.0004 if language is None else 0.03, "decreasing" if sign > 0 or language == "fi" else "none", fit, scale
            )
            for fit, scale, sign in FITS
            for language in (None, "de", "en", "fi")
        ]
        if spreads
        else [],
        "language_trees": [
            RUN
            | PUBLISHED
            | {"layer": layer, "middle_layer": 3, "fit": "per_layer", "scale": "raw", "languages": 9, "left_out": "", "n_too_small": False}
            | {"resolved": 50, "agreed": 40 if layer == 3 else 1, "share": 0.8 if layer == 3 else 0.02}
            | {"permuted_high": 0.52, "permutation_p": 0.004}
            for layer in (2, 3)
        ],
    }
    paths = []
    for name, found in tables.items():
        paths.append(folder / f"{name}.parquet")
        write_rows(found, f"{name}.schema.yaml", paths[-1])
    return paths


@pytest.fixture
def found(tmp_path):
    return [*signature_findings(SignatureTables.of_files(THREE, write_tables(tmp_path)))]


def test_what_is_compared_is_counted(found):
    compared = "Compared: 3 languages, 2 of 17 categories, 2 variants (main, other). Below, comparison main, model xlmr_main, step 20."
    assert found[0] == compared


def test_means_by_layer_and_their_trend_have_both_verdicts(found):
    printed, second = (sentence for sentence in found if sentence.startswith("Mean signature"))
    assert printed == (
        "Mean signature of all words (per layer, raw, as printed): 5 at layer 1 (n = 3) → 1 at layer 5 (n = 3), over n languages; lowest 1"
        " at layer 5. Over layers the mean has Kendall's tau -1.00 (p < 0.001; n = 5 layers); 3 of 3 languages fall and 0 rise"
        " (Mann-Kendall, false discovery rate 0.05)."
    )
    assert "(joint, standardised, the second verdict): 1 at layer 1 (n = 3) → 5 at layer 5 (n = 3)" in second
    assert "tau 1.00" in second and "1 of 3 languages fall and 0 rise" in second


def test_the_tree_of_the_middle_layer_is_held_against_permuted_leaves(found):
    (tree,) = (sentence for sentence in found if sentence.startswith("Tree"))
    assert "at layer 3, all words (per layer, raw, as printed): it divides 40 of 50 quartets" in tree
    assert "(80 %, a third by chance); of permuted leaves 5 % exceed 52 % (p = 0.004, n = 9 languages)." in tree


def test_strength_is_of_the_last_step_at_the_first_and_the_last_layer(found):
    """4 times 1, 2, 3 at layer 1; 3, 4, 5 at layer 3."""
    (strength,) = (sentence for sentence in found if sentence.startswith("Strength"))
    assert "(raw): layer 1: median 8.0, 4.0 to 12.0 (n = 3 languages); layer 3: median 16.0, 12.0 to 20.0 (n = 3 languages)." in strength


def test_what_is_absent_is_told_with_its_reason(found):
    skipped, few, others = (sentence for sentence in found if sentence.startswith("Absent"))
    assert skipped.startswith("Absent: 15 categories not taken (Animacy, Aspect, Comparison,")
    assert few == "Absent: 1 of 6 pairs of a language and a category, with fewer than 100 words."
    assert others == "Absent for other reasons: 3 of 18 rows of `metrics/signatures.parquet`: constant (3)."


def test_a_run_without_means_says_so(tmp_path):
    found = [*signature_findings(SignatureTables.of_files(THREE, write_tables(tmp_path, spreads=False, ratio=0.0)))]
    none = [sentence for sentence in found if sentence.startswith("Mean signature")]
    assert len(none) == 2 and all(sentence.endswith(": none, the run makes no such fit.") for sentence in none)


def test_results_have_a_section_where_the_run_has_signatures(planted_results, tmp_path):
    files = run_files(tmp_path, {"intervals": {"level": 0.95}, "models": {}})
    texts = {signatures is None: written(files, [], signatures) for signatures in (THREE, None)}
    assert "\n## Signatures\n\n- Compared: 3 languages" in texts[False] and "Signatures" not in texts[True]
    assert "- 2. Languages: [table](tables/paper2/table_2.md), [CSV](tables/paper2/table_2.csv)" in texts[False]


def run_files(folder, config, **more):
    """A run's folder that has a configuration and the tables of signatures."""
    for name in ("metrics", "benchmarks"):
        (folder / name).mkdir()
    for name, content in {"config": config, "environment": {"processor": "one", "gpus": []}}.items():
        (folder / "metrics" / f"{name}.json").write_text(json.dumps(content))
    tables = {"2": ("Languages", folder / "tables" / "paper2" / "table_2")}
    shown = {"figures": {}, "papers_tables": {}, "claims": {}, "tables_of_signatures": tables}
    return RunFiles(results=folder, tables=write_tables(folder), **shown, **more)


def written(files, models, signatures=THREE):
    """RESULTS.md."""
    write_findings("signed", models, files, files.results / "RESULTS.md", files.results / "RESULTS.html", signatures)
    return (files.results / "RESULTS.md").read_text(encoding="utf-8")


def test_what_is_only_compared_is_said_in_a_line(tmp_path):
    """Of E no score, so that there is no finding of it; control models together; nothing is trained elsewhere that is trained here."""
    models = {"base": {}, **{f"mono_{code}": {"control": True} for code in ("qaa", "qba")}}
    config = {"intervals": {"level": 0.95}, "models": models, "signatures": {"variants": {"main": {"multilingual": "base"}}}}
    text = written(run_files(tmp_path, config), [facts(pretrained=["qaa", "qba"], absent={"pos, in language": "no tags"})])
    assert "- **base**: pretrained here on 2 languages; 4 checkpoints" in text and "measured in nothing else" in text
    assert "- **2 control models** (mono_qaa, mono_qba): each pretrained here on one language" in text
    assert "## Findings" not in text and "not measured" not in text and "elsewhere" not in text


def test_figures_of_paper_2_are_shown_with_their_captions(tmp_path):
    figure = tmp_path / "figures" / "paper2" / "figure_02"
    figure.parent.mkdir(parents=True)
    figure.with_suffix(".png").write_bytes(b"\x89PNG")
    write_caption(figure.with_suffix(".caption.rst"), "Points are languages.")
    config = {"intervals": {"level": 0.95}, "models": {}}
    text = written(run_files(tmp_path, config, figures_of_signatures={"02": ("Means by layer", figure)}), [])
    assert "## Paper 2's figures\n\n### Figure 2. Means by layer\n\n![Figure 2](figures/paper2/figure_02.png)" in text
    assert "Points are languages. [PDF](figures/paper2/figure_02.pdf), [data](figures/paper2/figure_02.csv)" in text


def test_files_lie_where_rules_put_them(tmp_path):
    titles = {"figures": {"01": "A"}, "papers_tables": {"1": "B"}, "figures_of_signatures": {"02": "C"}, "tables_of_signatures": {"A": "D"}}
    files = RunFiles.in_folder(tmp_path, True, tables=[], followed=["base"], **titles)
    assert files.figures == {"base": {"01": ("A", tmp_path / "figures/base/paper1/figure_01")}}
    assert files.papers_tables == {"base": {"1": ("B", tmp_path / "tables/base/paper1/table_1")}}
    assert files.figures_of_signatures == {"02": ("C", tmp_path / "figures/paper2/figure_02")}
    assert files.tables_of_signatures == {"A": ("D", tmp_path / "tables/paper2/table_A")}
    assert files.claims == {"base": tmp_path / "claims/base/paper1.parquet"}
    assert files.claims_of_signatures == tmp_path / "claims/paper2.parquet"
    assert RunFiles.in_folder(tmp_path, False, tables=[], followed=[], **titles).claims_of_signatures is None


def test_claims_of_paper_2_are_told_with_both_verdicts(tmp_path):
    columns = read_schema("claims.schema.yaml")["properties"]
    shared = dict.fromkeys(columns, "") | dict.fromkeys(("value", "cross_fitted", "low", "high", "n")) | {"interval": "no interval"}
    verdicts = [("agree", "differ"), ("by construction", None), ("undecided", "agree")]
    rows = [
        shared
        | {"id": f"p2-{place:03}", "statement": "Means fall", "verdict": one, "second_verdict": two, "ours": "-5.0 %", "second": "3.0 %"}
        for place, (one, two) in enumerate(verdicts, 1)
    ]
    write_rows(rows, "claims.schema.yaml", tmp_path / "claims" / "paper2.parquet")
    config = {"intervals": {"level": 0.95}, "models": {}}
    text = written(run_files(tmp_path, config, claims_of_signatures=tmp_path / "claims" / "paper2.parquet"), [])
    assert "## What paper 2 claims, and what signatures say" in text and "Of 2 claims: agree 1, differ 0, undecided 1" in text
    assert "agree 1, differ 1, undecided 0, not measurable 0; of 2 claims with one that says something, 0 have the same twice." in text
    assert "| | paper 2 says | measured here | asked | found | verdict | found, jointly | second verdict |" in text
    assert "| p2-001 | Means fall |  |  | -5.0 % | agree | 3.0 % | differ |" in text
