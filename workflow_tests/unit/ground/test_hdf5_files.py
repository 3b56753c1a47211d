"""Features files where locks are refused, and damaged ones."""

import errno
import json
import os
import random
import re
import resource
import shutil
import subprocess
import sys
import time

import h5py
import numpy as np
import pytest

from xlprobe import hdf5_files
from xlprobe.artifacts.feature_file import FeatureFile
from xlprobe.artifacts.formats import FEATURES
from xlprobe.errors import XlprobeError
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


VECTORS = np.random.default_rng(1).standard_normal((3, 500, 8)).astype(np.float16)
REFUSED = r"^{path}: cannot be read as a whole HDF5 file \(.*\); delete it, and it is made again$"


@pytest.fixture
def features(tmp_path):
    return write(tmp_path / "f.h5")


def write(path):
    with hdf5_files.create(path) as file:
        file["offsets"] = [0, 2, 500]
        file["sent_id"], file["split"] = ["a", "ü"], ["test", "test"]
        file.attrs["format"] = FEATURES
        file.attrs["units"], file.attrs["layers"], file.attrs["checkpoint"], file.attrs["dataset"] = "words", [0, 1, 12], "{}", "{}"
        checksums = [0, 0, 0]
        vectors = file.create_dataset("vectors", VECTORS.shape, dtype="float16")
        for start in (0, 300):
            part = VECTORS[:, start : start + 300]
            vectors[:, start : start + 300] = part
            checksums = hdf5_files.extended(checksums, part)
        vectors.attrs[hdf5_files.CHECKSUMS] = np.array(checksums, dtype=np.uint32)
    return path


def damaged(path, place, content):
    with path.open("r+b") as stream:
        stream.seek(place)
        stream.write(content)


def refused(path):
    return pytest.raises(XlprobeError, match=REFUSED.format(path=path))


def test_what_is_written_is_read_back_and_equal_input_gives_equal_bytes(features, tmp_path):
    with FeatureFile(features) as file:
        file.check()
        assert [np.array_equal(file.layer(layer), vectors) for layer, vectors in zip(file.layers, VECTORS, strict=True)] == [True] * 3
        assert np.array_equal(file.sentence("ü"), VECTORS[:, 2:])
    with h5py.File(features, locking=False) as file:
        assert np.array_equal(file["vectors"], VECTORS) and file["vectors"].chunks is None
    assert write(tmp_path / "g.h5").read_bytes() == features.read_bytes()


def test_a_file_that_is_cut_short_or_overwritten_is_refused_in_one_sentence(features):
    whole = features.read_bytes()
    for content in (b"", b"no HDF5", whole[:100], whole[:2000], whole[: len(whole) // 2], whole[:-1], bytes(len(whole)), whole + b"x"):
        features.write_bytes(content)
        with refused(features):
            FeatureFile(features)


@pytest.mark.parametrize("layer", [0, 1, 2])
def test_a_layer_that_is_zeroed_is_refused_where_it_is_read(features, layer):
    with h5py.File(features, locking=False) as file:
        start = file["vectors"].id.get_offset() + layer * VECTORS[0].nbytes
    damaged(features, start, bytes(VECTORS[0].nbytes))
    with FeatureFile(features) as file:
        for place, name in enumerate(file.layers):
            if place == layer:
                with pytest.raises(XlprobeError, match=rf"DamageError: row {layer} of vectors has another CRC-32"):
                    file.layer(name)
            else:
                assert np.array_equal(file.layer(name), VECTORS[place])
        with refused(features):
            file.sentence("a")
        with refused(features):
            file.check()


def test_no_flipped_bit_passes(features):
    """HDF5's own library crashes on some of these."""
    whole, draw = features.read_bytes(), random.Random(1)
    for bit in draw.sample(range(8 * len(whole)), 600):
        damaged(features, bit // 8, bytes([whole[bit // 8] ^ 1 << bit % 8]))
        with pytest.raises(XlprobeError, match="delete it"), FeatureFile(features) as file:
            file.check()
        damaged(features, bit // 8, whole[bit // 8 : bit // 8 + 1])
    with FeatureFile(features) as file:
        file.check()


def test_a_file_of_an_older_version_is_refused_in_one_sentence(features):
    with h5py.File(features, "w") as file:
        file["vectors"] = VECTORS
    with refused(features) as caught:
        FeatureFile(features)
    assert "written by an older version, it has no checksum" in str(caught.value)


@pytest.mark.parametrize("declared", ["vectors", "offsets"])
def test_a_file_that_declares_more_than_it_holds_takes_neither_time_nor_memory(tmp_path, declared):
    path = tmp_path / "f.h5"
    with hdf5_files.create(path) as file:
        for name in ("offsets", "vectors"):
            file.create_dataset(
                name, (10**12,) if name == declared else (3,), dtype="float64", data=None if name == declared else [0, 1, 2]
            )
        file.attrs["format"] = FEATURES
        file.attrs["units"], file.attrs["layers"], file.attrs["checkpoint"], file.attrs["dataset"] = "words", [0], "{}", "{}"
    assert path.stat().st_size < 20_000
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    with refused(path) as caught:
        FeatureFile(path)
    assert f"{declared} is declared with 8000000000000 bytes, of which 0 are stored here" in str(caught.value)
    assert time.monotonic() - start < 5 and resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 2**20


@pytest.mark.parametrize("kind", ["compressed", "in another file", "linked", "virtual"])
def test_numbers_that_do_not_lie_in_the_file_as_they_are_are_refused(features, tmp_path, kind):
    path = tmp_path / "x.h5"
    with hdf5_files.create(path) as file:
        file.attrs["format"] = FEATURES
        file.attrs["units"], file.attrs["layers"], file.attrs["checkpoint"], file.attrs["dataset"] = "words", [0], "{}", "{}"
        file["offsets"] = [0]
        if kind == "compressed":
            file.create_dataset("vectors", data=np.zeros((1, 10**6)), compression="gzip")
        elif kind == "in another file":
            file.create_dataset("vectors", (1, 16), dtype="float32", external=[("/etc/passwd", 0, 64)])
        elif kind == "virtual":
            layout = h5py.VirtualLayout(shape=(3, 500, 8), dtype="float16")
            layout[:] = h5py.VirtualSource(str(features), "vectors", shape=(3, 500, 8))
            file.create_virtual_dataset("vectors", layout)
    if kind == "linked":
        with h5py.File(path, "r+", locking=False) as file:
            file["vectors"] = h5py.ExternalLink(str(features), "vectors")
        with path.open("rb") as stream:
            seal = {"bytes": path.stat().st_size, "apart": [], "crc32": hdf5_files._checksum_but(stream, [])}
        damaged(path, 0, json.dumps(seal).encode().ljust(hdf5_files.USER_BLOCK))
    with refused(path):
        FeatureFile(path)


def test_a_seal_that_is_no_seal_is_refused_in_one_sentence(features):
    whole = features.read_bytes()
    for seal in ({}, [], {"bytes": len(whole), "apart": [[-5, 3]], "crc32": 0}, {"bytes": len(whole), "apart": 7, "crc32": 0}):
        damaged(features, 0, json.dumps(seal).encode().ljust(hdf5_files.USER_BLOCK))
        with refused(features):
            FeatureFile(features)


def test_a_file_without_its_parts_is_refused_in_one_sentence(tmp_path):
    with hdf5_files.create(tmp_path / "f.h5") as file:
        file.attrs["format"] = FEATURES
        file.attrs["units"] = "words"
        file["vectors"] = np.zeros((1, 1, 1))
    with pytest.raises(XlprobeError, match=r"f\.h5: cannot be read as a whole HDF5 file \(KeyError: .*offsets"):
        FeatureFile(tmp_path / "f.h5")


@pytest.mark.parametrize("room", [0, 10, 600, 5000, 12_000, 100_000])
def test_a_file_that_finds_no_room_is_said_to_in_one_sentence(tmp_path, room):
    """In a process of its own: HDF5's own way to write ends it by a signal."""
    code = f"""
import resource, sys
from pathlib import Path
import numpy as np
from xlprobe import hdf5_files
path = Path(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, ({room}, {room}))
with hdf5_files.writing(path), hdf5_files.create(path) as file:
    file["vectors"] = np.ones((1, 50_000, 8), dtype=np.float16)
    file["offsets"] = np.arange(1000)
"""
    environment = os.environ | {"PYTHONPATH": str(PROJECT / "scripts")}
    done = subprocess.run([sys.executable, "-c", code, tmp_path / "f.h5"], env=environment, capture_output=True, text=True)
    assert done.returncode == 1, (done.returncode, done.stderr)
    assert re.search(
        rf"XlprobeError: {tmp_path}/f\.h5: cannot be written \(.*File too large.*\); look at the disk's space, and run again\n", done.stderr
    )


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (MemoryError("12 GB"), (MemoryError, "^12 GB$")),
        (OSError(errno.EIO, "x"), (XlprobeError, r"f\.h5: cannot be read \(Input/output error\); exp")),
    ],
)
def test_full_memory_and_a_disk_that_fails_are_no_damage(features, monkeypatch, error, said):
    def fail(*_):
        raise error

    with FeatureFile(features) as file:
        monkeypatch.setattr(hdf5_files, "row", fail)
        with pytest.raises(said[0], match=said[1]) as caught:
            file.layer(0)
        assert "delete" not in str(caught.value)
