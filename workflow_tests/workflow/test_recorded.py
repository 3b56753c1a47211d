"""What Snakemake records of each job, to know whether it must run again: all that matters, and nothing else.

Runs here are finished in name alone: their files are empty, and Snakemake was told to take them (`--touch`).
"""

import json
import os
import re
from ast import literal_eval
from pathlib import Path

import pytest
import yaml
from conftest import Project
from recorded_jobs import jobs_of_copy

from xlprobe.files import identity_digest
from xlprobe.paths import PROJECT
from xlprobe.pretraining.training_version import TRAINING_VERSION
from xlprobe.sources.source_files import SourceFiles
from xlprobe.study.config import complete
from xlprobe.study.plan import Study

TINY = "config/tiny.yaml"
CONFIGURATION = ("--configfile", TINY)
JOINS = {"checkpoint_audit", "audit", "checkpoint_scores", "scores", "checkpoint_probe_training", "probe_training"}
JOINS |= {"baseline_scores", "probe_training_summary", "figure", "contamination_table", "dataset_table", "factors", "run_description"}
JOINS |= {"findings"}
TOGETHER = (
    ("{keep: true}", "{keep: false, together: true}"),
    ("{n_seeds: 2,", "{tasks: [arc_prediction, pos], n_seeds: 2, together: true,"),
)
CONFIGURATION_COPY = "metrics/config.json"
FETCHED = """
experiment: fetched
data: {root: config}
models: {adopted: {steps: [20], huggingface: {repository: org/name, revision: "step{step}"}}}
treebanks: [en_ewt]
alignments: [align_en_fr]
xnli: [en]
datasets: {nli_text: tokenized}
"""
# With a parallel test set of the user's own.
MINE = """
experiment: mine
data: {root: mine}
models: {adopted: {steps: [20], huggingface: {repository: org/name, revision: "step{step}"}}}
treebanks: [en_ewt, fr_gsd, en_mine]
bpc: {languages: [en]}
"""
MINE_ROW = "en_mine\ten\tUD_English-Mine\ttest\t\tmine\n"
PUBLISHED = [f"{name}-ud-{split}" for name in ("UD_English-EWT/en_ewt", "UD_French-GSD/fr_gsd") for split in ("train", "dev", "test")]
MINE_FILES = ["UD_English-Mine/en_mine-ud-test", *PUBLISHED]


def written_otherwise(text):
    """Keys and lists in another order, defaults written out, whole numbers in place of floats."""
    configuration = yaml.safe_load(text)
    configuration["models"]["xlmr"]["pretrain"]["training"] |= {"weight_decay": 0.01, "clip_norm": 0}
    configuration["world"]["seed"] = 1
    configuration["alignment"] = {"distortion": 0, "unit": "word"}
    configuration["probes"] |= {"tasks": ["arc_classification", "pos", "arc_prediction"], "shared_order": False}
    configuration["tokenizer"]["seed"] = 1
    for name in ("languages", "treebanks"):
        configuration[name].reverse()
    return json.dumps(backwards(configuration))


def backwards(value, names=()):
    """Keys the other way round; but for the world's languages, whose order names its alignment sets."""
    if not isinstance(value, dict):
        return value
    items = [(key, backwards(child, (*names, key))) for key, child in value.items()]
    return dict(items if names == ("world", "languages") else reversed(items))


TEXT = (PROJECT / TINY).read_text()
# Beside the model of both languages one of each, which share what is trained alike.
ALONE = "  {name}: {{steps: [0, 20], seeds: [1, 2], pretrain: {{languages: [{name}], training: {{updates: 40, warmup_updates: 4}}}}}}\n"
CONFIGURATIONS = {
    "tiny": TEXT,
    "fetched": FETCHED,
    "mine": MINE,
    "more": TEXT.replace("max_lines: 60", "max_lines: 61"),
    "same": written_otherwise(TEXT),
    "together": TEXT,
    "alone": TEXT.replace(", qba_pud]", "]").replace("xnli: [qaa]\n", "").replace("{sources: all}", "{predictions: true}"),
    "bilingual": TEXT.replace("treebanks:", "".join(ALONE.format(name=name) for name in ("qaa", "qba")) + "treebanks:"),
}
CONFIGURATIONS["bilingual together"] = CONFIGURATIONS["bilingual"]
# Texts that are drawn from the cleaned ones: none that a model is trained on, and one.
VARIANTS = "variants: {equal: {max_sequences: smallest}, half: {from: equal, languages: [qba], share: 0.5}}, valid_sequences: 3"
CONFIGURATIONS["texts"] = TEXT.replace("{valid_fraction: 0.1}", f"{{valid_fraction: 0.1, {VARIANTS}}}")
HALF = "  half: {steps: [0, 20], pretrain: {text: half, training: {updates: 40, warmup_updates: 4}}}\n"
CONFIGURATIONS["drawn"] = CONFIGURATIONS["texts"].replace("treebanks:", HALF + "treebanks:")
# With signatures: of all fits and checks, a job a category; and of those of a step alone, all categories in one job, on features that
# are extracted together.
MONO = "  mono: {one_for_each: [qaa, qba], control: true, steps: [20], pretrain: {training: {updates: 40, warmup_updates: 4}}}\n"
SIGNED = TEXT.replace("treebanks:", MONO + "treebanks:", 1)
COMPARED = "variants: {main: {multilingual: xlmr, monolingual: [mono]}}"
CONFIGURATIONS["signed"] = f"{SIGNED}signatures: {{{COMPARED}}}\n"
CONFIGURATIONS["signed together"] = f"{SIGNED}signatures: {{{COMPARED}, together: true, fits: [per_layer], checks: {{variants: []}}}}\n"
for old, new in TOGETHER:
    for name in ("together", "bilingual together", "signed together"):
        CONFIGURATIONS[name] = CONFIGURATIONS[name].replace(old, new)


@pytest.fixture(scope="module")
def jobs(tmp_path_factory):
    """The tiny run's jobs, those of one with another limit, those of one that is written in another way, and of others."""
    project = Project(tmp_path_factory.mktemp("tiny") / "project")
    paths = [project.folder / "config" / f"{name}.yaml" for name in CONFIGURATIONS]
    for path, content in zip(paths, CONFIGURATIONS.values(), strict=True):
        path.write_text(content)
    with (project.folder / "resources" / "treebanks.tsv").open("a") as table:
        table.write(MINE_ROW)
    for name in MINE_FILES:
        path = project.folder / "mine" / "ud" / f"{name}.conllu"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return dict(zip(CONFIGURATIONS, jobs_of_copy(project.folder, paths, project.folder), strict=True))


def differ(one, other):
    """The first outputs of jobs that are not the same to Snakemake, by stage."""
    before, after = ({job.output[0]: job.recorded for job in jobs} for jobs in (one, other))
    assert before.keys() == after.keys()
    return sorted(path.removeprefix("results/tiny/") for path in before if before[path] != after[path])


def record(configuration):
    """What a finished interval's record says of what was trained: as the configuration asks for."""
    config = complete(yaml.safe_load(configuration.read_text()))
    pretraining = config["models"]["xlmr"]["pretrain"]
    text = {"dictionary_sha256": "", "text_sha256": dict.fromkeys(config["languages"], "")}
    identity = {"training_version": TRAINING_VERSION, **{key: pretraining[key] for key in ("architecture", "training")}, **text}
    return {"identity": identity, "identity_sha256": identity_digest(identity)}


def finish(project, configuration):
    """Make empty files of all that a run makes, and tell Snakemake to take them; returns its jobs."""
    (jobs,) = jobs_of_copy(project.folder, [project.folder / configuration], project.folder)
    for output in [output for job in jobs for output in job.output]:
        path = project.folder / output
        if path.name == "vectors":
            path.mkdir(parents=True)
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(record(project.folder / configuration)) if path.name == "training.json" else "")
    project.snakemake("--configfile", configuration, "--touch", "--forceall", "--quiet", "all")
    return jobs


def kind(text):
    """What a recorded value could be taken for; nothing, where it says of itself what it is."""
    value = literal_eval(text)
    if not value or (isinstance(value, list) and str(value[0]).startswith("--")):
        return None
    first = str(value[0] if isinstance(value, list) else value)
    return None if first.startswith(("results/", "{", "--")) or isinstance(value, dict) else type(value).__name__


def check_parameters(jobs):
    """Snakemake records none that depends on a job's files, and of the others the values alone, as a set."""
    for job in jobs:
        files = {*job.input, *job.output}
        places = files | {str(Path(file).parent) for file in files}
        for name, values in job.from_files.items():
            assert all(value in places or value.startswith("--") for value in values), (job.rule, name, values)
        kinds = [kind(value) for name, value in job.by_name.items() if name != "code"]
        kinds = [found for found in kinds if found]
        assert len(kinds) == len({*kinds}), (job.rule, job.by_name)


def test_parameters_are_recorded_and_none_can_be_taken_for_another(jobs):
    assert len({job.rule for job in jobs["tiny"]}) > 20
    assert {job.rule for job in jobs["fetched"]} > {"fetch_repository", "unpack_source", "download_source"}
    assert {job.rule for job in jobs["signed"]} > {"covariances", "signatures", "signature_checks", "signature_figure"}
    for run in ("tiny", "fetched", "signed", "signed together"):
        check_parameters(jobs[run])


def test_no_command_names_a_file_of_each_checkpoint(jobs):
    """A command line holds 128 KiB: lists of checkpoints are one argument (`checkpoint_lists`)."""
    steps = re.compile(r"results/tiny/[^ ]*/xlmr/([0-9]+)[/.]")
    comparing = [job for job in jobs["tiny"] if len({*steps.findall(" ".join(job.input))}) > 1]
    assert {job.rule for job in comparing} >= {"scores", "audit", "probe_training", "checkpoint_table"}
    assert {job.rule for job in jobs["signed"] if len({*re.findall(r"/main/([0-9]+)/", " ".join(job.input))}) > 1} == {
        *("signatures_over_steps", "signature_table")
    }
    for job in jobs["tiny"] + jobs["signed"]:
        assert len({*steps.findall(job.command), *re.findall(r"/main/([0-9]+)/", job.command)}) <= 1, job.command


@pytest.mark.parametrize(
    "run", ["tiny", "together", "fetched", "alone", "bilingual", "bilingual together", "drawn", "signed", "signed together"]
)
def test_the_study_knows_each_job_that_snakemake_plans(jobs, run, monkeypatch, tmp_path):
    monkeypatch.setenv("XLPROBE_DATA", "")
    (tmp_path / "config").mkdir()
    monkeypatch.chdir(tmp_path)
    study = Study(complete(yaml.safe_load(CONFIGURATIONS[run])))
    plan = study.jobs() | SourceFiles.of(study, Path("results")).jobs()
    planned = {rule: [job.wildcards for job in jobs[run] if job.rule == rule] for rule in {job.rule for job in jobs[run]}}
    assert by_wildcards(planned) == by_wildcards(plan)


@pytest.mark.parametrize(
    ("run", "extracted", "transferred"),
    [
        ("xlmr", 6, {"qba_pud": {"qaa_world", "qba_world"}, "xnli_qaa_test": {"xnli_qaa"}}),
        ("qaa/seed_1", 3, {"xnli_qaa_test": {"xnli_qaa"}}),
        ("qba/seed_2", 2, {"qba_pud": {"qba_world"}}),
    ],
)
def test_a_model_of_one_language_is_measured_on_what_lies_in_it(jobs, run, extracted, transferred):
    found = [job for job in jobs["bilingual"] if job.wildcards.get("model") == run]
    assert len({job.wildcards["dataset"] for job in found if job.rule == "features"}) == extracted
    transfers = [job for job in found if job.rule == "transfer"]
    assert {job.wildcards["dataset"] for job in transfers} == transferred.keys()
    for job in transfers:
        sources = {Path(path).stem for path in job.input if path.endswith(".safetensors") and "/probes/" in path}
        assert sources == transferred[job.wildcards["dataset"]]
    # In which alone bits per character are taken.
    assert any(job.rule == "bpc" for job in found) == (run != "qaa/seed_1")


def test_a_variant_of_the_text_changes_no_target_of_the_run(jobs):
    assert differ(jobs["tiny"], jobs["texts"]) == [CONFIGURATION_COPY]
    before, after = ({job.output[0]: job for job in jobs[run]} for run in ("tiny", "drawn"))
    # What joins all models holds one more.
    changed = {job.rule for path, job in before.items() if job.recorded != after[path].recorded}
    assert changed <= JOINS | {"claims", "paper_table"} | {job.rule for job in jobs["tiny"] if not job.wildcards}
    made = {"clean_corpus", "tokenizer", "binarize", "pretrain", "trained_text", "checkpoint", "features", "probes", "bpc", "transfer"}
    assert made <= {job.rule for job in jobs["tiny"]} and not changed & made


def test_signatures_change_no_target_of_what_else_is_measured(jobs):
    """But for what joins all models and datasets, and what tells of a model's own: its audit."""
    before, after = ({job.output[0]: job for job in jobs[run]} for run in ("tiny", "signed"))
    changed = {job.rule for path, job in before.items() if job.recorded != after[path].recorded}
    assert changed == {"checkpoint_audit", "audit", "checkpoint_table", "dataset_table", "findings", "run_description"}
    # Vectors of control models are those of words with categories alone.
    control = [job for job in after.values() if job.wildcards.get("model", "").startswith("mono_")]
    assert {job.wildcards["dataset"] for job in control if job.rule == "features"} == {"morph_qaa_world", "morph_qba_world"}
    made = {"pretrain", "trained_text", "checkpoint", "features", "checkpoint_audit"}
    assert {job.rule for job in control} == made


def test_covariances_are_of_a_language_and_drawn_at_the_last_step_alone(jobs):
    found = {(job.wildcards["step"], job.wildcards["language"]): job for job in jobs["signed"] if job.rule == "covariances"}
    assert found.keys() == {(step, language) for step in ("0", "10", "20") for language in ("qaa", "qba")}
    for (step, language), job in found.items():
        features = [f"results/tiny/features/{model}/morph_{language}_world.h5" for model in (f"xlmr/{step}", f"mono_{language}/20")]
        assert f"--multilingual {features[0]} --monolingual {features[1]} " in job.command
        assert ("--nulls 5" in job.command) == ("--smallest-of" in job.command) == (step == "20")
    # Without checks, nothing is; vectors of a model that extracts all together lie in a folder, those of others in files.
    for job in (job for job in jobs["signed together"] if job.rule == "covariances"):
        language = job.wildcards["language"]
        assert f"--multilingual results/tiny/features/xlmr/{job.wildcards['step']}/vectors " in job.command
        assert f"--monolingual results/tiny/features/mono_{language}/20/morph_{language}_world.h5 " in job.command
        assert "--nulls" not in job.command


def test_texts_are_drawn_from_their_parents(jobs):
    drawn = {job.output[0]: job for job in jobs["drawn"] if job.rule == "draw_text"}
    half = drawn["results/tiny/corpus/half/qba/train.txt.zst"]
    parent = ["results/tiny/corpus/equal/qba/counts.json", "results/tiny/binarized/equal/qba/manifest.json"]
    assert {*parent, "results/tiny/binarized/equal/qba/train.idx"} <= {*half.input}
    assert "--parent equal/qba" in half.command and "--share 0.5 --valid-sequences 3" in half.command
    equal = drawn["results/tiny/corpus/equal/qba/train.txt.zst"]
    both = " ".join(f"results/tiny/binarized/{language}/manifest.json" for language in ("qaa", "qba"))
    assert f"--smallest-of {both} " in equal.command and "--share" not in equal.command
    trained = [job for job in jobs["drawn"] if job.rule in ("pretrain", "trained_text") and job.wildcards["model"] == "half"]
    assert len(trained) == 3 and all("--texts equal/qaa half/qba" in job.command for job in trained)


def test_a_parallel_test_set_of_the_users_own_is_measured_as_pud_is(jobs):
    made = {job.wildcards["dataset"]: job.command for job in jobs["mine"] if job.rule == "treebank"}
    assert "--language en --parallel mine" in made["en_mine"] and "--parallel" not in made["en_ewt"]
    (bits,) = (job for job in jobs["mine"] if job.rule == "bpc")
    assert "--parallel results/mine/datasets/en_mine " in bits.command and "results/mine/datasets/en_mine/identity.json" in bits.input
    transfers = [job for job in jobs["mine"] if job.rule == "transfer"]
    assert {job.wildcards["task"] for job in transfers} == {"pos", "arc_prediction", "arc_classification"}
    for job in transfers:
        assert job.wildcards["dataset"] == "en_mine"
        assert [Path(path).stem for path in job.input if path.endswith(".safetensors") and "/probes/" in path] == ["en_ewt"]
    baselines = [job.command for job in jobs["mine"] if job.rule == "baselines" and job.wildcards["dataset"] == "en_mine"]
    assert len(baselines) == 3
    for command in baselines:
        assert "--dataset results/mine/datasets/en_mine --sources results/mine/datasets/en_ewt --task" in command
    pairs = [job.command for job in jobs["fetched"] if job.rule == "nli"]
    assert pairs and all("--parallel xnli" in command for command in pairs)


def by_wildcards(jobs):
    return {rule: sorted(map(sorted, map(dict.items, found))) for rule, found in jobs.items()}


def test_a_limit_on_held_out_text_is_one_on_what_is_searched_for(jobs):
    """It once depended on the rule's input, so that Snakemake did not see it change."""
    bits = [f"bpc/xlmr/{step}.h5" for step in (0, 10, 20)]
    assert differ(jobs["tiny"], jobs["more"]) == [*bits, "contamination/qba.parquet", CONFIGURATION_COPY]


def test_settings_compare_by_value(jobs):
    """Figures show datasets in the order given, and the configuration's copy has it."""
    others = {*differ(jobs["tiny"], jobs["same"])} - {CONFIGURATION_COPY}
    assert {path.split("/")[0] for path in others} == {"figures"}


def test_with_together_dropping_a_dataset_or_a_task_makes_nothing_of_the_others(tmp_path):
    project = Project(tmp_path / "project")
    for old, new in (*TOGETHER, ("[0, 10, 20]", "[0]"), ("[align_qaa_qba]", "[]")):
        project.edit(TINY, old, new)
    check_parameters(finish(project, TINY))
    # What is temporary is not there.
    for path in project.folder.glob("results/*/features/**/vectors"):
        path.rmdir()
    kept = (project.folder / TINY).read_text()
    project.edit(TINY, "[qaa_world, qba_world, qba_pud]", "[qaa_world, qba_pud]")
    project.edit(TINY, "tasks: [arc_prediction, pos]", "tasks: [pos]")
    planned = project.planned(*CONFIGURATION)
    # What a source's labels alone earn on the parallel test set is measured without it: seconds.
    assert planned.pop("baselines") == 1
    assert planned and planned.keys() <= JOINS
    # What is new is said, wherever it stands among the others, with what that makes again.
    changes = {"[qaa_world, qba_world,": "[qaa_world, qaa_pud,", "tasks: [arc_prediction, pos],": "", "max_lines: 60": "max_lines: 61"}
    changes["{sources: all}"] = "{sources: all, shared_labels: true}"
    text = kept
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    (project.folder / TINY).write_text(text)
    output = project.snakemake(*CONFIGURATION, "-n", "-p")
    for new, again in (("qaa_pud", "all datasets are extracted"), ("arc_classification/qaa_world", "all probes are trained")):
        assert len(re.findall(f"new: {new}.*; so {again} again, which are made together", output)) == 1
    assert "Extracting all datasets from xlmr" in output and "Probing xlmr at step 0" in output
    # What is recorded as read is read, so that a dropped dataset is in these tables when it comes back.
    commands = re.findall(r"python scripts/(?:transfer_probes|measure_contamination).*", output)
    made = [command for command in commands if "/pos/qba_pud.h5" in command or "contamination/qba.parquet" in command]
    assert len(made) == 2 and all(re.search(r"/qba_world(\.safetensors)? ", command) for command in made)
    assert all(("--dropped-datasets qba_world" in command) == ("transfer" in command) for command in commands)


SUITES = """
experiment: suites
data: {{root: {folder}/data}}
tokenizer: {{model: {folder}/suites/sp.model}}
models:
  published: {{steps: [1], huggingface: {{folder: "{folder}/suites/step_{{step}}"}}}}
  saved: {{steps: [5], fairseq: {{checkpoints: "{folder}/suites/c_{{step}}.pt", sentencepiece: {folder}/suites/sp.model}}}}
treebanks: [en_ewt]
xnli: [en, fr]
datasets: {{nli_text: tokenized}}
languages: [en]
"""


@pytest.fixture
def suites(tmp_path):
    """A project that reads a data folder and two suites outside it; files over a megabyte count by their time for Snakemake."""
    outside = tmp_path / "outside"
    files = [f"data/ud/UD_English-EWT/en_ewt-ud-{split}.conllu" for split in ("train", "dev", "test")] + ["data/cc100/en.txt.xz"]
    files += [f"data/xnli/XNLI-1.0/xnli.{split}.tsv" for split in ("dev", "test")]
    files += [f"data/xnli/XNLI-MT-1.0/multinli/multinli.train.{language}.tsv" for language in ("en", "fr", "de")]
    files += [f"suites/step_1/{name}" for name in ("config.json", "model.safetensors", "tokenizer.json")]
    for name in (*files, "suites/c_5.pt", "suites/sp.model"):
        path = outside / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode() * 60_000)
    project = Project(tmp_path / "project")
    project.outside = outside
    (project.folder / "config" / "suites.yaml").write_text(SUITES.format(folder=outside))
    return project


def test_what_lies_outside_a_run_counts_by_its_content(suites):
    configuration = ("--configfile", "config/suites.yaml")
    sources, data = suites.folder / "results" / "suites" / "sources", suites.outside / "data"
    for file in data.rglob("*.*"):
        if file.is_file() and ".de." not in file.name:
            link = sources / file.relative_to(data)
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(file)
    check_parameters(finish(suites, "config/suites.yaml"))
    for file in suites.outside.rglob("*.*"):
        file.touch()
    assert suites.planned(*configuration) == {}
    # Moved, while the run gets another language; with the links deleted and made again, as the refusal advises.
    moved = suites.outside.rename(suites.outside.with_name("moved"))
    for change in ((str(suites.outside), str(moved)), ("[en, fr]", "[en, fr, de]")):
        suites.edit("config/suites.yaml", *change)
    for link in [path for path in sources.rglob("*") if path.is_symlink()]:
        link.unlink()
    suites.snakemake("sources", *configuration, "--quiet", "all")
    # Other content of the same size under an older time, in one file of each kind.
    for name in ("data/cc100/en.txt.xz", "data/ud/UD_English-EWT/en_ewt-ud-dev.conllu", "suites/step_1/model.safetensors", "suites/c_5.pt"):
        status = (moved / name).stat()
        (moved / name).write_bytes(b"x" * status.st_size)
        os.utime(moved / name, ns=(0, status.st_mtime_ns - 10**15))
    planned = suites.planned(*configuration)
    made = ("clean_corpus", "treebank", "adopt_checkpoint", "convert_checkpoint")
    assert {rule: planned.get(rule) for rule in made} == dict.fromkeys(made, 1)
    # Dev and test sets are those of all languages, of which one is new.
    assert planned["nli"] == 2
    # What was moved alone, nothing is made of.
    assert "suite_tokenizer" not in planned and "tokenizer" not in planned
