"""The plan of a run, without Snakemake."""

from collections import Counter

import pytest
import yaml
from conftest import tiny_configuration

from xlprobe.paths import PROJECT
from xlprobe.study.catalogue import Treebank
from xlprobe.study.config import complete
from xlprobe.study.plan import Measurement, Study
from xlprobe.study.resource_tables import treebanks


def tiny(**sections):
    """The tiny run's plan, with other keys in some sections, or other lists or models."""
    config = tiny_configuration()
    for name, changed in sections.items():
        config[name] = config[name] | changed if isinstance(changed, dict) and name != "models" else changed
    return Study(complete(config))


def shipped(name, **sections):
    return Study(complete(yaml.safe_load((PROJECT / "config" / f"{name}.yaml").read_text()) | sections))


def counts(study):
    return {rule: len(jobs) for rule, jobs in study.jobs().items()}


def test_datasets_by_kind():
    study = tiny()
    assert [*study.treebanks] == ["qaa_world", "qba_world", "qba_pud"]
    assert [*study.nli] == ["xnli_qaa", "xnli_qaa_test"]
    assert [*study.alignments] == ["align_qaa_qba"]
    assert study.datasets == [*study.treebanks, *study.nli, *study.alignments]
    assert study.test_only == ["qba_pud", "xnli_qaa_test"]
    assert study.datasets_in("qaa") == ["align_qaa_qba", "qaa_world", "xnli_qaa"]
    assert study.datasets_in("qba") == ["align_qaa_qba", "qba_pud", "qba_world"]


def test_datasets_that_results_hold_and_the_run_has_no_more(tmp_path):
    for name in ("qaa_world", "qaa_pud", "unfinished"):
        (tmp_path / "datasets" / name).mkdir(parents=True)
    for name in ("qaa_world", "qaa_pud"):
        (tmp_path / "datasets" / name / "identity.json").touch()
    assert tiny().dropped(tmp_path) == ["qaa_pud"]


def test_what_is_probed_and_what_probes_are_tried_on():
    study = tiny(probes={"leave_out": {"pos": ["qba_world"], "arc_prediction": ["qba_pud"]}})
    probed, tried = (
        {task: of("xlmr", task) for task in (*study.probe_tasks, "alignment")} for of in (study.probed_datasets, study.transfer_targets)
    )
    assert [*probed] == ["pos", "arc_prediction", "arc_classification", "xnli", "alignment"]
    assert probed["pos"] == ["qaa_world"] and tried["pos"] == ["qba_pud"] and study.baseline_datasets("pos") == ["qaa_world", "qba_pud"]
    assert study.transfer_sources_of_any("pos", "qba_pud") == ["qaa_world"] and study.transfer_sources_of_any("pos", "qaa_world") == []
    assert probed["arc_prediction"] == ["qaa_world", "qba_world"] and tried["arc_prediction"] == []
    assert probed["xnli"] == ["xnli_qaa"] and tried["xnli"] == ["xnli_qaa_test"]
    assert probed["alignment"] == tried["alignment"] == [] and study.measured_datasets("xlmr", "alignment") == ["align_qaa_qba"]
    assert study.transfer_sources("xlmr", "arc_classification", "qba_pud") == ["qaa_world", "qba_world"]
    assert study.probed_datasets("no such model", "pos") == study.transfer_targets("xlmr", "no such task") == []


def test_probes_are_transferred_from_languages_with_a_parallel_test_set():
    """By default; each task has its own test sets."""
    treebanks = ["qaa_world", "qba_world", "qaa_pud", "qba_pud"]
    assert tiny().transfer_sources("xlmr", "pos", "qba_pud") == ["qaa_world", "qba_world"]
    study = tiny(transfer={"sources": "parallel"})
    assert study.transfer_sources("xlmr", "pos", "qba_pud") == ["qba_world"] and len(study.probed_datasets("xlmr", "pos")) == 2
    assert study.transfer_sources("xlmr", "xnli", "xnli_qaa_test") == ["xnli_qaa"]
    assert study.jobs() == tiny().jobs()
    study = tiny(transfer={"sources": "parallel"}, treebanks=treebanks, probes={"leave_out": {"pos": ["qaa_pud"]}})
    assert study.transfer_sources("xlmr", "pos", "qba_pud") == ["qba_world"]
    assert study.transfer_sources("xlmr", "arc_prediction", "qba_pud") == ["qaa_world", "qba_world"]


def test_paper_1_transfers_from_18_treebanks_and_15_sets_of_pairs():
    study, everything = shipped("paper"), shipped("paper", transfer={"sources": "all"})
    for model, task in (("replica", "pos"), ("base", "arc_classification"), ("replica", "xnli")):
        targets = study.transfer_targets(model, task)
        sources = {target: study.transfer_sources(model, task, target) for target in targets if "published" not in target}
        assert {*map(tuple, sources.values())} == {tuple(sources[targets[0]])}
        languages = sorted(study.probed[name].language for name in sources[targets[0]])
        assert languages == sorted(study.probed[target].language for target in sources)
        assert (len(languages), len(everything.transfer_sources(model, task, targets[0]))) == ((15, 15) if task == "xnli" else (18, 44))
    assert study.jobs() == everything.jobs()


@pytest.mark.parametrize(("group", "parallel"), [("mine", ["en_mine"]), (None, [])])
def test_a_parallel_test_set_of_the_users_own_is_measured_as_pud_is(monkeypatch, group, parallel):
    """Whatever its name; one that is parallel to none is a target of probes alone."""
    own = Treebank("en_mine", "en", "UD_English-Mine", ("test",), parallel=group)
    monkeypatch.setattr("xlprobe.study.resource_tables.treebanks", lambda: treebanks() | {"en_mine": own})
    config = {"experiment": "mine", "treebanks": ["en_ewt", "fr_gsd", "en_mine"], "languages": ["en"], "bpc": {"languages": ["en"]}}
    study = Study(complete(config | {"models": {"m": {"steps": [0], "pretrain": {}}}}))
    assert study.parallel_sets("m") == parallel and counts(study)["bpc"] == 1
    assert study.transfer_targets("m", "pos") == ["en_mine"] and study.transfer_sources("m", "pos", "en_mine") == ["en_ewt"]
    assert counts(study)["transfer"] == 3 and study.datasets_in("en") == ["en_ewt", "en_mine"]
    assert study.baseline_datasets("pos") == ["en_ewt", "fr_gsd", "en_mine"]
    assert study.transfer_sources_of_any("pos", "en_mine") == ["en_ewt"]


def test_text_as_published_is_compared_with_its_like_alone():
    study = shipped("replica")
    assert study.transfer_sources("replica", "xnli", "xnli_zh_published_test") == ["xnli_th_published", "xnli_zh_published"]
    assert len(study.transfer_sources("base", "xnli", "xnli_zh_test")) == 15


def test_layers_of_a_measurement_are_those_of_source_and_target():
    sweeps = [
        {"tasks": ["pos"], "layers": [2, 1]},
        {"tasks": ["pos"], "datasets": ["qba_pud"], "layers": [1, 0]},
        {"tasks": ["alignment"], "layers": [0]},
    ]
    study = tiny(sweeps=sweeps)
    assert study.layers("xlmr", "pos", "qaa_world") == [1, 2] and study.layers("xlmr", "arc_prediction", "qaa_world") is None
    assert study.extracted_layers("xlmr", ["qaa_world"]) is None and study.extracted_layers("xlmr", ["align_qaa_qba"]) == [0]
    assert study.extraction_arguments("xlmr", ["qaa_world"]) == []
    assert study.extraction_arguments("xlmr", ["align_qaa_qba"]) == ["--layers", 0]
    assert study.layers_argument("xlmr", "pos", "qba_pud") == "0,1" and study.layers_argument("xlmr", "xnli", "xnli_qaa") == "all"
    found = [*study.measurements()]
    assert Measurement("xlmr", "pos", "qaa_world", "qba_pud", (1,)) in found
    assert Measurement("xlmr", "pos", "qba_world", "qba_world", (1, 2)) in found
    assert Measurement("xlmr", "arc_prediction", "qba_world", "qba_pud", None) in found
    assert Measurement("xlmr", "alignment", "align_qaa_qba", "align_qaa_qba", (0,)) in found
    assert Measurement("xlmr", "bpc", "qba", "qba", ()) in found
    # Two treebanks and a test set by three tasks, pairs of sentences and their test set, links, bits.
    assert len(found) == len({*found}) == 3 * (2 + 2) + 2 + 1 + 1


def test_subwords_of_bitexts_are_extracted_where_these_are_aligned():
    assert tiny().subword_arguments(["align_qaa_qba"]) == []
    study = tiny(alignment={"unit": "bpe"})
    assert study.subword_arguments(["align_qaa_qba", "qaa_world"]) == ["--subwords", "align_qaa_qba"]
    assert study.subword_arguments(["qaa_world"]) == []


def test_bits_per_character():
    study = tiny()
    assert study.bits_languages("xlmr") == study.held_out_languages("xlmr") == study.held_out_of_any == ["qba"]
    assert study.parallel_sets("xlmr") == ["qba_pud"]
    without = tiny(bpc={"leave_out": ["xlmr"]})
    assert without.held_out_languages("xlmr") == without.held_out_of_any == []
    assert without.bits_languages("xlmr") == without.parallel_sets("xlmr") == [] and "bpc" not in without.jobs()
    assert not any(figure.task == "bpc" for figure in without.figures)


def test_fairseqs_way_takes_the_blocks_of_a_models_training():
    published = {"steps": [20], "huggingface": {"folder": "suites/{step}"}}
    models = tiny_configuration()["models"] | {"adopted": published}
    assert tiny(models=models).block_arguments("xlmr") == []
    study = tiny(models=models, bpc={"protocol": "fairseq"})
    assert study.block_arguments("xlmr") == ["--protocol", "fairseq", "--sample-break", "eos", "--tokens-per-sample", 64]
    assert study.block_arguments("adopted") == ["--protocol", "fairseq"]
    # Of parallel text alone, there is none.
    assert tiny(models=models, bpc={"protocol": "fairseq", "leave_out": ["adopted"]}).block_arguments("adopted") == []


@pytest.mark.parametrize(
    ("sections", "compared"),
    [
        ({}, ["qaa", "qba"]),
        # No corpus and no train split; nothing that is tested.
        ({"languages": ["qaa"], "treebanks": ["qaa_world", "qba_pud"], "bpc": {"languages": []}, "alignments": []}, ["qaa"]),
        ({"treebanks": ["qaa_world"], "alignments": [], "bpc": {"languages": []}}, ["qaa"]),
        # Held-out text is searched for where bits per character are taken of it.
        ({"treebanks": ["qaa_world"], "alignments": []}, ["qaa", "qba"]),
        ({"treebanks": ["qaa_world"], "alignments": [], "bpc": {"leave_out": ["xlmr"]}}, ["qaa"]),
    ],
)
def test_languages_whose_tests_are_searched_for(sections, compared):
    assert tiny(**sections).compared_languages == compared


def test_figures_and_tables():
    study = tiny()
    kinds = Counter((figure.task, figure.kind) for figure in study.figures)
    assert kinds["pos", "word_groups"] == kinds["xnli", "transfer_matrix"] == kinds["alignment", "layer_curves"] == 1
    assert ("xnli", "word_groups") not in kinds and len(study.figures) == 19
    assert study.tables == [
        *("checkpoints", "scores", "audit", "probe_training", "datasets", "contamination", "factors", "best", "steps", "forgetting"),
        *("gates", "asymmetry", "expected_layers", "layer_gains", "order", "correlations", "alternatives"),
    ]
    # Either has scores: vectors without bits per character, and these without vectors.
    assert tiny(bpc={"leave_out": ["xlmr"]}).tables == study.tables
    nothing = {"tasks": [], "converged_on": []}
    bits = tiny(treebanks=["qaa_world"], probes=nothing, xnli=[], alignments=[])
    assert bits.tables == [
        *("checkpoints", "scores", "datasets", "contamination", "factors", "best", "steps", "forgetting", "gates"),
        *("correlations", "alternatives"),
    ]
    bare = tiny(treebanks=["qaa_world"], probes=nothing, xnli=[], alignments=[], bpc={"languages": []})
    assert bare.tables == ["checkpoints", "datasets", "contamination"] and bare.figures == [] and [*bare.measurements()] == []


def test_layers_are_compared_where_curves_have_several():
    assert tiny().measure_tables["layers"] == ["expected_layers", "layer_gains"] and "layer_gains" in tiny().tables
    at_last = {"features": {"layers": [2]}}
    assert "layers" not in tiny(**at_last).measure_tables and "learning" in tiny(**at_last).measure_tables
    assert "layers" in tiny(**at_last, sweeps=[{"tasks": ["alignment"], "layers": [1, 2]}]).measure_tables
    one_step = {"xlmr": tiny_configuration()["models"]["xlmr"] | {"steps": [0, 10]}}
    assert "layers" not in tiny(models=one_step).measure_tables
    # Another model's layers do not count.
    other = {"steps": [5], "huggingface": {"folder": "/there"}}
    models = {"xlmr": tiny_configuration()["models"]["xlmr"], "other": other}
    assert "layers" not in tiny(**at_last, models=models, sweeps=[{"models": ["other"], "layers": [1, 2]}]).measure_tables


def test_final_checkpoints_are_compared_where_there_are_several_models():
    """The last step of each, of the first training of several; a model before training is none."""
    xlmr = tiny_configuration()["models"]["xlmr"]
    one = {"steps": [7], "huggingface": {"folder": "/there"}}
    study = tiny(models={"xlmr": xlmr | {"steps": [0, 20, 10], "seeds": [3, 2]}, "base": one, "untrained": one | {"steps": [0]}})
    assert study.final_checkpoints == [("xlmr/seed_2", 20), ("base", 7)]
    assert study.measure_tables["model_comparisons"] == ["model_comparisons"] and counts(study)["model_comparisons"] == 1
    # Two that are measured at one step each have no curves, but can be compared.
    assert "model_comparisons" in tiny(models={"base": one, "large": one}).tables
    assert "model_comparisons" not in tiny().tables and "model_comparisons" not in tiny().measure_tables
    assert shipped("replica").final_checkpoints == [("replica", 1_500_000), ("base", 1_500_000)]


def test_datasets_are_counted_with_the_tasks_that_they_have():
    """In an order that does not depend on how the configuration is written."""
    counted = tiny(treebanks=["qba_world", "qaa_world", "qba_pud"], probes={"leave_out": {"pos": ["qba_world"]}}).counted_tasks()
    assert [*counted] == ["align_qaa_qba", "qaa_world", "qba_pud", "qba_world", "xnli_qaa", "xnli_qaa_test"]
    arcs = ["arc_classification", "arc_prediction"]
    assert counted["qaa_world"] == [*arcs, "pos"] and counted["qba_world"] == arcs
    assert counted["xnli_qaa"] == ["xnli"] and counted["align_qaa_qba"] == []


def test_models_have_factors_in_the_languages_that_they_are_measured_in():
    study = bilingual()
    assert study.factor_models == {
        "xlmr": {"measured": ["qaa", "qba"], "pretrained": ["qaa", "qba"]},
        "alone": {"measured": ["qba"], "pretrained": ["qba"]},
        "published": {"measured": ["qaa", "qba"], "pretrained": None},
    }
    # Of a world no sizes are published. Of bitexts both languages count, and of bits per character theirs.
    assert study.published_sizes() == {} and study.trained_languages == ["qaa", "qba"]
    assert tiny(treebanks=["qaa_world"], xnli=[], bpc={"languages": []}).measured_languages("xlmr") == ["qaa", "qba"]
    bits = {"treebanks": ["qaa_world"], "xnli": [], "alignments": [], "probes": {"tasks": [], "converged_on": []}}
    assert tiny(**bits, bpc={"languages": ["qba"]}).measured_languages("xlmr") == ["qba"]


def test_published_sizes_are_those_of_the_languages_of_a_run():
    sizes = shipped("mini").published_sizes()
    assert [*sizes] == ["el", "en", "fi", "fr", "hi", "ko", "ru", "tr"] and sizes["el"] == {"as printed": 46.9}
    study = shipped("paper")
    measured = study.factor_models["base"]["measured"]
    assert len(measured) == 94 and measured == study.factor_models["replica"]["measured"]
    # Romanised corpora are pretrained on, not measured.
    assert len(study.published_sizes()) == len(study.factor_models["replica"]["pretrained"]) == 100
    assert study.published_sizes()["sv"]["corrected"] == 77.8


def test_facts_of_datasets():
    facts = tiny().dataset_facts()
    assert facts["qaa_world"] == {"title": "Arva (qaa_world)", "language": "qaa", "family": "arvic"}
    assert facts["align_qaa_qba"] == {"title": "Arva – Ketta\ntwo families", "language": "qaa-qba", "family": "arvic-kettic"}
    assert facts["qba"] == {"title": "Ketta", "language": "qba", "family": "kettic"}


def test_other_checkpoints_of_a_model():
    seeds = {"xlmr": tiny_configuration()["models"]["xlmr"] | {"seeds": [1, 2], "steps": [0, 10]}}
    study = tiny(models=seeds)
    assert study.siblings("xlmr/seed_1", 10) == [("xlmr/seed_1", 0), ("xlmr/seed_2", 0), ("xlmr/seed_2", 10)]
    assert study.names("step", "xlmr/seed_2") == [0, 10] and study.names("step", "other") == []
    assert study.names("model") == ["xlmr/seed_1", "xlmr/seed_2"] and study.names("colour") == []


def test_jobs_of_the_tiny_run():
    """As a person counts them: 3 checkpoints, 2 treebanks and a test set by 3 tasks, XNLI in a language, a bitext."""
    assert counts(tiny()) == {
        **{"world": 1, "clean_corpus": 2, "tokenizer": 1, "binarize": 2, "pretrain": 3, "trained_text": 1, "checkpoint": 3},
        **{"treebank": 3, "nli": 2, "bitext": 1, "contamination": 2},
        **{"features": 18, "probes": 21, "baselines": 11, "transfer": 12, "alignment_baselines": 1, "alignment": 3, "bpc": 3},
        **{
            "checkpoint_scores": 3,
            "baseline_scores": 1,
            "scores": 1,
            "checkpoint_audit": 3,
            "audit": 1,
            "checkpoint_probe_training": 3,
            "probe_training": 1,
        },
        **{"probe_training_summary": 1, "contamination_table": 1, "checkpoint_table": 1, "dataset_table": 1, "run_description": 1},
        **{"factors": 1, "learning": 1, "gates": 1, "asymmetry": 1, "layers": 1, "order": 1, "correlations": 1, "figure": 19},
        **{"paper_figure": 17, "paper_table": 6, "claims": 1, "findings": 1},
    }


def test_jobs_bear_their_wildcards():
    study = tiny()
    jobs = study.jobs()
    # Rules ask for them again and again.
    assert study.jobs() is jobs
    assert {"model": "xlmr", "step": "10", "task": "xnli", "dataset": "xnli_qaa_test"} in jobs["transfer"]
    assert jobs["baselines"][0] == {"task": "pos", "dataset": "qaa_world"} and jobs["scores"] == [{}]
    assert {"model": "xlmr", "task": "pos", "kind": "word_groups"} in jobs["figure"]


def test_what_is_made_together_is_a_job():
    probes = {"together": True, "leave_out": {"pos": ["qba_world"]}}
    study = tiny(features={"together": True, "keep": False}, probes=probes)
    assert (study.vectors_in_a_folder, study.probed_at_once, study.probed_together) == (["xlmr"], ["xlmr"], [])
    found = counts(study)
    assert found["features_together"] == found["probes_at_once"] == 3 and not found.keys() & {"features", "probes", "probes_together"}
    # Where vectors are kept, a treebank more makes its own probes alone.
    study = tiny(features={"together": True, "keep": True}, probes=probes)
    assert (study.vectors_in_a_folder, study.probed_at_once, study.probed_together) == ([], [], ["xlmr"])
    found = counts(study)
    assert "features" not in found and found["features_together"] == 3
    # Tasks that a treebank lacks have jobs of their own, as XNLI has.
    assert (found["probes_together"], found["probes"]) == (3 * 2, 3 * (1 + 1))


def test_published_suites_have_no_corpus_of_their_own():
    models = {
        "hub": {"steps": [1, 2], "huggingface": {"repository": "org/name", "revision": "{step}"}},
        "here": {"steps": [1], "huggingface": {"folder": "/there"}},
        "saved": {"steps": [5], "fairseq": {"checkpoints": "/c.pt", "sentencepiece": "/sp.model"}},
    }
    found = counts(tiny(models=models, bpc={"languages": []}, languages=[]))
    assert (found["adopt_checkpoint"], found["fetch_repository"], found["convert_checkpoint"], found["suite_tokenizer"]) == (3, 2, 1, 1)
    assert not found.keys() & {"pretrain", "tokenizer", "binarize", "clean_corpus", "trained_text", "checkpoint", "bpc"}


def test_paper_1_is_39_checkpoints_by_44_treebanks():
    models = {"replica": yaml.safe_load((PROJECT / "config" / "replica.yaml").read_text())["models"]["replica"]}
    found = counts(shipped("replica", models=models))
    assert (found["convert_checkpoint"], found["probes"], found["transfer"]) == (39, 39 * (44 * 3 + 17), 39 * (18 * 3 + 17))
    assert (found["bpc"], found["alignment"]) == (39, 39 * 6)


def converged(study):
    """Where probes are trained by the protocol converged beside the run's own, by model, task and dataset."""
    return [
        (run, task, name)
        for run in study.runs
        for task in study.probe_tasks
        for name in study.datasets
        if study.has_converged_beside(run, task, name)
    ]


def test_paper_1s_swept_languages_have_converged_probes_too():
    """In language: arc classification on cs en hi ja, XNLI on bg en hi zh (section 5), at all their layers."""
    swept = [("arc_classification", name) for name in ("cs_pdtc", "en_ewt", "hi_hdtb", "ja_gsd")]
    swept += [("xnli", f"xnli_{code}") for code in ("bg", "en", "hi", "zh")]
    for name in ("paper", "replica"):
        study = shipped(name)
        assert {*converged(study)} == {(run, *place) for run in study.runs for place in swept}
        assert all(study.layers(*place) is None for place in converged(study))
        without = study.config["probes"] | {"converged_on": []}
        assert study.jobs() == Study(study.config | {"probes": without}).jobs() and study.protocol("xnli") == "paper"


@pytest.mark.parametrize(
    ("sections", "found"),
    [
        ({}, {(task, "qaa_world") for task in ("pos", "arc_prediction", "arc_classification")}),
        ({"probes": {"converged_on": ["xnli_qaa"]}}, {("xnli", "xnli_qaa")}),
        ({"probes": {"leave_out": {"pos": ["qaa_world"]}, "tasks": ["pos", "number"]}}, {("number", "qaa_world")}),
        ({"probes": {"converged_on": []}}, set()),
        ({"probes": {"protocol": "converged"}}, set()),
        # What is measured at all layers for want of sweeps is not swept.
        ({"probes": {"converged_on": None}}, set()),
        (
            {"probes": {"converged_on": None}, "sweeps": [{"tasks": ["pos"], "layers": [0, 2]}]},
            {("pos", "qaa_world"), ("pos", "qba_world")},
        ),
        # The last entry that fits counts; one layer is no sweep, nor are other layers of a test set.
        (
            {
                "probes": {"converged_on": None},
                "sweeps": [{"layers": None}, {"tasks": ["pos"], "layers": [2]}, {"datasets": ["qba_world"], "layers": [2]}],
            },
            {*((task, "qaa_world") for task in ("arc_prediction", "arc_classification")), ("xnli", "xnli_qaa")},
        ),
        ({"probes": {"converged_on": None}, "sweeps": [{"datasets": ["qba_pud"], "layers": [0, 2]}]}, set()),
    ],
)
def test_where_converged_probes_stand_beside_the_others(sections, found):
    study = tiny(**sections)
    assert {place[1:] for place in converged(study)} == found
    for task in study.probe_tasks:
        told = study.control_arguments("xlmr", study.probe_tasks, "qaa_world")
        assert (task in told) == ((task, "qaa_world") in found)


def test_the_protocol_that_figures_show():
    study = tiny()
    assert [study.protocol(task) for task in ("pos", "xnli", "alignment", "bpc")] == ["paper", "paper", None, "lines"]
    assert tiny(probes={"protocol": "converged"}).protocol("pos") == "converged"


def bilingual(**sections):
    """A multilingual model, one of qba alone in two trainings, and one that is published; three treebanks a language."""
    xlmr = tiny_configuration()["models"]["xlmr"]
    alone = {"steps": [0, 20], "seeds": [1, 2], "pretrain": xlmr["pretrain"] | {"languages": ["qba"]}}
    published = {"steps": [1], "huggingface": {"folder": "/there"}}
    both = {"treebanks": ["qaa_world", "qba_world", "qaa_pud", "qba_pud"], "xnli": ["qaa", "qba"], "bpc": {"languages": ["qaa", "qba"]}}
    return tiny(**both | {"models": {"xlmr": xlmr, "alone": alone, "published": published}} | sections)


OF_QBA = ["qba_pud", "qba_world", "xnli_qba", "xnli_qba_test"]


def test_a_model_with_languages_of_its_own_is_measured_on_these():
    study = bilingual()
    assert study.extracted_datasets("alone") == study.extracted_datasets("alone/seed_2") == OF_QBA
    assert study.extracted_datasets("published") == study.extracted_datasets("xlmr") == sorted(study.datasets)
    assert study.transfer_targets("alone/seed_1", "pos") == ["qba_pud"]
    assert study.transfer_sources("alone/seed_1", "pos", "qba_pud") == ["qba_world"]
    assert (study.bits_languages("alone"), study.parallel_sets("alone"), study.held_out_languages("alone")) == (
        ["qba"],
        ["qba_pud"],
        ["qba"],
    )
    assert ("alone", "alignment", "layer_curves") not in study.figures and ("alone", "xnli", "transfer_matrix") in study.figures
    found = {(one.task, one.source, one.target) for one in study.measurements() if one.model == "alone/seed_1"}
    tasks = ("pos", "arc_prediction", "arc_classification")
    assert found == {(task, "qba_world", target) for task in tasks for target in ("qba_world", "qba_pud")} | {
        *(("xnli", "xnli_qba", target) for target in ("xnli_qba", "xnli_qba_test")),
        ("bpc", "qba", "qba"),
    }
    assert sum(job["model"].startswith("alone") for job in study.jobs()["features"]) == 4 * len(OF_QBA)


def test_a_model_of_all_the_runs_languages_is_measured_on_everything():
    """Those in other languages, too: how well a model does where it has learned nothing is of interest."""
    study = bilingual(languages=["qba"], bpc={"languages": ["qba"]})
    assert study.extracted_datasets("alone") == sorted(study.datasets)


@pytest.mark.parametrize(
    ("entry", "more"),
    [
        ({"models": ["alone"], "datasets": ["qaa_pud"]}, {"qaa_pud"}),
        ({"models": ["alone"], "datasets": ["qaa_world"], "tasks": ["pos"]}, {"qaa_world"}),
        ({"models": ["alone"], "tasks": ["alignment"]}, {"align_qaa_qba"}),
        ({}, {"qaa_pud", "qaa_world", "xnli_qaa", "xnli_qaa_test", "align_qaa_qba"}),
    ],
)
def test_measurements_add_what_lies_outside_a_models_languages(entry, more):
    study = bilingual(measurements=[entry])
    assert {*study.extracted_datasets("alone")} == {*OF_QBA} | more
    assert study.measured_datasets("alone", "arc_prediction") == [
        name for name in study.treebanks if name in OF_QBA or (name in more and entry.get("tasks") is None)
    ]


def test_bits_outside_a_models_languages_are_asked_for_by_the_language():
    assert bilingual(measurements=[{"models": ["alone"], "datasets": ["qaa"]}]).bits_languages("alone") == ["qaa", "qba"]
    assert bilingual(measurements=[{"models": ["alone"], "tasks": ["bpc"]}]).bits_languages("alone") == ["qaa", "qba"]


def test_sweeps_of_some_models():
    study = bilingual(sweeps=[{"layers": [2]}, {"models": ["alone"], "tasks": ["pos"], "layers": [1]}])
    assert study.layers("alone/seed_2", "pos", "qba_world") == [1] and study.layers("xlmr", "pos", "qba_world") == [2]
    assert study.extracted_layers("alone", ["qba_world"]) == [1, 2] and study.extracted_layers("xlmr", ["qba_world"]) == [2]


def test_only_what_is_measured_alike_is_made_together():
    """A model that leaves datasets out has a job a dataset, one that leaves tasks out a job a task."""
    together = {"features": {"together": True, "keep": False}, "probes": {"together": True}}
    study = bilingual(**together, measurements=[{"models": ["alone"], "datasets": ["qaa_world"], "tasks": ["pos"]}])
    assert study.extracted_together == study.vectors_in_a_folder == study.probed_at_once == ["xlmr", "published"]
    assert study.probed_together == []
    assert bilingual(**together).probed_together == ["alone/seed_1", "alone/seed_2"]
    jobs = study.jobs()
    assert {job["model"] for job in jobs["features_together"]} == {"xlmr", "published"}
    assert len(jobs["features"]) == 4 * (len(OF_QBA) + 1)
    assert counts(tiny(probes={"tasks": ["pos"], "together": True}, xnli=[]))["probes_together"] == 2 * len(tiny().checkpoints)
    # In the model of qba: its treebank by three tasks and its pairs, and the other's treebank by one.
    assert sum(job["model"].startswith("alone") for job in jobs["probes"]) == 4 * (3 + 1 + 1)


def test_a_model_that_nothing_is_measured_of_has_no_part_in_the_tables():
    study = bilingual(treebanks=["qaa_world", "qaa_pud"], xnli=["qaa"], bpc={"languages": ["qaa"]})
    assert study.extracted_datasets("alone") == study.bits_languages("alone") == []
    assert all({run for run, _ in parts} == {"xlmr", "published"} for parts in study.table_parts.values())
    assert not any(figure.model == "alone" for figure in study.figures)
