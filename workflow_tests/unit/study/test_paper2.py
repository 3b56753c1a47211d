"""What of paper 2 a run can show."""

import argparse
import copy
import json

import pytest
import yaml
from conftest import tiny_configuration

from xlprobe.artifacts.tables import read_schema
from xlprobe.metrics.signature_tables import SignatureFacts
from xlprobe.paths import PROJECT
from xlprobe.study import paper2
from xlprobe.study.config import complete
from xlprobe.study.plan import Study
from xlprobe.study.resource_tables import language_facts, languages

SIGNATURES = Study(complete(yaml.safe_load((PROJECT / "config" / "signatures.yaml").read_text())))
# Table 2.
SLAVIC = ["bg", "cs", "hr", "pl", "ru", "sk", "sl", "uk"]
ROMANCE = ["ca", "es", "fr", "gl", "it", "pt", "ro"]
GERMANIC = ["da", "de", "en", "nl", "sv"]


def worlds():
    """The tiny run with a control model of each of its two languages."""
    config = tiny_configuration()
    pretrain = copy.deepcopy(config["models"]["xlmr"]["pretrain"])
    config["models"]["mono"] = {"one_for_each": ["qaa", "qba"], "control": True, "steps": [20], "pretrain": pretrain}
    config["signatures"] = {"variants": {"main": {"multilingual": "xlmr", "monolingual": ["mono"]}}}
    return config


def test_facts_are_those_of_table_2():
    facts = paper2.language_facts(SIGNATURES)
    assert len(facts) == 33
    assert facts["tr"] == {"name": "Turkish", "family": "Altaic", "genus": "Turkic", "branch": "", "script": "Latin"}
    assert facts["sk"] == {"name": "Slovak", "family": "Indo-European", "genus": "Slavic", "branch": "West Slavic", "script": "Latin"}
    assert facts["zh-Hant"]["genus"] == "Chinese" and facts["id"]["genus"] == "Malayo-Sumbawan" and facts["hu"]["genus"] == "Ugric"
    assert len({fact["genus"] for fact in facts.values()}) == 14 and all(fact["family"] and fact["genus"] for fact in facts.values())


def test_branches_divide_their_genus():
    branches = language_facts("branch")
    by_branch = {branch: sorted(code for code in branches if branches[code] == branch) for branch in branches.values()}
    assert by_branch == {
        "West Slavic": ["cs", "pl", "sk"],
        "South Slavic": ["bg", "hr", "sl"],
        "East Slavic": ["ru", "uk"],
        "Eastern Romance": ["ro"],
        "Western Romance": ["ca", "es", "fr", "gl", "it", "pt"],
    }
    genera = language_facts("genus")
    assert all(branch.endswith(f" {genera[code]}") for code, branch in branches.items()) and branches.keys() < languages().keys()


def test_there_are_7_tables_and_one_that_the_paper_has_not():
    assert [*paper2.paper2_tables()] == ["1", "2", "3", "4", "5", "6", "7", "A"]
    assert all(read_schema(f"{name}.schema.yaml") for row in paper2.paper2_tables().values() for name in row.reads)
    assert SIGNATURES.jobs()["paper2_table"] == [{"number": number} for number in paper2.paper2_tables()]


def test_tables_are_of_the_main_comparison():
    facts = paper2.signature_facts(SIGNATURES)
    assert facts["main"] == "main" and len(facts["compared"]) == 33 and len(facts["categories"]) == 17 and facts["fewest"] == 100
    assert SignatureFacts.of_json(paper2.signature_facts_argument(SIGNATURES)).languages == paper2.language_facts(SIGNATURES)
    # Of a command line, which holds 128 KiB.
    assert len(paper2.signature_facts_argument(SIGNATURES)) < 2**16
    with pytest.raises(argparse.ArgumentTypeError, match="these are not the facts of a run's signatures"):
        SignatureFacts.of_json('{"main": "main"}')


def test_sets_are_those_of_the_paper():
    sets = paper2.language_sets(SIGNATURES)
    assert sets["diverse"] == sorted(["ar", "zh-Hant", "en", "fi", "el", "hi", "id", "ru", "es", "tr"])
    assert sets["related"] == {"Germanic": GERMANIC, "Romance": ROMANCE, "Slavic": SLAVIC}


def test_where_the_ten_are_not_compared_the_first_of_each_genus_is():
    mini = Study(complete(yaml.safe_load((PROJECT / "config" / "mini_signatures.yaml").read_text())))
    # bg de el en es fi fr hu it ja ru sv tr.
    sets = paper2.language_sets(mini)
    assert sets["diverse"] == ["bg", "de", "el", "es", "fi", "hu", "ja", "tr"]
    assert sets["related"] == {"Germanic": ["de", "en", "sv"], "Romance": ["es", "fr", "it"]}


def test_languages_of_a_world():
    study = Study(complete(worlds()))
    facts = paper2.language_facts(study)
    assert facts["qaa"] == {"name": "Arva", "family": "arvic", "genus": "arvic", "branch": "", "script": facts["qaa"]["script"]}
    assert facts["qaa"]["script"] == study.config["world"]["languages"]["qaa"]["script"]
    assert paper2.language_sets(study) == {"diverse": ["qaa", "qba"], "related": {}}


def test_texts_are_those_that_the_multilingual_model_read():
    facts = paper2.comparison_facts(SIGNATURES)
    assert [*facts] == [*SIGNATURES.config["signatures"]["variants"]]
    texts = {name: dict(zip(found["languages"], found["texts"], strict=True)) for name, found in facts.items()}
    assert texts["main"]["ja"] == "equal/ja" and texts["romanised"]["ja"] == "romanised/ja" and texts["romanised"]["fi"] == "equal/fi"
    assert texts["tenth_en"]["en"] == texts["sampled_en"]["en"] == "tenth_en/en"
    datasets = dict(zip(facts["romanised"]["languages"], facts["romanised"]["datasets"], strict=True))
    assert datasets["ja"] == "morph_ja_romanised" and datasets["fi"] == "morph_fi"
    # Published elsewhere: what the models that it is compared with read.
    assert facts["published"]["text_of"] == "monolingual" and texts["published"] == texts["main"]
    assert {found["text_of"] for name, found in facts.items() if name != "published"} == {"multilingual"}
    assert paper2.compared_texts(SIGNATURES) == sorted({text for found in texts.values() for text in found.values()})
    assert {*paper2.compared_texts(SIGNATURES)} <= {*SIGNATURES.binarized_texts}


def test_trainings_share_their_facts():
    config = worlds()
    config["models"]["xlmr"] = config["models"]["xlmr"] | {"seeds": [1, 2]}
    study = Study(complete(config))
    assert len(study.comparisons) == 2 and [*paper2.comparison_facts(study)] == ["main"]
    # Of a command line, which holds 128 KiB.
    assert len(paper2.as_json(paper2.comparison_facts(SIGNATURES))) < 2**16
    assert json.loads(paper2.as_json(paper2.language_sets(study))) == paper2.language_sets(study)


def test_a_run_without_signatures_has_none():
    study = Study(tiny_configuration())
    assert paper2.signature_facts_argument(study) == "" and "paper2_table" not in study.jobs()
    assert paper2.language_facts(study) == paper2.comparison_facts(study) == {} and paper2.compared_texts(study) == []
    assert paper2.language_sets(study) == {"diverse": [], "related": {}}


def test_figures_are_2_to_8_and_read_tables_that_have_a_schema():
    figures = paper2.paper2_figures()
    assert [*figures] == [f"{number:02}" for number in range(2, 9)]
    assert {figures[number].shown for number in ("03", "06", "07")} == {"data_size", "unique_characters", "type_token_ratio"}
    assert all(row.reads and all(read_schema(f"{name}.schema.yaml") for name in row.reads) for row in figures.values())


def test_facts_of_figures_name_the_main_comparison_and_the_romanised_languages():
    facts = paper2.signature_facts(SIGNATURES)
    assert facts["main"] == "main" and facts["romanised"] == {"romanised": ["ja", "zh-Hant"]} and len(facts["languages"]) == 33
    assert paper2.signature_facts(Study(complete(worlds())))["romanised"] == {}


def test_facts_name_comparisons_with_less_text_those_drawn_otherwise_and_published_models():
    facts = paper2.signature_facts(SIGNATURES)
    cut = ("en", "fr", "ko", "tr", "vi")
    assert facts["cut"] == {f"{kind}_{code}": {code: 0.1} for kind in ("sampled", "tenth") for code in cut}
    assert facts["resampled"] == [f"sampled_{code}" for code in cut] and facts["elsewhere"] == ["published"]
    assert facts["models"] == {"model": "multilingual", "control": "monolingual_ar", "resampled": "multilingual_sampled_en"}


def shares_of(main, other, alpha=0.7, **variants):
    """The facts of two comparisons whose models have these texts."""
    config = worlds()
    config["corpus"]["variants"] = variants
    pretrain = config["models"]["xlmr"]["pretrain"]
    config["models"] = {}
    for name, text in (("main", main), ("other", other)):
        training = pretrain["training"] | {"alpha": alpha if name == "other" else 0.7}
        config["models"][f"e_{name}"] = {"steps": [20], "pretrain": pretrain | {"text": text, "training": training}}
        config["models"][f"c_{name}"] = {
            "one_for_each": ["qaa", "qba"],
            "control": True,
            "steps": [20],
            "pretrain": copy.deepcopy(pretrain) | {"text": text},
        }
    config["signatures"]["variants"] = {name: {"multilingual": f"e_{name}", "monolingual": [f"c_{name}"]} for name in ("main", "other")}
    return paper2.signature_facts(Study(complete(config)))


def test_a_share_is_one_of_the_main_comparisons_text():
    half, tenth = {"languages": ["qaa"], "share": 0.5}, {"languages": ["qaa"], "share": 0.1}
    assert shares_of(None, "tenth", tenth=tenth)["cut"] == {"other": {"qaa": 0.1}}
    assert shares_of("half", "tenth", half=half, tenth=tenth)["cut"] == {"other": {"qaa": 0.2}}
    # More text, or as much of another draw, is no share.
    assert shares_of("tenth", "half", half=half, tenth=tenth)["cut"] == {}
    assert shares_of("half", "again", half=half, again=half | {"seed": 2})["cut"] == {}
    # Of what is drawn less often, text is not all that differs.
    assert shares_of(None, "tenth", alpha=1.0, tenth=tenth)["cut"] == {}
    drawn = shares_of(None, "tenth", alpha=0.3, tenth=tenth)
    assert (drawn["cut"], drawn["resampled"]) == ({"other": {"qaa": 0.1}}, ["other"])


def test_a_main_model_from_elsewhere_is_no_variant_of_itself():
    config = worlds()
    config["models"]["suite"] = {"steps": [1, 2], "huggingface": {"folder": "suites/step_{step}"}}
    config["signatures"]["variants"] = {"main": {"multilingual": "suite", "monolingual": ["mono"]}}
    facts = paper2.signature_facts(Study(complete(config)))
    assert (facts["elsewhere"], facts["cut"], facts["resampled"]) == ([], {}, [])


def test_all_tables_of_signatures_are_held_against_claims():
    assert all(read_schema(f"{name}.schema.yaml") for name in paper2.SIGNATURE_TABLES)
    assert {*paper2.SIGNATURE_TABLES} <= {*SIGNATURES.tables} and SIGNATURES.jobs()["paper2_claims"] == [{}]


def test_only_runs_with_signatures_draw_figures_of_paper_2():
    assert SIGNATURES.jobs()["paper2_figure"] == [{"number": f"{number:02}"} for number in range(2, 9)]
    assert not Study(complete(tiny_configuration())).jobs().get("paper2_figure")
