"""Signatures of languages whose strengths are known; named rows of those without; order, files and what is refused."""

import numpy as np
import pandas as pd
import pytest
from planted_signatures import LANGUAGES, LATENTS, PlantedLanguages

from xlprobe import command_line
from xlprobe.artifacts.covariance_file import CovarianceFile, CovarianceKey
from xlprobe.artifacts.signature_file import SignatureFile, SignaturePlace
from xlprobe.artifacts.tables import conform, read_schema, read_table
from xlprobe.errors import XlprobeError
from xlprobe.signatures.fitting import (
    FitSettings,
    Slice,
    add_fit_arguments,
    fit_signatures,
    fit_signatures_over_steps,
    fit_together,
    settings_of,
)
from xlprobe.signatures.parafac2 import Parafac2Settings, parafac2

WORDS = "part_of_speech"
SETTINGS = FitSettings(Parafac2Settings(rank=LATENTS), device="cpu")
SCHEMA = "signatures.schema.yaml"


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    return PlantedLanguages(tmp_path_factory.mktemp("planted"), steps=(10, 20, 40)).write()


@pytest.fixture(scope="module")
def fitted(planted):
    """Both categories at the last step; the folder of what was written."""
    folder = planted.folder / "fitted"
    names = [WORDS, "case"]
    outputs, parts = ([folder / f"{name}{ending}" for name in names] for ending in (".h5", ".parquet"))
    fit_signatures(planted.covariances(40), LANGUAGES, "main", names, outputs, parts, SETTINGS, planted.folder)
    return folder


def rows_of(folder, category, **chosen):
    table = read_table(folder / f"{category}.parquet")
    return table[(table[[*chosen]] == pd.Series(chosen)).all(axis=1)].set_index("language")


def cosines(signatures_LR):
    of_unit_length = signatures_LR / np.linalg.norm(signatures_LR, axis=1, keepdims=True)
    return of_unit_length @ of_unit_length.T


@pytest.mark.parametrize("scale", ["raw", "standardised"])
@pytest.mark.parametrize("fit", ["per_layer", "over_layers"])
@pytest.mark.parametrize("layer", [0, 1])
def test_relatives_have_signatures_closer_than_strangers(fitted, fit, scale, layer):
    with SignatureFile(fitted / f"{WORDS}.h5") as file:
        found = file.read(SignaturePlace(fit, scale, layer, 40))
    # Variances differ by language: what was exact is not so with vectors of unit variance.
    assert found.languages == LANGUAGES and found.facts["residual"] < (0.01 if scale == "raw" else 0.25)
    for signatures_LR in (found.published_LR, found.gauged_LR):
        alike = cosines(signatures_LR)
        relatives = min(alike[:3, :3].min(), alike[3:, 3:].min())
        assert relatives > 0.95 > alike[:3, 3:].max() + 0.1


def test_gauged_signatures_are_the_strengths(planted, fitted):
    with SignatureFile(fitted / f"{WORDS}.h5") as file:
        gauged_LR = file.read(SignaturePlace("per_layer", "raw", 0, 40)).gauged_LR
    expected_LR = np.array([planted.strengths[language] for language in LANGUAGES])
    # Components come in any order; that of one language tells it.
    order, expected_order = (np.argsort(signatures[0]) for signatures in (gauged_LR, expected_LR))
    np.testing.assert_allclose(gauged_LR[:, order], expected_LR[:, expected_order], rtol=0.02)


def test_every_language_category_and_layer_has_a_row_and_a_reason_if_there_is_no_value(fitted):
    table = pd.concat([read_table(fitted / f"{name}.parquet") for name in (WORDS, "case")])
    keys = ["language", "category", "layer", "fit", "scale"]
    assert len(table) == 6 * 2 * 2 * 2 * 2 and not table.duplicated(keys).any()
    without = table[table["reason"].notna()]
    assert {*zip(without["language"], without["category"], without["reason"], strict=True)} == {
        ("qac", "case", "23 instances, fewer than 100")
    }
    assert without["instances"].eq(23).all() and len(without) == 8
    values = ["place", "mean_published", "mean_gauged", "norm", "norm_shuffled", "residual", "vectors", "rank", "languages"]
    assert without[values].isna().all(axis=None) and table[table["reason"].isna()][values].notna().all(axis=None)
    # The order of the fit, which a missing language does not shift by name.
    rows = rows_of(fitted, "case", layer=1, fit="per_layer", scale="raw")
    assert rows["place"].dropna().to_dict() == {"qaa": 0, "qab": 1, "qba": 2, "qbb": 3, "qbc": 4}
    assert rows.loc["qba", ["languages", "slices", "rank", "instances"]].to_list() == [5, 5, 3, 400]
    assert rows_of(fitted, "case", layer=1, fit="over_layers", scale="raw").loc["qba", ["languages", "slices"]].to_list() == [5, 10]


def test_a_row_says_what_the_file_holds(planted, fitted):
    row = rows_of(fitted, "case", layer=1, fit="over_layers", scale="standardised").loc["qbb"]
    assert row["vectors"] == "fitted/case.h5"
    with SignatureFile(planted.folder / row["vectors"]) as file:
        assert (file.variant, file.category) == ("main", "case")
        found = file.read(SignaturePlace("over_layers", "standardised", 1, 40))
    assert "qac" not in found.languages
    signature = found.published_LR[found.languages.index("qbb")]
    assert row["mean_published"] == signature.mean() and row["residual"] == found.facts["residual"]
    assert row["zeros"] == (signature == 0).mean()
    covariance = CovarianceFile(planted.covariances(40)[4]).read(CovarianceKey("case", 1)).standardised()
    assert row["norm"] == covariance.norm and row["norm_shuffled"] == covariance.norm_shuffled
    assert row["norm"] > 5 * row["norm_shuffled"]


def test_a_layer_of_longer_vectors_differs_at_the_raw_scale_alone(fitted):
    of_layers = {
        scale: [rows_of(fitted, WORDS, fit="over_layers", scale=scale, layer=layer)["mean_gauged"] for layer in (0, 1)]
        for scale in ("raw", "standardised")
    }
    np.testing.assert_allclose(of_layers["raw"][1] / of_layers["raw"][0], 10, rtol=0.02)
    np.testing.assert_allclose(of_layers["standardised"][1] / of_layers["standardised"][0], 1, rtol=0.02)


def test_the_raw_fit_per_layer_is_the_plain_call(planted, fitted):
    slices = [CovarianceFile(path).read(CovarianceKey(WORDS, 1)).omega_CE for path in planted.covariances(40)]
    with SignatureFile(fitted / f"{WORDS}.h5") as file:
        found = file.read(SignaturePlace("per_layer", "raw", 1, 40))
    np.testing.assert_array_equal(found.published_LR, parafac2(slices, SETTINGS.parafac2).weights_LR)


def test_the_order_of_the_languages_changes_nothing_but_their_order(planted, fitted):
    order = [4, 2, 0, 5, 3, 1]
    paths, languages = ([values[place] for place in order] for values in (planted.covariances(40), LANGUAGES))
    output, part = planted.folder / "reordered.h5", planted.folder / "reordered.parquet"
    fit_signatures(paths, languages, "main", ["case"], [output], [part], SETTINGS, planted.folder)
    rows = read_table(part).query("layer == 0 and fit == 'per_layer' and scale == 'raw'").set_index("language")
    assert rows["place"].dropna().to_dict() == {"qbb": 0, "qaa": 1, "qbc": 2, "qba": 3, "qab": 4}
    expected = rows_of(fitted, "case", layer=0, fit="per_layer", scale="raw")["mean_gauged"]
    np.testing.assert_allclose(rows["mean_gauged"].dropna(), expected[rows.index].dropna(), rtol=1e-4)


def test_over_steps_a_language_that_grows_grows(planted):
    output, part = planted.folder / "steps.h5", planted.folder / "steps.parquet"
    folder = planted.folder / "covariances"
    fit_signatures_over_steps(folder, {"xlmr": [10, 20, 40]}, LANGUAGES, "main", output, part, SETTINGS, planted.folder)
    table = read_table(part)
    assert len(table) == 3 * 6 * 2 * 2 and {*table["fit"]} == {"over_steps"} and {*table["slices"]} == {18}
    raw = table.query("scale == 'raw' and layer == 0").pivot_table(index="language", columns="step", values="mean_gauged")
    np.testing.assert_allclose(raw[40] / raw[10], 4, rtol=0.05)
    np.testing.assert_allclose(raw[20] / raw[10], 2, rtol=0.05)
    # Divided by their norms, only directions are left, which do not change.
    shape = table.query("scale == 'standardised' and layer == 0").pivot_table(index="language", columns="step", values="mean_gauged")
    np.testing.assert_allclose(shape[40] / shape[10], 1, rtol=0.05)
    with SignatureFile(output) as file:
        assert len(file.places) == 3 * 2 * 2 and file.read(SignaturePlace("over_steps", "raw", 0, 20)).languages == LANGUAGES


def test_fewer_than_two_languages_are_no_fit(planted):
    files = [CovarianceFile(path) for path in planted.covariances(40)]
    joint = fit_together([Slice(file, CovarianceKey("case", 0)) for file in files[1:3]], "raw", SETTINGS)
    assert joint.fit is None and joint.means() == {}
    assert [row["reason"] for row in joint.rows] == [
        "no other language has it, so that there is nothing to compare",
        "23 instances, fewer than 100",
    ]
    assert joint.rows[0]["norm"] > 0


def test_a_language_without_a_layer_or_with_zeros_is_left_out(planted, tmp_path):
    files = [CovarianceFile(path) for path in planted.covariances(40)]
    joint = fit_together([Slice(file, CovarianceKey(WORDS, 7)) for file in files], "raw", SETTINGS)
    assert {row["reason"] for row in joint.rows} == {"layer 7 is not measured"}
    read = files[2].read
    files[2].read = lambda key: type(read(key))(0 * read(key).omega_CE, 400, np.zeros(5), np.zeros(6))
    joint = fit_together([Slice(file, CovarianceKey(WORDS, 0)) for file in files], "standardised", SETTINGS)
    assert joint.rows[2]["reason"] == "its covariances are all zero" and joint.fitted == [0, 1, 3, 4, 5]


def test_files_of_another_language_or_step_are_refused(planted, tmp_path):
    def fit(paths, languages=LANGUAGES[:2]):
        fit_signatures(paths, languages, "main", [WORDS], [tmp_path / "x.h5"], [tmp_path / "x.parquet"], SETTINGS, tmp_path)

    first, second = planted.covariances(40)[:2]
    with pytest.raises(XlprobeError, match=r"qab\.h5: is of qab, expected qaa; name files and languages in one order"):
        fit([second, first])
    with pytest.raises(XlprobeError, match=r"qab\.h5: is of xlmr step 20, .*qaa\.h5 of xlmr step 40, or of one made anew since"):
        fit([first, planted.covariances(20)[1]])
    with pytest.raises(XlprobeError, match="--languages: found qaa qaa, expected one for each of 2 files, each once"):
        fit([first, first], ["qaa", "qaa"])
    with pytest.raises(XlprobeError, match=r"qaa\.h5: was not asked for mood, but for part_of_speech, case"):
        fit_signatures([first, second], LANGUAGES[:2], "main", ["mood"], [tmp_path / "x.h5"], [tmp_path / "x.parquet"], SETTINGS, tmp_path)
    with pytest.raises(XlprobeError, match="--checkpoints: names 2 trainings, expected one"):
        checkpoints = {"xlmr": [40], "other": [40]}
        fit_signatures_over_steps(
            planted.folder, checkpoints, LANGUAGES, "main", tmp_path / "x.h5", tmp_path / "x.parquet", SETTINGS, tmp_path
        )


def test_arguments_are_settings(capsys):
    parser = command_line.parser("")
    add_fit_arguments(parser)
    parser.add_argument("--fits", nargs="+", default=["per_layer"])
    defaults = parser.parse_args([])
    assert settings_of(defaults) == FitSettings(Parafac2Settings(), ["per_layer"], ["raw", "standardised"], "auto") and not vars(defaults)
    given = "--rank 8 --iterations 30 --tolerance 1e-6 --no-nonnegative --no-line-search --solver tensorly --dtype float32 --scales raw"
    solver = Parafac2Settings(8, 30, False, 1e-6, False, solver="tensorly", dtype="float32")
    assert settings_of(parser.parse_args([*given.split(), "--device", "cpu"])) == FitSettings(solver, ["per_layer"], ["raw"], "cpu")
    assert settings_of(parser.parse_args(["--rank", "full"])).parafac2.rank is None
    with pytest.raises(SystemExit):
        parser.parse_args(["--rank", "most"])
    assert "found most, expected full or a number of components" in capsys.readouterr().err


def test_damaged_signatures_are_one_sentence(fitted, tmp_path):
    whole = (fitted / "case.h5").read_bytes()
    for place in range(512, len(whole), 997):
        (tmp_path / "case.h5").write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(XlprobeError, match=r"case\.h5: cannot be read as a whole HDF5 file .*delete it, and it is made again"):
            SignatureFile(tmp_path / "case.h5")
    said = r"case\.h5: holds no signatures of per_layer/raw/5/40; name a place that it holds"
    with SignatureFile(fitted / "case.h5") as file, pytest.raises(XlprobeError, match=said):
        file.read(SignaturePlace("per_layer", "raw", 5, 40))
    with pytest.raises(XlprobeError, match=r"qaa\.h5: holds no signatures; name a file that does"):
        SignatureFile(fitted.parent / "covariances" / "xlmr" / "40" / "qaa.h5")


def test_each_column_is_described(fitted):
    properties = read_schema(SCHEMA)["properties"]
    assert all(rule["description"] for rule in properties.values())
    conform(read_table(fitted / "case.parquet"), SCHEMA)
