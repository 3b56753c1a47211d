"""Archives unpacked whole, once: `<archive>` into `<archive>.unpacked/`, and `<archive>.json` says that it is done."""

import difflib
import os
import re
import shutil
import stat
import struct
import time
import unicodedata
import zipfile
from collections.abc import Iterator
from itertools import islice, pairwise
from mmap import ACCESS_READ, mmap
from pathlib import Path, PurePosixPath
from typing import IO

from xlprobe.compression import CHUNK_BYTES, decompressed
from xlprobe.errors import XlprobeError, first_sentence
from xlprobe.files import sha256, write_json
from xlprobe.progress import progress
from xlprobe.tar_members import forbidden, tar_members, too_large

DELETE = "delete the file to fetch it again"
ZIP = (b"PK\x03\x04", b"PK\x05\x06")
ZIP_ENTRY = b"PK\x01\x02"
ZIP_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
# What may follow an entry: its checksum and sizes once more.
ZIP_DESCRIPTOR_BYTES = 24
ZIP_HEADER = struct.Struct("<26xHH")  # before an entry's name: the lengths of that and of what else is told
# What archives may hold: those of Universal Dependencies and XNLI are 4 to 9 times as large unpacked, have 4,000 members and
# names of 80 bytes.
MOST_TIMES_LARGER = 100
LEAST_BYTES_ALLOWED = 100 * 2**20  # however small the archive is
MOST_MEMBERS = 40_000
MOST_NAME_BYTES = 1024
MOST_PART_BYTES = 255
MOST_FOLDERS = 32  # inside one another


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
        XlprobeError: the archive is another than the published one, is no archive, breaks off or is corrupt, holds a link, a
            path that leads out of the folder, or far more than its size tells; or the disk is full.
    """
    digest = sha256(archive)
    if expected and digest != expected:
        raise XlprobeError(f"{archive}: sha256 is {digest}, but resources/sources.tsv has {expected}; {DELETE}")
    folder = Path(folder_of(str(archive)))
    unfinished = folder.with_name(f"{folder.name}.partial")
    record = Path(record_of(str(archive)))
    record.unlink(missing_ok=True)
    try:
        for old in (unfinished, folder):
            shutil.rmtree(old, ignore_errors=True)
        unfinished.mkdir()
        files = sum(1 for _ in progress(_extract(archive, unfinished), f"unpacking {archive.name}", "files"))
        os.sync()
        unfinished.rename(folder)
    except XlprobeError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno:
            raise XlprobeError(f"{unfinished}: cannot be written ({error.strerror}); make room and run again") from None
        raise XlprobeError(f"{archive}: is no archive, breaks off or is corrupt ({first_sentence(error)}); {DELETE}") from None
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    write_json(record, {"archive": archive.name, "sha256": digest, "bytes": archive.stat().st_size, "files": files})


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
    """Write the members one by one into a new folder, whose files and folders are all made here; yields the name of each."""
    with archive.open("rb") as stream:
        # Not by `zipfile.is_zipfile`: a tar archive may hold a zip archive near its end.
        is_zip = stream.read(4) in ZIP
    most = max(LEAST_BYTES_ALLOWED, MOST_TIMES_LARGER * archive.stat().st_size)
    for count, name in enumerate(_extract_zip(archive, folder, most) if is_zip else _extract_tar(archive, folder, most), 1):
        if count > MOST_MEMBERS:
            raise _too_many(archive)
        yield name


def _extract_tar(archive: Path, folder: Path, most: int) -> Iterator[str]:
    with decompressed(archive.open("rb"), archive, advice=DELETE) as data:
        for member in tar_members(data, archive, most):
            _write(archive, folder, member.name, None if member.is_folder else member.content, member.size, member.seconds)
            yield member.name


def _extract_zip(archive: Path, folder: Path, most: int) -> Iterator[str]:
    with archive.open("rb") as stream:
        with mmap(stream.fileno(), 0, access=ACCESS_READ) as content:
            # Before `zipfile` holds them all in memory.
            if any(islice(re.finditer(re.escape(ZIP_ENTRY), content), MOST_MEMBERS, None)):
                raise _too_many(archive)
        with zipfile.ZipFile(stream) as zipped:
            entries = zipped.infolist()
            _check_zip_entries(archive, entries, zipped.start_dir, stream)
            if sum(entry.file_size for entry in entries) > most:
                raise too_large(archive, most)
            for entry in entries:
                seconds = time.mktime((*entry.date_time, 0, 0, -1))
                with zipped.open(entry) as data:
                    _write(archive, folder, entry.filename, None if entry.is_dir() else data, entry.file_size, seconds)
                yield entry.filename


def _check_zip_entries(archive: Path, entries: list[zipfile.ZipInfo], directory: int, stream: IO[bytes]) -> None:
    """Refuse links, passwords, and entries that hide others or lie inside one another: many that unpack the same bytes.

    Args:
        directory: where the list of entries begins in the file.
    """
    begins_and_ends = [(0, 0)]
    for entry in sorted(entries, key=lambda entry: entry.header_offset):
        kind = stat.S_IFMT(entry.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise forbidden(archive, entry.filename, "a symbolic link" if kind == stat.S_IFLNK else "no plain file or folder")
        if entry.flag_bits & 1:
            raise XlprobeError(f"{archive}: needs a password; unpack it, and pack it again without one")
        if entry.compress_type not in ZIP_METHODS:
            raise zipfile.BadZipFile(f"a method of compression, number {entry.compress_type}, that is not read here")
        # An entry whose damaged length hides those after it.
        if ZIP_ENTRY in entry.comment or ZIP_ENTRY in entry.extra:
            raise zipfile.BadZipFile(f"the entry of {entry.filename[:100]} holds others")
        stream.seek(entry.header_offset)
        header = stream.read(ZIP_HEADER.size)
        begins_and_ends.append(
            (entry.header_offset, entry.header_offset + ZIP_HEADER.size + sum(ZIP_HEADER.unpack(header)) + entry.compress_size)
        )
    begins_and_ends.append((directory, directory))
    if begins_and_ends[1][0] and entries:
        raise zipfile.BadZipFile("two archives in one file, of which only the last has a list of what it holds")
    for (_, end), (begin, _) in pairwise(begins_and_ends):
        if not 0 <= begin - end <= ZIP_DESCRIPTOR_BYTES:
            raise zipfile.BadZipFile("entries inside one another" if begin < end else "files that its list does not name")


def _write(archive: Path, folder: Path, name: str, content: IO[bytes] | None, size: int, seconds: float) -> None:
    """Write one member; a folder has no content."""
    target = folder.joinpath(*_parts(archive, name, of_file=content is not None))
    try:
        (target.parent if content else target).mkdir(parents=True, exist_ok=True)
        if content is None:
            return
        with target.open("xb") as output:
            shutil.copyfileobj(content, output, CHUNK_BYTES)
            if output.tell() != size:
                raise EOFError(f"{output.tell()} of {size} bytes of {name[:100]}")
    except (FileExistsError, NotADirectoryError):
        raise XlprobeError(
            f"{archive}: holds two members that have one name on this machine ({name[:100]!r}), so one would be lost; get the"
            " archive from elsewhere"
        ) from None
    os.utime(target, (seconds, seconds))


def _parts(archive: Path, name: str, of_file: bool) -> tuple[str, ...]:
    """A member's name as folders and a file inside of one another, from which no path leads elsewhere.

    Raises:
        XlprobeError: there are none, or they are too long.
    """
    # What is no UTF-8 stands in surrogates (Cs). macOS puts a file `Icon\r` into folders and their archives.
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in name.removesuffix("\r")):
        raise forbidden(archive, name, "a name with control characters, or one that is no UTF-8")
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or ":" in "".join(path.parts[:1]):
        raise forbidden(archive, name, "which leads elsewhere")
    if (
        len(name.encode()) > MOST_NAME_BYTES
        or len(path.parts) > MOST_FOLDERS
        or any(len(part.encode()) > MOST_PART_BYTES for part in path.parts)
    ):
        raise forbidden(archive, name, "a name that is too long")
    if of_file and not path.parts:
        raise forbidden(archive, name, "a file without a name")
    return path.parts


def _too_many(archive: Path) -> XlprobeError:
    return XlprobeError(
        f"{archive}: holds more than {MOST_MEMBERS:,} files, more than any archive that is read here; get it from elsewhere"
    )
