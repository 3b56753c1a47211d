"""Which signatures a run takes: single models in place of groups, comparisons, words, jobs and costs."""

import copy

import pytest
import yaml
from conftest import tiny_configuration

from xlprobe.errors import ConfigError
from xlprobe.metrics.signature_trajectories import FOLLOWED
from xlprobe.paths import PROJECT
from xlprobe.study.config import complete
from xlprobe.study.plan import FOLLOWED_FITS, Study
from xlprobe.study.signature_costs import Fits, announcement, covariance_mebibytes, fit_mebibytes, fit_minutes, fit_threads, planned_fits
from xlprobe.study.signatures import MorphologySet

VARIANT = {"multilingual": "xlmr", "monolingual": ["mono"]}


def signed(**sections):
    """The tiny run with a control model of each of its two languages, and signatures; a key's value replaces that of a section."""
    config = tiny_configuration()
    pretrain = copy.deepcopy(config["models"]["xlmr"]["pretrain"])
    config["models"]["mono"] = {"one_for_each": ["qaa", "qba"], "control": True, "steps": [20], "pretrain": pretrain}
    config["signatures"] = {"variants": {"main": dict(VARIANT)}}
    for name, changed in sections.items():
        config[name] = config[name] | changed if isinstance(changed, dict) else changed
    return config


def at_one_step():
    models = signed()["models"]
    models["xlmr"]["steps"] = [20]
    return models


def study(**sections):
    return Study(complete(signed(**sections)))


def test_a_model_for_each_language():
    config = complete(signed())
    assert [*config["models"]] == ["xlmr", "mono_qaa", "mono_qba"]
    assert [config["models"][name]["pretrain"]["languages"] for name in config["models"]] == [None, ["qaa"], ["qba"]]
    assert config["signatures"]["variants"]["main"]["monolingual"] == ["mono_qaa", "mono_qba"]
    # What was completed once is complete.
    assert complete(config) == config


def test_what_is_compared():
    found = study().comparisons["main"]
    assert (found.multilingual, found.monolingual) == ("xlmr", {"qaa": "mono_qaa", "qba": "mono_qba"})
    assert found.datasets == {code: MorphologySet(f"{code}_world", code, romanised=False) for code in ("qaa", "qba")}
    assert [*study().morphology] == ["morph_qaa_world", "morph_qba_world"]


def test_a_later_model_of_a_language_counts():
    control = {"one_for_each": ["qba"], "control": True, "steps": [20], "pretrain": {}}
    models = signed()["models"] | {"other": control}
    variants = {"main": VARIANT, "again": VARIANT | {"monolingual": ["mono", "other"]}}
    comparisons = study(models=models, signatures={"variants": variants}).comparisons
    assert comparisons["again"].monolingual == {"qaa": "mono_qaa", "qba": "other_qba"}
    assert comparisons["main"].monolingual == {"qaa": "mono_qaa", "qba": "mono_qba"}


def test_each_training_of_a_multilingual_model_is_compared():
    models = signed()["models"]
    models["xlmr"] |= {"seeds": [1, 2]}
    comparisons = study(models=models).comparisons
    assert [*comparisons] == ["main/seed_1", "main/seed_2"]
    assert (comparisons["main/seed_2"].multilingual, comparisons["main/seed_2"].seed) == ("xlmr/seed_2", 2)


def test_control_models_are_measured_in_nothing_else():
    found = study()
    assert found.extracted_datasets("mono_qba") == ["morph_qba_world"] and found.scored_datasets("mono_qba") == []
    assert {run for run, _ in found.table_parts["scores"]} == {"xlmr"}
    assert found.final_checkpoints == [("xlmr", 20)] and "model_comparisons" not in found.measure_tables
    assert {*found.extracted_datasets("xlmr")} >= {"morph_qaa_world", "morph_qba_world", "qaa_world"}


def test_jobs():
    """Three steps by two languages; checks and fits over steps once."""
    jobs = study().jobs()
    assert jobs["morphology"] == [{"dataset": "morph_qaa_world"}, {"dataset": "morph_qba_world"}]
    assert len(jobs["covariances"]) == 3 * 2 and {"variant": "main", "step": "10", "language": "qaa"} in jobs["covariances"]
    assert len(jobs["signatures"]) == 3 * 17 and {"variant": "main", "step": "0", "category": "case"} in jobs["signatures"]
    assert jobs["signatures_over_steps"] == jobs["signature_checks"] == [{"variant": "main"}] and jobs["signature_table"] == [{}]
    assert len(jobs["pretrain"]) == 3 + 2
    together = study(signatures={"variants": {"main": VARIANT}, "together": True, "fits": ["per_layer"], "checks": {"variants": []}}).jobs()
    assert len(together["signatures_together"]) == 3
    assert not together.keys() & {"signatures", "signatures_over_steps", "signature_checks"}


def test_signatures_are_held_against_probes_of_the_same_steps():
    """Of the tiny run's 10 and 20; step 0 is no checkpoint."""
    found = study()
    assert found.followed_comparisons == ["main"] and found.jobs()["signature_agreement"] == [{}]
    assert {"signature_trajectories", "signature_agreement"} <= {*found.tables}
    assert {"variant": "main", "kind": "signatures_and_probes"} in found.jobs()["signature_figure"]


@pytest.mark.parametrize(
    "sections",
    [
        {"models": at_one_step()},
        # Followed are all words.
        {"signatures": {"variants": {"main": VARIANT}, "categories": ["number"], "fits": ["per_layer"]}},
        {"probes": {"tasks": [], "converged_on": []}, "xnli": []},
        {"signatures": {"variants": {"main": VARIANT}, "fits": ["over_layers"]}},
        {"signatures": {"variants": {"main": VARIANT}, "fits": ["per_layer"], "scales": ["standardised"]}},
    ],
    ids=["one step", "not all words", "no probes", "other fits", "other scales"],
)
def test_where_there_is_nothing_to_hold_against_each_other_it_is_not_planned(sections):
    found = study(**sections)
    assert found.comparisons and found.followed_comparisons == []
    assert "signature_agreement" not in found.jobs() and not any("trajector" in name or "agreement" in name for name in found.tables)
    assert {job["kind"] for job in found.jobs()["signature_figure"]} == {"signatures_by_layer", "signatures_by_step"}


def test_fits_that_are_followed_are_those_of_the_trajectories():
    assert [*FOLLOWED_FITS.items()] == [*FOLLOWED]
    # Fits over steps are of all words, whatever the categories.
    assert study(signatures={"variants": {"main": VARIANT}, "categories": ["number"]}).followed_comparisons == ["main"]


def test_of_several_comparisons_those_that_can_be_are_followed():
    models = signed()["models"]
    models["once"] = models["xlmr"] | {"steps": [20]}
    found = study(models=models, signatures={"variants": {"main": VARIANT, "again": VARIANT | {"multilingual": "once"}}})
    assert found.followed_comparisons == ["main"]
    figures = [job["variant"] for job in found.jobs()["signature_figure"] if job["kind"] == "signatures_and_probes"]
    assert figures == ["main"]


def test_words_in_latin_letters_are_not_those_of_probes():
    """Paper 2's romanised model at two steps, probed in Japanese, and then in Finnish, too."""
    for treebanks, followed in ((["ja"], []), (["ja", "fi"], ["romanised"])):
        config = yaml.safe_load((PROJECT / "config" / "signatures.yaml").read_text())
        followed_model = copy.deepcopy(config["models"]["multilingual_romanised"])
        followed_model["pretrain"]["training"]["early_stopping"] = None
        config["models"]["multilingual_romanised"] = followed_model | {"steps": [100_000, 150_000]}
        names = {code: found.treebank for code, found in Study(complete(config)).comparisons["main"].datasets.items()}
        config["probes"] = {"tasks": ["pos"], "leave_out": {"pos": [names[code] for code in names if code not in treebanks]}}
        assert Study(complete(config)).followed_comparisons == followed


def test_what_is_not_fitted_by_layer_is_not_checked():
    """Neither a category that the run leaves out, as the default may be, nor a run of joint fits alone."""
    others = {"variants": {"main": VARIANT}, "categories": ["number", "case"]}
    assert (
        study(signatures=others).checked_comparisons
        == study(signatures={"variants": {"main": VARIANT}, "fits": ["over_layers"]}).checked_comparisons
        == {}
    )
    chosen = study(signatures=others | {"checks": {"categories": ["number", "case"]}})
    assert chosen.checked_comparisons == {"main": 20} and chosen.checked_categories == ["case", "number"]
    arguments = chosen.check_arguments("main")
    assert arguments[:5] == ["--categories", "case", "number", "--layers", "0,1,2"]


def test_layers_to_check_are_those_that_all_models_have():
    shallow = signed()["models"]
    shallow["xlmr"]["pretrain"]["architecture"]["layers"] = 1
    assert study(models=shallow).checked_layers("main") == [0, 1] and study().checked_layers("main") == [0, 1, 2]


def test_trainings_whose_text_has_to_be_that_of_the_run():
    models = signed()["models"] | {"theirs": {"steps": [1], "huggingface": {"folder": "/theirs"}}}
    variants = {"main": {"multilingual": "theirs", "monolingual": ["mono"]}}
    assert study(models=models, signatures={"variants": variants}).compared_trainings == ["mono_qaa", "mono_qba"]
    assert study().compared_trainings == ["mono_qaa", "mono_qba", "xlmr"]


def test_without_signatures_nothing_is_planned():
    plan = Study(complete(tiny_configuration()))
    assert plan.comparisons == plan.morphology == {} and plan.categories == [] and announcement(plan) == ""
    assert not any("signature" in rule for rule in plan.jobs())


def test_signatures_change_no_job_of_what_else_is_measured():
    """But for those of the models, datasets and checkpoints that come in addition."""
    without, beside = Study(complete(tiny_configuration())).jobs(), study().jobs()
    for rule, jobs in without.items():
        assert [job for job in jobs if job not in beside[rule]] == [], rule


def test_the_fits_of_a_run():
    """Tiny: embeddings and two layers of 32 dimensions, two languages, three steps."""
    fits = {found.fit: found for found in planned_fits(study())}
    assert fits["per_layer"] == Fits("per_layer", 3 * 17 * 3 * 2, 2, 32, 32)
    assert fits["over_layers"] == Fits("over_layers", 3 * 17 * 2, 2 * 3, 32, 32)
    assert fits["over_steps"] == Fits("over_steps", 3 * 2, 2 * 3, 32, 32)
    assert fits["checks"] == Fits("checks", 3 * 2 * (1 + 5 + 2 * 5 + 5 + 2 * 5), 2, 32, 32)


def test_what_fits_ask_for_grows_with_them():
    """Paper 2: 33 matrices of 768 x 768 are 148.5 MiB; fits over 13 layers have 13 times as many. Covariances hold one layer of 13."""
    config = yaml.safe_load((PROJECT / "config" / "signatures.yaml").read_text())
    plan = Study(complete(config))
    assert fit_mebibytes(plan, "main", ["per_layer"]) == fit_mebibytes(plan, "main", ["checks"]) == 1500 + 1634
    assert fit_mebibytes(plan, "main", ["per_layer", "over_layers"]) == 1500 + 21236
    assert covariance_mebibytes(plan, "main", 13_000) == 1500 + 1500
    # 22 minutes a fit of 33: 26 of these, and two of 13 times as many.
    # Narrow matrices gain nothing by threads.
    assert fit_threads(plan, "main") == 4 and fit_threads(study(), "main") == 1
    assert 1100 < fit_minutes(plan, "main", ["per_layer", "over_layers"]) < 1200
    config["signatures"] |= {"fits": ["per_layer"], "solver": "tensorly"}
    assert fit_mebibytes(Study(complete(config)), "main", ["per_layer", "over_layers"]) == 1500 + 7425
    # What is small asks for an hour.
    assert fit_minutes(study(), "main", ["over_steps"]) == 60


def test_paper_2_is_13_variants_of_52_trainings():
    """As its text says: 33 languages and one model of all; romanised 1 and 2; a tenth 5 and 5; sampled 5; XLM-R as published."""
    config = yaml.safe_load((PROJECT / "config" / "signatures.yaml").read_text())
    plan = Study(complete(config))
    jobs = plan.jobs()
    assert len(plan.comparisons) == 13 and all(len(found.languages) == 33 for found in plan.comparisons.values())
    assert len(jobs["pretrain"]) == 52 == 34 + 3 + 10 + 5
    assert len(jobs["features"]) == 469 == 2 * 33 + (33 + 2) + 5 * (33 + 1) + 5 * 33 + 33
    assert len(jobs["morphology"]) == 33 + 2 and len(jobs["covariances"]) == 13 * 33 and len(jobs["signatures"]) == 13 * 17
    assert sum(found.count for found in planned_fits(plan) if found.fit == "per_layer") == 2 * 2873
    assert "13 variants, 52 trainings, 469 extractions, 2,873 fits as published" in announcement(plan)
    romanised, main = plan.comparisons["romanised"], plan.comparisons["main"]
    assert romanised.datasets["ja"].name == "morph_ja_romanised" and main.datasets["ja"].name == "morph_ja"
    assert romanised.monolingual["ja"] == "monolingual_romanised_ja" and romanised.monolingual["fi"] == "monolingual_fi"


@pytest.mark.parametrize(
    ("sections", "said"),
    [
        (
            {"signatures": {"variants": {"main": VARIANT | {"multilingual": "xmlr"}}}},
            "main.multilingual: 'xmlr' is not among models; did you",
        ),
        ({"signatures": {"variants": {"main": VARIANT | {"monolingual": ["xlmr"]}}}}, "'xlmr' is no model that is pretrained here on one"),
        ({"signatures": {"variants": {"main": VARIANT | {"monolingual": ["mono_qaa"]}}}}, "names models of one language"),
        ({"signatures": {"variants": {"main": VARIANT}, "treebanks": ["qaa_world"]}}, "of which no treebank is compared"),
        ({"signatures": {"variants": {"main": VARIANT}, "treebanks": ["qca_world"]}}, "signatures.treebanks.0: 'qca_world' is not among"),
        ({"signatures": {"variants": {"main": VARIANT}, "treebanks": ["qba_world", "qba_pud"]}}, "a second treebank of qba beside"),
        ({"signatures": {"variants": {"main": VARIANT}, "checks": {"variants": ["mian"]}}}, "no signatures are taken of 'mian'"),
        (
            {"signatures": {"variants": {"main": VARIANT}, "categories": ["case"], "checks": {"categories": ["gender"]}}},
            "no signatures are taken of 'gender'",
        ),
        (
            {"signatures": {"variants": {"main": VARIANT}, "checks": {"layers": [0, 3]}}},
            "layers.1: there is no layer 3, the models that are",
        ),
        (
            {"signatures": {"variants": {"main": VARIANT}, "checks": {"layers": [1]}}, "features": {"layers": [0, 2]}},
            "layers.0: layer 1 is not among features.layers",
        ),
        ({"signatures": {"variants": {"main": VARIANT}, "fits": ["over_steps"], "categories": ["case"]}}, "leaves part_of_speech out"),
        (
            {"signatures": {"variants": {"main": VARIANT}, "fits": ["over_steps"]}, "models": at_one_step()},
            "signatures.fits: fits over steps need a multilingual model that is compared at several",
        ),
        ({"signatures": {"variants": {"main": VARIANT}, "rank": 33}}, "rank: 33 components are asked for, but 'xlmr' has 32 dimensions"),
    ],
)
def test_what_cannot_be_compared_is_refused(sections, said):
    with pytest.raises(ConfigError) as error:
        complete(signed(**sections))
    assert said in str(error.value) and str(error.value).startswith("config key signatures.") and "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"pretrain": {"languages": ["qaa"]}}, "mono.pretrain.languages: one_for_each says which language"),
        ({"steps": [10, 20]}, "mono_qaa.steps: a control model is compared at one step"),
    ],
)
def test_groups_that_make_no_sense_are_refused(changed, said):
    models = signed()["models"]
    models["mono"] = models["mono"] | changed
    with pytest.raises(ConfigError, match=said):
        complete(signed(models=models))


def test_a_model_of_the_name_of_one_that_is_made_is_refused():
    models = signed()["models"] | {"mono_qaa": {"steps": [0], "pretrain": {}}}
    with pytest.raises(ConfigError, match="makes a model 'mono_qaa', and there is another of that name"):
        complete(signed(models=models))


def test_a_control_model_that_nothing_compares_with_is_refused():
    models = signed()["models"] | {"idle": {"control": True, "steps": [0], "pretrain": {"languages": ["qaa"]}}}
    with pytest.raises(ConfigError, match=r"idle\.control: no variant of signatures compares with it"):
        complete(signed(models=models))
    config = signed()
    config["signatures"] = None
    with pytest.raises(ConfigError, match="control models are compared by signatures alone, and there are none"):
        complete(config)


def test_a_multilingual_model_that_does_not_know_a_language_is_refused():
    models = signed()["models"]
    models["half"] = {"steps": [0], "pretrain": {"languages": ["qaa"]}}
    with pytest.raises(ConfigError, match="'half' is not pretrained on qba"):
        complete(signed(models=models, signatures={"variants": {"main": VARIANT | {"multilingual": "half"}}}))


def test_models_of_other_texts_are_not_compared():
    """What is compared is the same data seen by two models; where a variant leaves a language alone, its text is the same."""
    corpus = {"variants": {"half": {"languages": ["qba"], "share": 0.5}}}
    models = signed()["models"]
    models["xlmr"]["pretrain"]["text"] = "half"
    said = "'xlmr' is pretrained on the text half/qba and 'mono_qba' on qba, but what is compared has to be of the same data"
    with pytest.raises(ConfigError, match=said):
        complete(signed(models=models, corpus=corpus))
    models["mono"]["pretrain"]["text"] = "half"
    assert study(models=models, corpus=corpus).pretraining_texts("mono_qaa") == ["qaa"]
