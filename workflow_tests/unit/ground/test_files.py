import errno
import fcntl
import gzip
import lzma
import os
import subprocess
import sys
import zipfile

import pytest
from backports import zstd

from xlprobe import files
from xlprobe.errors import FormatError, XlprobeError
from xlprobe.files import atomic_path, atomic_zstd_writer, read_json, read_lines, write_json

LINES = ["first", "", "U+001D \x1d and U+2028 \u2028 do not end a line", "naïve Ω"]
CONTENT = ("\ufeff" + "\r\n".join(LINES) + "\r\n").encode()


def zstd_in_two_frames(data: bytes) -> bytes:
    return zstd.compress(data[:10]) + zstd.compress(data[10:])


@pytest.mark.parametrize("compress", [bytes, gzip.compress, lzma.compress, zstd_in_two_frames])
def test_lines_are_read_compressed_or_plain(tmp_path, compress):
    path = tmp_path / "text"  # the name does not say the compression
    path.write_bytes(compress(CONTENT))
    assert list(read_lines(path)) == list(enumerate(LINES, 1))


def test_files_that_were_put_together_keep_no_byte_order_mark(tmp_path):
    path = tmp_path / "text"
    path.write_bytes(gzip.compress(CONTENT) + gzip.compress(CONTENT))
    assert [line for _, line in read_lines(path)] == LINES * 2


def test_bytes_that_are_not_utf8_are_reported_with_their_line(tmp_path):
    path = tmp_path / "text"
    path.write_bytes(b"good\n\xff\xfe bad\n")
    with pytest.raises(FormatError, match=r"text:2: found bytes that are not UTF-8 .* expected UTF-8"):
        list(read_lines(path))


@pytest.mark.parametrize("compress", [gzip.compress, lzma.compress, zstd.compress])
def test_truncated_compression_is_reported(tmp_path, compress):
    path = tmp_path / "text"
    path.write_bytes(compress(CONTENT * 1000)[:-20])
    with pytest.raises(XlprobeError, match="breaks off or is corrupt"):
        list(read_lines(path))


def test_a_git_lfs_pointer_is_not_data(tmp_path):
    path = tmp_path / "text"
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    with pytest.raises(XlprobeError, match="git-LFS pointer"):
        list(read_lines(path))


def test_real_specimen_of_a_git_lfs_pointer(real_data):
    with pytest.raises(XlprobeError, match="git-LFS pointer"):
        list(read_lines(real_data / "specimens" / "lfs_pointer.test-en.tsv"))


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(RuntimeError), atomic_path(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    with pytest.raises(RuntimeError), atomic_zstd_writer(path) as stream:
        stream.write(b"half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["file"]


WRITE_SLOWLY = """
import sys, time
from pathlib import Path
from xlprobe.files import atomic_path
with atomic_path(Path(sys.argv[1])) as temporary:
    temporary.write_text("half")
    print("writing", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def writer(tmp_path):
    """A process that is writing `file`."""
    environment = os.environ | {"PYTHONPATH": str(files.__file__).removesuffix("/xlprobe/files.py")}
    command = [sys.executable, "-c", WRITE_SLOWLY, tmp_path / "file"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        yield process
        process.kill()


def parts(folder):
    return [path for path in folder.iterdir() if path.suffix == ".part"]


def test_what_a_killed_job_left_goes_at_its_next_start_and_what_is_being_written_stays(tmp_path, writer):
    write_json(tmp_path / "file", 1)
    write_json(tmp_path / "other", 1)
    assert len(parts(tmp_path)) == 1
    writer.kill()
    writer.wait()
    write_json(tmp_path / "other", 1)
    assert len(parts(tmp_path)) == 1
    write_json(tmp_path / "file", 2)
    assert not parts(tmp_path) and read_json(tmp_path / "file") == 2


@pytest.mark.parametrize("cause", ["another machine", "no locks"])
def test_what_may_be_written_elsewhere_goes_after_a_day(tmp_path, monkeypatch, cause):
    part = tmp_path / f".file.{'elsewhere' if cause == 'another machine' else files.MACHINE}.abcdefgh.part"
    part.write_text("half")
    if cause == "no locks":

        def refuse(*_):
            raise OSError(errno.ENOLCK, "No locks available")

        monkeypatch.setattr(fcntl, "flock", refuse)
    write_json(tmp_path / "file", 1)
    assert parts(tmp_path) == [part]
    os.utime(part, (part.stat().st_mtime - files.LEFT_OVER_SECONDS - 10,) * 2)
    write_json(tmp_path / "file", 1)
    assert not parts(tmp_path) and read_json(tmp_path / "file") == 1


def test_a_file_that_is_taken_for_left_over_before_it_is_locked_is_made_again(tmp_path, monkeypatch):
    lock, taken = fcntl.flock, []

    def late(descriptor, operation):
        if not taken:
            taken.extend(parts(tmp_path))
            taken[0].unlink()
        lock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", late)
    write_json(tmp_path / "file", 1)
    assert taken and read_json(tmp_path / "file") == 1


def test_zstd_written_is_read_back(tmp_path):
    with atomic_zstd_writer(tmp_path / "file") as stream:
        stream.write("one\ntwo ä\n".encode())
    assert list(read_lines(tmp_path / "file")) == [(1, "one"), (2, "two ä")]


def test_damage_of_what_is_written_is_seen(tmp_path):
    """Whichever bit is flipped: the text is as it was, or refused."""
    path = tmp_path / "file.zst"
    with atomic_zstd_writer(path) as stream:
        stream.write(b"one two three\n" * 20)
    content, refused = path.read_bytes(), 0
    for bit in range(8 * len(content)):
        path.write_bytes(content[: bit // 8] + bytes([content[bit // 8] ^ 1 << bit % 8]) + content[bit // 8 + 1 :])
        try:
            assert [line for _, line in read_lines(path)] == ["one two three"] * 20
        except XlprobeError:
            refused += 1
    assert refused > 7 * len(content)


def test_equal_values_give_equal_json(tmp_path):
    write_json(tmp_path / "a", {"x": 1, "y": [2]})
    write_json(tmp_path / "b", {"y": [2], "x": 1})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert read_json(tmp_path / "a") == {"x": 1, "y": [2]}


def test_json_faults_name_file_and_line(tmp_path):
    (tmp_path / "bad").write_text('{\n"x": }')
    with pytest.raises(XlprobeError, match="bad:2: not JSON"):
        read_json(tmp_path / "bad")


def test_what_is_left_over_goes_where_locks_need_a_file_open_for_writing(tmp_path, monkeypatch):
    """As on NFS."""
    lock = fcntl.flock

    def of_nfs(stream, operation):
        descriptor = stream if isinstance(stream, int) else stream.fileno()
        if fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
            raise OSError(errno.EBADF, "Bad file descriptor")
        lock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", of_nfs)
    (tmp_path / f".file.{files.MACHINE}.abcdefgh.part").write_text("half")
    write_json(tmp_path / "file", 1)
    assert not parts(tmp_path)


@pytest.mark.parametrize("error", [MemoryError("full"), OSError(errno.EACCES, "x")])
def test_a_state_that_cannot_be_read_now_is_not_to_be_deleted(tmp_path, monkeypatch, error):
    def fail(_):
        raise error

    zipfile.ZipFile(tmp_path / "step_5.pt", "w").close()
    monkeypatch.setattr(zipfile.ZipFile, "testzip", fail)
    with pytest.raises(
        (MemoryError, XlprobeError), match=r"^full$|step_5\.pt: cannot be read \(Permission denied\); expected a file"
    ) as caught:
        files.check_state(tmp_path / "step_5.pt")
    assert "delete" not in str(caught.value)
