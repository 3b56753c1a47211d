"""What of paper 1 a run can show."""

import json

import pytest
import yaml
from conftest import tiny_configuration

from xlprobe.artifacts.tables import read_schema
from xlprobe.paths import PROJECT
from xlprobe.study import config, paper1
from xlprobe.study.figure_kinds import figure_kinds, reads_of
from xlprobe.study.plan import Study


def study(name="tiny", **changed):
    if name == "tiny":
        return Study(config.complete(tiny_configuration() | changed))
    return Study(config.complete(yaml.safe_load((PROJECT / "config" / f"{name}.yaml").read_text()) | changed))


def test_there_are_17_figures_5_tables_and_one_of_alternatives():
    assert [*paper1.paper_figures()] == [f"{number:02}" for number in range(1, 18)]
    assert [*paper1.paper_tables()] == ["1", "2", "3", "4", "5", "A"]
    assert paper1.paper_figures()["06"].tasks == ("arc_prediction", "pos", "arc_classification", "xnli")


@pytest.mark.parametrize("row", [*paper1.paper_figures().values(), *paper1.paper_tables().values()], ids=lambda row: row.kind)
def test_each_reads_tables_that_have_a_schema(row):
    assert row.reads and all(read_schema(f"{name}.schema.yaml") for name in row.reads)


def test_claims_read_tables_that_have_a_schema():
    assert all(read_schema(f"{name}.schema.yaml") for name in paper1.CLAIM_TABLES)


def test_a_module_that_declares_nothing_is_refused():
    assert reads_of("figures", "expected_layer") == ("expected_layers",)
    with pytest.raises(ValueError, match="declares no PAPER_FIGURE"):
        reads_of("figures", "learning_curve")
    # Nor is a paper's kind one of a single task's.
    assert "expected_layer" not in figure_kinds()


def test_models_are_followed_that_have_curves():
    assert study("replica").followed_models == ["replica"]
    one = tiny_configuration()["models"]["xlmr"] | {"steps": [0, 10]}
    followed = study(models={"xlmr": one})
    assert followed.followed_models == [] and not {"paper_figure", "paper_table", "claims"} & {*followed.jobs()}


def test_facts_say_what_is_measured_and_how():
    facts = paper1.model_facts(study(), "xlmr")
    assert facts["absent"] == {} and facts["world"] and facts["pretrained"] == ["qaa", "qba"]
    assert facts["languages"]["qaa"] == {"name": "Arva", "family": "arvic"}
    assert facts["protocols"] == dict.fromkeys(("pos", "arc_prediction", "arc_classification", "xnli"), "paper") | {"bpc": "lines"}
    assert json.loads(paper1.facts_argument(study(), "xlmr")) == facts
    # Paper 1's numbers are most likely fairseq's way.
    facts = paper1.model_facts(study("replica"), "replica")
    assert facts["protocols"]["bpc"] == "fairseq" and facts["pretrained"] is None and not facts["world"] and len(facts["languages"]) == 94


@pytest.mark.parametrize(
    ("changed", "absent"),
    [
        ({"xnli": []}, {"xnli, in language": "config key xnli", "xnli, transfer": "config key xnli"}),
        ({"treebanks": ["qaa_world", "qba_world"]}, {f"{task}, transfer": "config key treebanks" for task in paper1.TREEBANK_TASKS}),
        ({"alignments": []}, {"alignment, in language": "config key alignments"}),
    ],
)
def test_what_is_not_measured_has_a_reason(changed, absent):
    found = paper1.model_facts(study(**changed), "xlmr")["absent"]
    assert found.keys() == absent.keys() and all(reason in found[name] for name, reason in absent.items())


def test_a_model_of_other_languages_has_a_reason():
    models = {name: tiny_configuration()["models"]["xlmr"] for name in ("xlmr", "other")}
    models["other"]["pretrain"]["languages"] = ["qba"]
    absent = paper1.model_facts(study(models=models), "other")["absent"]
    assert absent["xnli, in language"] == absent["xnli, transfer"]
    assert absent["xnli, transfer"] == "no dataset to train its probes on is measured of the model (config key xnli)"


def test_a_task_that_the_run_has_not_is_absent():
    probes = tiny_configuration()["probes"] | {"tasks": ["pos"]}
    absent = paper1.model_facts(study(probes=probes), "xlmr")["absent"]
    assert {*absent} == {
        f"{task}, {setting}" for task in ("arc_prediction", "arc_classification") for setting in ("in language", "transfer")
    }
    assert "probes.tasks" in absent["arc_prediction, transfer"]


def test_bits_are_absent_where_there_is_no_held_out_text():
    bits = tiny_configuration()["bpc"] | {"languages": []}
    assert "bpc.languages" in paper1.model_facts(study(bpc=bits), "xlmr")["absent"]["bpc, in language"]
