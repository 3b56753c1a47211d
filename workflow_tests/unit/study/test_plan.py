"""The plan of a run, without Snakemake."""

from collections import Counter

import pytest
import yaml
from conftest import tiny_configuration

from xlprobe.config import complete
from xlprobe.paths import PROJECT
from xlprobe.study.plan import Measurement, Study


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
    assert [*study.inference] == ["xnli_qaa", "xnli_qaa_test"]
    assert [*study.alignments] == ["align_qaa_qba"]
    assert study.datasets == [*study.treebanks, *study.inference, *study.alignments]
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
    assert study.probe_tasks == ["pos", "arc_prediction", "arc_classification", "xnli"]
    assert study.probed_datasets("pos") == ["qaa_world"] and study.transfer_targets("pos") == ["qba_pud"]
    assert study.probed_datasets("arc_prediction") == ["qaa_world", "qba_world"] and study.transfer_targets("arc_prediction") == []
    assert study.probed_datasets("xnli") == ["xnli_qaa"] and study.transfer_targets("xnli") == ["xnli_qaa_test"]
    assert study.transfer_sources("arc_classification", "qba_pud") == ["qaa_world", "qba_world"]
    assert study.probed_datasets("alignment") == study.transfer_targets("no such task") == []


def test_text_as_published_is_compared_with_its_like_alone():
    study = shipped("replica")
    assert study.transfer_sources("xnli", "xnli_zh_published_test") == ["xnli_th_published", "xnli_zh_published"]
    assert len(study.transfer_sources("xnli", "xnli_zh_test")) == 15


def test_layers_of_a_measurement_are_those_of_source_and_target():
    sweeps = [
        {"tasks": ["pos"], "layers": [2, 1]},
        {"tasks": ["pos"], "datasets": ["qba_pud"], "layers": [1, 0]},
        {"tasks": ["alignment"], "layers": [0]},
    ]
    study = tiny(sweeps=sweeps)
    assert study.layers("pos", "qaa_world") == [1, 2] and study.layers("arc_prediction", "qaa_world") is None
    assert study.extracted_layers(["qaa_world"]) is None and study.extracted_layers(["align_qaa_qba"]) == [0]
    assert study.extraction_arguments(["qaa_world"]) == [] and study.extraction_arguments(["align_qaa_qba"]) == ["--layers", 0]
    assert (study.layers_argument("pos", "qba_pud"), study.layers_argument("xnli", "xnli_qaa")) == ("0,1", "all")
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
    assert (study.held_out_languages, study.parallel_sets, study.takes_bits("xlmr")) == (["qba"], ["qba_pud"], True)
    without = tiny(bpc={"leave_out": ["xlmr"]})
    assert not without.takes_bits("xlmr") and "bpc" not in without.jobs()
    assert not any(figure.task == "bpc" for figure in without.figures)


@pytest.mark.parametrize(
    ("sections", "compared"),
    [
        ({}, ["qaa", "qba"]),
        # No corpus and no train split; nothing that is tested.
        ({"languages": ["qaa"], "treebanks": ["qaa_world", "qba_pud"], "bpc": {"languages": []}, "alignments": []}, ["qaa"]),
        ({"treebanks": ["qaa_world"], "alignments": [], "bpc": {"languages": []}}, ["qaa"]),
    ],
)
def test_languages_whose_tests_are_searched_for(sections, compared):
    assert tiny(**sections).compared_languages == compared


def test_figures_and_tables():
    study = tiny()
    kinds = Counter((figure.task, figure.kind) for figure in study.figures)
    assert kinds["pos", "word_groups"] == kinds["xnli", "transfer_matrix"] == kinds["alignment", "layer_curves"] == 1
    assert ("xnli", "word_groups") not in kinds and len(study.figures) == 19
    assert study.tables == ["checkpoints", "scores", "audit", "probe_training", "contamination"]
    bare = tiny(treebanks=["qaa_world"], probes={"tasks": []}, xnli=[], alignments=[], bpc={"languages": []})
    assert bare.tables == ["checkpoints", "contamination"] and bare.figures == [] and [*bare.measurements()] == []


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
        **{"treebank": 3, "inference": 2, "bitext": 1, "contamination": 2},
        **{"features": 18, "probes": 21, "baselines": 7, "transfer": 12, "alignment": 3, "bpc": 3},
        **{"checkpoint_scores": 3, "scores": 1, "checkpoint_audit": 3, "audit": 1, "checkpoint_probe_training": 3, "probe_training": 1},
        **{"probe_training_summary": 1, "contamination_table": 1, "checkpoint_table": 1, "figure": 19},
    }


def test_jobs_bear_their_wildcards():
    jobs = tiny().jobs()
    assert {"model": "xlmr", "step": "10", "task": "xnli", "dataset": "xnli_qaa_test"} in jobs["transfer"]
    assert jobs["baselines"][0] == {"task": "pos", "dataset": "qaa_world"} and jobs["scores"] == [{}]
    assert {"model": "xlmr", "task": "pos", "kind": "word_groups"} in jobs["figure"]


def test_what_is_made_together_is_a_job():
    study = tiny(features={"together": True}, probes={"together": True, "leave_out": {"pos": ["qba_world"]}})
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
