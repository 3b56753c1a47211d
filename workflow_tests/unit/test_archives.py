import bz2
import gzip
import io
import lzma
import os
import random
import signal
import stat
import subprocess
import sys
import tarfile
import time
import zipfile
from pathlib import Path

import pytest
from backports import zstd

from xlprobe.archives import folder_of, member_file, record_of, unpack
from xlprobe.errors import XlprobeError
from xlprobe.files import read_json, sha256
from xlprobe.paths import PROJECT

MONDAY = 1_500_000_000


def tar_of(path: Path, members: dict[str, bytes | tarfile.TarInfo], mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as tar:
        for name, content in members.items():
            entry = content if isinstance(content, tarfile.TarInfo) else tarfile.TarInfo(name)
            entry.mtime = MONDAY
            data = b"" if isinstance(content, tarfile.TarInfo) else content
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return path


def zip_of(path: Path, members: dict[str, bytes], mode: int = 0) -> Path:
    with zipfile.ZipFile(path, "w") as zipped:
        for name, content in members.items():
            entry = zipfile.ZipInfo(name, time.localtime(MONDAY)[:6])
            entry.external_attr = mode << 16
            zipped.writestr(entry, content)
    return path


def left(archive: Path) -> list[str]:
    """What lies beside an archive."""
    return sorted(path.name for path in archive.parent.iterdir() if path != archive)


@pytest.mark.parametrize(("make", "name"), [(tar_of, "a.tgz"), (zip_of, "a.zip")])
def test_an_archive_is_unpacked_once_and_whole(tmp_path, make, name):
    archive = make(tmp_path / name, {"r-1/one.txt": b"1", "r-1/deep/two.txt": b"22"})
    unpack(archive, sha256(archive))
    assert left(archive) == [f"{name}.json", f"{name}.unpacked"]
    assert member_file(archive, "r-1/deep/two.txt").read_bytes() == b"22"
    assert member_file(archive, "r-1/one.txt").stat().st_mtime == MONDAY
    record = read_json(Path(record_of(str(archive))))
    assert record == {"archive": name, "sha256": sha256(archive), "bytes": archive.stat().st_size, "files": 2}


def test_a_folder_without_a_record_is_made_anew(tmp_path):
    archive = tar_of(tmp_path / "a.tgz", {"one": b"1"})
    (tmp_path / "a.tgz.unpacked").mkdir()
    (tmp_path / "a.tgz.unpacked" / "stale").touch()
    unpack(archive)
    assert [path.name for path in (tmp_path / "a.tgz.unpacked").iterdir()] == ["one"]


def test_an_uncompressed_tar_is_unpacked(tmp_path):
    archive = tar_of(tmp_path / "a.tar", {"one": b"1"}, "w")
    unpack(archive)
    assert member_file(archive, "one").read_bytes() == b"1"


@pytest.mark.parametrize("name", ["../out", "a/../../out", "/tmp/out", "..\\out", "C:\\out"])
def test_a_zip_that_writes_elsewhere_is_refused(tmp_path, name):
    archive = zip_of(tmp_path / "a.zip", {"good": b"", name: b"bad"})
    with pytest.raises(XlprobeError, match=r"a.zip: holds what must not be unpacked \('.*out'\); get the archive from elsewhere"):
        unpack(archive)
    assert left(archive) == []


def test_a_link_in_a_zip_is_refused(tmp_path):
    archive = zip_of(tmp_path / "a.zip", {"link": b"/etc/passwd"}, stat.S_IFLNK | 0o777)
    with pytest.raises(XlprobeError, match="must not be unpacked"):
        unpack(archive)


def link_entry(target: str) -> tarfile.TarInfo:
    entry = tarfile.TarInfo("link")
    entry.type, entry.linkname = tarfile.SYMTYPE, target
    return entry


@pytest.mark.parametrize("members", [{"../out": b"bad"}, {"link": link_entry("../../etc")}, {"link": link_entry("/etc/passwd")}])
def test_a_tar_that_leads_elsewhere_is_refused(tmp_path, members):
    archive = tar_of(tmp_path / "a.tgz", {"good": b""} | members)
    with pytest.raises(XlprobeError, match=r"a.tgz: holds what must not be unpacked .*; get the archive from elsewhere"):
        unpack(archive)
    assert left(archive) == []


@pytest.mark.parametrize("make", [tar_of, zip_of])
def test_a_truncated_archive_is_refused(tmp_path, make):
    archive = make(tmp_path / "a", {"one": os.urandom(100_000)})
    archive.write_bytes(archive.read_bytes()[:50_000])
    with pytest.raises(XlprobeError, match=r"/a: .* breaks off or is corrupt .*; delete the file to fetch it again"):
        unpack(archive)
    assert left(archive) == []


def test_an_archive_put_there_by_hand_must_be_the_published_one(tmp_path):
    archive = tar_of(tmp_path / "a.tgz", {"one": b"1"})
    with pytest.raises(XlprobeError, match=f"a.tgz: sha256 is {sha256(archive)}, but resources/sources.tsv has 0123; delete the file"):
        unpack(archive, "0123")


def test_a_member_that_is_missing_is_named_with_the_nearest(tmp_path):
    archive = tar_of(tmp_path / "a.tgz", {"XNLI-1.0/xnli.dev.tsv": b""})
    unpack(archive)
    with pytest.raises(
        XlprobeError, match=r"a.tgz: holds no xnli.dev.tsv \(the nearest name is XNLI-1.0/xnli.dev.tsv\); correct the member"
    ):
        member_file(archive, "xnli.dev.tsv")


def test_killed_unpacking_leaves_nothing_that_is_taken_for_finished(tmp_path):
    archive = tar_of(tmp_path / "a.tar", {f"{n}": b"x" for n in range(20_000)}, "w")
    process = subprocess.Popen([sys.executable, "scripts/unpack_source.py", "--archive", archive], cwd=PROJECT, env=os.environ)
    unfinished = Path(f"{folder_of(str(archive))}.partial")
    while not (unfinished.is_dir() and any(unfinished.iterdir())):
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert left(archive) == ["a.tar.unpacked.partial"]
    unpack(archive)
    assert left(archive) == ["a.tar.json", "a.tar.unpacked"] and len(list(Path(folder_of(str(archive))).iterdir())) == 20_000


def test_a_tar_damaged_in_the_middle_is_refused(tmp_path):
    archive = tar_of(tmp_path / "a.tar", {name: name.encode() * 300 for name in "abcd"}, "w")
    with tarfile.open(archive) as tar:
        header = tar.getmembers()[2].offset
    content = bytearray(archive.read_bytes())
    content[header : header + 100] = b"x" * 100
    archive.write_bytes(content)
    with pytest.raises(XlprobeError, match=rf"a.tar: .* corrupt \(damaged or cut short at byte {header}: bad checksum\)"):
        unpack(archive, "")
    assert left(archive) == []


def test_a_zip_may_name_its_own_folder(tmp_path):
    archive = zip_of(tmp_path / "a.zip", {"./": b"", "./a": b"1"})
    unpack(archive, "")
    assert member_file(archive, "a").read_bytes() == b"1"


PACK = {"tgz": gzip.compress, "tar.xz": lzma.compress, "tar.zst": zstd.compress, "tar.bz2": bz2.compress}


@pytest.mark.parametrize("suffix", PACK)
def test_a_compressed_tar_is_read_to_its_last_checksum(tmp_path, suffix):
    """`tarfile` stops at the archive's end, before gzip's checksum; padding and parts are those that the tools read."""
    tar = tar_of(tmp_path / "a.tar", {"one": b"1" * 9999}, "w").read_bytes()
    parts = [PACK[suffix](tar[:3000]), PACK[suffix](tar[3000:])]
    archive = tmp_path / f"a.{suffix}"
    archive.write_bytes(parts[0] + bytes(4 if suffix == "tar.xz" else 0) + parts[1])
    unpack(archive)
    assert member_file(archive, "one").read_bytes() == b"1" * 9999
    # Of gzip the checksum, of the others the end of the stream or frame, or its index.
    damaged = bytearray(b"".join(parts))
    damaged[-6] ^= 1
    for content in (bytes(damaged), b"".join(parts)[:-1], b"".join(parts) + b"x"):
        if suffix == "tar.zst" and content == bytes(damaged):
            continue  # without a checksum, as `zstd.compress` writes it
        archive.write_bytes(content)
        with pytest.raises(XlprobeError, match=rf"a.{suffix}: .* breaks off or is corrupt .*; delete the file to fetch it again"):
            unpack(archive)
        assert f"{archive.name}.unpacked" not in left(archive)


def test_a_tar_with_a_zip_at_its_end_is_a_tar(tmp_path):
    inner = zip_of(tmp_path / "inner.zip", {"elsewhere": b"2"}).read_bytes()
    archive = tar_of(tmp_path / "a.tar", {"one": b"1", "inner.zip": inner}, "w")
    unpack(archive)
    assert member_file(archive, "one").read_bytes() == b"1" and member_file(archive, "inner.zip").read_bytes() == inner


def test_zip_archives_that_were_joined_are_refused(tmp_path):
    archive = tmp_path / "a.zip"
    archive.write_bytes(b"".join(zip_of(tmp_path / f"{name}.zip", {name: b"1"}).read_bytes() for name in "bc"))
    with pytest.raises(XlprobeError, match=r"a\.zip: .* \(two archives in one file"):
        unpack(archive)


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_what_follows_the_end_of_a_tar_is_not_lost_in_silence(tmp_path, mode):
    """Archives that were joined, and a header that became zeros: `tar` stops at zeros without a word."""
    archive = tar_of(tmp_path / "a", {name: name.encode() * 300 for name in "abcd"}, "w")
    with tarfile.open(archive) as tar:
        header = tar.getmembers()[2].offset
    content = archive.read_bytes()
    for damaged in (content + content, content[:header] + bytes(512) + content[header + 512 :]):
        archive.write_bytes(gzip.compress(damaged) if mode == "w:gz" else damaged)
        with pytest.raises(XlprobeError, match=r"a: .* corrupt \(more data after the archive's end at byte [0-9]+\); delete the file"):
            unpack(archive)


def test_a_tar_without_an_end_is_refused(tmp_path):
    archive = tar_of(tmp_path / "a.tar", {"one": b"1" * 512}, "w")
    archive.write_bytes(archive.read_bytes()[:1024])
    with pytest.raises(XlprobeError, match=r"a.tar: .* corrupt \(damaged or cut short at byte 1024: empty header\)"):
        unpack(archive)


@pytest.mark.parametrize("kind", ["zip", "stored zip", "tgz", "tar.xz"])
def test_damage_is_seen_or_does_not_matter(tmp_path, kind):
    """A bit is flipped, anywhere: the members come out as they were, or the archive is refused in one sentence."""
    archive, chance = tmp_path / "a", random.Random(kind)
    members = {f"r/{number}.txt": f"text {number} ".encode() * 40 for number in range(4)}
    if "zip" in kind:
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED if "stored" in kind else zipfile.ZIP_DEFLATED) as zipped:
            for name, data in members.items():
                zipped.writestr(zipfile.ZipInfo(name), data, zipped.compression)
    else:
        tar_of(archive, members, "w:gz" if kind == "tgz" else "w:xz")
    whole, refused = archive.read_bytes(), 0
    for _ in range(150):
        damaged = bytearray(whole)
        damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
        archive.write_bytes(damaged)
        try:
            unpack(archive)
        except XlprobeError as error:
            refused += 1
            assert "\n" not in str(error)
        else:
            assert {name: member_file(archive, name).read_bytes() for name in members} == members
    assert refused > 50
