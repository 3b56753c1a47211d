"""Signatures end to end: beside a finished run, a model of each of its languages, and what the run's own is compared with them."""

import json
import re

import numpy as np
import pandas as pd
import pytest
import yaml

from xlprobe.artifacts.feature_file import FeatureFile
from xlprobe.artifacts.signature_file import SignatureFile, SignaturePlace
from xlprobe.artifacts.tables import conform
from xlprobe.files import sha256
from xlprobe.study.config import complete
from xlprobe.study.figure_kinds import signature_figure_kinds
from xlprobe.study.plan import Study

TINY = ("--configfile", "config/tiny.yaml")
TARGET = "paper2_signatures"
RESULTS = "results/tiny"
MODELS = """  mono:
    one_for_each: [qaa, qba]
    control: true
    steps: [20]
    pretrain:
      architecture: {layers: 2, hidden_size: 32, heads: 2, feed_forward_size: 64, max_tokens: 64}
      training: {updates: 20, batch_size: 32, tokens_per_sample: 64, sample_break: eos, learning_rate: 0.005, warmup_updates: 4}
      execution: {device: cpu}
treebanks:"""
VARIANTS = "main: {multilingual: xlmr, monolingual: [mono]}"
# Of person one language has too few words, so that the other has nothing to be compared with.
SECTION = f"""signatures:
  variants: {{{VARIANTS}}}
  categories: [person, part_of_speech, number]
  rank: 8
  iterations: 20
  checks: {{layers: [0, 2], starts: 1, halves: 1, nulls: 1, draws: 1}}
  device: cpu
bpc:"""
# The target leaves the tables of paper 2's analyses to be made.
SIGNED_RULES = "signatures|signature_(checks|table|figure)|covariances|morphology"
STEPS, LAYERS, LANGUAGES, SCALES = (0, 10, 20), (0, 1, 2), ("qaa", "qba"), ("raw", "standardised")
CATEGORIES = ("number", "part_of_speech", "person")
# Of signatures alone; others read what else is measured, which the target leaves to be made.
KINDS = [kind for kind, declared in signature_figure_kinds().items() if declared.reads == ("signatures",)]
# What checks alone say.
CHECKED = ["starts", "stable_share", "trusted", "starts_sd", "halves_difference", "null_mean", "equal_fixed_mean", "equal_smallest_mean"]


@pytest.fixture(scope="module")
def signed(finished_run, warm, tmp_path_factory):
    """The finished run with its signatures; tests copy it before they change it."""
    project = finished_run.copy(tmp_path_factory.mktemp("signed") / "project")
    project.edit("config/tiny.yaml", "treebanks:", MODELS)
    project.edit("config/tiny.yaml", "bpc:", SECTION)
    project.snakemake(TARGET, *TINY, "--quiet", "all", environment=warm)
    return project


@pytest.fixture(scope="module")
def table(signed):
    return conform(pd.read_parquet(signed.folder / RESULTS / "metrics" / "signatures.parquet"), "signatures.schema.yaml")


def test_the_table_has_a_row_of_each_language_fit_and_scale(signed, table):
    expected = {
        (fit, scale, category, step, layer, language)
        for fit in ("per_layer", "over_layers", "over_steps")
        for scale in SCALES
        for category in (("part_of_speech",) if fit == "over_steps" else CATEGORIES)
        for step in STEPS
        for layer in LAYERS
        for language in LANGUAGES
    }
    keys = [*table[["fit", "scale", "category", "step", "layer", "language"]].itertuples(index=False, name=None)]
    assert len(keys) == len(expected) == 2 * (2 * 3 * 18 + 18) and {*keys} == expected
    assert set(table["variant"]) == {"main"} and set(table["model"]) == {"xlmr"} and table["training_seed"].isna().all()
    assert (table["monolingual"] == "mono_" + table["language"]).all() and (table["monolingual_step"] == 20).all()
    assert (table["dataset"] == "morph_" + table["language"] + "_world").all()
    for language in LANGUAGES:
        identity = json.loads((signed.folder / RESULTS / f"datasets/morph_{language}_world/identity.json").read_text())
        counted = table[table["language"] == language].groupby("category")["instances"].agg(set).to_dict()
        assert counted == {category: {identity["instances"][category]} for category in CATEGORIES}
    # In a fit, languages stand in the order of their codes, then that of layers or steps.
    fitted = table[table["reason"].isna()]
    order = fitted.sort_values(["fit", "scale", "category", "step", "layer", "language"])
    alone = order[order["fit"] == "per_layer"]
    assert alone["place"].tolist() == [0, 1] * (len(alone) // 2) and set(alone["slices"]) == {2}
    joint = order[order["fit"] == "over_layers"]
    assert joint["place"].tolist() == [*range(6)] * (len(joint) // 6) and set(joint["slices"]) == {6}
    over_steps = order[order["fit"] == "over_steps"].sort_values(["scale", "layer", "step", "language"])
    assert over_steps["place"].tolist() == [*range(6)] * (len(over_steps) // 6) and set(fitted["languages"]) == {2}
    assert set(fitted["rank"]) == {8} and (fitted["iterations"] <= 20).all() and fitted["residual"].between(0, 1).all()


def test_a_language_without_a_value_has_its_reason(table):
    few = table[table["category"] == "person"]
    instances = few.groupby("language")["instances"].first()
    assert instances["qaa"] < 100 <= instances["qba"]
    reasons = few.groupby("language")["reason"].agg(set).to_dict()
    assert reasons == {
        "qaa": {f"{instances['qaa']} instances, fewer than 100"},
        "qba": {"no other language has it, so that there is nothing to compare"},
    }
    values = ["mean_published", "mean_gauged", "place", "rank", "residual", "vectors"]
    assert few[values].isna().all(axis=None) and table.loc[table["category"] != "person", [*values, "norm"]].notna().all(axis=None)
    assert table.loc[table["category"] != "person", "reason"].isna().all()


def test_what_checks_say_stands_where_they_are_made_and_nowhere_else(table):
    where = (*(table["fit"].eq("per_layer"), table["step"].eq(20), table["category"].eq("part_of_speech"), table["layer"].isin([0, 2])),)
    checked = np.logical_and.reduce(where)
    assert checked.sum() == 2 * 2 * 2
    for column in CHECKED:
        assert (table[column].notna() == checked).all(), column
    found = table[checked]
    assert (found["starts"] == 1).all() and found["stable_share"].between(0, 1).all() and (found["equal_fixed_instances"] == 100).all()
    assert (found["equal_smallest_instances"] == found["instances"].min()).all()


def test_signatures_lie_beside_the_table(signed, table):
    for row in table[table["vectors"].notna()].sample(20, random_state=1).to_dict("records"):
        with SignatureFile(signed.folder / RESULTS / row["vectors"]) as file:
            found = file.read(SignaturePlace(row["fit"], row["scale"], row["layer"], row["step"]))
        own = [*found.languages].index(row["language"])
        assert found.published_LR.shape == (2, 8) and (found.published_LR >= 0).all()
        assert found.published_LR[own].mean() == pytest.approx(row["mean_published"])
        assert found.gauged_LR[own].mean() == pytest.approx(row["mean_gauged"])


def test_covariances_are_those_of_the_vectors(signed, table):
    """Of words with number, by the definition: Z^T Y / m, both centred over these words."""
    for language in LANGUAGES:
        dataset = f"morph_{language}_world"
        words = pd.read_parquet(signed.folder / RESULTS / "datasets" / dataset / "words.parquet")
        has = words["number"].notna().to_numpy()
        vectors = []
        for model in (f"mono_{language}/20", "xlmr/10"):
            with FeatureFile(signed.folder / RESULTS / "features" / model / f"{dataset}.h5") as file:
                values = file.layer(2)[has].astype(np.float64)
            vectors.append(values - values.mean(0))
        norm = np.linalg.norm(vectors[0].T @ vectors[1] / has.sum())
        rows = table[(table["language"] == language) & (table["category"] == "number") & (table["step"] == 10) & (table["layer"] == 2)]
        np.testing.assert_allclose(rows.loc[rows["scale"] == "raw", "norm"], norm, rtol=1e-5)
    assert not (signed.folder / RESULTS / "covariances").exists() or not [*(signed.folder / RESULTS / "covariances").rglob("*.h5")]


def test_figures_are_drawn_and_nothing_is_left_to_do(signed):
    for kind in KINDS:
        for suffix in ("png", "pdf", "csv"):
            assert (signed.folder / RESULTS / "figures" / "signatures" / "main" / f"{kind}.{suffix}").stat().st_size > 60
    assert len(KINDS) >= 2 and signed.planned(TARGET, *TINY) == {}


def test_the_study_knows_each_job(signed):
    jobs = Study(complete(yaml.safe_load((signed.folder / "config" / "tiny.yaml").read_text()))).jobs()
    planned = signed.planned("--forceall", *TINY)
    # Finished intervals have no job, and a world's rule is none of the study's sources.
    assert {rule: len(jobs.get(rule, [])) for rule in planned} == planned
    assert jobs.keys() - planned.keys() == {"pretrain"} and planned["covariances"] == 6 and planned["signatures"] == 9


def test_what_else_is_measured_stays(signed):
    """Tables that all models are in are left to be made; no vector, probe or outcome."""
    planned = signed.planned(*TINY)
    made = ("features", "probes", "transfer", "alignment", "bpc", "checkpoint_scores", "scores", "pretrain", "checkpoint", "tokenizer")
    # The figure of signatures and probes, of which there is no table yet.
    assert planned.pop("signature_figure") == len(signature_figure_kinds()) - len(KINDS) == 1 and planned.pop("signature_agreement") == 1
    assert planned and not planned.keys() & {*made} and not any(re.match(SIGNED_RULES, rule) for rule in planned)


def test_a_variant_in_addition_makes_nothing_of_the_first_again(signed, tmp_path):
    project = signed.copy(tmp_path / "project")
    project.edit("config/tiny.yaml", VARIANTS, f"{VARIANTS}, again: {{multilingual: xlmr, monolingual: [mono]}}")
    assert project.planned(TARGET, *TINY) == {
        **{"covariances": 6, "signatures": 9, "signatures_over_steps": 1, "signature_table": 1},
        **{"signature_figure": 2 * len(KINDS), TARGET: 1},
    }


def test_with_temporary_features_the_files_of_a_variant_in_addition_need_its_own_jobs_alone(signed, tmp_path):
    """All that is asked for at once would make the first one's again, too: vectors that are made anew are new to all that reads them."""
    project = signed.copy(tmp_path / "project")
    project.edit("config/tiny.yaml", "{keep: true}", "{keep: false}")
    project.edit("config/tiny.yaml", VARIANTS, f"{VARIANTS}, again: {{multilingual: xlmr, monolingual: [mono]}}")
    for path in (project.folder / RESULTS / "features").rglob("*.h5"):
        path.unlink()
    places = [*(f"{step}/{category}" for step in STEPS for category in CATEGORIES), "over_steps"]
    files = [f"{RESULTS}/signatures/again/{place}.parquet" for place in places]
    assert project.planned(*files, *TINY) == {"features": 8, "covariances": 6, "signatures": 9, "signatures_over_steps": 1}


def test_another_text_is_compared_with_that_of_the_models_first(signed, tmp_path):
    """Models stay as they are: no table is called up to date, nor made, of models that were trained on another text."""
    project = signed.copy(tmp_path / "project")
    project.edit("config/tiny.yaml", "corpus: {valid_fraction: 0.1}", "corpus: {valid_fraction: 0.2}")
    planned = project.planned(TARGET, *TINY)
    assert {"trained_text": 3, "signature_table": 1}.items() <= planned.items() and "pretrain" not in planned


def test_all_categories_in_one_job_are_fitted_as_each_in_its_own(signed, tmp_path, warm):
    project = signed.copy(tmp_path / "project")
    project.edit("config/tiny.yaml", "  rank: 8\n", "  rank: 8\n  together: true\n")
    folder = project.folder / RESULTS / "signatures" / "main" / "10"
    before = {path: (sha256(path), path.stat().st_mtime_ns) for path in folder.glob("*.h5")}
    target = f"{RESULTS}/signatures/main/10/number.parquet"
    rows = pd.read_parquet(project.folder / target)
    assert len(before) == 3 and project.planned(target, *TINY) == {"covariances": 2, "signatures_together": 1}
    project.snakemake(target, *TINY, "--quiet", "all", environment=warm)
    after = {path: (sha256(path), path.stat().st_mtime_ns) for path in folder.glob("*.h5")}
    assert {path: digest for path, (digest, _) in after.items()} == {path: digest for path, (digest, _) in before.items()}
    assert all(after[path][1] > before[path][1] for path in before)
    pd.testing.assert_frame_equal(pd.read_parquet(project.folder / target), rows)
