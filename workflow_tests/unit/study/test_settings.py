"""What scripts are told of a run's settings."""

import pytest
from conftest import tiny_configuration

from xlprobe.study.settings import ProbesSection, Settings

PAPER = ["--protocol", "paper", "--batch-size", 64, "--epochs", 8, "--learning-rate", 0.02, "--n-seeds", 2, "--patience", 3]


@pytest.fixture
def config():
    return tiny_configuration()


def probes(config, **changes):
    return ProbesSection.of(config["probes"] | changes)


def test_each_section_writes_its_arguments(config):
    settings = Settings.of(config)
    assert settings.corpus.arguments() == ["--layout", "cc100", "--valid-fraction", 0.1, "--valid-max-documents", 1000]
    assert settings.datasets.treebank_arguments() == ["--dev-fraction", 0.1, "--negatives", "any"]
    assert settings.datasets.clean_arguments() == settings.datasets.nli_arguments() == []
    assert settings.features.arguments() == ["--precision", "float32", "--storage", "auto"]
    assert settings.alignment.arguments() == ["--distortion", 0.0, "--method", "itermax", "--unit", "word"]
    assert settings.bpc.arguments() == ["--mask-share", 0.15, "--max-lines", 60, "--precision", "float32", "--seed", 1]
    assert (settings.bpc.space_arguments(), settings.bpc.text_arguments()) == ([], ["--max-lines", 60])
    assert settings.intervals.arguments() == ["--level", 0.95, "--resamples", 1000]
    assert settings.tokenizer.arguments()[-2:] == ["--vocabulary-size", 300]


def test_switches_are_arguments_where_they_are_on(config):
    config["datasets"] |= {"clean_forms": True, "max_inference_pairs": 7}
    config["bpc"]["count_spaces"] = False
    settings = Settings.of(config)
    assert settings.datasets.clean_arguments() == ["--clean-forms"]
    assert settings.datasets.nli_arguments() == ["--max-pairs", 7]
    assert settings.bpc.space_arguments() == ["--leave-out-spaces"]


def test_probes_are_told_what_their_protocol_goes_by(config):
    assert probes(config).arguments() == PAPER
    assert probes(config, shared_order=True).arguments() == [*PAPER[:2], "--shared-order", *PAPER[2:]]
    assert probes(config, common_seeds=True).arguments() == [*PAPER[:2], "--common-seeds", *PAPER[2:]]
    converged = {"inverse_strengths": [10, 0.1], "tolerance": 1e-5, "iterations": 9}
    told = probes(config, protocol="converged", converged=converged, shared_order=True, common_seeds=True).arguments()
    expected = ["--inverse-strengths", 0.1, 10.0, "--iterations", 9, "--tolerance", 1e-5]
    assert told == ["--protocol", "converged", *expected]
    # Beside those of the other protocol, where the study says so.
    chosen = probes(config, converged=converged)
    assert chosen.controls(["xnli", "pos"], ["pos"]) == ["--converged-tasks", "pos", *expected] and chosen.controls(["pos"]) == []


def test_controls_are_those_of_the_tasks_of_a_job(config):
    chosen = probes(config, control_tasks=["pos", "arc_prediction"], description_lengths=["pos"])
    assert chosen.controls(["pos"]) == ["--control-tasks", "pos", "--description-lengths", "pos"]
    assert chosen.controls(["arc_prediction", "pos"])[:3] == ["--control-tasks", "arc_prediction", "pos"]
    assert chosen.controls(["arc_classification"]) == []
