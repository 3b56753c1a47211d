"""Archives damaged and made up at random: each is unpacked as it is, or refused in one sentence, and nothing is written elsewhere."""

import bz2
import gzip
import io
import lzma
import os
import random
import struct
import tarfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from backports import zstd
from conftest import amount, count

from xlprobe.errors import XlprobeError
from xlprobe.sources.archives import folder_of, unpack

# What zipfile says of the archives that are made up here.
pytestmark = pytest.mark.filterwarnings("ignore:Duplicate name")
SECONDS = 5
PACKS: tuple[Callable[[bytes], bytes], ...] = (bytes, gzip.compress, lzma.compress, bz2.compress, zstd.compress)
NAMES = ("a", "a/b", "a/b/c", "A", "./a", "b//c", "../out", "/tmp/out", "a/../../out", "..", ".", "", "a\\b", "C:x", "n" * 260)
NAMES += ("d/" * 40 + "e", "ä", "a\n", "x" * 120 + "/y", "/".join(["d" * 247] * 5))
KINDS = (tarfile.REGTYPE,) * 12 + (tarfile.DIRTYPE,) * 4
KINDS += (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.GNUTYPE_SPARSE, b"Z")
TARGETS = ("a", "../..", "/etc", "../" * 20 + "tmp")
SIZES = (-1, 0, 1, 511, 512, 513, 10**6, 2**33, 2**62)


def made_up_tar(chance: random.Random) -> bytes:
    """Members of any kind and name, some with a size that is not theirs, some bits of the whole flipped."""
    content = b""
    for _ in range(chance.randrange(1, 6)):
        entry = tarfile.TarInfo(chance.choice(NAMES))
        entry.type, entry.linkname = chance.choice(KINDS), chance.choice(TARGETS)
        data = chance.randbytes(chance.choice((0, 3, 512, 700)))
        entry.size = len(data) if chance.random() < 0.8 else chance.choice(SIZES)
        if chance.random() < 0.3:
            entry.pax_headers = {
                chance.choice(("path", "size", "linkpath", "mtime", "GNU.sparse.major")): chance.choice((*NAMES, "1", "-1", "1e99"))
            }
        layout = tarfile.PAX_FORMAT if entry.pax_headers else tarfile.GNU_FORMAT
        content += entry.tobuf(layout, "utf-8", "surrogateescape") + data + bytes(-len(data) % 512)
    return content + bytes(chance.choice((0, 512, 1024, 10240)))


def made_up_zip(chance: random.Random) -> bytes:
    """As above; fields of the headers changed."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as zipped:
        for number in range(chance.randrange(1, 6)):
            entry = zipfile.ZipInfo(chance.choice(NAMES) or f"{number}")
            entry.external_attr = chance.choice((0, 0, 0, 0, 0o120777, 0o010777, 0o020777, 0o100644, 0o040755)) << 16
            entry.compress_type = chance.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA))
            if not entry.filename.endswith("/"):
                zipped.writestr(entry, chance.randbytes(chance.choice((0, 3, 700))) * chance.choice((1, 9)))
    content = bytearray(written.getvalue())
    if chance.random() < 0.6 and (central := content.find(b"PK\x01\x02")) >= 0:
        # Version, flags, method, sizes, lengths, attributes, offset: of two or four bytes.
        place, width = chance.choice(((6, "H"), (8, "H"), (10, "H"), (20, "I"), (24, "I"), (28, "H"), (30, "H"), (38, "I"), (42, "I")))
        struct.pack_into(f"<{width}", content, central + place, chance.choice((0, 1, 99, 2 ** (8 * struct.calcsize(width)) - 1)))
    return bytes(content)


def whole(chance: random.Random) -> tuple[bytes, dict[str, bytes]]:
    """An honest archive, and its files."""
    files = {f"r/{number}/{name}": chance.randbytes(chance.randrange(900)) * 2 for number in range(2) for name in "ab"}
    written = io.BytesIO()
    if chance.random() < 0.4:
        with zipfile.ZipFile(written, "w", chance.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as zipped:
            for name, data in files.items():
                zipped.writestr(zipfile.ZipInfo(name), data, zipped.compression)
        return written.getvalue(), files
    with tarfile.open(
        fileobj=written, mode="w", format=chance.choice((tarfile.GNU_FORMAT, tarfile.PAX_FORMAT, tarfile.USTAR_FORMAT))
    ) as tar:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return chance.choice(PACKS[1:4])(written.getvalue()), files


def damaged(content: bytes, chance: random.Random) -> bytes:
    """Bits flipped, a piece cut out, doubled, zeroed, or the end cut off."""
    if not content:
        return content
    start, length = chance.randrange(len(content)), chance.randrange(1, 600)
    piece = content[start : start + length]
    kind = chance.randrange(5)
    if kind == 0:
        spoilt = bytearray(content)
        for _ in range(chance.randrange(1, 4)):
            spoilt[chance.randrange(len(spoilt))] ^= 1 << chance.randrange(8)
        return bytes(spoilt)
    return content[:start] + (b"", piece * 2, bytes(len(piece)))[kind - 1] + content[start + length :] if kind < 4 else content[:start]


def files_in(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def try_one(content: bytes, folder: Path) -> dict[str, bytes] | None:
    """What an archive is unpacked to; None where it is refused, as it should be."""
    count("inputs tried")
    (folder / "in").mkdir()
    archive = folder / "in" / "archive"
    archive.write_bytes(content)
    begin = time.process_time()
    try:
        unpack(archive)
    except XlprobeError as error:
        assert "\n" not in str(error) and len(str(error)) < 700, error
        assert os.listdir(folder / "in") == ["archive"]  # noqa: PTH208
        return None
    finally:
        assert time.process_time() - begin < SECONDS
        assert [path.name for path in folder.iterdir()] == ["in"]
    found = Path(folder_of(str(archive)))
    assert not [path for path in found.rglob("*") if path.is_symlink() or not (path.is_file() or path.is_dir())]
    return files_in(found)


@pytest.mark.parametrize("seed", range(amount(250)))
def test_damage_is_seen_or_does_not_matter(tmp_path, seed):
    chance = random.Random(seed)
    content, files = whole(chance)
    assert try_one(content, tmp_path) == files
    for number in range(2):
        folder = tmp_path / f"{number}"
        folder.mkdir()
        assert try_one(damaged(content, chance), folder) in (None, files)


@pytest.mark.parametrize("seed", range(amount(500)))
def test_what_is_made_up_is_unpacked_inside_or_refused(tmp_path, seed):
    chance = random.Random(seed)
    content = chance.choice((made_up_tar, made_up_tar, made_up_zip))(chance)
    if chance.random() < 0.3:
        content = damaged(content, chance)
    packed = chance.choice(PACKS)(content)
    (tmp_path / "outside").mkdir()
    try_one(damaged(packed, chance) if chance.random() < 0.2 else packed, tmp_path / "outside")


def test_a_million_empty_members_are_refused_at_once(tmp_path):
    """In our own time: what a system takes for as many files as are allowed is its own, 5 to 16 seconds where it was measured."""
    header = tarfile.TarInfo("x" * 8).tobuf(tarfile.GNU_FORMAT)
    archive = tmp_path / "a.tgz"
    with gzip.open(archive, "wb", 1) as packed:
        for number in range(10**5):
            entry = tarfile.TarInfo(f"{number}") if number < 50_000 else None
            packed.write(entry.tobuf(tarfile.GNU_FORMAT) if entry else header)
    begin = os.times().user
    with pytest.raises(XlprobeError, match=r"holds more than 40,000 files"):
        unpack(archive)
    assert os.times().user - begin < SECONDS
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as zipped:
        for number in range(10**5):
            zipped.writestr(f"{number}", b"")
    begin = os.times().user
    with pytest.raises(XlprobeError, match="holds more than 40,000 files"):
        unpack(tmp_path / "a.zip")
    assert os.times().user - begin < SECONDS
