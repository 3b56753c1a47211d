"""Features files where locks are refused, and damaged ones."""

import os
import re
import resource
import shutil
import subprocess
import sys

import h5py
import numpy as np
import pytest

from xlprobe import hdf5_files
from xlprobe.errors import XlprobeError
from xlprobe.feature_file import FeatureFile
from xlprobe.paths import PROJECT

NO_LOCKS = """
#include <errno.h>
int flock(int file, int operation) { errno = REFUSAL; return -1; }
"""
WRITE_AND_READ = """
import sys
from pathlib import Path
from xlprobe import hdf5_files
path = Path(sys.argv[1])
with hdf5_files.create(path) as file:
    file["a"] = [1, 2]
with hdf5_files.open_to_read(path) as file:
    assert file["a"][:].tolist() == [1, 2]
"""
WITH_LOCKS = """
import sys, h5py
h5py.File(sys.argv[1], "w")
"""


@pytest.mark.parametrize("refusal", ["ENOLCK", "EAGAIN"])
@pytest.mark.parametrize("asked", [None, "TRUE"])
def test_files_are_written_and_read_where_locks_are_refused(tmp_path, refusal, asked):
    """Also where the environment asks HDF5 for locks, as some clusters' do."""
    compiler = shutil.which("cc")
    if not compiler:
        pytest.skip("no C compiler here, to make a file system that refuses locks")
    (tmp_path / "no_locks.c").write_text(NO_LOCKS)
    library = tmp_path / "no_locks.so"
    subprocess.run([compiler, "-shared", "-fPIC", f"-DREFUSAL={refusal}", "-o", library, tmp_path / "no_locks.c"], check=True)
    environment = {name: value for name, value in os.environ.items() if name != "HDF5_USE_FILE_LOCKING"}
    environment |= {"LD_PRELOAD": str(library), "PYTHONPATH": str(PROJECT / "scripts")} | (
        {"HDF5_USE_FILE_LOCKING": asked} if asked else {}
    )

    def run(code: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "-c", code, tmp_path / "x.h5"], env=environment, capture_output=True, text=True)

    assert "unable to lock file" in run(WITH_LOCKS).stderr
    done = run(WRITE_AND_READ)
    assert done.returncode == 0, done.stderr


def test_one_module_opens_hdf5_files():
    for path in (PROJECT / "scripts").rglob("*.py"):
        assert path.name == "hdf5_files.py" or not re.search(r"\bh5py\b|\btables\.open_file|read_hdf|to_hdf", path.read_text()), path


@pytest.fixture
def features(tmp_path):
    with hdf5_files.create(tmp_path / "f.h5") as file:
        file["offsets"] = [0, 2]
        file["sent_id"], file["split"] = ["a"], ["test"]
        file.attrs["units"], file.attrs["layers"], file.attrs["checkpoint"], file.attrs["dataset"] = "words", [0], "{}", "{}"
        file.create_dataset("vectors", data=np.zeros((1, 5000, 8), dtype=np.float16), chunks=(1, 100, 8), fletcher32=True)
    return tmp_path / "f.h5"


def test_a_file_that_is_cut_short_or_overwritten_is_refused_in_one_sentence(features):
    whole = features.read_bytes()
    for damaged in (b"", b"no HDF5", whole[:100], whole[:2000], whole[: len(whole) // 2], whole[:-1], bytes(len(whole))):
        features.write_bytes(damaged)
        with pytest.raises(XlprobeError, match=rf"^{features}: is no whole HDF5 file of features \(.*\); delete it, and it is made again$"):
            FeatureFile(features)


def test_what_is_damaged_inside_a_file_is_refused_in_one_sentence(features):
    with h5py.File(features) as file:
        chunk = file["vectors"].id.get_chunk_info(3)
    with features.open("r+b") as stream:
        stream.seek(chunk.byte_offset + 40)
        stream.write(b"damage")
    with FeatureFile(features) as opened, pytest.raises(XlprobeError, match=r"f\.h5: is no whole HDF5 file"):
        opened.layer(0)


def test_a_file_without_its_parts_is_refused_in_one_sentence(features):
    with h5py.File(features, "r+") as file:
        del file["offsets"]
    with pytest.raises(XlprobeError, match=r"f\.h5: is no whole HDF5 file of features \(KeyError: .*offsets"):
        FeatureFile(features)


def test_a_file_that_finds_no_room_is_said_to_in_one_sentence(tmp_path):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    said = rf"^{tmp_path}/f\.h5: cannot be written \(.*File too large.*\); look at the disk's space, and run again$"
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(XlprobeError, match=said), hdf5_files.writing(tmp_path / "f.h5"), hdf5_files.create(tmp_path / "f.h5") as file:
            file["vectors"] = np.ones((1, 50_000, 8), dtype=np.float16)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
