"""One file from an http(s) address, whole and verified: resumed where it broke off, retried, checked, landed at once.

What has come so far lies beside the target as `<name>.partial`, and `<name>.partial.json` says which version of which
address it is; both outlive a killed process. A digest that nobody published is recorded at the first download in a lock
file (`sources.lock.tsv` beside the table of sources), which later downloads must match.
"""

import contextlib
import csv
import datetime
import errno
import io
import logging
import os
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import requests
from filelock import FileLock
from requests.adapters import HTTPAdapter
from urllib3 import Retry
from urllib3.exceptions import HTTPError, InvalidHeader

from xlprobe.compression import FORMATS
from xlprobe.errors import XlprobeError
from xlprobe.files import GIT_LFS_POINTER, read_json, read_lines, sha256, write_json, write_text
from xlprobe.progress import progress

MEBIBYTE = 2**20
TIMEOUTS = (30, 120)  # seconds to connect, and between two pieces of the body
MAX_ATTEMPTS = 6  # without a mebibyte of progress
MAX_WAIT = 600  # seconds; a server may ask for more
# A server that sends less in so many seconds is left, and asked again: it would go on for years.
SLOW_SECONDS = 300
LEAST_BYTES = 300 * 2**10
# Sizes in the tables are rounded, some in units that are not sure: a file may be so many times larger, or smaller.
MOST_TIMES_OFF = 1.5
# Where nobody says how large a file is: six times as large as the largest of CC100.
MOST_BYTES = 500 * 10**9
CHANGED = "so the file has changed upstream; delete that line to accept the new one"
BUSY = (429, 500, 502, 503, 504)
# What file systems say that have no locks; of ENOSYS the package makes a lock of its own.
NO_LOCKS = (errno.ENOLCK, errno.ENOTSUP)
LOCK_COLUMNS = ("address", "sha256", "bytes", "date")
WEB_PAGE = re.compile(rb"(\xef\xbb\xbf)?\s*<(!doctype\s+html|html|head|body)\b", re.IGNORECASE)
LENGTH = "[0-9]{0,15}"
VERSION_HEADERS = ("ETag", "Last-Modified", "Content-Length")


@dataclass(frozen=True)
class Upstream:
    """What to fetch and what is known of it.

    Attributes:
        address: where it lies, http or https.
        sha256: its published digest; where there is none, the lock file decides.
        unverified: what the table of sources marks as not verified, for the messages.
        headers: to send with each request, to this host alone.
        advice: what to do where the file cannot be had; to look at the table of sources, where it is not given.
        size: about how many bytes it has; 0 where nobody knows.
    """

    address: str
    sha256: str = ""
    unverified: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    advice: str = ""
    size: int = 0


class _BrokenOffError(Exception):
    """Less came than there is, or something else; another attempt may do."""


def download(upstream: Upstream, output: Path, lock: Path | None, backoff: float = 1.0) -> None:
    """Fetch a file to `output`, going on from what an earlier attempt left of the same version.

    Args:
        lock: the lock file, a TSV of address, sha256, bytes, date; several processes may write it at once. None for an
            address whose content can never change.
        backoff: seconds to wait after a first failure, doubled with each further one.

    Raises:
        XlprobeError: the address is not http(s), the server refuses or stays busy, sends a web page in place of the
            file, or nothing, the disk is full, or the file is not the one that the table or the lock file knows, or has another size.
    """
    if not re.match("https?://", upstream.address):
        raise XlprobeError(f"{upstream.address}: only http and https addresses are fetched; correct the address")
    output.parent.mkdir(parents=True, exist_ok=True)
    advice = upstream.advice or f"{_marks(upstream)}; correct resources/sources.tsv, or put the file at {output} by hand"
    partial = _Partial(output, upstream.address)
    size = _known_size(upstream, lock, advice)
    with _session(backoff) as session:
        _receive_all(session, upstream, partial, size, backoff, advice)
    _verify(upstream, partial, lock, advice)
    with partial.path.open("rb") as stream:
        os.fsync(stream.fileno())
    partial.path.replace(output)
    partial.facts.unlink(missing_ok=True)


def recorded(lock: Path) -> dict[str, dict[str, str]]:
    """The lock file's rows by address; none where there is no file.

    Raises:
        XlprobeError: a line does not have the four columns, or an address has two.
    """
    found: dict[str, dict[str, str]] = {}
    for number, line in read_lines(lock) if lock.exists() else ():
        row = line.split("\t")
        if len(row) != len(LOCK_COLUMNS) or (number == 1) != (tuple(row) == LOCK_COLUMNS):
            raise XlprobeError(f"{lock}:{number}: expected the columns {', '.join(LOCK_COLUMNS)}; correct the line or delete it")
        if row[0] in found:
            raise XlprobeError(f"{lock}:{number}: {row[0]} stands here a second time; delete one of the two lines")
        if number > 1:
            found[row[0]] = dict(zip(LOCK_COLUMNS, row, strict=True))
    return found


@dataclass(frozen=True)
class _Size:
    """What is known of a file's size.

    Attributes:
        least: bytes that it must have.
        most: bytes that it may have.
        but: how a message goes on that says how many come.
    """

    least: int
    most: int
    but: str


def _known_size(upstream: Upstream, lock: Path | None, advice: str) -> _Size:
    row = recorded(lock).get(upstream.address) if lock and not upstream.sha256 else None
    if row and re.fullmatch("[0-9]{1,15}", row["bytes"]):
        return _Size(int(row["bytes"]), int(row["bytes"]), f"but {lock} has {row['bytes']} of {row['date']}, {CHANGED}")
    if upstream.size:
        # What is cut short has another digest than the published one.
        least = 0 if upstream.sha256 else int(upstream.size / MOST_TIMES_OFF)
        return _Size(least, int(MOST_TIMES_OFF * upstream.size), f"but it is known to have about {upstream.size:,}{advice}")
    return _Size(0, MOST_BYTES, f"more than any file that is read here{advice}")


class _Partial:
    """What has come of a file so far, and which version of it that is."""

    def __init__(self, output: Path, address: str) -> None:
        self.path = output.with_name(f"{output.name}.partial")
        self.facts = output.with_name(f"{output.name}.partial.json")
        self.address = address

    def version(self) -> dict[str, str]:
        """The headers of the version begun; nothing where no part of this address is there."""
        if not (self.path.exists() and self.facts.exists()):
            return {}
        facts: object = None
        with contextlib.suppress(XlprobeError, ValueError, RecursionError):
            facts = read_json(self.facts)
        if not isinstance(facts, dict) or not all(isinstance(facts.get(name), str) for name in ("address", *VERSION_HEADERS)):
            return {}
        return facts if facts["address"] == self.address and re.fullmatch(LENGTH, facts["Content-Length"]) else {}

    def begin(self, response: requests.Response) -> None:
        """Forget what is there and note the version that `response` begins."""
        self.path.unlink(missing_ok=True)
        write_json(self.facts, {"address": self.address} | {name: response.headers.get(name, "") for name in VERSION_HEADERS})

    def size(self) -> int:
        return self.path.stat().st_size if self.path.exists() else 0

    def forget(self) -> None:
        for file in (self.path, self.facts):
            file.unlink(missing_ok=True)


class _Patience(Retry):
    """Waits as long as a server asks, up to a limit; nonsense asks for nothing."""

    def parse_retry_after(self, retry_after: str) -> float:
        try:
            return super().parse_retry_after(retry_after)
        except (InvalidHeader, ValueError, OverflowError):
            return 0


def _session(backoff: float) -> requests.Session:
    """A session that repeats what fails before a body begins, waiting as long as the server asks."""
    retry = _Patience(
        total=MAX_ATTEMPTS,
        backoff_factor=backoff,
        backoff_max=MAX_WAIT,
        retry_after_max=MAX_WAIT,
        status_forcelist=BUSY,
        raise_on_status=False,
    )
    session = requests.Session()
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(max_retries=retry))
    # Bytes as they lie on the server: an archive that is unpacked on the way would have another digest.
    session.headers.update({"Accept-Encoding": "identity", "User-Agent": "xlprobe"})
    return session


def _receive_all(session: requests.Session, upstream: Upstream, partial: _Partial, size: _Size, backoff: float, advice: str) -> None:
    failures, most = 0, partial.size()
    while True:
        try:
            return _receive(session, upstream, partial, size, advice)
        # Addresses that a server leads to may be none.
        except (requests.RequestException, ValueError) as error:
            raise XlprobeError(f"{upstream.address}: could not be fetched ({_reason(error)}){advice}") from None
        except OSError as error:
            raise XlprobeError(
                f"{partial.path}: cannot be written ({error.strerror}); what has come is kept, so make room and run again"
            ) from None
        except (_BrokenOffError, HTTPError) as error:
            failures += 1
            if partial.size() >= most + MEBIBYTE:
                failures, most = 0, partial.size()
            if failures == MAX_ATTEMPTS:
                raise XlprobeError(
                    f"{upstream.address}: breaks off after {partial.size()} bytes each time ({_reason(error)}){advice}"
                ) from None
            logging.warning("%s: broke off after %d bytes (%s); going on", upstream.address, partial.size(), _reason(error))
            time.sleep(min(MAX_WAIT, backoff * 2**failures))


def _receive(session: requests.Session, upstream: Upstream, partial: _Partial, size: _Size, advice: str) -> None:
    """One attempt at what is still missing of the file."""
    version, start = partial.version(), partial.size()
    if start and version.get("Content-Length") == str(start):
        return
    validator = _validator(version)
    headers = {"Range": f"bytes={start}-", "If-Range": validator} if start and validator else {}
    with session.get(upstream.address, headers={**upstream.headers, **headers}, stream=True, timeout=TIMEOUTS) as response:
        length = response.headers.get("Content-Length", "")
        if not re.fullmatch(LENGTH, length):
            raise XlprobeError(f"{upstream.address}: the server says that it sends {length[:100]!r} bytes{advice}")
        if headers and response.status_code in (206, 416):
            if not _continues(response, start, version):
                partial.forget()
                raise _BrokenOffError("the server has another version by now")
        elif response.status_code != 200:
            raise XlprobeError(f"{upstream.address}: the server answered {response.status_code} {response.reason}{advice}")
        elif response.headers.get("Content-Type", "").startswith("text/html"):
            raise XlprobeError(f"{upstream.address}: the server sent a web page in place of the file{advice}")
        elif length and not size.least <= int(length) <= size.most:
            raise XlprobeError(f"{upstream.address}: the server has {int(length):,} bytes, {size.but}")
        else:
            partial.begin(response)
        with partial.path.open("ab") as stream:
            for piece in _pieces(response, partial.path.name.removesuffix(".partial"), int(length or 0)):
                if stream.tell() + len(piece) > size.most:
                    partial.forget()
                    raise XlprobeError(f"{upstream.address}: the server sends more than {size.most:,} bytes, {size.but}")
                stream.write(piece)
    # A server that says no length may break off, and nothing else would tell.
    told, came = partial.version()["Content-Length"], partial.size()
    if came < size.least or (told and came != int(told)):
        raise _BrokenOffError(f"{came} of {told or f'at least {size.least}'} bytes came")


def _continues(response: requests.Response, start: int, version: dict[str, str]) -> bool:
    """Whether a response holds the rest of the version begun, also by the word of a server that ignores If-Range."""
    found = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", ""))
    if not found or int(found[1]) != start or found[2] not in ("*", version["Content-Length"] or found[2]):
        return False
    return all(response.headers.get(name, version[name]) == version[name] for name in ("ETag", "Last-Modified"))


def _validator(version: dict[str, str]) -> str:
    """What tells a version from others in If-Range: a strong ETag, else the time of change."""
    etag = version.get("ETag", "")
    return etag if etag and not etag.startswith("W/") else version.get("Last-Modified", "")


def _pieces(response: requests.Response, name: str, length: int) -> Iterator[bytes]:
    """The body in pieces of a mebibyte, the last one as long as what has come."""
    return progress(_received(response), f"fetching {name}", "MiB", -(-length // MEBIBYTE) or None)


def _received(response: requests.Response) -> Iterator[bytes]:
    piece, since, came = bytearray(), time.monotonic(), 0
    try:
        # As it comes, so that the time can be looked at; a body that ends before its Content-Length raises IncompleteRead here.
        while data := response.raw.read1(MEBIBYTE, decode_content=False):
            piece += data
            came += len(data)
            if len(piece) >= MEBIBYTE:
                yield bytes(piece)
                piece.clear()
            if time.monotonic() > since + SLOW_SECONDS:
                if came < LEAST_BYTES:
                    raise _BrokenOffError(f"only {came} bytes in {SLOW_SECONDS} seconds")
                since, came = time.monotonic(), 0
    except Exception:
        yield bytes(piece)
        raise
    yield bytes(piece)


def _verify(upstream: Upstream, partial: _Partial, lock: Path | None, advice: str) -> None:
    found, size = sha256(partial.path), partial.size()
    try:
        # What no table and no lock file knows is known to whoever asks: the hub tells digests of its own.
        if (lock or upstream.sha256) and found != upstream.sha256 and (fault := _fault(partial.path)):
            raise XlprobeError(f"{upstream.address}: the server sent {fault} in place of the file{advice}")
        if not upstream.sha256:
            if lock:
                match_lock(upstream.address, found, size, lock)
        elif found != upstream.sha256:
            raise XlprobeError(
                f"{upstream.address}: sha256 is {found} ({size} bytes), but resources/sources.tsv has {upstream.sha256}{advice}"
            )
    except XlprobeError:
        partial.forget()
        raise


def _fault(partial: Path) -> str | None:
    """What came, where its first bytes show that it is no such file."""
    with partial.open("rb") as stream:
        head = stream.read(1024)
    if not head:
        return "nothing"
    if WEB_PAGE.match(head):
        return "a web page"
    if head.startswith(GIT_LFS_POINTER):
        return "a git-LFS pointer"
    suffix = Path(partial.name.removesuffix(".partial")).suffix.lower()
    suffix = {".tgz": ".gz", ".txz": ".xz"}.get(suffix, suffix)
    # Text and archives are read by what they begin with, whichever of the formats their names say.
    packed = tuple(start for known in FORMATS.values() for start in known.starts)
    starts = (b"PK",) if suffix == ".zip" else packed if suffix in FORMATS else (b"",)
    return None if head.startswith(starts) else f"what is no {suffix} data"


def match_lock(address: str, found: str, size: int, lock: Path) -> None:
    """Compare a download with the lock file, or record it there when it is the first.

    Raises:
        XlprobeError: the lock file has another digest or size of that address.
    """
    lock.parent.mkdir(parents=True, exist_ok=True)
    with _held(lock):
        rows = recorded(lock)
        if address not in rows:
            date = datetime.datetime.now(datetime.UTC).date().isoformat()
            rows[address] = dict(zip(LOCK_COLUMNS, (address, found, str(size), date), strict=True))
            _write_lock(lock, rows)
            return
    row = rows[address]
    if (row["sha256"], row["bytes"]) != (found, str(size)):
        known = f"{row['sha256']} ({row['bytes']} bytes) of {row['date']}"
        raise XlprobeError(f"{address}: sha256 is {found} ({size} bytes), but {lock} has {known}, {CHANGED}")


@contextlib.contextmanager
def _held(lock: Path) -> Iterator[None]:
    """Keep other downloads from writing the lock file at the same time, where the file system can."""
    busy = FileLock(lock.with_name(f".{lock.name}.busy"))
    try:
        busy.acquire()
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
        logging.warning("%s: cannot be kept from other downloads, since there are no locks here (%s); run one at a time", lock, error)
    try:
        yield
    finally:
        busy.release()


def _write_lock(lock: Path, rows: dict[str, dict[str, str]]) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, LOCK_COLUMNS, delimiter="\t", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows[address] for address in sorted(rows))
    write_text(lock, text.getvalue())


def _marks(upstream: Upstream) -> str:
    return f" (resources/sources.tsv marks it as unverified: {upstream.unverified})" if upstream.unverified else ""


def _reason(error: Exception) -> str:
    """The innermost cause, on one line."""
    while isinstance(error.args[0] if error.args else None, Exception):
        error = error.args[0]
    return " ".join(str(getattr(error, "reason", None) or error).split()) or type(error).__name__
