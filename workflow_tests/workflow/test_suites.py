"""Other people's checkpoints end to end: masked and causal suites in folders, one with training seeds, one of fairseq's."""

import shutil

import pandas as pd
import pytest
import yaml
from conftest import Project, tiny_configuration
from suites import write_suite
from upstream_server import Answer, publish_repository

from xlprobe.artifacts.corpus_text import text_lines
from xlprobe.artifacts.tables import conform
from xlprobe.artifacts.vocabulary import SENTENCEPIECE_FILE
from xlprobe.files import read_json
from xlprobe.sources.needs import needs
from xlprobe.study import config as configuration

STEPS = [0, 20]
RUN = ("--configfile", "config/suites.yaml")
RESULTS = "results/suites"
CONFIGURATION = {
    "experiment": "suites",
    "world": tiny_configuration()["world"],
    "models": {
        "masked": {"steps": STEPS, "seeds": [0, 1], "huggingface": {"folder": "suites/bert/seed_{seed}/step_{step}"}},
        "causal": {"steps": STEPS, "huggingface": {"folder": "suites/gpt-neox/step_{step}"}},
        "theirs": {"steps": [12], "fairseq": {"checkpoints": "suites/fairseq/{step}.pt", "sentencepiece": "suites/fairseq/xlmr.model"}},
    },
    "treebanks": ["qaa_world"],
    "features": {"keep": True, "device": "cpu"},
    "probes": {"tasks": ["pos"], "n_seeds": 2, "epochs": 8, "learning_rate": 0.02, "batch_size": 64},
}


@pytest.fixture(scope="module")
def suites_run(tiny_model, warm, tmp_path_factory) -> Project:
    """A project whose run measures four trainings that others made."""
    project = Project(tmp_path_factory.mktemp("suites") / "project")
    text, suites = tiny_model.text, project.folder / "suites"
    lines = list(text_lines(text.corpus("qaa").train))
    for seed in (0, 1):
        write_suite("bert", lines, text.tokenizer, suites / "bert" / f"seed_{seed}", STEPS, seed=seed)
    write_suite("gpt-neox", lines, text.tokenizer, suites / "gpt-neox", STEPS)
    (suites / "fairseq").mkdir()
    shutil.copy(tiny_model.pretraining / "step_12.pt", suites / "fairseq" / "12.pt")
    shutil.copy(text.tokenizer / SENTENCEPIECE_FILE, suites / "fairseq" / "xlmr.model")
    (project.folder / "config" / "suites.yaml").write_text(yaml.safe_dump(CONFIGURATION))
    project.snakemake(*RUN, "--quiet", "all", environment=warm)
    return project


def test_suites_go_from_a_folder_to_learning_curves(suites_run):
    results = suites_run.folder / RESULTS
    scores = conform(pd.read_parquet(results / "metrics" / "scores.parquet"), "scores.schema.yaml")
    accuracy = scores[(scores["metric"] == "accuracy") & scores["seed"].notna() & (scores["split"] == "test")]
    # Steps, layers, seeds of the probes; training seeds are a column, not models.
    assert accuracy.groupby("model").size().to_dict() == {"masked": 2 * 2 * 3 * 2, "causal": 2 * 3 * 2, "theirs": 3 * 2}
    assert accuracy.groupby("model")["training_seed"].unique().map(lambda seeds: seeds.dropna().tolist()).to_dict() == {
        "causal": [],
        "masked": [0, 1],
        "theirs": [],
    }
    majority = scores.loc[(scores["model"] == "majority") & (scores["metric"] == "accuracy") & (scores["split"] == "test"), "value"].item()
    for model in ("masked", "causal"):
        curve = pd.read_csv(results / "figures" / model / "pos_learning_curve.csv")
        assert set(curve["step"]) == {*STEPS} and (curve["mean"] > majority).all()
        assert (results / "figures" / model / "pos_learning_curve.png").stat().st_size > 1000
    both = accuracy[(accuracy["model"] == "masked") & (accuracy["step"] == 20) & (accuracy["layer"] == 2)]
    curve = pd.read_csv(results / "figures" / "masked" / "pos_learning_curve.csv").set_index(["curve", "step"])
    assert curve.loc[("last layer", 20), "mean"] == pytest.approx(both["value"].mean(), abs=1e-6)


def test_each_checkpoint_has_been_looked_at(suites_run):
    results = suites_run.folder / RESULTS
    checkpoints = conform(pd.read_parquet(results / "metrics" / "checkpoints.parquet"), "checkpoints.schema.yaml")
    one_each = checkpoints.groupby("model").first()
    assert one_each["objective"].to_dict() == {"masked": "masked", "causal": "causal", "theirs": "masked"}
    assert one_each["head"].to_dict() == {"masked": "tied", "causal": "untied", "theirs": "tied"}
    assert one_each["parity"].notna().to_dict() == {"masked": False, "causal": False, "theirs": True}
    assert checkpoints["weights_sha256"].nunique() == 2 * 2 + 2 + 1 and checkpoints["bits_per_subword"].notna().all()
    audit = pd.read_parquet(results / "metrics" / "audit.parquet")
    assert len(audit) == 7 and (audit["words_without_subword"] == 0).all()
    assert (audit["unknown_subwords"] < 0.01 * audit["subwords"]).all()
    source = read_json(results / "checkpoints" / "masked" / "seed_1" / "20" / "identity.json")["source"]
    assert source["place"] == "suites/bert/seed_1/step_20" and "model.safetensors" in source["sha256"]


def test_without_corpora_test_text_is_searched_for_in_train_splits(suites_run):
    table = conform(pd.read_parquet(suites_run.folder / RESULTS / "metrics" / "contamination.parquet"), "contamination.schema.yaml")
    assert table[["language", "test_set", "split", "reference"]].to_numpy().tolist() == [["qaa", "qaa_world", "test", "qaa_world"]]


def test_a_finished_suite_is_not_made_again_and_a_changed_checkpoint_is(suites_run, tmp_path):
    project = object.__new__(Project)
    project.folder = tmp_path / "project"
    shutil.copytree(suites_run.folder, project.folder, symlinks=True)
    assert project.planned(*RUN) == {}
    target = f"{RESULTS}/probes/causal/0/pos/qaa_world.h5"
    weights = project.folder / "suites" / "gpt-neox" / "step_0" / "model.safetensors"
    shutil.copy(project.folder / "suites" / "gpt-neox" / "step_20" / "model.safetensors", weights)
    assert project.planned(target, *RUN) == {"adopt_checkpoint": 1, "features": 1, "probes": 1}
    project.snakemake(target, *RUN, "--quiet", "all", check=False)
    log = (project.folder / RESULTS / "logs" / "checkpoints" / "causal" / "0.log").read_text()
    assert "step 0 holds the same weights as step 20; one of them is not what its name says" in log
    assert not (project.folder / RESULTS / "checkpoints" / "causal" / "0" / "identity.json").exists()


@pytest.mark.parametrize(
    ("model", "section", "message"),
    [
        ("masked", {"huggingface": {"folder": "suites/brt/{seed}/{step}"}}, "models.masked.huggingface.folder: there is no suites/brt/0/0"),
        (
            "causal",
            {"huggingface": {"folder": "suites/{step}"}, "steps": [0]},
            "models.causal.huggingface.folder: there is no suites/0; correct",
        ),
        ("causal", {"huggingface": {"folder": "suites/bert/seed_{step}"}, "steps": [0]}, "suites/bert/seed_0: holds no config.json"),
        ("theirs", {"steps": [99]}, "models.theirs.fairseq.checkpoints: there is no suites/fairseq/99.pt; correct"),
    ],
)
def test_a_place_without_checkpoints_ends_in_one_sentence(suites_run, model, section, message):
    changed = {model: CONFIGURATION["models"][model] | section}
    path = suites_run.folder / "config" / "faulty.yaml"
    path.write_text(yaml.safe_dump(CONFIGURATION | {"experiment": "faulty", "models": changed}))
    output = suites_run.snakemake("-n", "--configfile", str(path), check=False)
    assert "error: " in output and message in output and "Traceback" not in output


def upstream_folder(project: Project) -> str:
    """Where checkpoints from the configuration's address lie."""
    config = configuration.complete(yaml.safe_load((project.folder / "config" / "suites.yaml").read_text()))
    (path,) = [need.path for need in needs(config) if need.reader[0] == "checkpoint"]
    return path.split("/")[1]


def test_suites_are_fetched_verified_and_deleted_once_published(suites_run, upstream, tmp_path):
    """From the hub and from an address, each broken off once; the published folders are those made from local files."""
    project = Project(tmp_path / "project")
    suites, results = suites_run.folder / "suites", project.folder / RESULTS
    files = {path.name: path.read_bytes() for path in (suites / "gpt-neox" / "step_20").iterdir()}
    publish_repository(upstream, "org/neox", "step20", files, **{"model.safetensors": Answer(cut=20_000)})
    upstream.publish("theirs/12.pt", (suites / "fairseq" / "12.pt").read_bytes(), Answer(cut=20_000))
    upstream.publish("theirs/xlmr.model", (suites / "fairseq" / "xlmr.model").read_bytes())
    fairseq = {"checkpoints": f"{upstream.address}/theirs/{{step}}.pt", "sentencepiece": f"{upstream.address}/theirs/xlmr.model"}
    models = {
        "causal": {"steps": [20], "huggingface": {"repository": "org/neox", "revision": "step{step}"}},
        "theirs": {"steps": [12], "fairseq": fairseq},
    }
    (project.folder / "config" / "suites.yaml").write_text(yaml.safe_dump(CONFIGURATION | {"models": models}))
    target, hub = f"{RESULTS}/metrics/checkpoints.parquet", {"HF_ENDPOINT": upstream.address}
    project.snakemake(target, *RUN, "--quiet", "all", environment=hub)
    for checkpoint in ("causal/20", "theirs/12"):
        places = (results, suites_run.folder / RESULTS)
        fetched, local = (read_json(place / "checkpoints" / checkpoint / "identity.json") for place in places)
        assert fetched["files"] == local["files"] and fetched["source"]["place"] != local["source"]["place"]
    assert not list((results / "sources" / "models").rglob("*.*")), "what was fetched stays behind"
    assert project.planned(target, *RUN, environment=hub) == {}
    # What is checked by digest is not fetched again for an edit of the code that fetches.
    for module, old in (("downloads", "MAX_WAIT = 600"), ("hub", "BUSY, MAX_ATTEMPTS")):
        project.edit(f"scripts/xlprobe/sources/{module}.py", old, old.replace("600", "601").replace("BUSY, MAX", "BUSY as BUSY, MAX"))
    assert project.planned(target, *RUN, environment=hub) == {}
    # Killed after a download, a run deletes the file all the same.
    sources = results / "sources" / "models" / upstream_folder(project)
    sources.mkdir(parents=True)
    shutil.copy(suites / "fairseq" / "12.pt", sources / "12.pt")
    for made in ("checkpoints/theirs/12/identity.json", "metrics/checkpoints.parquet"):
        (results / made).unlink()
    asked = len(upstream.asked)
    project.snakemake(target, *RUN, "--quiet", "all", environment=hub)
    assert not (sources / "12.pt").exists() and len(upstream.asked) == asked, "what was there was fetched again"
    locked = (project.folder / "resources" / "sources.lock.tsv").read_text()
    assert f"{upstream.address}/theirs/12.pt" in locked and "/org/neox/tree/step20" in locked
