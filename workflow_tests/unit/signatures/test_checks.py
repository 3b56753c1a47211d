"""Stable components, halves, nulls and equal numbers, of languages whose signatures are known and of noise."""

import numpy as np
import pytest
from planted_signatures import LANGUAGES, LATENTS, PlantedLanguages

from xlprobe.artifacts.covariance_file import CovarianceFile, CovarianceKey
from xlprobe.artifacts.signature_file import SignatureFile, SignaturePlace
from xlprobe.artifacts.tables import read_table
from xlprobe.signatures.checks import check_signatures
from xlprobe.signatures.covariances import CovarianceChecks
from xlprobe.signatures.fitting import FitSettings, Slice, fit_together
from xlprobe.signatures.parafac2 import Parafac2Settings

WORDS = "part_of_speech"
CHECKS = CovarianceChecks([1], [WORDS, "case"], nulls=2, halves=2, equal_draws=2, equal_fixed=50)


def settings(rank, scales=("raw", "standardised")):
    return FitSettings(Parafac2Settings(rank=rank, iterations=40), scales=scales, device="cpu")


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("planted")
    datasets = [folder / f"morph_{language}" for language in LANGUAGES[:1]]
    return PlantedLanguages(folder).write(CovarianceChecks(**vars(CHECKS) | {"smallest_of": datasets}))


def checked(planted, name, rank=LATENTS, layers=(1,), starts=2, categories=(WORDS,), scales=("raw",), seed=1):
    outputs, parts = ([planted.folder / name / f"{category}{ending}" for category in categories] for ending in (".h5", ".parquet"))
    how = settings(rank, scales)
    check_signatures(planted.covariances(10), LANGUAGES, "main", categories, layers, outputs, parts, how, starts, 400, seed)
    return planted.folder / name


@pytest.fixture(scope="module")
def checks(planted):
    checked(planted, "checks", categories=["case"], starts=1)
    return checked(planted, "checks", scales=("raw", "standardised"))


@pytest.mark.parametrize("scale", ["raw", "standardised"])
def test_what_is_there_is_stable_in_both_halves_and_above_the_null(checks, scale):
    table = read_table(checks / f"{WORDS}.parquet").set_index(["scale", "language"]).loc[scale]
    assert table.index.to_list() == LANGUAGES and {*table["fit"]} == {"per_layer"} and {*table["layer"]} == {1}
    assert table["starts"].eq(2).all() and (table["starts_residual"] >= table["residual"] * 0.9).all()
    if scale == "raw":
        assert table["stable_share"].eq(1).all() and table["trusted"].all()
        assert (table["halves_congruence"] > 0.9).all()
    assert table["halves_r"].between(-1, 1).all() and table["halves_r"].nunique() == 1
    assert (table["null_mean"] < 0.5 * table["mean_published"]).all() and (table["null_sd"] > 0).all()
    assert table["equal_fixed_instances"].eq(50).all() and table["equal_smallest_instances"].eq(400).all()
    # The smallest has as many as all: drawn again they are the same words.
    np.testing.assert_allclose(table["equal_smallest_mean"], table["mean_published"], rtol=1e-3)
    np.testing.assert_allclose(table["equal_fixed_mean"], table["mean_published"], rtol=0.5)
    assert (table["equal_fixed_sd"] > table["equal_smallest_sd"]).all()


def test_a_mean_is_that_of_the_fits_of_its_draws(planted, checks):
    files = [CovarianceFile(path) for path in planted.covariances(10)]
    means = []
    for draw in range(2):
        slices = [Slice(file, CovarianceKey(WORDS, 1, "shuffled", draw)) for file in files]
        means.append(fit_together(slices, "raw", settings(LATENTS)).means()["qba"])
    row = read_table(checks / f"{WORDS}.parquet").query("scale == 'raw' and language == 'qba'").iloc[0]
    np.testing.assert_allclose([row["null_mean"], row["null_sd"]], [np.mean(means), np.std(means, ddof=1)])


def test_a_language_without_the_category_is_a_row_here_too(checks):
    table = read_table(checks / "case.parquet").set_index("language")
    assert table.loc["qac", "reason"] == "23 instances, fewer than 100"
    assert table.loc["qac", ["starts", "trusted", "null_mean", "equal_fixed_mean", "halves_difference"]].isna().all()
    assert table.drop("qac")["null_mean"].notna().all()


def test_more_components_than_there_are_are_not_all_stable(planted):
    """Of five components two are noise; so neither are they called stable, nor is the gauged signature trusted."""
    folder = checked(planted, "more", rank=5, starts=4)
    table = read_table(folder / f"{WORDS}.parquet").query("scale == 'raw'")
    assert (table["stable_share"] < 1).all() and not table["trusted"].any()
    with SignatureFile(folder / f"{WORDS}.h5") as file:
        found = file.read(SignaturePlace("per_layer", "raw", 1, 10))
    assert found.congruence_R.shape == (5,) and (found.congruence_R >= 0.95).mean() == table["stable_share"].iloc[0]


def test_where_nothing_was_drawn_starts_alone_are_checked(planted):
    table = read_table(checked(planted, "layer_0", layers=(0,)) / f"{WORDS}.parquet")
    assert table["stable_share"].notna().all() and table["starts_sd"].notna().all()
    assert table[["halves_r", "halves_difference", "null_mean", "equal_fixed_mean", "equal_fixed_instances"]].isna().all(axis=None)


def test_a_layer_that_the_models_do_not_share_is_not_checked(planted, caplog):
    """A published model may have fewer than its monolingual ones; a row of it would be of no fit."""
    table = read_table(checked(planted, "beyond", layers=(0, 9)) / f"{WORDS}.parquet")
    assert {*table["layer"]} == {0} and "main: the models that are compared share no layer 9, which is not checked" in caplog.text


def test_checks_are_the_same_again(planted, checks):
    again = checked(planted, "again")
    expected = read_table(checks / f"{WORDS}.parquet").query("scale == 'raw'").reset_index(drop=True)
    assert read_table(again / f"{WORDS}.parquet").equals(expected)
