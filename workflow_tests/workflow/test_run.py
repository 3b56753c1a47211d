"""The workflow end to end: a complete run, and what does and does not make it run again."""

import fcntl
import json
import os
import re
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from conftest import tiny_configuration
from outcome_scores import outcome_in, scores_of
from safetensors import safe_open
from safetensors.torch import load_file
from transformers import AutoModelForMaskedLM

from xlprobe.artifacts.corpus_text import text_lines
from xlprobe.artifacts.feature_file import FeatureFile
from xlprobe.artifacts.tables import conform
from xlprobe.files import sha256
from xlprobe.metrics.factors import Factors
from xlprobe.paths import PROJECT
from xlprobe.pretraining.training_version import TRAINING_VERSION
from xlprobe.sources.source_files import SourceFiles
from xlprobe.study.config import complete
from xlprobe.study.plan import Study
from xlprobe.world.languages import World
from xlprobe.world.publication import gold_links, parallel_meanings

TINY = ("--configfile", "config/tiny.yaml")
RESULTS = "results/tiny"
CHECKPOINTS = f"{RESULTS}/metrics/checkpoints.parquet"
STEPS = (0, 10, 20)
# On treebanks.
TASKS = ("pos", "arc_prediction", "arc_classification")
KINDS = ("learning_curve", "layer_by_step", "transfer_curve", "transfer_matrix")
FIGURES = [f"{task}_{kind}" for task in (*TASKS, "xnli") for kind in KINDS]
FIGURES += ["pos_word_groups", "alignment_layer_curves", "bpc_language_curves"]
TREEBANKS = ("qaa_world", "qba_world")
# What is taken of curves, by the rule that makes it.
MEASURES = {
    "learning": ("best", "steps", "forgetting"),
    "asymmetry": ("asymmetry",),
    "layers": ("expected_layers", "layer_gains"),
    "order": ("order",),
    "gates": ("gates",),
    "correlations": ("correlations", "alternatives"),
}
# What is shown of paper 1, and RESULTS.md.
TOLD = {"claims": 1, "findings": 1}
PAPERS = {"paper_figure": 17, "paper_table": 6} | TOLD
# The configuration's own copy, and what reads it.
COPIED = {"run_description": 1} | TOLD
METRICS_OF_SCORES = {"checkpoint_scores": 3, "scores": 1, "figure": 19} | dict.fromkeys(MEASURES, 1) | PAPERS
# All scores, those of baselines too; no measurement.
SCORES = METRICS_OF_SCORES | {"baseline_scores": 1}
# Probes write both tables.
METRICS_OF_PROBES = METRICS_OF_SCORES | {"checkpoint_probe_training": 3, "probe_training": 1, "probe_training_summary": 1}
ONE_TASK = METRICS_OF_PROBES | {"probes": 6, "transfer": 3}
PROBES = METRICS_OF_PROBES | {"probes": 21, "transfer": 12}
# Features write the audit, and know its columns.
AUDIT = PROBES | {"features": 18, "alignment": 3, "checkpoint_audit": 3, "audit": 1}


def test_a_run_makes_what_it_promises(finished_run):
    results = finished_run.folder / RESULTS
    scores = conform(pd.read_parquet(results / "metrics" / "scores.parquet"), "scores.schema.yaml")
    # The words behind the other metrics may be none; those behind accuracy are all.
    assert {"accuracy", "accuracy_unseen"} <= set(scores.loc[scores["task"] == "pos", "metric"])
    assert set(scores["task"]) == {*TASKS, "xnli", "alignment", "bpc"}
    accuracy = scores[scores["metric"] == "accuracy"]
    probes = accuracy[accuracy["model"] == "xlmr"]
    place = ["task", "step", "layer", "source", "target", "split", "protocol", "seed"]
    assert not probes.duplicated(place).any() and probes["value"].between(0.1, 1).all()
    # Converged probes stand beside one treebank's own: tasks, steps, layers, a seed and its mean, splits. They are not transferred.
    converged = probes[probes["protocol"] == "converged"]
    probes = probes.drop(converged.index)
    assert len(converged) == 3 * 3 * 3 * 2 * 2 and set(converged["source"]) == {"qaa_world"} == set(converged["target"])
    beside = converged.merge(probes[probes["seed"].isna()], on=place[:6])
    assert len(beside) == len(converged) and (beside["n_x"] == beside["n_y"]).all()
    # Theirs is the optimum, the others stop before it.
    assert beside["value_x"].mean() > beside["value_y"].mean()
    transfer, nli = probes["target"].isin(["qba_pud", "xnli_qaa_test"]), probes["task"] == "xnli"
    # Tasks, steps, layers, treebanks, seeds and their mean, splits; of transfer the test split alone; two baselines for each
    # treebank and split, three of inference; on targets, of each source two, of inference one.
    assert (~transfer & ~nli).sum() == 3 * 3 * 3 * 2 * 3 * 2 and (transfer & ~nli).sum() == 3 * 3 * 3 * 2 * 3
    assert (~transfer & nli).sum() == 3 * 3 * 3 * 2 and (transfer & nli).sum() == 3 * 3 * 3
    assert len(accuracy) == len(probes) + len(converged) + 3 * 2 * 2 * 2 + 3 * 2 + 3 * 2 * 2 + 1
    assert (scores.loc[scores["task"] == "xnli", "text_form"] == "raw").all() and scores.loc[
        scores["task"] != "xnli", "text_form"
    ].isna().all()
    bits = scores[(scores["task"] == "bpc") & (scores["metric"] == "bits_per_character")]
    assert set(zip(bits["step"], bits["split"], strict=True)) == {(step, split) for step in STEPS for split in ("valid", "test")}
    assert set(zip(bits["target"], bits["split"], strict=True)) == {("qba", "valid"), ("qba_pud", "test")}
    assert (bits["target_language"] == "qba").all() and bits["value"].between(0.5, 10).all()
    # Every score has its interval, of sentences and, for means, seeds.
    assert (
        scores["low"].notna().all() and (scores["low"] <= scores["value"]).mean() > 0.99 and (scores["low"] < scores["high"]).mean() > 0.9
    )
    # Beside the diagonal, which has no step.
    alignment = scores[(scores["task"] == "alignment") & scores["step"].notna()]
    assert len(alignment) == 3 * 3 * 4 and set(alignment["metric"]) == {"precision", "recall", "f1", "aer"}
    # How it was measured stands in every row of a probe and of bits, and of nothing else.
    assert scores["protocol"].isin(["paper", "converged"]).equals(scores["layer"].notna() & (scores["task"] != "alignment"))
    assert scores["protocol"].eq("lines").equals((scores["task"] == "bpc") & scores["step"].notna())
    training = conform(pd.read_parquet(results / "metrics" / "probe_training.parquet"), "probe_training.schema.yaml")
    own = accuracy[(accuracy["split"] == "dev") & (accuracy["model"] == "xlmr")].dropna(subset="seed")
    places = ["task", "step", "layer", "protocol", "seed"]
    on_dev = training.set_index(["dataset", *places])["dev_accuracy"].sort_index()
    np.testing.assert_allclose(on_dev, own.set_index(["source", *places])["value"].sort_index())
    assert training["protocol"].value_counts().to_dict() == {"paper": 21 * 3 * 2, "converged": 9 * 3}
    stopped = training.groupby("protocol")["stopped_by"].agg(set)
    assert stopped["paper"] <= {"patience", "cap"} and stopped["converged"] <= {"tolerance", "cap"} and training["flag"].notna().any()
    page = (results / "tables" / "probe_training.html").read_text()
    assert f"{training['flag'].notna().sum()} of 153 probes are flagged" in page and page.count("<tr") == 11
    audit = conform(pd.read_parquet(results / "metrics" / "audit.parquet"), "audit.schema.yaml")
    assert len(audit) == 18 and (audit["words_without_subword"] == 0).all()
    contamination = conform(pd.read_parquet(results / "metrics" / "contamination.parquet"), "contamination.schema.yaml")
    compared = contamination.groupby(["language", "reference"])["test_set"].agg(set).to_dict()
    tests = {
        "qaa": (("corpus", "qaa_world", "xnli_qaa"), {"qaa_world", "xnli_qaa", "align_qaa_qba"}),
        "qba": (("corpus", "qba_world"), {"qba_world", "qba_pud", "align_qaa_qba"}),
    }
    expected = {(code, reference): names for code, (references, names) in tests.items() for reference in references}
    # Held-out text is one where bits per character are taken.
    assert compared == expected | {("qba", reference): tests["qba"][1] | {"corpus"} for reference in ("corpus", "qba_world")}
    assert (contamination["windows"] > 10).all() and (contamination["reference_characters"] > 500).all()
    for code in tests:
        read = contamination[(contamination["language"] == code) & (contamination["reference"] == "corpus")]["reference_characters"]
        letters = sum(map(str.isalnum, "".join(text_lines(results / "corpus" / code / "train.txt.zst"))))
        assert set(read) == {letters}
    checkpoints = conform(pd.read_parquet(results / "metrics" / "checkpoints.parquet"), "checkpoints.schema.yaml")
    assert len(checkpoints) == 6 and checkpoints["weights_sha256"].nunique() == 3 and not checkpoints["out_of_line"].any()
    losses = checkpoints.groupby("step")["mean_bits_per_subword"].first()
    assert losses[0] > losses[10] > losses[20]
    counts = conform(pd.read_parquet(results / "metrics" / "datasets.parquet"), "datasets.schema.yaml")
    of_task = counts[counts["what"].isin([*TASKS, "xnli"])].groupby(["dataset", "split", "what", counts["label"].isna()])["count"].sum()
    assert (of_task.xs(True, level="label") == of_task.xs(False, level="label")).all() and counts["dataset"].nunique() == 6
    tables = {
        name: conform(pd.read_parquet(results / f"metrics/{name}.parquet"), f"{name}.schema.yaml") for name in sum(MEASURES.values(), ())
    }
    curve = ["task", "source", "target", "split", "protocol"]
    shown = tables["best"].groupby("rule")["step"].agg(set)
    assert shown["as printed"] <= {10, 20} and shown["final checkpoint"] == {20}
    # Two treebanks by three tasks, on their own tests and on one of two; inference on both of its sets; converged probes; links, bits.
    curves = {tuple(row) for row in tables["best"][curve].astype(str).to_numpy().tolist()}
    assert len(curves) == 3 * 2 * 2 + 2 + 3 + 1 + 2 == len(tables["gates"])
    for name in ("steps", "forgetting"):
        assert {tuple(row) for row in tables[name][curve].astype(str).to_numpy().tolist()} == curves
    assert tables["asymmetry"].empty and set(tables["order"]["tasks"]) == {"pos = arc_prediction < arc_classification < xnli"}
    assert set(tables["expected_layers"]["layers"]) == {"0 1 2"} and tables["correlations"]["n_too_small"].all()
    factors = Factors.read(results / "metrics" / "factors.parquet")
    assert factors.distance("qaa", "qba") == pytest.approx(World(tiny_configuration()["world"]).syntactic_distance("qaa", "qba"), abs=1e-4)
    for code in ("qaa", "qba"):
        cleaned = sum(len(f"{line}\n".encode()) for line in text_lines(results / "corpus" / code / "train.txt.zst"))
        assert factors.pretraining_data("xlmr", code) * 2**30 == cleaned
    assert factors.task_data("xnli", "xnli_qaa") == 60 and factors.pivot("xlmr") in ("qaa", "qba")
    assert json.loads((results / "metrics" / "config.json").read_text()) == tiny_configuration()
    assert json.loads((results / "metrics" / "environment.json").read_text())["packages"]["torch"] == torch.__version__
    for name in FIGURES:
        for suffix in ("png", "pdf", "csv"):
            assert (results / "figures" / "xlmr" / f"{name}.{suffix}").stat().st_size > 60
    for step in STEPS:
        model = AutoModelForMaskedLM.from_pretrained(results / "checkpoints" / "xlmr" / str(step))
        assert model.config.num_hidden_layers == 2


def test_what_a_world_makes_certain_comes_out(finished_run):
    """A full stop is always PUNCT, so a probe must know it; the gold links are those of the world."""
    results = finished_run.folder / RESULTS
    words = pd.read_parquet(results / "datasets" / "qaa_world" / "words.parquet")
    stops = np.flatnonzero(words["form"] == ".")
    weights = load_file(results / "probes" / "xlmr" / "20" / "pos" / "qaa_world.safetensors")
    with safe_open(results / "probes" / "xlmr" / "20" / "pos" / "qaa_world.safetensors", "pt") as file:
        labels = json.loads(file.metadata()["probes"])["labels"]
    with FeatureFile(results / "features" / "xlmr" / "20" / "qaa_world.h5") as features:
        x_ND = torch.from_numpy(features.layer(0)[stops]).float()
    found = (x_ND @ weights["layer_0.weight"][0].T + weights["layer_0.bias"][0]).argmax(dim=1)
    assert len(stops) > 100 and (found == labels.index("PUNCT")).all()
    world = World(tiny_configuration()["world"])
    said = [[world.languages[code].say(meaning) for meaning in parallel_meanings(world)] for code in ("qaa", "qba")]
    expected = {(n, s, t) for n, pair in enumerate(zip(*said, strict=True)) for s, t in gold_links(*pair)[0]}
    links = pd.read_parquet(results / "datasets" / "align_qaa_qba" / "links.parquet")
    assert {tuple(row) for row in links.loc[links["sure"], ["pair", "source_word", "target_word"]].to_numpy().tolist()} == expected


def test_the_examples_of_the_documents_run(finished_run):
    """In the order in which they stand there, on the run that they name, or on this one in place of the demo."""
    pages = "\n".join((PROJECT / "docs" / name).read_text() for name in ("results.md", "measures.md"))
    examples = re.findall(r"^```python\n(.*?)^```", pages, flags=re.S | re.M)
    code = "\n".join(examples).replace("results/demo/", f"{RESULTS}/")
    code += "\nassert len(means) and vectors.ndim == 3 and len(by_rule)\n"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=finished_run.folder, env=os.environ | {"PYTHONPATH": "scripts"}, capture_output=True, text=True
    )
    assert done.returncode == 0 and done.stdout.startswith("Comparison(difference="), done.stderr


def test_training_shows_its_progress(finished_run):
    log = (finished_run.folder / RESULTS / "logs" / "pretrain" / "xlmr" / "20.log").read_text()
    assert re.search(r"xlmr: update 20 of 20, loss [\d.]+ bits, [\d,]+ tokens/s, [\d.]+ min to step 20", log)


def test_every_job_leaves_a_log_and_a_benchmark(finished_run):
    results = finished_run.folder / RESULTS
    benchmark = pd.read_csv(results / "benchmarks" / "probes" / "xlmr" / "20" / "pos" / "qaa_world.tsv", sep="\t")
    assert benchmark["max_rss"].iloc[0] > 0
    logs = {path.relative_to(results / "logs").with_suffix("") for path in (results / "logs").rglob("*.log")}
    benchmarks = {path.relative_to(results / "benchmarks").with_suffix("") for path in (results / "benchmarks").rglob("*.tsv")}
    assert benchmarks <= logs and len(benchmarks) > 30


def test_a_second_run_does_nothing(finished_run):
    assert finished_run.planned(*TINY) == {}


# Each alone would make again what it changed, so that one plan judges them all.
EDITS_OF_NOTHING = [
    # Comments and layout.
    ("scripts/xlprobe/probes/linear_probe.py", "    BETAS = ", "    # a comment\n    BETAS = "),
    ("scripts/xlprobe/features/extraction.py", '"""Vectors of words', '"""The vectors of words'),
    # A task that the run does not use.
    ("scripts/xlprobe/tasks/number.py", "Number=", "Numbers="),
    # Training's code: its version is what counts. How to train.
    ("scripts/xlprobe/pretraining/intervals.py", '"log-interval": 10', '"log-interval": 20'),
    ("scripts/xlprobe/pretraining/fairseq_training.py", "os.fsync", "os.fdatasync"),
    ("config/tiny.yaml", "save_every: 5", "save_every: 7"),
    # What a table's schema tells a reader, and words that no table holds.
    ("schemas/audit.schema.yaml", "Subwords that are <unk>", "Subwords <unk>"),
    ("scripts/xlprobe/models/language_models.py", "raise XlprobeError(", "raise XlprobeError('so: ' + "),
    ("scripts/train_probes.py", 'help="', 'help="so: '),
    # Defaults, written out.
    ("config/tiny.yaml", "probes: {", "arcs: {negatives: any}\ndatasets: {clean_forms: false}\nprobes: {"),
    # The configuration's schema, or a treebank more that the run does not use.
    ("schemas/config.schema.yaml", "# Every key", "# Each key"),
    (
        "resources/treebanks.tsv",
        "ar_pud\tar\tUD_Arabic-PUD\ttest\t\tpud\n",
        "ar_pud\tar\tUD_Arabic-PUD\ttest\t\tpud\nxx_new\tar\tUD_X-New\ttest\t\tnew\n",
    ),
]


def test_what_matters_to_no_result_makes_nothing_again(project):
    for edit in EDITS_OF_NOTHING:
        project.edit(*edit)
    # But for the configuration's own copy.
    assert project.planned(*TINY) == COPIED


@pytest.mark.parametrize(
    ("path", "old", "new", "rules"),
    [
        # The probes' code: probes and what follows.
        ("scripts/xlprobe/probes/linear_probe.py", "EPSILON = 1e-8", "EPSILON = 2e-8", PROBES),
        (
            "scripts/xlprobe/tasks/pos.py",
            "TASK = ",
            "OTHER = 1\nTASK = ",
            ONE_TASK | {"baselines": 3, "baseline_scores": 1, "dataset_table": 1, "factors": 1},
        ),
        (
            "scripts/xlprobe/tasks/arc_prediction.py",
            '"no arc"',
            '"none"',
            ONE_TASK | {"baselines": 3, "baseline_scores": 1, "dataset_table": 1, "factors": 1},
        ),
        (
            "scripts/xlprobe/tasks/xnli.py",
            "TASK = ",
            "OTHER = 1\nTASK = ",
            METRICS_OF_PROBES | {"probes": 3, "transfer": 3, "baselines": 2, "baseline_scores": 1, "dataset_table": 1, "factors": 1},
        ),
        # Alignment's code: alignment.
        (
            "scripts/xlprobe/alignment/word_alignment.py",
            "import numpy as np",
            "import numpy as np\nOTHER = 1",
            SCORES | {"alignment": 3, "alignment_baselines": 1},
        ),
        # What is measured of curves: that, and what is taken of it.
        (
            "scripts/xlprobe/metrics/training_outcomes.py",
            "RESAMPLES = 200",
            "RESAMPLES = 100",
            dict.fromkeys(MEASURES, 1) | {"figure": 11} | PAPERS,
        ),
        ("scripts/xlprobe/metrics/order.py", "SHARE = 0.98", "SHARE = 0.95", {"order": 1} | TOLD),
        ("config/tiny.yaml", "probes: {", "measures: {gate: {rise: 0.5}}\nprobes: {", {"gates": 1, "figure": 11}),
        # That of bits per character: these.
        (
            "scripts/xlprobe/bpc/bits_per_character.py",
            "import numpy as np",
            "import numpy as np\nOTHER = 1",
            METRICS_OF_SCORES | {"bpc": 3},
        ),
        # What all figures share: figures. What one kind is: that figure.
        ("scripts/xlprobe/metrics/curves.py", '"another family"', '"elsewhere"', {"figure": 19, "paper_figure": 17, "findings": 1}),
        ("scripts/xlprobe/figures/drawing.py", '"#0072B2"', '"#0072B3"', {"figure": 19, "paper_figure": 17, "findings": 1}),
        ("scripts/xlprobe/figures/word_groups.py", "(ORANGE, BLUE)", "(BLUE, ORANGE)", {"figure": 1}),
        # How overlap is measured: its tables.
        ("scripts/xlprobe/contamination/search.py", "WINDOW = 32", "WINDOW = 30", {"contamination": 2, "contamination_table": 1}),
        # A check of the checkpoints: its table.
        ("scripts/xlprobe/checkpoints/table.py", "tolerance: float = 0.05", "tolerance: float = 0.06", {"checkpoint_table": 1} | TOLD),
        # How one kind of a paper's figures is drawn: these. How a claim is judged: the claims.
        (
            "scripts/xlprobe/figures/learning_progress.py",
            "PAPER_FIGURE = ",
            "OTHER = 1\nPAPER_FIGURE = ",
            {"paper_figure": 2, "findings": 1},
        ),
        ("scripts/xlprobe/tables/task_summary.py", "TABLE = ", "OTHER = 1\nTABLE = ", {"paper_table": 1, "findings": 1}),
        ("resources/published/paper1_claims.tsv", "above\t", "at least\t", TOLD),
        # A table's schema: the tables of it.
        ("schemas/audit.schema.yaml", "words_cut: {type: integer,", "words_cut: {type: number,", AUDIT),
        # A control of one task: its probes, and what follows. Other layers of one dataset: its features and probes.
        ("config/tiny.yaml", "{n_seeds: 2,", "{control_tasks: [pos], n_seeds: 2,", ONE_TASK),
        (
            "config/tiny.yaml",
            "probes: {",
            "sweeps: [{datasets: [align_qaa_qba], layers: [0, 2]}]\nprobes: {",
            METRICS_OF_SCORES | {"features": 3, "alignment": 3, "checkpoint_audit": 3, "audit": 1},
        ),
        (
            "config/tiny.yaml",
            "probes: {",
            "sweeps: [{tasks: [pos], datasets: [qba_pud], layers: [0, 2]}]\nprobes: {",
            METRICS_OF_SCORES | {"transfer": 3},
        ),
        # Subwords in place of words: the bitext's features alone, and what follows. How they are aligned: alignment.
        (
            "config/tiny.yaml",
            "probes: {",
            "alignment: {unit: bpe}\nprobes: {",
            METRICS_OF_SCORES | {"features": 3, "alignment": 3, "checkpoint_audit": 3, "audit": 1},
        ),
        ("config/tiny.yaml", "probes: {", "alignment: {distortion: 0.5}\nprobes: {", METRICS_OF_SCORES | {"alignment": 3}),
        # Converged probes beside them on another treebank, too; how they are trained: the probes where they are.
        ("config/tiny.yaml", "[qaa_world]}", "[qba_world, qaa_world]}", METRICS_OF_PROBES | {"probes": 9, "transfer": 9}),
        (
            "config/tiny.yaml",
            "{n_seeds: 2,",
            "{converged: {tolerance: 0.001}, n_seeds: 2,",
            METRICS_OF_PROBES | {"probes": 9, "transfer": 9},
        ),
        # Another protocol: probes.
        ("config/tiny.yaml", "{n_seeds: 2,", "{protocol: converged, n_seeds: 2,", PROBES),
        # How intervals are taken, or what is shown of transfer: all scores, and no probe, transfer, alignment or bits.
        ("config/tiny.yaml", "probes: {", "intervals: {level: 0.9}\nprobes: {", SCORES),
        ("config/tiny.yaml", "{sources: all}", "{sources: all, shared_labels: true}", SCORES),
        # What a metric is: the same.
        ("scripts/xlprobe/metrics/metric_definitions.py", "BITS = ", "OTHER = 1\nBITS = ", SCORES),
        # What features are computed in: features, and what follows.
        ("config/tiny.yaml", "{keep: true}", "{keep: true, precision: bfloat16}", AUDIT),
    ],
)
def test_what_an_edit_makes_again(project, path, old, new, rules):
    project.edit(path, old, new)
    planned = project.planned(*TINY)
    assert planned == rules | (COPIED if path == "config/tiny.yaml" else {})


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("world:\n", "world:\n  seed: 2\n"),
        ("{name: Arva, ", "{name: Arvo, "),
    ],
)
def test_a_changed_world_is_never_taken_for_the_old_one(project, old, new):
    project.edit("config/tiny.yaml", old, new)
    # A language that the run does not use: its missing files alone would hide the change from Snakemake.
    project.edit("config/tiny.yaml", "  languages:\n", "  languages:\n    qca: {name: Miru, parent: miric}\n")
    assert project.planned(f"{RESULTS}/datasets/qaa_world/identity.json", *TINY) == {"world": 1, "treebank": 1}


@pytest.mark.parametrize("settings", ["arcs: {negatives: unlinked}", "datasets: {clean_forms: true}"])
def test_how_treebanks_are_read_is_part_of_what_they_are(project, settings):
    project.edit("config/tiny.yaml", "probes: {", f"{settings}\nprobes: {{")
    assert project.planned(f"{RESULTS}/datasets/qaa_world/identity.json", *TINY) == {"treebank": 1}


def test_a_report_gathers_the_figures(finished_run):
    report = finished_run.folder / RESULTS / "report.html"
    finished_run.snakemake(*TINY, "--report", str(report))
    text = report.read_text()
    assert all(f"{name}.png" in text for name in FIGURES) and "bands are intervals over test sentences" in text.lower()
    assert "tables/probe_training.html" in text
    # It opens on RESULTS.html; paper 1's figures stand in it, and by themselves.
    assert "Results of tiny" in text and text.count("Learning progress on part-of-speech tagging") > 1
    report.unlink()


def test_a_touch_makes_nothing_again(project):
    for pattern in ("scripts/**/*.py", "resources/*.tsv", "rules/*.smk", f"{RESULTS}/**/identity.json", f"{RESULTS}/**/training.json"):
        for path in project.folder.glob(pattern):
            path.touch()
    assert project.planned(*TINY) == {}


# Of one checkpoint.
MEASURED = {"features": 6, "probes": 7, "transfer": 4, "alignment": 1, "bpc": 1}
METRICS = {*METRICS_OF_PROBES, "checkpoint_audit", "audit", "checkpoint_table", "trained_text", "run_description"}


@pytest.mark.parametrize("steps", ["[0, 10, 20, 30]", "[0, 10, 15, 20]"], ids=["at the end", "between two"])
def test_a_step_added_trains_one_interval(project, steps):
    project.edit("config/tiny.yaml", "[0, 10, 20]", steps)
    expected = {"pretrain": 1, "checkpoint": 1} | MEASURED
    planned = project.planned(*TINY)
    assert {rule: planned.get(rule) for rule in expected} == expected and planned.keys() <= expected.keys() | METRICS


def test_a_step_added_between_two_leaves_the_later_ones(project, warm):
    folder = project.folder / RESULTS / "checkpoints" / "xlmr"
    before = {path: path.stat().st_mtime_ns for path in folder.glob("[12]0/*")}
    project.edit("config/tiny.yaml", "[0, 10, 20]", "[0, 10, 15, 20]")
    # Checkpoints first: what is left to measure is that of the one step.
    project.snakemake(CHECKPOINTS, *TINY, "--quiet", "all", environment=warm)
    planned = project.planned(*TINY)
    assert {rule: planned.get(rule) for rule in MEASURED} == MEASURED and planned.keys() <= MEASURED.keys() | METRICS
    project.snakemake(*TINY, "--quiet", "all", environment=warm)
    assert project.planned(*TINY) == {}
    assert before == {path: path.stat().st_mtime_ns for path in folder.glob("[12]0/*")}
    assert json.loads((folder / "15" / "training.json").read_text())["previous"] == 10
    assert json.loads((folder / "20" / "training.json").read_text())["previous"] == 10
    scores = pd.read_parquet(project.folder / RESULTS / "metrics" / "scores.parquet")
    assert set(scores["step"].dropna()) == {0, 10, 15, 20}
    checkpoints = pd.read_parquet(project.folder / CHECKPOINTS)
    assert (checkpoints["training_version"] == TRAINING_VERSION).all() and set(checkpoints["step"]) == {0, 10, 15, 20}


def files_of(project, *folders):
    """Every file in folders of the results and when it was written."""
    found = [path for folder in folders for path in (project.folder / RESULTS / folder).rglob("*")]
    return {path: path.lstat().st_mtime_ns for path in found if path.is_file()}


def test_changed_training_is_refused_before_anything_is_touched_and_its_advice_leads_out(project):
    before = files_of(project, "checkpoints", "pretrain", "metrics", "logs")
    project.edit("config/tiny.yaml", "learning_rate: 0.005", "learning_rate: 0.006")
    output = project.snakemake(*TINY, "--show-failed-logs", check=False)
    message = "error: results/tiny/checkpoints/xlmr: model 'xlmr' was trained otherwise (training.learning_rate: 0.005 -> 0.006); nothing"
    (sentence,) = [line for line in output.splitlines() if "error" in line.lower()]
    assert sentence.startswith(message) and files_of(project, "checkpoints", "pretrain", "metrics", "logs") == before
    # Set that back.
    project.edit("config/tiny.yaml", "learning_rate: 0.006", "learning_rate: 0.005")
    assert project.planned(*TINY) == {}
    # Give the changed model another name.
    project.edit("config/tiny.yaml", "learning_rate: 0.005", "learning_rate: 0.006")
    project.edit("config/tiny.yaml", "  xlmr:", "  other:")
    assert (project.planned(*TINY)["pretrain"], project.planned(*TINY)["probes"]) == (3, 21)
    project.edit("config/tiny.yaml", "  other:", "  xlmr:")
    # Delete what it says: all steps, in one run, and all that follows from them.
    (command,) = re.findall("`(rm -r .*?)`", sentence)
    subprocess.run(["bash", "-c", command], cwd=project.folder, check=True)
    planned = project.planned(*TINY)
    assert {rule: planned[rule] for rule in ("pretrain", "checkpoint", "probes", "trained_text")} == {
        "pretrain": 3, "checkpoint": 3, "probes": 21, "trained_text": 1
    }  # fmt: skip
    # The text has not changed.
    assert "binarize" not in planned and "tokenizer" not in planned


def test_finished_steps_stay_whatever_trains_them(project):
    # Its code, its command, its version; the state is of no more use.
    project.edit("rules/pretrain.smk", " --execution {params.execution:q}", " --execution={params.execution:q}")
    project.edit("scripts/xlprobe/pretraining/training_version.py", "TRAINING_VERSION = ", "TRAINING_VERSION = 1 + ")
    assert project.planned(*TINY) == {}
    (project.folder / RESULTS / "pretrain").rename(project.folder / "kept")
    # Without the weights nothing can be published again either.
    project.edit("scripts/xlprobe/checkpoints/from_fairseq.py", "MAX_DIFFERENCE = 1e-5", "MAX_DIFFERENCE = 2e-5")
    assert project.planned(*TINY) == {}
    # An interval more needs both.
    project.edit("config/tiny.yaml", "[0, 10, 20]", "[0, 10, 20, 30]")
    output = project.snakemake(*TINY, "-n", check=False)
    assert f"model 'xlmr' was trained by version {TRAINING_VERSION} of the training code" in output and "Traceback" not in output
    project.edit("scripts/xlprobe/pretraining/training_version.py", "TRAINING_VERSION = 1 + ", "TRAINING_VERSION = ")
    output = project.snakemake(*TINY, "-n", check=False)
    assert "no training state from step 20 to 30 is kept (kept: none); nothing was trained: restore step_20.pt, take step 30" in output
    (project.folder / RESULTS / "pretrain").mkdir()
    shutil.copytree(project.folder / "kept" / "xlmr", project.folder / RESULTS / "pretrain" / "xlmr", symlinks=True)
    assert project.planned(*TINY)["pretrain"] == 1


def test_an_incomplete_interval_hides_no_edit(project):
    for name in ("training.json", "identity.json"):
        (project.folder / RESULTS / "checkpoints/xlmr/10" / name).unlink()
    project.edit("scripts/xlprobe/probes/linear_probe.py", "EPSILON = 1e-8", "EPSILON = 2e-8")
    planned = project.planned(*TINY)
    assert (planned["pretrain"], planned["checkpoint"], planned["probes"]) == (1, 1, 21)
    # Nor does it keep what is asked for from being made.
    asked = f"{RESULTS}/checkpoints/xlmr/20/identity.json"
    (project.folder / asked).unlink()
    assert project.planned(asked, *TINY) == {"checkpoint": 1}


def test_changed_text_is_refused_and_set_back_nothing_is_made_again(project):
    made = ("checkpoints", "pretrain", "metrics", "features")
    before = files_of(project, *made)
    verdict = project.folder / RESULTS / "checkpoints" / "xlmr" / "trained_text.json"
    project.edit("config/tiny.yaml", "valid_fraction: 0.1", "valid_fraction: 0.2")
    assert project.planned(CHECKPOINTS, *TINY) == TEXT | {"trained_text": 1, "checkpoint_table": 1}
    output = project.snakemake(CHECKPOINTS, *TINY, "--show-failed-logs", check=False)
    assert output.count("was trained with something else than this run now has (the tokenizer; the text of qaa, qba)") == 1
    assert {path: before[path] for path in before.keys() - {verdict}} == files_of(project, *made)
    project.edit("config/tiny.yaml", "valid_fraction: 0.2", "valid_fraction: 0.1")
    project.snakemake(CHECKPOINTS, *TINY, "--quiet", "all")
    after = files_of(project, *made)
    assert {path for path in before if before[path] != after[path]} == {verdict, project.folder / CHECKPOINTS}


TEXT = {"clean_corpus": 2, "tokenizer": 1, "binarize": 2}


def test_a_failed_training_says_why_once(project):
    """Another process trains the model, say."""
    (project.folder / RESULTS / "checkpoints/xlmr/20/training.json").unlink()
    with (project.folder / RESULTS / "pretrain/xlmr/lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = make(project, f"{RESULTS}/checkpoints/xlmr/20/training.json")
    assert done.returncode != 0 and done.stdout.count("another process trains this model; wait for it or stop it") == 1


def test_with_temporary_features_one_probe_needs_one_extraction(project):
    project.edit("config/tiny.yaml", "keep: true", "keep: false")
    features = project.folder / RESULTS / "features" / "xlmr"
    for path in features.rglob("*.h5"):
        path.unlink()
    assert project.planned(*TINY) == COPIED
    target = f"{RESULTS}/probes/xlmr/10/pos/qba_world.h5"
    before = sha256(project.folder / target)
    (project.folder / target).unlink()
    assert project.planned(target, *TINY) == {"features": 1, "probes": 1}
    project.snakemake(target, *TINY, "--quiet", "all")
    assert not list(features.rglob("*.h5")), "temporary features stay behind"
    assert sha256(project.folder / target) == before


def test_with_temporary_features_an_edit_of_the_probes_extracts_again_and_a_comment_does_not(project):
    project.edit("config/tiny.yaml", "keep: true", "keep: false")
    for path in (project.folder / RESULTS / "features").rglob("*.h5"):
        path.unlink()
    project.edit("scripts/xlprobe/probes/linear_probe.py", "    BETAS = ", "    # a comment\n    BETAS = ")
    assert project.planned(*TINY) == COPIED
    project.edit("scripts/xlprobe/probes/linear_probe.py", "EPSILON = 1e-8", "EPSILON = 2e-8")
    planned = project.planned(*TINY)
    assert (planned["features"], planned["probes"]) == (15, 21) and "checkpoint" not in planned


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("n_seeds: 2", "seeds: 2", "error: config key probes.seeds: unknown; did you mean 'n_seeds'?"),
        ("n_seeds: 2", "n_seeds: two", "error: config key probes.n_seeds: found 'two', expected a whole number"),
        ("[qaa, qba]", "[qaa, xx]", "error: config key languages.1: unknown language 'xx' (codes are those of `world`)"),
        (
            "qba_world, qba_pud",
            "qba_word, qba_pud",
            "error: config key treebanks.1: unknown treebank 'qba_word' (treebanks are those of `world`); did you mean 'qba_world'?",
        ),
    ],
)
def test_faults_in_the_configuration_end_in_one_sentence(finished_run, tmp_path, old, new, message):
    text = (PROJECT / "config" / "tiny.yaml").read_text().replace("experiment: tiny", "experiment: faulty")
    assert old in text
    (tmp_path / "faulty.yaml").write_text(text.replace(old, new))
    output = finished_run.snakemake("-n", "--configfile", str(tmp_path / "faulty.yaml"), check=False, environment={"XLPROBE_DATA": ""})
    assert message in output and "Traceback" not in output
    assert len([line for line in output.splitlines() if "error" in line.lower()]) == 1


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("probes/xlmr/999/pos/qaa_world.h5", "error: this run has no step '999' to make this of; known here: 0, 10, 20"),
        ("checkpoints/xlmr/999/training.json", "error: this run has no step '999' to make this of; known here: 0, 10, 20"),
        ("checkpoints/other/10/identity.json", "error: this run has no model 'other' to make this of; known here: xlmr"),
        ("metrics/parts/other/10.scores.parquet", "error: this run has no model 'other' to make this of; known here: xlmr"),
        ("metrics/parts/other/10.audit.parquet", "error: this run has no model 'other' to make this of; known here: xlmr"),
        ("metrics/parts/other/10.probe_training.parquet", "error: this run has no model 'other' to make this of; known here: xlmr"),
        ("bpc/other/10.h5", "error: this run has no model 'other' to make this of; known here: xlmr"),
        ("datasets/xnli_qba/identity.json", "error: this run has no dataset 'xnli_qba' to make this of; did you mean 'xnli_qaa'?"),
        ("sources/models/multiberts/seed_0/77", "error: this run has no step '77' to make this of; known here: 0, 20000, "),
    ],
)
def test_a_target_of_what_the_run_does_not_have_ends_in_one_sentence(finished_run, target, message):
    run = "multiberts" if "multiberts" in target else "tiny"
    output = finished_run.snakemake(f"results/{run}/{target}", "-n", "--configfile", f"config/{run}.yaml", check=False)
    assert message in output and "Traceback" not in output and len(re.findall("error", output, flags=re.I)) == 1


def make(project, *targets, configuration="config/tiny.yaml", goal="run"):
    """`make run`, or another goal, in a copy, which has no environment of its own to make; what the terminal shows."""
    shutil.copy(PROJECT / "Makefile", project.folder)
    command = ["make", "--old-file=.venv/.ready", goal, f"CONFIG={configuration}", "CORES=2", f"TARGETS={' '.join(targets)}"]
    # By itself, whether or not the tests were started by make.
    environment = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    return subprocess.run(command, cwd=project.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)


def test_data_are_made_first_and_of_what_follows_what_they_changed(project):
    """An edit of how CoNLL-U and cleaned text are made, with the same words and text."""
    project.edit("scripts/xlprobe/datasets/conllu.py", "MOST_LINES = 100_000", "MOST_LINES = 100_001")
    project.edit("scripts/xlprobe/corpus/cleaning.py", "MAX_DOCUMENT_CHARACTERS = 64 * 2**20", "MAX_DOCUMENT_CHARACTERS = 65 * 2**20")
    planned = project.planned(*TINY)
    assert {"treebank", "clean_corpus", "features", "probes", "bpc", "contamination", "trained_text"} <= {*planned}
    done = make(project)
    assert done.returncode == 0, done.stdout[-4000:]
    made = set(re.findall(r"^(\w+) +\d+$", done.stdout, flags=re.M)) - {"total", "data"}
    assert made == {"treebank", "clean_corpus", "tokenizer", "binarize"} and project.planned(*TINY) == {}


def test_make_shows_what_is_done_and_why_a_job_failed_once(project):
    """Of a rule whose log alone has it, and of one that is heard on the terminal, too."""
    datasets = project.folder / RESULTS / "datasets"
    for path, name in (("ud/UD_Ketta-PUD/qba_pud-ud-test.conllu", "qba_pud"), ("alignments/qaa_qba/qaa_qba.gold", "align_qaa_qba")):
        with (project.folder / RESULTS / "sources" / path).open("a") as file:
            file.write("nonsense\n")
        (datasets / name / "identity.json").unlink()
    targets = [f"{RESULTS}/datasets/{name}/identity.json" for name in ("qba_pud", "align_qaa_qba")]
    done = make(project, *targets, "--keep-going")
    assert done.returncode != 0 and "Traceback" not in done.stdout
    for name, rule in (("qba_pud", "treebank"), ("align_qaa_qba", "bitext")):
        assert f"Reading {rule} {name}\n" in done.stdout
        log = f"{RESULTS}/logs/datasets/{name}.log"
        (sentence,) = [line for line in (project.folder / log).read_text().splitlines() if line.startswith("error: ")]
        assert done.stdout.count(sentence) == 1 and f"log: {log} " in done.stdout
    assert len(done.stdout.splitlines()) < 100


def test_make_says_what_is_wrong_with_a_file_before_snakemake_does(finished_run, tmp_path):
    (tmp_path / "run.yaml").write_text("experiment: a\nmodels: [\n")
    done = make(finished_run, configuration=tmp_path / "run.yaml")
    lines = done.stdout.splitlines()
    assert done.returncode != 0 and lines[0].startswith(f"error: {tmp_path}/run.yaml:3:1: not YAML: ") and len(lines) == 2
    # The default run's file is read by Snakemake when we have read it.
    (finished_run.folder / "config.yaml").rename(tmp_path / "config.yaml")
    (finished_run.folder / "config.yaml").write_bytes("a: é".encode("latin-1"))
    output = finished_run.snakemake("-n", check=False)
    shutil.move(tmp_path / "config.yaml", finished_run.folder / "config.yaml")
    assert "error: config.yaml:1:4: found the byte 0xE9, expected UTF-8; save the file as UTF-8" in output and "Traceback" not in output


def test_what_is_accepted_stands_and_what_is_not_finished_is_refused(project):
    weights = {path: sha256(path) for path in (project.folder / RESULTS).rglob("*.safetensors")}
    project.edit("scripts/xlprobe/probes/linear_probe.py", "EPSILON = 1e-8", "EPSILON = 2e-8")
    # A step more: its part of the scores is missing, without which they would count as whole.
    project.edit("config/tiny.yaml", "[0, 10, 20]", "[0, 10, 20, 30]")
    done = make(project, goal="accept")
    assert done.returncode != 0 and "error: config/tiny.yaml: something is missing" in done.stdout
    part = f"{RESULTS}/metrics/parts/xlmr/20.scores.parquet"
    assert project.planned(part, *TINY)["probes"] == 7
    done = make(project, part, goal="accept")
    assert done.returncode == 0 and "nothing checks that it was" in done.stdout and "error" not in done.stdout
    assert project.planned(part, *TINY) == {}
    assert {path: sha256(path) for path in weights} == weights
    # Where Snakemake can plan nothing at all, why it cannot is said.
    project.edit("config/tiny.yaml", "updates: 40", "updates: 41")
    done = make(project, part, goal="accept")
    assert done.returncode != 0 and "training.updates: 40 -> 41" in done.stdout and "something is missing" not in done.stdout


@pytest.mark.parametrize(
    ("folder", "message"),
    [
        ("/nowhere", "error: XLPROBE_DATA: there is no folder /nowhere; correct it"),
        ("", "error: the CC100 text of language 'el' was not found, and nothing is fetched while data.download is false; set data.root"),
    ],
)
def test_data_that_are_not_there_end_in_one_sentence(finished_run, folder, message):
    output = finished_run.snakemake("-n", "--configfile", "config/mini.yaml", check=False, environment={"XLPROBE_DATA": folder})
    assert message in output and "Traceback" not in output


@pytest.mark.parametrize(
    ("keep", "jobs"),
    [
        # Inference sets have one task.
        ("true", {"features_together": 1, "probes_together": 2, "probes": 1}),
        ("false", {"features_together": 1, "probes_at_once": 1}),
    ],
)
def test_one_job_can_extract_all_datasets_and_one_train_all_probes_and_controls_change_nothing_else(project, keep, jobs):
    project.edit("config/tiny.yaml", "{keep: true}", f"{{keep: {keep}, together: true}}")
    project.edit("config/tiny.yaml", "{n_seeds: 2,", "{n_seeds: 2, together: true, control_tasks: [pos], description_lengths: [pos],")
    probes = project.folder / RESULTS / "probes" / "xlmr" / "20"
    target = f"{RESULTS}/metrics/parts/xlmr/20.scores.parquet"
    scores_before = pd.read_parquet(project.folder / target)
    before = {path: sha256(path) for kind in ("*.parquet", "*.h5") for path in probes.glob(f"arc_*/{kind}")}
    before |= {path: sha256(path) for path in probes.rglob("*.safetensors")}
    # Weights, outcomes, and how training went.
    assert len(before) == 7 + 4 + 4
    for folder in ("features", "probes"):
        shutil.rmtree(project.folder / RESULTS / folder / "xlmr" / "20")
    planned = project.planned(target, *TINY)
    assert {rule: count for rule, count in planned.items() if rule.startswith(("features", "probes"))} == jobs
    project.snakemake(target, *TINY, "--quiet", "all")
    assert {path: sha256(path) for path in before} == before
    scores = pd.read_parquet(project.folder / target)
    controls = {"accuracy_control", "accuracy_selectivity", "code_length", "compression"}
    assert set(scores["metric"]) == {*scores_before["metric"], *controls}
    assert set(scores.loc[scores["metric"].isin(controls), "task"]) == {"pos"}
    pd.testing.assert_frame_equal(scores[~scores["metric"].isin(controls)].reset_index(drop=True), scores_before)


def test_a_task_leaves_out_treebanks_without_its_labels(project):
    sweeps = "sweeps: [{tasks: [number], layers: [0, 2]}]\n"
    project.edit("config/tiny.yaml", "probes: {", sweeps + "probes: {tasks: [pos, number], leave_out: {number: [qba_world, qba_pud]}, ")
    planned = project.planned(*TINY)
    # The other tasks' tables are no longer asked for; of the new one's there is one treebank, and no transfer.
    assert (planned["probes"], planned["baselines"]) == (3, 1) and "transfer" not in planned
    target = f"{RESULTS}/probes/xlmr/20/number/qaa_world.h5"
    project.snakemake(target, *TINY, "--quiet", "all")
    found = outcome_in(project.folder / target, "number", "qaa_world", "qaa_world", "test", "paper")
    assert {"correct", "correct_unseen"} <= {*found.counts} and found.layers == [0, 2]


def test_predictions_are_a_table_beside_the_scores_of_transfer(project):
    project.edit("config/tiny.yaml", "{sources: all}", "{sources: all, predictions: true}")
    target = f"{RESULTS}/transfer/xlmr/20/arc_prediction/qba_pud"
    assert project.planned(*TINY) == METRICS_OF_SCORES | {"transfer": 12, "run_description": 1}
    project.snakemake(f"{target}.predictions.parquet", *TINY, "--quiet", "all")
    said = conform(pd.read_parquet(project.folder / f"{target}.predictions.parquet"), "predictions.schema.yaml")
    baselines = project.folder / RESULTS / "baselines" / "arc_prediction" / "qba_pud.h5"
    scores = scores_of(project.folder / f"{target}.h5", baselines, shared_labels=True).dropna(subset="seed")
    scores = scores.set_index(["metric", "source", "layer", "seed"])["value"].sort_index()
    shares = (said["label"] == said["predicted"]).groupby([said[column] for column in ("source", "layer", "seed")]).mean()
    np.testing.assert_allclose(scores["accuracy"], shares)
    assert scores["accuracy"].to_list() == scores["accuracy_shared"].to_list()


def test_the_slurm_profile_plans_the_same_run(finished_run):
    output = finished_run.snakemake("--profile", "slurm", "-n", "--forceall", "--quiet", "rules", *TINY)
    table = output.rpartition("Job stats:")[2]
    # Finished intervals have no job.
    assert "pretrain" not in table and re.search(r"trained_text +1\n", table) and re.search(r"probes +21\n", table)
    profile = yaml.safe_load((PROJECT / "slurm" / "config.v8+.yaml").read_text())
    text = "".join(path.read_text() for path in (PROJECT / "rules").glob("*.smk"))
    rules = set(re.findall(r"^ *(?:use rule \w+ as|rule) (\w+)", text, flags=re.M))
    assert set(profile["set-resources"]) <= rules and profile["executor"] == "slurm"


def plan(project, path):
    """How many jobs of each rule the study of a configuration makes where nothing has been made."""
    study = Study(complete(yaml.safe_load(path.read_text())))
    sources = SourceFiles.of(study, project.folder / "results" / study.config["experiment"])
    return {rule: len(jobs) for rule, jobs in (study.jobs() | sources.jobs()).items()}


def shorten_schedules(configuration):
    """Keep the first two steps of each row of steps: those between have the same jobs."""
    for model in configuration["models"].values():
        model["steps"] = [entry if isinstance(entry, int) else entry | {"to": entry["from"] + entry["every"]} for entry in model["steps"]]


# They read data in a folder, and fetch none.
ON_REAL_DATA = [PROJECT / "config" / f"{name}.yaml" for name in ("mini", "mini_signatures")]


@pytest.mark.parametrize("path", sorted({*(PROJECT / "config").glob("*.yaml")} - {*ON_REAL_DATA}), ids=lambda path: path.stem)
def test_shipped_configurations_resolve_from_sources_to_figures(finished_run, path, tmp_path, monkeypatch):
    """Without any data: what is not generated or read in a folder is fetched, or asked for. Of the paper's run, at all steps."""
    monkeypatch.setenv("XLPROBE_DATA", "")
    configuration, shipped = yaml.safe_load(path.read_text()), tmp_path / path.name
    if path.stem != "paper":
        shorten_schedules(configuration)
    shipped.write_text(yaml.safe_dump(configuration, sort_keys=False))
    expected = plan(finished_run, shipped)
    if path.stem == "tiny":
        assert expected.pop("pretrain") == 3, "finished intervals have no job"
    assert finished_run.planned("--forceall", "--configfile", str(shipped)) == expected


@pytest.mark.parametrize("path", ON_REAL_DATA, ids=lambda path: path.stem)
def test_runs_on_real_data_resolve(finished_run, real_data, path):
    planned = finished_run.planned("--forceall", "--configfile", str(path))
    assert planned == plan(finished_run, path)
    assert planned["link_source"] >= 8 + 8 and "download_source" not in planned


def test_the_default_run_resolves_without_any_data(finished_run):
    output = finished_run.snakemake("-n", "--quiet", "rules", environment={"XLPROBE_DATA": ""})
    assert re.search(r"^pretrain +15$", output, flags=re.M)
