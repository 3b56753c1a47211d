"""All tables of a run's comparisons from its own files: planted languages, of which the families are known, fitted and compared."""

import json
import sys

import compare_languages as script
import pytest
from compared_languages import at, row, write_comparison, write_table_of
from planted_signatures import FAMILIES, LANGUAGES, LATENTS, NO_CASE, PlantedLanguages

from xlprobe.artifacts.categories import ALL_WORDS
from xlprobe.artifacts.tables import read_of_schema, write_rows
from xlprobe.errors import XlprobeError
from xlprobe.metrics.language_comparisons import compare_languages
from xlprobe.metrics.signatures import join_signatures
from xlprobe.signatures.fitting import FitSettings, fit_signatures
from xlprobe.signatures.parafac2 import Parafac2Settings

FACTS = {code: {"family": f"proto-{family}", "genus": f"proto-{family}", "branch": ""} for code, family in FAMILIES.items()}
ELSEWHERE = {name: {"languages": LANGUAGES, "texts": ["mono"] * 6, "text_of": "monolingual"} for name in ("main", "other")}
TABLES = {
    "distances": "language_distances",
    "trees": "language_trees",
    "groups": "language_groups",
    "differences": "variant_differences",
    "correlations": "task_correlations",
}


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    """The tables of two variants, of which the second is the first again."""
    folder = tmp_path_factory.mktemp("planted")
    planted = PlantedLanguages(folder).write()
    parts = []
    for variant in ("main", "again"):
        outputs, rows = ([folder / "signatures" / variant / f"{name}{end}" for name in (ALL_WORDS, "case")] for end in (".h5", ".parquet"))
        settings = FitSettings(Parafac2Settings(rank=LATENTS), device="cpu")
        fit_signatures(planted.covariances(10), LANGUAGES, variant, [ALL_WORDS, "case"], outputs, rows, settings, folder)
        parts += rows
    join_signatures(parts, [], folder / "signatures.parquet")
    texts = {"main": LANGUAGES, "again": [code if code != NO_CASE else "half" for code in LANGUAGES]}
    comparisons = {variant: {"languages": LANGUAGES, "texts": found, "text_of": "multilingual"} for variant, found in texts.items()}
    arguments = ["--signatures", folder / "signatures.parquet", "--root", folder, "--languages", json.dumps(FACTS), "--main", "main"]
    arguments += ["--comparisons", json.dumps(comparisons)]
    for option in TABLES:
        arguments += [f"--{option}", folder / "metrics" / f"{option}.parquet"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["compare_languages.py", *map(str, arguments)])
        script.main()
    return {option: read_of_schema(folder / "metrics" / f"{option}.parquet", f"{name}.schema.yaml") for option, name in TABLES.items()}


def test_families_that_are_planted_are_found_in_the_trees(compared):
    trees = compared["trees"]
    # Two variants, two layers, fits and scales each, two signatures; all words, case, and the mean of case.
    assert len(trees) == 2 * 2 * 2 * 2 * 2 * 3
    of_words = trees[trees["category"] == ALL_WORDS]
    # Three quartets by three hold two of each family.
    assert of_words["resolved"].eq(9).all() and of_words["share"].eq(1).all() and of_words["n_too_small"].all()
    # 72 of 720 permutations keep families together.
    assert of_words["permutation_p"].to_list() == pytest.approx([0.1] * len(of_words))
    of_case = trees[trees["category"] == "case"]
    assert of_case["left_out"].eq(NO_CASE).all() and of_case["languages"].eq(5).all()
    groups = compared["groups"]
    assert groups["level"].unique().tolist() == ["family"] and groups[groups["category"] == ALL_WORDS]["monophyletic"].all()


def test_relatives_are_nearer_than_strangers(compared):
    found = compared["distances"]
    assert len(found) == 2 * 2 * 2 * 2 * 3 * 15
    found = found[(found["category"] == ALL_WORDS) & (found["fit"] == "per_layer")]
    related = found["language"].map(FAMILIES) == found["other"].map(FAMILIES)
    assert found[related]["published"].max() < found[~related]["published"].min()


def test_a_variant_that_is_the_same_differs_in_nothing(compared):
    found = compared["differences"]
    assert found["variant"].unique().tolist() == ["again"]
    assert found["own_text_differs"].to_list() == (found["language"] == NO_CASE).to_list()
    there = found[found["reason"].isna()]
    assert there["difference"].abs().max() == 0 and there["z"].to_list() == there["main_z"].to_list()
    assert len(there) == 2 * 2 * 2 * (6 + 5) and found[found["reason"].notna()]["language"].unique().tolist() == [NO_CASE]


def test_languages_that_no_task_has_give_rows_with_reasons(compared):
    found = compared["correlations"]
    # 48 of XTREME, of which no file is named, and three of the run, by variant, layer, fit and scale.
    assert len(found) == 51 * 2 * 2 * 2 * 2 and found["r"].isna().all() and found["reason"].notna().all()


def write_all(folder, signatures, **options):
    paths = {option: folder / f"{option}.parquet" for option in TABLES}
    compare_languages(signatures, folder, FACTS, "main", ELSEWHERE, **paths, **options)
    return {option: read_of_schema(path, f"{TABLES[option]}.schema.yaml") for option, path in paths.items()}


def test_a_run_without_any_value_has_tables_all_the_same(tmp_path):
    nothing = [row("main", None, 20, code) | {"reason": "no instances"} for code in ("qaa", "qba")]
    found = write_all(tmp_path, write_table_of(nothing, tmp_path))
    assert found["distances"]["reason"].to_list() == ["qaa: no instances; qba: no instances"]
    assert found["trees"]["newick"].isna().all() and found["differences"].empty and found["groups"].empty
    write_rows([], "signatures.schema.yaml", tmp_path / "none.parquet")
    assert all(table.empty for table in write_all(tmp_path, tmp_path / "none.parquet").values())


def test_scores_of_the_run_and_of_a_user_are_read(tmp_path):
    signatures = write_table_of(write_comparison(tmp_path, {ALL_WORDS: {0: {"qaa": at(0), "qba": at(30)}}}), tmp_path)
    names = {"model": "xlmr_main", "step": 20, "layer": 4, "task": "pos", "split": "test", "protocol": "paper", "metric": "accuracy"}
    languages = {"source": "qaa_own", "source_language": "qaa"}
    rows = [names | languages | {"target": f"{code}_own", "target_language": code, "value": 0.5, "n": 9} for code in ("qaa", "qba")]
    write_rows(rows, "scores.schema.yaml", tmp_path / "scores.parquet")
    user = tmp_path / "mine.tsv"
    user.write_text("task\tmodel\tlanguage\tmetric\tvalue\tsource\nBUCC\tXLM\tqaa\tF1\t5\tmine\n")
    found = write_all(tmp_path, signatures, scores=tmp_path / "scores.parquet", task_scores=user)["correlations"]
    assert found[found["source"] == "this run"].set_index("task")["n"].to_dict() == {"pos": 2, "xnli": 0, "alignment": 0}
    assert found[found["source"] == "user's file"]["languages"].to_list() == ["qaa"]


def test_of_a_model_that_is_trained_elsewhere_the_texts_are_of_others(tmp_path):
    vectors = {ALL_WORDS: {0: {"qaa": at(0), "qba": at(30)}}}
    rows = [found for name in ("main", "other") for found in write_comparison(tmp_path, vectors, name)]
    found = write_all(tmp_path, write_table_of(rows, tmp_path))["differences"]
    assert found["difference"].to_list() == [0, 0] and found["text"].isna().all() and found["own_text_differs"].isna().all()


def test_a_language_without_facts_is_named(tmp_path):
    signatures = write_table_of([row("main", None, 20, "xx")], tmp_path)
    with pytest.raises(XlprobeError, match=r"signatures\.parquet: xx is none of the languages that --languages describes"):
        write_all(tmp_path, signatures)
