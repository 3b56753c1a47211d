"""Archives unpacked whole, once: `<archive>` into `<archive>.unpacked/`, and `<archive>.json` says that it is done."""

import difflib
import os
import shutil
import stat
import struct
import tarfile
import time
import zipfile
import zlib
from collections.abc import Iterator
from lzma import LZMAError
from pathlib import Path, PurePosixPath

from xlprobe.compression import CHUNK_BYTES, decompressed
from xlprobe.errors import XlprobeError, first_sentence
from xlprobe.files import WholeTarInfo, check_archive_end, sha256, write_json
from xlprobe.progress import progress

DELETE = "delete the file to fetch it again"
ZIP = (b"PK\x03\x04", b"PK\x05\x06")
ZIP_ENTRY = b"PK\x01\x02"
# What `tarfile` and `zipfile` raise on damaged archives, beside OSErrors without a number; a flag that is flipped asks for a password.
DAMAGE = (tarfile.TarError, zipfile.BadZipFile, EOFError, LZMAError, zlib.error, struct.error, ValueError, OverflowError, RuntimeError)


def record_of(archive: str) -> str:
    """The path of an archive's record, from the archive's."""
    return f"{archive}.json"


def folder_of(archive: str) -> str:
    """The folder that an archive is unpacked to, from the archive's path."""
    return f"{archive}.unpacked"


def unpack(archive: Path, expected: str = "") -> None:
    """Unpack a tar archive (compressed or not) or a zip archive beside it, and write its record at last.

    The folder gets its name when all is in it, so a killed process leaves nothing that is taken for finished. Files keep
    the times that the archive gives them.

    Args:
        expected: the archive's published sha256, where there is one.

    Raises:
        XlprobeError: the archive is another than the published one, is no archive, breaks off or is corrupt, or holds a
            path that leads out of the folder; or the disk is full.
    """
    digest = sha256(archive)
    if expected and digest != expected:
        raise XlprobeError(f"{archive}: sha256 is {digest}, but resources/sources.tsv has {expected}; {DELETE}")
    folder = Path(folder_of(str(archive)))
    unfinished = folder.with_name(f"{folder.name}.partial")
    for old in (unfinished, folder):
        shutil.rmtree(old, ignore_errors=True)
    unfinished.mkdir()
    try:
        files = sum(1 for _ in progress(_extract(archive, unfinished), f"unpacking {archive.name}", "files"))
    except tarfile.FilterError as error:
        raise XlprobeError(f"{archive}: holds what must not be unpacked ({error}); get the archive from elsewhere") from None
    except (*DAMAGE, OSError) as error:
        if isinstance(error, OSError) and error.errno:
            raise XlprobeError(f"{unfinished}: cannot be written ({error.strerror}); make room and run again") from None
        raise XlprobeError(f"{archive}: is no archive, breaks off or is corrupt ({first_sentence(error)}); {DELETE}") from None
    else:
        os.sync()
        unfinished.rename(folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    write_json(Path(record_of(str(archive))), {"archive": archive.name, "sha256": digest, "bytes": archive.stat().st_size, "files": files})


def member_file(archive: Path, member: str) -> Path:
    """Where a member of an unpacked archive lies.

    Raises:
        XlprobeError: the archive holds no such member.
    """
    folder = Path(folder_of(str(archive)))
    if (folder / member).is_file():
        return folder / member
    if not folder.is_dir():
        raise XlprobeError(f"{folder}: is gone; delete {record_of(str(archive))} to unpack the archive again")
    members = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    near = difflib.get_close_matches(member, members, n=1, cutoff=0) or ["nothing at all"]
    raise XlprobeError(f"{archive}: holds no {member} (the nearest name is {near[0]}); correct the member in resources/sources.tsv")


def _extract(archive: Path, folder: Path) -> Iterator[str]:
    """Extract the members one by one; yields the name of each."""
    with archive.open("rb") as stream:
        # Not by `zipfile.is_zipfile`: a tar archive may hold a zip archive near its end.
        is_zip = stream.read(4) in ZIP
    if is_zip:
        with zipfile.ZipFile(archive) as zipped:
            if min((member.header_offset for member in zipped.infolist()), default=0):
                raise zipfile.BadZipFile("two archives in one file, of which only the last has a list of what it holds")
            for member in zipped.infolist():
                _check_zip_member(archive, member)
                target = Path(zipped.extract(member, folder))
                if not member.is_dir():
                    seconds = time.mktime((*member.date_time, 0, 0, -1))
                    os.utime(target, (seconds, seconds))
                yield member.filename
    else:
        # As a stream, to the end of the file: only there are the last checksums.
        with (
            decompressed(archive.open("rb"), archive, advice=DELETE) as data,
            tarfile.open(fileobj=data, mode="r|", bufsize=CHUNK_BYTES, tarinfo=WholeTarInfo) as tar,
        ):
            for entry in tar:
                tar.extract(entry, folder, filter="data")
                yield entry.name
            check_archive_end(tar)


def _check_zip_member(archive: Path, member: zipfile.ZipInfo) -> None:
    """Refuse what `zipfile` would write elsewhere than its name says, and an entry whose damaged length hides those after it."""
    if ZIP_ENTRY in member.comment or ZIP_ENTRY in member.extra:
        raise zipfile.BadZipFile(f"the entry of {member.filename} holds others")
    path = PurePosixPath(member.filename.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in "".join(path.parts[:1]) or stat.S_ISLNK(member.external_attr >> 16):
        raise XlprobeError(f"{archive}: holds what must not be unpacked ({member.filename!r}); get the archive from elsewhere")
