"""What the jobs that measure curves take at paper 1's size (`paper_sized_outcomes`), each run as a run of the workflow does."""

import json
import shutil

import pytest
from paper_sized_outcomes import TREEBANK_TASKS, write_paper_sized
from script_costs import cost

from xlprobe.study import resource_tables

# Of all jobs together, and of the largest one.
MINUTES, MEBIBYTES = 10, 4096


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
