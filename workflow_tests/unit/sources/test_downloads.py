import errno
import fcntl
import gzip
import os
import resource
import signal
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from hashlib import sha256
from pathlib import Path
from random import Random

import pytest
from upstream_server import Answer, UpstreamServer

from xlprobe.errors import XlprobeError
from xlprobe.files import read_lines
from xlprobe.paths import PROJECT
from xlprobe.sources.downloads import Upstream, download, recorded

CONTENT = Random(1).randbytes(3_000_000)
OTHER = Random(2).randbytes(3_000_000)


def digest(content: bytes) -> str:
    return sha256(content).hexdigest()


@pytest.fixture
def fetch(tmp_path):
    """Download an address to tmp_path/data/file and return its content."""

    def fetch(address: str, known: str = "", unverified: str = "", backoff: float = 0.0, size: int = 0) -> bytes:
        output = tmp_path / "data" / "file"
        download(Upstream(address, known, unverified, size=size), output, tmp_path / "lock.tsv", backoff)
        assert sorted(path.name for path in output.parent.iterdir()) == ["file"], "something stays behind"
        return output.read_bytes()

    return fetch


def refused(fetch, tmp_path: Path, *arguments: str, kept: bool = False, size: int = 0) -> str:
    """The one sentence that a download is refused with; nothing lands, and nothing is kept unless it can be gone on from."""
    with pytest.raises(XlprobeError) as caught:
        fetch(*arguments, size=size)
    assert not (tmp_path / "data" / "file").exists() and "\n" not in str(caught.value)
    assert (tmp_path / "data" / "file.partial").exists() == kept
    return str(caught.value)


def test_a_file_is_fetched_and_verified(upstream, fetch, tmp_path):
    assert fetch(upstream.publish("a", CONTENT), digest(CONTENT)) == CONTENT
    assert not (tmp_path / "lock.tsv").exists(), "a published digest needs no lock"


def test_a_connection_that_drops_is_gone_on_from(upstream, fetch):
    address = upstream.publish("a", CONTENT, Answer(cut=1_000_000), Answer(cut=500_000))
    assert fetch(address) == CONTENT
    assert upstream.ranges() == [None, "bytes=1000000-", "bytes=1500000-"] and upstream.sent == len(CONTENT)


def test_a_body_shorter_than_it_says_is_never_accepted(upstream, fetch, tmp_path):
    address = upstream.publish("a", CONTENT, Answer(cut=1_000_000), forever=True, ranges=False)
    message = refused(fetch, tmp_path, address, kept=True)
    assert message.startswith(f"{address}: breaks off after 1000000 bytes each time") and len(upstream.asked) == 6


def test_a_server_that_ignores_ranges_sends_all_anew(upstream, fetch):
    assert fetch(upstream.publish("a", CONTENT, Answer(cut=1_000_000), ranges=False)) == CONTENT
    assert upstream.ranges() == [None, "bytes=1000000-"]


def test_what_cannot_be_told_from_other_versions_is_not_gone_on_from(upstream, fetch):
    assert fetch(upstream.publish("a", CONTENT, Answer(cut=1_000_000), validator="")) == CONTENT
    assert upstream.ranges() == [None, None]


def test_a_weak_etag_is_passed_over_for_the_time_of_change(upstream, fetch):
    assert fetch(upstream.publish("a", CONTENT, Answer(cut=1_000_000), validator="Last-Modified")) == CONTENT
    assert upstream.sent == len(CONTENT)


@pytest.mark.parametrize("if_range", [True, False], ids=["heeds If-Range", "ignores If-Range"])
def test_parts_of_two_versions_are_never_glued(upstream, fetch, tmp_path, if_range):
    address = upstream.publish("a", CONTENT, Answer(cut=1_000_000), Answer(404), if_range=if_range)
    refused(fetch, tmp_path, address, kept=True)
    upstream.publish("a", OTHER, if_range=if_range)
    assert fetch(address) == OTHER


def test_a_part_of_another_address_is_not_gone_on_from(upstream, fetch, tmp_path):
    alike = {"validator": "", "headers": {"ETag": '"1"'}, "if_range": False}
    refused(fetch, tmp_path, upstream.publish("a", CONTENT, Answer(cut=1_000_000), Answer(404), **alike), kept=True)
    assert fetch(upstream.publish("b", OTHER, **alike)) == OTHER


def test_a_part_that_was_whole_is_not_fetched_again(upstream, fetch, tmp_path):
    address = upstream.publish("a", CONTENT, Answer(cut=1_000_000), Answer(404))
    refused(fetch, tmp_path, address, kept=True)
    (tmp_path / "data" / "file.partial").write_bytes(CONTENT)
    assert fetch(address) == CONTENT and len(upstream.asked) == 2


def test_redirects_are_followed(upstream, fetch):
    address = upstream.publish("new", CONTENT)
    assert fetch(upstream.publish("old", b"", Answer(302, {"Location": address}))) == CONTENT


def test_a_busy_server_is_asked_again_when_it_says_so(upstream, fetch):
    begin = time.monotonic()
    assert fetch(upstream.publish("a", CONTENT, Answer(503, {"Retry-After": "1"}), Answer(429))) == CONTENT
    assert time.monotonic() - begin >= 1 and len(upstream.asked) == 3


def test_a_server_that_stays_busy_is_given_up(upstream, fetch, tmp_path):
    assert "the server answered 503" in refused(fetch, tmp_path, upstream.publish("a", b"", Answer(503), forever=True))


def test_an_address_that_is_gone_says_what_to_do(upstream, fetch, tmp_path):
    address = f"{upstream.address}/gone"
    assert refused(fetch, tmp_path, address, "", "file name") == (
        f"{address}: the server answered 404 Not Found (resources/sources.tsv marks it as unverified: file name);"
        f" correct resources/sources.tsv, or put the file at {tmp_path / 'data' / 'file'} by hand"
    )


def test_a_server_that_is_not_there_is_named(fetch, tmp_path, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    message = refused(fetch, tmp_path, "http://127.0.0.1:9/a")
    assert message.startswith("http://127.0.0.1:9/a: could not be fetched (") and "refused" in message


def test_a_web_page_in_place_of_a_file_is_refused(upstream, fetch, tmp_path):
    address = upstream.publish("a", b"<html>Sign in</html>", headers={"Content-Type": "text/html; charset=utf-8"})
    assert "sent a web page in place of the file" in refused(fetch, tmp_path, address)


def test_a_full_disk_is_told_and_what_came_is_kept(upstream, fetch, tmp_path):
    address, limit = upstream.publish("a", CONTENT), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**21, limit[1]))
    try:
        message = refused(fetch, tmp_path, address, kept=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert message.startswith(f"{tmp_path}/data/file.partial: cannot be written (File too large); what has come is kept, so make room")
    assert fetch(address) == CONTENT and upstream.sent < 2 * len(CONTENT)


@pytest.mark.parametrize("address", ["file:///etc/passwd", "ftp://127.0.0.1/a"])
def test_only_http_is_fetched(upstream, fetch, tmp_path, address):
    assert refused(fetch, tmp_path, address) == f"{address}: only http and https addresses are fetched; correct the address"
    assert "could not be fetched" in refused(fetch, tmp_path, upstream.publish("a", b"", Answer(302, {"Location": address})))


def test_an_archive_is_not_unpacked_on_the_way(upstream, fetch):
    content = gzip.compress(CONTENT)
    assert fetch(upstream.publish("a.gz", content, headers={"Content-Encoding": "gzip"})) == content


def test_a_wrong_digest_is_refused_and_the_next_attempt_starts_anew(upstream, fetch, tmp_path):
    message = refused(fetch, tmp_path, address := upstream.publish("a", OTHER), digest(CONTENT))
    assert message.startswith(f"{address}: sha256 is {digest(OTHER)} (3000000 bytes), but resources/sources.tsv has {digest(CONTENT)};")
    upstream.publish("a", CONTENT)
    assert fetch(address, digest(CONTENT)) == CONTENT


def test_the_first_download_is_recorded_and_later_ones_must_match(upstream, fetch, tmp_path):
    address, lock = upstream.publish("a", CONTENT), tmp_path / "lock.tsv"
    fetch(address)
    assert recorded(lock)[address]["sha256"] == digest(CONTENT) and recorded(lock)[address]["bytes"] == "3000000"
    fetch(address)
    (tmp_path / "data" / "file").unlink()
    upstream.publish("a", OTHER)
    message = refused(fetch, tmp_path, address)
    assert message.startswith(
        f"{address}: sha256 is {digest(OTHER)} (3000000 bytes), but {lock} has {digest(CONTENT)} (3000000 bytes) of 20"
    )
    assert message.endswith("so the file has changed upstream; delete that line to accept the new one")
    lock.write_text(lock.read_text().splitlines()[0] + "\n")
    assert fetch(address) == OTHER


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS])
def test_a_download_is_recorded_where_the_file_system_has_no_locks(upstream, tmp_path, monkeypatch, caplog, number):
    def refuse(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", refuse)
    address, lock = upstream.publish("a", CONTENT), tmp_path / "lock.tsv"
    download(Upstream(address), tmp_path / "a", lock)
    assert recorded(lock)[address]["sha256"] == digest(CONTENT)
    assert ("there are no locks here" in caplog.text) == (number != errno.ENOSYS)


def test_a_line_of_the_lock_that_cannot_be_read_is_named(tmp_path):
    lock = tmp_path / "lock.tsv"
    lock.write_text("address\tsha256\tbytes\tdate\nhttp://x\tab\n")
    with pytest.raises(XlprobeError, match=r"lock.tsv:2: expected the columns address, sha256, bytes, date; correct the line"):
        recorded(lock)
    lock.write_text("address\tsha256\tbytes\tdate\n" + "http://x\tab\t1\t2026-01-01\n" * 2)
    with pytest.raises(XlprobeError, match=r"lock.tsv:3: http://x stands here a second time; delete one of the two lines"):
        recorded(lock)


def download_one(address: str, output: Path, lock: Path) -> None:
    download(Upstream(address), output, lock)


def test_processes_write_the_lock_at_once(upstream, tmp_path):
    addresses = [upstream.publish(f"f{n}", b"%d" % n) for n in range(24)]
    with ProcessPoolExecutor(4) as pool:
        done = [pool.submit(download_one, address, tmp_path / "data" / address[-3:], tmp_path / "lock.tsv") for address in addresses]
        [job.result() for job in done]
    assert sorted(recorded(tmp_path / "lock.tsv")) == sorted(addresses)


def test_a_killed_download_goes_on(upstream, fetch, tmp_path):
    address = upstream.publish("a", CONTENT, Answer(pause=0.02))
    partial = tmp_path / "data" / "file.partial"
    command = [sys.executable, "scripts/download_source.py", "--address", address, "--output", tmp_path / "data" / "file"]
    process = subprocess.Popen([*command, "--lock", tmp_path / "lock.tsv"], cwd=PROJECT, env=os.environ)
    while not (partial.exists() and partial.stat().st_size):
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    came = partial.stat().st_size
    assert 0 < came < len(CONTENT)
    assert fetch(address) == CONTENT
    assert upstream.ranges() == [None, f"bytes={came}-"]


def test_a_fault_ends_the_script_in_one_sentence(upstream, tmp_path):
    command = [sys.executable, "scripts/download_source.py", "--address", f"{upstream.address}/gone", "--output", tmp_path / "file"]
    done = subprocess.run([*command, "--lock", tmp_path / "lock.tsv"], cwd=PROJECT, capture_output=True, text=True)
    assert done.returncode == 1 and done.stderr.startswith("error: http") and done.stderr.count("\n") == 1


LIES = {
    "a length that is no number": ({"Content-Length": "abc"}, b"x", "the server says that it sends 'abc' bytes"),
    "a length below zero": ({"Content-Length": "-5"}, b"x", "the server says that it sends '-5' bytes"),
    "a length of 5,000 digits": ({"Content-Length": "9" * 5000}, b"x", "the server says that it sends '9999"),
    "two lengths": ({"Content-Length": "3|4"}, b"xyz", "Content-Length contained multiple unmatching values"),
    "an empty body": ({"Content-Length": "0"}, b"", "the server sent nothing in place of the file"),
    "an empty body without a length": ({}, b"", "the server sent nothing in place of the file"),
    "a page that is not called one": ({"Content-Length": "26"}, b"\n<!DOCTYPE html><html>Log in", "the server sent a web page in place"),
    "a pointer": ({}, b"version https://git-lfs.github.com/spec/v1\noid", "the server sent a git-LFS pointer in place"),
    "a terabyte": ({"Content-Length": str(10**12)}, b"x", "the server has 1,000,000,000,000 bytes, more than any file that is read here"),
    "a part that was not asked for": ({"Content-Range": "bytes 5-9/10"}, b"x", "the server answered 206"),
}


@pytest.mark.parametrize("lie", LIES)
def test_what_is_no_file_locks_no_digest(upstream, fetch, tmp_path, lie):
    headers, body, message = LIES[lie]
    address = upstream.publish("a", b"", Answer(206 if "part" in lie else 200, headers, body=body), forever=True)
    assert message in refused(fetch, tmp_path, address) and not (tmp_path / "lock.tsv").exists()


def test_what_does_not_begin_as_its_name_says_locks_no_digest(upstream, tmp_path):
    for name in ("a.xz", "a.tgz", "a.zip"):
        with pytest.raises(XlprobeError, match=r"the server sent what is no \.\w+ data in place of the file"):
            download(Upstream(upstream.publish(name, b"Not today.")), tmp_path / name, tmp_path / "lock.tsv")
    assert not (tmp_path / "lock.tsv").exists()
    content = gzip.compress(b"x")
    download(Upstream(upstream.publish("b.tgz", content)), tmp_path / "b.tgz", tmp_path / "lock.tsv")
    assert (tmp_path / "b.tgz").read_bytes() == content


def test_a_name_of_one_format_may_hold_another_that_is_read(upstream, tmp_path):
    for suffix in (".xz", ".zst", ".bz2"):
        output, content = tmp_path / f"a{suffix}", gzip.compress(b"text\n")
        download(Upstream(upstream.publish(output.name, content)), output, tmp_path / "lock.tsv")
        assert list(read_lines(output)) == [(1, "text")]


def test_less_than_a_file_has_locks_no_digest(upstream, fetch, tmp_path):
    half, least = Answer(200, {}, body=CONTENT[:1_500_000]), "at least 2000000"
    address = upstream.publish("a", b"", half, forever=True)
    message = refused(fetch, tmp_path, address, size=len(CONTENT), kept=True)
    assert message.startswith(f"{address}: breaks off after 1500000 bytes each time (1500000 of {least} bytes came)")
    message = refused(fetch, tmp_path, upstream.publish("b", CONTENT[:1_999_999]), size=len(CONTENT), kept=True)
    assert "the server has 1,999,999 bytes, but it is known to have about 3,000,000" in message
    assert not (tmp_path / "lock.tsv").exists()
    assert fetch(upstream.publish("c", CONTENT[:2_000_000]), size=len(CONTENT)) == CONTENT[:2_000_000]
    # Of a published digest nothing else need be known.
    assert fetch(upstream.publish("d", CONTENT), digest(CONTENT), size=9_000_000) == CONTENT


def test_more_than_a_file_has_is_cut_off(upstream, fetch, tmp_path):
    endless = Answer(200, {}, body=CONTENT * 4)
    address = upstream.publish("a", b"", endless, forever=True)
    message = refused(fetch, tmp_path, address, size=2_000_000)
    assert "the server sends more than 3,000,000 bytes, but it is known to have about 2,000,000" in message
    message = refused(fetch, tmp_path, upstream.publish("b", CONTENT), size=1_999_999)
    assert "the server has 3,000,000 bytes, but it is known to have about 1,999,999" in message
    assert fetch(upstream.publish("c", CONTENT), size=2_000_000) == CONTENT


@pytest.mark.parametrize("change", [1, -1])
def test_a_size_that_the_lock_does_not_have_is_refused_at_once(upstream, fetch, tmp_path, change):
    address = upstream.publish("a", CONTENT)
    fetch(address)
    (tmp_path / "data" / "file").unlink()
    upstream.publish("a", CONTENT[:-1] if change < 0 else CONTENT + b"x")
    sent = upstream.sent
    message = refused(fetch, tmp_path, address)
    assert f"the server has {len(CONTENT) + change:,} bytes, but {tmp_path / 'lock.tsv'} has 3000000 of 20" in message
    assert message.endswith("delete that line to accept the new one") and upstream.sent - sent <= 2**20


def test_a_part_that_is_not_the_rest_is_not_glued(upstream, fetch):
    lies = [Answer(206, {"Content-Range": told}, body=b"x" * 99) for told in ("bytes 0-98/3000000", "bytes 1000000-1000098/99", "junk")]
    address = upstream.publish("a", CONTENT, Answer(cut=1_000_000), *lies)
    for _ in lies:
        upstream.files["/a"].answers.insert(2, Answer(cut=1_000_000))
    assert fetch(address) == CONTENT


@pytest.mark.parametrize("asked", ["-5", "soon", "9" * 5000, "Sun, 06 Nov 1994 08:49:37 GMT", "1e9", ""])
def test_a_wait_that_makes_no_sense_is_none(upstream, fetch, asked):
    begin = time.monotonic()
    assert fetch(upstream.publish("a", CONTENT, Answer(503, {"Retry-After": asked}))) == CONTENT
    assert time.monotonic() - begin < 5


def test_a_wait_has_a_limit(upstream, fetch, monkeypatch):
    waits: list[float] = []
    monkeypatch.setattr("urllib3.util.retry.time.sleep", waits.append)
    answers = [Answer(503, {"Retry-After": asked}) for asked in ("1000000000", "Fri, 31 Dec 9999 23:59:59 GMT")]
    assert fetch(upstream.publish("a", CONTENT, *answers)) == CONTENT
    assert [wait for wait in waits if wait] == [600, 600]


def test_a_server_that_drips_is_given_up(upstream, fetch, tmp_path, monkeypatch):
    monkeypatch.setattr("xlprobe.sources.downloads.SLOW_SECONDS", 0.05)
    drip = Answer(200, {"Content-Length": "3000000", "ETag": '"1"'}, body=CONTENT[: 3 * 2**14], pause=0.06)
    message = refused(fetch, tmp_path, upstream.publish("a", b"", drip, forever=True), kept=True)
    assert "bytes each time (only " in message and "in 0.05 seconds" in message and len(upstream.asked) <= 7


def test_what_is_sent_to_one_host_alone_is_not_sent_to_another(upstream, tmp_path):
    other = UpstreamServer()
    address = upstream.publish("a", b"", Answer(302, {"Location": other.publish("a", CONTENT)}))
    download(Upstream(address, digest(CONTENT), headers={"Authorization": "Bearer x"}), tmp_path / "a", None)
    other.server.shutdown()
    other.server.server_close()
    assert upstream.asked[0][1]["Authorization"] == "Bearer x" and "Authorization" not in other.asked[0][1]


def test_a_server_that_leads_in_a_circle_is_left(upstream, fetch, tmp_path):
    address = f"{upstream.address}/a"
    upstream.publish("a", b"", Answer(302, {"Location": address}), forever=True)
    assert "could not be fetched (Exceeded 30 redirects" in refused(fetch, tmp_path, address)
    for place in ("http://[", "http://\xff.\xff", "http://a:b:c/", "data:,x"):
        assert "could not be fetched" in refused(fetch, tmp_path, upstream.publish("b", b"", Answer(302, {"Location": place})))


def test_notes_of_a_part_that_make_no_sense_are_forgotten(upstream, fetch, tmp_path):
    address = upstream.publish("a", CONTENT)
    for facts in (
        b"",
        b"[]",
        b'{"address": 5}',
        b"[" * 99_999,
        b'{"address": "%b", "ETag": "", "Last-Modified": "", "Content-Length": "x"}',
    ):
        (tmp_path / "data").mkdir(exist_ok=True)
        (tmp_path / "data" / "file.partial").write_bytes(b"part")
        (tmp_path / "data" / "file.partial.json").write_bytes(facts.replace(b"%b", address.encode()))
        assert fetch(address) == CONTENT
