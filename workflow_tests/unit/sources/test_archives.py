import bz2
import gzip
import io
import lzma
import os
import random
import signal
import stat
import struct
import subprocess
import sys
import tarfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from backports import zstd

from xlprobe.errors import XlprobeError
from xlprobe.files import read_json, sha256
from xlprobe.paths import PROJECT
from xlprobe.sources.archives import folder_of, member_file, record_of, unpack

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
    with pytest.raises(
        XlprobeError, match=r"a.zip: holds what must not be unpacked \('.*out', which leads elsewhere\); get the archive from elsewhere"
    ):
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


def tar_entry(name: str, kind: bytes = tarfile.REGTYPE, size: int = 0, link: str = "", pax: dict[str, str] | None = None) -> bytes:
    """A member's header alone, as GNU or, with pax records, POSIX writes it."""
    entry = tarfile.TarInfo(name)
    entry.type, entry.size, entry.linkname = kind, size, link
    if pax is not None:
        entry.pax_headers = pax
    return entry.tobuf(tarfile.GNU_FORMAT if pax is None else tarfile.PAX_FORMAT)


def header_of(kind: bytes, size: int, data: bytes) -> bytes:
    """A header that says something of the next member."""
    return tar_entry("././@Header", kind, size) + data + bytes(-len(data) % 512)


END = bytes(1024)
FILE = tar_entry("good", size=4) + b"good".ljust(512, b"\0")
# Deep folders with a name of 247 characters each and links that lead up again, as in CVE-2025-4517.
LONG = "d" * 247
ESCAPE = [(LONG, tarfile.DIRTYPE, "")]
ESCAPE += [
    ("a", tarfile.SYMTYPE, LONG),
    ("/".join("a" * 16 + "l"), tarfile.SYMTYPE, "../" * 17),
    ("escape", tarfile.SYMTYPE, "a/l/../../.."),
]
HOSTILE_TARS = {
    "escape by long names": (b"".join(tar_entry(name, kind, link=link) for name, kind, link in ESCAPE), "'././@LongLink', a link"),
    "hard link": (FILE + tar_entry("link", tarfile.LNKTYPE, link="good"), "'link', a hard link"),
    "hard link to elsewhere": (tar_entry("link", tarfile.LNKTYPE, link="/etc/passwd"), "a hard link"),
    "link inside": (FILE + tar_entry("link", tarfile.SYMTYPE, link="good"), "a symbolic link"),
    "pipe": (tar_entry("pipe", tarfile.FIFOTYPE), "'pipe', a pipe"),
    "device": (tar_entry("null", tarfile.CHRTYPE), "'null', a device"),
    "sparse": (tar_entry("holes", tarfile.GNUTYPE_SPARSE, 10**12), "a file with holes"),
    "sparse by pax": (tar_entry("holes", size=0, pax={"GNU.sparse.major": "1", "GNU.sparse.realsize": str(10**12)}), "a file with holes"),
    "unknown type": (tar_entry("odd", b"Z"), "of type b'Z'"),
    "absolute": (tar_entry("/tmp/out"), "'/tmp/out', which leads elsewhere"),
    "up by pax": (tar_entry("x", pax={"path": "../out"}), "'../out', which leads elsewhere"),
    "up by a long name": (header_of(tarfile.GNUTYPE_LONGNAME, 7, b"../out\0") + tar_entry("x"), "'../out', which leads elsewhere"),
    "NUL by pax": (tar_entry("x", pax={"path": "a\0b"}), "a name with control characters"),
    "line break": (tar_entry("a\nb"), "a name with control characters"),
    "no UTF-8": (tar_entry("a\udcff"), "or one that is no UTF-8"),
    "long part": (tar_entry("n" * 300), "a name that is too long"),
    "deep": (tar_entry("n/" * 40 + "n"), "a name that is too long"),
    "no name": (tar_entry("."), "a file without a name"),
    "twice": (FILE + FILE, r"two members that have one name on this machine \('good'\)"),
    "file, then folder": (FILE + tar_entry("good/inside"), "two members that have one name on this machine"),
    "folder, then file": (tar_entry("good/inside") + FILE, "two members that have one name on this machine"),
    "a size of a terabyte": (tar_entry("x", size=10**12), "is larger than 104,857,600 bytes when unpacked"),
    "a size of a terabyte by pax": (header_of(tarfile.XHDTYPE, 22, b"22 size=1000000000000\n") + tar_entry("x"), "is larger than"),
    "a size of 5,000 digits": (
        header_of(tarfile.XHDTYPE, 5011, b"5011 size=" + b"9" * 5000 + b"\n") + tar_entry("x"),
        "a size of -1 at byte",
    ),
    "a negative size": (tar_entry("x", size=-1024), "a size of -1024 at byte 0"),
    "a huge header": (header_of(tarfile.XHDTYPE, 10**12, b""), "is larger than"),
    "a large header": (header_of(tarfile.XHDTYPE, 10**6, b"x" * 10**6), "a header of 1000000 bytes at byte 512"),
    "digits for a header": (header_of(tarfile.XHDTYPE, 60000, b"1" * 60000), "a damaged pax header"),
    "headers without an end": (header_of(tarfile.XHDTYPE, 11, b"11 a=bcdef\n") * 3000, "cut short at byte 3072000: empty header"),
}


@pytest.mark.parametrize("kind", HOSTILE_TARS)
def test_a_hostile_tar_is_refused_and_writes_nowhere(tmp_path, kind):
    content, message = HOSTILE_TARS[kind]
    (tmp_path / "in").mkdir()
    archive = tmp_path / "in" / "a.tar"
    archive.write_bytes(content + (b"" if kind == "headers without an end" else END))
    with pytest.raises(XlprobeError, match=message) as caught:
        unpack(archive)
    assert "\n" not in str(caught.value) and left(archive) == [] and [path.name for path in tmp_path.iterdir()] == ["in"]


def test_long_names_are_read_as_both_formats_write_them(tmp_path):
    name = "/".join(["folder" * 20] * 4) + "/größe.txt"
    for number, layout in enumerate((tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)):
        archive = tmp_path / f"{number}.tar"
        with tarfile.open(archive, "w", format=layout, pax_headers={"comment": "a commit"} if number else None) as tar:
            entry = tarfile.TarInfo(name)
            entry.size = 3
            tar.addfile(entry, io.BytesIO(b"abc"))
        unpack(archive)
        assert member_file(archive, name).read_bytes() == b"abc"


@pytest.mark.parametrize("name", ["می\u200cخواهم.txt", "no\u00a0break.txt", "全角\u3000空白.txt", "new\U0001fae9"])
def test_names_in_any_script_are_unpacked(tmp_path, name):
    """Persian has an invisible sign inside words; Python knows no characters of a newer Unicode than its own."""
    for archive in (tar_of(tmp_path / "a.tgz", {name: b"1"}), zip_of(tmp_path / "a.zip", {name: b"1"})):
        unpack(archive)
        assert member_file(archive, name).read_bytes() == b"1"


def test_names_that_differ_in_case_are_two_where_the_disk_has_two(tmp_path):
    archive = tar_of(tmp_path / "a.tgz", {"A/x": b"1", "a/x": b"2"})
    if (tmp_path / "A.TGZ").exists():
        pytest.skip("a file system that knows no case")
    unpack(archive)
    assert [member_file(archive, name).read_bytes() for name in ("A/x", "a/x")] == [b"1", b"2"]


def test_far_more_than_an_archive_can_hold_is_not_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr("xlprobe.sources.archives.LEAST_BYTES_ALLOWED", 2**20)
    message = (
        r"is larger than [12],[0-9]{3},[0-9]{3} bytes when unpacked, far more than an archive of this size holds; get it from elsewhere$"
    )
    # In a member, and behind the last one.
    for begin in (tar_entry("x", size=2**22), FILE + END):
        (tmp_path / "a.tgz").write_bytes(gzip.compress(begin + bytes(2**22), 1))
        with pytest.raises(XlprobeError, match=message):
            unpack(tmp_path / "a.tgz")
    with zipfile.ZipFile(tmp_path / "b.zip", "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr("x", bytes(2**22))
    with pytest.raises(XlprobeError, match=message):
        unpack(tmp_path / "b.zip")


def test_too_many_members_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("xlprobe.sources.archives.MOST_MEMBERS", 10)
    members = {f"{number}": b"" for number in range(11)}
    for archive in (tar_of(tmp_path / "a.tgz", members), zip_of(tmp_path / "a.zip", members)):
        with pytest.raises(XlprobeError, match="holds more than 10 files"):
            unpack(archive)


def rewritten_zip(path: Path, change: Callable[[bytearray, int, int], None]) -> Path:
    """A zip of two deflated members, both headers of the first changed: given the bytes, and where they begin."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name in "ab":
            zipped.writestr(zipfile.ZipInfo(name), name.encode() * 999, zipfile.ZIP_DEFLATED)
    content = bytearray(path.read_bytes())
    change(content, 0, content.index(b"PK\x01\x02"))
    path.write_bytes(content)
    return path


def encrypt(content: bytearray, local: int, central: int) -> None:
    content[local + 6] |= 1
    content[central + 8] |= 1


def overlap(content: bytearray, local: int, central: int) -> None:
    """The first member's compressed data, quoted, holds the second one."""
    content[central + 20 : central + 24] = struct.pack("<I", central)


def shorten(content: bytearray, local: int, central: int) -> None:
    content[central + 24 : central + 28] = struct.pack("<I", 100)


def forget(content: bytearray, local: int, central: int) -> None:
    """The list of entries is empty, by its own word."""
    content[-14:] = bytes(14)


def squeeze(content: bytearray, local: int, central: int) -> None:
    content[central + 10] = content[local + 8] = zipfile.ZIP_LZMA


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (encrypt, r"a.zip: needs a password; unpack it, and pack it again without one$"),
        (overlap, "entries inside one another"),
        (forget, "files that its list does not name"),
        (shorten, "Bad CRC-32 for file 'a'"),
        (squeeze, "a method of compression, number 14, that is not read here"),
    ],
)
def test_a_zip_that_is_not_what_it_says_is_refused(tmp_path, change, message):
    with pytest.raises(XlprobeError, match=message):
        unpack(rewritten_zip(tmp_path / "a.zip", change))
    assert left(tmp_path / "a.zip") == []


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFSOCK])
def test_a_zip_holds_plain_files_alone(tmp_path, kind):
    with pytest.raises(XlprobeError, match="holds what must not be unpacked"):
        unpack(zip_of(tmp_path / "a.zip", {"link": b"/etc/passwd"}, kind | 0o777))


def test_a_file_twice_in_a_zip_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as zipped, pytest.warns(UserWarning, match="Duplicate name"):
        for content in ("1", "2"):
            zipped.writestr("x", content)
    with pytest.raises(XlprobeError, match="two members that have one name"):
        unpack(tmp_path / "a.zip")


def test_what_macos_adds_is_unpacked(tmp_path):
    archive = zip_of(tmp_path / "a.zip", {"r/x.tsv": b"1", "r/Icon\r": b"", "__MACOSX/r/._x.tsv": b"", "r/.DS_Store": b""})
    unpack(archive)
    assert member_file(archive, "r/x.tsv").read_bytes() == b"1"
