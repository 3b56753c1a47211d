"""Z^T Y / m by hand, against NumPy, and what becomes of few units, far means and constant dimensions."""

import numpy as np
import pytest
from morphology_files import write_morphology, write_vectors

from xlprobe.artifacts.covariance_file import Covariance, CovarianceFile, CovarianceKey
from xlprobe.errors import XlprobeError
from xlprobe.signatures import covariances
from xlprobe.signatures.covariances import CovarianceChecks, cross_covariance, measure_covariances

RANDOM = np.random.default_rng(5)
WORDS, CASE, TENSE = "part_of_speech", "case", "tense"
KINDS = ("all", "shuffled", "first_half", "second_half", "equal_fixed", "equal_smallest")


def covariance(first_UC: np.ndarray, second_UE: np.ndarray) -> np.ndarray:
    """As NumPy has it, of float64."""
    first, second = (vectors.astype(np.float64) for vectors in (first_UC, second_UE))
    return (first - first.mean(0)).T @ (second - second.mean(0)) / len(first)


def exactly(found: np.ndarray, expected: np.ndarray, share: float) -> bool:
    return bool(np.abs(found - expected).max() <= share * np.abs(expected).max())


def read_all(path) -> None:
    found = CovarianceFile(path)
    for key in found.keys:
        found.read(key)


class Written:
    """A dataset of one language with 60 units, a third of them with case, five with tense, and vectors of both models."""

    def __init__(self, folder, language="qaa", layers_of_one=(0, 3, 6), units=60):
        values = np.arange(units)
        of_units = {
            WORDS: ["N"] * units,
            CASE: [None if i % 3 else "NOM" for i in values],
            TENSE: ["PST" if i < 5 else None for i in values],
        }
        self.folder = folder / language
        self.dataset = write_morphology(self.folder / f"morph_{language}", language, of_units)
        self.one = RANDOM.standard_normal((len(layers_of_one), units, 4)).astype(np.float16)
        self.many = RANDOM.standard_normal((3, units, 5)).astype(np.float16)
        self.rows = {name: np.flatnonzero([value is not None for value in found]) for name, found in of_units.items()}
        self.one_file = write_vectors(self.folder / "one.h5", self.dataset, self.one, list(layers_of_one), model=f"mono_{language}")
        self.many_file = write_vectors(self.folder / "many.h5", self.dataset, self.many, [0, 3, 6])
        self.output = self.folder / "covariances.h5"

    def measure(self, categories=(WORDS, CASE, TENSE), **said):
        said = {"min_instances": 20} | said
        measure_covariances(self.many_file, self.one_file, self.dataset, list(categories), self.output, **said)
        return CovarianceFile(self.output)


@pytest.fixture
def written(tmp_path):
    return Written(tmp_path)


def test_three_units_by_hand():
    """Means are (2, 0) and (0, 1); centred, Z = (-1 0, 0 0, 1 0) and Y = (-3 0, 0 1, 3 -1)."""
    first_UC, second_UE = np.array([[1.0, 0], [2, 0], [3, 0]]), np.array([[-3.0, 1], [0, 2], [3, 0]])
    found = cross_covariance(first_UC, second_UE, np.arange(3))
    np.testing.assert_allclose(found.omega_CE, [[2, -1 / 3], [0, 0]], rtol=1e-15)
    assert found.units == 3 and found.constant_dimensions == (1, 0)
    np.testing.assert_allclose(found.monolingual_std_C, [np.sqrt(2 / 3), 0])
    np.testing.assert_allclose(found.multilingual_std_E, [np.sqrt(6), np.sqrt(2 / 3)])
    np.testing.assert_allclose(found.norm, np.sqrt(4 + 1 / 9))
    # Divided by the deviations: 2 / (sqrt(2/3) sqrt(6)) = 1, since the first dimensions are proportional; -1/3 / (2/3) = -1/2.
    np.testing.assert_allclose(found.standardised().omega_CE, [[1, -0.5], [0, 0]], rtol=1e-15)
    assert found.standardised().constant_dimensions == (1, 0)


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize("rows_at_once", [1, 7, 100, 4096])
def test_blocks_change_nothing(dtype, rows_at_once):
    first_UC, second_UE = (RANDOM.standard_normal((103, dim)).astype(dtype) for dim in (6, 4))
    rows_N = np.flatnonzero(RANDOM.random(103) < 0.6)
    partners_N = RANDOM.permutation(rows_N)
    found = cross_covariance(first_UC, second_UE, rows_N, partners_N, rows_at_once)
    assert exactly(found.omega_CE, covariance(first_UC[rows_N], second_UE[partners_N]), 1e-13)
    np.testing.assert_allclose(found.multilingual_std_E, second_UE[rows_N].astype(np.float64).std(0), rtol=1e-12)


def test_tensors_give_what_arrays_give(monkeypatch):
    first_UC, second_UE = (RANDOM.standard_normal((103, dim)).astype(np.float16) + 5 for dim in (6, 4))
    arguments = first_UC, second_UE, np.arange(3, 99), RANDOM.permutation(np.arange(96)), 50
    expected, auto = cross_covariance(*arguments), cross_covariance(*arguments, device="auto")
    monkeypatch.setattr(covariances, "_loader", lambda device: covariances._tensors("cpu"))
    found = cross_covariance(*arguments)
    for one in (found, auto):
        np.testing.assert_allclose(one.omega_CE, expected.omega_CE, rtol=1e-9)
        np.testing.assert_allclose(one.monolingual_std_C, expected.monolingual_std_C, rtol=1e-12)


def test_a_mean_far_from_zero_costs_no_digits():
    first_UC, second_UE = (RANDOM.standard_normal((500, dim)) for dim in (3, 5))
    expected = covariance(first_UC, second_UE)
    # What is left after the offset's own rounding: numbers about 1e4 are stored to 1e-12.
    found = cross_covariance(first_UC + 1e4, second_UE - 1e4, np.arange(500), rows_at_once=33)
    assert exactly(found.omega_CE, expected, 1e-9)
    # A sum of products less the product of sums does lose them: the test above can fail.
    moved, other = first_UC + 1e4, second_UE - 1e4
    assert not exactly((moved.T @ other) / 500 - np.outer(moved.mean(0), other.mean(0)), expected, 1e-9)


def test_standardising_omega_is_standardising_vectors():
    first_UC, second_UE = (RANDOM.standard_normal((80, dim)) * RANDOM.uniform(0.1, 50, dim) + 3 for dim in (4, 6))
    found = cross_covariance(first_UC, second_UE, np.arange(80)).standardised()
    of_standardised = cross_covariance(first_UC / first_UC.std(0), second_UE / second_UE.std(0), np.arange(80))
    np.testing.assert_allclose(found.omega_CE, of_standardised.omega_CE, atol=1e-13)
    np.testing.assert_allclose(found.norm_shuffled, of_standardised.norm_shuffled)
    np.testing.assert_allclose(found.omega_CE, np.corrcoef(first_UC.T, second_UE.T)[:4, 4:], atol=1e-13)


def test_a_constant_dimension_gives_zeros_whatever_its_value():
    first_UC, second_UE = RANDOM.standard_normal((200, 3)), RANDOM.standard_normal((200, 4))
    first_UC[:, 1] = 0.1
    second_UE[:, [0, 3]] = 1e6 / 3
    # Nearly constant is not constant.
    second_UE[:, 2] = np.where(np.arange(200) == 7, np.float32(1 + 2e-7), 1)
    found = cross_covariance(first_UC, second_UE, np.arange(200), rows_at_once=64)
    assert found.constant_dimensions == (1, 2)
    standardised = found.standardised().omega_CE
    assert not standardised[1].any() and not standardised[:, [0, 3]].any() and standardised[0, 2]
    assert np.isfinite(standardised).all()


def test_the_floor_is_the_mean_over_permutations():
    first_UC, second_UE = RANDOM.standard_normal((12, 3)), RANDOM.standard_normal((12, 4)) + 2
    rows = np.arange(12)
    squares = [cross_covariance(first_UC, second_UE, rows, RANDOM.permutation(rows)).norm ** 2 for _ in range(4000)]
    floor = cross_covariance(first_UC, second_UE, rows).norm_shuffled
    assert abs(np.mean(squares) - floor**2) < 4 * np.std(squares) / np.sqrt(4000)
    assert cross_covariance(first_UC, second_UE, rows[:1]).norm_shuffled == np.inf


def test_a_file_holds_each_category_and_layer(written):
    found = written.measure()
    assert (found.language, found.dataset, found.layers) == ("qaa", "morph_qaa", [0, 3, 6])
    assert found.instances == {WORDS: 60, CASE: 20, TENSE: 5} and found.monolingual["model"] == "mono_qaa"
    for category in (WORDS, CASE):
        rows = written.rows[category]
        for place, layer in enumerate(found.layers):
            read = found.read(CovarianceKey(category, layer))
            expected = covariance(written.one[place][rows], written.many[place][rows])
            # What is stored is rounded to float32.
            assert read.units == len(rows) and np.abs(read.omega_CE / expected - 1).max() <= 2.0**-24 * 1.01
            np.testing.assert_allclose(read.monolingual_std_C, written.one[place][rows].astype(np.float64).std(0), rtol=1e-12)
    assert found.absence(CASE, 3) is None and found.absence(CASE, 1) == "layer 1 is not measured"
    assert found.absence(TENSE, 3) == "5 instances, fewer than 20"
    with pytest.raises(XlprobeError, match=r"covariances\.h5: holds no covariances of tense 3 all 0; measure them"):
        found.read(CovarianceKey(TENSE, 3))
    with pytest.raises(XlprobeError, match=r"was not asked for mood, but for part_of_speech, case, tense; name one of these"):
        found.absence("mood", 3)


def test_layers_are_those_that_both_have(tmp_path):
    written = Written(tmp_path, layers_of_one=(0, 6))
    found = written.measure()
    assert found.layers == [0, 6]
    rows = written.rows[WORDS]
    expected = covariance(written.one[1][rows], written.many[2][rows])
    np.testing.assert_allclose(found.read(CovarianceKey(WORDS, 6)).omega_CE, expected, rtol=1e-6)
    found = written.measure(layers=[6])
    assert found.layers == [6]
    with pytest.raises(XlprobeError, match=r"one\.h5: holds layers \[0, 6\], not 3"):
        written.measure(layers=[3])
    other = Written(tmp_path / "other", layers_of_one=(1, 2))
    with pytest.raises(XlprobeError, match=r"one\.h5: holds layers \[1, 2\], .*many\.h5 \[0, 3, 6\]; extract one of both"):
        other.measure()


def test_all_words_stand_in_a_small_file_of_their_own(written, tmp_path):
    checks = CovarianceChecks(layers=[3], categories=[WORDS], nulls=2)
    found = written.measure(all_words_output=tmp_path / "words.h5", checks=checks)
    words = CovarianceFile(tmp_path / "words.h5")
    assert words.keys == [CovarianceKey(WORDS, layer) for layer in (0, 3, 6)] and words.instances == {WORDS: 60}
    assert (words.read(words.keys[1]).omega_CE == found.read(words.keys[1]).omega_CE).all()
    with pytest.raises(XlprobeError, match="--all-words-output: needs part_of_speech among the categories, found case"):
        written.measure([CASE], all_words_output=tmp_path / "words.h5")


def test_no_category_with_enough_units_is_a_file_all_the_same(written):
    found = written.measure(min_instances=61)
    assert found.keys == [] and found.absence(WORDS, 0) == "60 instances, fewer than 61"


def test_draws_are_measured_where_checks_are_wanted(written, tmp_path):
    smaller = Written(tmp_path, "qba", units=45)
    checks = CovarianceChecks(
        [0, 6], [WORDS], nulls=2, halves=1, equal_draws=3, equal_fixed=30, smallest_of=[written.dataset, smaller.dataset]
    )
    found = written.measure(checks=checks)
    assert {key.layer for key in found.keys if key.kind != "all"} == {0, 6}
    assert {key.category for key in found.keys if key.kind != "all"} == {WORDS}
    drawn = {kind: found.draws(WORDS, 6, kind) for kind in KINDS}
    assert [len(drawn[kind]) for kind in KINDS] == [1, 2, 1, 1, 3, 3]
    assert [found.read(drawn[kind][0]).units for kind in KINDS] == [60, 60, 30, 30, 30, 45]
    matrices = [found.read(key).omega_CE for keys in drawn.values() for key in keys]
    assert all(np.abs(one - other).max() > 1e-3 for i, one in enumerate(matrices) for other in matrices[:i])
    # Halves have all units between them: what is left of Omega without them lies between their means, and so is of rank one.
    whole, first, second = (found.read(drawn[kind][0]).omega_CE for kind in ("all", "first_half", "second_half"))
    between = np.linalg.svd(whole - (first + second) / 2, compute_uv=False)
    assert between[1] < 1e-6 < between[0]
    # Shuffling pairs leaves each side as it is.
    np.testing.assert_allclose(found.read(drawn["shuffled"][0]).multilingual_std_E, written.many[2].astype(float).std(0), rtol=1e-12)


def test_draws_are_the_same_again_and_at_each_checkpoint(written):
    checks = CovarianceChecks([0, 6], [WORDS], nulls=1)
    found = written.measure(checks=checks)
    key = found.draws(WORDS, 6, "shuffled")[0]
    first = found.read(key).omega_CE
    write_vectors(written.many_file, written.dataset, written.many[[2, 2, 2]], [0, 3, 6], step=9)
    found = written.measure(checks=checks)
    np.testing.assert_array_equal(found.read(key).omega_CE, first)
    found = written.measure(checks=CovarianceChecks([0, 6], [WORDS], nulls=1, seed=2))
    assert np.abs(found.read(key).omega_CE - first).max() > 1e-3


def test_a_language_with_too_few_units_to_draw_has_no_such_draw(written):
    found = written.measure(checks=CovarianceChecks([0], [WORDS], equal_draws=2, equal_fixed=61))
    assert found.draws(WORDS, 0, "equal_fixed") == []


def test_vectors_of_another_dataset_or_of_subwords_are_refused(written, tmp_path):
    other = Written(tmp_path, "qba")
    with pytest.raises(XlprobeError, match=r"one\.h5: holds vectors of morph_qba, and not of .*morph_qaa as it is now"):
        measure_covariances(written.many_file, other.one_file, written.dataset, [WORDS], written.output)
    write_vectors(written.one_file, written.dataset, written.one, [0, 3, 6], units="subwords")
    with pytest.raises(XlprobeError, match=r"one\.h5: holds vectors of subwords, expected words"):
        written.measure()


def test_another_kind_of_dataset_and_a_missing_category_are_refused(written, tmp_path):
    treebank = write_morphology(tmp_path / "qaa_ud", "qaa", {"upos": ["N"] * 3}, kind="treebank")
    vectors = [write_vectors(tmp_path / f"{name}.h5", treebank, np.zeros((1, 3, 2)), [0]) for name in ("many", "one")]
    with pytest.raises(XlprobeError, match="qaa_ud: is a dataset of kind treebank, expected morphology"):
        measure_covariances(*vectors, treebank, [WORDS], written.output)
    with pytest.raises(XlprobeError, match=r"words\.parquet: cannot be read as a table"):
        written.measure(["mood"])


def test_damage_is_one_sentence(written):
    written.measure()
    whole = written.output.read_bytes()
    for place in range(512, len(whole), 211):
        written.output.write_bytes(whole[:place] + bytes([whole[place] ^ 8]) + whole[place + 1 :])
        with pytest.raises(XlprobeError, match=r"covariances\.h5: cannot be read as a whole HDF5 file .*delete it, and it is made again$"):
            read_all(written.output)
    written.output.write_bytes(whole[:-1])
    with pytest.raises(XlprobeError, match=r"covariances\.h5: cannot be read as a whole HDF5 file"):
        CovarianceFile(written.output)
    with pytest.raises(XlprobeError, match=r"many\.h5: holds no covariances; name a file that does"):
        CovarianceFile(written.many_file)


@pytest.mark.parametrize(("value", "dtype"), [(np.nan, np.float16), (np.inf, np.float16), (1e30, np.float32)])
@pytest.mark.filterwarnings("ignore:invalid value")
def test_what_is_not_finite_is_refused_where_it_is_measured(written, value, dtype):
    """In its file's name; of a fit, nobody could say which language it is."""
    for vectors, path in ((written.one, written.one_file), (written.many, written.many_file)):
        broken = vectors.astype(dtype)
        # Of a unit with case, in the second layer.
        broken[1, 3, 2] = value
        write_vectors(path, written.dataset, broken, [0, 3, 6], **({"model": "mono_qaa"} if path == written.one_file else {}))
    with pytest.raises(
        XlprobeError, match=r"many\.h5: with .*one\.h5, layer 3 has covariances of part_of_speech that are not finite; look"
    ):
        written.measure()
    assert not written.output.exists()


def test_zeros_have_no_norm():
    empty = Covariance(np.zeros((2, 3)), 5, np.zeros(2), np.zeros(3))
    assert empty.norm == empty.norm_shuffled == 0 and not empty.standardised().omega_CE.any()
