"""All analyses of signatures at once, by their script."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from planted_means import signature_rows, signature_table

from xlprobe.artifacts.dataset_identity import declaration
from xlprobe.artifacts.tables import read_of_schema, seal, write_table
from xlprobe.files import write_json
from xlprobe.metrics.last_signatures import KEY, TRAINING
from xlprobe.paths import PROJECT

# What tells a row of a table from others.
KEYS = {
    "factors": [*TRAINING, "language", "factor"],
    "spreads": [*KEY, "layer"],
    "standings": [*KEY, "layer", "language"],
    "trends": [*KEY, "language"],
    "correlations": [*KEY, "layer", "sizes", "factor"],
    "variances": [*KEY, "layer", "related"],
}
CODES = ["qaa", "qab", "qac", "qba", "qbb", "qbc"]
SETS = {"diverse": ["qaa", "qba"], "related": {"arvic": CODES[:3], "belic": CODES[3:]}}
COMPARISONS = {
    "main": {"languages": CODES, "texts": CODES, "text_of": "multilingual", "datasets": [f"morph_{code}" for code in CODES]},
    "published": {"languages": CODES, "texts": CODES, "text_of": "monolingual", "datasets": [f"morph_{code}" for code in CODES]},
}


def run(folder: Path, signatures: pd.DataFrame, **changed: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Write what the script reads into a folder, and run it there."""
    write_table(signatures, "signatures.schema.yaml", folder / "signatures.parquet")
    for place, code in enumerate(CODES):
        write_json(folder / "corpus" / code / "counts.json", {"train": {"bytes": 100 + place, "unique_characters": 20 + place}})
        dataset = folder / "datasets" / f"morph_{code}"
        counts = {"units": 4, "unique_lemmas": 2 + place % 2, "lemmas_missing": 0.0, "sha256": {}}
        write_json(dataset / "identity.json", declaration(dataset.name, "morphology", [code]) | counts)
        lemmas = ["a", "b", "c" if place % 2 else "b", "a"]
        pd.DataFrame({"form": ["ax", "bx", "cx", "dx"], "lemma": lemmas}).to_parquet(dataset / "words.parquet", index=False)
        seal(dataset / "words.parquet")
    told = {
        "signatures": ["signatures.parquet"],
        "comparisons": [json.dumps(COMPARISONS)],
        "sets": [json.dumps(SETS)],
        "texts": CODES,
        "counts": [f"corpus/{code}/counts.json" for code in CODES],
        "datasets": [f"datasets/morph_{code}" for code in CODES],
        **{f"signature-{table}-output": [f"signature_{table}.parquet"] for table in KEYS},
        **changed,
    }
    arguments = [argument for name, values in told.items() for argument in (f"--{name}", *values)]
    command = [sys.executable, PROJECT / "scripts" / "analyse_signatures.py", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"}, check=False)


def tables(folder: Path) -> dict[str, pd.DataFrame]:
    return {name: read_of_schema(folder / f"signature_{name}.parquet", f"signature_{name}.schema.yaml") for name in KEYS}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pd.DataFrame]:
    """The tables of two comparisons, one of two trainings; a language has no value of a category, and one category none at all."""
    folder = tmp_path_factory.mktemp("analyses")
    random = np.random.default_rng(5)
    parts = []
    for variant, seed, step in (("main", 1, 10), ("main", 1, 20), ("main", 2, 20), ("published", None, 90)):
        for category in ("part_of_speech", "case", "voice"):
            means = {code: random.uniform(1, 2, 5) for code in CODES}
            if category != "part_of_speech":
                means["qbc"] = np.full(5, np.nan)
            if category == "voice":
                means = {code: np.full(5, np.nan) for code in CODES}
            for fit, scale in (("per_layer", "raw"), ("over_layers", "standardised")):
                said = {"variant": variant, "training_seed": seed, "step": step, "fit": fit, "scale": scale, "category": category}
                parts.append(signature_rows(means, **said))
    done = run(folder, signature_table(*parts))
    assert done.returncode == 0, done.stderr
    return tables(folder)


def test_each_row_stands_once_and_of_all_comparisons(made):
    runs, fits, layers = 3, 3 * 2, 5
    assert {name: len(table) for name, table in made.items()} == {
        "factors": runs * len(CODES) * 7,
        "spreads": runs * fits * layers,
        "standings": runs * fits * layers * len(CODES),
        "trends": runs * fits * (1 + len(CODES)),
        "correlations": runs * fits * (1 + layers) * 5,
        "variances": runs * fits * layers * 2,
    }
    for name, table in made.items():
        assert (*table.columns[:4],) == TRAINING and not table.duplicated(KEYS[name]).any(), name
        assert {*zip(table["variant"], table["training_seed"].fillna(0), table["step"], strict=True)} == {
            ("main", 1, 20),
            ("main", 2, 20),
            ("published", 0, 90),
        }


def test_what_has_no_value_has_a_reason(made):
    value = {"factors": "value", "spreads": "variance", "standings": "z_of_others", "trends": "p", "correlations": "r", "variances": "p"}
    for name, table in made.items():
        assert (table[value[name]].isna() == table["reason"].notna()).all(), name
    voice = made["spreads"][made["spreads"]["category"] == "voice"]
    assert voice["reason"].str.contains("23 instances").all() and len(voice)
    # Two diverse languages are too few for a variance.
    assert made["variances"]["reason"].str.startswith("n too small").all()


def test_factors_reach_the_correlations(made):
    factors, correlations = made["factors"], made["correlations"]
    assert {*correlations["factor"]} >= {*factors["factor"]} - {"bytes", "tokens", "sequences"}
    of_speech = correlations[(correlations["category"] == "part_of_speech") & (correlations["factor"] == "unique_characters")]
    assert (of_speech["n"] == 6).all() and of_speech["r"].notna().all()
    assert (correlations[correlations["category"] == "case"]["n"] == 5).all()


def test_a_run_with_fits_over_steps_alone_has_empty_tables(tmp_path):
    done = run(tmp_path, signature_table(signature_rows({"qaa": [1.0]}, fit="over_steps")))
    assert done.returncode == 0, done.stderr
    assert all(table.empty for table in tables(tmp_path).values())


def test_a_fault_is_one_sentence(tmp_path):
    signatures = signature_table(signature_rows({"qaa": [1.0]}))
    done = run(tmp_path, signatures, comparisons=[json.dumps({"other": COMPARISONS["main"]})])
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert done.stderr == "error: the table of signatures has the variant 'main', of which no texts are named; name them\n"
    assert not [*tmp_path.glob("signature_*.parquet")]
