"""What the jobs that measure curves, and show them, take at paper 1's size (`paper_sized_outcomes`), each run as the workflow runs it."""

import json
import shutil
import time

import pytest
import yaml
from paper_sized_outcomes import TREEBANK_TASKS, write_paper_sized
from script_costs import cost

from xlprobe.metrics.environment import write_description
from xlprobe.paths import PROJECT
from xlprobe.study import config, paper1, resource_tables
from xlprobe.study.plan import Study

# Of all jobs together, and of the largest one.
MINUTES, MEBIBYTES = 10, 4096
# A figure, made alone.
SECONDS = 15


def jobs_of(results, training):
    """The arguments of each script, in an order in which each finds what it reads."""
    metrics, held_out = results / "metrics", {planted.languages[0] for planted in training.planted if planted.place.split == "valid"}

    def tables(*names):
        return [part for name in names for part in (f"--{name}", metrics / f"{name.replace('-', '_')}.parquet")]

    checkpoints = ["--outcomes", results / "outcomes", "--checkpoints", json.dumps({training.name: training.steps})]
    checkpoints += ["--baselines", *sorted((results / "baselines").rglob("*.h5"))]
    models = json.dumps({training.model: {"measured": sorted(held_out), "pretrained": None}})
    thresholds = ["--above-baseline", 0.02, "--rise", 0.7, "--noise", 0.1, "--ranks", 0.7]
    factors = ["--models", models, "--published", json.dumps(resource_tables.cc100_sizes()), "--tasks", *TREEBANK_TASKS]
    factors += ["--distances", "syntactic_distances.tsv", "--output", metrics / "factors.parquet"]
    measured = [metrics / f"{name}.parquet" for name in ("best", "steps", "forgetting", "asymmetry")]
    return {
        "measure_learning": [*checkpoints, "--shares", 0.8, 0.9, 0.95, 0.98, "--resamples", 1000, *tables("best", "steps", "forgetting")],
        "measure_asymmetry": [*checkpoints, "--resamples", 1000, *tables("best", "asymmetry")],
        "measure_layers": [*checkpoints, "--resamples", 1000, *tables("expected-layers", "layer-gains")],
        "measure_order": tables("steps", "order"),
        "measure_gates": [*tables("scores", "best", "gates"), *thresholds],
        "measure_training_seeds": ["--tables", *measured, "--training-seeds", metrics / "training_seeds.parquet"],
        "measure_factors": [*tables("datasets"), *factors],
        "measure_correlations": tables("best", "steps", "forgetting", "factors", "asymmetry", "correlations", "alternatives"),
    }


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """A folder of half a GB that goes when the benchmark is over."""
    folder = tmp_path_factory.mktemp("measures")
    yield folder
    shutil.rmtree(folder)


def test_the_measures_of_paper_1_take_minutes(results):
    jobs = jobs_of(results, write_paper_sized(results))
    costs = {script: cost(script, *arguments) for script, arguments in jobs.items()}
    seconds, mebibytes = sum(of_job.seconds for of_job in costs.values()), max(of_job.mebibytes for of_job in costs.values())
    print("\n" + "\n".join(f"{script}: {found.seconds:,.0f} CPU s, {found.mebibytes:,.0f} MiB" for script, found in costs.items()))
    print(f"in all {seconds:,.0f} CPU s, at most {mebibytes:,.0f} MiB")
    assert seconds < 60 * MINUTES and mebibytes < MEBIBYTES


def showing_jobs_of(results):
    """The arguments of each job that draws, tabulates, judges or tells."""
    study = Study(config.complete(yaml.safe_load((PROJECT / "config" / "replica.yaml").read_text())))
    # Planted are bits line by line.
    facts = paper1.model_facts(study, "replica") | {"protocols": {task: study.protocol(task) for task in (*study.probe_tasks, "bpc")}}
    metrics, folder = results / "metrics", results / "shown"
    write_description(study.config, metrics / "config.json", metrics / "environment.json")

    def read(names):
        return ["--tables", *(path for name in names if (path := metrics / f"{name}.parquet").is_file()), "--facts", json.dumps(facts)]

    def written(stem, **endings):
        return [part for name, ending in endings.items() for part in (f"--{name}", folder / f"{stem}.{ending}")]

    folder.mkdir()
    for row in paper1.paper_figures().values():
        made = written(f"figure_{row.number}", png="png", pdf="pdf", csv="csv", caption="caption.rst")
        yield f"figure {row.number}", "draw_paper_figure", [*row.arguments(), *read(row.reads), *made]
    for row in paper1.paper_tables().values():
        made = written(f"table_{row.number}", csv="csv", markdown="md", latex="tex")
        yield f"table {row.number}", "make_table", [*row.arguments(), *read(row.reads), *made]
    described = ["--configuration", metrics / "config.json", "--environment", metrics / "environment.json"]
    made = written("claims", parquet="parquet", csv="csv", markdown="md")
    yield "claims", "judge_claims", [*read(paper1.CLAIM_TABLES), *described, *made]


def test_what_is_shown_of_paper_1_takes_minutes(results):
    """After the measures, which it shows."""
    costs, walls = {}, {}
    for name, script, arguments in showing_jobs_of(results):
        start = time.monotonic()
        costs[name] = cost(script, *arguments)
        walls[name] = time.monotonic() - start
    seconds, mebibytes = sum(of_job.seconds for of_job in costs.values()), max(of_job.mebibytes for of_job in costs.values())
    print("\n" + "\n".join(f"{name}: {walls[name]:.1f} s, {found.mebibytes:,.0f} MiB" for name, found in costs.items()))
    print(f"in all {seconds:,.0f} CPU s, at most {mebibytes:,.0f} MiB")
    assert seconds < 60 * MINUTES and mebibytes < MEBIBYTES
    assert max(walls[name] for name in walls if name.startswith("figure")) < SECONDS
