import h5py
import numpy as np
import pytest

from xlprobe import hdf5_files
from xlprobe.artifacts.feature_file import FeatureFile
from xlprobe.artifacts.outcome_file import Outcome, OutcomeFile, OutcomePlace
from xlprobe.errors import XlprobeError
from xlprobe.statistics.outcomes import write_outcomes

PLACE = OutcomePlace("pos", "qaa_own", "qaa_own", "dev")


@pytest.fixture
def path(tmp_path):
    write_outcomes(tmp_path / "20.h5", [Outcome(PLACE, {"correct": np.ones((40, 1, 2), dtype=int)}, layers=[6])], {"model": "xlmr"})
    return tmp_path / "20.h5"


def test_a_measurement_or_layer_that_is_not_there_is_named(path):
    with OutcomeFile(path) as file:
        with pytest.raises(XlprobeError, match=r"20\.h5: holds no outcomes of pos/qaa_own/qba_pud/test; name one that it holds"):
            file.read(PLACE._replace(target="qba_pud", split="test"))
        with pytest.raises(XlprobeError, match=r"pos/qaa_own/qaa_own/dev has layers \[6\], not 3; name one of these"):
            file.read(PLACE, layer=3)


def test_every_byte_of_damage_shows(path):
    whole = path.read_bytes()
    for place in range(hdf5_files.USER_BLOCK, len(whole), 97):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(XlprobeError, match=r"20\.h5: cannot be read as a whole HDF5 file .*delete it, and it is made again"):
            OutcomeFile(path)
    for length in (0, 100, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(XlprobeError, match=r"20\.h5: cannot be read as a whole HDF5 file"):
            OutcomeFile(path)


def test_another_version_and_no_file_are_said(path, tmp_path):
    with hdf5_files.create(path) as file:
        file["places"] = ["pos/qaa_own/qaa_own/dev"]
        file.attrs["format"] = 99
    with pytest.raises(XlprobeError, match=r"20\.h5: is of format version 99, expected 2"):
        OutcomeFile(path)
    with pytest.raises(XlprobeError, match=r"none\.h5: no such file"):
        OutcomeFile(tmp_path / "none.h5")


def test_files_of_vectors_and_of_outcomes_are_told_apart(path):
    with pytest.raises(XlprobeError, match=r"20\.h5: holds no vectors; name a file that does"):
        FeatureFile(path)
    with hdf5_files.create(path) as file:
        file.attrs["format"] = 2
    with pytest.raises(XlprobeError, match=r"20\.h5: holds no outcomes; name a file that does"):
        OutcomeFile(path)


def test_others_can_read_it(path):
    """With h5py alone, as a user would."""
    with h5py.File(path) as file:
        assert file["pos/qaa_own/qaa_own/dev/correct"][:, 0, 1].sum() == 40
