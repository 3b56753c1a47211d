"""Files of another version of their format are refused."""

import pytest

from xlprobe import hdf5_files
from xlprobe.artifacts.feature_file import FeatureFile
from xlprobe.artifacts.probe_file import ProbeFile
from xlprobe.errors import XlprobeError
from xlprobe.probes.training import write_probes


def refused(path, said):
    """Expect the one sentence about a file."""
    sentence = rf"^{path}: {said}, expected 1: another version of xlprobe wrote it; delete it, and it is made again$"
    return pytest.raises(XlprobeError, match=sentence)


@pytest.mark.parametrize(("version", "said"), [(None, "says no format version"), (2, "is of format version 2")])
def test_vectors_and_probes_of_another_version_are_refused(tmp_path, version, said):
    with hdf5_files.create(tmp_path / "f.h5") as file:
        file["offsets"] = file["vectors"] = [0]
        if version:
            file.attrs["format"] = version
    with refused(tmp_path / "f.h5", said):
        FeatureFile(tmp_path / "f.h5")
    write_probes(tmp_path / "p.safetensors", {}, {"format": version})
    with refused(tmp_path / "p.safetensors", said):
        ProbeFile(tmp_path / "p.safetensors")
